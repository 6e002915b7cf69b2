package audit

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Short names for the most frequent validation codes.
const (
	valid       = peer.TxValidationCode_VALID
	otherReason = peer.TxValidationCode_INVALID_OTHER_REASON
)

// transaction is one envelope of a block, and its verdict. The code comes from the checks of Fabric's package
// core/committer/txvalidator, in the same order, so that it can be compared with a peer's.
type transaction struct {
	position int
	id       string // as peers index it; empty if the headers can't be read
	kind     common.HeaderType
	creator  *identity
	time     time.Time
	call     *call // nil if it isn't a readable call of a chaincode

	code peer.TxValidationCode
	why  string
}

// call is a call of a chaincode, and its outcome.
type call struct {
	chaincode string
	version   string // of the definition by which the peers endorsed, as they say
	proposer  []byte // the identity that the chaincode saw
	args      [][]byte
	answer    *peer.Response
	event     bool
	sets      []set
	endorsers []*identity // those with good signatures, each once
	trial     *trial      // what happens when it runs again

	// The verdict on the call without its endorsers. Fabric looks for an earlier transaction with the same id first.
	code peer.TxValidationCode
	why  string
}

// set is what a transaction read and wrote in one namespace.
type set struct {
	namespace   string
	public      *kvrwset.KVRWSet
	collections []collection
}

type collection struct {
	name   string
	hashed *kvrwset.HashedRWSet
}

// writes reports whether a set changes anything.
func (s *set) writes() bool {
	if len(s.public.GetWrites()) > 0 || len(s.public.GetMetadataWrites()) > 0 {
		return true
	}
	return slices.ContainsFunc(s.collections, func(c collection) bool {
		return len(c.hashed.GetHashedWrites()) > 0 || len(c.hashed.GetMetadataWrites()) > 0
	})
}

func (t *transaction) invalid(code peer.TxValidationCode, format string, args ...any) *transaction {
	t.code, t.why = code, fmt.Sprintf(format, args...)
	return t
}

func (c *call) invalid(code peer.TxValidationCode, format string, args ...any) {
	c.code, c.why = code, fmt.Sprintf(format, args...)
}

// kinds are the types of envelope that Fabric's check of the headers accepts. A later check refuses CONFIG_UPDATE.
var kinds = []common.HeaderType{
	common.HeaderType_ENDORSER_TRANSACTION, common.HeaderType_CONFIG, common.HeaderType_CONFIG_UPDATE,
}

// examine makes all checks of an envelope that don't depend on earlier transactions. It is safe for concurrent use.
func (e *epoch) examine(number uint64, position int, data []byte) *transaction {
	t := &transaction{position: position}
	var envelope common.Envelope
	if err := proto.Unmarshal(data, &envelope); err != nil {
		return t.invalid(otherReason, "its envelope can't be read: %v", err)
	}
	var payload common.Payload
	if err := proto.Unmarshal(envelope.GetPayload(), &payload); err != nil {
		return t.invalid(peer.TxValidationCode_BAD_PAYLOAD, "its payload can't be read: %v", err)
	}
	var channel common.ChannelHeader
	var signature common.SignatureHeader
	header := payload.GetHeader()
	if header == nil {
		return t.invalid(peer.TxValidationCode_BAD_COMMON_HEADER, "it has no header")
	}
	if err := proto.Unmarshal(header.GetChannelHeader(), &channel); err != nil {
		return t.invalid(peer.TxValidationCode_BAD_COMMON_HEADER, "its channel header can't be read: %v", err)
	}
	t.id, t.kind = channel.GetTxId(), common.HeaderType(channel.GetType())
	if at := channel.GetTimestamp(); at != nil {
		t.time = at.AsTime()
	}
	if err := proto.Unmarshal(header.GetSignatureHeader(), &signature); err != nil {
		return t.invalid(peer.TxValidationCode_BAD_COMMON_HEADER, "its signature header can't be read: %v", err)
	}
	own := proof.TransactionID(signature.GetNonce(), signature.GetCreator())
	if t.id == "" {
		t.id = own
	}
	if number == 0 && t.kind == common.HeaderType_CONFIG {
		return t // valid, because the audit trusts the genesis block
	}
	if !slices.Contains(kinds, t.kind) || channel.GetEpoch() != 0 {
		return t.invalid(peer.TxValidationCode_BAD_COMMON_HEADER, "it is of type %d and epoch %d",
			channel.GetType(), channel.GetEpoch())
	}
	if len(signature.GetNonce()) == 0 || len(signature.GetCreator()) == 0 {
		return t.invalid(peer.TxValidationCode_BAD_COMMON_HEADER, "it has no nonce or no creator")
	}
	if channel.GetChannelId() != e.config.Channel {
		return t.invalid(peer.TxValidationCode_BAD_CREATOR_SIGNATURE, "it is of the channel %q", channel.GetChannelId())
	}
	t.creator = e.identity(signature.GetCreator())
	if err := e.verify(t.creator, envelope.GetPayload(), envelope.GetSignature()); err != nil {
		return t.invalid(peer.TxValidationCode_BAD_CREATOR_SIGNATURE, "creator: %v", err)
	}
	switch t.kind {
	case common.HeaderType_CONFIG:
		return t // proof.Chain checks the rest
	case common.HeaderType_CONFIG_UPDATE:
		return t.invalid(peer.TxValidationCode_UNSUPPORTED_TX_PAYLOAD, "it is of type %s", t.kind)
	}
	if channel.GetTxId() != own {
		return t.invalid(peer.TxValidationCode_BAD_PROPOSAL_TXID, "its creator and nonce make the id %s", own)
	}
	return e.examineCall(t, payload.GetData(), header, &channel)
}

