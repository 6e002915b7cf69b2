package lineage

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// edge is an edge by numbers, which are faster than words to look up and to sort.
type edge struct {
	from, to int64
	record   int64
	kind     edgeKind
}

func (e edge) compare(o edge) int {
	switch {
	case e.from != o.from:
		return cmp.Compare(e.from, o.from)
	case e.to != o.to:
		return cmp.Compare(e.to, o.to)
	case e.kind != o.kind:
		return cmp.Compare(e.kind, o.kind)
	}
	return cmp.Compare(e.record, o.record)
}

// edges are a set. A walk that comes to a node again draws its edges again, which
// is seldom: they are sorted out when there is no room left, and at the end.
type edges struct{ all []edge }

func (s *edges) add(e edge) {
	if len(s.all) == cap(s.all) {
		s.sort()
		s.all = slices.Grow(s.all, len(s.all)+1024)
	}
	s.all = append(s.all, e)
}

func (s *edges) sort() {
	slices.SortFunc(s.all, edge.compare)
	s.all = slices.Compact(s.all)
}

type edgeKind uint8

// In the order of their words.
const (
	edgeAbout edgeKind = iota
	edgeContains
	edgeContinues
	edgeDerived
	edgeGenerated
	edgeInput
	edgeItem
	edgeMember
	edgeObserved
	edgeOutput
	edgeSameBytes
	edgeSubject
	edgeUsed
)

var edgeKinds = [...]string{
	EdgeAbout,
	EdgeContains,
	EdgeContinues,
	EdgeDerived,
	EdgeGenerated,
	EdgeInput,
	EdgeItem,
	EdgeMember,
	EdgeObserved,
	EdgeOutput,
	EdgeSameBytes,
	EdgeSubject,
	EdgeUsed,
}

// walk is one breadth-first walk. It goes level by level, so that each level
// costs a handful of queries however wide it is.
type walk struct {
	query    Query
	down     bool
	broad    bool // upwards: go wherever a walk down might come from, as the package comment says
	visits   map[int64]*visit
	room     []visit // for those to come
	edges    edges
	next     map[int64]bool
	frontier map[int64]bool
	reasons  map[string]bool

	members    map[int64][]index.Vertex // of classes: their lots and items
	cutClasses map[int64]bool           // classes that have more
	classes    map[int64][]index.Vertex // of lots and items: their classes
	classified map[int64]bool           // things whose members or classes were asked for

	joined map[int64]int64 // transformationIDs: the event that led to the others
	*links
}

func newWalk(q Query, l *links, starts []index.Vertex) *walk {
	w := &walk{
		query: q, down: q.Direction == Descendants,
		visits: map[int64]*visit{}, next: map[int64]bool{}, frontier: map[int64]bool{}, reasons: map[string]bool{},
		members: map[int64][]index.Vertex{}, cutClasses: map[int64]bool{},
		classes: map[int64][]index.Vertex{}, classified: map[int64]bool{},
		joined: map[int64]int64{},
		links:  l,
	}
	for _, start := range starts {
		v := w.visit(start.ID, start.Kind)
		v.self, v.mode = always(), through|naming
		v.first = arrival{at: v}
		v.latest, v.entire = &v.first, &v.first
		w.next[v.id] = true
	}
	return w
}

// visit makes the visit of a node that has none.
func (w *walk) visit(id int64, kind index.Kind) *visit {
	if len(w.room) == 0 {
		w.room = make([]visit, 128)
	}
	v := &w.room[0]
	w.room = w.room[1:]
	*v = visit{id: id, kind: kind, fresh: true}
	w.visits[id] = v
	return v
}

