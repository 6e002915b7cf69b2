package session

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/access/accesstest"
	"github.com/pedigree-ledger/pedigree/gateway/clientcert"
	"github.com/pedigree-ledger/pedigree/gateway/clientcert/clientcerttest"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

// fixture is a store whose clock stands until the test moves it.
type fixture struct {
	t       *testing.T
	store   *Store
	callers *access.Callers
	folder  string
	now     time.Time
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, folder: t.TempDir(), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	accesstest.Identity(t, f.folder)
	f.write(map[string]string{"alpha": "auditor", "beta": "submitter"})
	var err error
	f.callers, err = access.Open(filepath.Join(f.folder, "tokens.json"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	f.store = New(f.callers, "LabMSP")
	f.store.now = func() time.Time { return f.now }
	f.store.attempts.now = f.store.now
	return f
}

// write writes the list of tokens: roles by token.
func (f *fixture) write(tokens map[string]string) {
	f.t.Helper()
	var list []map[string]string
	for token, role := range tokens {
		sum := sha256.Sum256([]byte(token))
		list = append(list, map[string]string{
			"name": token, "role": role, "sha256": hex.EncodeToString(sum[:]), "mspId": "LabMSP",
			"certificate": filepath.Join(f.folder, "cert.pem"), "key": filepath.Join(f.folder, "key.pem"),
		})
	}
	text, err := json.Marshal(map[string]any{"tokens": list})
	require.NoError(f.t, err)
	require.NoError(f.t, os.WriteFile(filepath.Join(f.folder, "tokens.json"), text, 0o600))
}

// signIn signs in, from an address of its own, and gives the cookie.
func (f *fixture) signIn(token string, n int) *http.Cookie {
	f.t.Helper()
	w, r := httptest.NewRecorder(), request("POST", nil)
	r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:1", n/200, n%200)
	s, err := f.store.Begin(w, r, token)
	require.NoError(f.t, err)
	require.NotNil(f.t, s)
	return w.Result().Cookies()[0]
}

// request is one of a page of this gateway, with a cookie unless it is nil.
func request(method string, cookie *http.Cookie) *http.Request {
	r := httptest.NewRequest(method, "http://gateway.example/", nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if cookie != nil {
		r.AddCookie(cookie)
	}
	return r
}

func TestASessionBelongsToItsTokensCaller(t *testing.T) {
	f := newFixture(t)
	c := f.signIn(" alpha\n", 1)
	s := f.store.Find(request("GET", c))
	require.NotNil(t, s)
	assert.Equal(t, "alpha", s.Caller.Name)
	assert.Equal(t, access.Auditor, s.Caller.Role)
	assert.True(t, c.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, c.SameSite, "or else who follows a link from elsewhere would be signed out")
	assert.Equal(t, "/", c.Path)
	assert.Equal(t, "pedigree-labmsp", c.Name)
	assert.NotContains(t, c.Value, "alpha")
	for id := range f.store.kept {
		assert.NotContains(t, fmt.Sprintf("%s", id), c.Value, "only its hash is kept")
	}
	assert.Nil(t, f.store.Find(request("GET", nil)))
	assert.Nil(t, f.store.Find(request("GET", &http.Cookie{Name: c.Name, Value: "guessed"})))
}

// asked counts how often an issuer is asked about a person.
type asked struct{ times int }

func (a *asked) Caller(context.Context) (*access.Caller, error) {
	a.times++
	return &access.Caller{ID: "oidc:issuer#7", Name: "alpha", Role: access.Auditor}, nil
}

func (*asked) Leave() string { return "" }

// It has no place yet, so it must not wait for an issuer. The name is the person's own choice, and may be another's.
func TestWhoSendsARequestIsKnownByItsIDWithoutAskingAnIssuer(t *testing.T) {
	f := newFixture(t)
	person := &asked{}
	w := httptest.NewRecorder()
	_, err := f.store.BeginFor(w, request("GET", nil), person)
	require.NoError(t, err)
	cookie := w.Result().Cookies()[0]
	assert.Equal(t, "oidc:issuer#7", f.store.Member(request("GET", cookie)))
	assert.Equal(t, 1, person.times, "only the sign-in asked")
	foreign := request("GET", cookie)
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	assert.Empty(t, f.store.Member(foreign))
	f.now = f.now.Add(absolute + time.Second)
	assert.Empty(t, f.store.Member(request("GET", cookie)), "the session is over")
	assert.Equal(t, "alpha", f.store.Member(request("GET", f.signIn("alpha", 1))))
}

func TestOverTLSTheCookieIsForThisHostAlone(t *testing.T) {
	f := newFixture(t)
	w, r := httptest.NewRecorder(), request("POST", nil)
	r.TLS = &tls.ConnectionState{}
	_, err := f.store.Begin(w, r, "alpha")
	require.NoError(t, err)
	c := w.Result().Cookies()[0]
	assert.True(t, c.Secure)
	assert.Equal(t, "__Host-pedigree-labmsp", c.Name)
	assert.Empty(t, c.Domain)
	plain := request("GET", c)
	assert.Nil(t, f.store.Find(plain), "it isn't taken without TLS")
	plain.TLS = &tls.ConnectionState{}
	assert.NotNil(t, f.store.Find(plain))
}

func TestSessionsEnd(t *testing.T) {
	for name, end := range map[string]func(f *fixture, c *http.Cookie){
		"when nobody uses them": func(f *fixture, _ *http.Cookie) { f.now = f.now.Add(idle + time.Second) },
		"when only scripts ask": func(f *fixture, c *http.Cookie) {
			for range 3 {
				f.now = f.now.Add(idle / 2)
				f.store.Peek(request("GET", c))
			}
		},
		"after a day's work": func(f *fixture, c *http.Cookie) {
			for range int(absolute/(idle/2)) + 1 {
				f.now = f.now.Add(idle / 2)
				f.store.Find(request("GET", c))
			}
		},
		"by signing out": func(f *fixture, c *http.Cookie) {
			w := httptest.NewRecorder()
			f.store.End(w, request("POST", c))
			assert.Negative(f.t, w.Result().Cookies()[0].MaxAge)
		},
		"by signing in again": func(f *fixture, c *http.Cookie) {
			_, err := f.store.Begin(httptest.NewRecorder(), request("POST", c), "beta")
			require.NoError(f.t, err)
		},
		"when the token is taken away": func(f *fixture, _ *http.Cookie) {
			f.write(map[string]string{"beta": "submitter"})
			require.NoError(f.t, f.callers.Reload())
		},
		"when too many others come": func(f *fixture, _ *http.Cookie) {
			f.now = f.now.Add(time.Second)
			for n := range most {
				f.signIn("beta", n)
			}
			assert.Len(f.t, f.store.kept, most)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.t = t
			c := f.signIn("alpha", 1)
			require.NotNil(t, f.store.Find(request("GET", c)))
			end(f, c)
			assert.Nil(t, f.store.Find(request("GET", c)))
		})
	}
}

func TestASessionEndsWithTheTokenThatAnOperatorMade(t *testing.T) {
	for name, end := range map[string]func(made *token.Store) error{
		"when it is revoked": func(made *token.Store) error {
			_, err := made.Revoke(t.Context(), "ann", token.Actor{ID: "boss", Name: "boss"})
			return err
		},
		"when it is rotated": func(made *token.Store) error {
			_, _, err := made.Rotate(t.Context(), token.Rotation{Name: "ann"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			made := accesstest.Tokens(t)
			f.callers.Manage(made)
			_, secret, err := made.Create(t.Context(), token.Order{Name: "ann", Kind: "person", Role: "auditor"})
			require.NoError(t, err)
			c := f.signIn(secret, 1)
			found := f.store.Find(request("GET", c))
			require.NotNil(t, found)
			assert.Equal(t, access.Person, found.Caller.Kind)
			require.NoError(t, end(made))
			assert.Nil(t, f.store.Find(request("GET", c)))
			var ended *access.EndedError
			_, err = f.store.Begin(httptest.NewRecorder(), request("POST", nil), secret)
			assert.ErrorAs(t, err, &ended)
		})
	}
}

func TestWrongTokensOfOneDontHoldUpAnother(t *testing.T) {
	f := newFixture(t)
	f.callers.Manage(accesstest.Tokens(t))
	try := func(secret string) error {
		_, err := f.store.Begin(httptest.NewRecorder(), request("POST", nil), secret)
		return err
	}
	for range freeAttempts {
		require.ErrorIs(t, try(token.Prefix+"0000000000"), access.ErrUnknownToken)
	}
	var late *TooManyError
	require.ErrorAs(t, try(token.Prefix+"0000000000"), &late)
	assert.ErrorIs(t, try(token.Prefix+"1111111111"), access.ErrUnknownToken, "what all tokens begin with doesn't count")
}

func TestARoleThatChangesChangesTheSession(t *testing.T) {
	f := newFixture(t)
	c := f.signIn("alpha", 1)
	f.write(map[string]string{"alpha": "operator"})
	require.NoError(t, f.callers.Reload())
	assert.Equal(t, access.Operator, f.store.Find(request("GET", c)).Caller.Role)
}

func TestAWrongTokenIsNoSessionAndTooManyHaveToWait(t *testing.T) {
	f := newFixture(t)
	f.write(map[string]string{"the-token-of-alpha": "auditor", "beta": "submitter"})
	require.NoError(t, f.callers.Reload())
	try := func(token string) error {
		w := httptest.NewRecorder()
		_, err := f.store.Begin(w, request("POST", nil), token)
		if err != nil {
			assert.Empty(t, w.Result().Cookies())
		}
		return err
	}
	for range freeAttempts {
		assert.ErrorIs(t, try("the-token-of-gamma"), access.ErrUnknownToken)
	}
	var late *TooManyError
	wait := firstWait
	for range 4 {
		require.ErrorAs(t, try("the-token-of-alpha"), &late, "the right one has to wait, too: it begins like the wrong ones")
		assert.Equal(t, wait, late.Wait)
		require.NoError(t, try("beta"), "somebody else at the same address")
		f.now = f.now.Add(late.Wait)
		assert.ErrorIs(t, try("the-token-of-gamma"), access.ErrUnknownToken)
		wait *= 2
	}
	require.ErrorAs(t, try("the-token-of-alpha"), &late)
	f.signIn("the-token-of-alpha", 7) // from elsewhere it works
	f.now = f.now.Add(late.Wait)
	require.NoError(t, try("the-token-of-alpha"))
	assert.ErrorIs(t, try("the-token-of-gamma"), access.ErrUnknownToken)
	require.NoError(t, try("the-token-of-alpha"), "the wrong ones before a right one are forgotten")
}

func TestTheAddressesOfOneIPv6NetworkAreOneSource(t *testing.T) {
	f := newFixture(t)
	try := func(from, token string) error {
		r := request("POST", nil)
		r.RemoteAddr = from
		_, err := f.store.Begin(httptest.NewRecorder(), r, token)
		return err
	}
	for n := range freeAttempts {
		assert.ErrorIs(t, try(fmt.Sprintf("[2001:db8:1:2::%d]:80", n), "the-token-of-gamma"), access.ErrUnknownToken)
	}
	var late *TooManyError
	assert.ErrorAs(t, try("[2001:db8:1:2:ffff::1]:80", "the-token-of-gamma"), &late)
	assert.ErrorIs(t, try("[2001:db8:1:3::1]:80", "the-token-of-gamma"), access.ErrUnknownToken, "another network")
}

func TestTheWaitAfterWrongTokensIsBoundedAndForgotten(t *testing.T) {
	f := newFixture(t)
	a, from := f.store.attempts, originOf("10.0.0.1:1", "wrong")
	for range 1000 {
		a.failed(from)
	}
	assert.Equal(t, longestWait, a.wait(from))
	f.now = f.now.Add(forgetAfter + time.Second)
	assert.Zero(t, a.wait(from))
	a.failed(from)
	assert.Zero(t, a.wait(from), "it counts from the beginning")
	for n := range mostFailures + 10 {
		a.failed(originOf("10.0.0.1:1", fmt.Sprintf("%08d", n)))
	}
	assert.Len(t, a.by, mostFailures)
	assert.Equal(t, mostFailures, a.order.Len())
}

func TestWhatComesFromElsewhereIsNotOfTheSession(t *testing.T) {
	f := newFixture(t)
	c := f.signIn("alpha", 1)
	s := f.store.Find(request("GET", c))
	for _, test := range []struct {
		name                       string
		method, site, origin, mode string
		finds, checks, wrongToken  bool
	}{
		{name: "a page of this gateway", method: "POST", site: "same-origin", finds: true, checks: true},
		{name: "a page of this gateway with another session's token", method: "POST", site: "same-origin", finds: true, wrongToken: true},
		{name: "an old browser's page of this gateway", method: "POST", origin: "http://gateway.example", finds: true, checks: true},
		{name: "an old browser's page of another origin", method: "POST", origin: "http://elsewhere.example", finds: true},
		{name: "a page on another port", method: "POST", site: "same-site", origin: "http://gateway.example:99"},
		{name: "a page of another site", method: "POST", site: "cross-site", origin: "http://elsewhere.example"},
		{name: "a script of another port that reads", method: "GET", site: "same-site", mode: "cors", checks: true}, // for nothing
		{name: "a link on another port", method: "GET", site: "same-site", mode: "navigate", finds: true, checks: true},
		{name: "a link on another site", method: "GET", site: "cross-site", mode: "navigate", finds: true, checks: true},
		{name: "a form of another site that is sent", method: "POST", site: "cross-site", origin: "http://elsewhere.example", mode: "navigate"},
		{name: "the address bar", method: "GET", site: "none", mode: "navigate", finds: true, checks: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := request(test.method, c)
			r.Header.Del("Sec-Fetch-Site")
			for name, value := range map[string]string{"Sec-Fetch-Site": test.site, "Origin": test.origin, "Sec-Fetch-Mode": test.mode} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			if test.mode == "navigate" {
				r.Header.Set("Sec-Fetch-Dest", "document")
			}
			assert.Equal(t, test.finds, f.store.Find(r) != nil)
			form := s.Form
			if test.wrongToken {
				form = formToken("another")
			}
			err := f.store.Check(r, s, form)
			if test.checks {
				assert.NoError(t, err)
			} else {
				assert.ErrorIs(t, err, ErrForeign)
			}
			if test.method == "POST" && !test.checks && !test.wrongToken {
				_, err := f.store.Begin(httptest.NewRecorder(), r, "alpha")
				assert.ErrorIs(t, err, ErrForeign, "nobody is signed in by another site")
			}
		})
	}
}

func TestTheFormTokenDoesNotTellTheSession(t *testing.T) {
	f := newFixture(t)
	one, two := f.signIn("alpha", 1), f.signIn("alpha", 2)
	a, b := f.store.Find(request("GET", one)), f.store.Find(request("GET", two))
	assert.NotEqual(t, a.Form, b.Form)
	assert.Nil(t, f.store.Find(request("GET", &http.Cookie{Name: one.Name, Value: a.Form})))
}

func TestATokenAndASessionComeBeforeACertificate(t *testing.T) {
	f := newFixture(t)
	authority := clientcerttest.New(t, "Machines")
	certs, err := clientcert.Open(config.ClientCertificates{
		Roots:   clientcerttest.Write(t, f.folder, "roots.pem", clientcerttest.PEM(authority)),
		Callers: []config.CertificateCaller{{Field: "subject", Value: "CN=logger", Role: "submitter"}},
	}, f.callers.Signer, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	f.callers.Recognise(certs)
	cookie := f.signIn("alpha", 1)
	cookie.Name = "__Host-" + cookie.Name // it was set without TLS
	const machine = "certificate:CN=Machines#CN=logger"
	for _, c := range []struct {
		name, method, token string
		cookie              *http.Cookie
		want, member        string
	}{
		{"a certificate alone", "POST", "", nil, machine, machine},
		{"a session reads", "GET", "", cookie, "alpha", "alpha"},
		{"a session doesn't write as the certificate", "POST", "", cookie, "", "alpha"},
		{"a session that has ended", "POST", "", &http.Cookie{Name: cookie.Name, Value: "old"}, machine, machine},
		{"a token", "POST", "beta", nil, "beta", "beta"},
		{"a wrong token", "POST", "gamma", nil, "", ""},
	} {
		r := request(c.method, c.cookie)
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{authority.Issue("logger").Leaf}}
		caller, _ := f.store.Caller(r)
		id := ""
		if caller != nil {
			id = caller.ID
		}
		assert.Equal(t, c.want, id, c.name)
		assert.Equal(t, c.member, f.store.Member(r), c.name)
	}
}
