package gateway

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/signing"
	"github.com/pedigree-ledger/pedigree/network"
)

// keyIn reads the key of a person in a folder.
func keyIn(t *testing.T, mspID, dir string) *signing.Key {
	t.Helper()
	certificate, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "key.pem"))
	require.NoError(t, err)
	key, err := signing.NewKey(mspID, certificate, text)
	require.NoError(t, err)
	return key
}

// personOf certifies somebody of an organisation.
func personOf(t *testing.T, org, name, role string) *signing.Key {
	t.Helper()
	n := startNetwork(t)
	dir, err := network.AddUser(t.Context(), network.User{Dir: filepath.Join(n.Dir(), org), Name: name, Role: role, Days: 1})
	require.NoError(t, err)
	return keyIn(t, strings.ToUpper(org[:1])+org[1:]+"MSP", dir)
}

// posts sends a value as JSON to an operation.
type posts func(operation, path, body string) reply

func (d door) posts(_, path, body string) reply {
	d.t.Helper()
	return d.do(http.MethodPost, path, body)
}

// send posts a body, and reads the answer if it is a good one.
func (p posts) send(t *testing.T, operation string, body, into any) reply {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	r := p(operation, "/v1/"+operation, string(text))
	if r.status < 400 {
		require.NoError(t, json.Unmarshal(r.body, into), string(r.body))
	}
	return r
}

// signs takes a record through the three steps, until one of them is refused. It returns the last answer, and what was
// submitted.
func (p posts) signs(t *testing.T, key *signing.Key, noun record.Noun, body string) (reply, map[string]any) {
	t.Helper()
	s, err := signing.Begin(key, signing.Intent{Channel: "pedigree", Chaincode: "pedigree", Noun: noun, Body: []byte(body)})
	require.NoError(t, err)
	var prepared signing.Preparation
	if r := p.send(t, "prepare", s.Request(), &prepared); r.status >= 400 || prepared.Recorded != nil {
		return r, nil
	}
	first, err := s.Proposal(prepared)
	require.NoError(t, err)
	var endorsed signing.Endorsed
	if r := p.send(t, "endorse", map[string]any{"proposal": first.Bytes, "signature": first.Signature}, &endorsed); r.status >= 400 {
		return r, nil
	}
	second, err := s.Transaction(endorsed)
	require.NoError(t, err)
	submitted := map[string]any{"payload": second.Bytes, "signature": second.Signature}
	return p.send(t, "submit", submitted, new(outcome)), submitted
}

func outcomeOf(t *testing.T, r reply) (o outcome) {
	t.Helper()
	require.NoError(t, json.Unmarshal(r.body, &o), string(r.body))
	return o
}

