package audit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer/lifecycle"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// garbage is no message of any kind.
var garbage = []byte{0xff}

func encoded(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	require.NoError(t, err)
	return data
}

func TestAVersionIsThatOfABlockAndATransaction(t *testing.T) {
	v := func(block, tx uint64) *kvrwset.Version { return &kvrwset.Version{BlockNum: block, TxNum: tx} }
	assert.True(t, same(state.Version{Block: 1, Tx: 2}, true, v(1, 2)))
	assert.False(t, same(state.Version{Block: 1, Tx: 2}, true, v(1, 3)))
	assert.False(t, same(state.Version{Block: 1, Tx: 2}, true, v(2, 2)))
	assert.False(t, same(state.Version{}, false, v(0, 0)), "it was there, in the first transaction of all")
	assert.False(t, same(state.Version{}, true, nil))
	assert.True(t, same(state.Version{}, false, nil))
}

func TestAListIsThatOfKeysAndVersions(t *testing.T) {
	s := testState(t)
	u := newUpdates()
	u.apply([]set{{namespace: ns, public: &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{
		{Key: "c", Value: []byte("w")}, {Key: "f", Value: []byte("w")},
	}}}}, state.Version{Block: 2, Tx: 7})
	c := &kvrwset.KVRead{Key: "c", Version: &kvrwset.Version{BlockNum: 2, TxNum: 7}}
	f := &kvrwset.KVRead{Key: "f", Version: &kvrwset.Version{BlockNum: 2, TxNum: 7}}
	summary := func(q *kvrwset.KVRWSet, degree uint32, reads ...*kvrwset.KVRead) *kvrwset.KVRWSet {
		m, ok := summarise(reads, degree)
		require.True(t, ok)
		q.RangeQueriesInfo[0].ReadsInfo = &kvrwset.RangeQueryInfo_ReadsMerkleHashes{ReadsMerkleHashes: m}
		return q
	}
	tooShort := summary(query("a", "c", true), 2, read("a", 0), read("b", 1), read("z", 2))
	for name, one := range map[string]struct {
		query *kvrwset.KVRWSet
		same  bool
	}{
		"what was written at its end is not of it":    {query("a", "c", true, read("a", 0), read("b", 1)), true},
		"nor is what was written behind it":           {query("d", "f", true, read("d", 3), read("e", 4)), true},
		"a list without an end has all":               {query("d", "", true, read("d", 3), read("e", 4), f), true},
		"what was written where it stopped is of it":  {query("a", "c", false, read("a", 0), read("b", 1), c), true},
		"a key of another version":                    {query("a", "b", true, read("a", 1)), false},
		"another key of the version":                  {query("a", "b", true, read("b", 0)), false},
		"a summary of the same":                       {summary(query("a", "e", true), 2, read("a", 0), read("b", 1), c, read("d", 3)), true},
		"a summary of another list":                   {summary(query("a", "e", true), 2, read("a", 0), read("b", 1), read("c", 2), read("d", 3)), false},
		"a summary where there is too little for one": {tooShort, false},
	} {
		same, err := unchanged(s, u.public[ns], ns, one.query.RangeQueriesInfo[0])
		require.NoError(t, err)
		assert.Equal(t, one.same, same, name)
	}
	_, ok := summarise([]*kvrwset.KVRead{c, f}, 1)
	assert.False(t, ok, "a digest of one read for each leaf has no end")
	_, ok = summarise([]*kvrwset.KVRead{c, f, c}, 2)
	assert.True(t, ok)
}

func TestWhatIsEmptyIsDeleted(t *testing.T) {
	u := newUpdates()
	u.apply([]set{{namespace: ns, public: &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{
		{Key: "kept", Value: []byte("v")}, {Key: "empty", Value: []byte{}}, {Key: "deleted", IsDelete: true, Value: []byte("v")},
	}}, collections: []collection{{name: "c", hashed: &kvrwset.HashedRWSet{HashedWrites: []*kvrwset.KVWriteHash{
		{KeyHash: []byte("kept"), ValueHash: []byte("h")}, {KeyHash: []byte("empty"), ValueHash: []byte{}},
		{KeyHash: []byte("deleted"), IsDelete: true, ValueHash: []byte("h")}, {KeyHash: []byte("nothing"), ValueHash: hashOfNothing[:]},
	}}}}}}, state.Version{Block: 2})
	for key, w := range u.public[ns] {
		assert.Equal(t, key == "kept", w.value != nil, key)
	}
	for key, w := range u.hashed[ns]["c"] {
		assert.Equal(t, key == "kept", w.value != nil, key)
	}
	assert.Len(t, u.hashed[ns]["c"], 4)
}

