package proof_test

import (
	"bytes"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// newest is a proof's last block, which has the record.
func newest(p *proof.Proof) *proof.Block { return p.Blocks[len(p.Blocks)-1] }

var blockForgeries = []forgery{
	{name: "block-without-genesis", base: blockVector, reason: proof.WrongGenesis, change: func(_ *forger, p *proof.Proof) { p.Blocks = p.Blocks[1:] }},
	{name: "block-with-a-forged-genesis", base: blockVector, reason: proof.WrongGenesis, change: func(f *forger, p *proof.Proof) {
		p.Blocks[0].Data[0] = replaceRoot(f, p.Blocks[0].Data[0])
	}},
	{name: "block-against-trust-in-another-genesis", base: blockVector, trust: "other-genesis", reason: proof.WrongGenesis},
	{name: "block-without-the-block-of-the-record", base: blockVector, reason: proof.MissingBlock, change: func(_ *forger, p *proof.Proof) { p.Blocks = p.Blocks[:len(p.Blocks)-1] }},
	{name: "block-without-the-block-of-the-definition", base: blockVector, reason: proof.MissingBlock, change: func(_ *forger, p *proof.Proof) { p.Blocks = slices.Delete(p.Blocks, 1, 2) }},
	{name: "block-with-the-receipt-of-another-record", base: blockVector, reason: proof.MissingBlock, change: func(f *forger, p *proof.Proof) { p.Receipts = f.proof(receiptVector).Receipts }},
	{name: "block-signed-by-two-of-four", base: blockVector, reason: proof.TooFewOrderers, change: func(_ *forger, p *proof.Proof) { newest(p).Signatures = newest(p).Signatures[:2] }},
	{name: "block-signed-by-nobody", base: blockVector, reason: proof.TooFewOrderers, change: func(_ *forger, p *proof.Proof) { newest(p).Signatures = nil }},
	{name: "block-with-a-signature-twice", base: blockVector, reason: proof.OrdererTwice, change: func(_ *forger, p *proof.Proof) {
		s := newest(p).Signatures
		newest(p).Signatures = []proof.BlockSignature{s[0], s[0], s[1]}
	}},
	{name: "block-signed-by-an-orderer-unheard-of", base: blockVector, reason: proof.UnknownOrderer, change: func(f *forger, p *proof.Proof) {
		s := &newest(p).Signatures[len(newest(p).Signatures)-1]
		s.Header = marshal(f, &common.IdentifierHeader{Identifier: 99, Nonce: make([]byte, 24)})
	}},
	{name: "block-signed-in-anothers-name", base: blockVector, reason: proof.BadSignature, change: func(_ *forger, p *proof.Proof) {
		s := newest(p).Signatures
		s[0].Signature, s[1].Signature = s[1].Signature, s[0].Signature
	}},
	{name: "block-with-the-signatures-of-another-header", base: blockVector, reason: proof.BadSignature, change: func(_ *forger, p *proof.Proof) {
		newest(p).Signatures, newest(p).Metadata = p.Blocks[1].Signatures, p.Blocks[1].Metadata
	}},
	{name: "block-with-another-number", base: blockVector, reason: proof.BadSignature, change: func(_ *forger, p *proof.Proof) { newest(p).Number += 5 }},
	{name: "block-with-another-hash-before-it", base: blockVector, reason: proof.BadSignature, change: func(_ *forger, p *proof.Proof) {
		newest(p).PreviousHash = bytes.Repeat([]byte{7}, 32)
	}},
	{name: "block-with-another-last-configuration", base: blockVector, reason: proof.MissingConfig, change: func(f *forger, p *proof.Proof) {
		var m common.OrdererBlockMetadata
		require.NoError(f, proto.Unmarshal(newest(p).Metadata, &m))
		m.LastConfig.Index = 1
		newest(p).Metadata = marshal(f, &m)
	}},
	{name: "block-with-envelopes-merged", base: blockVector, reason: proof.SplitEnvelopes, change: func(_ *forger, p *proof.Proof) {
		b := p.Blocks[len(p.Blocks)-1]
		b.Data = [][]byte{bytes.Join(append(b.Data, b.Data[0]), nil)}
	}},
	{name: "block-with-an-envelope-split", base: blockVector, reason: proof.SplitEnvelopes, change: func(_ *forger, p *proof.Proof) {
		b := newest(p) // has the same hash, and the orderers' signatures hold
		payload, signature := twoFields(b.Data[0])
		b.Data = append([][]byte{payload, signature}, b.Data[1:]...)
	}},
	{name: "block-with-a-transaction-dropped", base: blockVector, reason: proof.BadBlock, change: func(_ *forger, p *proof.Proof) { newest(p).Data = newest(p).Data[1:] }},
	{name: "block-with-a-transaction-added", base: blockVector, reason: proof.BadSignature, change: func(_ *forger, p *proof.Proof) {
		newest(p).Data = append(newest(p).Data, p.Blocks[1].Data[0])
	}},
	{name: "block-twice", base: blockVector, reason: proof.BadBlock, change: func(_ *forger, p *proof.Proof) { p.Blocks = append(p.Blocks, newest(p)) }},
	{name: "block-with-blocks-reordered", base: blockVector, reason: proof.BadBlock, change: func(_ *forger, p *proof.Proof) { slices.Reverse(p.Blocks[1:]) }},
	{name: "block-with-a-needless-block", base: blockVector, reason: proof.NeedlessBlock, change: func(f *forger, p *proof.Proof) {
		later := f.proof(laterVector).Blocks
		at := slices.IndexFunc(later, func(b *proof.Block) bool { return b.Number > newest(p).Number })
		p.Blocks = append(p.Blocks, later[at])
	}},
}

// changed is a proof's configuration blocks after the genesis block: those that say of themselves that they are the
// last.
func changed(f *forger, p *proof.Proof) (at []int) {
	for i, b := range p.Blocks[1:] {
		last, err := b.LastConfig()
		require.NoError(f, err)
		if last == b.Number {
			at = append(at, i+1)
		}
	}
	require.Len(f, at, 2, "there are two changes")
	return at
}

var laterForgeries = []forgery{
	{name: "config-missing", base: laterVector, reason: proof.MissingConfig, change: func(f *forger, p *proof.Proof) {
		at := changed(f, p)[0]
		p.Blocks = slices.Delete(p.Blocks, at, at+1)
	}},
	{name: "config-missing-before-the-last-block", base: laterVector, reason: proof.MissingConfig, change: func(f *forger, p *proof.Proof) {
		at := changed(f, p)[1]
		p.Blocks = slices.Delete(p.Blocks, at, at+1)
	}},
	{name: "config-blocks-reordered", base: laterVector, reason: proof.MissingConfig, change: func(f *forger, p *proof.Proof) {
		at := changed(f, p)
		p.Blocks[at[0]], p.Blocks[at[1]] = p.Blocks[at[1]], p.Blocks[at[0]]
	}},
	{name: "config-with-a-root-replaced", base: laterVector, reason: proof.BadSignature, change: func(f *forger, p *proof.Proof) {
		b := p.Blocks[changed(f, p)[0]]
		b.Data[0] = replaceRoot(f, b.Data[0])
	}},
	{name: "config-twice-under-another-number", base: laterVector, reason: proof.BadBlock, change: func(f *forger, p *proof.Proof) {
		at := changed(f, p)[1]
		again := *p.Blocks[at]
		again.Number++
		p.Blocks = slices.Insert(p.Blocks, at+1, &again)
	}},
	{name: "quorum-of-an-earlier-epoch", base: laterVector, reason: proof.UnknownOrderer, change: func(f *forger, p *proof.Proof) {
		old := newest(f.proof(blockVector)).Signatures
		for _, b := range p.Blocks {
			old = append(old, b.Signatures...)
		}
		kept := newest(p).Signatures
		at := slices.IndexFunc(old, func(s proof.BlockSignature) bool {
			var m common.IdentifierHeader
			require.NoError(f, proto.Unmarshal(s.Header, &m))
			return m.GetIdentifier() == 4 // who left
		})
		left := proof.BlockSignature{Header: marshal(f, &common.IdentifierHeader{Identifier: 4, Nonce: make([]byte, 24)}), Signature: kept[0].Signature}
		if at >= 0 {
			left = old[at]
		}
		newest(p).Signatures = append(slices.Clone(kept), left)
	}},
}

// replaceRoot puts another authority in the place of the first root in a configuration.
func replaceRoot(f *forger, envelope []byte) []byte {
	var e common.Envelope
	var payload common.Payload
	var config common.ConfigEnvelope
	require.NoError(f, proto.Unmarshal(envelope, &e))
	require.NoError(f, proto.Unmarshal(e.GetPayload(), &payload))
	require.NoError(f, proto.Unmarshal(payload.GetData(), &config))
	groups := config.GetConfig().GetChannelGroup().GetGroups()["Application"].GetGroups()
	for _, group := range groups {
		var outer msp.MSPConfig
		var m msp.FabricMSPConfig
		require.NoError(f, proto.Unmarshal(group.Values["MSP"].Value, &outer))
		require.NoError(f, proto.Unmarshal(outer.GetConfig(), &m))
		if m.GetName() != "HarborMSP" {
			continue
		}
		m.RootCerts = [][]byte{rogueRoot(f, parseCertificate(f, m.GetRootCerts()[0]))}
		outer.Config = marshal(f, &m)
		group.Values["MSP"].Value = marshal(f, &outer)
	}
	payload.Data = marshal(f, &config)
	e.Payload = marshal(f, &payload)
	return marshal(f, &e)
}
