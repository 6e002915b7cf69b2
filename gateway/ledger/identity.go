package ledger

import (
	"crypto/sha256"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"
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

// LoadIdentity reads an identity from two PEM files.
func LoadIdentity(mspID, certificatePath, keyPath string) (*Identity, error) {
	certificate, err := os.ReadFile(certificatePath)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the certificate of %s: %w", mspID, err)
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
