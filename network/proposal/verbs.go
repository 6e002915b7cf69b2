package proposal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

const steps = `
A change of the channel takes four steps. The file of the proposal goes from one
organisation to the next, by mail or however you like:

  pedigree propose ...       one makes it
  pedigree review FILE       everybody looks at what it does
  pedigree approve FILE      as many sign it as the channel's policies ask for
  pedigree apply FILE        one of them sends it to the orderers

A proposal holds for the configuration that it was made for. If another change
comes first, propose it again.

--dir names the folder of your organisation. With gateway.json in it, your own
peer is asked for the channel's configuration; with orderers.json, your orderers.
The administrator's identity is users/operator/cert.pem and key.pem in it.
`

// propose returns the verb that makes proposals.
func propose(d Definitions) *cobra.Command {
	c := &cobra.Command{
		Use:   "propose",
		Short: "Propose a change of the channel: its organisations, orderers, policies, limits, or revoked certificates",
		Long: `Propose a change of the channel's configuration. The proposal is a file, which
other organisations review and approve.
` + steps,
		Example: `  pedigree propose set-limit --transactions 200 --dir .pedigree/harbor --out limit.json
  pedigree review limit.json --dir .pedigree/market`,
	}
	m := making{definitions: d}
	c.AddCommand(proposeLimit(m), proposePolicy(m), d.Propose(), proposeRevoke(m), proposeAddOrganisation(m),
		proposeRemoveOrganisation(m), proposeAddOrderer(m), proposeRemoveOrderer(m), proposeReplaceOrderer(m),
		proposeRenewOrderer(m))
	return c
}

// making is what all verbs under propose have in common.
type making struct {
	dir, out    string
	definitions Definitions
}

func (m *making) flags(c *cobra.Command) *cobra.Command {
	addDir(c, &m.dir)
	c.Flags().StringVarP(&m.out, "out", "o", "proposal.json", "file to write the proposal to; it must not exist yet")
	return c
}

// make makes a proposal for the configuration in force, shows its review and writes it.
func (m *making) make(c *cobra.Command, propose func(now *Configuration) (*Proposal, error)) error {
	if _, err := os.Lstat(m.out); !errors.Is(err, fs.ErrNotExist) {
		return exit.Usagef("%s is there already: choose another file with --out", m.out)
	}
	_, now, err := reach(c, m.dir)
	if err != nil {
		return err
	}
	p, err := propose(now)
	if err != nil {
		return err
	}
	review, err := p.assess(contextOf(c), m.definitions, m.dir, now)
	if err != nil {
		return err
	}
	if err := p.Write(m.out); err != nil {
		return fmt.Errorf("couldn't write the proposal: %w", err)
	}
	review.Print(c.OutOrStdout())
	fmt.Fprintf(c.OutOrStdout(), "\nWritten to %s. Approve it yourself, and send it to the others.\n", m.out)
	return nil
}

func addDir(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "dir", ".", "folder of your organisation, such as .pedigree/harbor")
}

// reach opens the organisation's folder and asks its node for the configuration in force.
func reach(c *cobra.Command, dir string) (*Organisation, *Configuration, error) {
	o, err := Open(dir)
	if err != nil {
		return nil, nil, err
	}
	now, err := o.Configuration(contextOf(c))
	return o, now, err
}

func contextOf(c *cobra.Command) context.Context {
	if ctx := c.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}

func proposeLimit(m making) *cobra.Command {
	var l Limits
	c := &cobra.Command{
		Use:   "set-limit",
		Short: "Propose other limits of blocks",
		Long: `Propose other limits of blocks: how many transactions a block has, how large it
may be, at which size it is cut, and how long a transaction waits for others. The
orderers' organisations decide on them. Limits that you don't name stay.
` + steps,
		Example: `  pedigree propose set-limit --transactions 200 --dir .pedigree/harbor --out limit.json
  pedigree propose set-limit --wait 100ms --bytes 20971520 --dir .pedigree/harbor`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if l == (Limits{}) {
				return exit.Usagef("name a limit: --transactions, --bytes, --preferred-bytes or --wait")
			}
			return m.make(c, func(now *Configuration) (*Proposal, error) { return SetLimits(now, l) })
		},
	}
	c.Flags().Uint32Var(&l.Transactions, "transactions", 0, "the largest number of transactions in a block")
	c.Flags().Uint32Var(&l.Bytes, "bytes", 0, "the largest size of a block, and so of a transaction")
	c.Flags().Uint32Var(&l.PreferredBytes, "preferred-bytes", 0, "the size at which a block is cut")
	c.Flags().DurationVar(&l.Wait, "wait", 0, "how long a transaction waits for others, such as 50ms")
	return m.flags(c)
}

