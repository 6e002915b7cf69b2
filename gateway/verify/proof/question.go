package proof

import (
	"fmt"
	"strings"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// readFunction is the chaincode's function that reads a record of any noun by its id.
const readFunction = "Events:Read"

// Question asks the chaincode to read one record. The endorsed answer is a receipt. A proof doesn't contain the
// question: the verifier builds the proposal again, byte by byte, from the channel and the chaincode in its trust file,
// and accepts only answers to that proposal.
//
// In Fabric's terms it is a Proposal with these three messages. Their fields are encoded in the order of their numbers,
// and fields that aren't listed are absent.
//
//	ChannelHeader{type: ENDORSER_TRANSACTION, timestamp: time, channel_id: channel, tx_id: hex(SHA-256(nonce ‖ creator)),
//	              extension: ChaincodeHeaderExtension{chaincode_id: {name: chaincode}}}
//	SignatureHeader{creator, nonce}
//	ChaincodeProposalPayload{input: ChaincodeInvocationSpec{chaincode_spec: {chaincode_id: {name: chaincode},
//	                         input: {args: ["Events:Read", id]}}}}
//
// If the question names transactions, args has a third member: their ids with commas between them. The answer repeats
// them, so a proof has nothing of the question but who asked, when, and the nonce.
//
// Peers sign the SHA-256 of the three, one after the other, as ProposalResponsePayload.proposal_hash.
type Question struct {
	Channel, Chaincode string
	ID                 record.ID
	// Named are transactions whose recordings the answer must list if they hold the record, beside those that it lists
	// anyway. These are so few that somebody who repeats a recording often enough keeps all others out.
	Named []string
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
		TxId:      TransactionID(q.Nonce, q.Creator),
		Extension: encode(&peer.ChaincodeHeaderExtension{ChaincodeId: chaincode}),
	})
	signatureHeader = encode(&common.SignatureHeader{Creator: q.Creator, Nonce: q.Nonce})
	args := [][]byte{[]byte(readFunction), []byte(q.ID)}
	if len(q.Named) > 0 {
		args = append(args, []byte(strings.Join(q.Named, ",")))
	}
	payload = encode(&peer.ChaincodeProposalPayload{
		Input: encode(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{
			ChaincodeId: chaincode,
			Input:       &peer.ChaincodeInput{Args: args},
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

// hash is the hash of the question, which endorsers sign.
func (q *Question) hash() []byte { return ProposalHash(q.parts()) }

func encode(m proto.Message) []byte {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		// Encoding fails only for names that aren't UTF-8, and these were refused when they were read.
		panic(fmt.Sprintf("couldn't encode a part of a proposal: %v", err))
	}
	return data
}
