package ledger

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/prepared"
)

// returned is a transaction on its way back from a peer, open for lies at each of its layers.
type returned struct {
	payload *common.Payload
	actions []*peer.TransactionAction
	call    *peer.ChaincodeActionPayload
	answer  *peer.ProposalResponsePayload
	action  *peer.ChaincodeAction
	sets    []*rwset.NsReadWriteSet
	writes  *kvrwset.KVRWSet // of the chaincode's namespace
	text    []byte           // takes the place of the payload, if set
}

func encoded(m proto.Message) []byte {
	text, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return text
}

// honest is what a peer returns whose chaincode does what ours does with one record that the ledger doesn't have yet.
func honest(signed *peer.SignedProposal) (*returned, error) {
	var proposal peer.Proposal
	var header common.Header
	var channel common.ChannelHeader
	var creator common.SignatureHeader
	var payload peer.ChaincodeProposalPayload
	var id msp.SerializedIdentity
	for _, part := range []struct {
		text func() []byte
		into proto.Message
	}{
		{signed.GetProposalBytes, &proposal}, {proposal.GetHeader, &header}, {header.GetChannelHeader, &channel},
		{header.GetSignatureHeader, &creator}, {creator.GetCreator, &id}, {proposal.GetPayload, &payload},
	} {
		if err := proto.Unmarshal(part.text(), part.into); err != nil {
			return nil, err
		}
	}
	pack := payload.GetTransientMap()[record.TransientPack]
	payload.TransientMap = nil
	public := encoded(&payload)
	hash := sha256.New()
	hash.Write(header.GetChannelHeader())
	hash.Write(header.GetSignatureHeader())
	hash.Write(public)
	p := &returned{
		payload: &common.Payload{Header: &header},
		actions: []*peer.TransactionAction{{Header: header.GetSignatureHeader()}},
		call: &peer.ChaincodeActionPayload{ChaincodeProposalPayload: public, Action: &peer.ChaincodeEndorsedAction{
			Endorsements: []*peer.Endorsement{{Endorser: []byte("a peer"), Signature: []byte("a signature")}},
		}},
		answer: &peer.ProposalResponsePayload{ProposalHash: hash.Sum(nil)},
		action: &peer.ChaincodeAction{ChaincodeId: &peer.ChaincodeID{Name: "pedigree", Version: "1"}, Response: &peer.Response{Status: 200}},
		sets:   []*rwset.NsReadWriteSet{{Namespace: "_lifecycle", Rwset: encoded(&kvrwset.KVRWSet{Reads: []*kvrwset.KVRead{{Key: "namespaces/fields/pedigree/Sequence"}}})}},
		writes: new(kvrwset.KVRWSet),
	}
	if pack == nil {
		return p, nil
	}
	subject, err := subjectOf(id.GetIdBytes())
	if err != nil {
		return nil, err
	}
	bodies, err := record.Unpack(pack, record.PackLimits{})
	if err != nil {
		return nil, err
	}
	at := channel.GetTimestamp().AsTime().UTC().Format(time.RFC3339Nano)
	tx := channel.GetTxId()
	p.write(record.PackKey(tx), `{"mspId":"HarborMSP","subject":"`+subject+`","time":"`+at+`"}`+"\n"+string(pack))
	p.write(record.PointerKey(record.Sum(bodies[0]), tx), "0")
	p.write(record.FirstKey(record.Sum(bodies[0])), "HarborMSP")
	return p, nil
}

func subjectOf(certificate []byte) (string, error) {
	var known subjects
	info, err := known.of(encoded(&msp.SerializedIdentity{Mspid: "HarborMSP", IdBytes: certificate}))
	return info.subject, err
}

func (p *returned) write(key, value string) {
	p.writes.Writes = append(p.writes.Writes, &kvrwset.KVWrite{Key: key, Value: []byte(value)})
}

func (p *returned) envelope() *common.Envelope {
	if p.text != nil {
		return &common.Envelope{Payload: p.text}
	}
	own := &rwset.NsReadWriteSet{Namespace: "pedigree", Rwset: encoded(p.writes)}
	p.action.Results = encoded(&rwset.TxReadWriteSet{NsRwset: append(p.sets, own)})
	p.answer.Extension = encoded(p.action)
	p.call.Action.ProposalResponsePayload = encoded(p.answer)
	if len(p.actions) > 0 {
		p.actions[0].Payload = encoded(p.call)
	}
	p.payload.Data = encoded(&peer.Transaction{Actions: p.actions})
	return &common.Envelope{Payload: encoded(p.payload)}
}

