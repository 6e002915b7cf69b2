package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/access/accesstest"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

// makeToken makes a token of a machine, and gives its secret.
func (f *fixture) makeToken(name string, role access.Role, expires time.Time) string {
	f.t.Helper()
	_, secret, err := f.callers.CreateToken(f.t.Context(), token.Order{Name: name, Kind: "machine", Role: string(role), Expires: expires, By: token.Actor{ID: "test", Name: "test"}})
	require.NoError(f.t, err)
	return secret
}

// bearer sends a request with a token.
func (f *fixture) bearer(secret string, r request) answer {
	f.t.Helper()
	r.header = map[string]string{"Authorization": "Bearer " + secret}
	return f.do(r)
}

func TestATokensLife(t *testing.T) {
	f := newFixture(t)
	operator := func(path, body string) answer {
		r := request{path: path, body: body, role: "operator"}
		if strings.HasSuffix(path, "revoke") {
			r.method = http.MethodPost
		}
		return f.do(r)
	}
	a := operator("/v1/tokens", `{"name":"erp","kind":"machine","role":"auditor","expires":"2035-01-01T01:00:00.7+01:00"}`)
	require.Equal(t, http.StatusCreated, a.status, a.body)
	var made newSecretView
	a.json(t, &made)
	assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
	assert.Equal(t, []string{"erp", "machine", "auditor", "token", "valid", "operator"},
		[]string{made.Name, made.Kind, made.Role, string(made.Method), string(made.State), made.CreatedBy})
	assert.Equal(t, "operator", made.CreatedByID)
	assert.Equal(t, time.Date(2035, 1, 1, 0, 0, 0, 0, time.UTC), made.Expires)
	require.Equal(t, http.StatusOK, f.bearer(made.Secret, request{path: "/v1/records"}).status)
	a = f.bearer(made.Secret, request{path: "/v1/tokens"})
	assert.Equal(t, http.StatusForbidden, a.status)

	a = operator("/v1/tokens/erp/rotate", `{}`)
	require.Equal(t, http.StatusCreated, a.status, a.body)
	var next newSecretView
	a.json(t, &next)
	assert.Equal(t, made.Expires, next.Expires)
	a = f.bearer(made.Secret, request{path: "/v1/records"})
	assert.Equal(t, http.StatusUnauthorized, a.status)
	assert.Equal(t, "token_revoked", a.problem(t).Code)
	assert.Contains(t, a.problem(t).Detail, "new secret")
	require.Equal(t, http.StatusOK, f.bearer(next.Secret, request{path: "/v1/records"}).status)

	a = operator("/v1/tokens/erp/revoke", "")
	require.Equal(t, http.StatusOK, a.status, a.body)
	assert.Equal(t, "token_revoked", f.bearer(next.Secret, request{path: "/v1/records"}).problem(t).Code)
	a = operator("/v1/tokens", "")
	var list struct{ Items []tokenView }
	a.json(t, &list)
	require.Len(t, list.Items, len(access.Roles)+1)
	last := list.Items[len(access.Roles)]
	assert.Equal(t, []any{"erp", token.Revoked, "operator", "operator"}, []any{last.Name, last.State, last.RotatedBy, last.RevokedBy})
	assert.NotZero(t, last.LastUsed)
	assert.Equal(t, access.ByFile, list.Items[0].Method)
	assert.NotContains(t, a.body, "secret")
	operator("/v1/tokens?state=revoked", "").json(t, &list)
	assert.Len(t, list.Items, 1)
	for _, secret := range []string{made.Secret, next.Secret} {
		assert.NotContains(t, f.log.String(), secret)
	}
	assert.Regexp(t, `msg="revoked a token" token=erp by=operator`, f.log.String())
}

