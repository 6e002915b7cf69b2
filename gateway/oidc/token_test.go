package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

func TestAGoodTokenTellsWhoSendsIt(t *testing.T) {
	f := newFixture(t)
	want := &access.Caller{
		ID: "oidc:" + f.server.URL + "#ann-1", Name: "ann", Role: access.Submitter, Method: access.ByIssuer,
		Signer: "submitter", Identity: &ledger.Identity{MSPID: "LabMSP"},
	}
	for _, k := range []key{keys().rsa, keys().ec, keys().ed} {
		for _, typ := range []string{"", "JWT", "at+jwt", "application/at+JWT"} {
			got, err := f.authenticate(f.sign(k, typ, f.claims(nil)))
			require.NoError(t, err)
			assert.Equal(t, want, got)
		}
	}
	assert.Equal(t, 1, f.times("/keys"), "keys are fetched once")
	for _, good := range []map[string]any{
		{"aud": audience}, {"nbf": f.now.Unix()}, {"jti": "1"},
		{"exp": f.now.Add(-skew).Unix() + 1, "iat": f.now.Add(-time.Hour).Unix()}, // the issuer's clock is behind
		{"iat": f.now.Add(skew).Unix(), "nbf": f.now.Add(skew).Unix()},            // the issuer's clock is ahead
		{"exp": f.now.Add(longest).Unix()},
	} {
		_, err := f.authenticate(f.token(good))
		assert.NoError(t, err, good)
	}
}

