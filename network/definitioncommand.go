package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network/charter"
	"github.com/pedigree-ledger/pedigree/network/definition"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// Definitions are the proposals of a definition of the chaincode. The verbs of package proposal take them, too.
type Definitions struct{}

// A voter is an organisation that decides on a definition.
type voter struct {
	d      folder // of the network, or of the organisation on its own host
	org    Org
	client *peerClient
	config *proof.Config
	now    definition.Definition
	// approvals are those of the definition in force.
	approvals map[string]bool
}

// voterIn opens the organisation's folder, such as .pedigree/harbor, and asks its peer what is in force.
func voterIn(ctx context.Context, dir string) (*voter, error) {
	o, err := proposal.Open(dir)
	if err != nil {
		return nil, err
	}
	own, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	v := &voter{d: folder(filepath.Dir(own))}
	if v.org, err = v.d.member(filepath.Base(own)); err != nil {
		return nil, err
	}
	now, err := o.Configuration(ctx)
	if err != nil {
		return nil, err
	}
	v.config = now.Config
	if v.client, err = v.d.connectPeer(v.org, ChannelName); err != nil {
		return nil, err
	}
	asking, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	v.now, v.approvals, err = v.client.defined(asking, ChaincodeName)
	if err == nil && v.now.Sequence == 0 {
		err = exit.Refusedf("the chaincode has no definition yet: its founders approve the charter's with " +
			"`pedigree node start`")
	}
	if err != nil {
		v.client.close()
		return nil, fmt.Errorf("couldn't find out how the chaincode is defined: %w", err)
	}
	return v, nil
}

// member returns the organisation of a name in the folder of a network, or of that organisation.
func (d folder) member(name string) (Org, error) {
	if d.isOrganisation() {
		o, err := d.readOrganisation()
		if err == nil && o.Org.Name == name {
			return o.Org, nil
		}
		if err != nil {
			return Org{}, err
		}
	} else if p, err := readPlan(d); err == nil && p.org(name).Name != "" {
		return p.org(name), nil
	}
	return Org{}, exit.Usagef("%s isn't the folder of an organisation with a peer that this program runs: name it with "+
		"--dir, such as .pedigree/harbor. On a Fabric network of your own, use Fabric's tools", d.path(name))
}

// ready gives the organisation a port for the chaincode process of a version of the rules.
func (v *voter) ready(ctx context.Context, rules chaincode.Rules) error {
	if !v.d.isOrganisation() {
		if v.org.chaincodePort(rules) == 0 {
			return exit.Refusedf("this network has no chaincode process for rules %d: `pedigree up` of a program that has them "+
				"upgrades it", rules)
		}
		return nil
	}
	file, err := charter.Read(nil, v.d.charterFile())
	if err != nil {
		return err
	}
	first := chaincode.RulesOf(file.Charter.Chaincode.Version)
	org, err := v.d.makeRoom(ctx, rules, first)
	if err == nil {
		v.org = org.Org.founded(first)
	}
	return err
}

// assess says what the definition in a file does, and how far it has come.
func (v *voter) assess(ctx context.Context, text []byte) (definition.Definition, *definition.Review, error) {
	var none definition.Definition
	f, err := definition.Parse(text)
	if err != nil {
		return none, nil, exit.Usagef("couldn't understand the proposal: %w", err)
	}
	network, err := v.d.genesisHash()
	if err != nil {
		return none, nil, err
	}
	if f.Channel != v.config.Channel || f.Chaincode != ChaincodeName || f.Network != network {
		return none, nil, exit.Refusedf("the proposal is for chaincode %s on channel %s of the network %s, and this is %s "+
			"on %s of %s", f.Chaincode, f.Channel, f.Network, ChaincodeName, v.config.Channel, network)
	}
	next, err := f.Definition(v.config.Members)
	if err != nil {
		return none, nil, err
	}
	approvals := v.approvals
	switch {
	case next.Sequence == v.now.Sequence && next.Is(v.now):
	case next.Sequence != v.now.Sequence+1:
		return none, nil, exit.Refusedf("the proposal is definition %d, and definition %d is in force: another one came "+
			"first. Propose it again", next.Sequence, v.now.Sequence)
	default:
		if approvals, err = v.client.approvals(ctx, ChaincodeName, next); err != nil {
			return none, nil, fmt.Errorf("couldn't find out who has approved the definition: %w", err)
		}
	}
	return next, definition.Assess(v.now, next, v.config, approvals), nil
}

