package proposal

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// review returns the verb that says what a proposal does.
func review(d Definitions) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "review FILE",
		Short: "Say what a proposal changes, and what is dangerous about it",
		Long: `Say in words what a proposal changes, warn of what is dangerous about it, show the
raw difference, and tell who has signed and who is missing. All of it is computed
from the update in the file and from the configuration that your own node has.
What the file says about itself is not believed.
` + steps,
		Example: `  pedigree review limit.json --dir .pedigree/market`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if text, is := definitionIn(d, args[0]); is {
				return d.Review(c, dir, text)
			}
			p, err := Read(args[0])
			if err != nil {
				return err
			}
			_, now, err := reach(c, dir)
			if err != nil {
				return err
			}
			review, err := p.assess(contextOf(c), d, dir, now)
			if err == nil {
				review.Print(c.OutOrStdout())
			}
			return err
		},
	}
	addDir(c, &dir)
	return c
}

// approve returns the verb that signs a proposal.
func approve(d Definitions) *cobra.Command {
	var dir string
	var yes bool
	c := &cobra.Command{
		Use:   "approve FILE",
		Short: "Sign a proposal for your organisation",
		Long: `Show the review of a proposal, ask whether you agree, and add your organisation's
signature to the file. The signature holds for this change of this configuration
and for nothing else.
` + steps,
		Example: `  pedigree approve limit.json --dir .pedigree/orderer

  # in a script that has looked at the review before
  pedigree approve limit.json --dir .pedigree/orderer --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if text, is := definitionIn(d, args[0]); is {
				return d.Approve(c, dir, text, yes)
			}
			p, err := Read(args[0])
			if err != nil {
				return err
			}
			o, now, err := reach(c, dir)
			if err != nil {
				return err
			}
			review, err := p.assess(contextOf(c), d, dir, now)
			if err != nil {
				return err
			}
			review.Print(c.OutOrStdout())
			if !yes && !terminal.Agree(c.InOrStdin(), c.OutOrStdout(), "\nSign this for "+o.MSPID+"?") {
				return exit.With(exit.Refused, errors.New("not signed"))
			}
			if err := p.Approve(o, now); err != nil {
				return err
			}
			if err := p.Write(args[0]); err != nil {
				return fmt.Errorf("couldn't write the signature: %w", err)
			}
			if review, err = p.Assess(now); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "\nSigned for %s. ", o.MSPID)
			if len(review.Missing) > 0 {
				fmt.Fprintf(c.OutOrStdout(), "It still needs:\n%s\n", indented(review.Missing))
			} else {
				fmt.Fprintf(c.OutOrStdout(), "It has the signatures that it needs: pedigree apply %s\n", args[0])
			}
			return nil
		},
	}
	addDir(c, &dir)
	c.Flags().BoolVar(&yes, "yes", false, "sign without asking")
	return c
}

// apply returns the verb that puts a proposal into force.
func apply(d Definitions) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "apply FILE",
		Short: "Send a proposal that has enough signatures to the orderers",
		Long: `Count the signatures of a proposal against the channel's policies. If some are
missing, say whose. Otherwise send the proposal to the orderers, and wait until
your own node has the block with the new configuration.
` + steps,
		Example: `  pedigree apply limit.json --dir .pedigree/harbor`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if text, is := definitionIn(d, args[0]); is {
				return d.Apply(c, dir, text)
			}
			p, err := Read(args[0])
			if err != nil {
				return err
			}
			o, now, err := reach(c, dir)
			if err != nil {
				return err
			}
			after, err := p.Apply(contextOf(c), o, now)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "Channel %s has configuration %d, in block %d.\n", after.Config.Channel,
				after.Config.Sequence, after.Config.Block)
			return nil
		},
	}
	addDir(c, &dir)
	return c
}
