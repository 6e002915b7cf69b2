package lineage_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// cut is a truncation at one node.
func cut(reason, node string) *lineage.Truncation {
	return &lineage.Truncation{Reasons: []string{reason}, Frontier: []string{node}}
}

func TestTwoAnswersAboutANodeAreOneWithoutRepetition(t *testing.T) {
	edge := func(from, to string) lineage.Edge { return lineage.Edge{From: from, To: to, Kind: lineage.EdgeInput} }
	up := &lineage.Answer{
		Node: "a", Nodes: []lineage.Node{{ID: "a"}, {ID: "b"}}, Edges: []lineage.Edge{edge("b", "a")},
		Truncated: cut("depth", "b"),
	}
	down := &lineage.Answer{
		Node: "a", Nodes: []lineage.Node{{ID: "a"}, {ID: "c"}, {ID: "b"}},
		Edges: []lineage.Edge{edge("a", "c"), edge("b", "a"), edge("c", "b")}, Truncated: cut("nodes", "a"),
	}
	joined := lineage.Join(up, down)
	require.Equal(t, &lineage.Answer{
		Node: "a", Nodes: []lineage.Node{{ID: "a"}, {ID: "b"}, {ID: "c"}},
		Edges:     []lineage.Edge{edge("b", "a"), edge("a", "c"), edge("c", "b")},
		Truncated: &lineage.Truncation{Reasons: []string{"depth", "nodes"}, Frontier: []string{"a", "b"}},
	}, joined)
	require.Len(t, up.Nodes, 2, "the answers stay as they are")
	require.Equal(t, up, lineage.Join(up))

	whole := &lineage.Answer{Node: "a", Nodes: []lineage.Node{{ID: "a"}}}
	require.Equal(t, cut("depth", "b"), lineage.Join(up, whole).Truncated)
	require.Equal(t, cut("depth", "b"), lineage.Join(whole, up).Truncated)
	require.Nil(t, lineage.Join(whole, whole).Truncated)
	require.Equal(t, cut("depth", "b"), lineage.Join(up, up).Truncated, "each reason once")
}

func TestTwoAnswersAboutAColumnAreOneWithDirections(t *testing.T) {
	column := func(name string, d lineage.Direction) lineage.Column {
		return lineage.Column{ColumnName: lineage.ColumnName{Node: "n", Column: name}, Direction: d}
	}
	up := &lineage.ColumnAnswer{
		Node: "n", Direction: lineage.Ancestors, Columns: []lineage.Column{column("a", ""), column("b", "")},
	}
	down := &lineage.ColumnAnswer{
		Node: "n", Direction: lineage.Descendants, Columns: []lineage.Column{column("a", ""), column("c", "")},
	}
	joined := lineage.JoinColumns(up, down)
	require.Equal(t, &lineage.ColumnAnswer{
		Node: "n", Direction: "both", Edges: []lineage.ColumnEdge{}, Ends: []lineage.ColumnEnd{},
		Columns: []lineage.Column{column("a", ""), column("b", lineage.Ancestors), column("c", lineage.Descendants)},
	}, joined)
	up.Truncated = cut("depth", "x")
	require.Equal(t, cut("depth", "x"), lineage.JoinColumns(up, down).Truncated)
	down.Truncated = cut("depth", "w")
	require.Equal(t, &lineage.Truncation{Reasons: []string{"depth"}, Frontier: []string{"w", "x"}},
		lineage.JoinColumns(up, down).Truncated)
	up.Truncated = nil
	require.Equal(t, cut("depth", "w"), lineage.JoinColumns(up, down).Truncated)
}

func TestTheDefaultsOfAQueryAreItsLimits(t *testing.T) {
	s := newStory(t)
	chain(s, 51)
	a := s.trace(lineage.Query{Node: "lot0", Direction: lineage.Descendants})
	require.Len(t, a.Nodes, 101, "one more than the edges of the default depth")
	require.Equal(t, []string{"depth"}, a.Truncated.Reasons)
	a = s.trace(lineage.Query{Node: "lot0", Direction: lineage.Descendants, Depth: -1, Nodes: -1, Budget: -1})
	require.Len(t, a.Nodes, 101)
}
