package fabricca_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/fabricca"
	"github.com/pedigree-ledger/pedigree/network/fabricca/fabriccatest"
)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// client returns a client of one of a server's CAs.
func client(t *testing.T, s *fabriccatest.Server, name string) *fabricca.Client {
	t.Helper()
	c, err := fabricca.New(fabricca.Server{URL: s.URL, Name: name, Roots: s.Roots})
	require.NoError(t, err)
	return c
}

// registrar enrols the one who may do everything at a CA.
func registrar(t *testing.T, c *fabricca.Client) fabricca.Identity {
	t.Helper()
	key := newKey(t)
	text, err := c.Enroll(t.Context(), fabriccatest.Secret, fabricca.Request{Name: fabriccatest.Registrar, Key: key})
	require.NoError(t, err)
	return fabricca.Identity{Certificate: text, Key: key}
}

func parsed(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, rest := pem.Decode(text)
	require.NotNil(t, block)
	require.Empty(t, rest)
	c, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return c
}

// TestAnIdentityLivesAtARealCA follows one from its registration to its revocation.
func TestAnIdentityLivesAtARealCA(t *testing.T) {
	server := fabriccatest.Start(t)
	c := client(t, server, fabriccatest.Identities)
	ctx := t.Context()
	by := registrar(t, c)
	authority, err := c.Authority(ctx)
	require.NoError(t, err)

	ada := fabricca.Registration{Name: "Ada Lovelace", Type: "client", Secret: "ada's own",
		Attributes: map[string]string{"pedigree.role": "submitter"}}
	require.NoError(t, c.Register(ctx, by, ada))
	err = c.Register(ctx, by, ada)
	require.True(t, fabricca.Is(err, fabricca.AlreadyRegistered), "%v", err)

	key := newKey(t)
	wanted := fabricca.Request{Name: ada.Name, Key: key, Attributes: []string{"pedigree.role"}}
	text, err := c.Enroll(ctx, ada.Secret, wanted)
	require.NoError(t, err)
	first := parsed(t, text)
	assert.NoError(t, first.CheckSignatureFrom(authority))
	assert.Equal(t, []string{"client"}, first.Subject.OrganizationalUnit)
	assert.False(t, first.NotAfter.After(authority.NotAfter))

	again, err := fabricca.Again(first, key)
	require.NoError(t, err)
	assert.Equal(t, []string{"pedigree.role"}, again.Attributes)
	as := fabricca.Identity{Certificate: text, Key: key}
	text, err = c.Reenroll(ctx, as, again)
	require.NoError(t, err)
	second := parsed(t, text)
	assert.NotEqual(t, first.SerialNumber, second.SerialNumber)
	assert.True(t, key.PublicKey.Equal(second.PublicKey))

	_, _, err = c.Revoked(ctx, as)
	require.True(t, fabricca.Is(err, fabricca.NotAuthorized), "%v", err)
	_, err = c.Revoke(ctx, by, fabricca.Revocation{Name: "nobody", Reason: "unspecified"})
	require.Error(t, err)
	assert.Equal(t, exit.Refused, exit.Code(err))
	serials, err := c.Revoke(ctx, by, fabricca.Revocation{Name: ada.Name, Reason: "keycompromise"})
	require.NoError(t, err)
	require.Len(t, serials, 2)
	text, list, err := c.Revoked(ctx, by)
	require.NoError(t, err)
	assert.Contains(t, string(text), "BEGIN X509 CRL")
	require.Len(t, list.RevokedCertificateEntries, 2)
	for _, entry := range list.RevokedCertificateEntries {
		assert.Contains(t, []string{first.SerialNumber.String(), second.SerialNumber.String()}, entry.SerialNumber.String())
	}
	_, err = c.Reenroll(ctx, as, again)
	require.True(t, fabricca.Is(err, fabricca.NotAuthenticated), "%v", err)
	_, err = c.Enroll(ctx, ada.Secret, wanted)
	require.True(t, fabricca.Is(err, fabricca.NotAuthenticated), "%v", err)
}

