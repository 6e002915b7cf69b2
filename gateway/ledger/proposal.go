package ledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/prepared"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Call is a chaincode function and its arguments.
type Call struct {
	// Chaincode is the chaincode to call. Optional. If empty, the configured one.
	Chaincode string
	// Function is the function's name with its contract: "Events:Submit".
	Function string
	Args     [][]byte
	// Transient goes to the endorsers and is not in the transaction.
	Transient map[string][]byte
}

// Proposal is a signed call with a transaction id of its own. It must be endorsed within the peers' time window of 15
// minutes.
type Proposal struct {
	// TransactionID is 64 lower-case hexadecimal digits.
	TransactionID string

	identity *Identity
	signed   *peer.SignedProposal
	question question
}

// nonceBytes is the length of a nonce as Fabric's own clients make it.
const nonceBytes = 24

// nonce derives the nonce of one attempt at what key names. The attempt comes after the key's length, so that no two
// pairs give the same bytes.
func nonce(secret []byte, key string, attempt int) []byte {
	mac := hmac.New(sha256.New, secret)
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(key)))
	mac.Write(n[:])
	mac.Write([]byte(key))
	binary.BigEndian.PutUint64(n[:], uint64(attempt))
	mac.Write(n[:])
	return mac.Sum(nil)[:nonceBytes]
}

// TransactionID tells the id that [Client.Propose] gives to the same identity, key and attempt.
func (c *Client) TransactionID(id *Identity, key string, attempt int) string {
	return proof.TransactionID(nonce(c.cfg.Secret, key, attempt), id.creator)
}

// Propose builds and signs a call. The transaction id depends on the secret, the identity's certificate, key and
// attempt, and on nothing else: calling Propose again with the same ones gives the same transaction, with a new
// timestamp. A caller MUST NOT use one key and attempt for two different calls, and MUST NOT raise the attempt before
// it knows that the previous one was committed as invalid or can never be committed.
func (c *Client) Propose(id *Identity, call Call, key string, attempt int) (*Proposal, error) {
	n := nonce(c.cfg.Secret, key, attempt)
	txID := proof.TransactionID(n, id.creator)
	p := &Proposal{TransactionID: txID, identity: id}
	if err := p.build(c.cfg, call, n); err != nil {
		return nil, fmt.Errorf("couldn't build the proposal of %s: %w", call.Function, err)
	}
	return p, nil
}

// build makes what is asked, and signs it.
func (p *Proposal) build(cfg Config, call Call, nonce []byte) error {
	chaincode := call.Chaincode
	if chaincode == "" {
		chaincode = cfg.Chaincode
	}
	chaincodeID := &peer.ChaincodeID{Name: chaincode}
	extension, err := proto.Marshal(&peer.ChaincodeHeaderExtension{ChaincodeId: chaincodeID})
	if err != nil {
		return err
	}
	now := time.Now()
	header, err := p.identity.header(nonce, &common.ChannelHeader{
		Type:      int32(common.HeaderType_ENDORSER_TRANSACTION),
		Timestamp: timestamppb.New(now),
		ChannelId: cfg.Channel,
		TxId:      p.TransactionID,
		Extension: extension,
	})
	if err != nil {
		return err
	}
	headerBytes, err := proto.Marshal(header)
	if err != nil {
		return err
	}
	args := append([][]byte{[]byte(call.Function)}, call.Args...)
	invocation, err := proto.Marshal(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{
		ChaincodeId: chaincodeID,
		Input:       &peer.ChaincodeInput{Args: args},
	}})
	if err != nil {
		return err
	}
	// What the transaction will have of the call: all but the transient data.
	public, err := proto.Marshal(&peer.ChaincodeProposalPayload{Input: invocation})
	if err != nil {
		return err
	}
	payload, err := proto.Marshal(&peer.ChaincodeProposalPayload{Input: invocation, TransientMap: call.Transient})
	if err != nil {
		return err
	}
	proposal, err := proto.Marshal(&peer.Proposal{Header: headerBytes, Payload: payload})
	if err != nil {
		return err
	}
	signature, err := p.identity.signMessage(proposal)
	if err != nil {
		return fmt.Errorf("couldn't sign as %s: %w", p.identity.MSPID, err)
	}
	p.signed = &peer.SignedProposal{ProposalBytes: proposal, Signature: signature}
	p.question = question{
		Call:      prepared.Call{Header: header, Payload: public},
		chaincode: chaincode,
		time:      now,
		pack:      call.Transient[record.TransientPack],
	}
	return nil
}

func (id *Identity) header(nonce []byte, channel *common.ChannelHeader) (*common.Header, error) {
	channelHeader, err := proto.Marshal(channel)
	if err != nil {
		return nil, err
	}
	signatureHeader, err := proto.Marshal(&common.SignatureHeader{Creator: id.creator, Nonce: nonce})
	if err != nil {
		return nil, err
	}
	return &common.Header{ChannelHeader: channelHeader, SignatureHeader: signatureHeader}, nil
}
