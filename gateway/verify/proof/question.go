package proof

import (
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// readFunction is the chaincode's function that reads a record of any noun by its id.
const readFunction = "Events:Read"

// Question is the question whose endorsed answer is a receipt: the chaincode's Read of one record. A verifier doesn't
// look for the question in a proof. It asks itself: it makes the proposal anew, byte by byte, from the channel and the
// chaincode that it trusts, and accepts answers to just that.
//
// In Fabric's messages, with fields in the order of their numbers and what isn't named left out, it is a Proposal of
//
//	ChannelHeader{type: ENDORSER_TRANSACTION, timestamp: time, channel_id: channel, tx_id: hex(SHA-256(nonce ‖ creator)),
//	              extension: ChaincodeHeaderExtension{chaincode_id: {name: chaincode}}}
//	SignatureHeader{creator, nonce}
//	ChaincodeProposalPayload{input: ChaincodeInvocationSpec{chaincode_spec: {chaincode_id: {name: chaincode},
//	                         input: {args: ["Events:Read", id]}}}}
//
// and what peers sign of it (ProposalResponsePayload.proposal_hash) is the SHA-256 of these three, one after the other.
type Question struct {
	Channel, Chaincode string
	ID                 record.ID
	// Creator is who asks (msp.SerializedIdentity), Nonce makes the question unique, and Time is when it was asked.
	Creator, Nonce []byte
	Time           time.Time
}

// parts are the three byte strings of a proposal that are hashed.
func (q *Question) parts() (channelHeader, signatureHeader, payload []byte) {
	chaincode := &peer.ChaincodeID{Name: q.Chaincode}
	channelHeader = encode(&common.ChannelHeader{
		Type:      int32(common.HeaderType_ENDORSER_TRANSACTION),
		Timestamp: timestamppb.New(q.Time),
		ChannelId: q.Channel,
		TxId:      transactionID(q.Nonce, q.Creator),
		Extension: encode(&peer.ChaincodeHeaderExtension{ChaincodeId: chaincode}),
	})
	signatureHeader = encode(&common.SignatureHeader{Creator: q.Creator, Nonce: q.Nonce})
	payload = encode(&peer.ChaincodeProposalPayload{
		Input: encode(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{
			ChaincodeId: chaincode,
			Input:       &peer.ChaincodeInput{Args: [][]byte{[]byte(readFunction), []byte(q.ID)}},
		}}),
	})
	return channelHeader, signatureHeader, payload
}

// Proposal is what the creator signs and sends to peers (peer.Proposal).
func (q *Question) Proposal() []byte {
	channelHeader, signatureHeader, payload := q.parts()
	return encode(&peer.Proposal{
		Header:  encode(&common.Header{ChannelHeader: channelHeader, SignatureHeader: signatureHeader}),
		Payload: payload,
	})
}

// hash is what endorsers sign of the question.
func (q *Question) hash() []byte { return proposalHash(q.parts()) }

func encode(m proto.Message) []byte {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		// Names that are no UTF-8 are all that can fail, and those are refused where they are read.
		panic(fmt.Sprintf("couldn't encode a part of a proposal: %v", err))
	}
	return data
}
