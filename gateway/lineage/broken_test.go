package lineage_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

var errBroken = errors.New("the index is broken")

// brokenGraph answers all calls but one.
type brokenGraph struct {
	lineage.Graph
	left int // calls before the one that it doesn't answer; negative after it
}

// answer asks the graph, unless this is the call that it doesn't answer.
func answer[T any](g *brokenGraph, ask func() (T, error)) (none T, err error) {
	if g.left--; g.left == -1 {
		return none, errBroken
	}
	return ask()
}

func (g *brokenGraph) Snapshot(ctx context.Context, at uint64) (index.Snapshot, error) {
	return answer(g, func() (index.Snapshot, error) { return g.Graph.Snapshot(ctx, at) })
}

func (g *brokenGraph) Find(ctx context.Context, node string, snap index.Snapshot) (index.Vertex, error) {
	return answer(g, func() (index.Vertex, error) { return g.Graph.Find(ctx, node, snap) })
}

func (g *brokenGraph) LinksTo(ctx context.Context, nodes []int64, snap index.Snapshot) ([]index.Link, error) {
	return answer(g, func() ([]index.Link, error) { return g.Graph.LinksTo(ctx, nodes, snap) })
}

func (g *brokenGraph) LinksOf(ctx context.Context, records []int64, snap index.Snapshot) ([]index.Link, error) {
	return answer(g, func() ([]index.Link, error) { return g.Graph.LinksOf(ctx, records, snap) })
}

func (g *brokenGraph) Twins(ctx context.Context, artifacts []int64, snap index.Snapshot) ([]index.Twin, error) {
	return answer(g, func() ([]index.Twin, error) { return g.Graph.Twins(ctx, artifacts, snap) })
}

func (g *brokenGraph) OfClass(
	ctx context.Context, nodes []int64, snap index.Snapshot, most int,
) (members map[int64][]index.Vertex, cut []int64, err error) {
	members, err = answer(g, func() (found map[int64][]index.Vertex, err error) {
		found, cut, err = g.Graph.OfClass(ctx, nodes, snap, most)
		return found, err
	})
	return members, cut, err
}

func (g *brokenGraph) ClassesOf(ctx context.Context, things []int64, snap index.Snapshot) (map[int64][]index.Vertex, error) {
	return answer(g, func() (map[int64][]index.Vertex, error) { return g.Graph.ClassesOf(ctx, things, snap) })
}

func (g *brokenGraph) Kinds(ctx context.Context, ids []int64) (map[int64]index.Kind, error) {
	return answer(g, func() (map[int64]index.Kind, error) { return g.Graph.Kinds(ctx, ids) })
}

func (g *brokenGraph) Names(ctx context.Context, records []int64) (map[int64]string, error) {
	return answer(g, func() (map[int64]string, error) { return g.Graph.Names(ctx, records) })
}

func (g *brokenGraph) Describe(ctx context.Context, ids []int64, snap index.Snapshot) (map[int64]*index.Label, error) {
	return answer(g, func() (map[int64]*index.Label, error) { return g.Graph.Describe(ctx, ids, snap) })
}

func (g *brokenGraph) Statuses(ctx context.Context, ids []int64, snap index.Snapshot) (map[int64]*index.Status, error) {
	return answer(g, func() (map[int64]*index.Status, error) { return g.Graph.Statuses(ctx, ids, snap) })
}

func (g *brokenGraph) FirstRecordedBy(
	ctx context.Context, mspID string, snap index.Snapshot, most int,
) (list []index.Vertex, more bool, err error) {
	list, err = answer(g, func() (found []index.Vertex, err error) {
		found, more, err = g.Graph.FirstRecordedBy(ctx, mspID, snap, most)
		return found, err
	})
	return list, more, err
}

func (g *brokenGraph) Record(ctx context.Context, id string, at uint64) (*index.Record, error) {
	return answer(g, func() (*index.Record, error) { return g.Graph.Record(ctx, id, at) })
}

