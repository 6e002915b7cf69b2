package lineage

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Warnings are the statements that warn, such as recalls, that stand and bear on a thing.
type Warnings struct {
	Block uint64 // the ledger as it was after this block
	Known bool   // a record names the thing, or what it belongs to
	Own   []Warning
	// Behind are about what the thing comes from: what it was made of or packed in, and what a decision about it rests
	// on.
	Behind []Warning
	// Unspecific are the things that the thing comes from and that belong to no class on the ledger. If one is a product,
	// nobody recorded which lot was used up or packed, so a warning about any of its lots may bear on the thing.
	Unspecific []string
	// Cut tells that not all that the thing comes from was looked at, so there may be more behind it.
	Cut bool
}

// Warning is a statement that warns, and a node that it is about.
type Warning struct {
	Node string
	index.Claim
}

// WarningsOf finds the warnings that bear on the first of the nodes; the others are what it belongs to, such as the lot
// of an item. Of the query, it takes the limits and the block. The budget holds for reading, too: when it is used up,
// the answer has what is about the nodes themselves, and says that it is cut.
func WarningsOf(ctx context.Context, g Graph, nodes []string, q Query) (*Warnings, error) {
	q.Direction = Ancestors
	q = q.orDefaults()
	end := time.Now().Add(q.Budget)
	snap, err := g.Snapshot(ctx, q.At)
	if err != nil {
		return nil, err
	}
	found := &Warnings{Block: snap.Block}
	l := newLinks(g, snap)
	var starts []index.Vertex
	names := map[int64]string{}
	var ids []int64
	for _, node := range nodes {
		v, err := g.Find(ctx, node, snap)
		if err != nil {
			return nil, err
		}
		if v.ID != 0 {
			starts, ids = append(starts, v), append(ids, v.ID)
			names[v.ID] = v.Name
		}
	}
	if starts = inOrder(starts); len(starts) == 0 {
		return found, nil
	}
	found.Known = true
	statuses, err := g.Statuses(ctx, ids, snap)
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Compact(ids) {
		found.Own = append(found.Own, warnings(names[id], statuses[id])...)
	}

	timed, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	w := newWalk(q, l, starts)
	w.broad = true
	found.Behind, err = w.warnings(timed, end, ids)
	if err == nil {
		found.Unspecific, err = w.unspecific(timed, ids)
	}
	found.Cut = len(w.reasons) > 0
	if errors.Is(timed.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		found.Cut, err = true, nil // a store's error needn't be that of the context
	}
	return found, err
}

// warnings walks, and finds the warnings about the nodes that it comes to.
func (w *walk) warnings(ctx context.Context, end time.Time, starts []int64) ([]Warning, error) {
	if err := w.run(ctx, end); err != nil {
		return nil, err
	}
	behind := slices.DeleteFunc(slices.Sorted(maps.Keys(w.visits)), func(id int64) bool {
		return slices.Contains(starts, id)
	})
	statuses, err := w.graph.Statuses(ctx, w.claimed(behind), w.snap)
	if err != nil {
		return nil, err
	}
	warned := slices.Sorted(maps.Keys(statuses))
	labels, err := w.graph.Describe(ctx, warned, w.snap)
	if err != nil {
		return nil, err
	}
	var all []Warning
	for _, id := range warned {
		all = append(all, warnings(labels[id].Name, statuses[id])...)
	}
	return all, nil
}

// unspecific names the things that matter by themselves, and not only as the class of a lot or an item, and that have no
// class.
func (w *walk) unspecific(ctx context.Context, starts []int64) ([]string, error) {
	var things []int64
	for _, id := range slices.Sorted(maps.Keys(w.visits)) {
		v := w.visits[id]
		if v.kind.IsThing() && w.matters(v) && len(w.classes[id]) == 0 && !slices.Contains(starts, id) {
			things = append(things, id)
		}
	}
	labels, err := w.graph.Describe(ctx, things, w.snap)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, id := range things {
		names = append(names, labels[id].Name)
	}
	return names, nil
}

// warnings are those in a status.
func warnings(node string, s *index.Status) []Warning {
	var all []Warning
	for _, c := range claimsOf(s) {
		if warns(c) {
			all = append(all, Warning{node, c})
		}
	}
	return all
}
