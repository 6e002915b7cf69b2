package proof_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// reconfiguration is a change of a fabricated channel's configuration. Tests make it wrong in one respect.
type reconfiguration struct {
	change func(root *common.ConfigGroup) // raises the versions of what it changes
	admins []*signer

	// What the parts are changed to, where not nil, before they are signed.
	update   func(*common.ConfigUpdate)
	envelope func(*common.ConfigUpdateEnvelope) // after the administrators have signed
	payload  func(*common.Payload)              // of the update
	config   func(*common.Config)               // the result
	part     func(name string, encoded []byte) []byte
}

// configOf is the configuration in a block.
func configOf(t testing.TB, b *proof.Block) *common.Config {
	var envelope common.Envelope
	var payload common.Payload
	var m common.ConfigEnvelope
	require.NoError(t, proto.Unmarshal(b.Data[0], &envelope))
	require.NoError(t, proto.Unmarshal(envelope.GetPayload(), &payload))
	require.NoError(t, proto.Unmarshal(payload.GetData(), &m))
	return m.GetConfig()
}

// block makes the block after the last configuration block. The first three orderers sign it.
func (r reconfiguration) block(f *fabricated, last *proof.Block) *proof.Block {
	b := r.unsigned(f, last)
	b.Number, b.PreviousHash, b.Metadata = last.Number+1, headerHash(f, last), lastConfig(f, last.Number+1)
	f.ledger().sign(b)
	return b
}

// unsigned makes a block with the configuration that follows that of the last configuration block.
func (r reconfiguration) unsigned(f *fabricated, last *proof.Block) *proof.Block {
	encode := func(name string, m proto.Message) []byte {
		encoded := marshal(f, m)
		if r.part != nil {
			return r.part(name, encoded)
		}
		return encoded
	}
	now := configOf(f, last)
	changed := proto.Clone(now.GetChannelGroup()).(*common.ConfigGroup)
	if r.change != nil {
		r.change(changed)
	}
	update := &common.ConfigUpdate{ChannelId: "pedigree"}
	update.ReadSet, update.WriteSet = difference(now.GetChannelGroup(), changed)
	if r.update != nil {
		r.update(update)
	}
	signed := &common.ConfigUpdateEnvelope{ConfigUpdate: encode("update", update)}
	for i, admin := range r.admins {
		header := encode("signature header", &common.SignatureHeader{Creator: admin.serialized, Nonce: []byte{byte(i)}})
		signed.Signatures = append(signed.Signatures, &common.ConfigSignature{
			SignatureHeader: header, Signature: admin.sign(f, slices.Concat(header, signed.ConfigUpdate), false),
		})
	}
	if r.envelope != nil {
		r.envelope(signed)
	}
	payload := &common.Payload{Data: encode("signed update", signed), Header: &common.Header{
		ChannelHeader: encode("channel header", &common.ChannelHeader{
			Type: int32(common.HeaderType_CONFIG_UPDATE), ChannelId: "pedigree",
		}),
	}}
	if r.payload != nil {
		r.payload(payload)
	}
	config := &common.Config{Sequence: now.GetSequence() + 1, ChannelGroup: changed}
	if r.config != nil {
		r.config(config)
	}
	content := marshal(f, &common.ConfigEnvelope{
		Config: config, LastUpdate: &common.Envelope{Payload: encode("payload", payload), Signature: []byte("signature")},
	})
	return &proof.Block{Data: [][]byte{f.envelope(common.HeaderType_CONFIG, content, nil)}}
}

// anyone lets any one member endorse, in place of a majority.
func anyone(t testing.TB) func(root *common.ConfigGroup) {
	return func(root *common.ConfigGroup) {
		p := root.Groups["Application"].Policies["Endorsement"]
		p.Version++
		p.Policy.Value = marshal(t, &common.ImplicitMetaPolicy{SubPolicy: "Endorsement", Rule: common.ImplicitMetaPolicy_ANY})
	}
}

// joins adds an organisation to the members.
func joins(name string, group *common.ConfigGroup) func(root *common.ConfigGroup) {
	return func(root *common.ConfigGroup) {
		application := root.Groups["Application"]
		application.Version++
		application.Groups[name] = group
	}
}

