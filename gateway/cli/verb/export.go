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

// Export writes lineage in a format that other programs, or people, read.
func Export() *cobra.Command {
	var t client.Target
	var down, both bool
	var depth, limit int
	var at, format string
	c := &cobra.Command{
		Use:   "export NODE --format FORMAT",
		Short: "Lineage in a format that others read, on standard output",
		Long: `Write where NODE comes from, or what it touched, in a format that other tools
read. NODE is spelled as for "pedigree trace".

Formats:
` + formatList() + `
A format that NODE can't be written in is refused with the reason. "slsa" is
signed with the certificate of the token's owner; "pedigree verify" checks it.
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
				return exit.Usagef("--down and --both ask for two answers; give one of them")
			case down:
				query.Set("direction", "descendants")
			case both:
				query.Set("direction", "both")
			}
			for name, value := range map[string]int{"depth": depth, "limit": limit} {
				if c.Flags().Changed(name) { // the gateway says which are too small or too great
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
			header, err := gateway.Copy(c.Context(), client.Call{Method: http.MethodGet, Path: "/v1/lineage", Query: query, Accept: "*/*"}, c.OutOrStdout())
			if err != nil {
				return err
			}
			if reasons := header.Get("Pedigree-Truncated"); reasons != "" {
				fmt.Fprintf(c.ErrOrStderr(), "The walk was cut short by its limits (%s): there is more.\n", terminal.Plain(reasons))
			}
			return nil
		},
	}
	t.AddFlags(c)
	c.Flags().Lookup("json").Hidden = true // the format says it
	c.Flags().StringVar(&format, "format", "", catalogue.Names())
	c.Flags().BoolVar(&down, "down", false, "what it touched, not where it comes from")
	c.Flags().BoolVar(&both, "both", false, "where it comes from and what it touched")
	c.Flags().IntVar(&depth, "depth", 0, "steps to walk; all of them if left out")
	c.Flags().IntVar(&limit, "limit", 0, "nodes to write; 10,000 if left out")
	c.Flags().StringVar(&at, "at", "", "answer as it was after this block")
	_ = c.MarkFlagRequired("format") // the flag is there
	return c
}

// formatList is the table of formats for people.
func formatList() string {
	var b strings.Builder
	for _, f := range catalogue.Formats {
		fmt.Fprintf(&b, "  %-12s %s\n", f.Name, f.About)
	}
	return b.String()
}