// examineCall reads a call, and checks that the endorsed answer is an answer to the proposal.
func (e *epoch) examineCall(
	t *transaction,
	data []byte,
	header *common.Header,
	channel *common.ChannelHeader,
) *transaction {
	const broken = peer.TxValidationCode_INVALID_ENDORSER_TRANSACTION
	var tx peer.Transaction
	if err := proto.Unmarshal(data, &tx); err != nil {
		return t.invalid(broken, "its actions can't be read: %v", err)
	}
	if len(tx.GetActions()) != 1 || tx.GetActions()[0] == nil {
		return t.invalid(broken, "it has %d actions instead of one", len(tx.GetActions()))
	}
	action := tx.GetActions()[0]
	var proposer common.SignatureHeader
	var payload peer.ChaincodeActionPayload
	var endorsed peer.ProposalResponsePayload
	if err := proto.Unmarshal(action.GetHeader(), &proposer); err != nil ||
		len(proposer.GetNonce()) == 0 || len(proposer.GetCreator()) == 0 {
		return t.invalid(broken, "its action doesn't say who proposed it")
	}
	if err := proto.Unmarshal(action.GetPayload(), &payload); err != nil {
		return t.invalid(broken, "its action can't be read: %v", err)
	}
	signed := payload.GetAction().GetProposalResponsePayload()
	if err := proto.Unmarshal(signed, &endorsed); err != nil {
		return t.invalid(broken, "what was endorsed can't be read: %v", err)
	}
	asked := proof.ProposalHash(header.GetChannelHeader(), action.GetHeader(), payload.GetChaincodeProposalPayload())
	if !bytes.Equal(asked, endorsed.GetProposalHash()) {
		return t.invalid(broken, "what was endorsed is no answer to what it asks")
	}
	t.call = &call{proposer: proposer.GetCreator()}
	t.call.readProposal(payload.GetChaincodeProposalPayload())
	t.call.readAnswer(endorsed.GetExtension(), channel.GetExtension())
	if t.call.code == valid && !e.blind {
		t.call.endorsers = e.endorsers(signed, payload.GetAction().GetEndorsements())
	}
	return t
}

// readProposal reads the arguments of a call. If they can't be read, there are none, and the chaincode's rules refuse
// the call.
func (c *call) readProposal(data []byte) {
	var payload peer.ChaincodeProposalPayload
	var call peer.ChaincodeInvocationSpec
	if proto.Unmarshal(data, &payload) == nil && proto.Unmarshal(payload.GetInput(), &call) == nil {
		c.args = call.GetChaincodeSpec().GetInput().GetArgs()
	}
}