// Is reports whether a file holds the proposal of a definition.
func (Definitions) Is(text []byte) bool { return definition.IsFile(text) }

// Review prints what a definition does, who has approved it and who is missing.
func (Definitions) Review(c *cobra.Command, dir string, text []byte) error {
	v, err := voterIn(c.Context(), dir)
	if err != nil {
		return err
	}
	defer v.client.close()
	_, review, err := v.assess(c.Context(), text)
	if err == nil {
		review.Print(c.OutOrStdout())
	}
	return err
}

// Approve shows the review, asks unless yes, and approves the definition on the ledger.
func (Definitions) Approve(c *cobra.Command, dir string, text []byte, yes bool) error {
	v, err := voterIn(c.Context(), dir)
	if err != nil {
		return err
	}
	defer v.client.close()
	next, review, err := v.assess(c.Context(), text)
	if err != nil {
		return err
	}
	review.Print(c.OutOrStdout())
	if err := next.Rules().Known(); err != nil {
		return exit.Refusedf("%w on this host before you approve", err)
	}
	if !yes && !terminal.Agree(c.InOrStdin(), c.OutOrStdout(), "\nApprove this for "+v.org.MSPID+"?") {
		return exit.With(exit.Refused, errors.New("not approved"))
	}
	if err := v.ready(c.Context(), next.Rules()); err != nil {
		return err
	}
	pack, err := v.d.packChaincode(v.org, next.Rules())
	if err != nil {
		return err
	}
	if err := v.client.install(c.Context(), pack); err != nil {
		return err
	}
	if err := v.client.approve(c.Context(), ChaincodeName, pack.id, next); err != nil {
		return fmt.Errorf("couldn't approve the definition: %w", err)
	}
	fmt.Fprintf(c.OutOrStdout(), "\nApproved for %s, on the ledger. ", v.org.MSPID)
	if review.InForce {
		fmt.Fprintln(c.OutOrStdout(), "It is in force.")
		return nil
	}
	if _, review, err = v.assess(c.Context(), text); err != nil {
		return err
	}
	if review.Missing != "" {
		fmt.Fprintf(c.OutOrStdout(), "It still needs the approval of %s.\n", review.Missing)
	} else {
		fmt.Fprintln(c.OutOrStdout(), "Enough have approved it: one puts it into force with `pedigree apply`.")
	}
	return nil
}

// Apply puts a definition into force that enough have approved.
func (Definitions) Apply(c *cobra.Command, dir string, text []byte) error {
	ctx := c.Context()
	v, err := voterIn(ctx, dir)
	if err != nil {
		return err
	}
	defer v.client.close()
	next, review, err := v.assess(ctx, text)
	switch {
	case err != nil:
		return err
	case review.InForce:
		return exit.Refusedf("definition %d is in force already", next.Sequence)
	case review.Missing != "":
		return exit.Refusedf("the definition still needs the approval of %s. Send the file to them for `pedigree approve`",
			review.Missing)
	}
	var endorsers []string
	var failures []error
	for _, id := range review.Approved {
		if err := v.answers(ctx, id); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", id, err))
			continue
		}
		endorsers = append(endorsers, id)
	}
	if err := v.client.commit(ctx, ChaincodeName, next, endorsers); err != nil {
		return exit.Unreachablef("couldn't put the definition into force: %w", errors.Join(append(failures, err)...))
	}
	fmt.Fprintf(c.OutOrStdout(), "Definition %d is in force, with rules %d.\n", next.Sequence, next.Rules())
	if len(review.Open) > 0 {
		fmt.Fprintf(c.OutOrStdout(), "%s haven't approved it. Their peers endorse nothing until they do: "+
			"send them the file.\n",
			strings.Join(review.Open, ", "))
	}
	return nil
}

