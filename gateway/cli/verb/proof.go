package verb

import (
	"net/url"
	"strconv"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/spf13/cobra"
)

// Proof returns the verb that fetches the proof of a record or of a whole trace.
func Proof() *cobra.Command {
	var t client.Target
	var level, format string
	var trace, down bool
	var depth, limit, organisations int
	var wait time.Duration
	c := &cobra.Command{
		Use:   "proof ID",
		Short: "Prove a record or a trace to somebody who trusts no gateway",
		Long: `Print a proof of the record that ID names. "pedigree verify" checks the proof
offline, even years later. ID is a record id or an artifact version. The
hexadecimal digits of a record id are enough.

With --trace, ID is any node of the graph. The proof is then one file with every
record that "pedigree trace" shows. It has at most 1000 records: of a trace with
more, prove fewer steps with --depth. The file and "pedigree verify" say that a
trace was cut.

  receipt   peers of several organisations signed that their ledger has the record
  block     also proves when the record was written, who wrote it and who endorsed
            it: it has the block, the orderers' signatures and every configuration
            back to the genesis block

With --format scitt, it is a transparent statement of RFC 9943 instead: the record as the
gateway's organisation states it, with the receipts (RFC 9942) of several that the
record is on their ledger. Programs that know COSE can check it, and so does verify.

If an organisation lags behind, the command waits for it.
` + client.TargetHelp,
		Example: `  pedigree proof --as market model/lab/spoilage@1 > model.proof
  pedigree proof --as market --level block 052d7115c44a… > record.proof
  pedigree proof --as market --format scitt model/lab/spoilage@1 > model.cose
  pedigree proof --as market --trace model/lab/spoilage@1 > trace.proof
  pedigree verify model.proof --trust consortium.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if format != "pedigree" && format != "scitt" {
				return exit.Usagef("%q is no format of a proof; there are pedigree and scitt", format)
			}
			if format == "scitt" && (trace || c.Flags().Changed("level")) {
				return exit.Usagef("--format scitt is of one record, and has no level")
			}
			if level != "receipt" && level != "block" {
				return exit.Usagef("%q is no level of proof; there are receipt and block", level)
			}
			for _, flag := range []string{"down", "depth", "limit"} {
				if c.Flags().Changed(flag) && !trace {
					return exit.Usagef("--%s goes with --trace", flag)
				}
			}
			gateway, err := t.Client()
			if err != nil {
				return err
			}
			query := url.Values{"level": {level}}
			if format != "pedigree" {
				query = url.Values{"format": {format}}
			}
			if organisations > 0 {
				query.Set("organisations", strconv.Itoa(organisations))
			}
			path := "/v1/lineage/proof"
			if trace {
				query.Set("node", client.ID(args[0]))
				if down {
					query.Set("direction", "descendants")
				}
				for name, value := range map[string]int{"depth": depth, "limit": limit} {
					if c.Flags().Changed(name) { // the gateway checks the range
						query.Set(name, strconv.Itoa(value))
					}
				}
			} else if path, err = gateway.ProofPath(c.Context(), client.ID(args[0])); err != nil {
				return err
			}
			text, err := gateway.AwaitProof(c.Context(), path, query, wait)
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(text)
			return err
		},
	}
	t.AddFlags(c)
	c.Flags().StringVar(&format, "format", "pedigree", "kind of proof: pedigree or scitt")
	c.Flags().StringVar(&level, "level", "receipt", "strength of the proof: receipt or block")
	c.Flags().BoolVar(&trace, "trace", false, "prove every record of the trace of ID")
	c.Flags().BoolVar(&down, "down", false, "with --trace: prove what ID touched, not where it comes from")
	c.Flags().IntVar(&depth, "depth", 0,
		"with --trace: the greatest number of steps to walk, at most 1000; the default is 100")
	c.Flags().IntVar(&limit, "limit", 0,
		"with --trace: refuse a trace of more records than this; the default, and the most, is 1000")
	c.Flags().IntVar(&organisations, "organisations", 0,
		"how many organisations must sign; the default is all that can be reached")
	c.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long to wait for an organisation that lags behind")
	return c
}
