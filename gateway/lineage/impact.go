package lineage

import (
	"context"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Impact says what a node touched.
type Impact struct {
	Node          string         `json:"node"`
	Block         uint64         `json:"block"`
	Total         int            `json:"total"`         // nodes touched, carriers left out
	Organisations []Organisation `json:"organisations"` // by MSP id
	OnTheMove     []Moving       `json:"onTheMove"`     // things that have not come to an end, in the order of the walk
	Truncated     *Truncation    `json:"truncated,omitempty"`
}

// Organisation is what was touched of one organisation's: of records, those it
// recorded; of things and artifact versions, those it named first.
type Organisation struct {
	MSPID string              `json:"mspId"`
	Kinds map[string][]string `json:"kinds"` // node ids by kind, in the order of the walk
}

// Moving is a touched thing that is still somewhere: nothing recorded says that
// it was sold, used up or destroyed.
type Moving struct {
	ID          string   `json:"id"`
	MSPID       string   `json:"mspId"` // who recorded its last event
	LastEvent   string   `json:"lastEvent,omitempty"`
	BizStep     string   `json:"bizStep,omitempty"`
	Disposition string   `json:"disposition,omitempty"`
	BizLocation string   `json:"bizLocation,omitempty"`
	Why         []string `json:"why"` // a shortest path of nodes to it, from the node asked about
	Flags       []string `json:"flags,omitempty"`
}

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

// Assess walks down from the query's node, whatever direction it has, and sums
// up. Errors are those of Trace.
func Assess(ctx context.Context, g Graph, q Query) (*Impact, error) {
	q.Direction = Descendants
	w, err := walkFrom(ctx, g, q)
	if err != nil {
		return nil, err
	}
	a, err := w.answer(ctx)
	if err != nil {
		return nil, err
	}
	im := &Impact{Node: a.Node, Block: a.Block, Truncated: a.Truncated, Organisations: []Organisation{}, OnTheMove: []Moving{}}
	at := map[string]int{}
	for _, n := range a.Nodes[1:] {
		if n.Carrier {
			continue
		}
		im.Total++
		i, ok := at[n.MSPID]
		if !ok {
			i = len(im.Organisations)
			at[n.MSPID] = i
			im.Organisations = append(im.Organisations, Organisation{n.MSPID, map[string][]string{}})
		}
		kinds := im.Organisations[i].Kinds
		kinds[n.Kind] = append(kinds[n.Kind], n.ID)
	}
	slices.SortFunc(im.Organisations, func(a, b Organisation) int { return strings.Compare(a.MSPID, b.MSPID) })
	im.OnTheMove, err = w.moving(ctx, a)
	return im, err
}

// moving finds the things that are still on the move, the node asked about
// among them.
func (w *walk) moving(ctx context.Context, a *Answer) ([]Moving, error) {
	var things []*visit
	byName := make(map[string]Node, len(a.Nodes))
	names := make(map[int64]string, len(w.visits))
	for _, n := range a.Nodes {
		byName[n.ID] = n
	}
	var ids []int64
	for id, v := range w.visits {
		if v.kind.IsThing() && len(v.self) > 0 {
			things = append(things, v)
			ids = append(ids, id)
		}
	}
	slices.SortFunc(things, func(a, b *visit) int {
		if a.depth != b.depth {
			return a.depth - b.depth
		}
		return int(a.id - b.id)
	})
	if err := w.readTo(ctx, ids); err != nil { // those behind the limits were not read yet
		return nil, err
	}
	last := make(map[int64]index.Link, len(things))
	var describe []int64
	for _, v := range things {
		for _, l := range w.to[v.id] {
			if !l.Role.Mentions() {
				continue
			}
			if old, ok := last[v.id]; !ok || (moment{old.Time, old.Record}).compare(moment{l.Time, l.Record}) < 0 {
				last[v.id] = l
			}
		}
		for p := v; p != nil; p = p.why {
			names[p.id] = ""
		}
	}
	for id := range names {
		describe = append(describe, id)
	}
	for _, l := range last {
		describe = append(describe, l.Record)
	}
	slices.Sort(describe)
	labels, err := w.graph.Describe(ctx, slices.Compact(describe), w.snap)
	if err != nil {
		return nil, err
	}
	moving := []Moving{}
	for _, v := range things {
		m := Moving{ID: labels[v.id].Name, MSPID: labels[v.id].MSPID, Flags: byName[labels[v.id].Name].Flags}
		if l, ok := last[v.id]; ok {
			e := labels[l.Record]
			if l.Role.Consumes() || final(e) {
				continue
			}
			m.MSPID, m.LastEvent, m.BizStep, m.Disposition, m.BizLocation = e.MSPID, e.Name, e.BizStep, e.Disposition, e.BizLocation
		}
		for p := v; p != nil; p = p.why {
			m.Why = append(m.Why, labels[p.id].Name)
		}
		slices.Reverse(m.Why)
		moving = append(moving, m)
	}
	return moving, nil
}

func final(e *index.Label) bool {
	step, isStep := strings.CutPrefix(e.BizStep, stepPrefix)
	disposition, isDisposition := strings.CutPrefix(e.Disposition, dispositionPrefix)
	return isStep && slices.Contains(finalSteps, step) || isDisposition && slices.Contains(finalDispositions, disposition)
}
