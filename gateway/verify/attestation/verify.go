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

// Verdict is what a signed statement that was accepted says, and who says it.
type Verdict struct {
	// Signers are those who signed, in the order of the file. All of them are of organisations that the trust file has.
	Signers []SignedBy `json:"signers"`
	// Statement is what they signed.
	Statement *Statement `json:"statement"`
	// Payload is the statement byte for byte.
	Payload []byte `json:"-"`
}

// SignedBy is one of those who signed a statement.
type SignedBy struct {
	MSPID      string     `json:"mspId"`
	Subject    string     `json:"subject"` // of the certificate
	Role       proof.Role `json:"role"`
	ValidFrom  time.Time  `json:"validFrom"`
	ValidUntil time.Time  `json:"validUntil"`
}

// Verify checks a signed statement against a trust file: that each of its signatures is that of a client or administrator
// of an organisation in it, whose certificate was valid when the statement says that it was made. A statement that doesn't
// say so is judged by certificates that were good when they were issued, as the ledger itself judges them. The error is
// a *proof.Refusal. No network is asked and no clock: the verdict of today is that of every day.
func Verify(text []byte, trust *proof.Trust) (*Verdict, error) {
	o, err := open(text)
	if err != nil {
		return nil, err
	}
	message := dsse.PAE(o.payloadType, o.payload)
	v := &Verdict{Payload: o.payload}
	for i, s := range o.signatures {
		if !s.covers(message) {
			return nil, refuse(proof.BadSignature, fmt.Sprintf("signatures[%d]", i), "it isn't that of %s over this payload", s.certificate.Subject)
		}
	}
	if v.Statement, err = readStatement(o.payload); err != nil {
		return nil, err
	}
	if l := v.Statement.Ledger; l != nil && l.Channel != "" && l.Channel != trust.Channel {
		return nil, refuse(proof.WrongChannel, "", "the statement is about the channel %q, and the trust file is of %q", l.Channel, trust.Channel)
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

// covers checks the signature alone: the algorithms are those that go with the keys in DSSE's own libraries.
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

// identify finds the organisation whose certificate it is. Who the statement says has signed doesn't matter.
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
			// What is wrong with the certificate of a known organisation says more than that the others don't know it.
			if reason := proof.ReasonOf(err); last == nil || reason != proof.UntrustedCertificate {
				last = err
			}
			continue
		}
		s := &SignedBy{MSPID: o.MSPID, Subject: c.Subject.String(), ValidFrom: c.NotBefore.UTC(), ValidUntil: c.NotAfter.UTC()}
		for _, role := range []proof.Role{proof.Client, proof.Admin} {
			if o.Is(id, role) {
				s.Role = role
			}
		}
		if s.Role == "" {
			return nil, refuse(proof.WrongRole, "", "%s is a peer or an orderer of %s, which sign no statements", c.Subject, o.MSPID)
		}
		return s, nil
	}
	if proof.ReasonOf(last) == proof.UntrustedCertificate {
		return nil, refuse(proof.UntrustedCertificate, "", "the certificate of %s was issued by no authority of the trust file's organisations", c.Subject)
	}
	return nil, last
}