func (g *brokenGraph) Recordings(ctx context.Context, id string, at uint64) ([]index.Recording, error) {
	return answer(g, func() ([]index.Recording, error) { return g.Graph.Recordings(ctx, id, at) })
}

func (g *brokenGraph) Weigh(ctx context.Context, r *index.Record) (index.Weight, error) {
	return answer(g, func() (index.Weight, error) { return g.Graph.Weigh(ctx, r) })
}

// TestAQuestionFailsWhereverTheIndexDoes lets one call of the index fail, each in its turn.
func TestAQuestionFailsWhereverTheIndexDoes(t *testing.T) {
	s := aWrongLogger(t)
	s.sees("packed item", 6, "item1@lotC", "product")
	s.sees("of the product", 6, "product")
	s.says("Market", "market knows", "acknowledgement", `{"action":"on hold"}`, "recall7")
	s.sees("read again", 7, "pallet7")
	s.same("Lab", "dataset/lab/copied@1", bytesX, "reading7")
	s.same("Market", "dataset/market/copy@1", bytesX)
	tables := withColumns(t)
	query := func(node string, d lineage.Direction) lineage.Query {
		if id := s.nodes[node]; id != "" {
			node = id
		}
		return lineage.Query{Node: node, Direction: d, At: index.Latest}
	}
	trace := func(node string, d lineage.Direction) func(lineage.Graph) error {
		return func(g lineage.Graph) error {
			_, err := lineage.Trace(t.Context(), g, query(node, d))
			return err
		}
	}
	assess := func(q lineage.Query) func(lineage.Graph) error {
		return func(g lineage.Graph) error {
			_, err := lineage.Assess(t.Context(), g, q)
			return err
		}
	}
	columns := func(node, column string, d lineage.Direction) func(lineage.Graph) error {
		return func(g lineage.Graph) error {
			_, err := lineage.TraceColumns(t.Context(), g, lineage.Query{Node: node, Direction: d, At: index.Latest}, column)
			return err
		}
	}
	for name, c := range map[string]struct {
		of  *story
		ask func(lineage.Graph) error
	}{
		"ancestors of a lot":              {s, trace("lotC", lineage.Ancestors)},
		"descendants of a lot":            {s, trace("lotA", lineage.Descendants)},
		"ancestors of an item":            {s, trace(thing("item1"), lineage.Ancestors)},
		"descendants of a product":        {s, trace("product", lineage.Descendants)},
		"descendants of a recall":         {s, trace("recall7", lineage.Descendants)},
		"what a recall touched":           {s, assess(query("recall7", ""))},
		"what an artifact touched":        {s, assess(query("dataset/lab/seven@1", ""))},
		"what an organisation touched":    {s, assess(lineage.Query{Organisation: "HarborMSP", At: index.Latest})},
		"columns that a column came from": {tables, columns("dataset/lab/sums@1", "mean", lineage.Ancestors)},
		"columns that came of a column":   {tables, columns("dataset/lab/raw@1", "temp", lineage.Descendants)},
		"warnings": {s, func(g lineage.Graph) error {
			_, err := lineage.WarningsOf(t.Context(), g, []string{thing("lotC"), thing("item1"), product}, query("", lineage.Ancestors))
			return err
		}},
		"a circle": {s, func(g lineage.Graph) error {
			_, err := lineage.Circle(t.Context(), g, "dataset/lab/seven@1", []string{"model/lab/tuned@1"})
			return err
		}},
		"flags": {s, func(g lineage.Graph) error {
			_, err := lineage.EventFlags(t.Context(), g, s.nodes["reading7"], index.Latest)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for calls := 0; ; calls++ {
				g := &brokenGraph{Graph: c.of.index, left: calls}
				err := c.ask(g)
				if g.left >= 0 {
					require.NoError(t, err)
					require.NotZero(t, calls)
					return
				}
				require.ErrorIs(t, err, errBroken, "behind %d calls", calls)
			}
		})
	}
}
