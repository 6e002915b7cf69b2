package proof

import (
	"strings"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
)

// maxPolicyDepth bounds policies inside each other.
const maxPolicyDepth = 32

// Meets tells whether those who signed something meet the channel policy at a path, such as
// "/Channel/Application/Endorsement". Signers must be distinct, and their signatures checked.
func (c *Config) Meets(path string, signers []*Identity) error {
	rest, ok := strings.CutPrefix(path, "/Channel")
	if !ok {
		return refuse(BadConfig, "the policy %q is none of the channel's", path)
	}
	parts := strings.Split(strings.TrimPrefix(rest, "/"), "/")
	group := c.root
	for _, name := range parts[:len(parts)-1] {
		if group = group.GetGroups()[name]; group == nil {
			return refuse(BadConfig, "the channel has no policy %s", path)
		}
	}
	return at(c.meetsNamed(group, parts[len(parts)-1], signers, 0), "policy %s", path)
}

func (c *Config) meetsNamed(group *common.ConfigGroup, name string, signers []*Identity, depth int) error {
	if depth > maxPolicyDepth {
		return refuse(BadConfig, "policies refer to each other more than %d deep", maxPolicyDepth)
	}
	policy := group.GetPolicies()[name].GetPolicy()
	switch common.Policy_PolicyType(policy.GetType()) {
	case common.Policy_SIGNATURE:
		var m common.SignaturePolicyEnvelope
		if err := proto.Unmarshal(policy.GetValue(), &m); err != nil {
			return refuse(BadConfig, "a policy can't be read: %v", err)
		}
		return c.meetsSignature(&m, signers)
	case common.Policy_IMPLICIT_META:
		var m common.ImplicitMetaPolicy
		if err := proto.Unmarshal(policy.GetValue(), &m); err != nil {
			return refuse(BadConfig, "a policy can't be read: %v", err)
		}
		return c.meetsImplicit(group, &m, signers, depth)
	}
	return refuse(PolicyNotMet, "there is no such policy, so nobody can meet it")
}

// meetsImplicit counts the groups below whose policy of a name is met.
func (c *Config) meetsImplicit(group *common.ConfigGroup, m *common.ImplicitMetaPolicy, signers []*Identity, depth int) error {
	n := len(group.GetGroups())
	need := 1
	switch m.GetRule() {
	case common.ImplicitMetaPolicy_ALL:
		need = n
	case common.ImplicitMetaPolicy_MAJORITY:
		need = n/2 + 1
	}
	if n == 0 {
		return nil // as Fabric has it
	}
	met := 0
	for _, below := range group.GetGroups() {
		if c.meetsNamed(below, m.GetSubPolicy(), signers, depth+1) == nil {
			met++
		}
	}
	if met < need {
		return refuse(PolicyNotMet, "%d of %d have met %s, and it takes %d", met, n, m.GetSubPolicy(), need)
	}
	return nil
}

// MeetsSignature tells whether signers meet a policy of signatures. As in Fabric, each signer counts for one principal.
func (c *Config) meetsSignature(m *common.SignaturePolicyEnvelope, signers []*Identity) error {
	used := make([]bool, len(signers))
	met, err := c.meetsRule(m.GetRule(), m.GetIdentities(), signers, used, 0)
	if err != nil {
		return err
	}
	if !met {
		return refuse(PolicyNotMet, "the %d who signed don't meet it", len(signers))
	}
	return nil
}

func (c *Config) meetsRule(rule *common.SignaturePolicy, principals []*msp.MSPPrincipal, signers []*Identity, used []bool, depth int) (bool, error) {
	if depth > maxPolicyDepth {
		return false, refuse(BadConfig, "a policy is more than %d deep", maxPolicyDepth)
	}
	switch r := rule.GetType().(type) {
	case *common.SignaturePolicy_SignedBy:
		if r.SignedBy < 0 || int(r.SignedBy) >= len(principals) {
			return false, refuse(BadConfig, "a policy names principal %d of %d", r.SignedBy, len(principals))
		}
		for i, id := range signers {
			if !used[i] && c.satisfies(id, principals[r.SignedBy], 0) {
				used[i] = true
				return true, nil
			}
		}
		return false, nil
	case *common.SignaturePolicy_NOutOf_:
		met := int32(0)
		attempt := make([]bool, len(used))
		for _, below := range r.NOutOf.GetRules() {
			copy(attempt, used)
			ok, err := c.meetsRule(below, principals, signers, attempt, depth+1)
			if err != nil {
				return false, err
			}
			if ok {
				met++
				copy(used, attempt)
			}
		}
		return met >= r.NOutOf.GetN(), nil
	}
	return false, refuse(BadConfig, "a policy has a rule that can't be read")
}

