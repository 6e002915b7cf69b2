package picture

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// line is a kind of connection. The constants are in order, the weakest first.
type line uint8

const (
	observes line = iota // an event names a thing
	holds                // a parent holds a child
	causes               // cause and effect
)

// The classes of lines in the style sheet, and their meanings in words.
var (
	lineClasses = [...]string{"seen", "held", "led"}
	lineWords   = [...]string{"observed by", "held", "led to"}
)

func lineOf(kind string) line {
	switch kind {
	case lineage.EdgeObserved:
		return observes
	case lineage.EdgeContains, lineage.EdgeItem, lineage.EdgeMember:
		return holds
	}
	return causes
}

// graph is an answer in which numbers replace the ids of nodes.
type graph struct {
	nodes []node // in an order that doesn't depend on that of the answer
	edges []edge // one for each connected pair of nodes, in order
	out   [][]int
	in    [][]int // edges of each node
	lanes []string
}

type node struct {
	*lineage.Node
	lane int
	mark mark
	look *look
}

type edge struct {
	from, to int
	line     line
}

// read makes a graph of an answer. Of several edges between two nodes it keeps the strongest. It leaves out edges to
// nodes that are not in the answer, and those from an event to things that it made.
func read(a *lineage.Answer, o Options) *graph {
	g := &graph{nodes: make([]node, 0, len(a.Nodes))}
	number := make(map[string]int, len(a.Nodes))
	for i := range a.Nodes {
		n := &a.Nodes[i]
		if _, twice := number[n.ID]; twice {
			continue
		}
		number[n.ID] = 0
		g.nodes = append(g.nodes, node{Node: n, look: lookOf(n)})
	}
	slices.SortFunc(g.nodes, func(x, y node) int {
		if first := cmp.Compare(b2i(y.ID == a.Node), b2i(x.ID == a.Node)); first != 0 {
			return first
		}
		return cmp.Or(
			cmp.Compare(x.Depth, y.Depth),
			cmp.Compare(x.Block, y.Block),
			x.Time.Compare(y.Time),
			strings.Compare(x.ID, y.ID),
		)
	})
	for i, n := range g.nodes {
		number[n.ID] = i
	}
	g.numberLanes(o)
	g.connect(a.Edges, number)
	g.spread(o.Affected)
	return g
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (g *graph) numberLanes(o Options) {
	for i := range g.nodes {
		g.lanes = append(g.lanes, g.nodes[i].MSPID)
	}
	slices.Sort(g.lanes)
	g.lanes = slices.Compact(g.lanes)
	for i := range g.nodes {
		g.nodes[i].lane, _ = slices.BinarySearch(g.lanes, g.nodes[i].MSPID)
	}
	for i, id := range g.lanes {
		g.lanes[i] = o.Organisation(id)
	}
}

func (g *graph) connect(edges []lineage.Edge, number map[string]int) {
	g.edges = make([]edge, 0, len(edges))
	for _, e := range edges {
		from, known := number[e.From]
		to, also := number[e.To]
		if known && also && from != to {
			g.edges = append(g.edges, edge{from, to, lineOf(e.Kind)})
		}
	}
	slices.SortFunc(g.edges, func(x, y edge) int {
		return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(x.to, y.to), cmp.Compare(y.line, x.line))
	})
	g.edges = slices.CompactFunc(g.edges, func(x, y edge) bool { return x.from == y.from && x.to == y.to })
	made := make(map[[2]int]bool, len(g.edges))
	for _, e := range g.edges {
		if e.line == causes {
			made[[2]int{e.to, e.from}] = true
		}
	}
	g.edges = slices.DeleteFunc(g.edges, func(e edge) bool { return e.line == observes && made[[2]int{e.from, e.to}] })
	g.out, g.in = incidence(len(g.nodes), g.edges)
}

// incidence lists the edges that leave and that enter each node.
func incidence(nodes int, edges []edge) (out, in [][]int) {
	out, in = make([][]int, nodes), make([][]int, nodes)
	for i, e := range edges {
		out[e.from] = append(out[e.from], i)
		in[e.to] = append(in[e.to], i)
	}
	return out, in
}

// alone reports whether a node only observes, and nothing came from it.
func (g *graph) alone(v int) bool {
	for _, list := range [][]int{g.out[v], g.in[v]} {
		for _, e := range list {
			if g.edges[e].line != observes {
				return false
			}
		}
	}
	return true
}
