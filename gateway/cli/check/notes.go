package check

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	offline "github.com/pedigree-ledger/pedigree/gateway/verify"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// mostNotes is how many files are compared at once: each with each.
const mostNotes = 64

// notes verifies and compares the notes in files, of which the first was read already.
func (a *answerCheck) notes(c *cobra.Command, files []string, first, pinned []byte, of proof.Wanted, asJSON bool) error {
	if of.Level != "" || of.ID != "" || of.Trace != nil || c.Flags().Changed("question") || c.Flags().Changed("raw") {
		return exit.Usagef("--level, --record, --trace, --question and --raw aren't for checkpoints")
	}
	if len(files) > mostNotes {
		return exit.Usagef("at most %d notes are compared at once", mostNotes)
	}
	wanted := cosigned.Wanted{Agree: a.agree, Block: a.block}
	if err := a.sinceInto(&wanted); err != nil {
		return err
	}
	trust, err := offline.ReadTrust(pinned)
	if err != nil {
		return exit.With(exit.Refused, err)
	}
	v, err := compareNotes(c, files, first, trust, wanted)
	if coded := new(exit.Error); errors.As(err, &coded) {
		return err // a file can't be read
	}
	if asJSON {
		return errors.Join(terminal.Value(c.OutOrStdout(), struct {
			judgement
			*checkpoint.Verdict
		}{judge(err), v}), exit.With(exit.Refused, err))
	}
	if v != nil {
		if shown := showNotes(c.OutOrStdout(), v, err == nil); shown != nil {
			return shown
		}
	}
	return exit.With(exit.Refused, err)
}

func compareNotes(
	c *cobra.Command, files []string, first []byte, trust *proof.Trust, wanted cosigned.Wanted,
) (*checkpoint.Verdict, error) {
	var notes []checkpoint.Named
	var proofs []*checkpoint.Consistency
	for i, name := range files {
		text := first
		if i > 0 {
			var err error
			if text, err = input.File(c.InOrStdin(), name, checkpoint.MaxNote); err != nil {
				return nil, err
			}
		}
		if checkpoint.RecogniseConsistency(text) {
			p, err := checkpoint.ParseConsistency(text)
			if err != nil {
				return nil, proof.At(err, "%s", name)
			}
			proofs = append(proofs, p)
			continue
		}
		n, err := checkpoint.Parse(text)
		if err != nil {
			return nil, proof.At(err, "%s", name)
		}
		notes = append(notes, checkpoint.Named{Name: name, Note: n})
	}
	return offline.Checkpoints(notes, proofs, trust, wanted)
}

// showNotes prints for people what notes say, and where they contradict each other.
func showNotes(w io.Writer, v *checkpoint.Verdict, accepted bool) error {
	var b strings.Builder
	if accepted {
		fmt.Fprintf(&b, "accepted: %s, and nothing in them contradicts\n", terminal.Count(len(v.Notes), "checkpoint"))
	}
	for _, n := range v.Notes {
		fmt.Fprintf(&b, "%s  %d recordings up to block %d\n", terminal.Plain(n.Name), n.Size, n.Block)
		fmt.Fprintf(&b, "  %-12s %s\n", "root", n.Root)
		fmt.Fprintf(&b, "  %-12s %s\n", "block hash", n.BlockHash)
		for _, voice := range n.SignedBy {
			showVoice(&b, "signed by", voice.MSPID, voice.Subject, voice.Time, "")
		}
		for _, s := range n.SetAside {
			showSetAside(&b, s.MSPID, s.Subject, s.Why)
		}
		if n.Others > 0 {
			fmt.Fprintf(&b, "  %-12s %s of a type that isn't known here\n", "ignored", terminal.Count(n.Others, "signature"))
		}
	}
	for _, s := range v.Splits {
		fmt.Fprintf(&b, "split view: %s\n", terminal.Plain(s.String()))
	}
	for _, what := range v.NotProved {
		fmt.Fprintf(&b, "not proved: %s\n", terminal.Plain(what))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
