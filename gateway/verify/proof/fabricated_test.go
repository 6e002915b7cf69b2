package proof_test

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer/lifecycle"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// fabricatedLedger is a whole channel of a consortium of which the tests have every key: a genesis block, a block in
// which the chaincode is defined, and one in which a record is recorded. Tests change one part of it, and everybody
// signs.
type fabricatedLedger struct {
	*consortium
	orderers []*signer // by their numbers, from 1 on

	genesis    *proof.Block
	definition definition
	recording  recording
	receipt    *testimony

	changed func(blocks []*proof.Block) []*proof.Block // before the blocks are linked and signed, if not nil
	quorum  []int                                      // of the orderers, who sign; those after the first three are idle
	place   uint64                                     // of the recording's block, if it isn't the second
}

// definition is the transaction that defines the chaincode.
type definition struct {
	call
	policy []byte // peer.ApplicationPolicy
	plugin string

	info, value func([]byte) []byte // what its fields are changed to, where not nil
}

// recording is the transaction that records the record.
type recording struct {
	call
	header  record.Header // of the pack; the creator's words, if empty
	bodies  [][]byte
	pointer func(tx string) (key, line string)
	pack    func(value []byte) []byte // what is written instead, if not nil; nothing, if it gives nil
}

// call is a transaction.
type call struct {
	chaincode string
	channel   string
	creator   *signer
	id        string // in place of what creator and nonce make
	time      time.Time
	endorsers []*signer
	reads     map[string]proof.Version // in the namespace of the lifecycle
	forged    bool                     // the creator's signature is over something else

	// What the parts of the transaction are changed to, where not nil: before they are put together and signed.
	proposal    func(hash []byte) []byte   // the hash of the proposal that was endorsed
	action      func(header []byte) []byte // who proposed the action
	called      string                     // the chaincode that the proposal calls, if not the one that answers
	endorsement func(e *peer.Endorsement)
	actions     func([]*peer.TransactionAction) []*peer.TransactionAction
	part        func(name string, encoded []byte) []byte // any part that is encoded

	kind  common.HeaderType // in place of a call of a chaincode
	twice bool              // it has two sets of what it wrote
}

// encode encodes a part of a transaction.
func (c call) encode(t testing.TB, name string, m proto.Message) []byte {
	encoded := marshal(t, m)
	if c.part != nil {
		return c.part(name, encoded)
	}
	return encoded
}

const lifecycleName, definedKey = "_lifecycle", "namespaces/fields/pedigree/"

// members are the organisations that endorse.
var members = []string{"HarborMSP", "LabMSP", "MarketMSP"}

// newFabricated makes a consortium for ledgers. All ledgers of one have the same genesis block.
func newFabricated(t testing.TB) *fabricated {
	f := &fabricated{consortium: newConsortium(t, append([]string{"OrdererMSP"}, members...)...)}
	for range 4 {
		f.orderers = append(f.orderers, f.member("OrdererMSP", "OrdererMSP", "orderer"))
	}
	f.revoked = f.odd("HarborMSP", func(x *x509.Certificate) {
		x.SerialNumber, x.Subject.OrganizationalUnit = big.NewInt(99), []string{"client"}
	})
	f.genesis = &proof.Block{Data: [][]byte{f.envelope(common.HeaderType_CONFIG, marshal(t, &common.ConfigEnvelope{Config: &common.Config{ChannelGroup: f.root()}}), nil)}}
	return f
}

// fabricated is a consortium with all that its ledgers have in common.
type fabricated struct {
	*consortium
	orderers []*signer
	revoked  *signer // a client of HarborMSP whose certificate HarborMSP has revoked
	genesis  *proof.Block
}