// writing are sets that write in each way there is.
func writing() map[string]set {
	public := func(s *kvrwset.KVRWSet) set { return set{namespace: "x", public: s} }
	hashed := func(name string, h *kvrwset.HashedRWSet) set {
		return set{namespace: "x", public: new(kvrwset.KVRWSet), collections: []collection{{name: name, hashed: h}}}
	}
	writes := []*kvrwset.KVWriteHash{{KeyHash: []byte("k")}}
	return map[string]set{
		"a key":                             public(&kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: "k"}}}),
		"a key's policy":                    public(&kvrwset.KVRWSet{MetadataWrites: []*kvrwset.KVMetadataWrite{{Key: "k"}}}),
		"a private key":                     hashed("c", &kvrwset.HashedRWSet{HashedWrites: writes}),
		"a private key's policy":            hashed("c", &kvrwset.HashedRWSet{MetadataWrites: []*kvrwset.KVMetadataWriteHash{{KeyHash: []byte("k")}}}),
		"an organisation's key":             hashed("_implicit_org_LabMSP", &kvrwset.HashedRWSet{HashedWrites: writes}),
		"a policy of an organisation's key": hashed("_implicit_org_LabMSP", &kvrwset.HashedRWSet{MetadataWrites: []*kvrwset.KVMetadataWriteHash{{KeyHash: []byte("k")}}}),
	}
}

func TestWhatASetWritesIsJudgedByItsPolicy(t *testing.T) {
	d := &definition{plugin: defaultPlugin, policy: []byte("the chaincode's")}
	e := newEpoch(&proof.Config{})
	lab := referTo("/Channel/Application/" + e.config.MemberGroup("LabMSP") + "/Endorsement")
	for name, s := range writing() {
		assert.True(t, s.writes(), name)
		want := [][]byte{d.policy}
		if len(s.collections) > 0 && s.collections[0].name != "c" {
			want = [][]byte{lab}
		}
		assert.Equal(t, want, policiesOf(e, &call{sets: []set{s}}, "x", d), name)

		s.collections = append(s.collections, collection{name: "read", hashed: new(kvrwset.HashedRWSet)})
		assert.Equal(t, want, policiesOf(e, &call{sets: []set{s}}, "x", d), "what is only read of a collection needs nothing: %s", name)
		s.public = &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: "k"}}}
		assert.Equal(t, d.policy, policiesOf(e, &call{sets: []set{s}}, "x", d)[0], name)
	}
	both := writing()["an organisation's key"]
	both.public = writing()["a key's policy"].public
	assert.Equal(t, [][]byte{d.policy, lab}, policiesOf(e, &call{sets: []set{both}}, "x", d))
	both = writing()["an organisation's key"]
	both.collections = append(both.collections, writing()["a private key"].collections...)
	assert.Equal(t, [][]byte{lab, d.policy}, policiesOf(e, &call{sets: []set{both}}, "x", d))

	reads := set{namespace: "x", public: &kvrwset.KVRWSet{Reads: []*kvrwset.KVRead{read("a", 0)}}}
	assert.False(t, reads.writes())
	reads.collections = []collection{{name: "c", hashed: new(kvrwset.HashedRWSet)}}
	assert.False(t, reads.writes())
	assert.Equal(t, [][]byte{d.policy}, policiesOf(e, &call{sets: []set{reads}}, "x", d))
	assert.Equal(t, [][]byte{d.policy}, policiesOf(e, &call{}, "x", d))
}

