package chaincode_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/attrmgr"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// ledger is a world state to try the rules on, one transaction at a time, with
// no network and no endorsement. The tests of the whole product use a real
// ledger.
type ledger struct {
	t     testing.TB
	cc    *contractapi.ContractChaincode
	state map[string][]byte
	next  int
	tx    string // id of the next transaction; empty: any

	failAt int // number of the call to the peer, from 1, that fails in the next transaction
}

func newLedger(t testing.TB) *ledger { return newLedgerBy(t, chaincode.First) }

// newLedgerBy makes a ledger on which a version of the rules is in force.
func newLedgerBy(t testing.TB, rules chaincode.Rules) *ledger {
	cc, err := chaincode.New(rules)
	require.NoError(t, err)
	return &ledger{t: t, cc: cc, state: map[string][]byte{}}
}

// withoutRole is the role of a certificate that has attributes, and no role among them.
const withoutRole = "client without a role"

// who is a submitter: an organisation, and the unit of a member, such as admin or client. A member of the unit idemix
// has no certificate.
type who struct {
	msp  string
	ou   string
	role string // as an attribute of the certificate; empty: none
}

var (
	harbor      = who{msp: "HarborMSP", ou: "client"}
	harborAdmin = who{msp: "HarborMSP", ou: "admin"}
	lab         = who{msp: "LabMSP", ou: "client"}
	labAdmin    = who{msp: "LabMSP", ou: "admin"}
	market      = who{msp: "MarketMSP", ou: "client"}
)

// transaction is the stub of one submit or read. A call that it doesn't override panics.
type transaction struct {
	shim.ChaincodeStubInterface
	ledger *ledger
	tx     string
	args   [][]byte
	with   map[string][]byte // transient data
	who    who
	writes map[string][]byte
	scans  int
	ranges int

	failAt, calls int
	gets          int   // number of keys that were read one by one
	fetches       []int // for each round trip, the number of keys that were read
	batching      bool  // a write batch has been started
	asked         bool  // the submitter has been asked for, by the contract API
}

// errNoPeer is the error of the call that failAt selects.
var errNoPeer = errors.New("the peer doesn't answer")

func (s *transaction) call() error {
	if s.calls++; s.calls == s.failAt {
		return errNoPeer
	}
	return nil
}

func (s *transaction) GetArgs() [][]byte                        { return s.args }
func (s *transaction) GetTransient() (map[string][]byte, error) { return s.with, s.call() }
func (s *transaction) GetFunctionAndParameters() (string, []string) {
	var params []string
	for _, a := range s.args[1:] {
		params = append(params, string(a))
	}
	return string(s.args[0]), params
}
func (s *transaction) GetTxID() string { return s.tx }
func (s *transaction) GetCreator() ([]byte, error) {
	if s.asked = !s.asked; s.asked { // by the contract API, for what we don't use
		return creators(s.who), nil
	}
	return creators(s.who), s.call()
}
func (s *transaction) GetTxTimestamp() (*timestamppb.Timestamp, error) {
	return timestamppb.New(time.Date(2026, 3, 1, 8, 0, s.ledger.next, 0, time.UTC)), s.call()
}
func (s *transaction) GetState(key string) ([]byte, error) {
	sendable(key)
	s.gets++
	return s.ledger.state[key], s.call()
}
func (s *transaction) GetMultipleStates(keys ...string) ([][]byte, error) {
	sendable(keys...)
	s.fetches = append(s.fetches, len(keys))
	values := make([][]byte, len(keys))
	for i, k := range keys {
		values[i] = s.ledger.state[k]
	}
	return values, s.call()
}

// sendable panics if a text for the peer isn't valid UTF-8. The real stub does
// so, too, and ends the whole chaincode process.
func sendable(texts ...string) {
	for _, text := range texts {
		if !utf8.ValidString(text) {
			panic(fmt.Sprintf("%q can't be sent to the peer", text))
		}
	}
}

