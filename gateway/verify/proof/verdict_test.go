package proof_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

func TestAVerdictTellsAllThatWasProved(t *testing.T) {
	f := newFabricated(t)
	l := f.ledger()
	l.quorum = []int{3, 0, 1}
	slices.Reverse(l.recording.endorsers)
	l.receipt.peers = f.ledger().receipt.peers
	trust, err := proof.ParseTrust(f.trust())
	require.NoError(t, err)
	p := l.proof()
	read, err := proof.Parse(func() []byte { // as a peer delivers it: signatures are in order
		for _, b := range p.Blocks {
			slices.SortFunc(b.Signatures, func(x, y proof.BlockSignature) int { return slices.Compare(x.Header, y.Header) })
		}
		return p.Bytes()
	}())
	require.NoError(t, err)
	v, err := proof.Verify(read, trust, proof.Wanted{})
	require.NoError(t, err)

	assert.Equal(t, proof.LevelBlock, v.Level)
	assert.Equal(t, "pedigree", v.Channel)
	assert.Equal(t, "pedigree", v.Chaincode)
	assert.Equal(t, 2, v.Agree)
	assert.Nil(t, v.Trace)
	assert.Equal(t, []proof.ProvedBlock{
		{Number: 1, Hash: hex.EncodeToString(headerHash(t, p.Blocks[1])), Orderers: []uint32{1, 2, 4}},
		{Number: 2, Hash: hex.EncodeToString(headerHash(t, p.Blocks[2])), Orderers: []uint32{1, 2, 4}},
	}, v.Blocks)
	require.Len(t, v.Records, 1)
	r := v.Records[0]
	assert.Equal(t, "artifact", r.Noun)
	assert.False(t, r.More)
	assert.Equal(t, members, r.Ordered.EndorsedBy)
	assert.Equal(t, r.Recordings[0].Tx, r.Ordered.Tx)
	assert.Equal(t, "HarborMSP, "+r.Recordings[0].Subject, r.Ordered.SubmittedBy)
	assert.Equal(t, proof.Version{Block: 2}, r.Ordered.Version)
	assert.Equal(t, r.AskedBy[:len("HarborMSP, ")], "HarborMSP, ")
}

func TestEveryBlockOfAProofContributes(t *testing.T) {
	f := newFabricated(t)
	admins := []*signer{f.member("HarborMSP", "HarborMSP", "admin"), f.member("LabMSP", "LabMSP", "admin")}
	config := func() *proof.Block {
		b := reconfiguration{change: anyone(t), admins: admins}.unsigned(f, f.genesis)
		b.Metadata = []byte{1}
		return b
	}
	signed := func(kind common.HeaderType) []byte { return f.envelope(kind, nil, f.orderers[0]) }
	for about, one := range map[string]struct {
		between, after *proof.Block // a block more, before that of the recording or after it
		reason         proof.Reason
	}{
		"a configuration block on the way":     {config(), nil, ""},
		"a configuration block after it":       {nil, config(), proof.NeedlessBlock},
		"an ordinary block on the way":         {&proof.Block{Data: [][]byte{signed(common.HeaderType_MESSAGE)}}, nil, proof.NeedlessBlock},
		"two configurations, which are none":   {&proof.Block{Data: [][]byte{signed(common.HeaderType_CONFIG), signed(common.HeaderType_CONFIG)}}, nil, proof.NeedlessBlock},
		"an ordinary block after it":           {nil, &proof.Block{Data: [][]byte{signed(common.HeaderType_MESSAGE)}}, proof.NeedlessBlock},
		"nothing but what the record rests on": {nil, nil, ""},
	} {
		t.Run(about, func(t *testing.T) {
			l := f.ledger()
			l.changed = func(blocks []*proof.Block) []*proof.Block {
				for at, more := range map[int]*proof.Block{1: one.between, 2: one.after} {
					if more != nil {
						blocks = slices.Insert(blocks, at, more)
					}
				}
				for i, b := range blocks {
					b.Number = uint64(i + 1)
				}
				return blocks
			}
			if one.between != nil {
				l.place = 3
			}
			v, err := verify(t, f.trust(), l.proof())
			assert.Equal(t, one.reason, proof.ReasonOf(err), "%v", err)
			if one.reason == "" && one.between != nil {
				var under []uint64
				for _, b := range v.Blocks {
					under = append(under, b.Config)
				}
				assert.Equal(t, []uint64{0, 0, 2}, under, "the configuration that each block was checked under")
			}
		})
	}

	t.Run("an ordinary block before all others", func(t *testing.T) {
		l := f.ledger()
		l.place = 3
		l.recording.reads = map[string]proof.Version{definedKey + "Sequence": {Block: 2}}
		l.changed = func(blocks []*proof.Block) []*proof.Block {
			blocks = slices.Insert(blocks, 0, &proof.Block{Data: [][]byte{signed(common.HeaderType_MESSAGE)}})
			for i, b := range blocks {
				b.Number = uint64(i + 1)
			}
			return blocks
		}
		_, err := verify(t, f.trust(), l.proof())
		assert.Equal(t, proof.NeedlessBlock, proof.ReasonOf(err), "%v", err)
	})
}

