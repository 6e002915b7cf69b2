package oidc

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/config"
)

func (f *fixture) json(changes map[string]any) []byte {
	f.t.Helper()
	text, err := json.Marshal(f.claims(changes))
	require.NoError(f.t, err)
	return text
}

func TestABoundTokenIsForWhoShowsTheCertificate(t *testing.T) {
	mine, other := &x509.Certificate{Raw: []byte("mine")}, &x509.Certificate{Raw: []byte("other")}
	sum := sha256.Sum256(mine.Raw)
	bound := func(thumbprint string) map[string]any {
		return map[string]any{"cnf": map[string]any{"x5t#S256": thumbprint}}
	}
	good := base64.RawURLEncoding.EncodeToString(sum[:])
	f := newFixture(t)
	show := func(claims map[string]any, c *x509.Certificate, failure error) error {
		caller, err := f.issuer.Authenticate(t.Context(), f.token(claims), func() (*x509.Certificate, error) { return c, failure }, true)
		assert.Equal(t, err == nil, caller != nil)
		return err
	}
	assert.NoError(t, show(bound(good), mine, nil))
	assert.NoError(t, show(nil, mine, nil), "a token that isn't bound is for anybody")
	assert.NoError(t, show(nil, nil, errors.New("not asked")), "and nobody looks at a certificate then")
	for name, err := range map[string]error{
		"another":         show(bound(good), other, nil),
		"with padding":    show(bound(good+"="), mine, nil),
		"of hexadecimal":  show(bound(hex.EncodeToString(sum[:])), mine, nil),
		"of standard":     show(bound(base64.StdEncoding.EncodeToString(sum[:])), mine, nil),
		"a part":          show(bound(good[:42]), mine, nil),
		"nothing":         show(bound(""), mine, nil),
		"none is shown":   show(bound(good), nil, nil),
		"it isn't valid":  show(bound(good), nil, &access.CertificateError{Reason: "it expired"}),
		"another's error": show(bound(good), mine, &access.CertificateError{Reason: "it was revoked"}),
	} {
		require.ErrorIs(t, err, access.ErrUnknownToken, name)
		assert.NotErrorIs(t, err, access.ErrUnavailable)
		assert.ErrorContains(t, err, "(cnf)", name)
	}
	assert.ErrorContains(t, show(bound(good), nil, &access.CertificateError{Reason: "it expired"}), "and the client certificate is not accepted: it expired")
	down := show(bound(good), nil, fmt.Errorf("%w: no list", access.ErrUnavailable))
	assert.ErrorIs(t, down, access.ErrUnavailable)
	assert.NotErrorIs(t, down, access.ErrUnknownToken)

	f = newFixture(t, func(c *config.OIDC) { c.RequireBound = true })
	assert.NoError(t, show(bound(good), mine, nil))
	assert.ErrorContains(t, show(nil, mine, nil), "it isn't bound to a client certificate (cnf), and this gateway takes no other tokens of")
	assert.ErrorIs(t, show(nil, mine, nil), access.ErrUnknownToken)
}