// satisfies tells whether an identity is, or is one of, a principal. What Fabric's X.509 memberships can't judge, and
// what can't be read, nobody satisfies.
func (c *Config) satisfies(id *Identity, p *msp.MSPPrincipal, depth int) bool {
	o := c.Organisations[id.MSPID]
	if o == nil || depth > maxPolicyDepth {
		return false
	}
	switch p.GetPrincipalClassification() {
	case msp.MSPPrincipal_ROLE:
		var m msp.MSPRole
		if proto.Unmarshal(p.GetPrincipal(), &m) != nil || m.GetMspIdentifier() != id.MSPID {
			return false
		}
		return o.Check(id, time.Time{}) == nil && o.hasRole(id, m.GetRole())
	case msp.MSPPrincipal_IDENTITY:
		want, err := ParseIdentity(p.GetPrincipal())
		return err == nil && want.MSPID == id.MSPID && want.Certificate.Equal(id.Certificate) && o.Check(id, time.Time{}) == nil
	case msp.MSPPrincipal_ORGANIZATION_UNIT:
		// Its authority is named by a digest of a chain, which nothing here has needed yet; refusing is safe.
		return false
	case msp.MSPPrincipal_COMBINED:
		var m msp.CombinedPrincipal
		if proto.Unmarshal(p.GetPrincipal(), &m) != nil || len(m.GetPrincipals()) == 0 {
			return false
		}
		for _, one := range m.GetPrincipals() {
			if !c.satisfies(id, one, depth+1) {
				return false
			}
		}
		return true
	}
	return false
}

func (o *Organisation) hasRole(id *Identity, role msp.MSPRole_MSPRoleType) bool {
	switch role {
	case msp.MSPRole_MEMBER:
		return true
	case msp.MSPRole_ADMIN:
		return o.Is(id, Admin)
	case msp.MSPRole_CLIENT:
		return o.Is(id, Client)
	case msp.MSPRole_PEER:
		return o.Is(id, Peer)
	case msp.MSPRole_ORDERER:
		return o.Is(id, Orderer)
	}
	return false
}

// MeetsApplication tells whether signers meet an endorsement policy as a chaincode's definition has it
// (peer.ApplicationPolicy).
func (c *Config) MeetsApplication(policy []byte, signers []*Identity) error {
	var m peer.ApplicationPolicy
	if err := proto.Unmarshal(policy, &m); err != nil {
		return refuse(BadConfig, "an endorsement policy can't be read: %v", err)
	}
	switch p := m.GetType().(type) {
	case *peer.ApplicationPolicy_SignaturePolicy:
		return c.meetsSignature(p.SignaturePolicy, signers)
	case *peer.ApplicationPolicy_ChannelConfigPolicyReference:
		return c.Meets(p.ChannelConfigPolicyReference, signers)
	}
	return refuse(BadConfig, "an endorsement policy is of no kind that is known here")
}

// applicationPolicyReference is an endorsement policy that is the channel's of a name.
func applicationPolicyReference(path string) []byte {
	return encode(&peer.ApplicationPolicy{Type: &peer.ApplicationPolicy_ChannelConfigPolicyReference{ChannelConfigPolicyReference: path}})
}

// describePolicy names an endorsement policy for people.
func describePolicy(policy []byte) string {
	var m peer.ApplicationPolicy
	if proto.Unmarshal(policy, &m) == nil && m.GetChannelConfigPolicyReference() != "" {
		return m.GetChannelConfigPolicyReference()
	}
	return "the chaincode's own"
}
