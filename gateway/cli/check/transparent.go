package check

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	offline "github.com/pedigree-ledger/pedigree/gateway/verify"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/scitt"
)

// transparent verifies a transparent statement, and prints the verdict.
func (a *answerCheck) transparent(c *cobra.Command, text, pinned []byte, of proof.Wanted, asJSON, raw bool) error {
	for _, flag := range []string{"level", "trace", "question", "block", "since", "cut"} {
		if c.Flags().Changed(flag) {
			return exit.Usagef("--%s isn't for transparent statements; --record and --agree are", flag)
		}
	}
	v, err := verifyTransparent(text, pinned, scitt.Wanted{ID: of.ID, Agree: a.agree})
	switch {
	case asJSON:
		return errors.Join(terminal.Value(c.OutOrStdout(), struct {
			judgement
			*scitt.Verdict
		}{judge(err), v}), exit.With(exit.Refused, err))
	case err != nil:
		return exit.With(exit.Refused, err)
	case raw:
		_, err := fmt.Fprintf(c.OutOrStdout(), "%s\n", v.Record)
		return err
	}
	return showTransparent(c.OutOrStdout(), v)
}

func verifyTransparent(text, pinned []byte, wanted scitt.Wanted) (*scitt.Verdict, error) {
	trust, err := offline.ReadTrust(pinned)
	if err != nil {
		return nil, err
	}
	return offline.Transparent(text, trust, wanted)
}

// showTransparent prints for people who stated a record, and who gave receipts.
func showTransparent(w io.Writer, v *scitt.Verdict) error {
	const when = "2006-01-02 15:04:05 MST"
	var b strings.Builder
	fmt.Fprintf(&b, "accepted: the record is on the ledger of channel %s, as %d of %d organisations say\n",
		terminal.Plain(v.Channel), len(v.Receipts), v.Of)
	fmt.Fprintf(&b, "  %-12s %s\n", "record", v.ID)
	fmt.Fprintf(&b, "  %-12s %s, %s, at %s by its own clock\n", "stated by", terminal.Plain(v.Statement.MSPID),
		terminal.Plain(v.Statement.Subject), v.Statement.Time.Format(when))
	for _, r := range v.Receipts {
		fmt.Fprintf(&b, "  %-12s %s, %s, at %s by its own clock: recording %d of %d\n", "receipt of", terminal.Plain(r.MSPID),
			terminal.Plain(r.Subject), r.Time.Format(when), r.Leaf+1, r.Size)
	}
	for _, s := range v.SetAside {
		fmt.Fprintf(&b, "  %-12s %s, %s: %s\n", "set aside", terminal.Plain(s.MSPID), terminal.Plain(s.Subject),
			terminal.Plain(s.Why))
	}
	for _, what := range v.NotProved {
		fmt.Fprintf(&b, "not proved: %s\n", what)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
