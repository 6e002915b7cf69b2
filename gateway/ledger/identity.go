package ledger

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/hsm"
)

// Identity is a certificate of one organisation and the means to sign as its holder. It is safe for concurrent use and
// meant to be shared.
type Identity struct {
	// MSPID is the organisation that issued the certificate.
	MSPID string
	// Subject is the certificate's subject, as in RFC 2253.
	Subject string
	// Expires is when the certificate expires. After that, peers and orderers refuse the identity. The zero time says
	// that it isn't known.
	Expires time.Time

	creator     []byte
	certificate []byte // DER
	sign        identity.Sign
}

// NewIdentity makes an identity of a PEM certificate and its PEM private key (PKCS #8 or SEC 1, ECDSA or Ed25519).
// Signatures are made over SHA-256 digests, in the low-S form that Fabric asks for.
func NewIdentity(mspID string, certificatePEM, keyPEM []byte) (*Identity, error) {
	if mspID == "" {
		return nil, fmt.Errorf("couldn't make an identity: the MSP id is missing")
	}
	certificate, err := identity.CertificateFromPEM(certificatePEM)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the certificate of %s: %w", mspID, err)
	}
	key, err := identity.PrivateKeyFromPEM(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the private key of %s: %w", mspID, err)
	}
	sign, err := identity.NewPrivateKeySign(key)
	if err != nil {
		return nil, fmt.Errorf("couldn't use the private key of %s: %w", mspID, err)
	}
	return newIdentity(mspID, certificate, sign)
}

func newIdentity(mspID string, certificate *x509.Certificate, sign identity.Sign) (*Identity, error) {
	pem, err := identity.CertificateToPEM(certificate)
	if err != nil {
		return nil, fmt.Errorf("couldn't write the certificate of %s: %w", mspID, err)
	}
	creator, err := proto.Marshal(&msp.SerializedIdentity{Mspid: mspID, IdBytes: pem})
	if err != nil {
		return nil, fmt.Errorf("couldn't serialise the identity of %s: %w", mspID, err)
	}
	return &Identity{
		MSPID:       mspID,
		Subject:     certificate.Subject.String(),
		Expires:     certificate.NotAfter,
		creator:     creator,
		certificate: certificate.Raw,
		sign:        sign,
	}, nil
}

// LoadIdentity reads an identity from two PEM files. In place of the file of the key there may be a URI of PKCS #11; see
// package hsm.
func LoadIdentity(mspID, certificatePath, keyPath string) (*Identity, error) {
	certificate, err := os.ReadFile(certificatePath)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the certificate of %s: %w", mspID, err)
	}
	if hsm.IsURI(keyPath) {
		return openIdentity(mspID, certificate, keyPath)
	}
	key, err := os.ReadFile(keyPath)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the private key of %s: %w", mspID, err)
	}
	id, err := NewIdentity(mspID, certificate, key)
	if err != nil {
		return nil, fmt.Errorf("%w (files %s and %s)", err, certificatePath, keyPath)
	}
	return id, nil
}

// openIdentity makes an identity of a PEM certificate and a key that a module of PKCS #11 keeps. The module doesn't tell
// whose key that is, so a signature has to.
func openIdentity(mspID string, certificatePEM []byte, uri string) (*Identity, error) {
	certificate, err := identity.CertificateFromPEM(certificatePEM)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the certificate of %s: %w", mspID, err)
	}
	public, ok := certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		return nil, fmt.Errorf("a key of PKCS #11 has to be an ECDSA key on P-256, and that of %s isn't", mspID)
	}
	place, err := hsm.ParseURI(uri)
	if err != nil {
		return nil, err
	}
	sign, err := hsm.Open(place)
	if err != nil {
		return nil, err
	}
	trial := sha256.Sum256([]byte("Is this the key of the certificate?"))
	signature, err := sign(trial[:])
	if err != nil {
		return nil, fmt.Errorf("couldn't sign with the key of %s: %w", mspID, err)
	}
	if !ecdsa.VerifyASN1(public, trial[:], signature) {
		return nil, fmt.Errorf("the key in the token %q isn't that of the certificate of %s", place.Token, mspID)
	}
	return newIdentity(mspID, certificate, sign)
}

// Organisation is the MSP id.
func (id *Identity) Organisation() string { return id.MSPID }

// Certificate is the holder's certificate in DER, which callers must not change.
func (id *Identity) Certificate() []byte { return id.certificate }

// Sign signs the SHA-256 digest of a message that is no transaction.
func (id *Identity) Sign(message []byte) ([]byte, error) { return id.signMessage(message) }

// signMessage signs the SHA-256 digest of a message.
func (id *Identity) signMessage(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	return id.sign(digest[:])
}

// subjects remembers the subject of each creator that was seen in blocks: parsing one X.509 certificate costs more than
// parsing the rest of a transaction, and a channel has few creators.
type subjects struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]creatorInfo
}

type creatorInfo struct {
	mspID, subject string
}

// maxSubjects bounds the memory that a channel with very many certificates can take.
const maxSubjects = 10_000

func (s *subjects) of(creator []byte) (creatorInfo, error) {
	key := sha256.Sum256(creator)
	s.mu.Lock()
	info, ok := s.known[key]
	s.mu.Unlock()
	if ok {
		return info, nil
	}
	var id msp.SerializedIdentity
	if err := proto.Unmarshal(creator, &id); err != nil {
		return creatorInfo{}, fmt.Errorf("couldn't read the creator: %w", err)
	}
	info.mspID = id.GetMspid()
	// What is not an X.509 certificate (an idemix identity, say) has an organisation and no subject.
	if certificate, err := identity.CertificateFromPEM(id.GetIdBytes()); err == nil {
		info.subject = certificate.Subject.String()
	}
	s.mu.Lock()
	if s.known == nil || len(s.known) >= maxSubjects {
		s.known = make(map[[sha256.Size]byte]creatorInfo)
	}
	s.known[key] = info
	s.mu.Unlock()
	return info, nil
}