func proposeRevoke(m making) *cobra.Command {
	var mspID string
	c := &cobra.Command{
		Use:   "revoke CRL",
		Short: "Propose a revocation list, so that stolen certificates count no longer",
		Long: `Propose a certificate revocation list (X.509 CRL, PEM or DER) of an organisation,
by default your own. It takes the place of an older list of the same authority.
The organisation itself decides on it, so usually your own approval is enough.

Every node refuses the certificates on the list from the block of the change on.
A gateway still answers a revoked caller from its index: remove the token, too.

A list without an authority key identifier is refused: with such a list, Fabric
refuses every certificate of the organisation, and the organisation can't even
take the list back.
` + steps,
		Example: `  pedigree propose revoke harbor.crl --dir .pedigree/harbor --out revoke.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			list, err := input.File(c.InOrStdin(), args[0], maxList)
			if err != nil {
				return err
			}
			if err := checkList(list); err != nil {
				return exit.Usagef("the revocation list can't be used: %w", err)
			}
			if mspID == "" {
				o, err := Open(m.dir)
				if err != nil {
					return err
				}
				mspID = o.MSPID
			}
			return m.make(c, func(now *Configuration) (*Proposal, error) { return Revoke(now, mspID, list) })
		},
	}
	c.Flags().StringVar(&mspID, "msp", "", "MSP id of the organisation; empty: your own")
	return m.flags(c)
}

func proposeAddOrganisation(m making) *cobra.Command {
	c := &cobra.Command{
		Use:   "add-organisation CARD",
		Short: "Propose a new member",
		Long: `Propose the organisation of a card as a member of the channel. "pedigree org init"
makes a card. Compare the digest of the card with the organisation by telephone.
The members decide, by default a majority of them.

Afterwards the organisation starts its node with "pedigree node start". That joins
its peer to the channel and approves the chaincode for it.
` + steps,
		Example: `  pedigree propose add-organisation reefer.card.json --dir .pedigree/harbor --out reefer.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			one, err := orgcard.Read(c.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			return m.make(c, func(now *Configuration) (*Proposal, error) { return AddOrganisation(now, one) })
		},
	}
	return m.flags(c)
}

func proposeRemoveOrganisation(m making) *cobra.Command {
	c := &cobra.Command{
		Use:   "remove-organisation MSP",
		Short: "Propose that an organisation is a member no longer",
		Long: `Propose the end of an organisation's membership. MSP is its MSP id, such as
MarketMSP. What it recorded stays on the ledger, and proofs of it stay valid. The
members decide, by default a majority of them. Its orderers, if it has any, stay;
see "propose remove-orderer".
` + steps,
		Example: `  pedigree propose remove-organisation ReeferMSP --dir .pedigree/harbor --out leave.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return m.make(c, func(now *Configuration) (*Proposal, error) { return RemoveOrganisation(now, args[0]) })
		},
	}
	return m.flags(c)
}

func proposeAddOrderer(m making) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "add-orderer CARD",
		Short: "Propose one more orderer",
		Long: `Propose an orderer of a card as one more that orders the channel. Its organisation
becomes one that orders, if it isn't yet. The organisations that order decide.

With n orderers, (n-1)/3, rounded down, may fail or lie. Start the new orderer as
soon as the change is applied: until it has joined, it counts as failed.
` + steps,
		Example: `  pedigree propose add-orderer reefer.card.json --orderer orderer1 --dir .pedigree/orderer --out more.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			one, err := orgcard.Read(c.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			return m.make(c, func(now *Configuration) (*Proposal, error) { return AddOrderer(now, one, name) })
		},
	}
	c.Flags().StringVar(&name, "orderer", "", "name of the orderer on the card; not needed if it has only one")
	return m.flags(c)
}

func proposeRemoveOrderer(m making) *cobra.Command {
	c := &cobra.Command{
		Use:   "remove-orderer HOST:PORT",
		Short: "Propose one orderer less",
		Long: `Propose that the orderer at an address orders the channel no longer. The
organisations that order decide. Stop the orderer after the change is applied.
` + steps,
		Example: `  pedigree propose remove-orderer orderer4.harbor.example:7050 --dir .pedigree/orderer --out less.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return m.make(c, func(now *Configuration) (*Proposal, error) { return RemoveOrderer(now, args[0]) })
		},
	}
	return m.flags(c)
}

func proposeReplaceOrderer(m making) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "replace-orderer HOST:PORT CARD",
		Short: "Propose a new orderer in place of one that is lost",
		Long: `Propose an orderer of a card in place of the orderer at an address, for example of
one whose host is lost for good. The new one may have the same address. The
organisations that order decide. Start the new orderer when the change is applied.
` + steps,
		Example: `  pedigree propose replace-orderer 127.0.0.1:7050 harbor.card.json --orderer orderer5 --dir orderer`,
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			one, err := orgcard.Read(c.InOrStdin(), args[1])
			if err != nil {
				return err
			}
			return m.make(c, func(now *Configuration) (*Proposal, error) { return ReplaceOrderer(now, args[0], one, name) })
		},
	}
	c.Flags().StringVar(&name, "orderer", "", "name of the orderer on the card; not needed if it has only one")
	return m.flags(c)
}

func proposeRenewOrderer(m making) *cobra.Command {
	c := &cobra.Command{
		Use:   "renew-orderer CARD...",
		Short: "Propose new certificates of orderers that stay where they are",
		Long: `Propose the certificates on cards for the orderers that they name. "pedigree renew"
makes new certificates of an organisation's orderers, and a proposal of them. Then
"pedigree org card" prints a card with the new ones. With the cards of several
organisations, all of them need one proposal only. The organisations that order
decide. A node takes the new certificates of its orderers when the change is applied,
and restarts them.
` + steps,
		Example: `  pedigree propose renew-orderer harbor.json market.json --dir lab/lab --out renewed.json`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var cards []*orgcard.Card
			for _, file := range args {
				one, err := orgcard.Read(c.InOrStdin(), file)
				if err != nil {
					return err
				}
				cards = append(cards, one)
			}
			return m.make(c, func(now *Configuration) (*Proposal, error) { return RenewFromCards(now, cards...) })
		},
	}
	return m.flags(c)
}
