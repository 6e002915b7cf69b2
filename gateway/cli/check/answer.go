package check

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	offline "github.com/pedigree-ledger/pedigree/gateway/verify"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// answerCheck has the flags about answers that several organisations signed.
type answerCheck struct {
	question, since string
	agree           int
	block           uint64
}

// answerFlags are the names of these flags.
var answerFlags = []string{"question", "agree", "block", "since"}

func (a *answerCheck) flags(c *cobra.Command) {
	c.Flags().StringVar(&a.question, "question", "",
		"of a signed answer: refuse any other question than this path with its parameters")
	c.Flags().IntVar(&a.agree, "agree", 0,
		"of a signed answer, checkpoint or statement: how many organisations must agree, if more than the trust file says")
	c.Flags().Uint64Var(&a.block, "block", 0, "of a signed answer or checkpoint: refuse it if it is as of an earlier block")
	c.Flags().StringVar(&a.since, "since", "",
		"of a signed answer or checkpoint: refuse signatures from before this date and time, by the signers' clocks")
}

// unused refuses the flags with a file that is no signed answer.
func (a *answerCheck) unused(c *cobra.Command) error {
	for _, name := range answerFlags {
		if c.Flags().Changed(name) {
			return exit.Usagef("--%s is for answers and checkpoints that organisations signed, and this file is none", name)
		}
	}
	return nil
}

// verify verifies a signed answer, and prints the verdict.
func (a *answerCheck) verify(c *cobra.Command, text, pinned []byte, of proof.Wanted, cut, asJSON, raw bool) error {
	if of.Level != "" || of.ID != "" || of.Trace != nil {
		return exit.Usagef("--level, --record and --trace are for proofs, and this is an answer that organisations signed; " +
			"say what was asked with --question")
	}
	wanted := cosigned.Wanted{Agree: a.agree, Block: a.block, Cut: cut}
	var err error
	if a.question != "" {
		if wanted.Question, err = cosigned.NewQuestion(a.question); err != nil {
			return exit.Usagef("--question: %w", err)
		}
	}
	if err := a.sinceInto(&wanted); err != nil {
		return err
	}
	v, err := verifyAnswer(text, pinned, wanted)
	switch {
	case asJSON:
		return errors.Join(printAnswer(c.OutOrStdout(), v, err), exit.With(exit.Refused, err))
	case err != nil:
		return exit.With(exit.Refused, err)
	case raw:
		_, err := fmt.Fprintf(c.OutOrStdout(), "%s\n", v.Body)
		return err
	}
	return showAnswer(c.OutOrStdout(), v)
}

// sinceInto reads the flag --since.
func (a *answerCheck) sinceInto(wanted *cosigned.Wanted) (err error) {
	if a.since == "" {
		return nil
	}
	if wanted.Since, err = time.Parse(time.RFC3339, a.since); err != nil {
		return exit.Usagef("--since is %q, which is no date and time with an offset, such as 2026-03-01T08:00:00Z", a.since)
	}
	return nil
}

func verifyAnswer(text, pinned []byte, wanted cosigned.Wanted) (*cosigned.Verdict, error) {
	trust, err := offline.ReadTrust(pinned)
	if err != nil {
		return nil, err
	}
	return offline.Answer(text, trust, wanted)
}

// printAnswer writes {"accepted":…} as JSON, with who says what or with why the answer was refused.
func printAnswer(w io.Writer, v *cosigned.Verdict, err error) error {
	return terminal.Value(w, struct {
		judgement
		*cosigned.Verdict
	}{judge(err), v})
}

// showAnswer prints for people who says what.
func showAnswer(w io.Writer, v *cosigned.Verdict) error {
	var b strings.Builder
	how := "complete"
	if v.Cut != "" {
		how = "a part"
	}
	fmt.Fprintf(&b, "accepted: %s as of block %d, as %d of %d organisations say\n", how, v.Block, len(v.Agree), v.Of)
	fmt.Fprintf(&b, "  %-12s %s\n", "question", terminal.Plain(string(v.Question)))
	fmt.Fprintf(&b, "  %-12s %s\n", "answer", found(v))
	if v.Cut != "" {
		fmt.Fprintf(&b, "  %-12s %s\n", "only a part", v.Cut)
	}
	for i, voices := range [][]cosigned.Voice{v.Agree, v.Differ} {
		for _, voice := range voices {
			showVoice(&b, []string{"signed by", "denied by"}[i], voice.MSPID, voice.Subject, voice.Time, "")
		}
	}
	for _, s := range v.SetAside {
		showSetAside(&b, s.MSPID, s.Subject, s.Why)
	}
	fmt.Fprintf(&b, "  %-12s %d, %s, on channel %s\n", "block", v.Block, v.BlockHash, terminal.Plain(v.Channel))
	for _, what := range v.NotProved {
		fmt.Fprintf(&b, "not proved: %s\n", what)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// showVoice prints who says something, and when by their own clock. more follows that.
func showVoice(b *strings.Builder, what, mspID, subject string, at time.Time, more string) {
	fmt.Fprintf(b, "  %-12s %s, %s, at %s by its own clock%s\n", what, terminal.Plain(mspID), terminal.Plain(subject),
		at.UTC().Format("2006-01-02 15:04:05 MST"), more)
}

// showSetAside prints whose signature doesn't count, and why.
func showSetAside(b *strings.Builder, mspID, subject, why string) {
	fmt.Fprintf(b, "  %-12s %s, %s: %s\n", "set aside", terminal.Plain(mspID), terminal.Plain(subject), terminal.Plain(why))
}

// found says in a few words what the answer is; --raw prints it.
func found(v *cosigned.Verdict) string {
	if v.Status != 200 {
		return "there is no such thing"
	}
	n, what := v.Found()
	if what == "" {
		return fmt.Sprintf("%d bytes of JSON, which --raw prints", len(v.Body))
	}
	if n == 0 {
		return "no " + what
	}
	return terminal.Count(n, strings.TrimSuffix(what, "s")) + ", which --raw prints"
}
