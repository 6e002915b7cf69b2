package network

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/network/charter"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// CharterCommand returns the commands for what the founders of a network agree on.
func CharterCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "charter",
		Short: "Make, check and sign what the founders of a network agree on",
		Long: `A charter lists the organisations that found a network, their orderers, the rules and the limits. Any of them
makes it from their cards:

  pedigree charter new harbor.json market.json lab.json farm.json > charter.json

Each founder reads it, compares its digest with the others by telephone, and signs it on its own host:

  pedigree charter show charter.json
  pedigree charter sign charter.json --org DIR

The file goes from one to the next, or everybody signs a copy and "charter join" puts the signatures together. Everybody
makes the same genesis block of the charter, so nobody has to be trusted with that.`,
	}
	cmd.AddCommand(newCharter(), showCharter(), signCharterCommand(), checkCharter(), joinCharters())
	return cmd
}

func newCharter() *cobra.Command {
	var trial bool
	var policies charter.Policies
	cmd := &cobra.Command{
		Use:   "new CARD...",
		Short: "Print a charter of the organisations of these cards",
		Long: `Print a charter of the organisations of these cards, in the order given.

A network with n orderers goes on, and can't be made to lie, while no more than (n-1)/3 of them fail or lie. So no
organisation may have more orderers than that, and it takes at least four. --trial makes a charter all the same, for a
network in which nobody has to be protected from the others.`,
		Example: `  pedigree charter new harbor.json market.json lab.json farm.json > charter.json`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var cards []orgcard.Card
			for _, path := range args {
				c, err := readCard(cmd, path)
				if err != nil {
					return err
				}
				cards = append(cards, *c)
			}
			c := charter.Propose(ChannelName, ChaincodeName, cards)
			c.Chaincode.Version = chaincode.Newest().DefinitionVersion()
			c.Trial = trial
			c.Policies.Endorsement = strings.ToUpper(policies.Endorsement)
			c.Policies.Lifecycle = strings.ToUpper(policies.Lifecycle)
			c.Policies.Administration = strings.ToUpper(policies.Administration)
			if err := c.Check(); err != nil {
				return exit.With(exit.Usage, err)
			}
			text, err := (&charter.File{Charter: *c}).Text()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&trial, "trial", false, "let one organisation hold more orderers than may fail or lie")
	flags.StringVar(&policies.Endorsement, "endorsement", "majority",
		"who endorses what is recorded: any, majority or all")
	flags.StringVar(&policies.Lifecycle, "lifecycle", "majority", "who approves a chaincode: any, majority or all")
	flags.StringVar(&policies.Administration, "administration", "majority",
		"who signs changes of the configuration: any, majority or all")
	return cmd
}

func showCharter() *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE",
		Short: "Say in words what a charter says, with its digest",
		Long: `Print who takes part in a charter, with which nodes and by which rules, and its digest. Read the digest to the other
founders by telephone: if it is the same, all of you see the same charter. Signatures have no effect on it.`,
		Example: `  pedigree charter show charter.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := readCharter(cmd, args[0])
			if err == nil {
				fmt.Fprint(cmd.OutOrStdout(), file.Charter.Words())
			}
			return err
		},
	}
}

func signCharterCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "sign FILE --org DIR",
		Short: "Sign a charter as the organisation in a folder",
		Long: `Sign a charter with the key of the organisation's operator, and write the signature into the file. Read the charter
first: see "pedigree charter show". The command refuses a charter that has another card for the organisation than
"pedigree org card DIR" prints, and one that was changed after another organisation signed it.`,
		Example: `  pedigree charter sign charter.json --org harbor`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "-" {
				return exit.Usagef("the signature is written into the charter's file, so name that")
			}
			file, err := readCharter(cmd, args[0])
			if err != nil {
				return err
			}
			if err := signCharter(file, dir); err != nil {
				return err
			}
			text, err := file.Text()
			if err != nil {
				return err
			}
			if err := writeFile(args[0], text, 0o644); err != nil {
				return plainly(err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "signed the charter with the digest\n  %s\n", file.Charter.Digest())
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "org", "", "folder of the organisation that signs")
	_ = cmd.MarkFlagRequired("org") // the flag was declared the line before
	return cmd
}

func checkCharter() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Say who has signed a charter and who is missing",
		Long: `Say who has signed a charter and who is missing. The command fails as long as somebody is missing. It also fails if a
signature isn't valid, because somebody has then changed the charter.`,
		Example: `  pedigree charter check charter.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := readCharter(cmd, args[0])
			if err != nil {
				return err
			}
			missing, err := file.Missing()
			if err != nil {
				return err
			}
			signed := []string{}
			for _, s := range file.Signatures {
				signed = append(signed, s.MSPID)
			}
			if asJSON {
				err = terminal.Value(cmd.OutOrStdout(), map[string]any{
					"digest": file.Charter.Digest(), "signed": signed, "missing": append([]string{}, missing...),
				})
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "digest: %s\nsigned by: %s\n", file.Charter.Digest(),
					cmp.Or(strings.Join(signed, ", "), "nobody"))
			}
			if err != nil {
				return err
			}
			return file.Complete()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func joinCharters() *cobra.Command {
	return &cobra.Command{
		Use:   "join FILE...",
		Short: "Print a charter with the signatures of several files",
		Long: `Print a charter with the signatures of all these files, for founders who have each signed a copy. The command refuses
files that hold different charters.`,
		Example: `  pedigree charter join from-harbor.json from-market.json > charter.json`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all *charter.File
			for _, path := range args {
				file, err := readCharter(cmd, path)
				if err != nil {
					return err
				}
				if all == nil {
					all = file
				} else if err := all.Add(file); err != nil {
					return err
				}
			}
			if _, err := all.Missing(); err != nil {
				return err
			}
			text, err := all.Text()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}

func readCharter(cmd *cobra.Command, path string) (*charter.File, error) {
	return charter.Read(cmd.InOrStdin(), path)
}

// signCharter signs a charter as the organisation in a folder, with the key of its operator.
func signCharter(file *charter.File, dir string) error {
	own, err := CardOf(dir)
	if err != nil {
		return err
	}
	d, err := openFolder(dir)
	if err != nil {
		return err
	}
	user := d.user(own.Name, Operator)
	certificate, err := input.File(nil, filepath.Join(user, "cert.pem"), input.MaxSmall)
	if err != nil {
		return err
	}
	key, err := input.File(nil, filepath.Join(user, "key.pem"), input.MaxSmall)
	if err != nil {
		return err
	}
	return file.Sign(own, certificate, key)
}
