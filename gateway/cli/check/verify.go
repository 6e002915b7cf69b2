// Package check implements the commands that check something on their own: verify, with the commands trust, hash and
// sign that prepare what it needs. [Verify], [Trust], [Hash] and [Sign] return them.
//
// None of them uses the network, except that verify --artifact asks a gateway.
package check

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	offline "github.com/pedigree-ledger/pedigree/gateway/verify"
	"github.com/pedigree-ledger/pedigree/gateway/verify/attestation"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/scitt"
)

// Verify returns the command verify. It verifies a proof, for which it uses no network, no other file than the trust
// file, and no clock. It also verifies that a folder or a file is what was registered or signed.
func Verify() *cobra.Command {
	var t client.Target
	var trust, level, id, trace string
	var down, cut, raw bool
	content := contentCheck{target: &t}
	var asked answerCheck
	c := &cobra.Command{
		Use:   "verify {PROOF --trust FILE | NOTE… --trust FILE | DIR|FILE {--artifact REF | --proof FILE | --signature FILE}}",
		Short: "Check a proof offline, or check a folder against what was registered",
		Long: `Check a proof, or check a folder or a file.

To check a proof, give it with a trust file. The output says what it proves. PROOF is
a file, or - for standard input. Nothing else is read: no other file, no network and
no clock. So the answer never changes.

PROOF may also be a signed statement: an export in the format slsa, or any in-toto
statement with the signer's certificate. The output says which organisation signed it
and what it says.

Or PROOF is an answer that several organisations signed: what a gateway answers with
--cosigned N, or with the parameter cosign over REST. The output says who says so, as of
which block. --question, --block and --since say what was asked and how old the answer
may be.

Or PROOF is a transparent statement ("pedigree proof --format scitt"). --record and
--agree say what must be stated, and by how many organisations.

To compare checkpoints, give their notes, and proofs of consistency if you have some.
Notes that contradict each other are refused as a split_view, with the names of those
who signed them, however few signed each.

To check a folder or a file, use one of three flags. Every byte is read and compared:

  --artifact REF    with what a gateway says is registered (also give --as ORG)
  --proof FILE      with the artifact in a proof (also give --trust); offline
  --signature FILE  with a signature of OpenSSF Model Signing v1.0; offline

The output lists missing, extra, changed and renamed files. Only content that was
registered with a full digest can be verified. For a recalled or withdrawn artifact,
verify exits with 1 even if the content is unchanged.

If a proof or a statement is refused, verify exits with 1, and the message begins with
a stable reason code.`,
		Example: `  pedigree verify model.proof --trust consortium.json
  pedigree verify model.proof --trust consortium.json --level block --record 052d7115c44a…
  pedigree verify trace.proof --trust consortium.json --trace model/lab/spoilage@1
  pedigree verify model.proof --trust consortium.json --raw | jq .
  pedigree verify recalls.json --trust consortium.json --agree 2 --block 120
  pedigree verify monday.note tuesday.note --trust consortium.json
  pedigree verify models/spoilage --artifact model/lab/spoilage@3 --as market
  pedigree verify models/spoilage --proof model.proof --trust consortium.json
  pedigree verify models/spoilage --signature spoilage.sig --signature-key key.pub`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			wanted := proof.Wanted{Level: proof.Level(level)}
			if level != "" && wanted.Level != proof.LevelReceipt && wanted.Level != proof.LevelBlock {
				return exit.Usagef("%q is not a level of proof; there are receipt and block", level)
			}
			if id != "" {
				var err error
				if wanted.ID, err = record.ParseID(client.ID(id)); err != nil {
					return exit.Usagef("--record: %w", err)
				}
			}
			if content.asked() {
				if len(args) > 1 {
					return exit.Usagef("one folder or file is checked at a time")
				}
				if id != "" || trace != "" || raw {
					return exit.Usagef("--record, --trace and --raw can't be combined with --artifact, --proof or --signature")
				}
				content.trust, content.wantedLevel = trust, wanted.Level
				return content.run(c, args[0])
			}
			if down && trace == "" {
				return exit.Usagef("--down goes with --trace")
			}
			if trace != "" {
				node, _, err := record.ParseNode(client.ID(trace))
				if err != nil {
					return exit.Usagef("--trace: %w", err)
				}
				wanted.Trace = &proof.Trace{Node: node, Direction: proof.Ancestors, Cut: cut}
				if down {
					wanted.Trace.Direction = proof.Descendants
				}
			}
			if trust == "" {
				if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
					return exit.Usagef(
						"%s is a folder; say what to check it against with --artifact, --proof or --signature",
						args[0],
					)
				}
				return exit.Usagef(
					`add --trust FILE; make the file with "pedigree trust export" at an organisation that you trust`,
				)
			}
			pinned, err := input.File(c.InOrStdin(), trust, input.MaxSmall)
			if err != nil {
				return err
			}
			text, err := input.File(c.InOrStdin(), args[0], proof.MaxBytes)
			if err != nil {
				return err
			}
			if checkpoint.Recognise(text) || checkpoint.RecogniseConsistency(text) {
				return asked.notes(c, args, text, pinned, wanted, t.JSON)
			}
			if len(args) > 1 {
				return exit.Usagef("only checkpoints are verified together, and %s is none", args[0])
			}
			if scitt.Recognise(text) {
				return asked.transparent(c, text, pinned, wanted, t.JSON, raw)
			}
			if cosigned.Recognise(text) {
				return asked.verify(c, text, pinned, wanted, cut, t.JSON, raw)
			}
			if err := asked.unused(c); err != nil {
				return err
			}
			if cut && trace == "" {
				return exit.Usagef("--cut goes with --trace, or with an answer that several organisations signed")
			}
			if attestation.Recognise(text) {
				return verifyAndShow(c, text, pinned, wanted, t.JSON, raw)
			}
			verdict, err := verify(text, pinned, wanted)
			if err != nil {
				if _, wrong := offline.ReadTrust(text); wrong == nil {
					return exit.Usagef("%s is a trust file, and nothing that could be verified against one", args[0])
				}
			}
			switch {
			case t.JSON:
				return errors.Join(printVerdict(c.OutOrStdout(), verdict, err), exit.With(exit.Refused, err))
			case err != nil:
				return exit.With(exit.Refused, err)
			case raw:
				return printRaw(c.OutOrStdout(), verdict)
			}
			return showVerdict(c.OutOrStdout(), verdict)
		},
	}
	c.Flags().StringVar(&trust, "trust", "",
		"trust file: which ledger and which organisations to trust, and how many of them must agree")
	c.Flags().StringVar(&level, "level", "", "refuse proofs of a lower level: receipt or block")
	c.Flags().StringVar(&id, "record", "", "refuse proofs of any other record")
	c.Flags().
		StringVar(&trace, "trace", "", "refuse anything but a proof of everything that this node comes from")
	c.Flags().BoolVar(&down, "down", false, "with --trace: what came of the node, instead of what it comes from")
	c.Flags().BoolVar(&cut, "cut", false, "also accept a walk that ended early, or an answer that is only a part")
	asked.flags(c)
	c.Flags().BoolVar(&raw, "raw", false, "print only the proved records, one in each line")
	t.AddFlags(c)
	c.Flags().Lookup("json").Usage = "print the verdict as JSON, also if it is a refusal"
	content.flags(c)
	return c
}

