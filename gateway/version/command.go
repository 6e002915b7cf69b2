package version

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Command returns the verb that prints the build. fabric is the release of Hyperledger Fabric that the program builds,
// and rules the newest version of the chaincode's rules that it has.
func Command(fabric string, rules int) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print which build of the program this is",
		Long: `Print the version of the program, the commit and the Go release that it was built with, the release of
Hyperledger Fabric that it builds, the newest version of the chaincode's rules that it has, and the kinds of records
that it reads. Members of a consortium compare them before an upgrade.`,
		Example: `  pedigree version
  pedigree version --json | jq -r .revision`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			b, out := Read(), c.OutOrStdout()
			if asJSON {
				return terminal.Value(out, struct {
					Build
					Fabric  string   `json:"fabric"`
					Rules   int      `json:"rules"`
					Records []string `json:"records"`
				}{b, fabric, rules, record.Shapes()})
			}
			_, err := fmt.Fprintf(out, "pedigree  %s\n%sgo        %s %s\nfabric    %s\nrules     1 to %d\nrecords   %s\n",
				b, b.commit(), b.Go, b.System, fabric, rules, strings.Join(record.Shapes(), " "))
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// commit is the line about the commit, or nothing if the commit is unknown.
func (b Build) commit() string {
	if b.Revision == "" {
		return ""
	}
	line := "commit    " + b.Revision
	if !b.Time.IsZero() {
		line += " of " + b.Time.UTC().Format(time.RFC3339)
	}
	if b.Modified {
		line += ", with changes"
	}
	return line + "\n"
}
