package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
)

// Version is the version of a key: the block of the transaction that last wrote the key, and its position there. Only
// valid transactions write keys.
type Version struct {
	Block    uint64 `json:"block"`
	Position uint64 `json:"position"`
}

// Action is what endorsers sign: what a chaincode read, wrote and answered (peer.ProposalResponsePayload).
type Action struct {
	// ProposalHash is the hash of the proposal that the chaincode answered.
	ProposalHash []byte
	// Chaincode is the name of the chaincode that ran.
	Chaincode string
	Status    int32
	// Answer is what the chaincode answered.
	Answer []byte
	// Results are the keys read and written, by namespace. The namespace of a chaincode has the chaincode's name.
	Results map[string]*kvrwset.KVRWSet
}

// OpenAction decodes what endorsers sign.
func OpenAction(payload []byte) (*Action, error) {
	var m peer.ProposalResponsePayload
	var action peer.ChaincodeAction
	var results rwset.TxReadWriteSet
	if err := proto.Unmarshal(payload, &m); err != nil {
		return nil, refuse(BadTransaction, "what was endorsed can't be read: %v", err)
	}
	if err := proto.Unmarshal(m.GetExtension(), &action); err != nil {
		return nil, refuse(BadTransaction, "what was endorsed can't be read: %v", err)
	}
	if err := proto.Unmarshal(action.GetResults(), &results); err != nil {
		return nil, refuse(BadTransaction, "what it read and wrote can't be read: %v", err)
	}
	a := &Action{ProposalHash: m.GetProposalHash(), Chaincode: action.GetChaincodeId().GetName(),
		Status: action.GetResponse().GetStatus(), Answer: action.GetResponse().GetPayload(),
		Results: map[string]*kvrwset.KVRWSet{}}
	for _, one := range results.GetNsRwset() {
		set := new(kvrwset.KVRWSet)
		if err := proto.Unmarshal(one.GetRwset(), set); err != nil {
			return nil, refuse(BadTransaction, "what it read and wrote can't be read: %v", err)
		}
		if a.Results[one.GetNamespace()] != nil {
			return nil, refuse(BadTransaction, "it has two sets of the namespace %q", one.GetNamespace())
		}
		a.Results[one.GetNamespace()] = set
	}
	return a, nil
}

// ReadVersion returns the version of a key that was read. It returns false if the key wasn't read or didn't exist.
func (a *Action) ReadVersion(namespace, key string) (Version, bool) {
	for _, r := range a.Results[namespace].GetReads() {
		if r.GetKey() == key && r.GetVersion() != nil {
			return Version{Block: r.GetVersion().GetBlockNum(), Position: r.GetVersion().GetTxNum()}, true
		}
	}
	return Version{}, false
}

// Written returns the value that was written to a key. It returns false if the key wasn't written or was deleted.
func (a *Action) Written(namespace, key string) ([]byte, bool) {
	for _, w := range a.Results[namespace].GetWrites() {
		if w.GetKey() == key && !w.GetIsDelete() {
			return w.GetValue(), true
		}
	}
	return nil, false
}

// Endorsement is a peer's signature over the bytes of an [Action], followed by the peer's own identity.
type Endorsement struct {
	Endorser  []byte // msp.SerializedIdentity
	Signature []byte
}

// Transaction is a call of a chaincode in a block.
type Transaction struct {
	// ID is the hash of creator and nonce, in hexadecimal.
	ID      string
	Channel string
	// Creator submitted the transaction. Time is the creator's claim. Peers endorse a proposal only if the time is within
	// 15 minutes of their clocks.
	Creator *Identity
	Time    time.Time
	// Arguments are the chaincode's arguments, beginning with the function's name. Transient data isn't among them.
	Arguments    [][]byte
	Action       *Action
	Endorsements []Endorsement

	payload, signature []byte // of the envelope
	endorsed           []byte
}

// OpenTransaction decodes a chaincode call and checks that its parts belong together: the id must be the hash of nonce
// and creator, and the endorsed answer must be to this proposal. It doesn't check signatures; [Config.CheckTransaction]
// does.
func OpenTransaction(envelope []byte) (*Transaction, error) {
	var signature common.SignatureHeader
	var tx peer.Transaction
	payload, header, err := openPayload(envelope)
	if err != nil {
		return nil, err
	}
	text, signed, err := splitEnvelope(envelope)
	if err != nil {
		return nil, refuse(BadTransaction, "its envelope can't be read: %v", err)
	}
	if common.HeaderType(header.GetType()) != common.HeaderType_ENDORSER_TRANSACTION {
		return nil, refuse(BadTransaction, "it is no call of a chaincode")
	}
	if err := proto.Unmarshal(payload.GetHeader().GetSignatureHeader(), &signature); err != nil {
		return nil, refuse(BadTransaction, "its signature header can't be read: %v", err)
	}
	if err := proto.Unmarshal(payload.GetData(), &tx); err != nil {
		return nil, refuse(BadTransaction, "its actions can't be read: %v", err)
	}
	if len(tx.GetActions()) != 1 {
		return nil, refuse(BadTransaction, "it has %d actions instead of one", len(tx.GetActions()))
	}
	t := &Transaction{ID: header.GetTxId(), Channel: header.GetChannelId(), Time: header.GetTimestamp().AsTime(),
		payload: text, signature: signed}
	if id := TransactionID(signature.GetNonce(), signature.GetCreator()); id != t.ID {
		return nil, refuse(BadTransaction, "it calls itself %q, and its creator and nonce make %s", t.ID, id)
	}
	if t.Creator, err = ParseIdentity(signature.GetCreator()); err != nil {
		return nil, At(err, "creator")
	}
	return t, t.openAction(payload.GetHeader(), tx.GetActions()[0])
}

