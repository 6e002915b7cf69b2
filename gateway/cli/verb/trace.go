package verb

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/cli/text"
	"github.com/pedigree-ledger/pedigree/gateway/formats/catalogue"
)

// Trace returns the verb that walks the lineage graph from a node.
func Trace() *cobra.Command {
	var t client.Target
	var down, ids bool
	var depth int
	var at, format, column string
	var signers cosigners
	c := &cobra.Command{
		Use:   "trace NODE",
		Short: "Where something comes from, or with --down what it touched",
		Long: `Walk the lineage graph from NODE, across things, events, datasets, runs, models
and decisions, and print it as a tree. The walk goes to the sources of NODE; with
--down it goes to what NODE touched.

NODE is a thing (EPC URN or GS1 Digital Link), an artifact version or a record id.
The hexadecimal digits of a record id are enough.

The tree shows each node once in full. A node that appears again has a *.
` + client.TargetHelp,
		Example: `  pedigree trace --as market https://id.gs1.org/01/09520051012017/10/A
  pedigree trace --as harbor --down dataset/lab/temperatures@1
  pedigree trace --as lab dataset/lab/hours@1 --column degree_hours
  pedigree trace --as lab model/lab/spoilage@1 --format dot | dot -Tsvg > model.svg`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if t.JSON && format != "" && format != "json" {
				return exit.Usagef("--json and --format %s ask for two answers: give one of them", format)
			}
			query := url.Values{"node": {client.ID(args[0])}, "direction": {"ancestors"}}
			if down {
				query.Set("direction", "descendants")
			}
			if c.Flags().Changed("depth") { // the gateway checks the range
				query.Set("depth", strconv.Itoa(depth))
			}
			if at != "" {
				query.Set("at", at)
			}
			if c.Flags().Changed("column") {
				query.Set("column", column)
			}
			gateway, err := t.Client()
			if err != nil {
				return err
			}
			if format != "" {
				query.Set("format", format)
			}
			if signers.asked(c) {
				return signers.ask(c, gateway, "/v1/lineage", query)
			}
			call := client.Call{Method: http.MethodGet, Path: "/v1/lineage", Query: query, Accept: "*/*"}
			answer, err := gateway.Do(c.Context(), call)
			if err != nil {
				return err
			}
			if format != "" && format != "json" {
				_, err := c.OutOrStdout().Write(answer.Body)
				return err
			}
			if t.JSON || format == "json" {
				return terminal.JSON(c.OutOrStdout(), answer.Body)
			}
			if column != "" {
				var columns client.Columns
				if err := answer.Decode(&columns); err != nil {
					return err
				}
				return text.Columns(c.OutOrStdout(), columns)
			}
			var graph client.Graph
			if err := answer.Decode(&graph); err != nil {
				return err
			}
			return text.Graph(c.OutOrStdout(), graph, ids)
		},
	}
	t.AddFlags(c)
	signers.flag(c)
	c.Flags().BoolVar(&down, "down", false, "walk to what NODE touched")
	c.Flags().IntVar(&depth, "depth", 0, "the greatest number of steps to walk, at most 1000; the default is 100")
	c.Flags().BoolVar(&ids, "ids", false, "print record ids in full")
	c.Flags().StringVar(&column, "column", "", "trace this column of an artifact version, column by column")
	c.Flags().StringVar(&at, "at", "", "answer as of this block, or as of this date and time")
	c.Flags().StringVar(&format, "format", "", "print this format instead of text: "+catalogue.Names()+"; see export")
	return c
}
