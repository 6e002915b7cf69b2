package check

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Trust returns the command trust, which makes and shows trust files.
func Trust() *cobra.Command {
	c := &cobra.Command{
		Use:   "trust",
		Short: "Make or show a trust file, which says whom a verifier trusts",
	}
	c.AddCommand(trustExport(), trustShow())
	return c
}

func trustExport() *cobra.Command {
	var dir, genesis, with, chaincode string
	var agree int
	c := &cobra.Command{
		Use:   "export",
		Short: "Print a trust file for a channel",
		Long: `Print a trust file for "pedigree verify": the channel's name, the hash of its genesis
block, the root certificates of its organisations, and how many organisations must
agree.

The file is made from the genesis block, either that of the network in --dir or the one
in --genesis. If organisations or their authorities have changed since, give a newer
proof of level block with --with. Its configurations are checked back to the genesis
block.

Authorities that were replaced stay in the file, because old receipts need them. If the
key of one was stolen, remove it. Organisations that have left aren't in the file, so
keep an older trust file for older proofs.

Whoever makes this file is trusted. Make it at an organisation that you trust, and
compare the output of "trust show" with that of others.`,
		Example: `  pedigree trust export > consortium.json
  pedigree trust export --genesis pedigree.block --agree 3 > consortium.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			t, err := exportTrust(c.InOrStdin(), dir, genesis, with, chaincode, agree)
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(t.Text())
			return err
		},
	}
	c.Flags().StringVar(&dir, "dir", ".pedigree", "folder of the network")
	c.Flags().StringVar(&genesis, "genesis", "",
		"file with the channel's genesis block; default: that of the network in --dir")
	c.Flags().StringVar(&with, "with", "", "proof of level block with the configurations after the genesis block")
	c.Flags().
		StringVar(&chaincode, "chaincode", "", "name of the chaincode on the channel; default: that of the network in --dir, or pedigree")
	c.Flags().IntVar(&agree, "agree", 0, "how many organisations must sign a receipt; default: a majority")
	return c
}

func exportTrust(stdin io.Reader, dir, genesis, with, chaincode string, agree int) (*proof.Trust, error) {
	if genesis == "" {
		var plan struct{ Channel, Chaincode string }
		text, err := os.ReadFile(filepath.Join(dir, "network.json"))
		if err != nil {
			return nil, exit.Usagef(
				"there is no network in the folder %s; give --dir, or --genesis with the file of a genesis block",
				dir,
			)
		}
		if err := json.Unmarshal(text, &plan); err != nil || plan.Channel != filepath.Base(plan.Channel) {
			return nil, exit.Usagef("couldn't understand network.json in %s", dir)
		}
		genesis = filepath.Join(dir, "channel", plan.Channel+".block")
		chaincode = cmp.Or(chaincode, plan.Chaincode)
	}
	text, err := input.File(stdin, genesis, input.MaxBlock)
	if err != nil {
		return nil, err
	}
	var raw common.Block
	if err := proto.Unmarshal(text, &raw); err != nil {
		return nil, exit.Usagef("%s is not a block: %w", genesis, err)
	}
	first, err := proof.OpenBlock(&raw)
	if err != nil {
		return nil, exit.Usagef("%s: %w", genesis, err)
	}
	var later []*proof.Block
	if with != "" {
		text, err := input.File(stdin, with, proof.MaxBytes)
		if err != nil {
			return nil, err
		}
		p, err := proof.Parse(text)
		if err != nil {
			return nil, exit.With(exit.Refused, err)
		}
		if p.Level() != proof.LevelBlock {
			return nil, exit.Usagef("%s is a proof of level %s, which has no configurations", with, p.Level())
		}
		later = p.Blocks[1:]
	}
	t, err := proof.NewTrust(first, later, cmp.Or(chaincode, "pedigree"), agree)
	return t, exit.With(exit.Refused, err)
}

func trustShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE",
		Short: "Print what a trust file says, in a form for comparison",
		Long: `Print what a trust file says: the channel, the chaincode, the hash of the genesis block,
how many organisations must agree, and the trusted authorities of each organisation with
the SHA-256 of each certificate. FILE may be -, which is standard input. The output is
the same for two people who trust the same.`,
		Example: `  pedigree trust show consortium.json
  pedigree trust export | pedigree trust show -`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := input.File(c.InOrStdin(), args[0], input.MaxSmall)
			if err != nil {
				return err
			}
			t, err := proof.ParseTrust(text)
			if err != nil {
				return exit.With(exit.Refused, err)
			}
			return showTrust(c.OutOrStdout(), t)
		},
	}
}

func showTrust(w io.Writer, t *proof.Trust) error {
	var out bytes.Buffer
	fmt.Fprintf(
		&out,
		"channel    %s\nchaincode  %s\ngenesis    %x\nagree      %d of %d\n",
		terminal.Plain(t.Channel),
		terminal.Plain(t.Chaincode),
		t.Genesis,
		t.Agree,
		len(t.Organisations),
	)
	for _, o := range t.Organisations {
		fmt.Fprintf(&out, "%s\n", terminal.Plain(o.MSPID))
		for _, a := range o.Authorities() {
			fmt.Fprintf(
				&out,
				"  %s\n  until %s  SHA-256 %x\n",
				terminal.Plain(a.Subject.String()),
				a.NotAfter.UTC().Format("2006-01-02"),
				sha256.Sum256(a.Raw),
			)
		}
	}
	_, err := out.WriteTo(w)
	return err
}
