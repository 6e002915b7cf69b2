package network

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/attrmgr"

	"github.com/pedigree-ledger/pedigree/chaincode"
)

// DefaultCertificateLifetime is how long certificates are valid, other than those of authorities. Certificates start a
// few minutes in the past, so that nodes accept each other at once even if their clocks differ.
const (
	DefaultCertificateLifetime = 365 * day
	authorityLifetime          = 10 * 365 * day
	clockSkew                  = 10 * time.Minute

	day = 24 * time.Hour
)

// Lifetimes say how long an organisation's authorities and its other certificates are valid.
type lifetimes struct{ authority, leaf time.Duration }

// An authority signs an organisation's certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	lifetime    time.Duration // of the certificates that it signs, as long as it is valid itself
}

// A credential is a certificate and its private key, both PEM.
type credential struct{ certificate, key []byte }

// write writes the credential to a folder, as cert.pem and key.pem.
func (c credential) write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), c.certificate, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "key.pem"), c.key, 0o600)
}

// newAuthority makes a self-signed authority and writes it to a folder.
func newAuthority(commonName, organisation, dir string, lives lifetimes) (*authority, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: commonName, Organization: []string{organisation}},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	made, certificate, key, err := sign(template, nil, lives.authority)
	if err != nil {
		return nil, err
	}
	return &authority{certificate, key, lives.leaf}, made.write(dir)
}

// pem returns the authority's own certificate.
func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// identity makes a certificate for signing ledger messages. Fabric's membership service takes its organisational unit
// for what it is: client, peer, admin or orderer. The chaincode reads the role, one of those that users have. Nodes have
// none, so role is empty for them.
func (a *authority) identity(commonName, unit, role string) (credential, error) {
	template, err := a.member(commonName, unit, role)
	if err != nil {
		return credential{}, err
	}
	made, _, _, err := sign(template, a, a.lifetime)
	return made, err
}

// member is the template of a certificate for signing ledger messages.
func (a *authority) member(commonName, unit, role string) (*x509.Certificate, error) {
	template := &x509.Certificate{
		Subject: pkix.Name{
			CommonName:         commonName,
			OrganizationalUnit: []string{unit},
			Organization:       a.certificate.Subject.Organization,
		},
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if role == "" {
		return template, nil
	}
	attributes, err := roleAttribute(role)
	template.ExtraExtensions = []pkix.Extension{attributes}
	return template, err
}

// roleAttribute says a role in the extension in which Fabric CA has attributes.
func roleAttribute(role string) (pkix.Extension, error) {
	text, err := json.Marshal(attrmgr.Attributes{Attrs: map[string]string{chaincode.RoleAttribute: role}})
	return pkix.Extension{Id: attrmgr.AttrOID, Value: text}, err
}

// tls makes a certificate for TLS clients and servers. As a server, it is valid for its host name, for loopback
// addresses, and for the host at which others reach it, which is a name, an address, or empty.
func (a *authority) tls(host, reached string) (credential, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: host, Organization: a.certificate.Subject.Organization},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range serverNames(host, reached) {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	made, _, _, err := sign(template, a, a.lifetime)
	return made, err
}

// serverNames are the names and addresses for which the certificate of a server is valid.
func serverNames(host, reached string) []string {
	names := []string{host, "localhost", "127.0.0.1", "::1"}
	if reached != "" {
		names = append(names, reached)
	}
	return names
}

// sign makes a new key, completes the template and signs it with the authority. Without an authority, it signs itself.
func sign(template *x509.Certificate, by *authority, lifetime time.Duration) (
	credential, *x509.Certificate, *ecdsa.PrivateKey, error,
) {
	fail := func(err error) (credential, *x509.Certificate, *ecdsa.PrivateKey, error) {
		return credential{}, nil, nil, fmt.Errorf("couldn't make the certificate of %s: %w",
			template.Subject.CommonName, err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fail(err)
	}
	if by == nil {
		by = &authority{template, key, lifetime}
	}
	der, err := by.certify(template, &key.PublicKey, lifetime)
	if err != nil {
		return fail(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return fail(err)
	}
	text, err := keyPEM(key)
	if err != nil {
		return fail(err)
	}
	return credential{
		certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:         text,
	}, certificate, key, nil
}

// keyPEM writes a private key as PKCS #8.
func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), err
}

// readKey reads a private key that keyPEM has written.
func readKey(file string) (*ecdsa.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s has no key in PEM", file)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the key in %s: %w", file, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key in %s isn't one of ECDSA", file)
	}
	return key, nil
}

// certify completes the template of a certificate for a public key and signs it. The certificate of an authority that is
// being made is the template itself.
func (a *authority) certify(template *x509.Certificate, public *ecdsa.PublicKey, lifetime time.Duration) ([]byte, error) {
	var err error
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, err
	}
	point, err := public.Bytes()
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(point)
	template.SubjectKeyId = id[:] // Fabric refuses authorities without one
	a.date(template, lifetime)
	return x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.key)
}

// date sets when a certificate is valid. No certificate outlives its authority.
func (a *authority) date(template *x509.Certificate, lifetime time.Duration) {
	now := time.Now().UTC()
	template.NotBefore, template.NotAfter = now.Add(-clockSkew), now.Add(lifetime)
	if template == a.certificate {
		return
	}
	if last := a.certificate.NotAfter; template.NotAfter.After(last) {
		template.NotAfter = last
	}
}
