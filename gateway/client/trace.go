package client

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// Trace walks the lineage graph from a node.
func Trace() *cobra.Command {
	var t Target
	var down bool
	var depth int
	var at, format string
	c := &cobra.Command{
		Use:   "trace NODE",
		Short: "Where something comes from, or with --down what it touched",
		Long: `Walk the lineage graph from NODE, across things, events, datasets, runs, models
and decisions. NODE is a thing (EPC URN or GS1 Digital Link), an artifact version
or a record id. Without --down the walk goes to where it comes from.

Each node is printed once, under the first that leads to it; * marks one that
stands elsewhere already.
` + whereHelp,
		Example: `  pedigree trace --as market https://id.gs1.org/01/09520051012017/10/A
  pedigree trace --as harbor --down dataset/lab/temperatures@1
  pedigree trace --as lab model/lab/spoilage@1 --format dot | dot -Tsvg > model.svg`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			query := url.Values{"node": {args[0]}, "direction": {"ancestors"}}
			if down {
				query.Set("direction", "descendants")
			}
			if depth > 0 {
				query.Set("depth", strconv.Itoa(depth))
			}
			if at != "" {
				query.Set("at", at)
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
			var graph Graph
			if err := decode(answer.Body, &graph); err != nil {
				return err
			}
			return graph.Print(c.OutOrStdout())
		},
	}
	t.flags(c)
	c.Flags().BoolVar(&down, "down", false, "walk to what it touched")
	c.Flags().IntVar(&depth, "depth", 0, "steps to walk; all of them if left out")
	c.Flags().StringVar(&at, "at", "", "answer as it was after this block")
	c.Flags().StringVar(&format, "format", "", "json, csv, dot or prov instead of text")
	return c
}

// Print draws the graph as a tree with the start at its top.
func (g Graph) Print(w io.Writer) error {
	byID := make(map[string]Node, len(g.Nodes))
	for _, n := range g.Nodes {
		byID[n.ID] = n
	}
	next := map[string][]string{}
	for _, e := range g.Edges {
		if g.Direction != "descendants" {
			next[e.To] = append(next[e.To], e.From)
		}
		if g.Direction != "ancestors" {
			next[e.From] = append(next[e.From], e.To)
		}
	}
	for id := range next {
		slices.Sort(next[id])
		next[id] = slices.Compact(next[id])
	}
	printed := map[string]bool{}
	var tree func(id string, indent string, last bool, top bool)
	tree = func(id string, indent string, last bool, top bool) {
		branch, below := "", ""
		if !top {
			branch, below = indent+"├─ ", indent+"│  "
			if last {
				branch, below = indent+"└─ ", indent+"   "
			}
		}
		n, ok := byID[id]
		if !ok {
			n = Node{ID: id}
		}
		if printed[id] {
			fmt.Fprintf(w, "%s* %s\n", branch, n.name())
			return
		}
		printed[id] = true
		fmt.Fprintf(w, "%s%s\n", branch, n.line())
		children := slices.DeleteFunc(slices.Clone(next[id]), func(child string) bool { return byID[child].Depth < n.Depth && g.Direction != "both" })
		for i, child := range children {
			tree(child, below, i == len(children)-1, false)
		}
	}
	tree(g.Node, "", true, true)
	if !g.Complete {
		var reasons []string
		for _, cut := range g.Cuts {
			reasons = append(reasons, fmt.Sprintf("%s %d", cut.Reason, cut.Limit))
		}
		fmt.Fprintf(w, "The walk was cut short (%s); there is more.\n", strings.Join(reasons, ", "))
	}
	fmt.Fprintf(w, "%d nodes, as of block %d\n", len(g.Nodes), g.Block)
	return nil
}

func (n Node) name() string {
	if strings.HasPrefix(n.ID, "ni:///sha-256;") && len(n.ID) > 26 {
		return plain(n.ID[:26]) + "…"
	}
	return plain(n.ID)
}

func (n Node) line() string {
	parts := []string{n.name()}
	if n.Label != "" && n.Label != n.ID {
		parts = append(parts, plain(n.Label))
	}
	if n.MSPID != "" {
		parts = append(parts, "by "+plain(n.MSPID))
	}
	if n.Time != "" {
		parts = append(parts, plain(n.Time))
	}
	for _, s := range n.Status {
		parts = append(parts, strings.ToUpper(plain(s)))
	}
	if n.Cut {
		parts = append(parts, "…")
	}
	return strings.Join(parts, "  ")
}
