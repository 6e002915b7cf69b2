package picture

import (
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// mark is what is most urgent to know of a node, the least urgent first. It shows as a badge with words and as a line of its own kind,
// never as a colour alone.
type mark uint8

const (
	plain mark = iota
	certified
	approved
	corrected
	finding
	affected  // something that it came from is recalled or withdrawn
	mistaken  // declared an error
	withdrawn // consent or licence was
	recalled
)

var (
	markClasses = [...]string{"", "good", "good", "note", "note", "affected", "bad", "bad", "bad"}
	markWords   = [...]string{"", "certified", "approved", "corrected", "finding", "affected", "in error", "withdrawn", "recalled"}
	markFlags   = map[string]mark{
		"certified": certified, "approved": approved, "corrected": corrected, "finding": finding,
		lineage.FlagError: mistaken, "withdrawn": withdrawn, "recalled": recalled,
	}
)

// spread marks the nodes, and those that are affected by others: all that came of something recalled or withdrawn. What only observed such a
// thing is not affected by it.
func (g *graph) spread() {
	var queue []int
	reached := make([]bool, len(g.nodes))
	for i := range g.nodes {
		n := &g.nodes[i]
		for _, flag := range n.Flags {
			n.mark = max(n.mark, markFlags[flag])
		}
		if n.Kind == "statement" && n.Type == "recall" && !slices.Contains(n.Flags, "retracted") {
			reached[i] = true
			queue = append(queue, i)
		}
		if n.mark >= withdrawn {
			reached[i] = true
			queue = append(queue, i)
		}
	}
	for len(queue) > 0 {
		v := queue[0]
		queue = queue[1:]
		for _, e := range g.out[v] {
			to := g.edges[e].to
			if reached[to] {
				continue
			}
			reached[to] = true
			queue = append(queue, to)
			if g.edges[e].line != observes || !g.alone(to) {
				g.nodes[to].mark = max(g.nodes[to].mark, affected)
			}
		}
	}
}

// state says in words what is said of a node.
func (n *node) state() string {
	words := slices.Clone(n.Flags)
	for i, w := range words {
		words[i] = strings.ReplaceAll(w, "-", " ")
	}
	if n.mark == affected {
		words = append(words, "affected")
	}
	if n.Carrier {
		words = append(words, "carrier only")
	}
	return strings.Join(words, ", ")
}
