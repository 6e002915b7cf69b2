package lineage

import (
	"context"
	"slices"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// expandItems goes from a lot to those of its items that an event names. They mattered when the lot did.
func (w *walk) expandItems(v *visit, lot index.Link) {
	if len(v.self) == 0 {
		return
	}
	for _, item := range w.of[lot.Record] {
		if item.Role == index.RoleItem && together(lot, item) {
			w.connect(v.latest, found{id: item.Node, kind: index.KindThing, self: v.self},
				edge{v.id, item.Node, lot.Record, edgeItem})
		}
	}
}

// expandLots goes from an item to the lots that an event says it is of. Upwards, it comes from what the lot came from.
// Downwards, whoever used up the lot may have used up the item; the lot stands for it, and for no other item.
func (w *walk) expandLots(v *visit, item index.Link, counts window) {
	if !w.matters(v) {
		return
	}
	for _, lot := range w.of[item.Record] {
		if !lot.Role.Lot() || !together(lot, item) {
			continue
		}
		f := found{id: lot.Node, kind: index.KindClass}
		switch {
		case !w.down:
			f.self = v.self
			if w.broad {
				f.held = counts.union(v.held)
			}
		case slices.ContainsFunc(w.to[lot.Node], func(l index.Link) bool { return l.Role.Consumes() }):
			f.mode = standin
		default:
			continue
		}
		w.connect(v.latest, f, edge{lot.Node, v.id, item.Record, edgeItem})
	}
}

// expandUsedUp goes, in a broad walk upwards, from a lot that was used up to its items: it may have been the items that
// were used up.
func (w *walk) expandUsedUp(v *visit) {
	for _, lot := range w.to[v.id] {
		if !lot.Role.Lot() {
			continue
		}
		for _, item := range w.of[lot.Record] {
			if item.Role == index.RoleItem && together(lot, item) {
				// Nobody sees the edges of such a walk.
				w.reach(v.latest, found{id: item.Node, kind: index.KindThing, held: always()}, edge{})
			}
		}
	}
}

// together tells whether a lot and an item that a record names belong together.
func together(lot, item index.Link) bool {
	numbers, _ := lot.Flow.Inputs()
	of, _ := item.Flow.Inputs()
	return slices.ContainsFunc(numbers, func(n int) bool { return slices.Contains(of, n) })
}

// ofItems tells whether a record names a lot as that of items, and not of an amount.
func (r *links) ofItems(lot index.Link) bool {
	return slices.ContainsFunc(r.of[lot.Record], func(l index.Link) bool {
		return l.Role == index.RoleItem && together(lot, l)
	})
}

// expandClasses goes from a class that is in question as a whole to its lots and items, and upwards from a lot or item
// to its class. There the walk ends: what is said of the class counts, and what other lots came from does not.
func (w *walk) expandClasses(v *visit) {
	switch {
	case !w.matters(v):
	case !w.down:
		f := found{}
		if w.broad {
			f.mode = entirely
		}
		for _, class := range w.classes[v.id] {
			f.id, f.kind = class.ID, class.Kind
			w.connect(v.latest, f, edge{class.ID, v.id, w.firstNaming(v.id), edgeMember})
		}
	case v.self.isAlways():
		for _, member := range w.members[v.id] {
			w.connect(v.latest, found{id: member.ID, kind: member.Kind, self: always()},
				edge{v.id, member.ID, w.firstNaming(member.ID), edgeMember})
		}
		if w.cutClasses[v.id] {
			w.cut(v, "nodes")
		}
	}
}

// firstNaming is the first record that names a thing.
func (r *links) firstNaming(thing int64) int64 {
	if all := r.to[thing]; len(all) > 0 {
		return all[0].Record
	}
	return 0
}

// prepareClasses reads the lots and items of the classes of a level, or, upwards, the classes of its lots and items.
func (w *walk) prepareClasses(ctx context.Context, level []*visit) error {
	var ask []int64
	for _, v := range level {
		if v.kind.IsThing() && w.matters(v) && (!w.down || v.self.isAlways()) && !w.classified[v.id] {
			w.classified[v.id] = true
			ask = append(ask, v.id)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	if !w.down {
		classes, err := w.graph.ClassesOf(ctx, ask, w.snap)
		for id, all := range classes {
			w.classes[id] = all
		}
		return err
	}
	members, cut, err := w.graph.OfClass(ctx, ask, w.snap, max(0, w.query.Nodes-len(w.visits)))
	if err != nil {
		return err
	}
	var named []int64
	for id, all := range members {
		w.members[id] = all
		for _, member := range all {
			named = append(named, member.ID)
		}
	}
	for _, id := range cut {
		w.cutClasses[id] = true
	}
	return w.readTo(ctx, named)
}
