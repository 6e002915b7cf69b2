package proof

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"
)

// Missing says for people what signers lack to meet a channel policy, such as "2 more of HarborMSP, LabMSP
// (/Channel/Application/Admins)". The signers don't meet it.
func (c *Config) Missing(path string, signers []*Identity) string {
	parts := strings.Split(strings.TrimPrefix(path, "/Channel/"), "/")
	group := c.root
	for _, name := range parts[:len(parts)-1] {
		group = group.GetGroups()[name]
	}
	return fmt.Sprintf("%s (%s)", c.missing(group, parts[len(parts)-1], signers, 0), path)
}

func (c *Config) missing(group *common.ConfigGroup, name string, signers []*Identity, depth int) string {
	policy := group.GetPolicies()[name].GetPolicy()
	switch common.Policy_PolicyType(policy.GetType()) {
	case common.Policy_SIGNATURE:
		var m common.SignaturePolicyEnvelope
		if proto.Unmarshal(policy.GetValue(), &m) == nil {
			return signatureNeeds(&m)
		}
	case common.Policy_IMPLICIT_META:
		var m common.ImplicitMetaPolicy
		if depth > maxPolicyDepth || proto.Unmarshal(policy.GetValue(), &m) != nil {
			break
		}
		var open []string
		met := 0
		groups := group.GetGroups()
		for _, below := range slices.Sorted(maps.Keys(groups)) {
			if c.meetsNamed(groups[below], m.GetSubPolicy(), signers, depth+1) == nil {
				met++
				continue
			}
			open = append(open, c.missing(groups[below], m.GetSubPolicy(), signers, depth+1))
		}
		need := map[common.ImplicitMetaPolicy_Rule]int{
			common.ImplicitMetaPolicy_ANY: 1, common.ImplicitMetaPolicy_ALL: len(groups),
			common.ImplicitMetaPolicy_MAJORITY: len(groups)/2 + 1,
		}[m.GetRule()]
		switch {
		case len(open) == need-met && len(open) == 1:
			return open[0]
		case len(open) == need-met:
			return "all of: " + strings.Join(open, ", ")
		}
		return fmt.Sprintf("%d more of: %s", need-met, strings.Join(open, ", "))
	}
	return "a policy that nobody can meet"
}

// signatureNeeds describes a signature policy for people.
func signatureNeeds(m *common.SignaturePolicyEnvelope) string {
	var who []string
	for _, p := range m.GetIdentities() {
		var role msp.MSPRole
		text := "an identity that the policy names"
		if p.GetPrincipalClassification() == msp.MSPPrincipal_ROLE && proto.Unmarshal(p.GetPrincipal(), &role) == nil {
			text = fmt.Sprintf("%s (%s)", role.GetMspIdentifier(), strings.ToLower(role.GetRole().String()))
		}
		who = append(who, text)
	}
	if n := m.GetRule().GetNOutOf().GetN(); len(who) > 1 {
		return fmt.Sprintf("%d of %s", n, strings.Join(who, ", "))
	}
	return strings.Join(who, ", ")
}
