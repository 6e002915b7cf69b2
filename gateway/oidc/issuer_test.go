package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

const audience = "pedigree-rest"

// key is a private key of a fake issuer.
type key struct {
	id        string
	algorithm jose.SignatureAlgorithm
	private   crypto.Signer
}

func (k key) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: string(k.algorithm), Use: "sig"}
}

// keys are made once: an RSA key takes its time.
var keys = sync.OnceValue(func() (all struct{ rsa, other, ec, ed key }) {
	one, _ := rsa.GenerateKey(rand.Reader, 2048)
	two, _ := rsa.GenerateKey(rand.Reader, 2048)
	three, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, four, _ := ed25519.GenerateKey(rand.Reader)
	all.rsa, all.other = key{"rsa", jose.RS256, one}, key{"other", jose.RS256, two}
	all.ec, all.ed = key{"ec", jose.ES256, three}, key{"ed", jose.EdDSA, four}
	return all
})

// fixture is an issuer as the gateway sees it, and the server that it asks. Its clock stands until the test moves it.
type fixture struct {
	t      *testing.T
	server *httptest.Server
	issuer *Issuer
	log    *strings.Builder

	mu    sync.Mutex
	now   time.Time
	keys  []any          // what the server publishes
	about map[string]any // changes to its metadata
	asked map[string]int // requests by path
	down  bool
	// says is what the token endpoint and the userinfo endpoint say, by path; a number is a status.
	says map[string]any
}

func newFixture(t *testing.T, change ...func(*config.OIDC)) *fixture {
	f := &fixture{
		t: t, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), asked: map[string]int{}, about: map[string]any{},
		log: new(strings.Builder), says: map[string]any{},
	}
	f.publish(keys().rsa, keys().ec, keys().ed)
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	cfg := config.OIDC{Issuer: f.server.URL, Audience: audience, Roles: []config.RoleClaim{
		{Claim: "groups", Value: "it", Role: "operator"}, {Claim: "groups", Value: "quality", Role: "submitter"},
		{Claim: "realm_access.roles", Value: "look", Role: "auditor"}, {Claim: "scope", Value: "read", Role: "auditor"},
	}}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	f.issuer, err = New(cfg, signer, slog.New(slog.NewTextHandler(f.log, nil)))
	require.NoError(t, err)
	f.issuer.now = func() time.Time {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.now
	}
	return f
}

// signer is one for submitters and auditors only.
func signer(role access.Role) (string, *ledger.Identity, bool) {
	return string(role), &ledger.Identity{MSPID: "LabMSP"}, role != access.Operator
}

func (f *fixture) publish(list ...key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = nil
	for _, k := range list {
		f.keys = append(f.keys, k.public())
	}
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func (f *fixture) fail(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *fixture) times(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[path]
}

// ServeHTTP is the issuer's server.
func (f *fixture) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[r.URL.Path]++
	if f.down {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		about := map[string]any{"issuer": f.server.URL, "jwks_uri": f.server.URL + "/keys"}
		maps.Copy(about, f.about)
		_ = json.NewEncoder(w).Encode(about)
	case "/keys":
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": f.keys})
	default:
		if f.says[r.URL.Path] == nil {
			http.NotFound(w, r)
			return
		}
		status, fails := f.says[r.URL.Path].(int)
		if fails {
			http.Error(w, "{}", status)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(f.says[r.URL.Path])
	}
}

// claims are those of a good token, with changes. A change to nil leaves a claim out.
func (f *fixture) claims(changes map[string]any) map[string]any {
	all := map[string]any{
		"iss": f.server.URL, "aud": []string{"else", audience}, "sub": "ann-1", "iat": f.now.Unix(),
		"exp": f.now.Add(time.Hour).Unix(), "preferred_username": "ann", "groups": []string{"staff", "quality"},
	}
	for name, value := range changes {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return all
}

// token signs a good token with changes.
func (f *fixture) token(changes map[string]any) string {
	return f.sign(keys().ec, "at+jwt", f.claims(changes))
}

func (f *fixture) sign(k key, typ string, claims any) string {
	f.t.Helper()
	options := new(jose.SignerOptions)
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	if k.id != "" {
		options = options.WithHeader("kid", k.id)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: k.algorithm, Key: k.private}, options)
	require.NoError(f.t, err)
	text, err := jwt.Signed(s).Claims(claims).Serialize()
	require.NoError(f.t, err)
	return text
}

func (f *fixture) authenticate(token string) (*access.Caller, error) {
	return f.issuer.Authenticate(f.t.Context(), token, noCertificate, true)
}

func noCertificate() (*x509.Certificate, error) { return nil, nil }