// answers asks the peer of an organisation whether it is there.
func (v *voter) answers(ctx context.Context, mspID string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := v.client.definedAt(ctx, ChaincodeName, mspID)
	return err
}

// Dangers says what a change of the channel's members does to the definition in force.
func (Definitions) Dangers(ctx context.Context, dir string, after *proof.Config) ([]string, error) {
	if _, err := os.Stat(filepath.Join(dir, "gateway.json")); errors.Is(err, fs.ErrNotExist) {
		return nil, nil // an organisation that only orders has no peer to ask
	}
	v, err := voterIn(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer v.client.close()
	return definition.Dangers(v.now, after.Group(), after.Members), nil
}

// Propose returns the verb that proposes a definition.
func (Definitions) Propose() *cobra.Command {
	var dir, out, endorsement string
	var rules int
	var inForce bool
	c := &cobra.Command{
		Use:   "chaincode",
		Short: "Propose another definition of the chaincode: other rules, or who must endorse",
		Long: `Propose the next definition of the chaincode. What you don't name stays as it is.
Without a flag, all approve the same definition again with the next number: an
organisation that has lost its peer's ledger has lost its approval with it.

  pedigree propose chaincode   one makes the file
  pedigree review FILE         says what it does, who has approved and who is missing
  pedigree approve FILE        each approves for itself, on the ledger
  pedigree apply FILE          when enough have, one puts it into force

Before an organisation approves newer rules, it replaces the program on its hosts
with one that has them, and starts its node with it. The node then runs the old
rules, and those of an approved definition beside them. After "apply" the new ones
count. An organisation that hasn't approved endorses nothing until it does.

With --in-force the file has the definition that is in force, for those who join
later or were away, and approve it afterwards.`,
		Example: `  pedigree propose chaincode --rules 2 --dir harbor/harbor --out rules.json
  pedigree propose chaincode --endorsement "2 of HarborMSP,LabMSP,MarketMSP" --dir harbor/harbor
  pedigree propose chaincode --dir harbor/harbor --out again.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			v, err := voterIn(c.Context(), dir)
			if err != nil {
				return err
			}
			defer v.client.close()
			f := &definition.File{Version: 1, Channel: v.config.Channel, Chaincode: ChaincodeName, Sequence: v.now.Sequence,
				Rules: v.now.Version, Endorsement: endorsement}
			if f.Network, err = v.d.genesisHash(); err != nil {
				return err
			}
			if inForce && (rules != 0 || endorsement != "") {
				return exit.Usagef("--in-force goes without --rules and --endorsement")
			}
			if !inForce {
				f.Sequence++
			}
			if rules != 0 {
				if err := chaincode.Rules(rules).Known(); err != nil {
					return exit.Usagef("--rules %d: %w", rules, err)
				}
				f.Rules = chaincode.Rules(rules).DefinitionVersion()
			}
			if endorsement == "" {
				if f.Endorsement, err = v.now.Spell(v.config.Members); err != nil {
					return err
				}
			}
			text, err := f.Text()
			if err != nil {
				return err
			}
			_, review, err := v.assess(c.Context(), text)
			if err != nil {
				return err
			}
			if err := f.Write(out); err != nil {
				return exit.Usagef("couldn't write the proposal; name another file with --out: %w", err)
			}
			review.Print(c.OutOrStdout())
			fmt.Fprintf(c.OutOrStdout(), "\nWritten to %s. Approve it yourself, and send it to the others.\n", out)
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", ".", "folder of your organisation, such as harbor/harbor")
	c.Flags().StringVarP(&out, "out", "o", "definition.json", "file to write the proposal to; it must not exist yet")
	c.Flags().IntVar(&rules, "rules", 0, "version of the rules to put into force; see pedigree version")
	c.Flags().StringVar(&endorsement, "endorsement", "",
		`who must endorse: "channel" as the channel's policy says, or a rule such as "2 of HarborMSP,LabMSP"`)
	c.Flags().BoolVar(&inForce, "in-force", false, "write the definition that is in force")
	return c
}
