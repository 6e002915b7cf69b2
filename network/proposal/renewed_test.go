package proposal_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// reissued makes a certificate like one of the orderers' organisation. Without a key it is for the same key.
func reissued(t *testing.T, n *network.Network, authority, file string, key crypto.PublicKey) string {
	t.Helper()
	was, err := x509.ParseCertificate(derOf(t, file))
	require.NoError(t, err)
	issuer, err := x509.ParseCertificate(derOf(t, filepath.Join(n.Dir(), "orderer", authority, "cert.pem")))
	require.NoError(t, err)
	signer, err := x509.ParsePKCS8PrivateKey(derOf(t, filepath.Join(n.Dir(), "orderer", authority, "key.pem")))
	require.NoError(t, err)
	if key == nil {
		key = was.PublicKey
	}
	next := *was
	next.SerialNumber, next.NotAfter = big.NewInt(time.Now().UnixNano()), was.NotAfter.Add(-time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, &next, issuer, key, signer)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestAReviewTellsARenewedOrdererFromAnother(t *testing.T) {
	n := shared.Network(t)
	now := configuration(t)
	one := n.Orderers()[1]
	dir := filepath.Join(n.Dir(), "orderer", one.Name)
	identity, transport := filepath.Join(dir, "msp", "signcerts", "cert.pem"), filepath.Join(dir, "tls", "cert.pem")
	there, ok := now.Orderer(one.Address())
	require.True(t, ok)
	_, ok = now.Orderer("127.0.0.1:1")
	require.False(t, ok)
	read := func(identity, transport string) *orgcard.Card {
		c, err := orgcard.Read(nil, ordererCard(t, n, one, identity, transport))
		require.NoError(t, err)
		return c
	}
	review := func(cards ...*orgcard.Card) (words, dangers string) {
		p, err := proposal.RenewFromCards(now, cards...)
		require.NoError(t, err)
		r, err := p.Assess(now)
		require.NoError(t, err)
		return strings.Join(r.Words, "\n"), strings.Join(r.Dangers, "\n")
	}

	words, dangers := review(read(reissued(t, n, "ca", identity, nil), reissued(t, n, "tlsca", transport, nil)))
	assert.Contains(t, words, "renew the certificates of the orderer 2, "+one.Address()+" of OrdererMSP, for the keys that it has")
	assert.NotContains(t, dangers, "join")
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	words, _ = review(read(reissued(t, n, "ca", identity, other.Public()), string(there.TLS)))
	assert.Contains(t, words, "replace the orderer 2")
	words, _ = review(read(string(there.Identity), reissued(t, n, "tlsca", transport, other.Public())))
	assert.Contains(t, words, "replace the orderer 2", "its key of TLS is another one")

	next := n.Orderers()[2]
	of := filepath.Join(n.Dir(), "orderer", next.Name)
	second, err := orgcard.Read(nil, ordererCard(t, n, next,
		reissued(t, n, "ca", filepath.Join(of, "msp", "signcerts", "cert.pem"), nil),
		reissued(t, n, "tlsca", filepath.Join(of, "tls", "cert.pem"), nil)))
	require.NoError(t, err)
	words, dangers = review(read(reissued(t, n, "ca", identity, nil), string(there.TLS)), second)
	assert.Contains(t, words, "renew the certificates of the orderer 2, "+one.Address())
	assert.Contains(t, words, "renew the certificates of the orderer 3, "+next.Address())
	assert.NotContains(t, dangers, "join")

	_, err = proposal.RenewFromCards(now, read(string(there.Identity), string(there.TLS)))
	require.ErrorContains(t, err, "has the certificates of the cards already")
	foreign := read(reissued(t, n, "ca", identity, nil), string(there.TLS))
	foreign.MSPID = "HarborMSP"
	_, err = proposal.RenewFromCards(now, foreign)
	require.ErrorContains(t, err, "is of OrdererMSP, and the card is of HarborMSP")
}

// TestAnOrdererElsewhereHasANewNumber: the other orderers keep their connection to an orderer's number, wherever that
// orderer is now. Only a number that is new to them has them connect to another address.
func TestAnOrdererElsewhereHasANewNumber(t *testing.T) {
	n := shared.Network(t)
	now := configuration(t)
	lost := n.Orderers()[1]
	dir := filepath.Join(n.Dir(), "orderer", lost.Name)
	identity, transport := filepath.Join(dir, "msp", "signcerts", "cert.pem"), filepath.Join(dir, "tls", "cert.pem")
	c, err := orgcard.Read(nil, ordererCard(t, n, lost, reissued(t, n, "ca", identity, nil),
		reissued(t, n, "tlsca", transport, nil)))
	require.NoError(t, err)
	review := func() string {
		p, err := proposal.ReplaceOrderer(now, lost.Address(), c, "")
		require.NoError(t, err)
		r, err := p.Assess(now)
		require.NoError(t, err)
		return strings.Join(r.Words, "\n")
	}

	assert.Contains(t, review(), "the orderer 2, "+lost.Address(), "it is where the lost one was")
	assert.NotContains(t, review(), "the orderer 5")
	c.Orderers[0].Port++
	assert.Contains(t, review(), "remove the orderer 2, "+lost.Address())
	assert.Contains(t, review(), "add the orderer 5, ")
}
