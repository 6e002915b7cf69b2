package lineage_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// A custody is what an organisation recorded, or said, in a world about who has what. The world's fact of the same
// place is what it recorded. Of a recall, a repeated event and a claim to the product's company prefix, it is empty.
type custody struct {
	org      string
	step     string   // business step of an event
	recalls  []string // what a recall is about
	outdated bool     // the recall is of version 1, which is as good as the ledger says
	repeats  int      // 1 more than the place of the event that this one is again
	owns     bool     // a claim that all organisations approve
}

var orgs = []string{"Harbor", "Market", "Lab"}

// custodies is a world in which a few things are made, go from hand to hand, and are recalled.
type custodies struct {
	world
	who   []custody
	about []string // the things
}

func drawCustody(r *rapid.T, w *custodies) {
	things := w.about
	some := func(label string, from []string, least, most int) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(from), least, most, rapid.ID[string]).Draw(r, label)
	}
	var events []int
	var records []string
	recallable := slices.DeleteFunc(slices.Clone(things), func(name string) bool {
		named := func(f fact) bool { return slices.Contains(f.things(), name) }
		return !w.known()[name] && !slices.ContainsFunc(w.facts, named)
	})
	for i, f := range w.facts {
		if f.isEvent() {
			events, records = append(events, i), append(records, fmt.Sprintf("#%d", i))
		}
	}
	if len(recallable) == 0 || len(records) > 0 && rapid.IntRange(0, 3).Draw(r, "recalls an event") == 0 {
		recallable = append(recallable, records...)
	}
	f, c := fact{day: len(w.facts)}, custody{org: rapid.SampledFrom(orgs).Draw(r, "org")}
	kind := rapid.SampledFrom([]string{
		"sees", "sees", "sees", "sees", "makes", "packs", "recalls", "recalls", "recalls", "repeats", "owns",
	}).Draw(r, "kind")
	if len(events) == 0 && (kind == "repeats" || kind == "recalls") || w.owner() != "" && kind == "owns" ||
		len(things) == 1 && (kind == "makes" || kind == "packs") {
		kind = "sees"
	}
	switch kind {
	case "sees":
		f.kind, f.names = kind, some("seen", things, 1, min(2, len(things)))
		f.action = rapid.SampledFrom([]string{"OBSERVE", "OBSERVE", "ADD"}).Draw(r, "action")
	case "makes":
		both := some("made", things, 2, min(3, len(things)))
		f.kind, f.inputs, f.outputs = kind, both[:1], both[1:]
	case "packs":
		f.kind, f.parent = kind, "u1"
		f.action = rapid.SampledFrom([]string{"ADD", "DELETE", "OBSERVE"}).Draw(r, "action")
		others := slices.DeleteFunc(slices.Clone(things), func(name string) bool { return name == f.parent })
		f.children = some("children", others, 1, 1)
	case "recalls":
		c.recalls = some("recalled", recallable, 1, min(2, len(recallable)))
		c.outdated = rapid.IntRange(0, 7).Draw(r, "version") == 0
	case "repeats":
		c.repeats = 1 + rapid.SampledFrom(events).Draw(r, "again")
	case "owns":
		c.owns = true
	}
	if f.kind != "" {
		c.step = rapid.SampledFrom([]string{"", "shipping", "shipping", "receiving", "receiving"}).Draw(r, "step")
		if f.drawLots(r); f.action == "OBSERVE" {
			f.ilmd = ""
		}
	}
	w.facts, w.who = append(w.facts, f), append(w.who, c)
}

// deed is what a record reports that its organisation did to a thing.
func (w *custodies) deed(i int, thing string) (made, shipped, took bool) {
	if again := w.who[i].repeats; again > 0 {
		i = again - 1
	}
	f, step := w.facts[i], w.who[i].step
	_, beside := f.lotsBeside()[thing]
	named := slices.Contains(f.things(), thing) || beside
	made = slices.Contains(f.outputs, thing) || f.lotsBeside()[thing] ||
		f.kind == "sees" && f.action == "ADD" && named || f.parent == thing && f.action == "ADD"
	return made, named && step == "shipping", named && step == "receiving" || slices.Contains(f.inputs, thing)
}

// owner is who owns the prefix of the product, its lots and its items.
func (w *custodies) owner() string {
	for _, c := range w.who {
		if c.owns {
			return c.org
		}
	}
	return ""
}

// until is the world as it was before a record.
func (w *custodies) until(i int) *custodies {
	return &custodies{world{facts: w.facts[:i]}, w.who[:i], w.about}
}

// source is from whom all that hold a thing have it, and why: who owns its prefix, or made it first, or else took it
// first.
func (w *custodies) source(thing string) (org, standing string) {
	if w.owner() != "" && (isClass(thing) || isItem(thing)) {
		return w.owner(), index.StandingOwner
	}
	for i, c := range w.who {
		if made, _, _ := w.deed(i, thing); made {
			return c.org, index.StandingMaker
		}
	}
	for i, c := range w.who {
		if _, _, took := w.deed(i, thing); took {
			return c.org, index.StandingHolder
		}
	}
	return "", index.StandingNone
}