func signedBy(t testing.TB, need int, principals ...*msp.MSPPrincipal) *common.ConfigPolicy {
	rule := &common.SignaturePolicy_NOutOf{N: int32(need)}
	for i := range principals {
		rule.Rules = append(rule.Rules, &common.SignaturePolicy{Type: &common.SignaturePolicy_SignedBy{SignedBy: int32(i)}})
	}
	return &common.ConfigPolicy{ModPolicy: "Admins", Policy: &common.Policy{Type: int32(common.Policy_SIGNATURE), Value: marshal(t, &common.SignaturePolicyEnvelope{
		Rule: &common.SignaturePolicy{Type: &common.SignaturePolicy_NOutOf_{NOutOf: rule}}, Identities: principals,
	})}}
}

func roleOf(t testing.TB, mspID string, role msp.MSPRole_MSPRoleType) *msp.MSPPrincipal {
	return &msp.MSPPrincipal{PrincipalClassification: msp.MSPPrincipal_ROLE, Principal: marshal(t, &msp.MSPRole{MspIdentifier: mspID, Role: role})}
}

func majority(t testing.TB, below string) *common.ConfigPolicy {
	return &common.ConfigPolicy{ModPolicy: "Admins", Policy: &common.Policy{Type: int32(common.Policy_IMPLICIT_META), Value: marshal(t, &common.ImplicitMetaPolicy{SubPolicy: below, Rule: common.ImplicitMetaPolicy_MAJORITY})}}
}

// group is an organisation in the configuration.
func (f *fabricated) group(name string) *common.ConfigGroup {
	o := f.orgs[name]
	unit := func(role string) *msp.FabricOUIdentifier {
		return &msp.FabricOUIdentifier{OrganizationalUnitIdentifier: role}
	}
	m := &msp.FabricMSPConfig{Name: name, RootCerts: [][]byte{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.ca.Raw})}, FabricNodeOus: &msp.FabricNodeOUs{Enable: true,
		ClientOuIdentifier: unit("client"), PeerOuIdentifier: unit("peer"), AdminOuIdentifier: unit("admin"), OrdererOuIdentifier: unit("orderer")}}
	if name == "HarborMSP" {
		list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: lifetime.from, NextUpdate: lifetime.to,
			RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(99), RevocationTime: lifetime.from}}}, o.ca, o.key)
		require.NoError(f, err)
		m.RevocationList = [][]byte{pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list})}
	}
	return &common.ConfigGroup{ModPolicy: "Admins", Values: map[string]*common.ConfigValue{"MSP": {ModPolicy: "Admins", Value: marshal(f, &msp.MSPConfig{Config: marshal(f, m)})}},
		Policies: map[string]*common.ConfigPolicy{
			"Endorsement": signedBy(f, 1, roleOf(f, name, msp.MSPRole_PEER)), "Admins": signedBy(f, 1, roleOf(f, name, msp.MSPRole_ADMIN)),
		}}
}

// root is the channel's first configuration.
func (f *fabricated) root() *common.ConfigGroup {
	application := &common.ConfigGroup{ModPolicy: "Admins", Groups: map[string]*common.ConfigGroup{}, Policies: map[string]*common.ConfigPolicy{
		"Endorsement": majority(f, "Endorsement"), "LifecycleEndorsement": majority(f, "Endorsement"), "Admins": majority(f, "Admins")}}
	for _, name := range members {
		application.Groups[name] = f.group(name)
	}
	var mapping common.Orderers
	var principals []*msp.MSPPrincipal
	for i, one := range f.orderers {
		var id msp.SerializedIdentity
		require.NoError(f, proto.Unmarshal(one.serialized, &id))
		mapping.ConsenterMapping = append(mapping.ConsenterMapping, &common.Consenter{Id: uint32(i + 1), MspId: id.GetMspid(), Identity: id.GetIdBytes()})
		principals = append(principals, &msp.MSPPrincipal{PrincipalClassification: msp.MSPPrincipal_IDENTITY, Principal: one.serialized})
	}
	ordering := &common.ConfigGroup{ModPolicy: "Admins", Groups: map[string]*common.ConfigGroup{"OrdererMSP": f.group("OrdererMSP")},
		Values: map[string]*common.ConfigValue{"ConsensusType": {ModPolicy: "Admins", Value: marshal(f, &orderer.ConsensusType{Type: "BFT"})},
			"Orderers": {ModPolicy: "Admins", Value: marshal(f, &mapping)}},
		Policies: map[string]*common.ConfigPolicy{"BlockValidation": signedBy(f, 3, principals...), "Admins": majority(f, "Admins")}}
	return &common.ConfigGroup{ModPolicy: "Admins", Groups: map[string]*common.ConfigGroup{"Application": application, "Orderer": ordering},
		Policies: map[string]*common.ConfigPolicy{"Admins": majority(f, "Admins")}}
}

