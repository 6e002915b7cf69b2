package verb

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/cli/text"
)

// Impact returns the verb that lists what something touched and who has to know.
func Impact() *cobra.Command {
	var t client.Target
	var asCSV bool
	var depth, limit int
	var at string
	var signers cosigners
	c := &cobra.Command{
		Use:   "impact NODE|ORGANISATION",
		Short: "What something touched, why, and who has acknowledged its recall",
		Long: `Print what NODE touched. NODE is a dataset, a model, an event, a thing, a run or a
recall; the impact of a recall is that of everything that it recalls. Or give an
ORGANISATION, by its MSP id or its name, for the impact of everything that it
recorded.

The summary lists what was touched, by organisation, and what is still on the
move. It lists the recalls and who has acknowledged them. --csv prints a line for
each node, with the path that leads to it. --json prints the whole answer.
` + client.TargetHelp,
		Example: `  pedigree impact --as market dataset/lab/temperatures@1
  pedigree impact --as harbor 052d7115c44a… --csv > recall.csv
  pedigree impact --as lab MarketMSP`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if t.JSON && asCSV {
				return exit.Usagef("--json and --csv ask for two answers: give one of them")
			}
			gateway, err := t.Client()
			if err != nil {
				return err
			}
			query := url.Values{}
			if node := client.ID(args[0]); isNode(node) {
				query.Set("node", node)
			} else if query["organisation"], err = gateway.Organisation(c.Context(), args[0]); err != nil {
				return err
			}
			for name, value := range map[string]int{"depth": depth, "limit": limit} {
				if c.Flags().Changed(name) {
					query.Set(name, strconv.Itoa(value))
				}
			}
			if at != "" {
				query.Set("at", at)
			}
			if asCSV {
				query.Set("format", "csv")
			}
			if signers.asked(c) {
				return signers.ask(c, gateway, "/v1/impact", query)
			}
			call := client.Call{Method: http.MethodGet, Path: "/v1/impact", Query: query, Accept: "*/*"}
			answer, err := gateway.Do(c.Context(), call)
			if err != nil {
				return err
			}
			switch {
			case asCSV:
				_, err := c.OutOrStdout().Write(answer.Body)
				return err
			case t.JSON:
				return terminal.JSON(c.OutOrStdout(), answer.Body)
			}
			var im client.Impact
			if err := answer.Decode(&im); err != nil {
				return err
			}
			return text.Impact(c.OutOrStdout(), args[0], im)
		},
	}
	t.AddFlags(c)
	signers.flag(c)
	c.Flags().BoolVar(&asCSV, "csv", false, "print CSV with a line for each touched node")
	c.Flags().IntVar(&depth, "depth", 0, "the greatest number of steps to walk, at most 1000; the default is 100")
	c.Flags().IntVar(&limit, "limit", 0, "the greatest number of nodes, at most 100,000; the default is 10,000")
	c.Flags().StringVar(&at, "at", "", "answer as of this block, or as of this date and time")
	return c
}

func isNode(text string) bool {
	_, _, err := record.ParseNode(text)
	return err == nil
}
