package api

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// prover says what it was asked and answers what it is told to.
type prover struct {
	proof *proof.Proof
	err   error

	ids   []record.ID
	trace *proof.Trace
	level proof.Level
	agree int
}

func (p *prover) Prove(_ context.Context, id record.ID, level proof.Level, agree int) (*proof.Proof, error) {
	p.ids, p.trace, p.level, p.agree = []record.ID{id}, nil, level, agree
	return p.proof, p.err
}

func (p *prover) ProveTrace(_ context.Context, t proof.Trace, ids []record.ID, level proof.Level, agree int) (*proof.Proof, error) {
	p.ids, p.trace, p.level, p.agree = ids, &t, level, agree
	return p.proof, p.err
}

func (p *prover) Trust(context.Context) (*proof.Trust, error) { return nil, p.err }

func TestProofsAreAnsweredAsTheyWereMade(t *testing.T) {
	f := newFixture(t)
	_, dataset := f.story()
	p := &prover{proof: &proof.Proof{Channel: "pedigree", Chaincode: "pedigree"}}
	f.server.Prover = p
	path := "/v1/records/" + record.ID(dataset).Hex() + "/proof"

	a := f.do(request{path: path + "?level=block&organisations=2", role: "auditor"})
	require.Equal(t, http.StatusOK, a.status, a.body)
	assert.Equal(t, string(p.proof.Bytes()), a.body)
	assert.Equal(t, []record.ID{record.ID(dataset)}, p.ids)
	assert.Equal(t, proof.LevelBlock, p.level)
	assert.Equal(t, 2, p.agree)
	for _, role := range []string{"submitter", "operator"} {
		assert.Equal(t, http.StatusOK, f.do(request{path: path, role: role}).status)
		assert.Equal(t, proof.LevelReceipt, p.level)
	}

	a = f.do(request{path: "/v1/lineage/proof?node=dataset/lab/readings@1"})
	require.Equal(t, http.StatusOK, a.status, a.body)
	assert.Equal(t, &proof.Trace{Node: "dataset/lab/readings@1", Direction: "ancestors"}, p.trace)
	assert.Equal(t, []record.ID{record.ID(dataset)}, p.ids)
}

func TestProofsThatCannotBeMade(t *testing.T) {
	f := newFixture(t)
	_, dataset := f.story()
	p := new(prover)
	f.server.Prover = p
	path := "/v1/records/" + record.ID(dataset).Hex() + "/proof"

	t.Run("not everybody has it yet", func(t *testing.T) {
		p.err = &proof.NotYet{Have: []string{"LabMSP"}, Lack: []string{"MarketMSP"}}
		a := f.do(request{path: path})
		assert.Equal(t, http.StatusAccepted, a.status)
		assert.NotEmpty(t, a.header.Get("Retry-After"))
		assert.JSONEq(t, `{"state":"pending","have":["LabMSP"],"lack":["MarketMSP"]}`, a.body)
	})
	t.Run("nobody who can be asked has it yet", func(t *testing.T) {
		p.err = proof.ErrNotFound
		a := f.do(request{path: path})
		assert.Equal(t, http.StatusAccepted, a.status)
		assert.NotEmpty(t, a.header.Get("Retry-After"))
	})
	t.Run("too few can be asked", func(t *testing.T) {
		p.err = &proof.TooFew{Have: []string{"LabMSP"}, Need: 2, Problem: "away"}
		a := f.do(request{path: path})
		assert.Equal(t, http.StatusServiceUnavailable, a.status)
		assert.NotEmpty(t, a.header.Get("Retry-After"))
		assert.Equal(t, "ledger_unavailable", a.problem(t).Code)
	})
	t.Run("the network gave what is no proof", func(t *testing.T) {
		p.err = &proof.Refusal{Reason: proof.BadSignature, Detail: "it is bad"}
		a := f.do(request{path: path})
		assert.Equal(t, http.StatusServiceUnavailable, a.status)
		assert.Contains(t, a.problem(t).Detail, "bad_signature")
	})
	for _, test := range []struct {
		name, path, role string
		status           int
	}{
		{"no such record", "/v1/records/" + record.Sum(nil).Hex() + "/proof", "", http.StatusNotFound},
		{"no id", "/v1/records/fish/proof", "", http.StatusBadRequest},
		{"no such level", path + "?level=oath", "", http.StatusBadRequest},
		{"nobody needs to sign", path + "?organisations=0", "", http.StatusBadRequest},
		{"nobody in particular asks", path, "nobody", http.StatusUnauthorized},
		{"an unknown node", "/v1/lineage/proof?node=dataset/lab/none@1", "", http.StatusNotFound},
		{"both directions", "/v1/lineage/proof?node=dataset/lab/readings@1&direction=both", "", http.StatusBadRequest},
		{"a longer walk than was allowed", "/v1/lineage/proof?node=urn:epc:id:sgtin:952005.0101010.S1&limit=0", "", http.StatusBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.status, f.do(request{path: test.path, role: test.role}).status)
		})
	}
}

func TestALineagesProofHasWhatIsSaidOfItsRecords(t *testing.T) {
	f := newFixture(t)
	_, dataset := f.story()
	const seen = `{"type":"ObjectEvent","eventID":"urn:uuid:2f1e2d3c-0000-4000-8000-000000000001","eventTime":"2026-03-01T09:00:00Z","action":"OBSERVE","epcList":["urn:epc:id:sgtin:952005.0101010.S1"]`
	event := f.ledger.Put("Harbor", indextest.Event(f.t, seen+`}`))
	finding := f.ledger.Put("Market", indextest.Statement(f.t, record.Finding, `{"detail":"one sensor was off"}`,
		"dataset/lab/readings@1"))
	retraction := f.ledger.Put("Market", indextest.Statement(f.t, record.Retraction, `{"reason":"it was not"}`,
		finding))
	wrong := f.ledger.Put("Harbor", indextest.Event(f.t,
		seen+`,"errorDeclaration":{"declarationTime":"2026-03-02T08:00:00Z"}}`))
	p := &prover{proof: &proof.Proof{Channel: "pedigree", Chaincode: "pedigree"}}
	f.server.Prover = p
	for node, want := range map[string][]string{"dataset/lab/readings@1": {dataset, finding, retraction},
		event: {event, wrong}} {
		a := f.do(request{path: "/v1/lineage/proof?direction=descendants&node=" + url.QueryEscape(node)})
		require.Equal(t, http.StatusOK, a.status, a.body)
		for _, id := range want {
			assert.Contains(t, p.ids, record.ID(id), node)
		}
	}
}