// envelope is a configuration or its update, with or without a creator.
func (f *fabricated) envelope(kind common.HeaderType, data []byte, creator *signer) []byte {
	payload := &common.Payload{Data: data, Header: &common.Header{ChannelHeader: marshal(f, &common.ChannelHeader{Type: int32(kind), ChannelId: "pedigree"})}}
	e := &common.Envelope{Payload: marshal(f, payload)}
	if creator != nil {
		e.Signature = creator.sign(f, e.Payload, false)
	}
	return marshal(f, e)
}

// trust is the trust file: two of three must agree.
func (f *fabricated) trust() []byte {
	p := &proof.Proof{Channel: "pedigree", Chaincode: "pedigree", Receipts: []*proof.Receipt{{Creator: []byte{1}, Time: during}}, Blocks: []*proof.Block{f.genesis}}
	read, err := proof.Parse(p.Bytes())
	require.NoError(f, err)
	t, err := proof.NewTrust(read.Blocks[0], nil, "pedigree", 0)
	require.NoError(f, err)
	return t.Text()
}

// ledger is one on which all is right.
func (f *fabricated) ledger() *fabricatedLedger {
	l := &fabricatedLedger{consortium: f.consortium, orderers: f.orderers, genesis: f.genesis, receipt: f.testimony(), quorum: []int{0, 1, 2}}
	peers := l.receipt.peers
	client := f.member("HarborMSP", "HarborMSP", "client")
	l.definition = definition{policy: reference(f, "/Channel/Application/Endorsement"), plugin: "vscc",
		call: call{chaincode: lifecycleName, channel: "pedigree", creator: client, time: during.Add(-time.Hour), endorsers: peers}}
	l.recording = recording{bodies: [][]byte{[]byte(recordBody)}, call: call{chaincode: "pedigree", channel: "pedigree", creator: client, time: during, endorsers: peers,
		reads: map[string]proof.Version{definedKey + "Sequence": {Block: 1}}}}
	l.recording.pointer = func(tx string) (string, string) { return record.PointerKey(l.receipt.id, tx), "0" }
	return l
}

// reference is an endorsement policy that is the channel's of a name.
func reference(t testing.TB, path string) []byte {
	return marshal(t, &peer.ApplicationPolicy{Type: &peer.ApplicationPolicy_ChannelConfigPolicyReference{ChannelConfigPolicyReference: path}})
}