func TestASubmitterSignsWhatAnHonestPeerReturns(t *testing.T) {
	c, id := bentNetwork(t, &bentPeer{})
	call, _ := artifact(t, "catch", "1", "cod")
	proposal, err := c.Propose(id, call, "key", 0)
	require.NoError(t, err)
	envelope, err := c.Endorse(t.Context(), proposal)
	require.NoError(t, err)
	answer, err := honest(proposal.signed)
	require.NoError(t, err)
	assert.Equal(t, answer.envelope().GetPayload(), envelope.signed.GetPayload(), "it builds the same bytes as Fabric does")
	assert.Equal(t, proposal.TransactionID, envelope.TransactionID)
}

// TestASubmitterSignsNothingThatItDidNotAskFor has a peer lie at each layer of what it returns.
func TestASubmitterSignsNothingThatItDidNotAskFor(t *testing.T) {
	liar := &bentPeer{}
	c, id := bentNetwork(t, liar)
	call, _ := artifact(t, "catch", "1", "cod")
	other, theirs := artifact(t, "catch", "1", "haddock")
	foreign, err := c.Propose(id, other, "another", 0) // stands for a proposal that the peer made in the victim's name
	require.NoError(t, err)
	tests := map[string]func(*returned){
		"nothing":        func(p *returned) { p.text = []byte{} },
		"garbage":        func(p *returned) { p.text = []byte("somebody else's records") },
		"no action":      func(p *returned) { p.actions = nil },
		"two actions":    func(p *returned) { p.actions = append(p.actions, p.actions[0]) },
		"no endorsement": func(p *returned) { p.call.Action.Endorsements = nil },
		"the bytes of a proposal": func(p *returned) {
			p.text = foreign.signed.GetProposalBytes()
		},
		"the transaction of another proposal": func(p *returned) {
			answer, err := honest(foreign.signed)
			require.NoError(t, err)
			p.text = answer.envelope().GetPayload()
		},
		"another proposal's hash":         func(p *returned) { p.answer.ProposalHash = foreign.made.Hash() },
		"the answer of another chaincode": func(p *returned) { p.action.ChaincodeId.Name = "other" },
		"a failed answer":                 func(p *returned) { p.action.Response.Status = 500 },
		"an event":                        func(p *returned) { p.action.Events = []byte("event") },
		"no pack":                         func(p *returned) { p.writes.Writes = p.writes.Writes[1:] },
		"no pointer":                      func(p *returned) { p.writes.Writes = append(p.writes.Writes[:1], p.writes.Writes[2:]...) },
		"another pack": func(p *returned) {
			p.writes.Writes[0].Value = append(p.writes.Writes[0].Value, "more"...)
		},
		"another organisation in the header": func(p *returned) {
			p.writes.Writes[0].Value = append([]byte(`{"mspId":"MarketMSP"}`+"\n"), proposalPack(foreign)...)
		},
		"one record more":     func(p *returned) { p.write(record.PointerKey(theirs.ID, proposalTx(p)), "1") },
		"another's namespace": func(p *returned) { p.write(record.NamespaceKey("lab"), "HarborMSP") },
		"a deleted key": func(p *returned) {
			p.writes.Writes = append(p.writes.Writes, &kvrwset.KVWrite{Key: record.FirstKey(theirs.ID), IsDelete: true})
		},
		"a key's policy": func(p *returned) {
			p.writes.MetadataWrites = []*kvrwset.KVMetadataWrite{{Key: "n/harbor"}}
		},
		"writes elsewhere": func(p *returned) {
			p.sets = append(p.sets, &rwset.NsReadWriteSet{Namespace: "_lifecycle", Rwset: encoded(&kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: "k", Value: []byte("v")}}})})
		},
		"private data": func(p *returned) {
			p.sets[0].CollectionHashedRwset = []*rwset.CollectionHashedReadWriteSet{{CollectionName: "c"}}
		},
	}
	for name, lie := range tests {
		t.Run(name, func(t *testing.T) {
			proposal, err := c.Propose(id, call, "key", 0)
			require.NoError(t, err)
			_, err = proposal.made.Transaction(lied(t, proposal, lie))
			require.Error(t, err)
		})
	}
	proposal, err := c.Propose(id, call, "key", 0)
	require.NoError(t, err)
	liar.lie = tests["the bytes of a proposal"]
	_, err = c.Endorse(t.Context(), proposal)
	assert.Equal(t, Untrusted, KindOf(err), "%v", err)
	assert.ErrorIs(t, err, ErrUnavailable, "what was accepted waits for an honest peer")
}

