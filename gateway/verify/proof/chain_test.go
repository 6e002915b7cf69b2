package proof_test

import (
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

func lastConfig(t testing.TB, index uint64) []byte {
	return marshal(t, &common.OrdererBlockMetadata{LastConfig: &common.LastConfig{Index: index}})
}

func TestAChainTakesOnlyBlocksThatItsOrderersSigned(t *testing.T) {
	f := newFabricated(t)
	genesis := f.opened(f.genesis)
	call := func() [][]byte {
		l := f.ledger()
		_, envelope := l.transaction(l.definition.call, func(string) map[string][]byte { return nil })
		return [][]byte{envelope}
	}()
	for about, one := range map[string]struct {
		change func(b *proof.Block)
		quorum []int
		after  func(b *proof.Block) // they have signed
		reason proof.Reason         // empty if the block is taken
	}{
		"the next block":                      {quorum: []int{0, 1, 2}},
		"every orderer has signed":            {quorum: []int{0, 1, 2, 3}},
		"the signatures are in another order": {quorum: []int{3, 0, 2}},
		"a later block": {func(b *proof.Block) {
			b.Number, b.PreviousHash = 5, []byte("elsewhere")
		}, []int{0, 1, 2}, nil, ""},
		"the same block again": {func(b *proof.Block) {
			b.Number = 0
		}, []int{0, 1, 2}, nil, proof.BadBlock},
		"it follows another block": {func(b *proof.Block) {
			b.PreviousHash = []byte("elsewhere")
		}, []int{0, 1, 2}, nil, proof.BadBlock},
		"too few orderers":                      {nil, []int{1, 2}, nil, proof.TooFewOrderers},
		"no orderer":                            {nil, nil, nil, proof.TooFewOrderers},
		"one orderer has signed twice":          {nil, []int{0, 1, 2, 2}, nil, proof.OrdererTwice},
		"one orderer has signed first and last": {nil, []int{0, 1, 0}, nil, proof.OrdererTwice},
		"a number that no orderer has": {nil, []int{0, 1, 2}, func(b *proof.Block) {
			b.Signatures[2].Header = marshal(t, &common.IdentifierHeader{Identifier: 9})
		}, proof.UnknownOrderer},
		"an orderer signed for another": {nil, []int{0, 1, 2}, func(b *proof.Block) {
			b.Signatures[2].Header = marshal(t, &common.IdentifierHeader{Identifier: 4})
		}, proof.BadSignature},
		"a quorum, and a bad signature besides": {nil, []int{0, 1, 2, 3}, func(b *proof.Block) {
			b.Signatures[3].Signature = b.Signatures[0].Signature
		}, proof.BadSignature},
		"the data isn't what they signed":     {nil, []int{0, 1, 2}, func(b *proof.Block) { b.Data = append(call, call...) }, proof.BadSignature},
		"the number isn't what they signed":   {nil, []int{0, 1, 2}, func(b *proof.Block) { b.Number = 2 }, proof.BadSignature},
		"the metadata isn't what they signed": {nil, []int{0, 1, 2}, func(b *proof.Block) { b.Metadata = nil }, proof.BadSignature},
		"they signed no metadata": {func(b *proof.Block) {
			b.Metadata = nil
		}, []int{0, 1, 2}, nil, proof.BadBlock},
		"they signed unreadable metadata": {func(b *proof.Block) {
			b.Metadata = truncated(b.Metadata)
		}, []int{0, 1, 2}, nil, proof.BadBlock},
		"a configuration block was left out": {func(b *proof.Block) {
			b.Number, b.Metadata = 5, lastConfig(t, 3)
		}, []int{0, 1, 2}, nil, proof.MissingConfig},
		"a configuration block that changed the orderers was left out": {func(b *proof.Block) {
			b.Number, b.Metadata = 5, lastConfig(t, 4)
		}, []int{0}, nil, proof.MissingConfig},
		"too few orderers, under a configuration of its own": {func(b *proof.Block) {
			b.Number, b.Metadata = 5, lastConfig(t, 5)
		}, []int{0}, nil, proof.TooFewOrderers},
		"it names itself as its configuration": {func(b *proof.Block) {
			b.Metadata = lastConfig(t, 1)
		}, []int{0, 1, 2}, nil, proof.MissingConfig},
		"a configuration that names an earlier one": {func(b *proof.Block) {
			b.Data = f.genesis.Data
		}, []int{0, 1, 2}, nil, proof.MissingConfig},
		"a configuration with the number of the last": {func(b *proof.Block) {
			b.Data, b.Metadata = f.genesis.Data, lastConfig(t, 1)
		}, []int{0, 1, 2}, nil, proof.MissingConfig},
		"a configuration of another channel": {func(b *proof.Block) {
			b.Metadata = lastConfig(t, 1)
			b.Data = [][]byte{marshal(t, &common.Envelope{Payload: marshal(t, &common.Payload{Header: &common.Header{
				ChannelHeader: marshal(t, &common.ChannelHeader{Type: int32(common.HeaderType_CONFIG), ChannelId: "other"}),
			}})})}
		}, []int{0, 1, 2}, nil, proof.WrongChannel},
		"an unreadable configuration": {func(b *proof.Block) {
			b.Metadata = lastConfig(t, 1)
			b.Data = [][]byte{f.envelope(common.HeaderType_CONFIG, truncated(nil), nil)}
		}, []int{0, 1, 2}, nil, proof.BadConfig},
	} {
		chain, err := proof.NewChain(genesis, genesis.Hash())
		require.NoError(t, err)
		b := &proof.Block{Number: 1, PreviousHash: genesis.Hash(), Data: call, Metadata: lastConfig(t, 0)}
		if one.change != nil {
			one.change(b)
		}
		l := f.ledger()
		l.quorum = one.quorum
		l.sign(b)
		if one.after != nil {
			one.after(b)
		}
		opened, before := f.opened(b), chain.Config()
		config, err := chain.Take(opened)
		assert.Equal(t, one.reason, proof.ReasonOf(err), "%s: %v", about, err)
		if one.reason == "" {
			assert.Same(t, before, config, about)
			assert.Same(t, opened, chain.Last(), about)
		} else {
			assert.Same(t, genesis, chain.Last(), about)
		}
		assert.Same(t, before, chain.Config(), about)
	}
}

func TestAnOrdererMustBelongToTheChannel(t *testing.T) {
	f := newFabricated(t)
	stranger := newConsortium(t, "ZooMSP").member("ZooMSP", "ZooMSP", "orderer")
	for about, one := range map[string]struct {
		orderer *signer // in place of the second
		reason  proof.Reason
		first   *signer // in place of the first, if not nil
	}{
		"of an organisation that the channel doesn't have": {stranger, proof.UnknownOrganisation, nil},
		"with a certificate that was revoked":              {f.revoked, proof.Revoked, f.member("HarborMSP", "HarborMSP", "orderer")},
		"with a certificate of another authority":          {f.member("HarborMSP", "LabMSP", "orderer"), proof.UntrustedCertificate, nil},
	} {
		t.Run(about, func(t *testing.T) {
			g := *f
			g.orderers = slices.Clone(f.orderers)
			g.orderers[1] = one.orderer
			if one.first != nil {
				g.orderers[0] = one.first
			}
			chain := g.chain(g.root())
			l := g.ledger()
			l.quorum = []int{0, 1, 2, 3}
			b := &proof.Block{Number: 1, PreviousHash: chain.Last().Hash(), Data: f.genesis.Data, Metadata: lastConfig(t, 0)}
			l.sign(b)
			_, err := chain.Take(f.opened(b))
			assert.Equal(t, one.reason, proof.ReasonOf(err), "%v", err)
		})
	}
}

func TestOrderersMustMeetThePolicyToo(t *testing.T) {
	f := newFabricated(t)
	root := f.root()
	root.Groups["Orderer"].Policies["BlockValidation"] = majority(t, "Admins")
	chain := f.chain(root)
	l := f.ledger()
	b := &proof.Block{Number: 1, PreviousHash: chain.Last().Hash(), Data: f.genesis.Data, Metadata: lastConfig(t, 0)}
	l.sign(b)
	_, err := chain.Take(f.opened(b))
	assert.Equal(t, proof.PolicyNotMet, proof.ReasonOf(err), "%v", err)
}

func TestAChainBeginsWithTheGenesisBlock(t *testing.T) {
	f := newFabricated(t)
	l := f.ledger()
	for about, one := range map[string]struct {
		change func(b *proof.Block)
		reason proof.Reason
	}{
		"the genesis block":  {func(*proof.Block) {}, ""},
		"another number":     {func(b *proof.Block) { b.Number = 1 }, proof.WrongGenesis},
		"it follows a block": {func(b *proof.Block) { b.PreviousHash = []byte{1} }, proof.WrongGenesis},
		"somebody signed it": {func(b *proof.Block) { l.sign(b) }, proof.BadBlock},
		"one orderer signed nothing but its header": {func(b *proof.Block) {
			b.Signatures = []proof.BlockSignature{{Header: marshal(t, &common.IdentifierHeader{Identifier: 1})}}
		}, proof.BadBlock},
		"no configuration": {func(b *proof.Block) {
			b.Data = append(slices.Clone(b.Data), b.Data...)
		}, proof.SplitEnvelopes},
		"an update": {func(b *proof.Block) {
			b.Data = [][]byte{f.envelope(common.HeaderType_CONFIG_UPDATE, nil, nil)}
		}, proof.BadBlock},
		"an unreadable config": {func(b *proof.Block) {
			b.Data = [][]byte{f.envelope(common.HeaderType_CONFIG, truncated(nil), nil)}
		}, proof.BadConfig},
		"an empty config": {func(b *proof.Block) {
			b.Data = [][]byte{f.envelope(common.HeaderType_CONFIG, nil, nil)}
		}, proof.BadConfig},
	} {
		b := &proof.Block{Data: f.genesis.Data}
		one.change(b)
		m := &common.Block{Header: &common.BlockHeader{Number: b.Number, PreviousHash: b.PreviousHash, DataHash: dataHash(b)},
			Data: &common.BlockData{Data: b.Data}}
		opened, err := proof.OpenBlock(m)
		if err == nil {
			opened.Signatures, opened.Metadata = b.Signatures, b.Metadata
			_, err = proof.NewChain(opened, opened.Hash())
		}
		assert.Equal(t, one.reason, proof.ReasonOf(err), "%s: %v", about, err)
	}
	genesis := f.opened(f.genesis)
	_, err := proof.NewChain(genesis, make([]byte, 32))
	assert.Equal(t, proof.WrongGenesis, proof.ReasonOf(err), "another hash")
	genesis.Metadata = []byte{1}
	_, err = proof.NewChain(genesis, genesis.Hash())
	assert.Equal(t, proof.BadBlock, proof.ReasonOf(err), "metadata that nobody signed")
}

func TestADeliveredBlockIsWhatItsHeaderSays(t *testing.T) {
	f := newFabricated(t)
	named := marshal(t, &common.IdentifierHeader{Identifier: 1})
	metadata := func(s *common.MetadataSignature) *common.BlockMetadata {
		return &common.BlockMetadata{Metadata: [][]byte{marshal(t, &common.Metadata{Value: []byte("signed"), Signatures: []*common.MetadataSignature{s}})}}
	}
	for about, one := range map[string]struct {
		change func(m *common.Block)
		reason proof.Reason
	}{
		"nothing is changed": {func(*common.Block) {}, ""},
		"another hash":       {func(m *common.Block) { m.Header.DataHash[0] ^= 1 }, proof.BadBlock},
		"no hash":            {func(m *common.Block) { m.Header.DataHash = nil }, proof.BadBlock},
		"no transactions": {func(m *common.Block) {
			m.Data, m.Header.DataHash = nil, dataHash(&proof.Block{})
		}, proof.BadBlock},
		"a signature by number": {func(m *common.Block) {
			m.Metadata = metadata(&common.MetadataSignature{IdentifierHeader: named})
		}, ""},
		"a signature without a name": {func(m *common.Block) {
			m.Metadata = metadata(&common.MetadataSignature{})
		}, proof.BadBlock},
		"a signature with two names": {func(m *common.Block) {
			m.Metadata = metadata(&common.MetadataSignature{IdentifierHeader: named, SignatureHeader: named})
		}, proof.BadBlock},
		"a signature with one byte of another name": {func(m *common.Block) {
			m.Metadata = metadata(&common.MetadataSignature{IdentifierHeader: named, SignatureHeader: []byte{1}})
		}, proof.BadBlock},
		"a transaction without a payload": {func(m *common.Block) {
			m.Data.Data = [][]byte{marshal(t, &common.Envelope{Signature: []byte("signature")})}
			m.Header.DataHash = dataHash(&proof.Block{Data: m.Data.Data})
		}, proof.SplitEnvelopes},
		"a signature's name is wrong": {func(m *common.Block) {
			m.Metadata = metadata(&common.MetadataSignature{IdentifierHeader: truncated(named)})
		}, proof.BadBlock},
		"signatures can't be read": {func(m *common.Block) {
			m.Metadata = &common.BlockMetadata{Metadata: [][]byte{truncated(nil)}}
		}, proof.BadBlock},
	} {
		m := &common.Block{Header: &common.BlockHeader{DataHash: dataHash(f.genesis)}, Data: &common.BlockData{Data: f.genesis.Data}}
		one.change(m)
		_, err := proof.OpenBlock(m)
		assert.Equal(t, one.reason, proof.ReasonOf(err), "%s: %v", about, err)
	}
	unsigned := &common.Block{Header: &common.BlockHeader{DataHash: dataHash(f.genesis)}, Data: &common.BlockData{Data: f.genesis.Data},
		Metadata: &common.BlockMetadata{Metadata: [][]byte{marshal(t, &common.Metadata{Value: []byte("unsigned")})}}}
	b, err := proof.OpenBlock(unsigned)
	require.NoError(t, err)
	assert.Empty(t, b.Metadata)
}

func TestConfigurationsThatProveNothingAreRefused(t *testing.T) {
	f := newFabricated(t)
	set := func(name string, value []byte) func(*common.ConfigGroup) {
		return func(root *common.ConfigGroup) { root.Groups["Orderer"].Values[name].Value = value }
	}
	mapping := func(change func(m *common.Orderers)) func(*common.ConfigGroup) {
		return func(root *common.ConfigGroup) {
			var m common.Orderers
			value := root.Groups["Orderer"].Values["Orderers"]
			require.NoError(t, proto.Unmarshal(value.Value, &m))
			change(&m)
			value.Value = marshal(t, &m)
		}
	}
	bft := marshal(t, &orderer.ConsensusType{Type: "BFT"})
	for about, one := range map[string]struct {
		change func(root *common.ConfigGroup)
		reason proof.Reason
	}{
		"no members": {func(root *common.ConfigGroup) { root.Groups["Application"].Groups = nil }, proof.BadConfig},
		"a membership that can't be read": {func(root *common.ConfigGroup) {
			v := root.Groups["Application"].Groups["LabMSP"].Values["MSP"]
			v.Value = truncated(v.Value)
		}, proof.BadConfig},
		"two definitions of one organisation": {func(root *common.ConfigGroup) {
			other := newConsortium(t, "LabMSP")
			root.Groups["Orderer"].Groups["LabMSP"] = (&fabricated{consortium: other}).group("LabMSP")
		}, proof.BadConfig},
		"ordered by Raft":                   {set("ConsensusType", marshal(t, &orderer.ConsensusType{Type: "etcdraft"})), proof.BadConfig},
		"an unreadable kind of ordering":    {set("ConsensusType", truncated(bft)), proof.BadConfig},
		"nobody orders":                     {set("Orderers", nil), proof.BadConfig},
		"two orderers have one number":      {mapping(func(m *common.Orderers) { m.ConsenterMapping[1].Id = 1 }), proof.BadConfig},
		"two orderers have one certificate": {mapping(func(m *common.Orderers) { m.ConsenterMapping[1].Identity = m.ConsenterMapping[0].Identity }), proof.BadConfig},
		"an orderer without a certificate":  {mapping(func(m *common.Orderers) { m.ConsenterMapping[1].Identity = nil }), proof.BadIdentity},
		"a list of orderers can't be read": {func(root *common.ConfigGroup) {
			v := root.Groups["Orderer"].Values["Orderers"]
			v.Value = truncated(v.Value)
		}, proof.BadConfig},
	} {
		root := f.root()
		one.change(root)
		b := f.opened(&proof.Block{Data: [][]byte{f.envelope(common.HeaderType_CONFIG,
			marshal(t, &common.ConfigEnvelope{Config: &common.Config{ChannelGroup: root}}), nil)}})
		_, err := proof.NewChain(b, b.Hash())
		assert.Equal(t, one.reason, proof.ReasonOf(err), "%s: %v", about, err)
	}
}

func TestAConfigurationIsAloneInItsBlock(t *testing.T) {
	f := newFabricated(t)
	genesis := f.opened(f.genesis)
	chain, err := proof.NewChain(genesis, genesis.Hash())
	require.NoError(t, err)
	signed := f.envelope(common.HeaderType_CONFIG, nil, f.member("HarborMSP", "HarborMSP", "client"))
	b := &proof.Block{Number: 1, PreviousHash: genesis.Hash(), Data: [][]byte{signed, signed}, Metadata: lastConfig(t, 0)}
	f.ledger().sign(b)
	before := chain.Config()
	_, err = chain.Take(f.opened(b))
	require.NoError(t, err, "its orderers say that it is an ordinary block")
	assert.Same(t, before, chain.Config())
}

func TestAQuorumHasAnHonestOrdererInCommonWithEveryOther(t *testing.T) {
	f := newFabricated(t)
	f.orderers = nil
	for _, want := range []int{1, 2, 2, 3, 4, 4, 5, 6, 6, 7} {
		f.orderers = append(f.orderers, f.member("OrdererMSP", "OrdererMSP", "orderer"))
		c := f.chain(f.root()).Config()
		n := len(f.orderers)
		assert.Equal(t, want, c.Quorum, "of %d", n)
		assert.Greater(t, 2*c.Quorum-n, (n-1)/3, "of %d, two quorums have more in common than may lie", n)
		assert.Len(t, c.Orderers, n)
	}
}

func TestMembersAreTheOrganisationsOfTheApplication(t *testing.T) {
	f := newFabricated(t)
	root := f.root()
	groups := root.Groups["Application"].Groups
	groups["the-lab"] = groups["LabMSP"]
	delete(groups, "LabMSP")
	root.Groups["Orderer"].Groups["HarborMSP"] = groups["HarborMSP"]
	groups["nobody"] = &common.ConfigGroup{}
	c := f.chain(root).Config()
	assert.Equal(t, "pedigree", c.Channel)
	assert.Zero(t, c.Block)
	assert.ElementsMatch(t, members, c.Members)
	assert.Len(t, c.Organisations, 4)
	assert.Equal(t, "the-lab", c.MemberGroup("LabMSP"))
	assert.Equal(t, "HarborMSP", c.MemberGroup("HarborMSP"))
	assert.Empty(t, c.MemberGroup("OrdererMSP"))
}
