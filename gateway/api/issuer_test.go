package api

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func TestAGatewaySpeaksForNobodyElse(t *testing.T) {
	f := newFixture(t)
	for path, body := range map[string]string{
		"/v1/statements": `{"by":"HarborMSP","kind":"finding","subject":["https://example.com/crate/7"],"predicate":{"detail":"warm"}}`,
		"/v1/activities": `{"by":"HarborMSP","type":"inference","about":["https://example.com/crate/7"]}`,
		"/v1/artifacts": `{"by":"HarborMSP","kind":"dataset","namespace":"lab","name":"x","version":"1","digest":` +
			`{"algorithm":"sha-256","coverage":"declared","value":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}`,
	} {
		a := f.do(request{path: path, body: body})
		assert.Equal(t, http.StatusForbidden, a.status, a.body)
		p := a.problem(t)
		require.Len(t, p.Problems, 1, path)
		assert.Equal(t, "not_yours", p.Problems[0].Code)
		assert.Equal(t, "/by", p.Problems[0].Pointer)
	}
}

func TestWhatVersionOneSaidIsRecognised(t *testing.T) {
	f := newFixture(t)
	made := func(name, by, kind string) *record.Record {
		v, err := canonical.From(map[string]any{"record": kind, "kind": "dataset", "namespace": "lab", "name": name,
			"version": "1",
			"digest": map[string]any{"algorithm": "sha-256", "coverage": "declared",
				"value": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}})
		require.NoError(t, err)
		r, problems := record.NewArtifact(v, by)
		require.Empty(t, problems)
		return r
	}
	mine, theirs := made("mine", "", "artifact/1"), made("theirs", "", "artifact/1")
	f.ledger.Put("Lab", mine)
	f.ledger.Put("Harbor", theirs)
	another, unknown := made("theirs", "LabMSP", "artifact/2"), made("unknown", "LabMSP", "artifact/2")
	records := []*record.Record{made("mine", "LabMSP", "artifact/2"), another, unknown, mine}
	require.NoError(t, f.server.useEarlier(t.Context(), "LabMSP", records))
	var ids []record.ID
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	assert.Equal(t, []record.ID{mine.ID, another.ID, unknown.ID, mine.ID}, ids)
}
