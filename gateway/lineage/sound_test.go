package lineage_test

import (
	"cmp"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// ends are the kinds of nodes that each kind of edge leads from and to. Each answer with an edge of another shape is
// wrong.
var ends = map[string]struct{ from, to string }{
	lineage.EdgeInput:     {"thing class", "event"},
	lineage.EdgeOutput:    {"event", "thing class"},
	lineage.EdgeContinues: {"event", "event"},
	lineage.EdgeObserved:  {"thing class", "event"},
	lineage.EdgeContains:  {"thing class", "thing class"},
	lineage.EdgeItem:      {"thing class", "thing class"},
	lineage.EdgeMember:    {"thing class", "thing class"},
	lineage.EdgeDerived:   {"artifact event activity statement", "artifact"},
	lineage.EdgeUsed:      {"artifact event activity statement", "activity"},
	lineage.EdgeGenerated: {"activity", "artifact"},
	lineage.EdgeAbout:     {"activity", "thing class artifact event activity statement"},
	lineage.EdgeSubject:   {"statement", "thing class artifact event activity statement"},
	lineage.EdgeSameBytes: {"artifact", "artifact"},
}

// saidBy is the end of an edge that is the record which says so: "from", "to", or "" for a record that is neither.
var saidBy = map[string]string{
	lineage.EdgeInput: "to", lineage.EdgeOutput: "from", lineage.EdgeObserved: "to", lineage.EdgeUsed: "to",
	lineage.EdgeGenerated: "from", lineage.EdgeAbout: "from", lineage.EdgeSubject: "from",
}

// requireSound checks what holds for each answer, whatever the question: its order, that it tells nothing twice, that
// each edge is of two of its nodes and of a record that names both, and that each node is a step away from one that is
// nearer to the start.
func (s *story) requireSound(a *lineage.Answer) {
	s.t.Helper()
	require.Equal(s.t, a.Node, a.Nodes[0].ID)
	nodes := map[string]lineage.Node{}
	for i, n := range a.Nodes {
		require.NotContains(s.t, nodes, n.ID)
		nodes[n.ID] = n
		require.Equal(s.t, i == 0, n.Depth == 0, n.ID)
		if i > 0 {
			before := a.Nodes[i-1]
			require.LessOrEqual(s.t, cmp.Or(cmp.Compare(before.Depth, n.Depth), cmp.Compare(before.Block, n.Block)), 0)
		}
	}
	nearest := map[string]int{a.Node: -1}
	told := map[lineage.Edge]bool{}
	for i, e := range a.Edges {
		require.False(s.t, told[e], "%v is told twice", e)
		told[e] = true
		from, to := nodes[e.From], nodes[e.To]
		require.NotEmpty(s.t, from.ID, "%v leads from no node", e)
		require.NotEmpty(s.t, to.ID, "%v leads to no node", e)
		require.NotEqual(s.t, e.From, e.To, "%v", e)
		kinds := ends[e.Kind]
		require.Contains(s.t, strings.Fields(kinds.from), from.Kind, "%v", e)
		require.Contains(s.t, strings.Fields(kinds.to), to.Kind, "%v", e)
		switch saidBy[e.Kind] {
		case "from":
			require.Equal(s.t, e.From, e.Record, "%v", e)
		case "to":
			require.Equal(s.t, e.To, e.Record, "%v", e)
		default:
			require.True(s.t, strings.HasPrefix(e.Record, "ni:"), "%v", e)
		}
		for node, other := range map[string]lineage.Node{e.From: to, e.To: from} {
			if depth, ok := nearest[node]; !ok || other.Depth < depth {
				nearest[node] = other.Depth
			}
		}
		if i > 0 {
			before := a.Edges[i-1]
			order := cmp.Compare(nodes[before.From].Block, from.Block)
			if before.From == e.From {
				order = cmp.Or(cmp.Compare(nodes[before.To].Block, to.Block), order)
				if before.To == e.To {
					order = cmp.Compare(before.Kind, e.Kind)
				}
			}
			require.LessOrEqual(s.t, order, 0, "%v comes before %v", before, e)
		}
	}
	for _, n := range a.Nodes {
		depth, ok := nearest[n.ID]
		require.True(s.t, ok && depth < n.Depth, "nothing leads to %s", n.ID)
	}
}
