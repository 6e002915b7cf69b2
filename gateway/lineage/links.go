package lineage

import (
	"context"
	"slices"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// links are the parts of the graph that a walk has read so far.
type links struct {
	graph   Graph
	snap    index.Snapshot
	to      map[int64][]index.Link // by node
	of      map[int64][]index.Link // by record
	twins   map[int64][]index.Twin // by artifact version
	kinds   map[int64]index.Kind
	inside  map[int64][]contact // memo of contents
	outside map[int64][]contact // memo of carriers
}

func newLinks(g Graph, snap index.Snapshot) *links {
	return &links{
		graph:   g,
		snap:    snap,
		to:      map[int64][]index.Link{},
		of:      map[int64][]index.Link{},
		twins:   map[int64][]index.Twin{},
		kinds:   map[int64]index.Kind{},
		inside:  map[int64][]contact{},
		outside: map[int64][]contact{},
	}
}

// find finds the node that a walk begins at.
func (l *links) find(ctx context.Context, node string) (index.Vertex, error) {
	v, err := l.graph.Find(ctx, node, l.snap)
	if err == nil && v.ID == 0 {
		err = &UnknownNodeError{node, l.snap.Block}
	}
	return v, err
}

// prepare reads, in a few batches, everything that expanding a level looks at.
func (w *walk) prepare(ctx context.Context, level []*visit) error {
	var nodes, records []int64
	for _, v := range level {
		if v.kind == index.KindEvent && v.mode == 0 && !w.down {
			continue // a leaf
		}
		if v.isNamedOnly() {
			continue
		}
		nodes = append(nodes, v.id)
		if v.kind.IsRecord() && (v.kind != index.KindEvent || v.mode != 0) {
			records = append(records, v.id)
		}
	}
	if err := w.readTo(ctx, nodes); err != nil {
		return err
	}
	if err := w.readTwins(ctx, level); err != nil {
		return err
	}
	for _, v := range level {
		for _, l := range w.to[v.id] {
			if w.needed(v, l) {
				records = append(records, l.Record)
			}
		}
	}
	if err := w.readOf(ctx, records); err != nil {
		return err
	}
	// Three things are known only now: the joins of transformations, the parents of
	// children, whose emptying ends containment, and the lots of items, which may
	// have been used up.
	nodes = nodes[:0]
	var ambiguous []int64
	for _, v := range level {
		switch {
		case v.kind.IsThing():
			for _, l := range w.to[v.id] {
				if l.Role.Child() {
					nodes = append(nodes, parents(w.of[l.Record])...)
				}
				if l.Role == index.RoleItem && w.down {
					nodes = append(nodes, lots(w.of[l.Record])...)
				}
			}
		case v.kind == index.KindEvent:
			for _, l := range w.of[v.id] {
				if l.Role == index.RoleTransformationID {
					nodes = append(nodes, l.Node)
				}
			}
		case v.kind.IsRecord():
			for _, l := range w.of[v.id] {
				ambiguous = append(ambiguous, l.Node)
			}
		default:
			for _, l := range w.to[v.id] {
				for _, source := range w.of[l.Record] {
					ambiguous = append(ambiguous, source.Node)
				}
			}
		}
	}
	if err := w.readTo(ctx, nodes); err != nil {
		return err
	}
	if err := w.prepareClasses(ctx, level); err != nil {
		return err
	}
	return w.readKinds(ctx, ambiguous)
}

// needed says whether expanding a node looks into a record that names it.
func (w *walk) needed(v *visit, l index.Link) bool {
	switch {
	case l.Role.Child():
		return true
	case l.Role.Parent():
		return len(v.self) > 0
	case l.Role == index.RoleItem:
		return w.matters(v)
	case l.Role.Lot():
		return w.down && len(v.self) > 0 || !w.down && v.mode&standin != 0
	case l.Role == index.RoleSource:
		return w.down
	case l.Role == index.RoleDescribes:
		return !w.down
	}
	return false
}

func parents(links []index.Link) []int64 {
	var all []int64
	for _, l := range links {
		if l.Role.Parent() {
			all = append(all, l.Node)
		}
	}
	return all
}

func lots(links []index.Link) []int64 {
	var all []int64
	for _, l := range links {
		if l.Role.Lot() {
			all = append(all, l.Node)
		}
	}
	return all
}

func (r *links) readTo(ctx context.Context, nodes []int64) error {
	ask := unread(nodes, r.to)
	all, err := r.graph.LinksTo(ctx, ask, r.snap)
	if err != nil {
		return err
	}
	spread(all, r.to, func(l index.Link) int64 { return l.Node })
	return nil
}

func (r *links) readOf(ctx context.Context, records []int64) error {
	ask := unread(records, r.of)
	all, err := r.graph.LinksOf(ctx, ask, r.snap)
	if err != nil {
		return err
	}
	spread(all, r.of, func(l index.Link) int64 { return l.Record })
	return nil
}

// unread sorts ids, leaves out what was read before, and notes the rest as read.
func unread(ids []int64, read map[int64][]index.Link) []int64 {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var ask []int64
	for _, id := range ids {
		if _, ok := read[id]; !ok {
			read[id] = nil
			ask = append(ask, id)
		}
	}
	return ask
}

// spread divides links, which come together by key, among their keys.
func spread(all []index.Link, read map[int64][]index.Link, key func(index.Link) int64) {
	for len(all) > 0 {
		n := 1
		for n < len(all) && key(all[n]) == key(all[0]) {
			n++
		}
		read[key(all[0])] = all[:n:n]
		all = all[n:]
	}
}

// readTwins reads which of the artifact versions are the same bytes as others.
func (r *links) readTwins(ctx context.Context, level []*visit) error {
	var ask []int64
	for _, v := range level {
		if _, read := r.twins[v.id]; v.kind == index.KindArtifact && !read {
			ask = append(ask, v.id)
			r.twins[v.id] = nil
		}
	}
	if len(ask) == 0 {
		return nil
	}
	all, err := r.graph.Twins(ctx, ask, r.snap)
	for _, twin := range all {
		r.twins[twin.Node] = append(r.twins[twin.Node], twin)
	}
	return err
}

func (r *links) readKinds(ctx context.Context, ids []int64) error {
	var ask []int64
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if _, ok := r.kinds[id]; !ok {
			ask = append(ask, id)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	kinds, err := r.graph.Kinds(ctx, ask)
	for id, kind := range kinds {
		r.kinds[id] = kind
	}
	return err
}

// contact is what one thing had to do with another: the times one was inside
// the other, and the record each time began with.
type contact struct {
	other  int64
	inside window
	begun  []int64
}

// contents are the children that a parent ever had, by id.
func (r *links) contents(parent int64) []contact {
	if all, ok := r.inside[parent]; ok {
		return all
	}
	reports := map[int64][]handling{}
	var emptied []handling
	for _, l := range r.to[parent] {
		at := moment{l.Time, l.Record}
		if l.Role == index.RoleParentEmptied {
			emptied = append(emptied, handling{at, l.Role, ""})
			continue
		}
		if !l.Role.Parent() {
			continue
		}
		for _, c := range r.of[l.Record] {
			if c.Role.Child() && c.Node != parent {
				reports[c.Node] = append(reports[c.Node], handling{at, c.Role, c.Quantity})
			}
		}
	}
	var all []contact
	for child, list := range reports {
		inside, begun := containment(append(list, emptied...))
		all = append(all, contact{child, inside, begun})
	}
	slices.SortFunc(all, func(a, b contact) int { return int(a.other - b.other) })
	r.inside[parent] = all
	return all
}

// carriers are the parents that a child ever had, by id.
func (r *links) carriers(child int64) []contact {
	if all, ok := r.outside[child]; ok {
		return all
	}
	reports := map[int64][]handling{}
	for _, l := range r.to[child] {
		if !l.Role.Child() {
			continue
		}
		for _, p := range parents(r.of[l.Record]) {
			if p != child {
				reports[p] = append(reports[p], handling{moment{l.Time, l.Record}, l.Role, l.Quantity})
			}
		}
	}
	var all []contact
	for parent, list := range reports {
		for _, l := range r.to[parent] {
			if l.Role == index.RoleParentEmptied {
				list = append(list, handling{moment{l.Time, l.Record}, l.Role, ""})
			}
		}
		inside, begun := containment(list)
		all = append(all, contact{parent, inside, begun})
	}
	slices.SortFunc(all, func(a, b contact) int { return int(a.other - b.other) })
	r.outside[child] = all
	return all
}
