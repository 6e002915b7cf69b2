// Package clientcerttest has authorities that issue client certificates, and servers and clients that use them, for
// tests.
package clientcerttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Authority issues certificates.
type Authority struct {
	Certificate *x509.Certificate

	t     testing.TB
	key   *ecdsa.PrivateKey
	above []*x509.Certificate // itself and those above it, without the root
}

// New makes an authority with a name. It is valid from a year ago on, for two years.
func New(t testing.TB, name string) *Authority {
	t.Helper()
	return (*Authority)(nil).make(t, name)
}

// Below makes an authority that this one has certified.
func (a *Authority) Below(name string) *Authority {
	a.t.Helper()
	return a.make(a.t, name)
}

// Machine is a machine that issues certificates, as none may.
func (a *Authority) Machine(name string) *Authority {
	a.t.Helper()
	return a.make(a.t, name, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature })
}

func (a *Authority) make(t testing.TB, name string, changes ...func(*x509.Certificate)) *Authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:  x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	for _, change := range changes {
		change(template)
	}
	made := &Authority{t: t}
	made.Certificate, made.key = a.certify(t, template)
	if a != nil {
		made.above = append([]*x509.Certificate{made.Certificate}, a.above...)
	}
	return made
}

// certify makes a key and a certificate, which signs itself if there is no authority.
func (a *Authority) certify(t testing.TB, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	issuer, by := template, key
	if a != nil {
		issuer, by = a.Certificate, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, by)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return c, key
}

func serial(t testing.TB) *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	require.NoError(t, err)
	return n
}

// Issue makes a certificate of a TLS client with a common name, valid from an hour ago on, for a day. changes change
// it. It comes with those of the authorities between it and the root.
func (a *Authority) Issue(name string, changes ...func(*x509.Certificate)) tls.Certificate {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: serial(a.t), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(23 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, change := range changes {
		change(template)
	}
	c, key := a.certify(a.t, template)
	made := tls.Certificate{Certificate: [][]byte{c.Raw}, Leaf: c, PrivateKey: key}
	for _, above := range a.above {
		made.Certificate = append(made.Certificate, above.Raw)
	}
	return made
}

// PEM are the certificates of some authorities.
func PEM(authorities ...*Authority) []byte {
	var text []byte
	for _, a := range authorities {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate.Raw})...)
	}
	return text
}

// Revoke is the authority's list of revoked certificates, in PEM. There should be a newer one from next on.
func (a *Authority) Revoke(next time.Time, revoked ...tls.Certificate) []byte {
	a.t.Helper()
	list := &x509.RevocationList{Number: serial(a.t), ThisUpdate: time.Now().Add(-24 * time.Hour), NextUpdate: next}
	for _, c := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.Leaf.SerialNumber, RevocationTime: time.Now().Add(-time.Minute)})
	}
	return a.Sign(list)
}

// Sign signs a list of revoked certificates, and writes it in PEM.
func (a *Authority) Sign(list *x509.RevocationList) []byte {
	a.t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, list, a.Certificate, a.key)
	require.NoError(a.t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// Write writes a file into a folder, and returns its path.
func Write(t testing.TB, folder, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// WritePair writes a certificate, with those above it, and its key into a folder, and returns the paths.
func WritePair(t testing.TB, folder string, c tls.Certificate) (certificate, key string) {
	t.Helper()
	var text []byte
	for _, der := range c.Certificate {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	private, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	require.NoError(t, err)
	return Write(t, folder, "cert.pem", text),
		Write(t, folder, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

// Server makes the certificate of a TLS server on this machine.
func (a *Authority) Server() tls.Certificate {
	a.t.Helper()
	return a.Issue("server", func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	})
}

// Serve starts a TLS server on this machine. request sets up how it asks for client certificates.
func (a *Authority) Serve(handler http.Handler, request func(*tls.Config)) *httptest.Server {
	a.t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{a.Server()}, NextProtos: []string{"h2", "http/1.1"}}
	request(s.TLS)
	s.StartTLS()
	a.t.Cleanup(s.Close)
	return s
}

// Client is one of servers of this authority, with a certificate, whoever issued it, or with none.
func (a *Authority) Client(certificate ...tls.Certificate) *http.Client {
	a.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate)
	config := &tls.Config{RootCAs: roots}
	if len(certificate) > 0 { // even if the server asks for those of others
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate[0], nil }
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	a.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Header is a certificate as the header Client-Cert has it, and an entry of Client-Cert-Chain.
func Header(der []byte) string { return ":" + base64.StdEncoding.EncodeToString(der) + ":" }

// Thumbprint is what a token that is bound to a certificate says of it (RFC 8705).
func Thumbprint(c tls.Certificate) string {
	sum := sha256.Sum256(c.Leaf.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