// The key of a certificate may be lost without its holder having to go by another name.
func TestOneCertificateIsRevoked(t *testing.T) {
	c := client(t, fabriccatest.Start(t), fabriccatest.Identities)
	by := registrar(t, c)
	ada := fabricca.Registration{Name: "Ada", Type: "client", Secret: "ada's own"}
	require.NoError(t, c.Register(t.Context(), by, ada))
	lost := fabricca.Request{Name: ada.Name, Key: newKey(t)}
	text, err := c.Enroll(t.Context(), ada.Secret, lost)
	require.NoError(t, err)
	was := parsed(t, text)
	serials, err := c.Revoke(t.Context(), by, fabricca.Revocation{Name: ada.Name, Certificate: was, Reason: "superseded"})
	require.NoError(t, err)
	require.Len(t, serials, 1)
	assert.Zero(t, was.SerialNumber.Cmp(serials[0]))
	_, list, err := c.Revoked(t.Context(), by)
	require.NoError(t, err)
	require.Len(t, list.RevokedCertificateEntries, 1)
	_, err = c.Reenroll(t.Context(), fabricca.Identity{Certificate: text, Key: lost.Key}, lost)
	require.True(t, fabricca.Is(err, fabricca.NotAuthenticated), "%v", err)
	_, err = c.Enroll(t.Context(), ada.Secret, fabricca.Request{Name: ada.Name, Key: newKey(t)})
	require.NoError(t, err)
	_, err = c.Revoke(t.Context(), by, fabricca.Revocation{Name: "Eve", Certificate: was, Reason: "superseded"})
	require.Error(t, err, "it is Ada's")
}

func TestARealCAMakesACertificateForTLS(t *testing.T) {
	c := client(t, fabriccatest.Start(t), fabriccatest.TLS)
	by := registrar(t, c)
	peer := fabricca.Registration{Name: "peer0.harbor.example", Type: "peer", Secret: "its own"}
	require.NoError(t, c.Register(t.Context(), by, peer))
	key := newKey(t)
	hosts := []string{"peer0.harbor.example", "localhost", "127.0.0.1", "::1"}
	text, err := c.Enroll(t.Context(), peer.Secret, fabricca.Request{Name: peer.Name, Key: key, TLS: true, Hosts: hosts})
	require.NoError(t, err)
	made := parsed(t, text)
	assert.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, made.ExtKeyUsage)
	again, err := fabricca.Again(made, key)
	require.NoError(t, err)
	assert.True(t, again.TLS)
	assert.Equal(t, hosts, again.Hosts)
	text, err = c.Reenroll(t.Context(), fabricca.Identity{Certificate: text, Key: key}, again)
	require.NoError(t, err)
	assert.Equal(t, made.IPAddresses, parsed(t, text).IPAddresses)
}

func TestARealCARefuses(t *testing.T) {
	server := fabriccatest.Start(t)
	c := client(t, server, fabriccatest.Identities)
	by := registrar(t, c)
	eve := fabricca.Registration{Name: "Eve", Type: "client", Secret: "eve's own"}
	require.NoError(t, c.Register(t.Context(), by, eve))
	enroll := func(c *fabricca.Client, secret string, r fabricca.Request) error {
		r.Key = newKey(t)
		_, err := c.Enroll(t.Context(), secret, r)
		return err
	}
	mallory := fabricca.Identity{Certificate: by.Certificate, Key: newKey(t)}
	for name, test := range map[string]struct {
		err  error
		want string
		code int
	}{
		"a wrong secret":        {enroll(c, "guessed", fabricca.Request{Name: "Eve"}), "The secret is wrong", exit.Refused},
		"a name that it hasn't": {enroll(c, "guessed", fabricca.Request{Name: "Nobody"}), "isn't registered", exit.Refused},
		"a name of no identity": {enroll(c, "guessed", fabricca.Request{Name: "a:b"}), "no colon", exit.Usage},
		"an attribute that the identity hasn't": {
			enroll(c, eve.Secret, fabricca.Request{Name: "Eve", Attributes: []string{"pedigree.role"}}),
			"attributes are missing: [pedigree.role]", exit.Refused},
		"the key of another": {c.Register(t.Context(), mallory, eve), "doesn't accept who asks", exit.Refused},
		"a CA that it hasn't": {
			enroll(client(t, server, "other"), eve.Secret, fabricca.Request{Name: "Eve"}), "CA 'other' does not exist",
			exit.Refused},
	} {
		require.ErrorContains(t, test.err, test.want, name)
		assert.Equal(t, test.code, exit.Code(test.err), name)
		assert.NotContains(t, test.err.Error(), "guessed", "%s: the secret is told", name)
	}
	server.Stop()
	err := enroll(client(t, server, ""), eve.Secret, fabricca.Request{Name: "Eve"})
	require.ErrorContains(t, err, "couldn't reach the CA at "+server.URL)
	assert.Equal(t, exit.Unreachable, exit.Code(err))
}

func TestAServerWhoseTLSIsNotThatOfTheRoots(t *testing.T) {
	server := fabriccatest.Start(t)
	c, err := fabricca.New(fabricca.Server{URL: server.URL})
	require.NoError(t, err)
	_, err = c.Authority(t.Context())
	require.ErrorContains(t, err, "doesn't show a TLS certificate of the roots")
	c, err = fabricca.New(fabricca.Server{URL: strings.Replace(server.URL, "127.0.0.1", "127.0.0.2", 1), Roots: server.Roots})
	require.NoError(t, err)
	_, err = c.Authority(t.Context())
	require.Error(t, err)
}