func (s *transaction) StartWriteBatch() { s.batching = true }
func (s *transaction) FinishWriteBatch() error {
	s.batching = false
	return s.call()
}
func (s *transaction) PutState(key string, value []byte) error {
	if !s.batching {
		panic("a round trip for one key")
	}
	s.writes[key] = value
	return s.call()
}
func (s *transaction) GetStateByRangeWithPagination(start, end string, size int32, bookmark string) (shim.StateQueryIteratorInterface, *peer.QueryResponseMetadata, error) {
	s.scans++
	sendable(start, end, bookmark)
	rows := &rows{transaction: s}
	meta := &peer.QueryResponseMetadata{Bookmark: end} // a peer with CouchDB has one behind the last key, too
	for _, k := range slices.Sorted(maps.Keys(s.ledger.state)) {
		if k < max(start, bookmark) || k >= end {
			continue
		}
		if len(rows.left) == int(size) {
			meta.Bookmark = k
			break
		}
		rows.left = append(rows.left, &queryresult.KV{Key: k, Value: s.ledger.state[k]})
	}
	if len(rows.left) == int(size) && meta.Bookmark == end {
		meta.Bookmark = ""
	}
	return rows, meta, s.call()
}

func (s *transaction) GetStateByRange(start, end string) (shim.StateQueryIteratorInterface, error) {
	s.ranges++
	sendable(start, end)
	rows := &rows{transaction: s}
	for _, k := range slices.Sorted(maps.Keys(s.ledger.state)) {
		if k >= start && k < end {
			rows.left = append(rows.left, &queryresult.KV{Key: k, Value: s.ledger.state[k]})
		}
	}
	return rows, s.call()
}

type rows struct {
	shim.StateQueryIteratorInterface
	transaction *transaction
	left        []*queryresult.KV
}

func (r *rows) HasNext() bool { return len(r.left) > 0 }
func (r *rows) Close() error  { return nil }
func (r *rows) Next() (*queryresult.KV, error) {
	kv := r.left[0]
	r.left = r.left[1:]
	return kv, r.transaction.call()
}

var certificates = map[who][]byte{}

// creators makes the certificate of a submitter and remembers it.
func creators(w who) []byte {
	if made, ok := certificates[w]; ok {
		return made
	}
	if w.ou == "idemix" {
		id, err := proto.Marshal(&msp.SerializedIdentity{Mspid: w.msp})
		if err != nil {
			panic(err)
		}
		return id
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "somebody", OrganizationalUnit: []string{w.ou}},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	if w.role != "" {
		attribute := chaincode.RoleAttribute
		if w.role == withoutRole {
			attribute = "hf.Type"
		}
		template.ExtraExtensions = []pkix.Extension{{Id: attrmgr.AttrOID, Value: fmt.Appendf(nil, `{"attrs":{%q:%q}}`, attribute, w.role)}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	id, err := proto.Marshal(&msp.SerializedIdentity{Mspid: w.msp, IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})})
	if err != nil {
		panic(err)
	}
	certificates[w] = id
	return id
}

// invoke runs a function as one transaction and keeps what it wrote if it
// succeeded.
func (l *ledger) invoke(w who, function string, args ...[]byte) (*peer.Response, *transaction) {
	return l.transact(w, function, nil, args...)
}

// send invokes a submit with a pack and witnesses.
func (l *ledger) send(w who, function string, pack, witnesses []byte) (*peer.Response, *transaction) {
	return l.transact(w, function, map[string][]byte{record.TransientPack: pack}, witnesses)
}

func (l *ledger) transact(w who, function string, with map[string][]byte, args ...[]byte) (*peer.Response, *transaction) {
	l.next++
	id := sha256.Sum256(fmt.Append(nil, l.next))
	tx := hex.EncodeToString(id[:])
	if l.tx != "" {
		tx, l.tx = l.tx, ""
	}
	s := &transaction{ledger: l, tx: tx, args: append([][]byte{[]byte(function)}, args...), with: with, who: w, writes: map[string][]byte{}, failAt: l.failAt}
	l.failAt = 0
	response := l.cc.Invoke(s)
	if response.Status == shim.OK {
		maps.Copy(l.state, s.writes)
	}
	return response, s
}