func TestAConfigurationChangesOnlyWithTheConsentThatItNeeds(t *testing.T) {
	f := newFabricated(t)
	genesis := f.opened(f.genesis)
	admin := func(name string) *signer { return f.member(name, name, "admin") }
	harbor, lab, market, ordering := admin("HarborMSP"), admin("LabMSP"), admin("MarketMSP"), admin("OrdererMSP")
	most := []*signer{harbor, lab}
	other := newConsortium(t, "FishMSP")
	fish := (&fabricated{consortium: other}).group("FishMSP")
	labEndorses := func(root *common.ConfigGroup) {
		p := root.Groups["Application"].Groups["LabMSP"].Policies["Endorsement"]
		p.Version++
		p.Policy.Value = signedBy(t, 1, roleOf(t, "LabMSP", msp.MSPRole_ADMIN)).Policy.Value
	}
	header := func(kind common.HeaderType, channel string) []byte {
		return marshal(t, &common.ChannelHeader{Type: int32(kind), ChannelId: channel})
	}
	governedBy := func(path string) func(root *common.ConfigGroup) {
		return func(root *common.ConfigGroup) {
			p := root.Groups["Application"].Policies["Endorsement"]
			p.Version++
			p.ModPolicy = path
		}
	}
	for about, one := range map[string]struct {
		reconfiguration
		reason proof.Reason // empty if it is taken
	}{
		"most members agree": {reconfiguration{change: anyone(t), admins: most}, ""},
		"all members agree": {reconfiguration{
			change: anyone(t), admins: []*signer{market, lab, harbor},
		}, ""},
		"one member agrees": {reconfiguration{
			change: anyone(t), admins: most[:1],
		}, proof.UnauthorisedConfig},
		"nobody agrees": {reconfiguration{change: anyone(t)}, proof.UnauthorisedConfig},
		"one member agrees twice": {reconfiguration{
			change: anyone(t), admins: []*signer{lab, lab},
		}, proof.UnauthorisedConfig},
		"the orderers agree": {reconfiguration{
			change: anyone(t), admins: []*signer{ordering},
		}, proof.UnauthorisedConfig},
		"peers agree": {reconfiguration{
			change: anyone(t), admins: f.testimony().peers,
		}, proof.UnauthorisedConfig},
		"a stranger agrees in a name": {reconfiguration{
			change: anyone(t), admins: []*signer{harbor, f.member("HarborMSP", "LabMSP", "admin")},
		}, proof.UnauthorisedConfig},
		"a stranger agrees besides": {reconfiguration{
			change: anyone(t), admins: append([]*signer{other.member("FishMSP", "FishMSP", "admin")}, most...),
		}, ""},
		"a member changes its own": {reconfiguration{change: labEndorses, admins: []*signer{lab}}, ""},
		"a member changes another's": {reconfiguration{
			change: labEndorses, admins: []*signer{harbor},
		}, proof.UnauthorisedConfig},
		"a new member joins": {reconfiguration{change: joins("FishMSP", fish), admins: most}, ""},
		"a new member lets itself in": {reconfiguration{
			change: joins("FishMSP", fish), admins: []*signer{other.member("FishMSP", "FishMSP", "admin")},
		}, proof.UnauthorisedConfig},
		"a policy elsewhere governs": {reconfiguration{
			change: governedBy("/Channel/Orderer/Admins"), admins: most,
		}, ""},
		"nothing governs it afterwards": {reconfiguration{change: governedBy(""), admins: most}, proof.BadConfig},
		"nothing changes":               {reconfiguration{admins: most}, proof.UnauthorisedConfig},
		"it skips a configuration": {reconfiguration{
			change: anyone(t), admins: most, config: func(c *common.Config) { c.Sequence++ },
		}, proof.MissingConfig},
		"it repeats a configuration": {reconfiguration{
			change: anyone(t), admins: most, config: func(c *common.Config) { c.Sequence-- },
		}, proof.MissingConfig},
		"its result is another": {reconfiguration{change: anyone(t), admins: most, config: func(c *common.Config) {
			labEndorses(c.ChannelGroup)
		}}, proof.UnauthorisedConfig},
		"a version is skipped": {reconfiguration{change: func(root *common.ConfigGroup) {
			anyone(t)(root)
			root.Groups["Application"].Policies["Endorsement"].Version++
		}, admins: most}, proof.UnauthorisedConfig},
		"a version is lowered": {reconfiguration{change: func(root *common.ConfigGroup) {
			root.Groups["Application"].Policies["Endorsement"].Version--
		}, admins: most}, proof.UnauthorisedConfig},
		"a new element has a history": {reconfiguration{change: joins("FishMSP", func() *common.ConfigGroup {
			old := proto.Clone(fish).(*common.ConfigGroup)
			old.Version = 1
			return old
		}()), admins: most}, proof.UnauthorisedConfig},
		"it was made for a later version": {reconfiguration{change: anyone(t), admins: most,
			update: func(u *common.ConfigUpdate) {
				u.ReadSet.Groups["Application"].Version++
			}}, proof.UnauthorisedConfig},
		"it was made for a later version of a group above": {reconfiguration{
			change: anyone(t), admins: most, update: func(u *common.ConfigUpdate) {
				u.ReadSet.Groups["Application"].Version, u.WriteSet.Groups["Application"].Version = 1, 1
			},
		}, proof.UnauthorisedConfig},
		"it was made for an element that isn't there": {reconfiguration{change: anyone(t), admins: most,
			update: func(u *common.ConfigUpdate) {
				u.ReadSet.Groups["Other"] = &common.ConfigGroup{}
			}}, proof.UnauthorisedConfig},
		"it writes nothing": {reconfiguration{
			change: anyone(t), admins: most, update: func(u *common.ConfigUpdate) { u.WriteSet = nil },
		}, proof.UnauthorisedConfig},
		"its update is of another channel": {reconfiguration{change: anyone(t), admins: most,
			update: func(u *common.ConfigUpdate) {
				u.ChannelId = "other"
			}}, proof.WrongChannel},
		"its header is of another channel": {reconfiguration{change: anyone(t), admins: most,
			payload: func(p *common.Payload) {
				p.Header.ChannelHeader = header(common.HeaderType_CONFIG_UPDATE, "other")
			}}, proof.BadConfig},
		"its update is of another kind": {reconfiguration{change: anyone(t), admins: most,
			payload: func(p *common.Payload) {
				p.Header.ChannelHeader = header(common.HeaderType_CONFIG, "pedigree")
			}}, proof.BadConfig},
		"the signatures are over another update": {reconfiguration{change: anyone(t), admins: most,
			envelope: func(e *common.ConfigUpdateEnvelope) {
				for _, s := range e.Signatures {
					s.Signature = harbor.sign(t, []byte("something else"), false)
				}
			}}, proof.UnauthorisedConfig},
		"a signature of nobody besides": {reconfiguration{change: anyone(t), admins: most,
			envelope: func(e *common.ConfigUpdateEnvelope) {
				e.Signatures = append([]*common.ConfigSignature{
					{SignatureHeader: marshal(t, &common.SignatureHeader{Creator: []byte("nobody")})},
				}, e.Signatures...)
			}}, ""},
		"a group without a name": {reconfiguration{change: joins("", fish), admins: most}, proof.BadConfig},
		"a group with a path for a name": {reconfiguration{
			change: joins("Lab/MSP", fish), admins: most,
		}, proof.BadConfig},
		"a value with a path for a name": {reconfiguration{change: func(root *common.ConfigGroup) {
			root.Version++
			root.Values = map[string]*common.ConfigValue{"Orderer/Orderers": {ModPolicy: "Admins"}}
		}, admins: most}, proof.BadConfig},
		"a policy with a path for a name": {reconfiguration{change: func(root *common.ConfigGroup) {
			root.Version++
			root.Policies["Orderer/Admins"] = root.Policies["Admins"]
		}, admins: most}, proof.BadConfig},
		"groups as deep as they may be": {reconfiguration{
			change: joins("Deep", nestedGroups(maxDepth-3)), admins: most,
		}, ""},
		"groups that are too deep": {reconfiguration{
			change: joins("Deep", nestedGroups(maxDepth-2)), admins: most,
		}, proof.BadConfig},
		"more elements than there may be": {reconfiguration{
			change: joins("Wide", wideGroup(20_001)), admins: most,
		}, proof.BadConfig},
		"a configuration that proves nothing": {reconfiguration{change: joins("FishMSP", &common.ConfigGroup{
			ModPolicy: "Admins", Values: map[string]*common.ConfigValue{"MSP": {ModPolicy: "Admins", Value: truncated(nil)}},
		}), admins: most}, proof.BadConfig},
	} {
		t.Run(about, func(t *testing.T) {
			chain, err := proof.NewChain(genesis, genesis.Hash())
			require.NoError(t, err)
			before := chain.Config()
			b := f.opened(one.block(f, genesis))
			judged, err := chain.Take(b)
			assert.Equal(t, one.reason, proof.ReasonOf(err), "%v", err)
			if one.reason != "" {
				assert.Same(t, before, chain.Config())
				return
			}
			assert.Same(t, before, judged, "the old configuration judges the change")
			assert.EqualValues(t, 1, chain.Config().Sequence)
			assert.EqualValues(t, 1, chain.Config().Block)
			// The new one is in force for the next.
			next := reconfiguration{change: anyone(t), admins: []*signer{harbor, lab, market, ordering}}
			again, err := chain.Take(f.opened(next.block(f, b)))
			require.NoError(t, err)
			assert.EqualValues(t, 1, again.Block)
			assert.EqualValues(t, 2, chain.Config().Sequence)
		})
	}
}

