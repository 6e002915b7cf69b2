package signing

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Key is a person's key, and the certificate that an organisation has issued for it.
type Key struct {
	// MSPID is the organisation. The certificate doesn't name it, so the person does.
	MSPID string
	// Subject is the certificate's subject, which records are going to name.
	Subject string

	creator []byte
	sign    identity.Sign
}

// NewKey makes a key of a certificate and a private key in PEM. The key is ECDSA on the curve P-256, in PKCS #8 or SEC 1,
// not encrypted. It fails if the key isn't that of the certificate, or if the certificate isn't valid now.
func NewKey(mspID string, certificatePEM, keyPEM []byte) (*Key, error) {
	if mspID == "" {
		return nil, errors.New("the organisation that issued the certificate isn't named")
	}
	certificate, err := identity.CertificateFromPEM(certificatePEM)
	if err != nil {
		return nil, fmt.Errorf("the certificate can't be read: %w", err)
	}
	block, rest := pem.Decode(keyPEM)
	if block != nil && block.Type == "EC PARAMETERS" {
		block, _ = pem.Decode(rest)
	}
	if block == nil {
		return nil, errors.New("the key is no PEM")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("the key is encrypted; `openssl pkcs8 -in FILE` prints it without encryption")
	}
	private, err := privateKey(block)
	if err != nil {
		return nil, fmt.Errorf("the key can't be read: %w", err)
	}
	key, ok := private.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("the key must be ECDSA on the curve P-256")
	}
	if !key.PublicKey.Equal(certificate.PublicKey) {
		return nil, errors.New("the key isn't that of the certificate")
	}
	if now := time.Now(); now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		return nil, fmt.Errorf("the certificate of %s is valid from %s to %s only", record.Brief(certificate.Subject.String()),
			certificate.NotBefore.UTC().Format(time.RFC3339), certificate.NotAfter.UTC().Format(time.RFC3339))
	}
	k := &Key{MSPID: mspID, Subject: certificate.Subject.String()}
	text, err := identity.CertificateToPEM(certificate)
	if err != nil {
		return nil, err
	}
	if k.creator, err = proto.Marshal(&msp.SerializedIdentity{Mspid: mspID, IdBytes: text}); err != nil {
		return nil, err
	}
	k.sign, err = identity.NewPrivateKeySign(key)
	return k, err
}

// privateKey reads PKCS #8 or SEC 1. OpenSSL writes the second, sometimes with the curve's parameters before it.
func privateKey(block *pem.Block) (any, error) {
	if block.Type == "EC PRIVATE KEY" {
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

// Certificate is the certificate in PEM, as transactions are going to have it.
func (k *Key) Certificate() string {
	var id msp.SerializedIdentity
	if err := proto.Unmarshal(k.creator, &id); err != nil {
		panic(err) // NewKey has made it
	}
	return string(id.GetIdBytes())
}

// signed signs the SHA-256 of a message, in the form that Fabric takes: DER, with a low S.
func (k *Key) signed(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	return k.sign(digest[:])
}
