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

// verifyAndShow verifies a signed statement and prints the verdict.
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

// verifyStatement verifies a file that holds a signed statement rather than a proof. It refuses what only a proof can
// satisfy, such as a level. If a record was asked for, the statement must be about it.
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
			Detail: "this is a statement signed by one organisation, not a proof of any level",
		}
	case wanted.Trace != nil:
		return nil, &proof.Refusal{Reason: proof.WrongTrace,
			Detail: "this is a signed statement, not a proof of a trace"}
	case wanted.ID != "" && (l == nil || l.Record != string(wanted.ID)):
		return nil, &proof.Refusal{Reason: proof.WrongRecord, Detail: "the statement is about another record"}
	}
	return v, nil
}

// printStatement writes {"accepted":…} as JSON, with who signed what or with why it was refused.
func printStatement(w io.Writer, v *attestation.Verdict, err error) error {
	return terminal.Value(w, struct {
		judgement
		*attestation.Verdict
	}{judge(err), v})
}

// mostSubjects is the largest number of subjects that are printed for people. --json and --raw print all of them.
const mostSubjects = 20

// showStatement prints for people who signed what.
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
	b.WriteString("Only the signer vouches for this. In a proof, several organisations do.\n")
	_, err := io.WriteString(w, b.String())
	return err
}
