package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

func TestANewKeyIsFetchedWhenATokenNamesIt(t *testing.T) {
	f := newFixture(t)
	f.publish(keys().rsa)
	_, err := f.authenticate(f.sign(keys().rsa, "", f.claims(nil)))
	require.NoError(t, err)
	f.publish(keys().other)
	rotated := f.sign(keys().other, "", f.claims(nil))
	_, err = f.authenticate(rotated)
	assert.ErrorIs(t, err, access.ErrUnknownToken, "the issuer was asked a moment ago")
	f.pass(keysAgain)
	_, err = f.issuer.Authenticate(t.Context(), rotated, noCertificate, false)
	assert.ErrorIs(t, err, access.ErrUnknownToken, "the issuer isn't asked")
	assert.Equal(t, 1, f.times("/keys"))
	_, err = f.authenticate(rotated)
	assert.NoError(t, err)
	_, err = f.authenticate(f.sign(keys().rsa, "", f.claims(nil)))
	assert.ErrorContains(t, err, "doesn't publish the key", "the old key was withdrawn")
	assert.Equal(t, 2, f.times("/keys"))
}

func TestManyUnknownKeysMakeFewFetches(t *testing.T) {
	f := newFixture(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := f.authenticate(f.sign(keys().ec, "", f.claims(nil)))
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Equal(t, 1, f.times("/keys"))
	for range 100 {
		f.pass(time.Second)
		_, err := f.authenticate(f.sign(keys().other, "", f.claims(nil)))
		assert.ErrorIs(t, err, access.ErrUnknownToken)
	}
	assert.Equal(t, 11, f.times("/keys"))
}

func TestWhenTheIssuerIsDownItsKeysAreUsedForAnHour(t *testing.T) {
	f := newFixture(t)
	token := f.token(map[string]any{"exp": f.now.Add(20 * time.Hour).Unix()})
	_, err := f.authenticate(token)
	require.NoError(t, err)
	f.fail(true)
	require.Error(t, f.issuer.keys.fetch(t.Context()))
	f.pass(keysLast)
	_, err = f.authenticate(token)
	require.NoError(t, err)
	_, err = f.authenticate(f.sign(keys().other, "", f.claims(nil)))
	assert.ErrorIs(t, err, access.ErrUnavailable, "it may be a new key")
	assert.NotErrorIs(t, err, access.ErrUnknownToken)
	f.pass(time.Second)
	_, err = f.authenticate(token)
	assert.ErrorIs(t, err, access.ErrUnavailable)
	assert.ErrorContains(t, err, "can't be reached")
	f.fail(false)
	f.pass(keysAgain)
	_, err = f.authenticate(token)
	assert.NoError(t, err)
}

func TestAnIssuerThatNeverAnsweredLetsNobodyIn(t *testing.T) {
	f := newFixture(t)
	f.fail(true)
	_, err := f.authenticate(f.token(nil))
	assert.ErrorIs(t, err, access.ErrUnavailable)
	f.server.Close()
	f.pass(keysAgain)
	_, err = f.authenticate(f.token(nil))
	assert.ErrorIs(t, err, access.ErrUnavailable)
}

func TestKeysThatAreUnfitAreLeftOut(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	secret := []byte(strings.Repeat("s", 32))
	encrypts, private, other := keys().ec.public(), keys().ec.public(), keys().ec.public()
	encrypts.Use, private.Key, other.Algorithm = "enc", keys().ec.private, "ES384"
	for name, unfit := range map[string]any{
		"a short RSA key":            key{"k", jose.RS256, weak}.public(),
		"another curve":              key{"k", jose.ES384, wide}.public(),
		"a secret":                   jose.JSONWebKey{Key: secret, KeyID: "ec", Algorithm: "HS256"},
		"a key to encrypt with":      encrypts,
		"a private key":              private,
		"a key of a kind to come":    map[string]any{"kty": "PQC", "kid": "ec"},
		"what isn't a key":           "ec",
		"a key of another algorithm": other,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.keys = []any{unfit, keys().rsa.public()}
			_, err := f.authenticate(f.token(nil))
			assert.ErrorContains(t, err, "doesn't publish the key")
			_, err = f.authenticate(f.sign(keys().rsa, "", f.claims(nil)))
			assert.NoError(t, err)
			if name != "a key of another algorithm" {
				f.keys = []any{unfit}
				assert.ErrorContains(t, f.issuer.keys.fetch(t.Context()), "no public key for RS256")
			}
		})
	}
}

func TestWhatAnIssuerSaysIsBoundedAndChecked(t *testing.T) {
	for _, c := range []struct {
		name  string
		about map[string]any
		want  string
	}{
		{"another issuer", map[string]any{"issuer": "https://other.example"}, "calls itself"},
		{"no keys", map[string]any{"jwks_uri": ""}, "jwks_uri"},
		{"keys in the clear", map[string]any{"jwks_uri": "http://keys.example/keys"}, "https://"},
		{"a file", map[string]any{"jwks_uri": "file:///etc/passwd"}, "jwks_uri"},
		{"a sign-in in the clear", map[string]any{"authorization_endpoint": "http://192.0.2.1/"}, "authorization_endpoint"},
		{"a script", map[string]any{"end_session_endpoint": "javascript:alert(1)"}, "end_session_endpoint"},
		{"too much", map[string]any{"x": strings.Repeat("a", maxFetched)}, "too large"},
		{"something else", map[string]any{"issuer": 7}, "couldn't understand"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.about = c.about
			assert.ErrorContains(t, f.issuer.keys.fetch(t.Context()), c.want)
		})
	}
	f := newFixture(t)
	for range maxKeys {
		f.keys = append(f.keys, keys().ec.public())
	}
	assert.ErrorContains(t, f.issuer.keys.fetch(t.Context()), "more than 100")
	f.about["jwks_uri"] = f.server.URL + "/elsewhere"
	assert.ErrorContains(t, f.issuer.keys.fetch(t.Context()), "404")
}

func TestOneWhoGivesUpDoesNotStopTheFetch(t *testing.T) {
	f := newFixture(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.issuer.Authenticate(gone, f.token(nil), noCertificate, true)
	assert.ErrorIs(t, err, access.ErrUnavailable)
	_, err = f.authenticate(f.token(nil))
	assert.NoError(t, err)
	assert.Equal(t, 1, f.times("/keys"))
}
