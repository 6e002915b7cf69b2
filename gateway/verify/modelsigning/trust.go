package modelsigning

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Trust is what a verifier trusts: a key, or the roots of certificates.
type Trust struct {
	Key   *ecdsa.PublicKey
	Roots []*x509.Certificate
}

// KeyHint returns the name of a public key in bundles: the SHA-256 of its PEM text, not of its DER bytes, in
// hexadecimal.
func KeyHint(key *ecdsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("couldn't encode the public key: %w", err)
	}
	return hexSum(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// digestFor hashes a message with the hash that belongs to the key's curve.
func digestFor(key *ecdsa.PublicKey, message []byte) ([]byte, error) {
	var h crypto.Hash
	switch key.Curve {
	case elliptic.P256():
		h = crypto.SHA256
	case elliptic.P384():
		h = crypto.SHA384
	case elliptic.P521():
		h = crypto.SHA512
	default:
		return nil, errors.New("model signing takes ECDSA keys on P-256, P-384 and P-521")
	}
	sum := h.New()
	sum.Write(message)
	return sum.Sum(nil), nil
}

// trusted follows the bundle's chain to the roots. A bundle doesn't have the time of signing, so certificates are
// judged at the time when the signer's became valid. So a signature stays good when certificates expire. But a key that
// is stolen later can sign too, even after its certificate has expired.
func (b *Bundle) trusted(roots []*x509.Certificate) (*x509.Certificate, error) {
	leaf := b.certificates[0]
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		CurrentTime: leaf.NotBefore.Add(time.Second), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, c := range roots {
		options.Roots.AddCert(c)
	}
	for _, c := range b.certificates[1:] {
		options.Intermediates.AddCert(c)
	}
	if _, err := leaf.Verify(options); err != nil {
		return nil, fmt.Errorf("the certificate of %q doesn't lead to a trusted root: %w", brief(leaf.Subject.String()), err)
	}
	return leaf, maySign(leaf)
}

func maySign(c *x509.Certificate) error {
	if c.KeyUsage&x509.KeyUsageDigitalSignature == 0 && !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageCodeSigning) {
		return fmt.Errorf(
			"the certificate of %q is not for signing: it has neither the key usage digitalSignature nor codeSigning",
			brief(c.Subject.String()),
		)
	}
	return nil
}

// ParsePublicKey reads a public key in PEM.
func ParsePublicKey(text []byte) (*ecdsa.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("is not PEM, which begins with -----BEGIN PUBLIC KEY-----")
	}
	if block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("has a %s in it, not a PUBLIC KEY", block.Type)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", err)
	}
	public, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("is no ECDSA key; model signing takes those on P-256, P-384 and P-521")
	}
	_, err = digestFor(public, nil)
	return public, err
}

// ParsePrivateKey reads an unencrypted private key in PEM, PKCS #8 or SEC 1.
func ParsePrivateKey(text []byte) (*ecdsa.PrivateKey, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("is encrypted; decrypt it first, with openssl pkey")
		default: // such as EC PARAMETERS
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("can't be read: %w", err)
		}
		private, ok := key.(*ecdsa.PrivateKey)
		if !ok {
			return nil, errors.New("is no ECDSA key; model signing takes those on P-256, P-384 and P-521")
		}
		_, err = digestFor(&private.PublicKey, nil)
		return private, err
	}
	return nil, errors.New("has no private key in PEM; openssl ecparam -name prime256v1 -genkey -noout makes one")
}

// ParseCertificates reads all certificates of a PEM text.
func ParseCertificates(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("has a %s in it, where only certificates should be", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("has a certificate that can't be read: %w", err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("has no certificate in PEM")
	}
	return all, nil
}
