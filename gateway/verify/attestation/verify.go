package attestation

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Verdict says who signed an accepted statement, and what it says.
type Verdict struct {
	// Signers are in the order of the file. All of them belong to organisations in the trust file.
	Signers []SignedBy `json:"signers"`
	// Statement is the statement that they signed.
	Statement *Statement `json:"statement"`
	// Payload is the statement byte for byte.
	Payload []byte `json:"-"`
}

// SignedBy is a signer of a statement.
type SignedBy struct {
	MSPID      string     `json:"mspId"`
	Subject    string     `json:"subject"` // of the certificate
	Role       proof.Role `json:"role"`
	ValidFrom  time.Time  `json:"validFrom"`
	ValidUntil time.Time  `json:"validUntil"`
}

// Verify checks a signed statement against a trust file. Each signature must be that of a client or an administrator of
// an organisation in the trust file. The signer's certificate must have been valid at the time that the statement says
// it was made. If the statement has no such time, the certificate is judged at the time of its issue, as the ledger
// does. Verify asks no network and no clock, so the verdict stays the same for ever. The error is a *proof.Refusal.
func Verify(text []byte, trust *proof.Trust) (*Verdict, error) {
	o, err := open(text)
	if err != nil {
		return nil, err
	}
	message := dsse.PAE(o.payloadType, o.payload)
	v := &Verdict{Payload: o.payload}
	for i, s := range o.signatures {
		if !s.covers(message) {
			return nil, refuse(proof.BadSignature, fmt.Sprintf("signatures[%d]", i),
				"it isn't that of %s over this payload", s.certificate.Subject)
		}
	}
	if v.Statement, err = readStatement(o.payload); err != nil {
		return nil, err
	}
	if l := v.Statement.Ledger; l != nil && l.Channel != "" && l.Channel != trust.Channel {
		return nil, refuse(proof.WrongChannel, "",
			"the statement is about the channel %q, and the trust file is of %q", l.Channel, trust.Channel)
	}
	for _, s := range o.signatures {
		signer, err := identify(s.certificate, trust, v.Statement.Made())
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(v.Signers, func(other SignedBy) bool { return other.MSPID == signer.MSPID }) {
			return nil, refuse(proof.OrganisationTwice, "", "%s signed twice", signer.MSPID)
		}
		v.Signers = append(v.Signers, *signer)
	}
	return v, nil
}

// covers reports whether the signature is that of the certificate's key over a message. As in DSSE's own libraries, the
// key determines the hash.
func (s signed) covers(message []byte) bool {
	switch key := s.certificate.PublicKey.(type) {
	case *ecdsa.PublicKey:
		var digest []byte
		switch size := key.Curve.Params().BitSize; {
		case size <= 256:
			sum := sha256.Sum256(message)
			digest = sum[:]
		case size <= 384:
			sum := sha512.Sum384(message)
			digest = sum[:]
		default:
			sum := sha512.Sum512(message)
			digest = sum[:]
		}
		return ecdsa.VerifyASN1(key, digest, s.value)
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, s.value)
	}
	return false
}

// identify finds the organisation that a certificate belongs to. Only the certificate decides, whatever the statement
// says.
func identify(c *x509.Certificate, trust *proof.Trust, when time.Time) (*SignedBy, error) {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	var last error
	for _, o := range trust.Organisations {
		serialized, err := protobuf.Marshal(&msp.SerializedIdentity{Mspid: o.MSPID, IdBytes: text})
		if err != nil {
			return nil, refuse(proof.BadIdentity, "", "the certificate can't be written: %v", err)
		}
		id, err := proof.ParseIdentity(serialized)
		if err != nil {
			return nil, err
		}
		if err := o.Check(id, when); err != nil {
			// Prefer the error of the organisation that issued the certificate: the others only say that they didn't.
			if reason := proof.ReasonOf(err); last == nil || reason != proof.UntrustedCertificate {
				last = err
			}
			continue
		}
		s := &SignedBy{MSPID: o.MSPID, Subject: c.Subject.String(),
			ValidFrom: c.NotBefore.UTC(), ValidUntil: c.NotAfter.UTC()}
		for _, role := range []proof.Role{proof.Client, proof.Admin} {
			if o.Is(id, role) {
				s.Role = role
			}
		}
		if s.Role == "" {
			return nil, refuse(proof.WrongRole, "",
				"%s is a peer or an orderer of %s, and these don't sign statements", c.Subject, o.MSPID)
		}
		return s, nil
	}
	if proof.ReasonOf(last) == proof.UntrustedCertificate {
		return nil, refuse(proof.UntrustedCertificate, "",
			"the certificate of %s was issued by no authority of the trust file's organisations", c.Subject)
	}
	return nil, last
}
