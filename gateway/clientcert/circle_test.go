package clientcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/certificate"
)

// circle is what a stranger can make: a certificate below authorities, each of which any other may have issued.
func circle(t *testing.T, authorities int) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	made := tls.Certificate{PrivateKey: key}
	for i := range authorities + 1 {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: "Circle"}, DNSNames: []string{fmt.Sprintf("%d.example", i)},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: i > 0, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}
		der, err := x509.CreateCertificate(rand.Reader, template, &x509.Certificate{Subject: template.Subject}, &key.PublicKey, key)
		require.NoError(t, err)
		made.Certificate = append(made.Certificate, der)
	}
	return made
}

// A stranger's authorities in a circle cost a hundred signatures, for each request, and x509 says so.
func TestAuthoritiesOfStrangersAreNotFollowed(t *testing.T) {
	f := newFixture(t)
	_, err := f.with(circle(t, certificate.MaxAbove))
	f.refuses(err, "none of the authorities in clientCertificates.roots has issued it")
	assert.NotContains(t, err.Error(), "limit")
}

func TestLongChainsAreRefused(t *testing.T) {
	f := newFixture(t)
	_, err := f.with(circle(t, certificate.MaxAbove+1))
	f.refuses(err, "too many certificates")

	long := f.authority.Issue("logger")
	for len(long.Certificate) <= certificate.MaxAbove {
		long.Certificate = append(long.Certificate, long.Certificate[0])
	}
	caller, err := f.with(long)
	require.NoError(t, err)
	assert.Equal(t, access.Machine, caller.Kind)
}