func verify(text, pinned []byte, wanted proof.Wanted) (*proof.Verdict, error) {
	trust, err := offline.ReadTrust(pinned)
	if err != nil {
		return nil, err
	}
	return offline.Proof(text, trust, wanted)
}

// judgement is the first part of each verdict in JSON: whether something was accepted and, if not, why.
type judgement struct {
	Accepted bool         `json:"accepted"`
	Reason   proof.Reason `json:"reason,omitempty"`
	Where    string       `json:"where,omitempty"`
	Detail   string       `json:"detail,omitempty"`
}

func judge(err error) judgement {
	if err == nil {
		return judgement{Accepted: true}
	}
	var r *proof.Refusal
	if errors.As(err, &r) {
		return judgement{Reason: r.Reason, Where: r.Where, Detail: r.Detail}
	}
	return judgement{Detail: err.Error()}
}

// printVerdict writes {"accepted":…} as JSON, with what was proved or with why it was refused.
func printVerdict(w io.Writer, v *proof.Verdict, err error) error {
	return terminal.Value(w, struct {
		judgement
		*proof.Verdict
	}{judge(err), v})
}

func printRaw(w io.Writer, v *proof.Verdict) error {
	for _, r := range v.Records {
		if _, err := fmt.Fprintf(w, "%s\n", r.Record); err != nil {
			return err
		}
	}
	return nil
}

