package lineage

import (
	"context"
	"maps"
	"slices"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Flags of events and activities, beside those that statements give.
const (
	FlagError       = "declared-in-error" // by all who recorded it
	FlagDisputed    = "disputed"          // by others, or not by all who recorded it
	FlagDeclaration = "error-declaration"
	FlagReused      = "event-id-reused" // another organisation used its eventID first, for another event
	FlagBreach      = "breach"          // of an activity: it used something after consent had been withdrawn
)

// answer labels what the walk found. The visits are in the order of the nodes.
func (w *walk) answer(ctx context.Context) (*Answer, []*visit, error) {
	ids := slices.Sorted(maps.Keys(w.visits))
	deepest := 0
	for _, v := range w.visits {
		deepest = max(deepest, v.first.depth)
	}
	// By depth, and by id within each.
	levels := make([][]*visit, deepest+1)
	for _, id := range ids {
		v := w.visits[id]
		levels[v.first.depth] = append(levels[v.first.depth], v)
	}
	visits := slices.Concat(levels...)
	w.edges.sort()
	labels, err := w.graph.Describe(ctx, ids, w.snap)
	if err != nil {
		return nil, nil, err
	}
	statuses, err := w.graph.Statuses(ctx, w.claimed(ids), w.snap)
	if err != nil {
		return nil, nil, err
	}
	names := make(map[int64]string, len(ids))
	for id, l := range labels {
		names[id] = l.Name
	}
	if err := w.nameRecords(ctx, names); err != nil {
		return nil, nil, err
	}
	a := &Answer{
		Node:      names[visits[0].id],
		Direction: w.query.Direction,
		Block:     w.snap.Block,
		Nodes:     make([]Node, 0, len(ids)),
		Edges:     make([]Edge, 0, len(w.edges.all)),
	}
	for _, v := range visits {
		a.Nodes = append(a.Nodes, node(v, labels[v.id], statuses[v.id]))
	}
	for _, e := range w.edges.all {
		a.Edges = append(a.Edges, Edge{names[e.from], names[e.to], edgeKinds[e.kind], names[e.record]})
	}
	a.Truncated = w.truncation(names)
	return a, visits, nil
}

// claimed are the nodes that statements may be about: those whose links were
// not read, and those whose links say so.
func (w *walk) claimed(ids []int64) []int64 {
	var ask []int64
	for _, id := range ids {
		links, read := w.to[id]
		if !read || slices.ContainsFunc(links, func(l index.Link) bool { return l.Role == index.RoleSubject }) {
			ask = append(ask, id)
		}
	}
	return ask
}

// nameRecords finds the ids of records that edges come from and that are no
// nodes themselves, such as the records of artifact versions.
func (w *walk) nameRecords(ctx context.Context, names map[int64]string) error {
	var ask []int64
	for _, e := range w.edges.all {
		if _, ok := names[e.record]; !ok {
			ask = append(ask, e.record)
			names[e.record] = ""
		}
	}
	slices.Sort(ask)
	found, err := w.graph.Names(ctx, ask)
	for id, name := range found {
		names[id] = name
	}
	return err
}

func (w *walk) truncation(names map[int64]string) *Truncation {
	if len(w.reasons) == 0 {
		return nil
	}
	t := &Truncation{Frontier: []string{}}
	for reason := range w.reasons {
		t.Reasons = append(t.Reasons, reason)
	}
	slices.Sort(t.Reasons)
	for id := range w.frontier {
		t.Frontier = append(t.Frontier, names[id])
	}
	slices.Sort(t.Frontier)
	return t
}

func node(v *visit, l *index.Label, s *index.Status) Node {
	n := Node{
		ID: l.Name, Kind: l.Kind.String(), Depth: v.first.depth, Carrier: !v.onItsOwn(),
		MSPID: l.MSPID, Transaction: l.TxID, Block: l.Block, Recorded: l.Recording.Time,
		Type: l.Type, Time: l.EventTime, Action: l.Action, BizStep: l.BizStep, Disposition: l.Disposition,
		ReadPoint: l.ReadPoint, BizLocation: l.BizLocation, EventID: l.EventID, Digest: l.Digest, Errors: l.Errors,
	}
	if l.Kind == index.KindActivity {
		if n.Time = l.EndedAt; n.Time.IsZero() {
			n.Time = l.StartedAt
		}
	}
	if s != nil {
		n.Flags, n.Claims = slices.Clone(s.Flags), s.Claims
	}
	n.Flags = append(n.Flags, eventFlags(l)...)
	if l.Breaches > 0 {
		n.Flags = append(n.Flags, FlagBreach)
	}
	return n
}

// eventFlags are the flags that an event has because of other events.
func eventFlags(l *index.Label) []string {
	var flags []string
	if l.Declaration {
		flags = append(flags, FlagDeclaration)
	}
	switch {
	case l.InError:
		flags = append(flags, FlagError)
	case len(l.Errors) > 0:
		flags = append(flags, FlagDisputed)
	}
	if l.IDOf != "" {
		flags = append(flags, FlagReused)
	}
	return flags
}

// EventFlags are the flags that a recorded event has because of other events, as they are in answers.
func EventFlags(ctx context.Context, g Graph, event string, at uint64) ([]string, error) {
	snap, err := g.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	v, err := g.Find(ctx, event, snap)
	if err != nil || v.ID == 0 {
		return nil, err
	}
	labels, err := g.Describe(ctx, []int64{v.ID}, snap)
	if err != nil || labels[v.ID] == nil {
		return nil, err
	}
	return eventFlags(labels[v.ID]), nil
}
