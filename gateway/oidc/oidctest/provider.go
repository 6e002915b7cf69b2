// Package oidctest starts an OpenID Connect issuer for tests. It is ZITADEL's, which is certified, with its example's
// storage in memory, some people and some programs.
package oidctest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	example "github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// What the issuer calls the gateway's two clients, and the secret and password of everybody.
const (
	Audience = "pedigree-rest"
	ClientID = "pedigree-pages"
	Secret   = "a-secret-for-tests"
)

// Provider is a running issuer.
type Provider struct {
	// URL is its identifier.
	URL string

	t      testing.TB
	store  *storage
	server *httptest.Server
}

// Account is a person or a program that the issuer knows.
type Account struct {
	Name   string // the user name, and the subject
	Groups []string
	// Certificate is the thumbprint of the certificate that its access tokens are bound to (RFC 8705), or "".
	Certificate string
}

// Start starts an issuer, until the test ends. People sign in with their names and Secret, and are sent back to
// redirect.
func Start(t testing.TB, redirect string, accounts ...Account) *Provider {
	t.Helper()
	p := &Provider{t: t}
	all := users{}
	for _, a := range accounts {
		all[a.Name] = a
	}
	clients := map[string]*example.Client{ClientID: example.WebClient(ClientID, Secret, redirect)}
	p.store = &storage{
		Storage: example.NewStorageWithClients(all, clients), users: all, after: afterwards(redirect), lifetime: time.Hour,
	}
	handler := http.NewServeMux()
	p.server = httptest.NewServer(handler)
	t.Cleanup(p.server.Close)
	p.URL = p.server.URL
	config := &op.Config{
		CryptoKey: sha256.Sum256([]byte(t.Name())), CryptoKeyId: "one", CodeMethodS256: true, GrantTypeRefreshToken: true,
		DefaultLogoutRedirectURI: "/left",
	}
	provider, err := op.NewProvider(config, p.store, op.StaticIssuer(p.URL), op.WithAllowInsecure())
	require.NoError(t, err)
	callback := op.AuthCallbackURL(provider)
	issuer := op.NewIssuerInterceptor(provider.IssuerFromRequest)
	handler.HandleFunc("GET /login/username", askPassword)
	handler.HandleFunc("POST /login/username", issuer.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("id")
		if err := p.store.CheckUsernamePassword(r.FormValue("username"), r.FormValue("password"), id); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, callback(r.Context(), id), http.StatusFound)
	}))
	handler.Handle("/", provider)
	return p
}

// afterwards is where people may be sent after they have signed out: the same server's page to sign in.
func afterwards(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/sign-in"
}

// Stop makes the issuer unreachable.
func (p *Provider) Stop() { p.server.Close() }

// Shorten says how long the tokens of people are valid from now on.
func (p *Provider) Shorten(lifetime time.Duration) {
	p.store.change(func() { p.store.lifetime = lifetime })
}

// Put changes an account.
func (p *Provider) Put(a Account) { p.store.change(func() { p.store.users[a.Name] = a }) }

// Token gets an access token for a program, by its credentials.
func (p *Provider) Token(name string) string {
	p.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"openid"}}
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.URL+"/oauth/token", strings.NewReader(form.Encode()))
	require.NoError(p.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(name, Secret)
	answer, err := p.server.Client().Do(r)
	require.NoError(p.t, err)
	defer answer.Body.Close()
	var got struct {
		Token       string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	require.NoError(p.t, json.NewDecoder(answer.Body).Decode(&got))
	require.Equal(p.t, http.StatusOK, answer.StatusCode, "%s %s", got.Error, got.Description)
	return got.Token
}

var form = template.Must(template.New("").Parse(`<!DOCTYPE html><html lang="en"><title>Sign in</title>
<form method="post" action="/login/username"><input type="hidden" name="id" value="{{.}}">
<input name="username" id="username"><input name="password" id="password" type="password"><button>Sign in</button></form>`))

func askPassword(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = form.Execute(w, r.FormValue("authRequestID"))
}

// users are the accounts as the example's storage wants them.
type users map[string]Account

func (u users) ExampleClientID() string { return "service" }

func (u users) GetUserByUsername(name string) *example.User { return u.GetUserByID(name) }

func (u users) GetUserByID(name string) *example.User {
	if _, ok := u[name]; !ok {
		return nil
	}
	return &example.User{ID: name, Username: name, Password: Secret, FirstName: name, LastName: "of Tests"}
}

// storage is that of the example with groups, and with access tokens for programs that are JWTs.
type storage struct {
	*example.Storage
	after string

	mu       sync.Mutex
	users    users
	lifetime time.Duration
}

func (s *storage) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *storage) groups(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[name].Groups
}

// GetPrivateClaimsFromScopes gives the claims of access tokens.
func (s *storage) GetPrivateClaimsFromScopes(_ context.Context, name, _ string, _ []string) (map[string]any, error) {
	claims := map[string]any{"groups": s.groups(name)}
	s.change(func() {
		if bound := s.users[name].Certificate; bound != "" {
			claims["cnf"] = map[string]any{"x5t#S256": bound}
		}
	})
	return claims, nil
}

// SetUserinfoFromRequest gives the claims of ID tokens.
func (s *storage) SetUserinfoFromRequest(
	ctx context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string,
) error {
	info.AppendClaims("groups", s.groups(request.GetSubject()))
	return s.Storage.SetUserinfoFromRequest(ctx, info, request, scopes)
}

// ClientCredentials finds a program.
func (s *storage) ClientCredentials(_ context.Context, name, secret string) (op.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.users[name]; !ok || secret != Secret {
		return nil, errors.New("unknown client")
	}
	return &client{Client: example.WebClient(name, Secret), program: true, lifetime: s.lifetime}, nil
}

// ClientCredentialsTokenRequest says what an access token of a program is for.
func (s *storage) ClientCredentialsTokenRequest(_ context.Context, name string, scopes []string) (op.TokenRequest, error) {
	return &oidc.JWTTokenRequest{Subject: name, Audience: []string{Audience}, Scopes: scopes}, nil
}

// GetClientByClientID finds the pages.
func (s *storage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	found, err := s.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("no client %q: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &client{Client: found, lifetime: s.lifetime, after: s.after}, nil
}

// client is one of the example, with other answers.
type client struct {
	op.Client
	program  bool
	lifetime time.Duration
	after    string
}

func (c *client) IDTokenLifetime() time.Duration { return c.lifetime }

func (c *client) PostLogoutRedirectURIs() []string { return []string{c.after} }

func (c *client) AccessTokenType() op.AccessTokenType {
	if c.program {
		return op.AccessTokenTypeJWT
	}
	return c.Client.AccessTokenType()
}

func (c *client) GrantTypes() []oidc.GrantType {
	if c.program {
		return []oidc.GrantType{oidc.GrantTypeClientCredentials}
	}
	return c.Client.GrantTypes()
}
