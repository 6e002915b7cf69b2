package proposal

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Definitions are the proposals of a definition of the chaincode. That isn't in the channel's configuration: approvals
// are transactions of each organisation. People use the same verbs for both kinds of proposal.
type Definitions interface {
	// Propose returns the verb that makes such a proposal, for "pedigree propose".
	Propose() *cobra.Command
	// Is reports whether a file holds such a proposal. Review, Approve and Apply do what the verbs do for it. dir is the
	// folder of the caller's organisation.
	Is(text []byte) bool
	Review(c *cobra.Command, dir string, text []byte) error
	Approve(c *cobra.Command, dir string, text []byte, yes bool) error
	Apply(c *cobra.Command, dir string, text []byte) error
	// Dangers says what is dangerous about the definition in force after a change of the channel.
	Dangers(ctx context.Context, dir string, after *proof.Config) ([]string, error)
}

// Verbs returns the verbs that change the channel together with others.
func Verbs(d Definitions) []*cobra.Command {
	return []*cobra.Command{propose(d), review(d), approve(d), apply(d)}
}

// definitionIn returns the content of a file if it holds the proposal of a definition.
func definitionIn(d Definitions, path string) (text []byte, is bool) {
	text, err := input.File(nil, path, maxFile)
	return text, err == nil && d.Is(text) // what is wrong with the file is said when it is read as another proposal
}

// assess is Assess for people: when a member leaves, it also looks at the chaincode's definition.
func (p *Proposal) assess(ctx context.Context, d Definitions, dir string, now *Configuration) (*Assessment, error) {
	r, err := p.Assess(now)
	if err != nil || len(without(r.Base.Members, r.After.Members)) == 0 {
		return r, err
	}
	dangers, err := d.Dangers(ctx, dir, r.After)
	if err != nil {
		dangers = []string{fmt.Sprintf("the chaincode's definition couldn't be looked at: %v", err)}
	}
	r.Dangers = append(r.Dangers, dangers...)
	return r, nil
}
