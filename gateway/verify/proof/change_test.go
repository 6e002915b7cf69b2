package proof_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network"
)

// Proofs made before a change, of records from before and after it, verify after every later change.
func TestProofsSurviveEveryChangeOfTheChannel(t *testing.T) {
	h := newHarness(t)
	var everybody []*signer
	for _, mspID := range []string{"HarborMSP", "MarketMSP", "LabMSP"} {
		everybody = append(everybody, h.administrator(mspID, folderOf(mspID)))
	}
	ordering := h.administrator("OrdererMSP", "orderer")

	type made struct {
		when string
		id   record.ID
		text []byte
	}
	var proofs []made
	var records []record.ID
	prove := func(when string) {
		records = append(records, h.record(fmt.Sprintf("changes-%d", time.Now().UnixNano()), 1)[0])
		for _, id := range records {
			p, err := h.maker.Prove(h.within(time.Minute), id, proof.LevelBlock, 0)
			require.NoError(t, err, when)
			proofs = append(proofs, made{when, id, p.Bytes()})
		}
	}
	last := func() *proof.Verdict {
		p, err := proof.Parse(proofs[len(proofs)-1].text)
		require.NoError(t, err)
		v, err := proof.Verify(p, h.trust, proof.Wanted{})
		require.NoError(t, err)
		return v
	}

	prove("in the beginning")
	h.reconfigure(func(root *common.ConfigGroup) {
		p := root.Groups["Application"].Policies["Endorsement"]
		p.Version++
		p.Policy.Value = marshal(t, &common.ImplicitMetaPolicy{SubPolicy: "Endorsement", Rule: common.ImplicitMetaPolicy_ANY})
	}, everybody...)
	prove("after the channel's endorsement policy")

	h.redefine(2, signaturePolicy(h, 3, msp.MSPRole_PEER, "HarborMSP", "LabMSP", "MarketMSP"))
	prove("after the chaincode's own endorsement policy")
	assert.Len(t, last().Records[0].Ordered.EndorsedBy, 3)
	assert.Equal(t, "the chaincode's own", last().Records[0].Ordered.Policy)

	h.reconfigure(func(root *common.ConfigGroup) {
		group := root.Groups["Application"]
		group.Version++
		group.Groups["FishMSP"] = h.newcomer("FishMSP")
	}, everybody...)
	prove("after an organisation joined")

	h.reconfigure(func(root *common.ConfigGroup) {
		dropOrderer(t, root.Groups["Orderer"])
	}, ordering)
	prove("after an orderer left")

	newest, err := proof.Parse(proofs[len(proofs)-1].text)
	require.NoError(t, err)
	later, err := proof.NewTrust(h.genesis(), newest.Blocks[1:], "pedigree", 0)
	require.NoError(t, err)
	assert.Len(t, later.Organisations, 4)
	assert.Equal(t, 3, later.Agree)
	for trusted, trust := range map[string]*proof.Trust{"the first configuration": h.trust, "the last configuration": later} {
		for _, one := range proofs {
			p, err := proof.Parse(one.text)
			require.NoError(t, err)
			_, err = proof.Verify(p, trust, proof.Wanted{Level: proof.LevelBlock, ID: one.id})
			assert.NoError(t, err, "of %s, trusting %s", one.when, trusted)
		}
	}

	t.Run("an organisation that has left isn't waited for", func(t *testing.T) {
		two := []*signer{everybody[0], everybody[1]}
		h.redefine(3, signaturePolicy(h, 2, msp.MSPRole_PEER, "HarborMSP", "MarketMSP"))
		var lab *common.ConfigGroup
		h.reconfigure(func(root *common.ConfigGroup) {
			group := root.Groups["Application"]
			group.Version++
			lab = group.Groups["LabMSP"]
			delete(group.Groups, "LabMSP")
			delete(group.Groups, "FishMSP")
		}, everybody...)
		defer h.reconfigure(func(root *common.ConfigGroup) {
			group := root.Groups["Application"]
			group.Version++
			group.Groups["LabMSP"] = lab
		}, two...)
		left := func(_ int, a *proof.Answer) {
			if a.MSPID == "LabMSP" {
				lacks(a)
			}
		}
		m := &proof.Maker{Network: &troubled{Network: h.maker.Network, answer: left}, Channel: "pedigree", Chaincode: "pedigree"}
		p, err := m.Prove(h.within(time.Minute), records[0], proof.LevelReceipt, 0)
		require.NoError(t, err)
		assert.Len(t, p.Receipts[0].Endorsements, 2)
		_, err = m.Prove(h.within(time.Minute), records[0], proof.LevelReceipt, 3)
		var few *proof.TooFew
		require.ErrorAs(t, err, &few)
	})
	t.Run("an audit finds nothing wrong with the changes", func(t *testing.T) {
		a, err := audit.New(audit.Config{Genesis: h.genesis().Hash(), Chaincode: network.ChaincodeName, State: t.TempDir()})
		require.NoError(t, err)
		defer func() { require.NoError(t, a.Close()) }()
		harbor := h.net.Orgs()[0]
		certificate, key := h.net.Identity(harbor.Name, network.Auditor)
		as, err := audit.LoadMember(harbor.MSPID, certificate, key)
		require.NoError(t, err)
		source := &audit.Peer{Address: harbor.PeerAddress(), ServerName: harbor.PeerName(), TLSRoots: h.net.TLSRoots(harbor.Name), Channel: network.ChannelName, As: as}
		require.NoError(t, a.Run(t.Context(), source))
		report := a.Report(source)
		assert.Empty(t, report.Findings)
		assert.True(t, report.Complete)
		assert.Greater(t, report.Blocks, newest.Blocks[len(newest.Blocks)-1].Number)
	})
	t.Run("a configuration block left out is missed", func(t *testing.T) {
		for i := 1; i < len(newest.Blocks)-1; i++ {
			cut := *newest
			cut.Blocks = append(append([]*proof.Block{}, newest.Blocks[:i]...), newest.Blocks[i+1:]...)
			_, err := proof.Verify(&cut, h.trust, proof.Wanted{})
			assert.Contains(t, []proof.Reason{proof.MissingConfig, proof.MissingBlock}, proof.ReasonOf(err), "without block %d: %v", newest.Blocks[i].Number, err)
		}
	})
	t.Run("a quorum of an earlier epoch is none", func(t *testing.T) {
		// The first three of four orderers stayed, so a block of theirs from before stands under the later configuration only
		// with three signatures; two of them are no quorum then.
		old, err := proof.Parse(proofs[0].text)
		require.NoError(t, err)
		cut := *old
		cut.Blocks = append([]*proof.Block{}, old.Blocks...)
		b := *cut.Blocks[len(cut.Blocks)-1]
		b.Signatures = b.Signatures[:2]
		cut.Blocks[len(cut.Blocks)-1] = &b
		_, err = proof.Verify(&cut, h.trust, proof.Wanted{})
		assert.Equal(t, proof.TooFewOrderers, proof.ReasonOf(err), "%v", err)
	})
}
