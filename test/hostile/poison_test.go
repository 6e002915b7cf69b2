package hostile

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/network"
)

// event packs an event that no other call of it makes.
func event(t *testing.T, number int) []byte { return packed(t, observed(t, number)) }

// observed is an event at which somebody saw one thing, by its serial number.
func observed(t *testing.T, number int) *record.Record {
	t.Helper()
	return epcisEvent(t, fmt.Sprintf(`"action":"OBSERVE","epcList":[%q]`, thing(number)))
}

// epcisEvent is an object event with these members.
func epcisEvent(t *testing.T, members string) *record.Record {
	t.Helper()
	v := value(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00.000Z","eventTimeZoneOffset":"+00:00",`+members+`}`)
	return made(t)(record.NewEvent(v, canonical.Str("https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld")))
}

func thing(number int) string {
	return fmt.Sprintf("https://id.gs1.org/01/09520001123450/21/%d", number)
}

// fresh is a number that no other call returns.
func fresh() int { return int(time.Now().UnixNano() % 1e12) }

// TestAnEnvelopeThatPeersCanNotReadStopsNobody puts envelopes that are rightly signed, and that no peer can read to the
// end, into one block with a valid transaction, before it. Fabric 3.1.1 as it is released panics at some of them, at
// each start anew, and waits for ever at others.
func TestAnEnvelopeThatPeersCanNotReadStopsNobody(t *testing.T) {
	n := shared(t)
	market := join(t, n, "market")
	for name, poison := range map[string]func(valid *endorsed) *common.Envelope{
		"an action that is no message": func(*endorsed) *common.Envelope {
			header, _ := market.Header(network.ChaincodeName)
			return market.Signed(header, encode(&peer.Transaction{Actions: []*peer.TransactionAction{
				{Header: header.GetSignatureHeader(), Payload: []byte{0xff}},
			}}))
		},
		"an action that nobody endorsed": func(*endorsed) *common.Envelope {
			header, _ := market.Header(network.ChaincodeName)
			return market.Signed(header, encode(&peer.Transaction{Actions: []*peer.TransactionAction{
				{Header: header.GetSignatureHeader(), Payload: encode(&peer.ChaincodeActionPayload{ChaincodeProposalPayload: []byte{}})},
			}}))
		},
		"reads and writes that are no message": func(*endorsed) *common.Envelope {
			return market.answered(&peer.ChaincodeAction{ChaincodeId: &peer.ChaincodeID{Name: network.ChaincodeName,
				Version: chaincode.Newest().DefinitionVersion()},
				Response: &peer.Response{Status: 200}, Results: []byte{0xff}})
		},
		"the policy of a key that the next transaction writes, and no version of the chaincode": func(valid *endorsed) *common.Envelope {
			set := &kvrwset.KVRWSet{MetadataWrites: []*kvrwset.KVMetadataWrite{{Key: record.PackKey(valid.id),
				Entries: []*kvrwset.KVMetadataEntry{{Name: "VALIDATION_PARAMETER", Value: []byte("x")}}}}}
			return market.answered(&peer.ChaincodeAction{ChaincodeId: &peer.ChaincodeID{Name: network.ChaincodeName},
				Response: &peer.Response{Status: 200}, Results: encode(&rwset.TxReadWriteSet{NsRwset: []*rwset.NsReadWriteSet{
					{Namespace: network.ChaincodeName, Rwset: encode(set)}}})})
		},
	} {
		t.Run(name, func(t *testing.T) {
			together := false
			for try := 0; try < 20 && !together; try++ {
				valid := market.endorse(t, event(t, fresh()))
				bad := poison(valid)
				require.NoError(t, market.Broadcast(within(t, time.Minute), try%len(market.orderers), bad, valid.envelope))
				for _, org := range n.Orgs() {
					member := join(t, n, org.Name)
					block := member.await(t, valid.id)
					together = judge(t, block, bad, valid.envelope)
				}
			}
			assert.True(t, together, "the two never came into one block, so nothing was tried")
		})
	}
}

// TestOrderersRefuseWhatCanBeNoTransaction sends each orderer envelopes that are rightly signed, and that every peer would
// find invalid without looking at the ledger. Orderers as they are released take them all.
func TestOrderersRefuseWhatCanBeNoTransaction(t *testing.T) {
	n := shared(t)
	market := join(t, n, "market")
	header, _ := market.Header(network.ChaincodeName)
	other := func(kind common.HeaderType) *common.Envelope {
		return market.Signed(&common.Header{
			ChannelHeader:   encode(&common.ChannelHeader{Type: int32(kind), ChannelId: network.ChannelName, TxId: "any"}),
			SignatureHeader: header.GetSignatureHeader(),
		}, []byte("any"))
	}
	for name, c := range map[string]struct {
		envelope *common.Envelope
		why      string
	}{
		"data that is no message":     {market.Signed(header, []byte{0xff}), "can't be read"},
		"no data":                     {market.Signed(header, nil), "no actions"},
		"a plain message":             {other(common.HeaderType_MESSAGE), "no transaction"},
		"a request for blocks":        {other(common.HeaderType_DELIVER_SEEK_INFO), "no transaction"},
		"a type that nobody knows of": {other(common.HeaderType(99)), "no transaction"},
	} {
		t.Run(name, func(t *testing.T) {
			for to := range market.orderers {
				err := market.Broadcast(within(t, time.Minute), to, c.envelope)
				require.ErrorContains(t, err, "BAD_REQUEST")
				require.ErrorContains(t, err, c.why)
			}
		})
	}
}

// judge tells whether both are in the block, the bad one first, and checks what the peer made of them.
func judge(t *testing.T, block *common.Block, bad, valid *common.Envelope) bool {
	t.Helper()
	codes := block.GetMetadata().GetMetadata()[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
	badAt, validAt := -1, -1
	for i, data := range block.GetData().GetData() {
		switch string(data) {
		case string(encode(bad)):
			badAt = i
		case string(encode(valid)):
			validAt = i
		}
	}
	require.GreaterOrEqual(t, validAt, 0)
	assert.Equal(t, peer.TxValidationCode_VALID, peer.TxValidationCode(codes[validAt]))
	if badAt >= 0 {
		assert.NotEqual(t, peer.TxValidationCode_VALID, peer.TxValidationCode(codes[badAt]))
	}
	return badAt >= 0 && badAt < validAt
}

// answered is a transaction of a call that somebody is said to have answered in that way.
func (m *Member) answered(action *peer.ChaincodeAction) *common.Envelope {
	header, _ := m.Header(network.ChaincodeName)
	call := encode(&peer.ChaincodeProposalPayload{Input: []byte{}})
	answer := encode(&peer.ProposalResponsePayload{ProposalHash: proposalHash(header, call), Extension: encode(action)})
	return m.Signed(header, encode(&peer.Transaction{Actions: []*peer.TransactionAction{{
		Header: header.GetSignatureHeader(),
		Payload: encode(&peer.ChaincodeActionPayload{ChaincodeProposalPayload: call, Action: &peer.ChaincodeEndorsedAction{
			ProposalResponsePayload: answer, Endorsements: []*peer.Endorsement{{Endorser: m.creator, Signature: []byte("none")}},
		}}),
	}}}))
}

// await reads the block of a transaction as soon as the member's peer has it.
func (m *Member) await(t *testing.T, tx string) *common.Block {
	t.Helper()
	var block *common.Block
	require.Eventually(t, func() bool {
		var err error
		block, err = m.Block(within(t, 10*time.Second), tx)
		return err == nil
	}, 90*time.Second, 20*time.Millisecond, "the peer of %s never had the valid transaction", m.MSPID)
	return block
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
