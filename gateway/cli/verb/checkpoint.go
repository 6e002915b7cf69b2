package verb

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
)

// Checkpoint returns the verb that has organisations sign how far the ledger is.
func Checkpoint() *cobra.Command {
	var t client.Target
	signers := cosigners{1}
	var out, extends string
	c := &cobra.Command{
		Use:   "checkpoint",
		Short: "Have organisations sign how far the ledger is, to be compared later",
		Long: `Print a checkpoint: how many records the ledger has up to its newest block, that block's
hash, and a hash over the ids of all these records. It is a note of a few lines, signed
by the gateway's organisation. With --cosigned N, at least N organisations have to agree
and sign it.

Keep notes, and exchange them with others. "pedigree verify NOTE NOTE" finds out offline
whether two notes contradict each other, and names who signed them. "pedigree audit
--witness NOTE" computes the checkpoint again from the blocks.

With --extends NOTE, the gateway must also prove that everything that the earlier note
covers is still there, in the same order.

If fewer organisations agree than asked for, or one signs another checkpoint of the same
block, the note is printed with those who agree, and the command exits with 1. Ask for
"/v1/checkpoint" with "pedigree ask --cosigned N" to keep the signatures of the others.
` + client.TargetHelp,
		Example: `  pedigree checkpoint --as market --cosigned 3 --out monday.note
  pedigree checkpoint --as market --extends monday.note --out tuesday.note
  pedigree verify monday.note tuesday.note --trust consortium.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var earlier *checkpoint.Note
			if extends != "" {
				text, err := input.File(c.InOrStdin(), extends, checkpoint.MaxNote)
				if err != nil {
					return err
				}
				if earlier, err = checkpoint.Parse(text); err != nil {
					return exit.Usagef("--extends %s: %w", extends, err)
				}
			}
			gateway, err := t.Client()
			if err != nil {
				return err
			}
			answer, err := gateway.Do(c.Context(), client.Call{Method: http.MethodGet, Path: string(checkpoint.Question),
				Query: url.Values{"cosign": {signers.String()}}, Accept: "*/*"})
			if err != nil {
				return err
			}
			f, err := cosigned.Parse(answer.Body)
			if err != nil {
				return exit.With(exit.Refused, fmt.Errorf("couldn't read the signed checkpoint: %w", err))
			}
			n, err := checkpoint.OfFile(f)
			if err != nil {
				return exit.With(exit.Refused, fmt.Errorf("couldn't read the signed checkpoint: %w", err))
			}
			if earlier != nil {
				if err := extended(c, gateway, earlier, n); err != nil {
					return err
				}
			}
			if err := keep(c, out, n.Bytes()); err != nil {
				return err
			}
			err = whoSigned(c, f, &signers)
			if err != nil && out != "" {
				return fmt.Errorf("%w; the note is in %s", err, out)
			}
			return err
		},
	}
	t.AddFlags(c)
	c.Flags().Var(&signers, "cosigned", "have at least so many organisations sign the checkpoint")
	c.Flags().StringVar(&out, "out", "", "file to write instead of standard output; it must not exist")
	c.Flags().StringVar(&extends, "extends", "", "have it proved that the checkpoint extends this earlier note")
	return c
}

// extended has the gateway prove that a checkpoint extends an earlier one.
func extended(c *cobra.Command, gateway *client.Client, earlier, later *checkpoint.Note) error {
	if why := checkpoint.Contradiction(&earlier.Checkpoint, &later.Checkpoint); why != "" {
		return exit.Refusedf("the gateway's checkpoint contradicts the earlier note: %s", why)
	}
	if later.Size < earlier.Size {
		return exit.Refusedf("the gateway has only %d records, and the earlier note has %d", later.Size, earlier.Size)
	}
	answer, err := gateway.Do(c.Context(), client.Call{
		Method: http.MethodGet, Path: string(checkpoint.Question) + "/consistency", Accept: "application/json",
		Query: url.Values{"from": {strconv.FormatUint(earlier.Size, 10)}, "to": {strconv.FormatUint(later.Size, 10)}},
	})
	if err != nil {
		return err
	}
	p, err := checkpoint.ParseConsistency(answer.Body)
	if err == nil {
		err = p.Check(&earlier.Checkpoint, &later.Checkpoint)
	}
	if err != nil {
		return exit.With(exit.Refused, fmt.Errorf("the gateway doesn't prove that its checkpoint extends the earlier note: %w",
			err))
	}
	return nil
}

// keep writes to a new file, or to standard output if it has no name.
func keep(c *cobra.Command, name string, text []byte) error {
	if name == "" {
		_, err := c.OutOrStdout().Write(text)
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return exit.Usagef("couldn't write --out: %w", err)
	}
	_, err = f.Write(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// whoSigned tells who signed a checkpoint, who says another thing and who says nothing.
func whoSigned(c *cobra.Command, f *cosigned.File, wanted *cosigners) error {
	for _, one := range f.Silent {
		fmt.Fprintf(c.ErrOrStderr(), "%s signed nothing: %s\n", terminal.Plain(one.MSPID), terminal.Plain(one.Why))
	}
	agree := f.Agree()
	digest, differ := f.Answer.Digest(), 0
	for _, one := range f.Cosignatures {
		if one.Digest != digest || one.Height != f.Height {
			differ++
			fmt.Fprintf(c.ErrOrStderr(), "%s signed another checkpoint of block %d: it has the block's hash %x\n",
				terminal.Plain(one.MSPID), one.Block, one.Hash)
		}
	}
	who := terminal.Plain(strings.Join(agree, ", "))
	switch {
	case differ > 0:
		return exit.Refusedf("this checkpoint of block %d is signed by %s, and another one by %s", f.Block, who,
			terminal.Count(differ, "organisation"))
	case len(agree) < wanted.n:
		return exit.Refusedf("%s, and %d sign this checkpoint of block %d: %s", wanted.tooFew(f), len(agree), f.Block, who)
	}
	fmt.Fprintf(c.ErrOrStderr(), "checkpoint of block %d, signed by %s; compare it with pedigree verify NOTE NOTE\n", f.Block,
		who)
	return nil
}
