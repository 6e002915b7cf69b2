package prepared

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// NonceBytes is the length of a nonce as Fabric's own clients make it.
const NonceBytes = 24

// Request is all that a proposal says: who asks which chaincode of which channel for what, and when. Its pack, if it has
// one, is all of its transient data.
type Request struct {
	Channel, Chaincode string
	// Function is the function's name with its contract, such as "Events:Submit".
	Function string
	Args     [][]byte
	// Pack goes to the endorsers as transient data. A transaction has it as a write. Nil: there is none.
	Pack []byte
	// Creator is the submitter (msp.SerializedIdentity). With the nonce it makes the transaction's id.
	Creator, Nonce []byte
	Time           time.Time
}

// Proposal is a request in the bytes that its submitter signs (peer.Proposal).
type Proposal struct {
	Request
	Call
	// TransactionID is 64 lower-case hexadecimal digits.
	TransactionID string
	// Bytes are what the submitter signs, and endorsers are sent.
	Bytes []byte
}

// Propose makes the proposal of a request. The same request makes the same proposal.
func (r Request) Propose() (*Proposal, error) {
	p := &Proposal{Request: r, TransactionID: proof.TransactionID(r.Nonce, r.Creator)}
	marshal := func(m proto.Message) (text []byte) {
		text, failed := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if failed != nil {
			panic(failed) // only text that isn't UTF-8 can't be encoded
		}
		return text
	}
	for _, text := range []string{r.Channel, r.Chaincode} {
		if !validName(text) {
			return nil, fmt.Errorf("%q is no name of a channel or chaincode", record.Brief(text))
		}
	}
	chaincode := &peer.ChaincodeID{Name: r.Chaincode}
	p.Header = &common.Header{
		ChannelHeader: marshal(&common.ChannelHeader{
			Type:      int32(common.HeaderType_ENDORSER_TRANSACTION),
			Timestamp: timestamppb.New(r.Time),
			ChannelId: r.Channel,
			TxId:      p.TransactionID,
			Extension: marshal(&peer.ChaincodeHeaderExtension{ChaincodeId: chaincode}),
		}),
		SignatureHeader: marshal(&common.SignatureHeader{Creator: r.Creator, Nonce: r.Nonce}),
	}
	invocation := marshal(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{
		ChaincodeId: chaincode,
		Input:       &peer.ChaincodeInput{Args: append([][]byte{[]byte(r.Function)}, r.Args...)},
	}})
	whole := &peer.ChaincodeProposalPayload{Input: invocation}
	p.Payload = marshal(whole)
	if r.Pack != nil {
		whole.TransientMap = map[string][]byte{record.TransientPack: r.Pack}
	}
	p.Bytes = marshal(&peer.Proposal{Header: marshal(p.Header), Payload: marshal(whole)})
	return p, nil
}

// validName bounds what is taken for the name of a channel or chaincode.
func validName(text string) bool {
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return text != "" && len(text) <= 256
}

// ReadProposal reads the proposal that somebody else has made. It takes only the bytes that [Request.Propose] makes of
// the request in them, so nothing in them goes unseen.
func ReadProposal(text []byte) (*Proposal, error) {
	var proposal peer.Proposal
	var header common.Header
	var channel common.ChannelHeader
	var signature common.SignatureHeader
	var extension peer.ChaincodeHeaderExtension
	var payload peer.ChaincodeProposalPayload
	var invocation peer.ChaincodeInvocationSpec
	for _, part := range []struct {
		text func() []byte
		into proto.Message
		name string
	}{
		{func() []byte { return text }, &proposal, "proposal"},
		{proposal.GetHeader, &header, "header"},
		{header.GetChannelHeader, &channel, "channel header"},
		{channel.GetExtension, &extension, "chaincode header"},
		{header.GetSignatureHeader, &signature, "signature header"},
		{proposal.GetPayload, &payload, "payload"},
		{payload.GetInput, &invocation, "call"},
	} {
		if err := proto.Unmarshal(part.text(), part.into); err != nil {
			return nil, fmt.Errorf("the %s of the proposal can't be read: %w", part.name, err)
		}
	}
	args := invocation.GetChaincodeSpec().GetInput().GetArgs()
	if len(args) == 0 {
		return nil, errors.New("the proposal calls no function")
	}
	for name := range payload.GetTransientMap() {
		if name != record.TransientPack {
			return nil, fmt.Errorf("the proposal has transient data named %q", record.Brief(name))
		}
	}
	p, err := Request{
		Channel: channel.GetChannelId(), Chaincode: extension.GetChaincodeId().GetName(), Function: string(args[0]),
		Args: args[1:], Pack: payload.GetTransientMap()[record.TransientPack],
		Creator: signature.GetCreator(), Nonce: signature.GetNonce(), Time: channel.GetTimestamp().AsTime(),
	}.Propose()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(p.Bytes, text) {
		return nil, errors.New("the proposal isn't in the one form in which Pedigree makes it")
	}
	return p, nil
}