func TestTwoTransactionsWithOneNonceGetOneReceipt(t *testing.T) {
	harbor := doorOf(t, "harbor", "submitter")
	thing := "https://id.gs1.org/01/09520001000014/10/" + fresh("nonce")
	dir, err := network.AddUser(t.Context(), network.User{Dir: filepath.Join(startNetwork(t).Dir(), "harbor"), Name: "Eve", Role: network.Submitter, Days: 1})
	require.NoError(t, err)
	eve, err := ledger.LoadIdentity("HarborMSP", filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	require.NoError(t, err)
	certificate, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	require.NoError(t, err)
	harbor.post("/epcis/v2/events", `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"ObjectEvent","eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+00:00",
		"action":"ADD","bizStep":"commissioning","quantityList":[{"epcClass":"`+thing+`","quantity":1}]}`, http.StatusCreated)
	call := posts(harbor.posts)
	signed := func(name string, content []byte) map[string]any {
		signature, err := eve.Sign(content)
		require.NoError(t, err)
		return map[string]any{name: content, "signature": signature}
	}
	at, nonce := time.Now().UTC().Format(time.RFC3339Nano), make([]byte, 24)
	copy(nonce, fresh("nonce"))
	endorsed := func(reason string) map[string]any { // before any of them is on the ledger
		body := `{"kind":"recall","subject":["` + thing + `"],"predicate":{"reason":"` + reason + `"}}`
		var p signing.Preparation
		r := call.send(t, "prepare", map[string]any{"noun": "statement", "record": json.RawMessage(body),
			"certificate": string(certificate), "nonce": nonce, "time": at}, &p)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		var e signing.Endorsed
		r = call.send(t, "endorse", signed("proposal", p.Proposal), &e)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		return signed("payload", e.Payload)
	}
	thawed, sold := endorsed("thawed"), endorsed("sold")
	r := call.send(t, "submit", thawed, new(outcome))
	require.Equal(t, http.StatusCreated, r.status, string(r.body))
	first := outcomeOf(t, r)
	r = call.send(t, "submit", sold, new(outcome))
	assert.Equal(t, http.StatusConflict, r.status, string(r.body))
	assert.Contains(t, string(r.body), first.Tx+" is on the ledger with other records")
	r = call.send(t, "submit", thawed, new(outcome))
	require.Equal(t, http.StatusCreated, r.status, string(r.body))
	assert.Equal(t, first, outcomeOf(t, r))
}

func TestAPersonSignsARecall(t *testing.T) {
	name := fresh("signed")
	harbor, market := doorOf(t, "harbor", "submitter"), doorOf(t, "market", "submitter")
	ada := personOf(t, "harbor", "Ada Lovelace", network.Submitter)
	thing := "https://id.gs1.org/01/09520001000014/10/" + name
	harbor.post("/epcis/v2/events", `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"ObjectEvent","eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+00:00",
		"action":"ADD","bizStep":"commissioning","quantityList":[{"epcClass":"`+thing+`","quantity":1}]}`, http.StatusCreated)
	body := `{"kind":"recall","subject":["` + thing + `"],"predicate":{"reason":"<thawed> & sold"}}`
	call := posts(harbor.posts)

	r, submitted := call.signs(t, ada, record.NounStatement, body)
	require.Equal(t, http.StatusCreated, r.status, string(r.body))
	recall := outcomeOf(t, r)
	assert.Equal(t, "HarborMSP", recall.MSPID)
	assert.Equal(t, "/v1/records/"+url.PathEscape(recall.ID), r.header.Get("Location"))

	t.Run("submitted again", func(t *testing.T) {
		again := call.send(t, "submit", submitted, new(outcome))
		require.Equal(t, http.StatusCreated, again.status, string(again.body))
		assert.Equal(t, recall, outcomeOf(t, again), "it is recorded once, and the receipt is the same")
	})
	t.Run("prepared again", func(t *testing.T) {
		r, _ := call.signs(t, ada, record.NounStatement, body)
		var p struct{ Recorded outcome }
		require.NoError(t, json.Unmarshal(r.body, &p))
		assert.True(t, p.Recorded.AlreadyRecorded)
		assert.Equal(t, recall.Tx, p.Recorded.Tx)
	})
	t.Run("it is proved to be signed by the person, without the gateway", func(t *testing.T) {
		var shown struct{ Recordings []struct{ Subject string } }
		require.NoError(t, json.Unmarshal(harbor.get("/v1/records/"+record.ID(recall.ID).Hex()).body, &shown))
		assert.Equal(t, "Ada Lovelace", record.SignerName(shown.Recordings[0].Subject))
		text := harbor.get("/v1/records/" + record.ID(recall.ID).Hex() + "/proof?level=block").body
		genesis, err := os.ReadFile(startNetwork(t).GenesisFile())
		require.NoError(t, err)
		var block common.Block
		require.NoError(t, proto.Unmarshal(genesis, &block))
		first, err := proof.OpenBlock(&block)
		require.NoError(t, err)
		trust, err := proof.NewTrust(first, nil, network.ChaincodeName, 0)
		require.NoError(t, err)
		p, err := proof.Parse(text)
		require.NoError(t, err)
		verdict, err := proof.Verify(p, trust, proof.Wanted{ID: record.ID(recall.ID)})
		require.NoError(t, err)
		require.Len(t, verdict.Records, 1)
		assert.Contains(t, verdict.Records[0].Ordered.SubmittedBy, "HarborMSP, CN=Ada Lovelace,")
		assert.Equal(t, "Ada Lovelace", record.SignerName(verdict.Records[0].Recordings[0].Subject))
	})
	t.Run("refused", func(t *testing.T) {
		other := strings.Replace(body, "recall", "finding", 1)
		other = strings.Replace(other, "reason", "detail", 1)
		auditor := personOf(t, "harbor", "Alan Turing", network.Auditor)
		r, _ := call.signs(t, auditor, record.NounStatement, other)
		assert.Equal(t, http.StatusForbidden, r.status, string(r.body))
		assert.Equal(t, "not_submitter", outcomeOf(t, r).Problems[0].Code, "an auditor's certificate, with a submitter's token")

		r = call.send(t, "submit", map[string]any{"payload": submitted["payload"], "signature": []byte("x")}, nil)
		assert.Equal(t, http.StatusBadRequest, r.status, string(r.body))
		r, _ = posts(doorOf(t, "harbor", "auditor").posts).signs(t, ada, record.NounStatement, other)
		assert.Equal(t, http.StatusForbidden, r.status, "an auditor's token")
		r = posts(market.posts).send(t, "submit", submitted, nil)
		assert.Equal(t, http.StatusForbidden, r.status, "another organisation's gateway")
		assert.Contains(t, string(r.body), "gateway of the submitter's own organisation")
	})
	t.Run("by a key that the organisation hasn't certified", func(t *testing.T) {
		key := keyIn(t, "HarborMSP", filepath.Join(startNetwork(t).Dir(), "market", "users", "submitter"))
		r, _ := call.signs(t, key, record.NounStatement, strings.Replace(body, "sold", "lost", 1))
		assert.Equal(t, http.StatusForbidden, r.status, string(r.body))
		assert.Contains(t, string(r.body), "the peers refuse the certificate")
	})
	t.Run("too late", func(t *testing.T) {
		r := call.send(t, "prepare", map[string]any{"noun": "statement", "record": json.RawMessage(body), "certificate": ada.Certificate(),
			"time": time.Now().Add(-time.Hour)}, nil)
		assert.Equal(t, http.StatusBadRequest, r.status)
		assert.Contains(t, string(r.body), "15 minutes")
	})
}