// holds says whether an organisation has a thing from its source, over however many hands.
func (w *custodies) holds(org, thing, source string) bool {
	if org == source {
		return true
	}
	for i, c := range w.who {
		if _, _, took := w.deed(i, thing); !took || c.org != org {
			continue
		}
		for j, from := range w.who[:i] {
			if _, shipped, _ := w.deed(j, thing); shipped && w.until(j).holds(from.org, thing, source) {
				return true
			}
		}
	}
	return false
}

// standing is why an organisation answers for a node, or that it doesn't.
func (w *custodies) standing(org, node string) string {
	var place int
	if _, err := fmt.Sscanf(node, "#%d", &place); err == nil {
		if w.who[place].org == org { // who recorded it first
			return index.StandingReporter
		}
		return index.StandingOwnReport
	}
	source, standing := w.source(node)
	switch {
	case org == source:
		return standing
	case w.holds(org, node, source):
		return index.StandingHolder
	}
	return index.StandingNone
}

// countsAs is what a recall counts as of a node, and with what standing.
func (w *custodies) countsAs(i int, node string) (kind, standing string) {
	if w.who[i].outdated {
		return record.Recall, ""
	}
	standing = w.until(i).standing(w.who[i].org, node)
	if standing == index.StandingNone || standing == index.StandingOwnReport {
		return record.Warning, standing
	}
	return record.Recall, standing
}

// counted is what a recall counts as: a recall if it is one of anything that it is about.
func (w *custodies) counted(i int) string {
	for _, node := range w.who[i].recalls {
		if kind, _ := w.countsAs(i, node); kind == record.Recall {
			return kind
		}
	}
	return record.Warning
}

// tell puts the world on a ledger.
func (w *custodies) tell(s *story) {
	members := map[string]string{}
	for _, org := range orgs {
		text := fmt.Sprintf(`{"mspId":"%sMSP","name":%q,"record":"member/2"}`, org, org)
		members[org] = s.ledger.Put(org, indextest.Member(s.t, text))
	}
	records := map[int]*record.Record{}
	for i, c := range w.who {
		place := fmt.Sprintf("#%d", i)
		switch predicate := fmt.Sprintf(`{"reason":%q}`, place); {
		case c.outdated:
			s.name(place, s.ledger.Put(c.org, indextest.Statement(s.t, record.Recall, predicate, s.all(c.recalls)...)))
		case c.recalls != nil:
			recall := indextest.StatementBy(s.t, c.org, record.Recall, predicate, s.all(c.recalls)...)
			s.name(place, s.ledger.Put(c.org, recall))
		case c.repeats > 0:
			s.ledger.Put(c.org, records[c.repeats-1])
		case c.owns:
			claim := s.ledger.Put(c.org, indextest.StatementBy(s.t, c.org, record.Prefix, `{"prefix":"9521234"}`, members[c.org]))
			for _, org := range orgs {
				if org != c.org {
					s.ledger.Put(org, indextest.StatementBy(s.t, org, record.Approval, `{}`, claim))
				}
			}
		default:
			records[i] = w.event(s, i)
			s.name(place, s.ledger.Put(c.org, records[i]))
		}
	}
}

// event is the record of an event of the world.
func (w *custodies) event(s *story, i int) *record.Record {
	f := w.facts[i]
	lists := func(instances, amounts string, names []string) string {
		i, c := s.split(f.spelled(names))
		return fmt.Sprintf(`%q:[%s],%q:[%s]`, instances, quote(i), amounts, classes(c))
	}
	var body, kind string
	switch f.kind {
	case "sees":
		kind, body = "ObjectEvent", lists("epcList", "quantityList", f.names)
	case "makes":
		kind = "TransformationEvent"
		body = lists("inputEPCList", "inputQuantityList", f.inputs) + "," +
			lists("outputEPCList", "outputQuantityList", f.outputs)
	case "packs":
		s.name(f.parent, thing(f.parent))
		kind = "AggregationEvent"
		body = fmt.Sprintf(`"parentID":%q,`, thing(f.parent)) + lists("childEPCs", "childQuantityList", f.children)
	}
	if f.action != "" {
		body += fmt.Sprintf(`,"action":%q`, f.action)
	}
	if f.ilmd != "" {
		s.split([]string{f.ilmd})
		body += fmt.Sprintf(`,"ilmd":{"cbvmda:lotNumber":%q}`, f.ilmd)
	}
	if step := w.who[i].step; step != "" {
		body += fmt.Sprintf(`,"bizStep":%q`, step)
	}
	at := indextest.Start.AddDate(0, 0, f.day).Format("2006-01-02T15:04:05Z")
	return indextest.Event(s.t, fmt.Sprintf(`{"type":%q,"eventTime":%q,%s}`, kind, at, body))
}
