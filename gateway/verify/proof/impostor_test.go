package proof_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

func parseCertificate(t testing.TB, text []byte) *x509.Certificate {
	block, _ := pem.Decode(text)
	require.NotNil(t, block)
	c, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return c
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// rogueAuthority looks like an authority in all but its key.
func rogueAuthority(t testing.TB, subject pkix.Name, keyID []byte, like *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: subject, SubjectKeyId: keyID, NotBefore: like.NotBefore, NotAfter: like.NotAfter,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	ca, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return ca, key
}

// rogueRoot is an authority's certificate with another key, in PEM.
func rogueRoot(t testing.TB, ca *x509.Certificate) []byte {
	made, _ := rogueAuthority(t, ca.Subject, ca.SubjectKeyId, ca)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Raw})
}

// impostor has a certificate like an identity's, of an authority like the one that issued it.
func impostor(t testing.TB, id *proof.Identity) *signer {
	c := id.Certificate
	ca, caKey := rogueAuthority(t, c.Issuer, c.AuthorityKeyId, c)
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: c.SerialNumber, Subject: c.Subject, SubjectKeyId: c.SubjectKeyId,
		NotBefore: c.NotBefore, NotAfter: c.NotAfter, KeyUsage: c.KeyUsage}, ca, &key.PublicKey, caKey)
	require.NoError(t, err)
	return &signer{marshal(t, &msp.SerializedIdentity{Mspid: id.MSPID, IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}), key}
}