// submit submits records and returns what was wrong with them, and the
// transaction.
func (l *ledger) submit(w who, function string, witnesses map[string]record.Place, records ...*record.Record) (*record.Rejection, string) {
	l.t.Helper()
	bodies := make([][]byte, len(records))
	for i, r := range records {
		bodies[i] = r.Body
	}
	pack, err := record.Pack(bodies)
	require.NoError(l.t, err)
	witnessText, err := json.Marshal(witnesses)
	require.NoError(l.t, err)
	response, s := l.send(w, function, pack, witnessText)
	require.Zero(l.t, s.scans, "peers refuse writes after a query with pages")
	if !slices.ContainsFunc(records, aboutPrefixes) {
		require.Zero(l.t, s.ranges, "no submit scans a range, but those about company prefixes")
	}
	if response.Status == shim.OK {
		require.Contains(l.t, s.writes, record.PackKey(s.tx))
		l.expectOnly(s, pack)
		return nil, s.tx
	}
	rejection, ok := record.ParseRejection(response.Message)
	require.True(l.t, ok, response.Message)
	return rejection, s.tx
}

// aboutPrefixes reports whether a record may claim a company prefix or approve such a claim.
func aboutPrefixes(r *record.Record) bool {
	return r.Version >= 2 && r.Statement != nil && (r.Statement.Kind == record.Prefix || r.Statement.Kind == record.Approval)
}

// expectOnly checks that the submitter would sign what the transaction wrote,
// and nothing that differs from it.
func (l *ledger) expectOnly(s *transaction, pack []byte) {
	l.t.Helper()
	header, _, err := record.ParsePackValue(s.writes[record.PackKey(s.tx)])
	require.NoError(l.t, err)
	expected, err := record.SubmitWrites(header, s.tx, pack)
	require.NoError(l.t, err)
	var writes []record.Write
	for _, key := range slices.Sorted(maps.Keys(s.writes)) {
		writes = append(writes, record.Write{Key: key, Value: s.writes[key]})
	}
	require.NoError(l.t, expected.Check(writes))
	for i := range writes {
		for what, change := range map[string]func(*record.Write){
			"another value": func(w *record.Write) { w.Value = append([]byte("1"), w.Value...) },
			"another key":   func(w *record.Write) { w.Key += "x" },
			"a delete":      func(w *record.Write) { w.Delete = true },
		} {
			if what == "another key" && bytes.Contains(writes[i].Value, []byte(`"retracted":true`)) {
				continue // Check can't notice: only the retracted statement says which node it is
			}
			if what == "another value" && bytes.HasSuffix(writes[i].Value, []byte(" retracted")) {
				require.Error(l.t, expected.Check(changedTo(writes, i, change)), "the id of no retracted statement")
				continue
			}
			changed := slices.Clone(writes)
			change(&changed[i])
			require.Error(l.t, expected.Check(changed), "%s at %s", what, writes[i].Key)
		}
	}
	require.Error(l.t, expected.Check(append(slices.Clone(writes), writes[0])), "a key written twice")
	for _, key := range []string{"m/MarketMSP", "n/fda", "w/dataset/lab/readings@1", "zzz", ""} {
		if _, written := s.writes[key]; !written {
			require.Error(l.t, expected.Check(append(slices.Clone(writes), record.Write{Key: key, Value: []byte(`{}`)})), key)
		}
	}
	missing := slices.DeleteFunc(slices.Clone(writes), func(w record.Write) bool { return w.Key == record.PackKey(s.tx) })
	require.Error(l.t, expected.Check(missing), "the pack is missing")
	missing = slices.DeleteFunc(slices.Clone(writes), func(w record.Write) bool { return w.Key[:2] == "r/" })
	require.Error(l.t, expected.Check(missing), "the pointers are missing")
}

func changedTo(writes []record.Write, i int, change func(*record.Write)) []record.Write {
	changed := slices.Clone(writes)
	change(&changed[i])
	return changed
}

// accept submits records that the ledger must accept.
func (l *ledger) accept(w who, function string, witnesses map[string]record.Place, records ...*record.Record) string {
	l.t.Helper()
	rejection, tx := l.submit(w, function, witnesses, records...)
	require.Nil(l.t, rejection)
	return tx
}

