package audit_test

import (
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
	"github.com/pedigree-ledger/pedigree/network"
)

// add appends a block of these envelopes, which follows the configuration of a block.
func (f *forger) add(config int, envelopes ...[]byte) {
	b := &common.Block{Header: new(common.BlockHeader), Data: &common.BlockData{Data: envelopes}, Metadata: &common.BlockMetadata{Metadata: make([][]byte, 5)}}
	b.Metadata.Metadata[0] = f.encode(&common.Metadata{Value: f.encode(&common.OrdererBlockMetadata{LastConfig: &common.LastConfig{Index: uint64(config)}})})
	b.Metadata.Metadata[1] = f.encode(&common.Metadata{Value: f.encode(&common.LastConfig{Index: uint64(config)})})
	b.Metadata.Metadata[2] = make([]byte, len(envelopes))
	f.blocks = append(f.blocks, b)
	f.relink(len(f.blocks) - 1)
}

// configuration is the channel's first.
func (f *forger) configuration() *common.Config {
	var envelope common.Envelope
	var payload common.Payload
	var m common.ConfigEnvelope
	require.NoError(f, proto.Unmarshal(f.blocks[0].Data.Data[0], &envelope))
	require.NoError(f, proto.Unmarshal(envelope.Payload, &payload))
	require.NoError(f, proto.Unmarshal(payload.Data, &m))
	return m.Config
}

// sealed is an envelope of the channel's.
func (f *forger) sealed(kind common.HeaderType, by *signer, data proto.Message) *common.Envelope {
	payload := f.encode(&common.Payload{Header: &common.Header{
		ChannelHeader:   f.encode(&common.ChannelHeader{Type: int32(kind), ChannelId: network.ChannelName}),
		SignatureHeader: f.encode(&common.SignatureHeader{Creator: by.creator, Nonce: []byte("nonce")}),
	}, Data: f.encode(data)})
	return &common.Envelope{Payload: payload, Signature: f.signature(by, payload)}
}

// demandAll has every organisation endorse from now on, signed by administrators. It adds the configuration block,
// after spoil has had a look at the configuration in it.
func (f *forger) demandAll(spoil func(*common.Config), admins ...*signer) {
	const name = "Endorsement"
	config := f.configuration()
	application := config.ChannelGroup.Groups["Application"]
	policy := proto.CloneOf(application.Policies[name])
	policy.Version++
	policy.Policy.Value = f.encode(&common.ImplicitMetaPolicy{SubPolicy: name, Rule: common.ImplicitMetaPolicy_ALL})
	set := func(policies map[string]*common.ConfigPolicy) *common.ConfigGroup {
		return &common.ConfigGroup{Version: config.ChannelGroup.Version, Groups: map[string]*common.ConfigGroup{
			"Application": {Version: application.Version, ModPolicy: application.ModPolicy, Policies: policies},
		}}
	}
	update := f.encode(&common.ConfigUpdate{ChannelId: network.ChannelName, ReadSet: set(nil), WriteSet: set(map[string]*common.ConfigPolicy{name: policy})})
	envelope := &common.ConfigUpdateEnvelope{ConfigUpdate: update}
	for _, admin := range admins {
		header := f.encode(&common.SignatureHeader{Creator: admin.creator, Nonce: []byte("nonce")})
		envelope.Signatures = append(envelope.Signatures, &common.ConfigSignature{SignatureHeader: header, Signature: f.signature(admin, header, update)})
	}
	config.Sequence++
	application.Policies[name] = policy
	spoil(config)
	made := f.sealed(common.HeaderType_CONFIG, f.orderer(1), &common.ConfigEnvelope{
		Config: config, LastUpdate: f.sealed(common.HeaderType_CONFIG_UPDATE, admins[0], envelope),
	})
	f.add(len(f.blocks), f.encode(made))
}