func (t *Transaction) openAction(header *common.Header, one *peer.TransactionAction) error {
	var m peer.ChaincodeActionPayload
	var proposed peer.ChaincodeProposalPayload
	var call peer.ChaincodeInvocationSpec
	if err := proto.Unmarshal(one.GetPayload(), &m); err != nil {
		return refuse(BadTransaction, "its action can't be read: %v", err)
	}
	if err := proto.Unmarshal(m.GetChaincodeProposalPayload(), &proposed); err != nil {
		return refuse(BadTransaction, "its proposal can't be read: %v", err)
	}
	if err := proto.Unmarshal(proposed.GetInput(), &call); err != nil {
		return refuse(BadTransaction, "its arguments can't be read: %v", err)
	}
	if !bytes.Equal(one.GetHeader(), header.GetSignatureHeader()) {
		return refuse(BadTransaction, "its action was proposed by somebody else")
	}
	t.Arguments = call.GetChaincodeSpec().GetInput().GetArgs()
	t.endorsed = m.GetAction().GetProposalResponsePayload()
	for _, e := range m.GetAction().GetEndorsements() {
		t.Endorsements = append(t.Endorsements, Endorsement{Endorser: e.GetEndorser(), Signature: e.GetSignature()})
	}
	var err error
	if t.Action, err = OpenAction(t.endorsed); err != nil {
		return err
	}
	if name := call.GetChaincodeSpec().GetChaincodeId().GetName(); name != t.Action.Chaincode {
		return refuse(BadTransaction, "it calls the chaincode %q, and %q has answered", name, t.Action.Chaincode)
	}
	want := ProposalHash(header.GetChannelHeader(), one.GetHeader(), m.GetChaincodeProposalPayload())
	if !bytes.Equal(want, t.Action.ProposalHash) {
		return refuse(BadTransaction, "what was endorsed is no answer to what it asks")
	}
	return nil
}

// TransactionID computes a transaction's id as Fabric's protoutil.ComputeTxID does.
func TransactionID(nonce, creator []byte) string {
	sum := sha256.Sum256(slices.Concat(nonce, creator))
	return hex.EncodeToString(sum[:])
}

// ProposalHash hashes the parts of a proposal, without transient data, as Fabric's protoutil.GetProposalHash2 does.
func ProposalHash(channelHeader, signatureHeader, payload []byte) []byte {
	sum := sha256.Sum256(slices.Concat(channelHeader, signatureHeader, payload))
	return sum[:]
}

// CheckTransaction checks a transaction under the configuration of its block. It checks the creator and the creator's
// signature, and that the endorsements meet a policy (peer.ApplicationPolicy). As in Fabric, bad endorsements are
// ignored. It returns the endorsers whose endorsements are good. It doesn't check whether the keys that the transaction
// read still had the same versions at commit.
func (c *Config) CheckTransaction(t *Transaction, policy []byte) ([]*Identity, error) {
	if t.Channel != c.Channel {
		return nil, refuse(WrongChannel, "it is of the channel %q", t.Channel)
	}
	o := c.Organisations[t.Creator.MSPID]
	if o == nil {
		return nil, refuse(UnknownOrganisation, "its creator is of %s, which isn't of the channel", t.Creator.MSPID)
	}
	if err := o.Check(t.Creator, whenAny); err != nil {
		return nil, At(err, "creator")
	}
	if err := t.Creator.Verify(t.payload, t.signature); err != nil {
		return nil, At(err, "creator")
	}
	var endorsers []*Identity
	for _, e := range t.Endorsements {
		id, err := ParseIdentity(e.Endorser)
		if err != nil {
			continue
		}
		if o := c.Organisations[id.MSPID]; o == nil || o.Check(id, whenAny) != nil ||
			id.Verify(slices.Concat(t.endorsed, e.Endorser), e.Signature) != nil {
			continue
		}
		endorsers = addSigner(endorsers, id)
	}
	return endorsers, c.MeetsApplication(policy, endorsers)
}