// refuse submits records that the ledger must refuse with the given code, and checks that nothing was written.
func (l *ledger) refuse(code string, w who, function string, witnesses map[string]record.Place, records ...*record.Record) record.Problem {
	l.t.Helper()
	before := len(l.state)
	rejection, _ := l.submit(w, function, witnesses, records...)
	require.NotNil(l.t, rejection, "this should have been refused as "+code)
	require.Equal(l.t, code, rejection.Problems[0].Code, rejection.Error())
	require.NotEmpty(l.t, rejection.Problems[0].Detail)
	require.Len(l.t, l.state, before)
	return rejection.Problems[0]
}

func (l *ledger) read(function string, args ...string) (string, *record.Rejection) {
	l.t.Helper()
	var raw [][]byte
	for _, a := range args {
		raw = append(raw, []byte(a))
	}
	response, s := l.invoke(market, function, raw...)
	require.Empty(l.t, s.writes, "a read writes nothing")
	if response.Status == shim.OK {
		return string(response.Payload), nil
	}
	rejection, ok := record.ParseRejection(response.Message)
	require.True(l.t, ok, response.Message)
	return "", rejection
}

// value reads JSON that a test wrote.
func value(t *testing.T, text string) canonical.Value {
	t.Helper()
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	require.NoError(t, err, text)
	return v
}

func made(t *testing.T) func(*record.Record, []record.Problem) *record.Record {
	return func(r *record.Record, problems []record.Problem) *record.Record {
		t.Helper()
		require.Empty(t, problems)
		return r
	}
}

func event(t *testing.T, lot string) *record.Record {
	return made(t)(record.NewEvent(value(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+01:00","action":"ADD","bizStep":"commissioning",
		"quantityList":[{"epcClass":"https://id.gs1.org/01/09521321000018/10/`+lot+`","quantity":40,"uom":"KGM"}]}`), canonical.Str("https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld")))
}

// artifact, activity, statement and member make records of version 1. Those of version 2 are in versions_test.go.

func artifact(t *testing.T, ref, content string, derivedFrom ...string) *record.Record {
	r, err := record.ParseArtifactRef(ref)
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(content))
	from, err := json.Marshal(derivedFrom)
	require.NoError(t, err)
	v := value(t, fmt.Sprintf(`{"kind":%q,"namespace":%q,"name":%q,"version":%q,"digest":{"algorithm":"sha-256","value":"%x","coverage":"full"},"derivedFrom":%s}`, r.Kind, r.Namespace, r.Name, r.Version, sum, from))
	if len(derivedFrom) == 0 {
		v = v.Without("derivedFrom")
	}
	return made(t)(record.NewArtifact(v.With("record", canonical.Str("artifact/1")), ""))
}

func activity(t *testing.T, text string) *record.Record {
	return made(t)(record.NewActivity(value(t, text).With("record", canonical.Str("activity/1")), ""))
}

// statement1 makes a statement of version 1, which names nobody.
func statement1(v canonical.Value, digestOf func(string) string) (*record.Record, []record.Problem) {
	return record.NewStatement(v.With("record", canonical.Str("statement/1")), "", digestOf)
}

func statement(t *testing.T, kind, subject, predicate string, digests ...string) *record.Record {
	return made(t)(record.NewStatement(value(t, fmt.Sprintf(`{"record":"statement/1","kind":%q,"subject":[%q],"predicate":%s}`, kind, subject, predicate)), "", func(string) string {
		if len(digests) > 0 {
			return digests[0]
		}
		return ""
	}))
}

func member(t *testing.T, msp string, namespaces ...string) *record.Record {
	list, err := json.Marshal(append([]string{}, namespaces...))
	require.NoError(t, err)
	return made(t)(record.NewMember(value(t, fmt.Sprintf(`{"record":"member/1","mspId":%q,"name":"An organisation","namespaces":%s}`, msp, list))))
}

// consortium makes a ledger on which harbor and lab have claimed their namespaces.
func consortium(t *testing.T) *ledger {
	l := newLedger(t)
	l.accept(harborAdmin, "Members:Submit", nil, member(t, "HarborMSP", "harbor"))
	l.accept(labAdmin, "Members:Submit", nil, member(t, "LabMSP", "lab", "lab.trials"))
	return l
}
