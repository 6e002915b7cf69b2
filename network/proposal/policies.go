package proposal

import (
	"maps"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network/policy"
)

// A decision is something that a policy of the channel decides on.
type decision struct {
	name  string // as people call the policy
	group string // Application or Orderer
	in    string // the policy's name in the group
	sub   string // the policy of each organisation that an implicit rule counts
	role  msp.MSPRole_MSPRoleType
	does  string // what whoever meets it does
	stops string // what happens when nobody can meet it
}

func (d decision) path() string { return "Channel/" + d.group + "/" + d.in }

// decisions are the policies that SetPolicy changes.
var decisions = []decision{
	{"endorsement", "Application", "Endorsement", "Endorsement", msp.MSPRole_PEER,
		"endorse what is recorded", "nothing is recorded"},
	{"lifecycle", "Application", "LifecycleEndorsement", "Endorsement", msp.MSPRole_PEER,
		"put a definition of the chaincode into force", "the chaincode's rules never change"},
	{"administration", "Application", "Admins", "Admins", msp.MSPRole_ADMIN,
		"change the members and their policies", "the members and their policies never change"},
	{"ordering", "Orderer", "Admins", "Admins", msp.MSPRole_ADMIN,
		"change the orderers and limits", "the orderers and limits never change"},
}

// PolicyNames are the names of the policies that SetPolicy changes.
func PolicyNames() []string {
	var all []string
	for _, one := range decisions {
		all = append(all, one.name)
	}
	return all
}

// SetPolicy changes who must agree on something. name is one of PolicyNames. text is a rule as [policy.ParseRule] reads
// it, about the members of the channel, or for ordering about the organisations that order.
func SetPolicy(now *Configuration, name, text string) (*Proposal, error) {
	i := slices.IndexFunc(decisions, func(d decision) bool { return d.name == name })
	if i < 0 {
		return nil, exit.Usagef("there is no policy %q: choose from %s", name, strings.Join(PolicyNames(), ", "))
	}
	d := decisions[i]
	then := now.Config.Group()
	group := then.GetGroups()[d.group]
	if group.GetPolicies()[d.in] == nil {
		return nil, exit.Refusedf("the channel has no policy %s", d.path())
	}
	rule, err := policy.ParseRule(text, d.deciders(now.Config))
	if err != nil {
		return nil, err
	}
	if group.GetPolicies()[d.in].Policy, err = rule.Channel(d.sub, d.role); err != nil {
		return nil, err
	}
	return New(now, then, "let "+rule.String()+" "+d.does)
}

// deciders are the organisations that a decision can be left to.
func (d decision) deciders(c *proof.Config) []string {
	if d.group == "Application" {
		return slices.Sorted(slices.Values(c.Members))
	}
	all := map[string]bool{}
	for _, one := range c.Orderers {
		all[one.MSPID] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// reach finds out who can take the decision in a configuration.
func (d decision) reach(c *proof.Config, root *common.ConfigGroup) policy.Reach {
	return policy.ReachOf(d.deciders(c), func(some ...string) bool { return policy.Suffices(root, d.path(), some...) })
}

// least is how many organisations it takes to take the decision, or 0 if that depends on which they are.
func (d decision) least(c *proof.Config, root *common.ConfigGroup) int {
	return policy.Least(d.deciders(c), func(some ...string) bool { return policy.Suffices(root, d.path(), some...) })
}

// reaches warns of policies that nobody can meet, that one organisation meets alone, or that cannot be met without one.
// What was so before isn't told again.
func (c *comparison) reaches(before, after *proof.Config, was, is *common.ConfigGroup) {
	for _, d := range decisions {
		then, now := d.reach(before, was), d.reach(after, is)
		switch {
		case now.Nobody && !then.Nobody:
			c.warn("nobody can meet the policy %s any more: %s", d.path(), d.stops)
			continue
		case len(d.deciders(after)) == 1 || now.Nobody:
			continue
		}
		if fresh := without(now.Alone, then.Alone); len(fresh) > 0 {
			c.warn("each of these can %s alone: %s", d.does, strings.Join(fresh, ", "))
		}
		if fresh := without(now.Veto, then.Veto); len(fresh) > 0 {
			c.warn("without %s, %s", anyOf(fresh), d.stops)
		}
	}
	endorsement, lifecycle := decisions[0].least(after, is), decisions[1].least(after, is)
	if lifecycle > 0 && lifecycle < endorsement && decisions[1].least(before, was) != lifecycle {
		c.warn("%d can put a definition of the chaincode into force, and %d must endorse: nothing is recorded under it "+
			"until enough others have approved it", lifecycle, endorsement)
	}
}

// anyOf names some organisations, of which one counts.
func anyOf(orgs []string) string {
	if len(orgs) == 1 {
		return orgs[0]
	}
	return "any one of " + strings.Join(orgs, ", ")
}

// without returns what is in a list and not in another.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(one string) bool { return slices.Contains(other, one) })
}