func TestBadTokensAreRefusedWithTheReason(t *testing.T) {
	f := newFixture(t)
	ed, ec := keys().ed, keys().ec
	// A second key of the right kind, with the name of a key that is published.
	thief, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	forged := key{ec.id, jose.ES256, thief}
	good := f.token(nil)
	parts := strings.Split(good, ".")
	for _, c := range []struct{ name, token, want string }{
		{"forged", f.sign(forged, "JWT", f.claims(nil)), "signature is wrong"},
		{"with another's claims", parts[0] + "." + part(f.claims(map[string]any{"sub": "eve"})) + "." + parts[2], "signature is wrong"},
		{"without a signature", parts[0] + "." + parts[1] + ".", "signature is wrong"},
		{"of a key of another kind by the name of one", f.sign(key{ec.id, jose.EdDSA, ed.private}, "", f.claims(nil)), "doesn't publish the key"},
		{"with its own key in the header", f.embedding(thief), "signature is wrong"},
		{"that names no key, of which there may be many", f.sign(key{"", jose.ES256, thief}, "", f.claims(nil)), "signature is wrong"},
		{"of another algorithm for the same key", f.sign(key{keys().rsa.id, jose.PS256, keys().rsa.private}, "", f.claims(nil)), "RS256, ES256 or EdDSA"},
		{"alg none", part(map[string]any{"alg": "none"}) + "." + parts[1] + ".", "RS256, ES256 or EdDSA"},
		{"alg None", part(map[string]any{"alg": "None", "kid": "ec"}) + "." + parts[1] + "." + parts[2], "RS256, ES256 or EdDSA"},
		{"HMAC with the public key", f.confused(), "RS256, ES256 or EdDSA"},
		{"a critical header that nobody knows", f.critical(), "signature is wrong"},
		{"a header that isn't JSON", "eyJ." + parts[1] + "." + parts[2], "it isn't a JWT"},
		{"too large", f.token(map[string]any{"x": strings.Repeat("a", MaxToken)}), "more than the 16384 allowed"},
		{"claims that aren't an object", f.signed(`["sub"]`), "can't be understood"},
		{"a claim twice", f.signed(`{"sub":"a","sub":"b"}`), "can't be understood"},
		{"a time that is a text", f.token(map[string]any{"exp": "never"}), "can't be understood"},
		{"a time past all times", f.token(map[string]any{"exp": 1e300}), "can't be understood"},
		{"of another type", f.sign(ec, "logout+jwt", f.claims(nil)), `its type is "logout+jwt"`},
		{"of another issuer", f.token(map[string]any{"iss": "https://issuer.example"}), `its issuer is "https://issuer.example"`},
		{"of nearly the issuer", f.token(map[string]any{"iss": f.server.URL + "/"}), "its issuer is"},
		{"without issuer", f.token(map[string]any{"iss": nil}), "its issuer is"},
		{"for another", f.token(map[string]any{"aud": "pedigree-pages"}), `it is for "pedigree-pages"`},
		{"for nobody", f.token(map[string]any{"aud": nil}), "it is for nobody"},
		{"expired", f.token(map[string]any{"iat": f.now.Add(-time.Hour).Unix(), "exp": f.now.Add(-skew).Unix()}), "it expired at 2026-03-01T07:59:00Z"},
		{"that never expires", f.token(map[string]any{"exp": nil}), "(exp)"},
		{"valid for too long", f.token(map[string]any{"exp": f.now.Add(longest + time.Second).Unix()}), "longer than 24 hours"},
		{"issued at no time", f.token(map[string]any{"iat": nil}), "(iat)"},
		{"issued later", f.token(map[string]any{"iat": f.now.Add(skew).Unix() + 1}), "it was issued at 2026-03-01T08:01:01Z"},
		{"valid later", f.token(map[string]any{"nbf": f.now.Add(skew).Unix() + 1}), "it is valid from 2026-03-01T08:01:01Z"},
		{"about nobody", f.token(map[string]any{"sub": nil}), "(sub)"},
		{"about somebody with too long a name", f.token(map[string]any{"sub": strings.Repeat("a", maxSubject+1)}), "(sub)"},
		{"about two lines", f.token(map[string]any{"sub": "a\nb"}), "(sub)"},
		{"bound to a certificate that isn't there", f.token(map[string]any{"cnf": map[string]any{"x5t#S256": "a"}}), "came without one"},
		{"bound to nothing", f.token(map[string]any{"cnf": map[string]any{}}), `by ""`},
		{"bound to no object", f.token(map[string]any{"cnf": "a"}), "(cnf)"},
		{"bound to null", f.signed(strings.Replace(string(f.json(nil)), "{", `{"cnf":null,`, 1)), "(cnf)"},
		{"bound to a key of DPoP", f.token(map[string]any{"cnf": map[string]any{"jkt": "a"}}), `by "jkt", and this gateway checks the member x5t#S256 alone`},
		{"bound to a key of DPoP, too", f.token(map[string]any{"cnf": map[string]any{"jkt": "a", "x5t#S256": "a"}}), `by "jkt, x5t#S256"`},
		{"bound to a number", f.token(map[string]any{"cnf": map[string]any{"x5t#S256": 1}}), "(cnf)"},
		{"an ID token", f.sign(ec, "JWT", f.claims(map[string]any{"nonce": "n"})), "claim nonce"},
		{"an ID token of a flow without nonce", f.sign(ec, "", f.claims(map[string]any{"at_hash": "n"})), "claim at_hash"},
		{"an ID token that says so", f.sign(ec, "JWT", f.claims(map[string]any{"typ": "ID"})), `the type "ID"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			caller, err := f.authenticate(c.token)
			assert.Nil(t, caller)
			require.ErrorIs(t, err, access.ErrUnknownToken)
			assert.ErrorContains(t, err, c.want)
			assert.NotErrorIs(t, err, access.ErrUnavailable)
		})
	}
	_, err = f.authenticate(good)
	assert.NoError(t, err)
	other := newFixture(t, func(o *config.OIDC) { o.Audience, o.ClientID = "", "pages" })
	_, err = other.authenticate(other.token(nil))
	assert.ErrorContains(t, err, "no tokens of issuers from programs")
}

// part is a part of a token.
func part(value any) string {
	text, _ := json.Marshal(value)
	return base64.RawURLEncoding.EncodeToString(text)
}

// confused is a token by HMAC whose secret is the issuer's public key, in the form that most programs have it in.
func (f *fixture) confused() string {
	der, err := x509.MarshalPKIXPublicKey(keys().rsa.private.(*rsa.PrivateKey).Public())
	require.NoError(f.t, err)
	signed := part(map[string]any{"alg": "HS256", "kid": "rsa"}) + "." + part(f.claims(nil))
	mac := hmac.New(sha256.New, der)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// embedding is a token that brings its own key.
func (f *fixture) embedding(k crypto.Signer) string {
	own := jose.JSONWebKey{Key: k.Public(), KeyID: keys().ec.id}
	text, err := json.Marshal(f.claims(nil))
	require.NoError(f.t, err)
	return f.text(string(text), k, (&jose.SignerOptions{}).WithHeader("jwk", own))
}

// critical is a token with a header that who checks it has to understand.
func (f *fixture) critical() string {
	text, err := json.Marshal(f.claims(nil))
	require.NoError(f.t, err)
	options := (&jose.SignerOptions{}).WithHeader("crit", []string{"x"}).WithHeader("x", 1)
	return f.text(string(text), keys().ec.private, options)
}

// signed is a token whose claims are any text.
func (f *fixture) signed(claims string) string {
	return f.text(claims, keys().ec.private, &jose.SignerOptions{})
}

func (f *fixture) text(claims string, k crypto.Signer, options *jose.SignerOptions) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k}, options.WithHeader("kid", keys().ec.id))
	require.NoError(f.t, err)
	signed, err := s.Sign([]byte(claims))
	require.NoError(f.t, err)
	token, err := signed.CompactSerialize()
	require.NoError(f.t, err)
	return token
}

func TestOnlyWhatHasTheFormOfAJWTIsLookedAt(t *testing.T) {
	f := newFixture(t)
	assert.True(t, f.issuer.Takes(f.token(nil)))
	for _, other := range []string{"", "submitter-token", "a.b.c", "eyJhbGciOiJub25lIn0", strings.Repeat("ab", 32)} {
		assert.False(t, f.issuer.Takes(other), other)
	}
}

func TestAnAccessTokenIsAPersonsOrAMachines(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		claims map[string]any
		want   access.Kind
	}{
		{map[string]any{"client_id": "ann-1"}, access.Machine},
		{map[string]any{"azp": "ann-1"}, access.Machine},
		{map[string]any{"azp": "tool", "gty": "client-credentials"}, access.Machine},
		{map[string]any{"idtyp": "app", "azp": "tool"}, access.Machine},
		{map[string]any{"client_id": "tool", "auth_time": f.now.Unix()}, access.Person},
		{map[string]any{"client_id": "tool", "amr": []string{"pwd"}}, access.Person},
		{map[string]any{"client_id": "tool"}, ""},
	} {
		caller, err := f.authenticate(f.token(c.claims))
		require.NoError(t, err)
		assert.Equal(t, c.want, caller.Kind, c.claims)
	}
}

func TestARoleComesFromTheFirstClaimThatFits(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		name   string
		claims map[string]any
		want   access.Role
	}{
		{"a list", map[string]any{"groups": []any{"x", "quality", 7}}, access.Submitter},
		{"a text", map[string]any{"groups": "quality"}, access.Submitter},
		{"names of an object", map[string]any{"groups": map[string]any{"quality": map[string]any{}}}, access.Submitter},
		{"a claim in a claim", map[string]any{"groups": nil, "realm_access": map[string]any{"roles": []string{"look"}}}, access.Auditor},
		{"a claim with dots", map[string]any{"groups": nil, "realm_access.roles": "look"}, access.Auditor},
		{"scopes", map[string]any{"groups": nil, "scope": "write read"}, access.Auditor},
		{"two roles", map[string]any{"scope": "read"}, access.Submitter},
	} {
		caller, err := f.authenticate(f.token(c.claims))
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, caller.Role, c.name)
	}
	for _, c := range []struct {
		claims map[string]any
		want   string
	}{
		{map[string]any{"groups": nil}, `knows "ann", but the claim groups is missing, and the claim realm_access.roles is missing`},
		{map[string]any{"groups": []string{"Quality", "quality "}}, "the claim groups has no value that is given a role"},
		{map[string]any{"groups": "quality it"}, "has no value that is given a role"},
		{map[string]any{"groups": true}, "has no value that is given a role"},
		{map[string]any{"groups": nil, "realm_access": "roles"}, "realm_access.roles is missing"},
	} {
		_, err := f.authenticate(f.token(c.claims))
		require.ErrorIs(t, err, access.ErrNoRole, c.claims)
		assert.ErrorContains(t, err, c.want)
	}
	_, err := f.authenticate(f.token(map[string]any{"groups": []string{"quality", "it"}}))
	assert.ErrorIs(t, err, access.ErrNoSigner, "the first entry is that of operators, and nobody signs for them")
}

func TestTheNameIsWhatPeopleRead(t *testing.T) {
	f := newFixture(t)
	named := newFixture(t, func(o *config.OIDC) { o.NameClaim = "who.name" })
	for _, c := range []struct {
		f      *fixture
		claims map[string]any
		want   string
	}{
		{f, map[string]any{"preferred_username": " ", "name": "Ann Lee"}, "Ann Lee"},
		{f, map[string]any{"preferred_username": "an\x1b[1mn"}, "ann-1"},
		{f, map[string]any{"preferred_username": nil, "client_id": "erp"}, "ann-1"},
		{f, map[string]any{"preferred_username": strings.Repeat("ä", 200)}, strings.Repeat("ä", maxName)},
		{named, map[string]any{"who": map[string]any{"name": "A"}}, "A"},
		{named, nil, "ann-1"},
	} {
		caller, err := c.f.authenticate(c.f.token(c.claims))
		require.NoError(t, err)
		assert.Equal(t, c.want, caller.Name)
	}
}

func TestAnotherClockIsToleratedToAMinute(t *testing.T) {
	f := newFixture(t)
	token := f.token(map[string]any{"exp": f.now.Add(10 * time.Minute).Unix()})
	for _, step := range []struct {
		pass time.Duration
		good bool
	}{{-skew, true}, {-time.Second, false}, {skew + time.Second + 11*time.Minute - time.Second, true}, {time.Second, false}} {
		f.pass(step.pass)
		_, err := f.authenticate(token)
		assert.Equal(t, step.good, err == nil, "%v %v", f.now, err)
	}
}