// A definition that leaves the endorsement policy as it was has read it, and so leads to the one that wrote it.
func TestThePolicyIsThatOfTheLastDefinitionThatWroteIt(t *testing.T) {
	f := newFabricated(t)
	sequence, policy := definedKey+"Sequence", definedKey+"ValidationInfo"
	for about, one := range map[string]struct {
		leads  map[string]proof.Version // what the second definition read
		first  uint64                   // the block of the definition that the recording read
		swap   bool                     // the second definition comes before the one that wrote the policy
		reason proof.Reason
	}{
		"it read an earlier one":         {map[string]proof.Version{policy: {Block: 1}}, 2, false, ""},
		"it read nothing":                {nil, 2, false, proof.BadTransaction},
		"it read something else":         {map[string]proof.Version{sequence: {Block: 1}}, 2, false, proof.BadTransaction},
		"it read itself":                 {map[string]proof.Version{policy: {Block: 2}}, 2, false, proof.BadTransaction},
		"it read one that came later":    {map[string]proof.Version{policy: {Block: 2}}, 1, true, proof.BadTransaction},
		"it read a block that is absent": {map[string]proof.Version{policy: {Block: 0}}, 2, false, proof.MissingBlock},
	} {
		t.Run(about, func(t *testing.T) {
			l := f.ledger()
			l.place = 3
			l.recording.reads = map[string]proof.Version{sequence: {Block: one.first}}
			again := l.definition.call
			again.reads = one.leads
			_, envelope := l.transaction(again, func(string) map[string][]byte { return map[string][]byte{sequence: []byte("2")} })
			l.changed = func(blocks []*proof.Block) []*proof.Block {
				blocks = slices.Insert(blocks, 1, &proof.Block{Data: [][]byte{envelope}})
				if one.swap {
					blocks[0], blocks[1] = blocks[1], blocks[0]
				}
				for i, b := range blocks {
					b.Number = uint64(i + 1)
				}
				return blocks
			}
			_, err := verify(t, f.trust(), l.proof())
			assert.Equal(t, one.reason, proof.ReasonOf(err), "%v", err)
		})
	}
}

func TestBlocksAreOfTheChannelThatIsTrusted(t *testing.T) {
	f := newFabricated(t)
	l := f.ledger()
	l.receipt.question.Channel = "other"
	p := l.proof()
	p.Channel = "other"
	trust := edited(t, f.trust(), func(file map[string]any) { file["channel"] = "other" })
	_, err := verify(t, trust, p)
	assert.Equal(t, proof.WrongChannel, proof.ReasonOf(err), "%v", err)
	assert.ErrorContains(t, err, "genesis")
}

func TestABlockWithoutTransactionsIsNone(t *testing.T) {
	f := newFabricated(t)
	trust, err := proof.ParseTrust(f.trust())
	require.NoError(t, err)
	p, err := proof.Parse(f.ledger().proof().Bytes())
	require.NoError(t, err)
	p.Blocks[1].Data = nil
	_, err = proof.Verify(p, trust, proof.Wanted{})
	assert.Equal(t, proof.BadBlock, proof.ReasonOf(err), "%v", err)
	assert.ErrorContains(t, err, "block 1: it has no transactions")
}

func TestAProofWithTheGenesisBlockAloneIsOneWithBlocks(t *testing.T) {
	f := newFabricated(t)
	p := f.ledger().proof()
	p.Blocks = p.Blocks[:1]
	assert.Equal(t, proof.LevelBlock, p.Level())
	assert.Equal(t, "refuse "+string(proof.MissingBlock), outcome(p.Bytes(), f.trust(), proof.Wanted{}))
}

func TestAReceiptTellsItsRecordingsInTheOrderOfTheLedger(t *testing.T) {
	c := newConsortium(t, "HarborMSP", "LabMSP", "MarketMSP")
	secondTx := strings.Repeat("cd", 32)
	m := c.testimony()
	thirdTx := strings.Repeat("ef", 32)
	rest := `","mspId":"LabMSP","subject":"CN=y","time":"2002-05-01T00:00:00Z"}`
	later := m.recordings(`{"tx":"` + secondTx + rest + `,{"tx":"` + thirdTx + rest)
	m.also = map[string]proof.Version{record.PackKey(secondTx): {Block: 7}, record.PackKey(thirdTx): {Block: 3, Position: 9}}
	m.answer = later
	v, err := verify(t, c.trust(2), proofOf(m.receipt(c)))
	require.NoError(t, err)
	r := v.Records[0]
	assert.True(t, r.More)
	var versions []proof.Version
	for _, one := range r.Recordings {
		versions = append(versions, one.Version)
	}
	assert.Equal(t, []proof.Version{{Block: 3, Position: 9}, {Block: 7}, {Block: 7, Position: 1}}, versions)
	assert.Equal(t, thirdTx, r.Recordings[0].Tx)
}