func lied(t *testing.T, p *Proposal, lie func(*returned)) *common.Envelope {
	t.Helper()
	answer, err := honest(p.signed)
	require.NoError(t, err)
	lie(answer)
	return answer.envelope()
}

func proposalPack(p *Proposal) []byte { return p.made.Pack }

func proposalTx(p *returned) string {
	var channel common.ChannelHeader
	if err := proto.Unmarshal(p.payload.GetHeader().GetChannelHeader(), &channel); err != nil {
		panic(err)
	}
	return channel.GetTxId()
}

func TestTheHeaderAndTheCallAreTheSubmittersOwn(t *testing.T) {
	c, id := bentNetwork(t, &bentPeer{})
	call, _ := artifact(t, "catch", "1", "cod")
	proposal, err := c.Propose(id, call, "key", 0)
	require.NoError(t, err)
	want, err := proposal.made.Transaction(lied(t, proposal, func(*returned) {}))
	require.NoError(t, err)
	require.NoError(t, prepared.Check(proposal.signed, lied(t, proposal, func(*returned) {})))
	for name, lie := range map[string]func(*returned){
		"another header":       func(p *returned) { p.payload.Header = &common.Header{SignatureHeader: []byte("another")} },
		"an action of another": func(p *returned) { p.actions[0].Header = []byte("another") },
		"another call": func(p *returned) {
			p.call.ChaincodeProposalPayload = encoded(&peer.ChaincodeProposalPayload{Input: []byte("x")})
		},
		"a field that is not known": func(p *returned) {
			p.payload.ProtoReflect().SetUnknown([]byte{0xfa, 0x3e, 1, 'x'})
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := proposal.made.Transaction(lied(t, proposal, lie))
			require.NoError(t, err)
			assert.Equal(t, want, got)
			assert.Error(t, prepared.Check(proposal.signed, lied(t, proposal, lie)), "for those who sign what they are given")
		})
	}
}

func TestACallWithoutAPackWritesNothing(t *testing.T) {
	c, id := bentNetwork(t, &bentPeer{})
	proposal, err := c.Propose(id, Call{Function: "Events:Read"}, "key", 0)
	require.NoError(t, err)
	_, err = proposal.made.Transaction(lied(t, proposal, func(*returned) {}))
	require.NoError(t, err)
	_, err = proposal.made.Transaction(lied(t, proposal, func(p *returned) { p.write("a", "b") }))
	require.Error(t, err)
}

func TestAnHonestPeerIsAskedAfterALiar(t *testing.T) {
	c, id := bentNetwork(t, &bentPeer{lie: func(p *returned) { p.text = []byte("lies") }}, &bentPeer{msp: "MarketMSP"})
	require.Eventually(t, func() bool { return len(c.pool.connected()) == 2 }, 10*time.Second, time.Millisecond)
	call, _ := artifact(t, "catch", "1", "cod")
	proposal, err := c.Propose(id, call, "key", 0)
	require.NoError(t, err)
	_, err = c.Endorse(t.Context(), proposal)
	require.NoError(t, err)
	assert.Contains(t, c.Health().Peers[0].Problem, "returned another transaction")
}

// BenchmarkTransaction measures what it costs to hold a full batch of events to what was asked, and to build what is
// signed.
func BenchmarkTransaction(b *testing.B) {
	c, id := bentNetwork(b, &bentPeer{})
	bodies := make([][]byte, 4000)
	for i := range bodies {
		bodies[i] = fmt.Appendf(nil, `{"n":%d,"record":"event/1","text":"%064x"}`, i, i)
	}
	pack, err := record.Pack(bodies)
	require.NoError(b, err)
	proposal, err := c.Propose(id, Call{Function: "Events:Submit", Transient: map[string][]byte{record.TransientPack: pack}}, "key", 0)
	require.NoError(b, err)
	answer, err := honest(proposal.signed)
	require.NoError(b, err)
	answer.writes.Writes = answer.writes.Writes[:1]
	for line, body := range bodies {
		answer.write(record.PointerKey(record.Sum(body), proposal.TransactionID), strconv.Itoa(line))
	}
	envelope := answer.envelope()
	for b.Loop() {
		_, err := proposal.made.Transaction(envelope)
		require.NoError(b, err)
	}
}
