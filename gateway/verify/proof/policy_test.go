package proof_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// maxDepth is how deep the verifier follows policies, rules and principals.
const maxDepth = 32

// truncated makes the end of a message unreadable, after fields that can be read.
func truncated(message []byte) []byte { return append(slices.Clone(message), 0xff) }

// config is the fabricated channel's configuration, with a further group of policies at /Channel/Tests.
func (f *fabricated) config(tests *common.ConfigGroup) *proof.Config {
	root := f.root()
	root.Groups["Tests"] = tests
	return f.chain(root).Config()
}

// chain begins with a genesis block of a configuration.
func (f *fabricated) chain(root *common.ConfigGroup) *proof.Chain {
	b := &proof.Block{Data: [][]byte{f.envelope(common.HeaderType_CONFIG,
		marshal(f, &common.ConfigEnvelope{Config: &common.Config{ChannelGroup: root}}), nil)}}
	opened := f.opened(b)
	chain, err := proof.NewChain(opened, opened.Hash())
	require.NoError(f, err)
	return chain
}

// opened is a block as a peer delivers it.
func (f *fabricated) opened(b *proof.Block) *proof.Block {
	m := &common.Block{
		Header: &common.BlockHeader{Number: b.Number, PreviousHash: b.PreviousHash, DataHash: dataHash(b)},
		Data:   &common.BlockData{Data: b.Data},
	}
	if len(b.Signatures) > 0 {
		signed := &common.Metadata{Value: b.Metadata}
		for _, s := range b.Signatures {
			signed.Signatures = append(signed.Signatures,
				&common.MetadataSignature{IdentifierHeader: s.Header, Signature: s.Signature})
		}
		m.Metadata = &common.BlockMetadata{Metadata: [][]byte{marshal(f, signed)}}
	}
	opened, err := proof.OpenBlock(m)
	require.NoError(f, err)
	return opened
}

func (f *fabricated) identity(s *signer) *proof.Identity {
	id, err := proof.ParseIdentity(s.serialized)
	require.NoError(f, err)
	return id
}

func by(principal int) *common.SignaturePolicy {
	return &common.SignaturePolicy{Type: &common.SignaturePolicy_SignedBy{SignedBy: int32(principal)}}
}

func outOf(n int, rules ...*common.SignaturePolicy) *common.SignaturePolicy {
	return &common.SignaturePolicy{Type: &common.SignaturePolicy_NOutOf_{
		NOutOf: &common.SignaturePolicy_NOutOf{N: int32(n), Rules: rules},
	}}
}

// within puts a rule into others, so many levels deep.
func within(levels int, rule *common.SignaturePolicy) *common.SignaturePolicy {
	for range levels {
		rule = outOf(1, rule)
	}
	return rule
}

func ownPolicy(t testing.TB, rule *common.SignaturePolicy, principals ...*msp.MSPPrincipal) []byte {
	return marshal(t, &peer.ApplicationPolicy{Type: &peer.ApplicationPolicy_SignaturePolicy{
		SignaturePolicy: &common.SignaturePolicyEnvelope{Rule: rule, Identities: principals},
	}})
}

