package pages

import (
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/oidc"
	"github.com/pedigree-ledger/pedigree/gateway/oidc/oidctest"
)

// byIssuer is somebody's browser at pages whose people sign in by a real issuer.
type byIssuer struct {
	t        *testing.T
	pages    string // the address
	provider *oidctest.Provider
	http     *http.Client
}

func newByIssuer(t *testing.T) *byIssuer {
	f := newFixture(t)
	server := httptest.NewServer(f.pages)
	t.Cleanup(server.Close)
	redirect := server.URL + config.RedirectPath
	b := &byIssuer{t: t, pages: server.URL, provider: oidctest.Start(t, redirect,
		oidctest.Account{Name: "ann", Groups: []string{"quality"}}, oidctest.Account{Name: "bob", Groups: []string{"staff"}})}
	issuer, err := oidc.New(config.OIDC{
		Issuer: b.provider.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.Secret, RedirectURL: redirect,
		Roles: []config.RoleClaim{{Claim: "groups", Value: "quality", Role: "auditor"}},
	}, anybodySigns, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	f.pages.Issuer = issuer
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	b.http = &http.Client{Jar: jar}
	return b
}

func anybodySigns(access.Role) (string, *ledger.Identity, bool) {
	return "auditor", &ledger.Identity{MSPID: "LabMSP"}, true
}

// open follows a link, and the redirects from there. It gives the status, the address and the text of the last page.
func (b *byIssuer) open(address string) (int, *url.URL, string) {
	b.t.Helper()
	return b.read(b.http.Get(address))
}

func (b *byIssuer) read(answer *http.Response, err error) (int, *url.URL, string) {
	b.t.Helper()
	require.NoError(b.t, err)
	text, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	require.NoError(b.t, answer.Body.Close())
	return answer.StatusCode, answer.Request.URL, html.UnescapeString(string(text))
}

// signIn signs in from a page on which the issuer asks who somebody is.
func (b *byIssuer) signIn(page, name string) (int, *url.URL, string) {
	b.t.Helper()
	form := url.Values{"id": {found(b.t, `name="id" value="([^"]+)"`, page)}, "username": {name}, "password": {oidctest.Secret}}
	return b.read(b.http.PostForm(b.provider.URL+"/login/username", form))
}

func found(t *testing.T, pattern, page string) string {
	t.Helper()
	parts := regexp.MustCompile(pattern).FindStringSubmatch(page)
	require.NotNil(t, parts, "%s in %s", pattern, page)
	return parts[1]
}

func TestPeopleSignInAndOutByAnIssuer(t *testing.T) {
	b := newByIssuer(t)
	_, at, page := b.open(b.pages + "/impact?x=y")
	assert.Equal(t, "/sign-in", at.Path)
	_, _, page = b.open(b.pages + found(t, `id="issuer" href="([^"]+)"`, page))
	status, at, page := b.signIn(page, "ann")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, b.pages+"/impact?x=y", at.String())
	assert.Contains(t, page, "ann")

	form := found(t, `name="csrf" value="([^"]+)"`, page)
	status, _, page = b.read(b.http.PostForm(b.pages+"/sign-out", url.Values{"csrf": {form}}))
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, "You are signed out of this gateway")
	leave := found(t, `id="leave" href="([^"]+)"`, page)
	assert.True(t, strings.HasPrefix(leave, b.provider.URL+"/end_session?"), leave)
	_, at, _ = b.open(b.pages + "/impact")
	assert.Equal(t, "/sign-in", at.Path, "the session is over")
	status, at, _ = b.open(leave)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, b.pages+"/sign-in", at.String(), "the issuer leads back")
}

func TestTheIssuerLeadsBackToThisGatewayOnly(t *testing.T) {
	for next, want := range map[string]string{
		"/lineage?a=b": "/lineage?a=b", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/",
		"/\t/evil.example": "/", "javascript:alert(1)": "/", "": "/", "/" + strings.Repeat("a", 3000): "/",
	} {
		b := newByIssuer(t)
		_, _, page := b.open(b.pages + "/sign-in/issuer?next=" + url.QueryEscape(next))
		_, at, _ := b.signIn(page, "ann")
		assert.Equal(t, b.pages+want, at.String(), "%q", next)
	}
}

func TestWhoIsNotLetInIsToldWhy(t *testing.T) {
	b := newByIssuer(t)
	_, _, page := b.open(b.pages + "/sign-in/issuer")
	status, _, page := b.signIn(page, "bob")
	assert.Equal(t, http.StatusForbidden, status)
	assert.Contains(t, page, "the claim groups has no value that is given a role")

	status, _, page = b.open(b.pages + config.RedirectPath + "?code=a&state=b")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, page, "wasn't begun in this browser")

	b.provider.Stop()
	other := newByIssuer(t)
	other.provider.Stop()
	status, _, page = other.open(other.pages + "/sign-in/issuer")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, page, "can't be asked who you are")
}
