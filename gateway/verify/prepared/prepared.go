// Package prepared makes what a submitter signs, a proposal and then a transaction, of what the submitter asks for.
//
// Fabric's gateway service hands the client a "prepared transaction" to sign: the proposal's header, the call, the
// endorsers' answer and their signatures. A signature over the bytes as they come lets the peer have anything signed. A
// serialised Proposal {1: header, 2: payload} and the Payload of an envelope {1: header, 2: data} have the same
// encoding, and neither signature says which it signs. So the "prepared transaction" can be another proposal in the
// victim's name: other peers endorse it, and the next request gets the transaction made of it signed. Fabric's own
// clients sign what they are given.
//
// A submitter that uses this package takes the endorsers' answer and their signatures from the peer, and nothing else.
// It holds the answer to what it asked, and makes the bytes to sign of its own proposal.
package prepared

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Call is what a proposal asks, as far as the transaction made of it has it.
type Call struct {
	Header  *common.Header
	Payload []byte // peer.ChaincodeProposalPayload, without transient data
}

// Hash is what endorsers sign of the call (protoutil.GetProposalHash1).
func (c *Call) Hash() []byte {
	return proof.ProposalHash(c.Header.GetChannelHeader(), c.Header.GetSignatureHeader(), c.Payload)
}

// Endorsed is the only part of a prepared transaction that a client can't make itself.
func Endorsed(prepared *common.Envelope) (*peer.ChaincodeEndorsedAction, error) {
	var payload common.Payload
	var transaction peer.Transaction
	var action peer.ChaincodeActionPayload
	if len(prepared.GetPayload()) == 0 {
		return nil, errors.New("it is empty")
	}
	if err := proto.Unmarshal(prepared.GetPayload(), &payload); err != nil {
		return nil, fmt.Errorf("it can't be read: %w", err)
	}
	if err := proto.Unmarshal(payload.GetData(), &transaction); err != nil {
		return nil, fmt.Errorf("its actions can't be read: %w", err)
	}
	if n := len(transaction.GetActions()); n != 1 {
		return nil, fmt.Errorf("it has %d actions instead of one", n)
	}
	if err := proto.Unmarshal(transaction.GetActions()[0].GetPayload(), &action); err != nil {
		return nil, fmt.Errorf("its action can't be read: %w", err)
	}
	return action.GetAction(), nil
}

// Open reads what was endorsed, if it is an answer to the call.
func (c *Call) Open(answer []byte) (*peer.ProposalResponsePayload, error) {
	response := new(peer.ProposalResponsePayload)
	if err := proto.Unmarshal(answer, response); err != nil {
		return nil, fmt.Errorf("what was endorsed can't be read: %w", err)
	}
	if !bytes.Equal(response.GetProposalHash(), c.Hash()) {
		return nil, errors.New("what was endorsed is no answer to the proposal")
	}
	return response, nil
}

// Assemble makes the payload of a transaction, which is what a submitter signs, of the call and the endorsers' answer.
func (c *Call) Assemble(endorsed *peer.ChaincodeEndorsedAction) ([]byte, error) {
	action, err := proto.Marshal(&peer.ChaincodeActionPayload{ChaincodeProposalPayload: c.Payload, Action: endorsed})
	if err != nil {
		return nil, err
	}
	data, err := proto.Marshal(
		&peer.Transaction{Actions: []*peer.TransactionAction{{Header: c.Header.GetSignatureHeader(), Payload: action}}},
	)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(&common.Payload{Header: c.Header, Data: data})
}

// Check reports whether a prepared transaction is the answer to a proposal, byte for byte what its submitter would make
// of that proposal and the endorsers' answer. It is for those who use Fabric's own client, which doesn't look. What the
// chaincode wrote it doesn't judge, so it is no protection from the endorsers, only from who collects what they
// endorse.
func Check(proposed *peer.SignedProposal, prepared *common.Envelope) error {
	var proposal peer.Proposal
	var header common.Header
	var payload peer.ChaincodeProposalPayload
	if err := proto.Unmarshal(proposed.GetProposalBytes(), &proposal); err != nil {
		return fmt.Errorf("couldn't read the proposal: %w", err)
	}
	if err := proto.Unmarshal(proposal.GetHeader(), &header); err != nil {
		return fmt.Errorf("couldn't read the proposal's header: %w", err)
	}
	if err := proto.Unmarshal(proposal.GetPayload(), &payload); err != nil {
		return fmt.Errorf("couldn't read the proposal's call: %w", err)
	}
	payload.TransientMap = nil
	public, err := proto.Marshal(&payload)
	if err != nil {
		return err
	}
	call := Call{Header: &header, Payload: public}
	endorsed, err := Endorsed(prepared)
	if err != nil {
		return err
	}
	if _, err := call.Open(endorsed.GetProposalResponsePayload()); err != nil {
		return err
	}
	made, err := call.Assemble(endorsed)
	if err != nil {
		return err
	}
	if !bytes.Equal(made, prepared.GetPayload()) {
		return errors.New("it is another transaction than the one that was proposed")
	}
	return nil
}