func TestSignaturePolicies(t *testing.T) {
	f := newFabricated(t)
	c := f.config(&common.ConfigGroup{})
	harbor := f.identity(f.member("HarborMSP", "HarborMSP", "peer"))
	harbor2 := f.identity(f.member("HarborMSP", "HarborMSP", "peer"))
	lab := f.identity(f.member("LabMSP", "LabMSP", "peer"))
	peers := []*msp.MSPPrincipal{roleOf(t, "HarborMSP", msp.MSPRole_PEER), roleOf(t, "LabMSP", msp.MSPRole_PEER)}
	for about, one := range map[string]struct {
		rule    *common.SignaturePolicy
		signers []*proof.Identity
		reason  proof.Reason // empty if the policy is met
	}{
		"one of one":                       {by(0), []*proof.Identity{harbor}, ""},
		"nobody has signed":                {by(0), nil, proof.PolicyNotMet},
		"the other has signed":             {by(0), []*proof.Identity{lab}, proof.PolicyNotMet},
		"the second signer matches":        {by(0), []*proof.Identity{lab, harbor}, ""},
		"two of two":                       {outOf(2, by(0), by(1)), []*proof.Identity{lab, harbor}, ""},
		"one of two, and it takes two":     {outOf(2, by(0), by(1)), []*proof.Identity{harbor}, proof.PolicyNotMet},
		"one of two, and it takes one":     {outOf(1, by(0), by(1)), []*proof.Identity{lab}, ""},
		"it takes none":                    {outOf(0), nil, ""},
		"it takes more than there are":     {outOf(3, by(0), by(1)), []*proof.Identity{lab, harbor}, proof.PolicyNotMet},
		"a signer for two roles":           {outOf(2, by(0), by(0)), []*proof.Identity{harbor}, proof.PolicyNotMet},
		"two signers for two equal roles":  {outOf(2, by(0), by(0)), []*proof.Identity{harbor, harbor2}, ""},
		"a signer in two nested rules":     {outOf(2, outOf(1, by(0)), outOf(1, by(0))), []*proof.Identity{harbor}, proof.PolicyNotMet},
		"two signers in two nested rules":  {outOf(2, outOf(1, by(0)), outOf(1, by(0))), []*proof.Identity{harbor, harbor2}, ""},
		"a failed rule uses nobody up":     {outOf(1, outOf(2, by(0), by(1)), by(0)), []*proof.Identity{harbor}, ""},
		"as deep as it may be":             {within(maxDepth, by(0)), []*proof.Identity{harbor}, ""},
		"too deep":                         {within(maxDepth+1, by(0)), []*proof.Identity{harbor}, proof.BadConfig},
		"a principal before the first":     {by(-1), []*proof.Identity{harbor}, proof.BadConfig},
		"a principal after the last":       {by(2), []*proof.Identity{harbor}, proof.BadConfig},
		"no such principal in a rule":      {outOf(0, by(2)), []*proof.Identity{harbor}, proof.BadConfig},
		"no rule":                          {nil, []*proof.Identity{harbor}, proof.BadConfig},
		"a rule without a kind":            {outOf(0, &common.SignaturePolicy{}), []*proof.Identity{harbor}, proof.BadConfig},
		"a signer of an unknown authority": {by(1), []*proof.Identity{f.identity(f.member("HarborMSP", "LabMSP", "peer"))}, proof.PolicyNotMet},
	} {
		err := c.MeetsApplication(ownPolicy(t, one.rule, peers...), one.signers)
		assert.Equal(t, one.reason, proof.ReasonOf(err), "%s: %v", about, err)
	}
	err := c.MeetsApplication(truncated(ownPolicy(t, by(0), peers...)), []*proof.Identity{harbor})
	assert.Equal(t, proof.BadConfig, proof.ReasonOf(err), "a policy that can't be read: %v", err)
}

