package proof

import (
	"strings"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
)

// maxPolicyDepth is how deep policies may be nested.
const maxPolicyDepth = 32

// Meets checks that signers meet the channel policy at a path, such as "/Channel/Application/Endorsement". As in
// Fabric, the path can be relative to the channel, too: "Application/Endorsement". The signers must be distinct, and
// the caller must have checked their signatures.
func (c *Config) Meets(path string, signers []*Identity) error {
	parts := strings.Split(strings.TrimPrefix(path, "/Channel/"), "/")
	group := c.root
	for _, name := range parts[:len(parts)-1] {
		if group = group.GetGroups()[name]; group == nil {
			return refuse(BadConfig, "the channel has no policy %s", path)
		}
	}
	return At(c.meetsNamed(group, parts[len(parts)-1], signers, 0), "policy %s", path)
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

// meetsImplicit checks an implicit policy. Such a policy names a subpolicy, which any, all or a majority of the groups
// below must meet.
func (c *Config) meetsImplicit(
	group *common.ConfigGroup, m *common.ImplicitMetaPolicy, signers []*Identity, depth int,
) error {
	n := len(group.GetGroups())
	var need int
	switch m.GetRule() {
	case common.ImplicitMetaPolicy_ANY:
		need = 1
	case common.ImplicitMetaPolicy_ALL:
		need = n
	case common.ImplicitMetaPolicy_MAJORITY:
		need = n/2 + 1
	default:
		return refuse(BadConfig, "a policy has the unknown rule %d", m.GetRule())
	}
	if n == 0 {
		return nil // as in Fabric
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

// meetsSignature checks that signers meet a signature policy. As in Fabric, each signer counts for one principal only.
func (c *Config) meetsSignature(m *common.SignaturePolicyEnvelope, signers []*Identity) error {
	used := make([]bool, len(signers))
	met, err := c.meetsRule(m.GetRule(), m.GetIdentities(), signers, used, 0)
	if err != nil {
		return err
	}
	if !met {
		return refuse(PolicyNotMet, "the %d signers don't meet it", len(signers))
	}
	return nil
}

func (c *Config) meetsRule(
	rule *common.SignaturePolicy, principals []*msp.MSPPrincipal, signers []*Identity, used []bool, depth int,
) (bool, error) {
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

// satisfies reports whether an identity matches a principal. Nobody matches a principal that can't be read, or that
// isn't supported here.
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
		return err == nil && want.MSPID == id.MSPID && want.Certificate.Equal(id.Certificate) &&
			o.Check(id, time.Time{}) == nil
	case msp.MSPPrincipal_ORGANIZATION_UNIT:
		// Such a principal names its authority by the digest of a chain, which isn't implemented here. To refuse is safe.
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

// MeetsApplication checks that signers meet an endorsement policy from a chaincode's definition
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
	return refuse(BadConfig, "an endorsement policy is of an unknown kind")
}

// applicationPolicyReference makes an endorsement policy that refers to a channel policy.
func applicationPolicyReference(path string) []byte {
	return encode(&peer.ApplicationPolicy{
		Type: &peer.ApplicationPolicy_ChannelConfigPolicyReference{ChannelConfigPolicyReference: path},
	})
}

// describePolicy describes an endorsement policy for people.
func describePolicy(policy []byte) string {
	var m peer.ApplicationPolicy
	if proto.Unmarshal(policy, &m) == nil && m.GetChannelConfigPolicyReference() != "" {
		return m.GetChannelConfigPolicyReference()
	}
	return "the chaincode's own"
}
