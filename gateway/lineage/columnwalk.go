package lineage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Bounds of a walk over columns.
const (
	mostKnown = 100  // columns that an error names
	mostRuns  = 2000 // runs that are read
)

// TraceColumns walks from a column of the query's node, which is an artifact version, through
// what runs say of columns. Errors are those of Trace, and an *UnknownColumnError.
func TraceColumns(ctx context.Context, g Graph, q Query, column string) (*ColumnAnswer, error) {
	if q.Direction != Ancestors && q.Direction != Descendants {
		return nil, fmt.Errorf("%q is not a direction; there are %s and %s", q.Direction, Ancestors, Descendants)
	}
	q = q.orDefaults()
	snap, err := g.Snapshot(ctx, q.At)
	if err != nil {
		return nil, err
	}
	w := &columnWalk{
		links: newLinks(g, snap), query: q, down: q.Direction == Descendants, end: time.Now().Add(q.Budget),
		visits: map[columnKey]*Column{}, runs: map[int64]*record.Activity{}, ids: map[string]index.Vertex{},
		names: map[int64]string{}, reasons: map[string]bool{}, frontier: map[string]bool{},
	}
	start, err := w.links.find(ctx, q.Node)
	if err != nil {
		return nil, err
	}
	w.names[start.ID] = start.Name
	w.answer = &ColumnAnswer{
		Node:      start.Name,
		Column:    column,
		Direction: q.Direction,
		Block:     snap.Block,
		Columns:   []Column{},
		Edges:     []ColumnEdge{},
		Ends:      []ColumnEnd{},
	}
	if err := w.known(ctx, start, column); err != nil {
		return nil, err
	}
	if err := w.run(ctx, columnKey{start.ID, column}); err != nil {
		return nil, err
	}
	return w.answer, w.finish(ctx)
}

// columnKey is a column by its artifact's number.
type columnKey struct {
	node   int64
	column string
}

type columnWalk struct {
	*links
	query    Query
	down     bool
	end      time.Time
	visits   map[columnKey]*Column
	order    []columnKey
	runs     map[int64]*record.Activity // nil if it can't be read
	ids      map[string]index.Vertex    // by the refs that records have
	names    map[int64]string
	reasons  map[string]bool
	frontier map[string]bool
	answer   *ColumnAnswer
}

// known checks that the column asked about exists.
func (w *columnWalk) known(ctx context.Context, start index.Vertex, column string) error {
	if err := w.readTo(ctx, []int64{start.ID}); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, l := range w.to[start.ID] {
		if l.Role != index.RoleGenerated && l.Role != index.RoleUsed {
			continue
		}
		run, err := w.read(ctx, l.Record)
		if err != nil {
			return err
		}
		if run == nil {
			continue
		}
		for _, o := range run.Generated {
			for _, c := range o.Columns {
				if l.Role == index.RoleGenerated && o.Ref == start.Name {
					known[c.Name] = true
				}
				for _, source := range c.From {
					if l.Role == index.RoleUsed {
						is, err := w.is(ctx, source.Ref, start.ID)
						if err != nil {
							return err
						}
						known[source.Column] = known[source.Column] || is
					}
				}
			}
		}
		if known[column] {
			return nil
		}
	}
	maps.DeleteFunc(known, func(_ string, is bool) bool { return !is })
	names := slices.Sorted(maps.Keys(known))
	return &UnknownColumnError{start.Name, column, names[:min(len(names), mostKnown)], w.snap.Block}
}

// is tells whether a ref names a node.
func (w *columnWalk) is(ctx context.Context, ref string, node int64) (bool, error) {
	if !strings.HasPrefix(ref, "ni:") {
		return ref == w.names[node], nil
	}
	v, err := w.resolve(ctx, ref)
	return v.ID == node, err
}

func (w *columnWalk) resolve(ctx context.Context, ref string) (index.Vertex, error) {
	v, ok := w.ids[ref]
	if !ok {
		var err error
		if v, err = w.graph.Find(ctx, ref, w.snap); err != nil {
			return v, err
		}
		w.ids[ref] = v
		w.names[v.ID] = v.Name
	}
	return v, nil
}