// event is a transaction like one that there is, with another id and endorsed by these peers.
func (f *forger) event(nonce string, orgs ...string) []byte {
	block, position := f.find("Events:Submit")
	t := f.open(f.blocks[block].Data.Data[position])
	was := t.id()
	t.nonce, t.peers = []byte(nonce), nil
	for _, org := range orgs {
		t.peers = append(t.peers, f.peer(org))
	}
	f.rename(t, was)
	return f.close(t)
}

func TestAChangeOfTheChannelIsJudgedAndObeyed(t *testing.T) {
	fine := func(*common.Config) {}
	admins := func(f *forger, orgs ...string) (list []*signer) {
		for _, org := range orgs {
			list = append(list, f.user(org, network.Operator))
		}
		return list
	}
	for name, c := range map[string]struct {
		forge func(f *forger)
		want  []audit.Code
	}{
		"and what all endorse is valid after it": {func(f *forger) {
			f.demandAll(fine, admins(f, "harbor", "market")...)
			f.add(len(f.blocks)-1, f.event("one", "harbor", "market", "lab"))
		}, nil},
		"and what a majority endorses isn't any more": {func(f *forger) {
			f.demandAll(fine, admins(f, "harbor", "market")...)
			f.add(len(f.blocks)-1, f.event("one", "harbor", "market"))
		}, []audit.Code{audit.FlagDiffers}},
		"and in the block before, a majority was enough": {func(f *forger) {
			f.add(0, f.event("one", "harbor", "market"))
			f.demandAll(fine, admins(f, "harbor", "market")...)
		}, nil},
		"if one administrator wants it": {func(f *forger) {
			f.demandAll(fine, admins(f, "harbor")...)
		}, []audit.Code{"unauthorised_config"}},
		"if one administrator signs twice": {func(f *forger) {
			f.demandAll(fine, admins(f, "harbor", "harbor")...)
		}, []audit.Code{"unauthorised_config"}},
		"if clients want it": {func(f *forger) {
			f.demandAll(fine, f.user("harbor", network.Submitter), f.user("market", network.Submitter), f.user("lab", network.Submitter))
		}, []audit.Code{"unauthorised_config"}},
		"if the new configuration isn't what was signed": {func(f *forger) {
			f.demandAll(func(c *common.Config) {
				delete(c.ChannelGroup.Groups["Application"].Groups, "LabMSP")
			}, admins(f, "harbor", "market", "lab")...)
		}, []audit.Code{"unauthorised_config"}},
		"if the orderers hide it": {func(f *forger) {
			f.demandAll(fine, admins(f, "harbor", "market")...)
			f.add(0, f.event("one", "harbor", "market"))
		}, []audit.Code{"missing_config"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForger(t)
			for _, b := range f.blocks { // what is added has none
				b.Metadata.Metadata[4] = nil
			}
			c.forge(f)
			r := replay(t, memory(f.blocks))
			assert.Equal(t, c.want, codes(r), "%v", r.Findings)
		})
	}
}

func TestAnAuditGoesOnAfterAChangeOfTheChannel(t *testing.T) {
	f := newForger(t)
	f.demandAll(func(*common.Config) {}, f.user("harbor", network.Operator), f.user("lab", network.Operator))
	f.add(len(f.blocks)-1, f.event("one", "harbor", "market", "lab"))
	f.add(len(f.blocks)-2, f.event("two", "harbor", "market", "lab"))
	for _, b := range f.blocks {
		b.Metadata.Metadata[4] = nil
	}
	dir := t.TempDir()
	for _, n := range slices.Backward([]int{0, 1, 2}) {
		a, err := audit.New(audit.Config{Genesis: genesisHash(t), Chaincode: network.ChaincodeName, State: dir})
		require.NoError(t, err)
		require.NoError(t, a.Run(t.Context(), memory(f.blocks[:len(f.blocks)-n])))
		assert.Empty(t, a.Findings())
		assert.EqualValues(t, len(f.blocks)-n, a.Status().Next)
		require.NoError(t, a.Close())
	}
}