func TestWhatTheAuditDoesNotFollowIsSaid(t *testing.T) {
	r := &replay{definitions: map[string]*definition{"other": {plugin: "special"}, "x": {plugin: defaultPlugin}}}
	for name, want := range map[string]string{
		"a key": "", "an organisation's key": "",
		"a key's policy": "the endorsement policy of single keys", "a private key": "the private collection",
		"a private key's policy": "the private collection", "a policy of an organisation's key": "the private collection",
	} {
		s := writing()[name]
		got := r.unjudged(&call{sets: []set{s}})
		if assert.Equal(t, want == "", got == "", name); want != "" {
			assert.Contains(t, got, want)
		}
	}
	s := writing()["a key"]
	s.namespace = "other"
	assert.Contains(t, r.unjudged(&call{sets: []set{s}}), `validated by the plugin "special"`)
	assert.Empty(t, r.unjudged(&call{sets: []set{{namespace: "other", public: new(kvrwset.KVRWSet)}}}), "it only reads")
	assert.Empty(t, r.unjudged(&call{sets: []set{{namespace: "unknown", public: new(kvrwset.KVRWSet)}}}))
}

func TestADefinitionIsReadAsFabricReadsIt(t *testing.T) {
	metadata := func(kind string) []byte { return encoded(t, &lifecycle.StateMetadata{Datatype: kind}) }
	field := func(info []byte) []byte {
		return encoded(t, &lifecycle.StateData{Type: &lifecycle.StateData_Bytes{Bytes: info}})
	}
	info := func(plugin, policy string) []byte {
		return field(encoded(t, &lifecycle.ChaincodeValidationInfo{ValidationPlugin: plugin, ValidationParameter: []byte(policy)}))
	}
	good := metadata(definitionType)
	for name, c := range map[string]struct{ metadata, info []byte }{
		"nothing":                  {nil, nil},
		"no metadata":              {nil, info("vscc", "p")},
		"metadata that is none":    {garbage, info("vscc", "p")},
		"metadata of another kind": {metadata("other"), info("vscc", "p")},
		"no fields":                {good, nil},
		"fields that are none":     {good, garbage},
		"a field that is none":     {good, field(garbage)},
		"no plugin":                {good, info("", "p")},
		"no policy":                {good, info("vscc", "")},
		"whole":                    {good, info("vscc", "p")},
	} {
		s, err := state.Open(t.TempDir())
		require.NoError(t, err)
		b := s.NewBatch()
		if c.metadata != nil {
			b.Put(lifecycleNamespace, "namespaces/metadata/cc", c.metadata, state.Version{})
		}
		if c.info != nil {
			b.Put(lifecycleNamespace, "namespaces/fields/cc/ValidationInfo", c.info, state.Version{})
		}
		require.NoError(t, s.Commit(b, state.Progress{}))
		r := &replay{store: s, definitions: map[string]*definition{}}
		d, err := r.definitionOf("cc")
		if name == "whole" {
			require.NoError(t, err)
			assert.Equal(t, &definition{plugin: "vscc", policy: []byte("p")}, d)
			assert.Same(t, d, r.definitions["cc"])
		} else {
			assert.ErrorIs(t, err, errNotDefined, name)
			assert.Empty(t, r.definitions, name)
		}
		require.NoError(t, s.Close())
	}
}

// creatorOf is a serialised identity that nobody has issued.
func creatorOf(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return encoded(t, &msp.SerializedIdentity{Mspid: "LabMSP", IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})})
}

// envelope is a call in its parts, each of which a test may spoil before it is put together.
type envelope struct {
	channel   *common.ChannelHeader
	signature *common.SignatureHeader
	proposer  *common.SignatureHeader
	extension *peer.ChaincodeHeaderExtension
	action    *peer.ChaincodeAction
	results   *rwset.TxReadWriteSet
	event     *peer.ChaincodeEvent

	// What stands in place of a part, if it is not nil.
	channelBytes, signatureBytes, payloadBytes, txBytes, proposerBytes, actionBytes, answerBytes []byte
	resultBytes, chaincodeBytes, extensionBytes, eventBytes                                      []byte
	noHeader, otherHash                                                                          bool
	actions                                                                                      int
}