// readAnswer reads what the chaincode read, wrote and answered. It makes the checks that Fabric makes before it looks
// at the endorsers (package core/committer/txvalidator/v20/plugindispatcher).
func (c *call) readAnswer(extension, headerExtension []byte) {
	var asked peer.ChaincodeHeaderExtension
	var action peer.ChaincodeAction
	var results rwset.TxReadWriteSet
	if err := proto.Unmarshal(headerExtension, &asked); err != nil {
		c.invalid(peer.TxValidationCode_BAD_HEADER_EXTENSION, "the chaincode's name can't be read: %v", err)
		return
	}
	if err := proto.Unmarshal(extension, &action); err != nil || len(extension) == 0 {
		c.invalid(peer.TxValidationCode_BAD_RESPONSE_PAYLOAD, "the chaincode's action can't be read: %v", err)
		return
	}
	if err := proto.Unmarshal(action.GetResults(), &results); err != nil {
		c.invalid(peer.TxValidationCode_BAD_RWSET, "what it read and wrote can't be read: %v", err)
		return
	}
	for _, one := range results.GetNsRwset() {
		s, err := readSet(one)
		if err != nil {
			c.invalid(peer.TxValidationCode_BAD_RWSET, "what it read and wrote in %q can't be read: %v", one.GetNamespace(), err)
			return
		}
		c.sets = append(c.sets, s)
	}
	c.chaincode, c.answer, c.event = asked.GetChaincodeId().GetName(), action.GetResponse(), len(action.GetEvents()) > 0
	c.version = action.GetChaincodeId().GetVersion()
	switch answered := action.GetChaincodeId(); {
	case asked.GetChaincodeId() == nil || answered == nil:
		c.invalid(otherReason, "it doesn't name its chaincode")
	case c.chaincode == "" || c.chaincode != answered.GetName() || answered.GetVersion() == "":
		c.invalid(peer.TxValidationCode_INVALID_CHAINCODE, "it asks the chaincode %q, and %q in version %q has answered",
			c.chaincode, answered.GetName(), answered.GetVersion())
	default:
		c.checkEvent(action.GetEvents())
	}
	for i, s := range c.sets {
		if c.code == valid &&
			slices.ContainsFunc(c.sets[:i], func(before set) bool { return before.namespace == s.namespace }) {
			c.invalid(peer.TxValidationCode_ILLEGAL_WRITESET, "it has two sets of the namespace %q", s.namespace)
		}
	}
}

func (c *call) checkEvent(event []byte) {
	var m peer.ChaincodeEvent
	if len(event) == 0 {
		return
	}
	if err := proto.Unmarshal(event, &m); err != nil || m.GetChaincodeId() != c.chaincode {
		c.invalid(otherReason, "its event is of the chaincode %q: %v", m.GetChaincodeId(), err)
	}
}

func readSet(m *rwset.NsReadWriteSet) (set, error) {
	s := set{namespace: m.GetNamespace(), public: new(kvrwset.KVRWSet)}
	if err := proto.Unmarshal(m.GetRwset(), s.public); err != nil {
		return s, err
	}
	for _, one := range m.GetCollectionHashedRwset() {
		c := collection{name: one.GetCollectionName(), hashed: new(kvrwset.HashedRWSet)}
		if err := proto.Unmarshal(one.GetHashedRwset(), c.hashed); err != nil {
			return s, err
		}
		s.collections = append(s.collections, c)
	}
	return s, nil
}

// endorsers lists the identities with good endorsements, each once. As in Fabric, bad endorsements are ignored.
func (e *epoch) endorsers(signed []byte, endorsements []*peer.Endorsement) (list []*identity) {
	for _, m := range endorsements {
		id := e.identity(m.GetEndorser())
		known := slices.ContainsFunc(list, func(other *identity) bool {
			return id.Identity != nil && other.MSPID == id.MSPID && other.Certificate.Equal(id.Certificate)
		})
		if !known && e.verify(id, slices.Concat(signed, m.GetEndorser()), m.GetSignature()) == nil {
			list = append(list, id)
		}
	}
	return list
}
