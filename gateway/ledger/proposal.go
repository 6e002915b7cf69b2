package ledger

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

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
	made     *prepared.Proposal
}

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
	return mac.Sum(nil)[:prepared.NonceBytes]
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
	for name := range call.Transient {
		if name != record.TransientPack {
			return fmt.Errorf("it has transient data named %q, and the chaincode takes a pack alone", name)
		}
	}
	var err error
	p.made, err = prepared.Request{
		Channel: cfg.Channel, Chaincode: cmp.Or(call.Chaincode, cfg.Chaincode), Function: call.Function, Args: call.Args,
		Pack: call.Transient[record.TransientPack], Creator: p.identity.creator, Nonce: nonce, Time: time.Now(),
	}.Propose()
	if err != nil {
		return err
	}
	signature, err := p.identity.signMessage(p.made.Bytes)
	if err != nil {
		return fmt.Errorf("couldn't sign as %s: %w", p.identity.MSPID, err)
	}
	p.signed = &peer.SignedProposal{ProposalBytes: p.made.Bytes, Signature: signature}
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