func (e *envelope) bytes(t testing.TB) []byte {
	part := func(instead []byte, m proto.Message) []byte {
		if instead != nil {
			return instead
		}
		return encoded(t, m)
	}
	if e.event != nil || e.eventBytes != nil {
		e.action.Events = part(e.eventBytes, e.event)
	}
	e.channel.Extension = part(e.extensionBytes, e.extension)
	e.action.Results = part(e.resultBytes, e.results)
	channel := part(e.channelBytes, e.channel)
	signature, proposer := part(e.signatureBytes, e.signature), part(e.proposerBytes, e.proposer)
	hash := proof.ProposalHash(channel, proposer, nil)
	if e.otherHash {
		hash[0] ^= 1
	}
	answer := part(e.answerBytes, &peer.ProposalResponsePayload{ProposalHash: hash, Extension: part(e.chaincodeBytes, e.action)})
	one := &peer.TransactionAction{Header: proposer, Payload: part(e.actionBytes, &peer.ChaincodeActionPayload{
		Action: &peer.ChaincodeEndorsedAction{ProposalResponsePayload: answer},
	})}
	tx := &peer.Transaction{}
	for range e.actions {
		tx.Actions = append(tx.Actions, one)
	}
	payload := &common.Payload{Data: part(e.txBytes, tx)}
	if !e.noHeader {
		payload.Header = &common.Header{ChannelHeader: channel, SignatureHeader: signature}
	}
	return encoded(t, &common.Envelope{Payload: part(e.payloadBytes, payload)})
}