func TestPrincipals(t *testing.T) {
	f := newFabricated(t)
	c := f.config(&common.ConfigGroup{})
	roles := map[string]msp.MSPRole_MSPRoleType{
		"client": msp.MSPRole_CLIENT, "peer": msp.MSPRole_PEER, "admin": msp.MSPRole_ADMIN, "orderer": msp.MSPRole_ORDERER,
	}
	met := func(p *msp.MSPPrincipal, s *signer) bool {
		return c.MeetsApplication(ownPolicy(t, by(0), p), []*proof.Identity{f.identity(s)}) == nil
	}
	for has := range roles {
		s := f.member("HarborMSP", "HarborMSP", has)
		for wanted, role := range roles {
			assert.Equal(t, has == wanted, met(roleOf(t, "HarborMSP", role), s), "a %s as %s", has, wanted)
			assert.False(t, met(roleOf(t, "LabMSP", role), s), "a %s as %s of another organisation", has, wanted)
		}
		assert.True(t, met(roleOf(t, "HarborMSP", msp.MSPRole_MEMBER), s), "a %s as a member", has)
		assert.False(t, met(roleOf(t, "HarborMSP", 99), s), "a %s in an unknown role", has)
	}
	harbor := f.member("HarborMSP", "HarborMSP", "peer")
	isPeer := roleOf(t, "HarborMSP", msp.MSPRole_PEER)
	isMember := roleOf(t, "HarborMSP", msp.MSPRole_MEMBER)
	isAdmin := roleOf(t, "HarborMSP", msp.MSPRole_ADMIN)
	principal := func(kind msp.MSPPrincipal_Classification, value []byte) *msp.MSPPrincipal {
		return &msp.MSPPrincipal{PrincipalClassification: kind, Principal: value}
	}
	is := func(s *signer) *msp.MSPPrincipal { return principal(msp.MSPPrincipal_IDENTITY, s.serialized) }
	combined := func(all ...*msp.MSPPrincipal) *msp.MSPPrincipal {
		return principal(msp.MSPPrincipal_COMBINED, marshal(t, &msp.CombinedPrincipal{Principals: all}))
	}
	nested := func(levels int) *msp.MSPPrincipal {
		p := isPeer
		for range levels {
			p = combined(p)
		}
		return p
	}
	var serialized msp.SerializedIdentity
	require.NoError(t, proto.Unmarshal(harbor.serialized, &serialized))
	serialized.Mspid = "LabMSP"
	renamed := &signer{marshal(t, &serialized), harbor.key}
	for about, one := range map[string]struct {
		principal *msp.MSPPrincipal
		signer    *signer
		met       bool
	}{
		"the identity itself":                       {is(harbor), harbor, true},
		"another identity":                          {is(f.member("HarborMSP", "HarborMSP", "peer")), harbor, false},
		"the certificate in another's name":         {is(renamed), harbor, false},
		"an identity that can't be read":            {principal(msp.MSPPrincipal_IDENTITY, truncated(harbor.serialized)), harbor, false},
		"an identity that was revoked":              {is(f.revoked), f.revoked, false},
		"a revoked member":                          {isMember, f.revoked, false},
		"a member of another authority":             {isMember, f.member("LabMSP", "HarborMSP", "peer"), false},
		"the identity of another authority":         {is(renamed), renamed, false},
		"a member of no organisation":               {roleOf(t, "ZooMSP", msp.MSPRole_MEMBER), f.member("HarborMSP", "ZooMSP", "peer"), false},
		"a role that can't be read":                 {principal(msp.MSPPrincipal_ROLE, truncated(isMember.Principal)), harbor, false},
		"an organisational unit":                    {principal(msp.MSPPrincipal_ORGANIZATION_UNIT, isMember.Principal), harbor, false},
		"a principal of an unknown kind":            {principal(99, isMember.Principal), harbor, false},
		"both of two":                               {combined(isMember, isPeer), harbor, true},
		"the first of two":                          {combined(isMember, isAdmin), harbor, false},
		"the second of two":                         {combined(isAdmin, isMember), harbor, false},
		"all of none":                               {combined(), harbor, false},
		"a combination that can't be read":          {principal(msp.MSPPrincipal_COMBINED, truncated(combined(isPeer).Principal)), harbor, false},
		"a combination as deep as it may be":        {nested(maxDepth), harbor, true},
		"a combination that is too deep":            {nested(maxDepth + 1), harbor, false},
		"an anonymous principal, which fits nobody": {principal(msp.MSPPrincipal_ANONYMITY, isMember.Principal), harbor, false},
	} {
		assert.Equal(t, one.met, met(one.principal, one.signer), about)
	}
}

