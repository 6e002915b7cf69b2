package projection

import (
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// readAmounts mentions the lots of which an event uses up, packs or unpacks an amount, if it names a lot beside the
// class and not with it: in the query of its link, or in an extension. The lot has the role of the class, which is
// mentioned, too.
func (e *entry) readAmounts(ev *epcis.Event, r *bodyReader, roleOf func(field string) Role) {
	for _, o := range ev.OfLots {
		role := roleOf(o.Field)
		if o.IsItem() || !role.Consumes() && !role.Child() {
			continue
		}
		quantity, alone := "", true
		for _, m := range ev.Mentions {
			if m.Field == o.Field && m.URI == o.Thing {
				alone, quantity = quantity == "", amountOf(m)
			}
		}
		alone = alone && !slices.ContainsFunc(ev.OfLots, func(other epcis.OfLot) bool {
			return other.Thing == o.Thing && other.Field == o.Field && other.Lot != o.Lot
		})
		switch {
		case alone:
		case role == RoleChildClassDelete || role == RoleChildDelete:
			continue // nobody knows how much of which lot was taken out, so it counts as inside
		default:
			quantity = ""
		}
		if role != RoleChildClassAdd && role != RoleChildClassDelete {
			quantity = ""
		}
		e.mentions = append(e.mentions, mention{node: r.name(spaceThing, o.Lot, KindClass), role: role, quantity: quantity})
	}
}

// readLots mentions the lots that an event names beside its things, and the items of each.
func (e *entry) readLots(all []epcis.OfLot, r *bodyReader) {
	if len(all) == 0 {
		return
	}
	type lot struct {
		number   int
		produced bool
	}
	lots, items := map[string]lot{}, map[string][]int{}
	var lotOrder, itemOrder []string
	for _, o := range all {
		l, known := lots[o.Lot]
		if !known {
			l.number, lotOrder = len(lots), append(lotOrder, o.Lot)
		}
		l.produced = l.produced || o.Produced()
		lots[o.Lot] = l
		if !o.IsItem() {
			continue
		}
		if _, known := items[o.Thing]; !known {
			itemOrder = append(itemOrder, o.Thing)
		}
		items[o.Thing] = append(items[o.Thing], l.number)
	}
	for _, name := range lotOrder {
		m := mention{node: r.name(spaceThing, name, KindClass), role: RoleLot, flow: flowOf([]int{lots[name].number})}
		if lots[name].produced {
			m.role = RoleLotOutput
		}
		e.mentions = append(e.mentions, m)
	}
	for _, name := range itemOrder {
		e.mentions = append(e.mentions, mention{
			node: r.name(spaceThing, name, KindThing), role: RoleItem, flow: flowOf(items[name]),
		})
	}
}