func TestAnEnvelopeIsJudgedAsFabricJudgesIt(t *testing.T) {
	creator := creatorOf(t)
	const (
		header   = peer.TxValidationCode_BAD_COMMON_HEADER
		signed   = peer.TxValidationCode_BAD_CREATOR_SIGNATURE
		broken   = peer.TxValidationCode_INVALID_ENDORSER_TRANSACTION
		unnamed  = peer.TxValidationCode_INVALID_CHAINCODE
		illegal  = peer.TxValidationCode_ILLEGAL_WRITESET
		unreadOf = peer.TxValidationCode_BAD_RWSET
	)
	for name, c := range map[string]struct {
		spoil func(e *envelope)
		code  peer.TxValidationCode
		why   string
	}{
		"nothing":                           {func(*envelope) {}, valid, ""},
		"an event":                          {func(e *envelope) { e.event = &peer.ChaincodeEvent{ChaincodeId: "cc"} }, valid, ""},
		"a payload that is none":            {func(e *envelope) { e.payloadBytes = garbage }, peer.TxValidationCode_BAD_PAYLOAD, "its payload can't be read"},
		"no header":                         {func(e *envelope) { e.noHeader = true }, header, "no header"},
		"a channel header that is none":     {func(e *envelope) { e.channelBytes = garbage }, header, "its channel header can't be read"},
		"a signature header that is none":   {func(e *envelope) { e.signatureBytes = garbage }, header, "its signature header can't be read"},
		"another type":                      {func(e *envelope) { e.channel.Type = int32(common.HeaderType_MESSAGE) }, header, "it is of type 0"},
		"another epoch":                     {func(e *envelope) { e.channel.Epoch = 1 }, header, "epoch 1"},
		"no nonce":                          {func(e *envelope) { e.signature.Nonce = nil }, header, "no nonce"},
		"no creator":                        {func(e *envelope) { e.signature.Creator = nil }, header, "no creator"},
		"another channel":                   {func(e *envelope) { e.channel.ChannelId = "other" }, signed, `it is of the channel "other"`},
		"a creator that is none":            {func(e *envelope) { e.signature.Creator = garbage }, signed, "creator:"},
		"an update of the configuration":    {func(e *envelope) { e.channel.Type = int32(common.HeaderType_CONFIG_UPDATE) }, peer.TxValidationCode_UNSUPPORTED_TX_PAYLOAD, "CONFIG_UPDATE"},
		"another id":                        {func(e *envelope) { e.channel.TxId = "x" }, peer.TxValidationCode_BAD_PROPOSAL_TXID, "make the id"},
		"no id":                             {func(e *envelope) { e.channel.TxId = "" }, peer.TxValidationCode_BAD_PROPOSAL_TXID, "make the id"},
		"actions that are none":             {func(e *envelope) { e.txBytes = garbage }, broken, "its actions can't be read"},
		"no action":                         {func(e *envelope) { e.actions = 0 }, broken, "it has 0 actions"},
		"two actions":                       {func(e *envelope) { e.actions = 2 }, broken, "it has 2 actions"},
		"a proposer that is none":           {func(e *envelope) { e.proposerBytes = garbage }, broken, "doesn't say who proposed it"},
		"a proposer without a nonce":        {func(e *envelope) { e.proposer = &common.SignatureHeader{Creator: creator} }, broken, "doesn't say who proposed it"},
		"a proposer without a name":         {func(e *envelope) { e.proposer = &common.SignatureHeader{Nonce: []byte("n")} }, broken, "doesn't say who proposed it"},
		"an action that is none":            {func(e *envelope) { e.actionBytes = garbage }, broken, "its action can't be read"},
		"an endorsed answer that is none":   {func(e *envelope) { e.answerBytes = garbage }, broken, "what was endorsed can't be read"},
		"an answer to something else":       {func(e *envelope) { e.otherHash = true }, broken, "no answer to what it asks"},
		"a chaincode's name that is none":   {func(e *envelope) { e.extensionBytes = garbage }, peer.TxValidationCode_BAD_HEADER_EXTENSION, "name can't be read"},
		"a chaincode's action that is none": {func(e *envelope) { e.chaincodeBytes = garbage }, peer.TxValidationCode_BAD_RESPONSE_PAYLOAD, "action can't be read"},
		"an empty action of the chaincode":  {func(e *envelope) { e.chaincodeBytes = []byte{} }, peer.TxValidationCode_BAD_RESPONSE_PAYLOAD, "action can't be read"},
		"results that are none":             {func(e *envelope) { e.resultBytes = garbage }, unreadOf, "what it read and wrote can't"},
		"a set that is none":                {func(e *envelope) { e.results.NsRwset[0].Rwset = garbage }, unreadOf, `in "x" can't be read`},
		"a collection that is none": {func(e *envelope) {
			e.results.NsRwset[0].CollectionHashedRwset = []*rwset.CollectionHashedReadWriteSet{{HashedRwset: garbage}}
		}, unreadOf, `in "x" can't be read`},
		"no chaincode asked":              {func(e *envelope) { e.extension.ChaincodeId = nil }, otherReason, "doesn't name its chaincode"},
		"no chaincode that answered":      {func(e *envelope) { e.action.ChaincodeId = nil }, otherReason, "doesn't name its chaincode"},
		"a chaincode without a name":      {func(e *envelope) { e.extension.ChaincodeId.Name, e.action.ChaincodeId.Name = "", "" }, unnamed, "has answered"},
		"another chaincode that answered": {func(e *envelope) { e.action.ChaincodeId.Name = "other" }, unnamed, `"other" in version`},
		"no version that answered":        {func(e *envelope) { e.action.ChaincodeId.Version = "" }, unnamed, `in version ""`},
		"an event that is none":           {func(e *envelope) { e.eventBytes = garbage }, otherReason, "its event"},
		"an event of another chaincode":   {func(e *envelope) { e.event = &peer.ChaincodeEvent{ChaincodeId: "other"} }, otherReason, `its event is of the chaincode "other"`},
		"two sets of a namespace":         {func(e *envelope) { e.results.NsRwset = append(e.results.NsRwset, e.results.NsRwset[0]) }, illegal, "two sets"},
		"two sets, and another fault": {func(e *envelope) {
			e.results.NsRwset = append(e.results.NsRwset, e.results.NsRwset[0])
			e.action.ChaincodeId = nil
		}, otherReason, "doesn't name"},
	} {
		t.Run(name, func(t *testing.T) {
			epoch := newEpoch(&proof.Config{Channel: "ch"})
			epoch.blind = true // signatures are another matter
			id := proof.TransactionID([]byte("nonce"), creator)
			e := &envelope{
				channel:   &common.ChannelHeader{Type: int32(common.HeaderType_ENDORSER_TRANSACTION), ChannelId: "ch", TxId: id},
				signature: &common.SignatureHeader{Creator: creator, Nonce: []byte("nonce")},
				proposer:  &common.SignatureHeader{Creator: creator, Nonce: []byte("nonce")},
				extension: &peer.ChaincodeHeaderExtension{ChaincodeId: &peer.ChaincodeID{Name: "cc"}},
				action:    &peer.ChaincodeAction{ChaincodeId: &peer.ChaincodeID{Name: "cc", Version: "1"}, Response: &peer.Response{Status: 200}},
				results:   &rwset.TxReadWriteSet{NsRwset: []*rwset.NsReadWriteSet{{Namespace: "x"}}},
				actions:   1,
			}
			c.spoil(e)
			got := epoch.examine(3, 5, e.bytes(t))
			assert.Equal(t, 5, got.position)
			code, why := got.code, got.why
			if code == valid && got.call != nil {
				code, why = got.call.code, got.call.why
			}
			assert.Equal(t, c.code, code, why)
			assert.Contains(t, why, c.why)
			if name != "nothing" && name != "an event" {
				return
			}
			assert.Equal(t, id, got.id)
			assert.Equal(t, creator, got.call.proposer)
			assert.Equal(t, "cc", got.call.chaincode)
			assert.EqualValues(t, 200, got.call.answer.GetStatus())
			assert.Equal(t, name == "an event", got.call.event)
			assert.Len(t, got.call.sets, 1)
		})
	}
	got := newEpoch(&proof.Config{Channel: "ch"}).examine(3, 0, garbage)
	assert.Equal(t, otherReason, got.code)
	assert.Contains(t, got.why, "its envelope can't be read")
	unsigned := &envelope{
		channel:   &common.ChannelHeader{Type: int32(common.HeaderType_CONFIG), ChannelId: "ch"},
		signature: &common.SignatureHeader{Creator: creator, Nonce: []byte("nonce")}, proposer: new(common.SignatureHeader),
		extension: new(peer.ChaincodeHeaderExtension), action: new(peer.ChaincodeAction), results: new(rwset.TxReadWriteSet),
	}
	config := newEpoch(&proof.Config{Channel: "ch", Organisations: map[string]*proof.Organisation{}})
	assert.Equal(t, valid, config.examine(0, 0, unsigned.bytes(t)).code, "the genesis block")
	assert.Equal(t, signed, config.examine(1, 0, unsigned.bytes(t)).code, "any other")
	unsigned.channel.Type = int32(common.HeaderType_ENDORSER_TRANSACTION)
	assert.Equal(t, signed, config.examine(0, 0, unsigned.bytes(t)).code, "a call in the genesis block")
	config = newEpoch(&proof.Config{Channel: "ch"})
	config.blind = true
	unsigned.channel.Type = int32(common.HeaderType_CONFIG)
	got = config.examine(1, 0, unsigned.bytes(t))
	assert.Equal(t, valid, got.code)
	assert.Equal(t, proof.TransactionID([]byte("nonce"), creator), got.id, "peers make one where there is none")
}

