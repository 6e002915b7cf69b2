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

// Impact tells what something touched, and who has to know.
func Impact() *cobra.Command {
	var t client.Target
	var asCSV bool
	var depth, limit int
	var at string
	c := &cobra.Command{
		Use:   "impact NODE|ORGANISATION",
		Short: "What something touched, why, and who has acknowledged its recall",
		Long: `Sum up what NODE touched: a dataset or model, an event, a thing, a run, or a
recall, which has the impact of all that it is about. Or what all that an
ORGANISATION recorded touched, which is named by its MSP id or as it calls itself.

The summary tells what was touched of whom, what is still on the move, which
recalls reach it and who has acknowledged them. --csv has a line for each node, with
the path that says why; --json has everything.
` + client.TargetHelp,
		Example: `  pedigree impact --as market dataset/lab/temperatures@1
  pedigree impact --as harbor 052d7115c44a… --csv > recall.csv
  pedigree impact --as lab MarketMSP`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if t.JSON && asCSV {
				return exit.Usagef("--json and --csv ask for two answers; give one of them")
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
			answer, err := gateway.Do(c.Context(), client.Call{Method: http.MethodGet, Path: "/v1/impact", Query: query, Accept: "*/*"})
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
	c.Flags().BoolVar(&asCSV, "csv", false, "print a table with a line for each node that was touched")
	c.Flags().IntVar(&depth, "depth", 0, "steps to walk; all of them if left out")
	c.Flags().IntVar(&limit, "limit", 0, "the greatest number of nodes; 10000 if left out")
	c.Flags().StringVar(&at, "at", "", "answer as it was after this block, or at this date and time")
	return c
}

func isNode(text string) bool {
	_, _, err := record.ParseNode(text)
	return err == nil
}
