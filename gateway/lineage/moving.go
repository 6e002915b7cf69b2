package lineage

import (
	"context"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// A thing has come to an end if the last event that names it has one of these
// (CBV 2.0, sections 7.1 and 7.2), or used it up as an input.
var (
	finalSteps        = []string{"decommissioning", "destroying", "dispensing", "retail_selling"}
	finalDispositions = []string{"destroyed", "dispensed", "disposed", "inactive", "retail_sold"}
)

const (
	stepPrefix        = "https://ref.gs1.org/cbv/BizStep-"
	dispositionPrefix = "https://ref.gs1.org/cbv/Disp-"
)

// moving finds the things that are still on the move, the node asked about
// among them. visits and nodes are those of the answer.
func (w *walk) moving(ctx context.Context, visits []*visit, nodes []Node) ([]Moving, error) {
	var things []int64
	for _, v := range visits {
		if v.onItsOwn() && v.kind.IsThing() {
			things = append(things, v.id)
		}
	}
	if err := w.readTo(ctx, things); err != nil { // those behind the limits were not read yet
		return nil, err
	}
	last := make(map[int64]index.Link, len(things))
	var events []int64
	for _, id := range things {
		for _, l := range w.to[id] {
			if !l.Role.Mentions() || l.Role.Lot() { // what happened to an item didn't happen to its lot
				continue
			}
			if old, ok := last[id]; !ok || (moment{old.Time, old.Record}).compare(moment{l.Time, l.Record}) < 0 {
				last[id] = l
			}
		}
		if l, ok := last[id]; ok {
			events = append(events, l.Record)
		}
	}
	slices.Sort(events)
	labels, err := w.graph.Describe(ctx, slices.Compact(events), w.snap)
	if err != nil {
		return nil, err
	}
	names := nodeNames(visits, nodes)
	moving := []Moving{}
	for i, v := range visits {
		if !v.onItsOwn() || !v.kind.IsThing() {
			continue
		}
		m := Moving{ID: nodes[i].ID, MSPID: nodes[i].MSPID, Flags: nodes[i].Flags}
		if l, ok := last[v.id]; ok {
			e := labels[l.Record]
			if l.Role.Consumes() || final(e) {
				continue
			}
			m.MSPID, m.LastEvent, m.BizStep, m.Disposition, m.BizLocation = e.MSPID, e.Name, e.BizStep, e.Disposition, e.BizLocation
		}
		for p := &v.first; p != nil; p = p.before {
			m.Why = append(m.Why, names[p.at.id])
		}
		slices.Reverse(m.Why)
		moving = append(moving, m)
	}
	return moving, nil
}

func nodeNames(visits []*visit, nodes []Node) map[int64]string {
	names := make(map[int64]string, len(visits))
	for i, v := range visits {
		names[v.id] = nodes[i].ID
	}
	return names
}

func final(e *index.Label) bool {
	step, isStep := strings.CutPrefix(e.BizStep, stepPrefix)
	disposition, isDisposition := strings.CutPrefix(e.Disposition, dispositionPrefix)
	return isStep && slices.Contains(finalSteps, step) || isDisposition && slices.Contains(finalDispositions, disposition)
}
