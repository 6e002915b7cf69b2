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

// Identity is a signer: a certificate, and the organisation that it claims to belong to. Reading an identity doesn't
// prove the claim. [Organisation.Check] does.
type Identity struct {
	// MSPID is the organisation.
	MSPID       string
	Certificate *x509.Certificate

	serialized []byte
}

// maxIdentity is the largest identity that is read, in bytes. A certificate has about a thousand.
const maxIdentity = 64 << 10

// ParseIdentity reads an identity as Fabric serialises it: msp.SerializedIdentity, with the certificate in PEM. It is
// as lenient as Fabric.
func ParseIdentity(serialized []byte) (*Identity, error) {
	return parseIdentity(serialized, proto.Unmarshal)
}

// parseExactIdentity accepts only the encoding that Fabric's own programs write. So there is no doubt about where an
// identity begins and ends.
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

// Serialized returns the bytes that the identity was read from.
func (id *Identity) Serialized() []byte { return id.serialized }

// String describes an identity for people.
func (id *Identity) String() string { return id.MSPID + ", " + id.Certificate.Subject.String() }

// Verify checks a signature of a message. An ECDSA signature is over the message's SHA-256, in DER with a low S. An
// Ed25519 signature is over the message itself.
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

// lowS refuses a signature with a high S. From one ECDSA signature anybody can compute a second, which has the other S.
// lowS also refuses signatures that aren't DER.
func lowS(key *ecdsa.PublicKey, signature []byte) error {
	var s struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(signature, &s); err != nil || len(rest) > 0 {
		return refuse(BadSignature, "the signature is no DER sequence of two integers")
	}
	if half := new(big.Int).Rsh(key.Params().N, 1); s.S.Cmp(half) > 0 {
		return refuse(HighS, "the signature has a high S; Fabric takes the other of the two forms only")
	}
	return nil
}

// whenIssued is the time at which Fabric judges certificates: one second after they become valid. So a ledger stays
// valid when its certificates expire.
func whenIssued(c *x509.Certificate) time.Time { return c.NotBefore.Add(time.Second) }

// decodeExactly reads a message that must be in the encoding that Fabric's programs write: fields in order, and none
// that are unknown. Where Fabric signs byte strings one after the other, only this shows where each of them ends.
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