func TestImplicitPolicies(t *testing.T) {
	f := newFabricated(t)
	implicit := func(rule common.ImplicitMetaPolicy_Rule) *common.ConfigPolicy {
		return &common.ConfigPolicy{Policy: &common.Policy{Type: int32(common.Policy_IMPLICIT_META),
			Value: marshal(t, &common.ImplicitMetaPolicy{SubPolicy: "Sub", Rule: rule})}}
	}
	unreadable := func(p *common.ConfigPolicy) *common.ConfigPolicy {
		return &common.ConfigPolicy{Policy: &common.Policy{Type: p.Policy.Type, Value: truncated(p.Policy.Value)}}
	}
	isPeer := signedBy(t, 1, roleOf(t, "HarborMSP", msp.MSPRole_PEER))
	isAdmin := signedBy(t, 1, roleOf(t, "HarborMSP", msp.MSPRole_ADMIN))
	policies := map[string]*common.ConfigPolicy{
		"Any": implicit(common.ImplicitMetaPolicy_ANY), "All": implicit(common.ImplicitMetaPolicy_ALL),
		"Majority": implicit(common.ImplicitMetaPolicy_MAJORITY), "Unknown": implicit(99),
	}
	// groups has so many groups of which some have a subpolicy that a peer meets.
	groups := func(n, met int) *common.ConfigGroup {
		g := &common.ConfigGroup{Policies: policies, Groups: map[string]*common.ConfigGroup{}}
		for i := range n {
			sub := isAdmin
			if i < met {
				sub = isPeer
			}
			g.Groups[fmt.Sprint(i)] = &common.ConfigGroup{Policies: map[string]*common.ConfigPolicy{"Sub": sub}}
		}
		return g
	}
	// chained is a policy that refers to the group below it, so many times.
	chained := func(levels int) *common.ConfigGroup {
		g := &common.ConfigGroup{Policies: map[string]*common.ConfigPolicy{"Sub": isPeer}}
		for range levels {
			g = &common.ConfigGroup{Groups: map[string]*common.ConfigGroup{"below": g},
				Policies: map[string]*common.ConfigPolicy{"Sub": policies["Any"]}}
		}
		return g
	}
	tests := &common.ConfigGroup{Groups: map[string]*common.ConfigGroup{
		"Deep": chained(maxDepth), "TooDeep": chained(maxDepth + 1),
		"Odd": {
			Groups: groups(1, 1).Groups,
			Policies: map[string]*common.ConfigPolicy{"Signature": unreadable(isPeer), "Implicit": unreadable(policies["Any"]),
				"MSP": {Policy: &common.Policy{Type: int32(common.Policy_MSP), Value: isPeer.Policy.Value}}},
		},
	}}
	for n := range 6 {
		for met := range n + 1 {
			tests.Groups[fmt.Sprintf("%d of %d", met, n)] = groups(n, met)
		}
	}
	c := f.config(tests)
	signers := []*proof.Identity{f.identity(f.member("HarborMSP", "HarborMSP", "peer"))}
	reason := func(path string) proof.Reason { return proof.ReasonOf(c.Meets(path, signers)) }
	for n := range 6 {
		for met := range n + 1 {
			for policy, enough := range map[string]bool{"Any": met > 0, "All": met == n, "Majority": 2*met > n} {
				want := proof.PolicyNotMet
				if enough || n == 0 { // as in Fabric
					want = ""
				}
				path := fmt.Sprintf("/Channel/Tests/%d of %d/%s", met, n, policy)
				assert.Equal(t, want, reason(path), path)
			}
		}
	}
	for path, want := range map[string]proof.Reason{
		"/Channel/Tests/Deep/Sub":        "",
		"/Channel/Tests/TooDeep/Sub":     proof.PolicyNotMet,
		"/Channel/Tests/1 of 1/Unknown":  proof.BadConfig,
		"/Channel/Tests/0 of 1/Unknown":  proof.BadConfig,
		"/Channel/Tests/Odd/Signature":   proof.BadConfig,
		"/Channel/Tests/Odd/Implicit":    proof.BadConfig,
		"/Channel/Tests/Odd/MSP":         proof.PolicyNotMet,
		"/Channel/Tests/Odd/None":        proof.PolicyNotMet,
		"/Channel/Tests/None/Sub":        proof.BadConfig,
		"/Channel/None/Tests/Deep/Sub":   proof.BadConfig,
		"/Elsewhere/Tests/Deep/Sub":      proof.BadConfig,
		"Tests/Deep/Sub":                 "", // relative to the channel, as in Fabric
		"Deep/Sub":                       proof.BadConfig,
		"/ChannelTests/Deep/Sub":         proof.BadConfig,
		"/ChannelTests":                  proof.BadConfig,
		"/Channel":                       proof.BadConfig,
		"/":                              proof.BadConfig,
		"":                               proof.PolicyNotMet,
		"/Channel/Tests/Odd/0/Sub":       "",
		"/Channel/Tests/Odd/0/Sub/Other": proof.BadConfig,
	} {
		assert.Equal(t, want, reason(path), path)
	}
}