// transaction makes a call, which writes under keys of its chaincode, an envelope.
func (l *fabricatedLedger) transaction(c call, write func(tx string) map[string][]byte) (id string, envelope []byte) {
	nonce := fmt.Appendf(nil, "nonce of %s", c.chaincode)
	sum := sha256.Sum256(slices.Concat(nonce, c.creator.serialized))
	if id = c.id; id == "" {
		id = hex.EncodeToString(sum[:])
	}
	set, read := &kvrwset.KVRWSet{}, &kvrwset.KVRWSet{}
	written := write(id)
	for _, key := range sortedKeys(written) {
		set.Writes = append(set.Writes, &kvrwset.KVWrite{Key: key, Value: written[key]})
	}
	for _, key := range sortedKeys(c.reads) {
		read.Reads = append(read.Reads, &kvrwset.KVRead{Key: key, Version: &kvrwset.Version{BlockNum: c.reads[key].Block, TxNum: c.reads[key].Position}})
	}
	if c.chaincode == lifecycleName {
		set.Reads, read.Reads = read.Reads, nil
	}
	sets := []*rwset.NsReadWriteSet{{Namespace: c.chaincode, Rwset: c.encode(l, "what it wrote", set)}}
	if len(read.Reads) > 0 {
		reads := &rwset.NsReadWriteSet{Namespace: lifecycleName, Rwset: c.encode(l, "what it read", read)}
		sets = append([]*rwset.NsReadWriteSet{reads}, sets...)
	}
	if c.twice {
		sets = append(sets, sets[len(sets)-1])
	}
	name := &peer.ChaincodeID{Name: c.chaincode}
	header := &common.Header{
		ChannelHeader: c.encode(l, "channel header", &common.ChannelHeader{
			Type: int32(cmp.Or(c.kind, common.HeaderType_ENDORSER_TRANSACTION)), ChannelId: c.channel, TxId: id,
			Timestamp: timestamppb.New(c.time), Extension: marshal(l, &peer.ChaincodeHeaderExtension{ChaincodeId: name}),
		}),
		SignatureHeader: c.encode(l, "signature header", &common.SignatureHeader{Creator: c.creator.serialized, Nonce: nonce}),
	}
	proposed := c.encode(l, "proposal", &peer.ChaincodeProposalPayload{
		Input: c.encode(l, "arguments", &peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{
			ChaincodeId: &peer.ChaincodeID{Name: cmp.Or(c.called, c.chaincode)},
			Input:       &peer.ChaincodeInput{Args: [][]byte{[]byte("Artifacts:Submit")}},
		}}),
	})
	hash, proposer := hashOf(l, &peer.Proposal{Header: marshal(l, header), Payload: proposed}), header.SignatureHeader
	if c.proposal != nil {
		hash = c.proposal(hash)
	}
	if c.action != nil {
		proposer = c.action(proposer)
	}
	answer := c.encode(l, "answer", &peer.ProposalResponsePayload{
		ProposalHash: hash,
		Extension: c.encode(l, "chaincode action", &peer.ChaincodeAction{
			Results:  c.encode(l, "results", &rwset.TxReadWriteSet{NsRwset: sets}),
			Response: &peer.Response{Status: 200}, ChaincodeId: name,
		}),
	})
	action := &peer.ChaincodeEndorsedAction{ProposalResponsePayload: answer}
	for _, p := range c.endorsers {
		action.Endorsements = append(action.Endorsements, &peer.Endorsement{
			Endorser: p.serialized, Signature: p.sign(l, slices.Concat(answer, p.serialized), false),
		})
	}
	if c.endorsement != nil {
		for _, e := range action.Endorsements {
			c.endorsement(e)
		}
	}
	actions := []*peer.TransactionAction{{
		Header:  proposer,
		Payload: c.encode(l, "action", &peer.ChaincodeActionPayload{ChaincodeProposalPayload: proposed, Action: action}),
	}}
	if c.actions != nil {
		actions = c.actions(actions)
	}
	payload := c.encode(l, "payload", &common.Payload{
		Header: header, Data: c.encode(l, "actions", &peer.Transaction{Actions: actions}),
	})
	signed := payload
	if c.forged {
		signed = []byte("something else")
	}
	return id, marshal(l, &common.Envelope{Payload: payload, Signature: c.creator.sign(l, signed, false)})
}

