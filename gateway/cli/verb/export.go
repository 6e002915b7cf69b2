package verb

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/formats/catalogue"
)

// Export returns the verb that writes lineage in the formats of other tools.
func Export() *cobra.Command {
	var t client.Target
	var down, both bool
	var depth, limit int
	var at, format string
	c := &cobra.Command{
		Use:   "export NODE --format FORMAT",
		Short: "Write lineage in a format that other tools read",
		Long: `Write the lineage of NODE to standard output, in a format that other tools read.
The lineage is where NODE comes from; --down and --both choose otherwise. NODE is
what "pedigree trace" takes.

Formats:
` + formatList() + `
Some formats fit only some nodes; the command says why it refuses one. "slsa" is
a statement that the token's owner signs; "pedigree verify" checks it.
` + client.TargetHelp,
		Example: `  pedigree export --as lab model/lab/spoilage@1 --format slsa > spoilage.intoto.jsonl
  pedigree export --as market model/lab/spoilage@1 --format summary > spoilage.html
  pedigree export --as harbor --down dataset/lab/temperatures@1 --format csv > touched.csv`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if _, known := catalogue.ByName(format); !known {
				return exit.Usagef("--format: %q is none of %s", format, catalogue.Names())
			}
			query := url.Values{"node": {client.ID(args[0])}, "format": {format}}
			switch {
			case down && both:
				return exit.Usagef("--down and --both ask for two answers: give one of them")
			case down:
				query.Set("direction", "descendants")
			case both:
				query.Set("direction", "both")
			}
			for name, value := range map[string]int{"depth": depth, "limit": limit} {
				if c.Flags().Changed(name) { // the gateway checks the range
					query.Set(name, strconv.Itoa(value))
				}
			}
			if at != "" {
				query.Set("at", at)
			}
			gateway, err := t.Client()
			if err != nil {
				return err
			}
			call := client.Call{Method: http.MethodGet, Path: "/v1/lineage", Query: query, Accept: "*/*"}
			header, err := gateway.Copy(c.Context(), call, c.OutOrStdout())
			if err != nil {
				return err
			}
			if reasons := header.Get("Pedigree-Truncated"); reasons != "" {
				fmt.Fprintf(c.ErrOrStderr(), "The walk was cut short by its limits (%s): there is more.\n",
					terminal.Plain(reasons))
			}
			return nil
		},
	}
	t.AddFlags(c)
	c.Flags().Lookup("json").Hidden = true // --format decides
	c.Flags().StringVar(&format, "format", "", catalogue.Names())
	c.Flags().BoolVar(&down, "down", false, "write what NODE touched, not where it comes from")
	c.Flags().BoolVar(&both, "both", false, "write both where NODE comes from and what it touched")
	c.Flags().IntVar(&depth, "depth", 0, "the greatest number of steps to walk; the default is all")
	c.Flags().IntVar(&limit, "limit", 0, "the greatest number of nodes; the default is 10,000")
	c.Flags().StringVar(&at, "at", "", "answer as of this block")
	_ = c.MarkFlagRequired("format") // it fails only for a flag that does not exist
	return c
}

// formatList returns the formats as a table for the help text.
func formatList() string {
	var b strings.Builder
	for _, f := range catalogue.Formats {
		fmt.Fprintf(&b, "  %-12s %s\n", f.Name, f.About)
	}
	return b.String()
}