// nestedGroups are groups inside each other. Each has a policy for changes.
func nestedGroups(levels int) *common.ConfigGroup {
	g := &common.ConfigGroup{ModPolicy: "Admins"}
	for range levels {
		g = &common.ConfigGroup{ModPolicy: "Admins", Groups: map[string]*common.ConfigGroup{"below": g}}
	}
	return g
}

// wideGroup has so many groups, and another group inside each.
func wideGroup(n int) *common.ConfigGroup {
	g := &common.ConfigGroup{ModPolicy: "Admins", Groups: map[string]*common.ConfigGroup{}}
	for i := range n {
		g.Groups[fmt.Sprint(i)] = &common.ConfigGroup{ModPolicy: "Admins"}
	}
	return g
}

func TestAConfigurationIsRefusedWhoseUpdateCannotBeRead(t *testing.T) {
	f := newFabricated(t)
	genesis := f.opened(f.genesis)
	admins := []*signer{f.member("HarborMSP", "HarborMSP", "admin"), f.member("LabMSP", "LabMSP", "admin")}
	for part, reason := range map[string]proof.Reason{
		"update": proof.BadConfig, "signed update": proof.BadConfig, "signature header": proof.UnauthorisedConfig,
		"channel header": proof.BadTransaction, "payload": proof.BadTransaction,
	} {
		chain, err := proof.NewChain(genesis, genesis.Hash())
		require.NoError(t, err)
		r := reconfiguration{change: anyone(t), admins: admins, part: func(name string, encoded []byte) []byte {
			if name == part {
				return truncated(encoded)
			}
			return encoded
		}}
		_, err = chain.Take(f.opened(r.block(f, genesis)))
		assert.Equal(t, reason, proof.ReasonOf(err), "%s: %v", part, err)
	}
}