// read reads a run; nil if there were too many, or it can't be read.
func (w *columnWalk) read(ctx context.Context, id int64) (*record.Activity, error) {
	if run, ok := w.runs[id]; ok {
		return run, nil
	}
	if len(w.runs) >= mostRuns {
		w.reasons["nodes"] = true
		return nil, nil
	}
	names, err := w.graph.Names(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	r, err := w.graph.Record(ctx, names[id], w.snap.Block)
	if err != nil {
		return nil, err
	}
	w.names[id], w.runs[id] = names[id], nil
	if read, problems := record.Decode(r.Body); len(problems) == 0 {
		w.runs[id] = read.Activity
	}
	return w.runs[id], nil
}

func (w *columnWalk) run(ctx context.Context, start columnKey) error {
	w.visits[start], w.order = &Column{}, []columnKey{start}
	for n := 0; n < len(w.order); n++ {
		at := w.order[n]
		if time.Now().After(w.end) {
			w.cut(at, "time")
			break
		}
		if err := w.readTo(ctx, []int64{at.node}); err != nil {
			return err
		}
		var err error
		for _, l := range w.to[at.node] {
			switch {
			case w.down && l.Role == index.RoleUsed:
				err = w.throughUse(ctx, at, l)
			case !w.down && l.Role == index.RoleGenerated:
				err = w.throughOutput(ctx, at, l)
			case w.down && l.Role == index.RoleSource, !w.down && l.Role == index.RoleDescribes:
				err = w.derived(ctx, at, l)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// throughUse goes from a column of an input to those of outputs that were made of it.
func (w *columnWalk) throughUse(ctx context.Context, at columnKey, l index.Link) error {
	run, err := w.read(ctx, l.Record)
	if err != nil || run == nil {
		return err
	}
	if len(run.Generated) == 0 {
		w.ends(at, l.Record, "", EndSilent)
	}
	for _, o := range run.Generated {
		if len(o.Columns) == 0 {
			of, err := w.anyIs(ctx, run.Sources(o), at.node)
			if err != nil {
				return err
			}
			if of {
				w.ends(at, l.Record, o.Ref, EndSilent)
			}
			continue
		}
		for _, c := range o.Columns {
			for _, source := range c.From {
				if source.Column != at.column {
					continue
				}
				is, err := w.is(ctx, source.Ref, at.node)
				if err != nil {
					return err
				}
				if !is {
					continue
				}
				to, err := w.resolve(ctx, o.Ref)
				if err != nil {
					return err
				}
				w.connect(at, columnKey{to.ID, c.Name}, l.Record, source.Transformations)
			}
		}
	}
	return nil
}

func (w *columnWalk) anyIs(ctx context.Context, refs []string, node int64) (bool, error) {
	for _, ref := range refs {
		if is, err := w.is(ctx, ref, node); is || err != nil {
			return is, err
		}
	}
	return false, nil
}

// throughOutput goes from a column of an output to those that it was made of.
func (w *columnWalk) throughOutput(ctx context.Context, at columnKey, l index.Link) error {
	run, err := w.read(ctx, l.Record)
	if err != nil || run == nil {
		return err
	}
	for _, o := range run.Generated {
		if o.Ref != w.names[at.node] {
			continue
		}
		i := slices.IndexFunc(o.Columns, func(c record.Column) bool { return c.Name == at.column })
		if i < 0 {
			why := EndSilent
			if len(o.Columns) > 0 {
				why = EndUndefined
			}
			w.ends(at, l.Record, "", why)
			continue
		}
		for _, source := range o.Columns[i].From {
			from, err := w.resolve(ctx, source.Ref)
			if err != nil {
				return err
			}
			if from.ID != 0 {
				w.connect(at, columnKey{from.ID, source.Column}, l.Record, source.Transformations)
			}
		}
	}
	return nil
}

// derived ends a walk at an artifact that was derived as a whole.
func (w *columnWalk) derived(ctx context.Context, at columnKey, l index.Link) error {
	if err := w.readOf(ctx, []int64{l.Record}); err != nil {
		return err
	}
	names, err := w.graph.Names(ctx, []int64{l.Record})
	if err != nil {
		return err
	}
	w.names[l.Record] = names[l.Record]
	for _, other := range w.of[l.Record] {
		if !w.down && other.Role == index.RoleSource {
			w.ends(at, l.Record, "", EndDerived)
			return nil
		}
		if w.down && other.Role == index.RoleDescribes {
			labels, err := w.graph.Describe(ctx, []int64{other.Node}, w.snap)
			if err != nil {
				return err
			}
			if label := labels[other.Node]; label != nil {
				w.ends(at, l.Record, label.Name, EndDerived)
			}
		}
	}
	return nil
}

func (w *columnWalk) ends(at columnKey, record int64, other, why string) {
	w.answer.Ends = append(w.answer.Ends, ColumnEnd{w.name(at), w.names[record], other, why})
}

func (w *columnWalk) name(at columnKey) ColumnName { return ColumnName{w.names[at.node], at.column} }

func (w *columnWalk) cut(at columnKey, reason string) {
	w.reasons[reason], w.frontier[w.names[at.node]] = true, true
}

func (w *columnWalk) connect(at, next columnKey, run int64, transformations canonical.Value) {
	if w.visits[next] == nil {
		switch {
		case w.visits[at].Depth >= w.query.Depth:
			w.cut(at, "depth")
			return
		case len(w.visits) >= w.query.Nodes:
			w.cut(at, "nodes")
			return
		}
		w.visits[next] = &Column{Depth: w.visits[at].Depth + 1}
		w.order = append(w.order, next)
	}
	e := ColumnEdge{From: w.name(at), To: w.name(next), Record: w.names[run]}
	if !w.down {
		e.From, e.To = e.To, e.From
	}
	if transformations.Kind != canonical.Null {
		e.Transformations = transformations.Bytes()
	}
	w.answer.Edges = append(w.answer.Edges, e)
}

// finish labels what the walk came to.
func (w *columnWalk) finish(ctx context.Context) error {
	var ids []int64
	for _, at := range w.order {
		ids = append(ids, at.node)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	labels, err := w.graph.Describe(ctx, ids, w.snap)
	if err != nil {
		return err
	}
	statuses, err := w.graph.Statuses(ctx, ids, w.snap)
	if err != nil {
		return err
	}
	for _, at := range w.order {
		c := *w.visits[at]
		c.ColumnName = w.name(at)
		if label := labels[at.node]; label != nil {
			c.MSPID = label.MSPID
		}
		if s := statuses[at.node]; s != nil {
			c.Flags = s.Flags
		}
		w.answer.Columns = append(w.answer.Columns, c)
	}
	if len(w.reasons) > 0 {
		w.answer.Truncated = &Truncation{
			slices.Sorted(maps.Keys(w.reasons)),
			slices.AppendSeq([]string{}, maps.Keys(w.frontier)),
		}
		slices.Sort(w.answer.Truncated.Frontier)
	}
	return nil
}