func sortedKeys[V any](m map[string]V) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// proof has everybody sign, and proves the record by its block.
func (l *fabricatedLedger) proof() *proof.Proof {
	_, defining := l.transaction(l.definition.call, func(string) map[string][]byte {
		info := marshal(l, &lifecycle.ChaincodeValidationInfo{ValidationPlugin: l.definition.plugin, ValidationParameter: l.definition.policy})
		if l.definition.info != nil {
			info = l.definition.info(info)
		}
		value := marshal(l, &lifecycle.StateData{Type: &lifecycle.StateData_Bytes{Bytes: info}})
		if l.definition.value != nil {
			value = l.definition.value(value)
		}
		return map[string][]byte{definedKey + "ValidationInfo": value}
	})
	r := &l.recording
	submitter, err := proof.ParseIdentity(r.creator.serialized)
	require.NoError(l, err)
	said := record.Header{MSPID: submitter.MSPID, Subject: submitter.Certificate.Subject.String(), Time: record.HeaderTime(r.time)}
	if r.header == (record.Header{}) {
		r.header = said
	}
	id, recorded := l.transaction(r.call, func(tx string) map[string][]byte {
		pack, err := record.Pack(r.bodies)
		require.NoError(l, err)
		value, err := record.PackValue(r.header, pack)
		require.NoError(l, err)
		pointer, line := r.pointer(tx)
		if r.pack != nil {
			value = r.pack(value)
		}
		if value == nil {
			return map[string][]byte{pointer: []byte(line)}
		}
		return map[string][]byte{record.PackKey(tx): value, pointer: []byte(line)}
	})
	m := l.receipt
	if m.tx == strings.Repeat("ab", 32) { // unless the test has said in which transaction the record is
		m.tx = id
	}
	if m.said == nil {
		m.said = &r.header
	}
	m.version.BlockNum, m.version.TxNum = cmp.Or(l.place, 2), m.position
	if m.answer == "" {
		m.answer = fmt.Sprintf(`{"id":%q,"record":%s,"recordings":[{"tx":%q,"mspId":%q,"subject":%q,"time":%q}]}`, m.id, m.body, m.tx, m.said.MSPID, m.said.Subject, m.said.Time)
	}
	blocks := []*proof.Block{{Number: 1, Data: [][]byte{defining}}, {Number: 2, Data: [][]byte{recorded}}}
	if l.changed != nil {
		blocks = l.changed(blocks)
	}
	genesis := *l.genesis
	p := proofOf(m.receipt(l.consortium))
	p.Blocks = []*proof.Block{&genesis}
	before := headerHash(l, &genesis)
	configured := uint64(0)
	for _, b := range blocks {
		if len(b.Metadata) > 0 { // it says itself that it is a configuration block
			configured = b.Number
		}
		b.PreviousHash, b.Metadata = before, lastConfig(l, configured)
		l.sign(b)
		before = headerHash(l, b)
		p.Blocks = append(p.Blocks, b)
	}
	return p
}

// header is the DER form of a block's header.
func headerOf(t testing.TB, b *proof.Block) []byte {
	data := sha256.Sum256(bytes.Join(b.Data, nil))
	der, err := asn1.Marshal(struct {
		Number                 *big.Int
		PreviousHash, DataHash []byte
	}{new(big.Int).SetUint64(b.Number), b.PreviousHash, data[:]})
	require.NoError(t, err)
	return der
}

func headerHash(t testing.TB, b *proof.Block) []byte {
	sum := sha256.Sum256(headerOf(t, b))
	return sum[:]
}

// sign has orderers sign a block, whatever it holds.
func (l *fabricatedLedger) sign(b *proof.Block) {
	b.Signatures = nil
	for _, i := range l.quorum {
		named := marshal(l, &common.IdentifierHeader{Identifier: uint32(i + 1), Nonce: bytes.Repeat([]byte{byte(i)}, 24)})
		b.Signatures = append(b.Signatures, proof.BlockSignature{Header: named, Signature: l.orderers[i].sign(l, slices.Concat(b.Metadata, named, headerOf(l, b)), false)})
	}
}
