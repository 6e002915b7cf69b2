package client

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/formats/catalogue"
)

// Trace walks the lineage graph from a node.
func Trace() *cobra.Command {
	var t Target
	var down, ids bool
	var depth int
	var at, format, column string
	c := &cobra.Command{
		Use:   "trace NODE",
		Short: "Where something comes from, or with --down what it touched",
		Long: `Walk the lineage graph from NODE, across things, events, datasets, runs, models
and decisions. NODE is a thing (EPC URN or GS1 Digital Link), an artifact version
or a record id, of which the hexadecimal digits are enough. Without --down the walk goes to where it comes from.

Each node is printed once, under the first that leads to it; * marks one that
stands above already.
` + whereHelp,
		Example: `  pedigree trace --as market https://id.gs1.org/01/09520051012017/10/A
  pedigree trace --as harbor --down dataset/lab/temperatures@1
  pedigree trace --as lab dataset/lab/hours@1 --column degree_hours
  pedigree trace --as lab model/lab/spoilage@1 --format dot | dot -Tsvg > model.svg`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if t.json && format != "" && format != "json" {
				return usage("--json and --format %s ask for two answers; give one of them", format)
			}
			query := url.Values{"node": {spell(args[0])}, "direction": {"ancestors"}}
			if down {
				query.Set("direction", "descendants")
			}
			if c.Flags().Changed("depth") { // the gateway says which are too small or too great
				query.Set("depth", strconv.Itoa(depth))
			}
			if at != "" {
				query.Set("at", at)
			}
			if c.Flags().Changed("column") {
				query.Set("column", column)
			}
			gateway, err := t.client()
			if err != nil {
				return err
			}
			if format != "" {
				query.Set("format", format)
			}
			answer, err := gateway.Do(c.Context(), Call{Method: http.MethodGet, Path: "/v1/lineage", Query: query, Accept: "*/*"})
			if err != nil {
				return err
			}
			if format != "" && format != "json" {
				_, err := c.OutOrStdout().Write(answer.Body)
				return err
			}
			if t.json || format == "json" {
				return printJSON(c.OutOrStdout(), answer.Body)
			}
			if column != "" {
				var columns Columns
				if err := decode(answer.Body, &columns); err != nil {
					return err
				}
				return columns.Print(c.OutOrStdout())
			}
			var graph Graph
			if err := decode(answer.Body, &graph); err != nil {
				return err
			}
			graph.ids = ids
			return graph.Print(c.OutOrStdout())
		},
	}
	t.flags(c)
	c.Flags().BoolVar(&down, "down", false, "walk to what it touched")
	c.Flags().IntVar(&depth, "depth", 0, "steps to walk; all of them if left out")
	c.Flags().BoolVar(&ids, "ids", false, "print record ids whole")
	c.Flags().StringVar(&column, "column", "", "walk from this column of an artifact version, column by column")
	c.Flags().StringVar(&at, "at", "", "answer as it was after this block, or at this date and time")
	c.Flags().StringVar(&format, "format", "", "instead of text: "+catalogue.Names()+"; see export")
	return c
}

// Print draws the graph as a tree with the start at its top: each node once,
// as near to the start as it is.
func (g Graph) Print(w io.Writer) error {
	t := tree{w: w, ids: g.ids, nodes: make(map[string]Node, len(g.Nodes)), next: map[string][]string{}, printed: map[string]bool{}}
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
		fmt.Fprintf(w, "The walk was cut short by its limits (%s): there is more behind %d of these nodes.\n", plain(strings.Join(g.Truncated.Reasons, ", ")), len(g.Truncated.Frontier))
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
	ids     bool // whole
	nodes   map[string]Node
	next    map[string][]string // away from the start
	printed map[string]bool
}

func (t *tree) print(id, branch, below string) {
	n := t.nodes[id]
	if t.printed[id] {
		fmt.Fprintf(t.w, "%s* %s\n", branch, n.name(t.ids))
		return
	}
	t.printed[id] = true
	fmt.Fprintf(t.w, "%s%s\n", branch, n.line(t.ids))
	for i, child := range t.next[id] {
		if i == len(t.next[id])-1 {
			t.print(child, below+"└─ ", below+"   ")
		} else {
			t.print(child, below+"├─ ", below+"│  ")
		}
	}
}

func (n Node) name(whole bool) string {
	if !whole && strings.HasPrefix(n.ID, "ni:///sha-256;") && len(n.ID) > 26 {
		return plain(n.ID[:26]) + "…"
	}
	return plain(n.ID)
}

// line says in a few words what a node is.
func (n Node) line(whole bool) string {
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
	parts := []string{n.name(whole)}
	for _, part := range append([]string{what, n.MSPID, n.Time}, n.Flags...) {
		if part != "" {
			parts = append(parts, plain(part))
		}
	}
	for i := len(parts) - len(n.Flags); i < len(parts); i++ {
		parts[i] = strings.ToUpper(parts[i])
	}
	return strings.Join(parts, "  ")
}