func TestATrustFileHasTheMembersOfTheNewestConfigurationAndAllTheirAuthorities(t *testing.T) {
	f := newFabricated(t)
	genesis := f.opened(f.genesis)
	admins := []*signer{f.member("HarborMSP", "HarborMSP", "admin"), f.member("LabMSP", "LabMSP", "admin")}
	fish := (&fabricated{consortium: newConsortium(t, "FishMSP")}).group("FishMSP")
	renewed := &fabricated{consortium: newConsortium(t, "LabMSP")}
	first := f.opened(reconfiguration{change: joins("FishMSP", fish), admins: admins}.block(f, genesis))
	second := f.opened(reconfiguration{change: func(root *common.ConfigGroup) {
		v := root.Groups["Application"].Groups["LabMSP"].Values["MSP"]
		v.Version++
		v.Value = renewed.group("LabMSP").Values["MSP"].Value
	}, admins: admins}.block(f, first))

	trust, err := proof.NewTrust(genesis, []*proof.Block{first, second}, "pedigree", 0)
	require.NoError(t, err)
	authorities := map[string]int{}
	for _, o := range trust.Organisations {
		authorities[o.MSPID] = len(o.Authorities())
	}
	assert.Equal(t, map[string]int{"FishMSP": 1, "HarborMSP": 1, "LabMSP": 2, "MarketMSP": 1}, authorities)
	assert.Equal(t, 3, trust.Agree, "most of four")
	for _, ca := range []*consortium{f.consortium, renewed.consortium} {
		c := f.testimony()
		c.peers[1] = ca.member("LabMSP", "LabMSP", "peer")
		assert.Equal(t, "accept", outcome(proofOf(c.receipt(f.consortium)).Bytes(), trust.Text(), proof.Wanted{}))
	}

	_, err = proof.NewTrust(genesis, []*proof.Block{second}, "pedigree", 0)
	assert.Equal(t, proof.MissingConfig, proof.ReasonOf(err), "%v", err)
}
