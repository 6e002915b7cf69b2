package check

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/attestation"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// verifyAndShow is verify for a signed statement.
func verifyAndShow(c *cobra.Command, text, pinned []byte, wanted proof.Wanted, asJSON, raw bool) error {
	v, err := verifyStatement(text, pinned, wanted)
	switch {
	case asJSON:
		return errors.Join(printStatement(c.OutOrStdout(), v, err), exit.With(exit.Refused, err))
	case err != nil:
		return exit.With(exit.Refused, err)
	case raw:
		_, err := fmt.Fprintf(c.OutOrStdout(), "%s\n", v.Payload)
		return err
	}
	return showStatement(c.OutOrStdout(), v)
}

// verifyStatement checks a file that is a signed statement, and no proof. What was asked for that only a proof can have
// is refused; a record that was asked for must be the one that the statement is of.
func verifyStatement(text, pinned []byte, wanted proof.Wanted) (*attestation.Verdict, error) {
	trust, err := proof.ParseTrust(pinned)
	if err != nil {
		return nil, err
	}
	v, err := attestation.Verify(text, trust)
	if err != nil {
		return nil, err
	}
	l := v.Statement.Ledger
	switch {
	case wanted.Level != "":
		return nil, &proof.Refusal{
			Reason: proof.LevelTooLow,
			Detail: "this is the signed statement of one organisation, which is no proof of any level",
		}
	case wanted.Trace != nil:
		return nil, &proof.Refusal{Reason: proof.WrongTrace, Detail: "this is a signed statement, and no proof of a trace"}
	case wanted.ID != "" && (l == nil || l.Record != string(wanted.ID)):
		return nil, &proof.Refusal{Reason: proof.WrongRecord, Detail: "the statement is of another record"}
	}
	return v, nil
}

// printStatement writes {"accepted":…} with who signed what, or with why nothing is accepted.
func printStatement(w io.Writer, v *attestation.Verdict, err error) error {
	return terminal.Value(w, struct {
		judgement
		*attestation.Verdict
	}{judge(err), v})
}

// mostSubjects is how many subjects people are shown; --json and --raw have all.
const mostSubjects = 20

// showStatement says to people who signed what.
func showStatement(w io.Writer, v *attestation.Verdict) error {
	var b strings.Builder
	s := v.Statement
	fmt.Fprintf(&b, "accepted: a statement signed by %s\n", terminal.Count(len(v.Signers), "organisation"))
	for _, signer := range v.Signers {
		fmt.Fprintf(
			&b,
			"  %-12s %s, %s (%s), certificate valid from %s to %s\n",
			"signed by",
			terminal.Plain(signer.MSPID),
			terminal.Plain(signer.Subject),
			signer.Role,
			signer.ValidFrom.Format("2006-01-02"),
			signer.ValidUntil.Format("2006-01-02"),
		)
	}
	fmt.Fprintf(&b, "  %-12s %s\n", "says", terminal.Plain(s.PredicateType))
	for i, subject := range s.Subjects {
		if i == mostSubjects {
			fmt.Fprintf(&b, "  %-12s %d more\n", "and of", len(s.Subjects)-i)
			break
		}
		for _, name := range slices.Sorted(maps.Keys(subject.Digest)) {
			fmt.Fprintf(
				&b,
				"  %-12s %s  %s:%s\n",
				"of",
				terminal.Plain(subject.Name),
				terminal.Plain(name),
				terminal.Plain(subject.Digest[name]),
			)
		}
	}
	for _, row := range [][2]string{{"made by", s.Builder}, {"in", s.Invocation}, {"how", s.BuildType}} {
		if row[1] != "" {
			fmt.Fprintf(&b, "  %-12s %s\n", row[0], terminal.Plain(row[1]))
		}
	}
	if l := s.Ledger; l != nil {
		fmt.Fprintf(
			&b,
			"  %-12s %s, block %d of channel %s, as of block %d\n",
			"recorded by",
			terminal.Plain(l.MSPID),
			l.Block,
			terminal.Plain(l.Channel),
			l.AsOf,
		)
		fmt.Fprintf(
			&b,
			"  %-12s %s, by the signer's clock\n",
			"signed at",
			l.ExportedOn.UTC().Format("2006-01-02 15:04:05 MST"),
		)
	}
	b.WriteString("This is the word of who signed. Ask for a proof to have the word of several organisations.\n")
	_, err := io.WriteString(w, b.String())
	return err
}
