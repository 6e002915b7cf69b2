// Package orgcardtest makes cards of organisations that exist only in tests.
package orgcardtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// An Authority signs certificates.
type Authority struct {
	Certificate *x509.Certificate
	Key         *ecdsa.PrivateKey
}

// New makes a self-signed authority.
func New(t testing.TB, name string) (*Authority, string) {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, SubjectKeyId: []byte(name)}
	a := &Authority{}
	text, key := a.Sign(t, template)
	a.Key = key
	a.Certificate, _ = orgcard.Certificate(text)
	return a, text
}

// Sign completes a template and signs it. An authority without a certificate has the template sign itself.
func (a *Authority) Sign(t testing.TB, template *x509.Certificate) (string, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour).UTC().Truncate(time.Hour)
	}
	template.NotBefore = template.NotAfter.Add(-24 * time.Hour)
	parent, signer := template, key
	if a.Certificate != nil {
		parent, signer = a.Certificate, a.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), key
}

// Node signs the certificate of a node: with the role as its organisational unit, and for a host.
func (a *Authority) Node(t testing.TB, host, role string) string {
	text, _ := a.Sign(t, &x509.Certificate{DNSNames: []string{host}, KeyUsage: x509.KeyUsageDigitalSignature,
		Subject: pkix.Name{CommonName: host, OrganizationalUnit: []string{role}}})
	return text
}

// Card makes the card of an organisation with a peer and some orderers. It also returns its two authorities.
func Card(t testing.TB, name string, orderers int) (*orgcard.Card, *Authority, *Authority) {
	t.Helper()
	ca, authority := New(t, "ca."+name)
	tls, tlsAuthority := New(t, "tlsca."+name)
	host := name + ".example"
	c := &orgcard.Card{Version: orgcard.Version, Name: name, MSPID: name + "MSP", Authority: authority, TLSAuthority: tlsAuthority,
		Peers: []orgcard.Peer{{Name: "peer0", Host: host, Port: 7051, ServerName: host,
			Identity: ca.Node(t, host, "peer"), TLS: tls.Node(t, host, "peer")}}}
	for i := range orderers {
		c.Orderers = append(c.Orderers, orgcard.Orderer{Name: fmt.Sprintf("orderer%d", i+1), Host: host, Port: 7100 + i,
			Identity: ca.Node(t, host, "orderer"), TLS: tls.Node(t, host, "orderer")})
	}
	return c, ca, tls
}
