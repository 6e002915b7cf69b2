package text

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Graph prints the graph as a tree with the start at the top. It prints each node once in full.
func Graph(w io.Writer, g client.Graph, ids bool) error {
	t := tree{
		w:       w,
		ids:     ids,
		nodes:   make(map[string]client.Node, len(g.Nodes)),
		next:    map[string][]string{},
		printed: map[string]bool{}, unwalked: frontier(g.Truncated),
	}
	for _, n := range g.Nodes {
		t.nodes[n.ID] = n
	}
	for _, e := range g.Edges {
		for _, pair := range [][2]string{{e.From, e.To}, {e.To, e.From}} {
			if near, far := t.nodes[pair[0]].Depth, t.nodes[pair[1]].Depth; far*far > near*near && far*near >= 0 {
				t.next[pair[0]] = append(t.next[pair[0]], pair[1])
			}
		}
	}
	for id := range t.next {
		slices.SortFunc(t.next[id], func(a, b string) int {
			return cmp.Or(cmp.Compare(t.nodes[a].Time, t.nodes[b].Time), cmp.Compare(a, b))
		})
		t.next[id] = slices.Compact(t.next[id])
	}
	t.print(g.Node, "", "")
	if g.Truncated != nil {
		fmt.Fprintf(
			w,
			"The walk was cut short by its limits (%s): there is more behind %d of these nodes.\n",
			terminal.Plain(strings.Join(g.Truncated.Reasons, ", ")),
			len(g.Truncated.Frontier),
		)
	}
	nodes := "nodes"
	if len(g.Nodes) == 1 {
		nodes = "node"
	}
	_, err := fmt.Fprintf(w, "%d %s, as of block %d\n", len(g.Nodes), nodes, g.Block)
	return err
}

type tree struct {
	w       io.Writer
	ids     bool // print record ids in full
	nodes   map[string]client.Node
	next    map[string][]string // neighbours further from the start
	printed map[string]bool

	unwalked map[string]bool
}

// notWalked marks a node at which the walk was cut: there is more behind it, or may be.
const notWalked = "not walked further"

// frontier are the nodes behind which there is more, or may be.
func frontier(cut *client.Truncation) map[string]bool {
	if cut == nil {
		return nil
	}
	at := make(map[string]bool, len(cut.Frontier))
	for _, id := range cut.Frontier {
		at[id] = true
	}
	return at
}

func (t *tree) print(id, branch, below string) {
	n := t.nodes[id]
	if t.printed[id] {
		fmt.Fprintf(t.w, "%s* %s\n", branch, nodeName(n, t.ids))
		return
	}
	t.printed[id] = true
	line := nodeLine(n, t.ids)
	if t.unwalked[id] {
		line += "  " + notWalked
	}
	fmt.Fprintf(t.w, "%s%s\n", branch, line)
	for i, child := range t.next[id] {
		if i == len(t.next[id])-1 {
			t.print(child, below+"└─ ", below+"   ")
		} else {
			t.print(child, below+"├─ ", below+"│  ")
		}
	}
}

func nodeName(n client.Node, whole bool) string {
	if !whole && strings.HasPrefix(n.ID, "ni:///sha-256;") && len(n.ID) > 26 {
		return terminal.Plain(n.ID[:26]) + "…"
	}
	return terminal.Plain(n.ID)
}

// nodeLine describes a node in one line.
func nodeLine(n client.Node, whole bool) string {
	what := n.Kind
	switch n.Kind {
	case "event":
		what = strings.TrimSuffix(n.Type, "Event")
		if n.BizStep != "" {
			what = n.BizStep[strings.LastIndexAny(n.BizStep, "-/:")+1:]
		}
	case "activity", "statement":
		what = n.Type
	case "artifact", "thing", "class":
		what = ""
	}
	if n.Carrier {
		what = "carried it"
	}
	parts := []string{nodeName(n, whole)}
	for _, part := range append([]string{what, n.MSPID, n.Time}, n.Flags...) {
		if part != "" {
			parts = append(parts, terminal.Plain(part))
		}
	}
	for i := len(parts) - len(n.Flags); i < len(parts); i++ {
		parts[i] = strings.ToUpper(parts[i])
	}
	return strings.Join(parts, "  ")
}