func TestWhatCannotBeDoneWithTokensIsToldWithTheReason(t *testing.T) {
	f := newFixture(t)
	f.makeToken("gone", access.Auditor, time.Time{})
	_, err := f.callers.RevokeToken(t.Context(), "gone", token.Actor{ID: "test", Name: "test"})
	require.NoError(t, err)
	for _, c := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/v1/tokens", `{"name":"a b","kind":"person","role":"auditor"}`, 400, "name must have 1 to 64 of"},
		{"/v1/tokens", `{"name":"a","role":"auditor"}`, 400, "kind must be"},
		{"/v1/tokens", `{"name":"a","kind":"person","role":"king"}`, 400, "role must be"},
		{"/v1/tokens", `{"name":"a","kind":"person","role":7}`, 400, "role must be a text"},
		{"/v1/tokens", `{"name":"a","kind":"person","role":"auditor","expires":"tomorrow"}`, 400, "expires must be a date"},
		{"/v1/tokens", `{"name":"a","kind":"person","role":"auditor","expires":"2001-01-01T00:00:00Z"}`, 400, "in the future"},
		{"/v1/tokens", `{"name":"a","kind":"person","role":"auditor","secret":"mine"}`, 400, "secret is not a member here"},
		{"/v1/tokens", `[]`, 400, "must be a JSON object"},
		{"/v1/tokens", `{"name":"Operator","kind":"person","role":"auditor"}`, 409, "there is or was a token"},
		{"/v1/tokens", `{"name":"gone","kind":"person","role":"auditor"}`, 409, "as long as its token is listed"},
		{"/v1/tokens", `{"name":"` + strings.Repeat("a", 5000) + `"}`, 413, "4096"},
		{"/v1/tokens/none/rotate", `{}`, 404, `no token named "none"`},
		{"/v1/tokens/gone/rotate", `{}`, 409, "which is final"},
		{"/v1/tokens/operator/rotate", `{}`, 409, "tokens.json"},
		{"/v1/tokens/gone/rotate", `{"overlapSeconds":604801}`, 400, "overlapSeconds must be"},
		{"/v1/tokens/gone/rotate", `{"overlapSeconds":0.5}`, 400, "overlapSeconds must be"},
	} {
		a := f.do(request{path: c.path, body: c.body, role: "operator"})
		assert.Equal(t, c.status, a.status, "%s %s: %s", c.path, c.body, a.body)
		assert.Contains(t, a.problem(t).Detail, c.says)
	}
	a := f.do(request{method: http.MethodPost, path: "/v1/tokens/operator/revoke", role: "operator"})
	assert.Equal(t, http.StatusConflict, a.status)
	assert.Contains(t, a.problem(t).Detail, "tokens.json")
}

func TestTokensAreListedInPages(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"b", "C", "a"} {
		f.makeToken(name, access.Auditor, time.Time{})
	}
	page := func(query string) (names []string, next string) {
		var list tokensView
		f.do(request{path: "/v1/tokens?" + strings.TrimSuffix(query, "&pageToken="), role: "operator"}).json(t, &list)
		for _, v := range list.Items {
			names = append(names, v.Name)
		}
		return names, list.Next
	}
	want := []string{"auditor", "operator", "submitter", "C", "a", "b"}
	var all []string
	for next, pages := "", 0; pages == 0 || next != ""; pages++ {
		require.Less(t, pages, len(want))
		var names []string
		names, next = page("pageSize=2&pageToken=" + next)
		require.Len(t, names, 2)
		all = append(all, names...)
	}
	assert.Equal(t, want, all)
	first, next := page("pageSize=4")
	_, err := f.callers.RevokeToken(t.Context(), "a", token.Actor{ID: "test", Name: "test"})
	require.NoError(t, err)
	rest, last := page("state=valid&pageSize=4&pageToken=" + next)
	assert.Equal(t, append(first, rest...), []string{"auditor", "operator", "submitter", "C", "b"}, "what changes meanwhile moves nothing")
	assert.Empty(t, last)
	a := f.do(request{path: "/v1/tokens?pageToken=***", role: "operator"})
	assert.Equal(t, http.StatusBadRequest, a.status)
	assert.Equal(t, "pageToken", a.problem(t).Problems[0].Parameter)
}

func TestATokenRevokedElsewhereIsDeadHere(t *testing.T) {
	f := newFixture(t)
	secret := f.makeToken("stolen", access.Operator, time.Time{})
	b := newBrowser(f, t)
	b.signInWith(secret)
	shown := func() int { answer, _ := b.do("GET", "/artifacts", ""); return answer.StatusCode }
	require.Equal(t, http.StatusOK, shown())
	require.Equal(t, http.StatusOK, f.bearer(secret, request{path: "/v1/tokens"}).status)

	elsewhere := accesstest.TokensAt(t, f.tokens) // as in another gateway, or at the command line
	_, err := elsewhere.Revoke(t.Context(), "stolen", token.Actor{ID: "test", Name: "test"})
	require.NoError(t, err)
	// How soon is the subject of a test of package token, whose clock obeys.
	require.Eventually(t, func() bool { return f.bearer(secret, request{path: "/v1/tokens"}).status == http.StatusUnauthorized }, time.Minute, 10*time.Millisecond)
	assert.Equal(t, http.StatusSeeOther, shown(), "the session has ended")
	answer, page := b.do("POST", "/sign-in", "token="+secret)
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	assert.Contains(t, page, "was revoked")
}
