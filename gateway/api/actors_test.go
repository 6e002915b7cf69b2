package api

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
)

// recordedBy puts a record on the ledger that somebody of Lab had recorded, and gives its path and that of its page.
func (f *fixture) recordedBy(id, name string) (path, page, pseudonym string) {
	f.t.Helper()
	_, dataset := f.story()
	path, page = "/v1/records/"+record.ID(dataset).Hex(), "/records/"+url.PathEscape(dataset)
	var v recordView
	f.do(request{path: path}).json(f.t, &v)
	require.NoError(f.t, f.actors.Know(f.t.Context(), id, name, "person"))
	require.NoError(f.t, f.actors.Note(f.t.Context(), v.Recordings[0].Transaction, []string{id}))
	a, err := f.actors.Of(f.t.Context(), v.Recordings[0].Transaction, 0)
	require.NoError(f.t, err)
	return path, page, a.Pseudonym
}

func TestWhoHadARecordRecordedIsForOperatorsAndAuditors(t *testing.T) {
	f := newFixture(t)
	path, address, pseudonym := f.recordedBy("oidc:https://issuer.example#1", "Ann")
	shown := func(role string) *actorView {
		var v recordView
		f.do(request{path: path, role: role}).json(t, &v)
		require.Len(t, v.Recordings, 1)
		return v.Recordings[0].Actor
	}
	for _, role := range []string{"operator", "auditor"} {
		assert.Equal(t, &actorView{Pseudonym: pseudonym, Kind: "person"}, shown(role), role)
	}
	assert.Nil(t, shown("submitter"))
	q, err := cosigned.NewQuestion(path)
	require.NoError(t, err)
	a, err := f.server.signable(t.Context(), q, f.server.Index.Height()-1)
	require.NoError(t, err)
	assert.NotContains(t, string(a.Body.Bytes()), pseudonym, "no other organisation signs or learns it")

	f.server.Actor = config.ActorName
	assert.Equal(t, &actorView{Pseudonym: pseudonym, Kind: "person", Name: "Ann"}, shown("auditor"))
	assert.Nil(t, shown("submitter"))

	b := newBrowser(f, t)
	b.signInWith("auditor-token")
	_, page := b.do("GET", address, "")
	assert.Contains(t, page, pseudonym)
	other := newBrowser(f, t)
	other.signInWith("submitter-token")
	_, page = other.do("GET", address, "")
	assert.NotContains(t, page, pseudonym)
}

func TestOperatorsLookUpAndForgetWhoIsBehindAPseudonym(t *testing.T) {
	f := newFixture(t)
	path, _, pseudonym := f.recordedBy("oidc:https://issuer.example#1", "Ann")
	var list actorsView
	f.do(request{path: "/v1/actors?pseudonym=" + pseudonym, role: "operator"}).json(t, &list)
	require.Len(t, list.Items, 1)
	assert.Equal(t, []string{"Ann", "oidc:https://issuer.example#1"}, []string{list.Items[0].Name, list.Items[0].ID})
	assert.Contains(t, f.log.String(), `msg="said who is behind a pseudonym" pseudonym=`+pseudonym+` to=operator`)
	f.do(request{path: "/v1/actors?pseudonym=p-none", role: "operator"}).json(t, &list)
	assert.Empty(t, list.Items)
	require.NoError(t, f.actors.Know(t.Context(), "erp", "erp", "machine"))
	f.do(request{path: "/v1/actors?pageSize=1", role: "operator"}).json(t, &list)
	require.Len(t, list.Items, 1)
	first := list.Items[0].Pseudonym
	f.do(request{path: "/v1/actors?pageSize=1&pageToken=" + list.Next, role: "operator"}).json(t, &list)
	require.Len(t, list.Items, 1)
	assert.NotEqual(t, first, list.Items[0].Pseudonym)

	forget := func(pseudonym, role string) answer {
		return f.do(request{method: http.MethodPost, path: "/v1/actors/" + pseudonym + "/forget", role: role})
	}
	assert.Equal(t, http.StatusForbidden, forget(pseudonym, "auditor").status)
	assert.Equal(t, http.StatusNotFound, forget("p-none", "operator").status)
	a := forget(pseudonym, "operator")
	require.Equal(t, http.StatusOK, a.status, a.body)
	assert.NotContains(t, a.body, "Ann")
	assert.NotContains(t, a.body, "issuer.example")
	f.server.Actor = config.ActorName
	var v recordView
	f.do(request{path: path, role: "auditor"}).json(t, &v)
	assert.Equal(t, &actorView{Pseudonym: pseudonym, Kind: "person"}, v.Recordings[0].Actor)
}

func TestCallersAreKnownBeforeAnythingOfTheirsIsTaken(t *testing.T) {
	f := newFixture(t)
	a := f.do(request{path: "/epcis/v2/capture", body: document(inDocument)})
	require.Equal(t, http.StatusAccepted, a.status, a.body)
	all, err := f.actors.List(t.Context(), "", 10)
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, "submitter", all[0].ID)

	f = newFixture(t)
	f.server.Actor = config.ActorNone
	require.Equal(t, http.StatusAccepted, f.do(request{path: "/epcis/v2/capture", body: document(inDocument)}).status)
	all, err = f.actors.List(t.Context(), "", 10)
	require.NoError(t, err)
	assert.Empty(t, all)
}
