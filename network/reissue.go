package network

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
)

// loadAuthority reads an organisation's authority from its folder.
func loadAuthority(dir string, lifetime time.Duration) (*authority, error) {
	c, err := certificate.Read(filepath.Join(dir, "cert.pem"))
	if err != nil {
		return nil, err
	}
	if now := time.Now(); now.After(c.NotAfter) {
		return nil, fmt.Errorf("the authority in %s expired at %s and can't sign: every member of the channel must "+
			"take a new one", dir, c.NotAfter.UTC().Format(time.RFC3339))
	}
	text, err := os.ReadFile(filepath.Join(dir, "key.pem"))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the key of the authority in %s: %w", dir, err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s has no key in PEM", filepath.Join(dir, "key.pem"))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the key of the authority in %s: %w", dir, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(c.PublicKey) {
		return nil, fmt.Errorf("the key in %s isn't that of its certificate", dir)
	}
	return &authority{c, key, lifetime}, nil
}

// reissue makes a certificate that differs from an earlier one of the authority only in its number and its time. The
// key stays: what its holder signs can be verified with either certificate, so that nobody must change at the same
// moment.
func (a *authority) reissue(file string) ([]byte, error) {
	was, err := certificate.Read(file)
	if err != nil {
		return nil, err
	}
	if err := was.CheckSignatureFrom(a.certificate); err != nil {
		return nil, fmt.Errorf("%s isn't from the authority %s: %w", file, a.certificate.Subject, err)
	}
	next := &x509.Certificate{
		RawSubject: was.RawSubject, KeyUsage: was.KeyUsage, ExtKeyUsage: was.ExtKeyUsage, SubjectKeyId: was.SubjectKeyId,
		BasicConstraintsValid: was.BasicConstraintsValid, DNSNames: was.DNSNames, IPAddresses: was.IPAddresses,
		EmailAddresses: was.EmailAddresses, URIs: was.URIs,
	}
	if next.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, err
	}
	a.date(next)
	der, err := x509.CreateCertificate(rand.Reader, next, a.certificate, was.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("couldn't make a new certificate for %s: %w", file, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
