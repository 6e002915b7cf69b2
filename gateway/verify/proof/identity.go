package proof

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"
)

// Identity is who signed something: a certificate, and the organisation that it claims to be of. Reading one proves
// nothing; [Organisation.Check] does.
type Identity struct {
	// MSPID is the organisation.
	MSPID       string
	Certificate *x509.Certificate

	serialized []byte
}

// maxIdentity bounds an identity, in bytes: a certificate has about one thousand.
const maxIdentity = 64 << 10

// ParseIdentity reads an identity as Fabric serialises it (msp.SerializedIdentity, the certificate in PEM), as forgivingly
// as Fabric does.
func ParseIdentity(serialized []byte) (*Identity, error) {
	return parseIdentity(serialized, proto.Unmarshal)
}

// parseExactIdentity takes the one encoding that Fabric's own programs write and no other, so that where an identity
// begins and ends is beyond doubt.
func parseExactIdentity(serialized []byte) (*Identity, error) {
	return parseIdentity(serialized, decodeExactly)
}

func parseIdentity(serialized []byte, decode func([]byte, proto.Message) error) (*Identity, error) {
	if len(serialized) > maxIdentity {
		return nil, refuse(BadIdentity, "it has %d bytes", len(serialized))
	}
	var m msp.SerializedIdentity
	if err := decode(serialized, &m); err != nil {
		return nil, refuse(BadIdentity, "it is no serialised identity: %v", err)
	}
	certificate, err := parsePEM(m.GetIdBytes())
	if err != nil {
		return nil, err
	}
	return &Identity{MSPID: m.GetMspid(), Certificate: certificate, serialized: serialized}, nil
}

// parsePEM reads the first certificate of a PEM text, as Fabric does.
func parsePEM(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, refuse(BadIdentity, "it has no certificate in PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, refuse(BadIdentity, "its certificate can't be read: %v", err)
	}
	return certificate, nil
}

// Serialized is the identity as it was read.
func (id *Identity) Serialized() []byte { return id.serialized }

// String names an identity for people.
func (id *Identity) String() string { return id.MSPID + ", " + id.Certificate.Subject.String() }

// Verify checks a signature over a message: ECDSA over its SHA-256 in DER with low S, or Ed25519 over the message.
func (id *Identity) Verify(message, signature []byte) error {
	switch key := id.Certificate.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if err := lowS(key, signature); err != nil {
			return err
		}
		digest := sha256.Sum256(message)
		if !ecdsa.VerifyASN1(key, digest[:], signature) {
			return refuse(BadSignature, "the signature isn't that of %s over these bytes", id)
		}
	case ed25519.PublicKey:
		if !ed25519.Verify(key, message, signature) {
			return refuse(BadSignature, "the signature isn't that of %s over these bytes", id)
		}
	default:
		return refuse(BadIdentity, "%s has a key that Fabric knows nothing of", id)
	}
	return nil
}

// lowS refuses the second of the two signatures that anybody can make of one. A signature that isn't DER is left to
// ecdsa.VerifyASN1, which refuses it.
func lowS(key *ecdsa.PublicKey, signature []byte) error {
	var s struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(signature, &s)
	if err != nil || len(rest) > 0 || s.R == nil || s.S == nil {
		return refuse(BadSignature, "the signature is no DER sequence of two integers")
	}
	if half := new(big.Int).Rsh(key.Params().N, 1); s.S.Cmp(half) > 0 {
		return refuse(HighS, "the signature has a high S; Fabric takes the other of the two forms only")
	}
	return nil
}

// whenIssued is the time at which Fabric itself judges certificates: one second after they begin to be valid. A ledger
// doesn't become wrong because certificates expire.
func whenIssued(c *x509.Certificate) time.Time { return c.NotBefore.Add(time.Second) }

// decodeExactly reads a message that must be in the one encoding that Fabric's programs write: fields in their order, no
// unknown ones. Where bytes are only signed one after the other, that is what keeps them apart.
func decodeExactly(data []byte, m proto.Message) error {
	if err := proto.Unmarshal(data, m); err != nil {
		return err
	}
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return err
	}
	if len(m.ProtoReflect().GetUnknown()) > 0 || !bytes.Equal(again, data) {
		return errNotExact
	}
	return nil
}