// run walks, until a time.
func (w *walk) run(ctx context.Context, end time.Time) error {
	for len(w.next) > 0 {
		ids := make([]int64, 0, len(w.next))
		for id := range w.next {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		level := make([]*visit, 0, len(ids))
		for _, id := range ids {
			if v := w.visits[id]; v.settle() {
				level = append(level, v)
			}
		}
		clear(w.next)
		if time.Now().After(end) {
			for _, v := range level {
				w.cut(v, "time")
			}
			return nil
		}
		if err := w.prepare(ctx, level); err != nil {
			return err
		}
		for _, v := range level {
			w.expand(v)
		}
	}
	return nil
}

// cut notes that there is, or may be, more behind a node.
func (w *walk) cut(v *visit, reason string) {
	w.frontier[v.id], w.reasons[reason] = true, true
}

// found is what the walk learned of a node it reaches.
type found struct {
	id   int64
	kind index.Kind
	self window
	held window
	mode mode
	// Of an activity: only through these of its inputs, if partly is set.
	partly  bool
	through []int
}

// reach goes from one node to another, over an edge, unless a limit is in the way. If
// what is known of the other grows, it is expanded again.
func (w *walk) reach(by *arrival, f found, e edge) bool {
	v, ok := w.visits[f.id]
	if !ok {
		switch {
		case by.depth >= w.query.Depth:
			w.cut(by.at, "depth")
			return false
		case len(w.visits) >= w.query.Nodes:
			w.cut(by.at, "nodes")
			return false
		}
		v = w.visit(f.id, f.kind)
	}
	arrive := func() *arrival { return &arrival{v, by, by.depth + 1, e.kind, e.to != f.id} }
	if !ok {
		v.first = *arrive()
		v.latest = &v.first
	}
	grew := v.grows()
	if mode := v.mode | f.mode; mode != v.mode {
		v.mode, v.fresh = mode, true
	}
	if v.kind == index.KindActivity {
		v.open(f, arrive)
	}
	if v.kind.IsThing() {
		v.moreSelf, v.moreHeld = append(v.moreSelf, f.self...), append(v.moreHeld, f.held...)
	}
	if v.grows() {
		if !grew {
			v.coming = arrive()
		}
		w.next[v.id] = true
	}
	return true
}

// connect reaches a node and draws the edge between the two, in the direction
// that the kind of edge has.
func (w *walk) connect(by *arrival, f found, e edge) {
	if w.reach(by, f, e) {
		w.edges.add(e)
	}
}

func (w *walk) expand(v *visit) {
	switch {
	case v.isNamedOnly(): // its links weren't read
	case v.kind.IsThing():
		w.expandThing(v)
	case v.kind == index.KindEvent:
		w.expandEvent(v)
	default:
		w.expandOther(v)
	}
}

// matters tells whether a thing is in question itself, at any time. In a broad walk upwards, it tells whether something
// that matters would be in question if this thing were.
func (w *walk) matters(v *visit) bool { return len(v.self) > 0 || w.broad && len(v.held) > 0 }

// expandThing goes from a thing to its events, its contents and its carriers.
func (w *walk) expandThing(v *visit) {
	counts := w.expandContents(v)
	for _, l := range w.to[v.id] {
		at := moment{l.Time, l.Record}
		observed := counts.has(at) || v.held.has(at)
		event := found{id: l.Record, kind: index.KindEvent}
		switch {
		case l.Role.Consumes() && w.down:
			if len(v.self) > 0 || v.held.has(at) || v.mode&standin != 0 {
				event.mode = through
				w.connect(v.latest, event, edge{v.id, l.Record, l.Record, edgeInput})
			}
		case l.Role.Consumes(): // what became of it later is no part of where it comes from
		case l.Role.Produces() && !w.down:
			if w.matters(v) || v.mode&entirely != 0 {
				event.mode = through
				w.connect(v.latest, event, edge{l.Record, v.id, l.Record, edgeOutput})
			}
		case l.Role.Mentions():
			if observed {
				w.connect(v.latest, event, edge{v.id, l.Record, l.Record, edgeObserved})
			}
			if l.Role.Lot() && w.down {
				w.expandItems(v, l)
			}
		case l.Role == index.RoleItem:
			w.expandLots(v, l, counts)
		case l.Role == index.RoleAbout && !w.down:
			if counts.has(at) || w.broad && v.held.has(at) {
				w.connect(v.latest, found{id: l.Record, kind: index.KindActivity}, edge{l.Record, v.id, l.Record, edgeAbout})
			}
		}
	}
	w.expandClasses(v)
	if !w.down && v.mode&standin != 0 {
		w.expandUsedUp(v)
	}
	for _, c := range w.carriers(v.id) {
		held := c.inside.intersect(counts.union(v.held))
		w.contain(
			v,
			found{id: c.other, kind: index.KindThing, held: held},
			c,
			held,
			edge{from: c.other, to: v.id, kind: edgeContains},
		)
	}
}

// expandContents goes from a thing in question to what it held at the time. It
// returns the time for which observations of the thing count: from when it
// mattered on (down) or up to then (up), within the load it had at that moment, or
// within the time between two loads.
func (w *walk) expandContents(v *visit) window {
	if len(v.self) == 0 {
		return nil
	}
	var loads []span
	for _, c := range w.contents(v.id) {
		loads = append(loads, c.inside...)
		inside := c.inside.intersect(v.self)
		w.contain(
			v,
			found{id: c.other, kind: index.KindThing, self: inside},
			c,
			inside,
			edge{from: v.id, to: c.other, kind: edgeContains},
		)
	}
	if v.self.isAlways() {
		return v.self
	}
	var counts []span
	for _, load := range append(loads, join(slices.Clone(loads)).gaps()...) {
		if s, ok := v.self.clip(load, w.down); ok {
			counts = append(counts, s)
		}
	}
	return join(counts)
}

// contain connects parent and child with one edge for each time that mattered.
func (w *walk) contain(v *visit, f found, c contact, mattered window, e edge) {
	if len(mattered) == 0 || !w.reach(v.latest, f, e) {
		return
	}
	for i, s := range c.inside {
		if mattered.meets(s) {
			w.edges.add(edge{e.from, e.to, c.begun[i], edgeContains})
		}
	}
}

// expandEvent goes from an event to what was derived from it, and, as the way
// the walk came demands, to inputs, outputs or all that it names.
func (w *walk) expandEvent(v *visit) {
	if w.down {
		w.expandUses(v)
	}
	if v.mode == 0 {
		return
	}
	if !w.down {
		w.expandDecisions(v)
	}
	for _, l := range w.of[v.id] {
		at := instant(moment{l.Time, l.Record})
		thing := found{id: l.Node, kind: index.KindThing, self: at}
		switch {
		case l.Role == index.RoleTransformationID:
			w.expandJoin(v, l.Node)
		case l.Role.Produces() && w.down:
			thing.self = always()
			w.connect(v.latest, thing, edge{v.id, l.Node, v.id, edgeOutput})
		case l.Role.Consumes() && !w.down:
			if w.broad { // used up, so it doesn't matter when something put it in question
				thing.held, thing.mode = always(), standin
			}
			w.connect(v.latest, thing, edge{l.Node, v.id, v.id, edgeInput})
		case l.Role.Consumes(): // an event's effects are on what it makes
		case l.Role.Lot() && w.ofItems(l): // the event names the items, and these lead upwards to the lot
		case l.Role.Mentions() && v.mode&naming != 0:
			w.connect(v.latest, thing, edge{l.Node, v.id, v.id, edgeObserved})
		}
	}
}

// expandJoin goes to the other events of a transformation that was reported in parts. The first that the walk comes to
// leads to all others, and each of these only back to it: there may be thousands.
func (w *walk) expandJoin(v *visit, join int64) {
	first, met := w.joined[join]
	if !met {
		first, w.joined[join] = v.id, v.id
	}
	for _, l := range w.to[join] {
		if l.Record == v.id || v.id != first && l.Record != first {
			continue
		}
		e := edge{v.id, l.Record, l.Record, edgeContinues}
		if !w.down {
			e.from, e.to = l.Record, v.id
		}
		w.connect(v.latest, found{id: l.Record, kind: index.KindEvent, mode: through}, e)
	}
}

// expandOther goes on from artifact versions, activities, statements and the rest.
func (w *walk) expandOther(v *visit) {
	if w.down {
		w.expandUses(v)
	} else {
		w.expandDecisions(v)
	}
	w.expandTwins(v)
	for _, l := range w.to[v.id] { // an artifact version: how it came to be
		switch {
		case w.down:
		case l.Role == index.RoleDescribes:
			for _, source := range w.of[l.Record] {
				if source.Role == index.RoleSource {
					w.connect(v.latest, w.cause(source), edge{source.Node, v.id, l.Record, edgeDerived})
				}
			}
		case l.Role == index.RoleGenerated:
			w.connect(v.latest, activity(l), edge{l.Record, v.id, l.Record, edgeGenerated})
		}
	}
	for _, l := range w.of[v.id] { // an activity or a statement: what it names
		switch {
		case l.Role == index.RoleUsed && !w.down:
			if by := v.through(l); by != nil {
				w.connect(by, w.cause(l), edge{l.Node, v.id, v.id, edgeUsed})
			}
		case l.Role == index.RoleGenerated && w.down:
			if by := v.through(l); by != nil {
				w.connect(by, found{id: l.Node, kind: index.KindArtifact}, edge{v.id, l.Node, v.id, edgeGenerated})
			}
		case l.Role == index.RoleAbout && w.down:
			w.connect(
				v.latest,
				found{id: l.Node, kind: w.kinds[l.Node], self: instant(moment{l.Time, l.Record})},
				edge{v.id, l.Node, v.id, edgeAbout},
			)
		case l.Role == index.RoleSubject && w.down:
			w.connect(
				v.latest,
				found{id: l.Node, kind: w.kinds[l.Node], self: always(), mode: through | naming},
				edge{v.id, l.Node, v.id, edgeSubject},
			)
		}
	}
}

// expandTwins goes from an artifact version to those that are the same bytes under other names.
func (w *walk) expandTwins(v *visit) {
	for _, twin := range w.twins[v.id] {
		if w.visits[twin.Other] != nil {
			continue // the walk has come from there, or will go on from there all the same
		}
		e := edge{v.id, twin.Other, twin.Record, edgeSameBytes}
		if !w.down {
			e.from, e.to = twin.Other, v.id
		}
		w.connect(v.latest, found{id: twin.Other, kind: index.KindArtifact}, e)
	}
}

// activity is the activity that a link is of, reached over that link.
func activity(l index.Link) found {
	f := found{id: l.Record, kind: index.KindActivity}
	f.through, f.partly = l.Flow.Inputs()
	return f
}

// cause is what an artifact was derived from, or an activity used.
func (w *walk) cause(l index.Link) found {
	return found{id: l.Node, kind: w.kinds[l.Node], mode: through | naming}
}

// expandUses goes from anything that can be a source to what was made with it.
func (w *walk) expandUses(v *visit) {
	for _, l := range w.to[v.id] {
		switch l.Role {
		case index.RoleUsed:
			w.connect(v.latest, activity(l), edge{v.id, l.Record, l.Record, edgeUsed})
		case index.RoleSource:
			for _, described := range w.of[l.Record] {
				if described.Role == index.RoleDescribes {
					w.connect(
						v.latest,
						found{id: described.Node, kind: index.KindArtifact},
						edge{v.id, described.Node, l.Record, edgeDerived},
					)
				}
			}
		}
	}
}

// expandDecisions goes from anything that was decided about to the decisions.
func (w *walk) expandDecisions(v *visit) {
	for _, l := range w.to[v.id] {
		if l.Role == index.RoleAbout {
			w.connect(v.latest, found{id: l.Record, kind: index.KindActivity}, edge{l.Record, v.id, l.Record, edgeAbout})
		}
	}
}
