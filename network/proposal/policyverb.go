package proposal

import (
	"strings"

	"github.com/spf13/cobra"
)

func proposePolicy(m making) *cobra.Command {
	c := &cobra.Command{
		Use:   "policy NAME RULE",
		Short: "Propose another policy: who must agree on something",
		Long: `Propose who must agree on something. NAME is one of

  endorsement      who endorses what is recorded
  lifecycle        who puts a definition of the chaincode into force
  administration   who changes the members and their policies
  ordering         who changes the orderers and limits

RULE is any, majority or all, which counts whoever is a member at the time, or a
number of organisations that it names, such as "2 of HarborMSP,LabMSP,MarketMSP".
A rule that names organisations stays as it is when others join or leave.

The review warns of a policy that nobody can meet, that one organisation can meet
alone, or that can't be met while one organisation is out. A policy is changed by
those who change the members: by default more than half of them. The one for
ordering is changed by those who change the orderers.
` + steps,
		Example: `  pedigree propose policy endorsement all --dir .pedigree/harbor --out policy.json
  pedigree propose policy administration "2 of HarborMSP,LabMSP,MarketMSP" --dir .pedigree/harbor`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			rule := strings.Join(args[1:], " ")
			return m.make(c, func(now *Configuration) (*Proposal, error) { return SetPolicy(now, args[0], rule) })
		},
	}
	return m.flags(c)
}
