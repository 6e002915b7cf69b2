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
	var b strings.Builder
	fmt.Fprintf(&b, "accepted: the record is on the ledger of channel %s, as %d of %d organisations say\n",
		terminal.Plain(v.Channel), len(v.Receipts), v.Of)
	fmt.Fprintf(&b, "  %-12s %s\n", "record", v.ID)
	showVoice(&b, "stated by", v.Statement.MSPID, v.Statement.Subject, v.Statement.Time, "")
	for _, r := range v.Receipts {
		showVoice(&b, "receipt of", r.MSPID, r.Subject, r.Time, fmt.Sprintf(": recording %d of %d", r.Leaf+1, r.Size))
	}
	for _, s := range v.SetAside {
		showSetAside(&b, s.MSPID, s.Subject, s.Why)
	}
	for _, what := range v.NotProved {
		fmt.Fprintf(&b, "not proved: %s\n", what)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