// showVerdict prints for people what was proved.
func showVerdict(w io.Writer, v *proof.Verdict) error {
	var b strings.Builder
	fmt.Fprintf(
		&b,
		"accepted: %s proof of %s on channel %s, where %d organisations must agree\n",
		v.Level,
		terminal.Count(len(v.Records), "record"),
		terminal.Plain(v.Channel),
		v.Agree,
	)
	for _, r := range v.Records {
		if v.Trace != nil { // a trace may have hundreds of records
			first := r.Recordings[0]
			fmt.Fprintf(
				&b,
				"%-9s %s  by %s in block %d\n",
				terminal.Plain(r.Noun),
				r.ID,
				terminal.Plain(first.MSPID),
				first.Block,
			)
			continue
		}
		showProved(&b, r)
	}
	for _, block := range v.Blocks {
		fmt.Fprintf(
			&b,
			"block %d  %s, signed by orderers %s\n",
			block.Number,
			block.Hash,
			strings.Trim(fmt.Sprint(block.Orderers), "[]"),
		)
	}
	if t := v.Trace; t != nil {
		fmt.Fprintf(&b, "trace    the %s of %s, as far as these records tell\n", t.Direction, terminal.Plain(t.Node))
		if t.Cut {
			fmt.Fprintf(&b, "  cut    the walk was ended early: records may be missing\n")
		}
		for _, node := range t.Open {
			fmt.Fprintf(&b, "  open   %s\n", terminal.Plain(node))
		}
	}
	showSaid(&b, v.Said)
	for _, what := range v.NotProved {
		fmt.Fprintf(&b, "not proved: %s\n", what)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func showProved(b *strings.Builder, r *proof.Proved) {
	fmt.Fprintf(b, "%s  %s\n", terminal.Plain(r.Noun), r.ID)
	fmt.Fprintf(b, "  %-12s %s\n", "signed by", terminal.Plain(strings.Join(r.SignedBy, ", ")))
	fmt.Fprintf(b, "  %-12s %s, within 15 minutes\n", "asked at", r.Asked.Format("2006-01-02 15:04:05 MST"))
	for i, one := range r.Recordings {
		how := "recorded by"
		if i == 0 && len(r.Recordings) > 1 {
			how = "first by"
		}
		if i > 0 {
			how = "and by"
		}
		fmt.Fprintf(
			b,
			"  %-12s %s in block %d, at %s by its own clock, signed by %s\n",
			how,
			terminal.Plain(one.MSPID),
			one.Block,
			terminal.Plain(one.Time),
			terminal.Plain(record.SignerName(one.Subject)),
		)
	}
	if r.More {
		fmt.Fprintf(b, "  %-12s more recordings than these; one of them may be earlier\n", "there are")
	}
	if o := r.Ordered; o != nil {
		fmt.Fprintf(b, "  %-12s %s, transaction %s\n", "ordered in", o.Version, o.Tx)
		fmt.Fprintf(b, "  %-12s %s\n", "submitted by", terminal.Plain(o.SubmittedBy))
		fmt.Fprintf(
			b,
			"  %-12s %s, which meets %s\n",
			"endorsed by",
			terminal.Plain(strings.Join(o.EndorsedBy, ", ")),
			terminal.Plain(o.Policy),
		)
	}
}