func TestWhatWasDecidedIsRemembered(t *testing.T) {
	e := newEpoch(&proof.Config{})
	asked := 0
	meets := func(policy string, number uint32) {
		_ = e.meets(policy, []*identity{{number: number}}, func([]*proof.Identity) error { asked++; return nil })
	}
	meets("a", 1)
	meets("a", 1)
	assert.Equal(t, 1, asked)
	meets("a", 2)
	meets("b", 1)
	assert.Equal(t, 3, asked)
	sum := sha256.Sum256(nil)
	first := e.identity(sum[:])
	assert.Error(t, first.err)
	assert.Same(t, first, e.identity(sum[:]))
	assert.NotEqual(t, first.number, e.identity([]byte("other")).number)
	stranger := e.identity(creatorOf(t))
	assert.Equal(t, proof.UnknownOrganisation, proof.ReasonOf(stranger.err))
	assert.Error(t, e.verify(stranger, nil, nil))
}

func TestEndorsersCountOnceEach(t *testing.T) {
	e := newEpoch(&proof.Config{})
	e.blind = true // signatures are another matter
	first, second := creatorOf(t), creatorOf(t)
	var m msp.SerializedIdentity
	require.NoError(t, proto.Unmarshal(first, &m))
	m.Mspid = "HarborMSP"
	var list []*peer.Endorsement
	for _, endorser := range [][]byte{first, garbage, second, first, encoded(t, &m), second} {
		list = append(list, &peer.Endorsement{Endorser: endorser})
	}
	var found []string
	for _, id := range e.endorsers(nil, list) {
		found = append(found, id.MSPID)
	}
	assert.Equal(t, []string{"LabMSP", "LabMSP", "HarborMSP"}, found)
}
