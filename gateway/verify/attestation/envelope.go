// Package attestation signs in-toto statements with the certificate of an organisation, and verifies them with a trust
// file. [Sign] makes a signed statement. [Verify] checks one offline.
//
// A signed statement is a DSSE envelope (https://github.com/secure-systems-lab/dsse) with the payload type
// application/vnd.in-toto+json. Its signature has a member "cert" with the signer's certificate in PEM, as in the
// envelopes of SLSA's own generators. So the file alone shows who signed it. Tools that know the public key, such as
// cosign, ignore the member. The signature has no key id, because tools compute key ids in different ways, and skip a
// signature with a key id that they don't know.
//
// Verify reads such envelopes. It also reads Sigstore bundles that contain an envelope and a certificate. It refuses
// members that it doesn't know, because nobody has signed them.
//
// A signed statement is the word of one organisation. A proof is the word of several (package proof).
package attestation

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// PayloadType is the payload type of in-toto statements.
const PayloadType = "application/vnd.in-toto+json"

// Limits of what is read.
const (
	MaxFile       = 64 << 20 // bytes
	maxValues     = 2_000_000
	maxSignatures = 16
	maxCert       = 64 << 10
)

// envelope is a DSSE envelope with the certificates of its signers.
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
	Cert  string `json:"cert"`
}

// Signer signs with the private key of a certificate.
type Signer interface {
	// Organisation returns the MSP id of the signer's organisation.
	Organisation() string
	// Certificate returns the signer's certificate in DER.
	Certificate() []byte
	// Sign signs the SHA-256 of a message.
	Sign(message []byte) ([]byte, error)
}

// KeyError means that a signer's key is of a kind that can't sign statements.
type KeyError struct {
	Subject string // of the signer's certificate
}

func (e *KeyError) Error() string {
	return fmt.Sprintf(
		"statements are signed with ECDSA keys on the curve P-256, and the key of %s is of another kind", e.Subject)
}

// Sign signs a statement. It returns the envelope on one line, as in .intoto.jsonl files. If the signer's key is of the
// wrong kind, the error is a *KeyError.
func Sign(statement []byte, s Signer) ([]byte, error) {
	certificate, err := x509.ParseCertificate(s.Certificate())
	if err != nil {
		return nil, fmt.Errorf("couldn't read the signer's certificate: %w", err)
	}
	if key, ok := certificate.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		return nil, &KeyError{Subject: certificate.Subject.String()}
	}
	made, err := s.Sign(dsse.PAE(PayloadType, statement))
	if err != nil {
		return nil, fmt.Errorf("couldn't sign a statement: %w", err)
	}
	text, err := json.Marshal(envelope{PayloadType, base64.StdEncoding.EncodeToString(statement), []signature{{
		Sig:  base64.StdEncoding.EncodeToString(made),
		Cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})),
	}}})
	return append(text, '\n'), err
}

// Recognise reports whether a file looks like a signed statement: whether it is a JSON object with the members of an
// envelope or a bundle. It verifies nothing.
func Recognise(text []byte) bool {
	v, err := canonical.Parse(text, canonical.Limits{Bytes: MaxFile, Depth: 16, Values: maxValues})
	if err != nil { // the file is damaged; judge by its beginning
		head := text[:min(len(text), 4096)]
		return strings.Contains(string(head), `"payloadType"`) || strings.Contains(string(head), `"dsseEnvelope"`)
	}
	return v.Has("payloadType") || v.Has("dsseEnvelope")
}

// opened is an envelope that was read. Each part is read only once, so that the content that Verify returns is the
// content that it checked.
type opened struct {
	payloadType string
	payload     []byte
	signatures  []signed
}

type signed struct {
	value       []byte
	certificate *x509.Certificate
}

func refuse(reason proof.Reason, where, format string, args ...any) error {
	return &proof.Refusal{Reason: reason, Where: where, Detail: fmt.Sprintf(format, args...)}
}

// open reads an envelope or a bundle.
func open(text []byte) (*opened, error) {
	if len(text) > MaxFile {
		return nil, refuse(proof.TooLarge, "",
			"the file has %d bytes, more than the %d that a signed statement may have", len(text), MaxFile)
	}
	v, err := canonical.Parse(text, canonical.Limits{Bytes: MaxFile, Depth: 16, Values: maxValues})
	if err != nil {
		return nil, refuse(proof.Malformed, "", "the file is no JSON object with each member once: %v", err)
	}
	if v.Kind != canonical.Object {
		return nil, refuse(proof.Malformed, "", "the file is no JSON object")
	}
	bundle, isBundle := v.Lookup("dsseEnvelope")
	if !isBundle {
		return openEnvelope(v, nil)
	}
	if v.Has("payload") || v.Has("payloadType") || v.Has("messageSignature") {
		return nil, refuse(proof.Malformed, "",
			"the file has two contents: a bundle has one envelope and nothing else that is signed")
	}
	if err := only(v, "the bundle", "mediaType", "verificationMaterial", "dsseEnvelope"); err != nil {
		return nil, err
	}
	certificate, err := bundleCertificate(v.Get("verificationMaterial"))
	if err != nil {
		return nil, err
	}
	return openEnvelope(bundle, certificate)
}

// only refuses an object that has other members than the given ones. Nobody signs the members of an envelope but the
// payload and its type, so a member that isn't read could say anything beside what was verified.
func only(v canonical.Value, what string, names ...string) error {
	for _, m := range v.Members {
		if !slices.Contains(names, m.Name) {
			return refuse(proof.Malformed, record.Brief(m.Name),
				"%s has a member that isn't known and that nobody signed; take it out, or sign it in the statement", what)
		}
	}
	return nil
}

// bundleCertificate reads the signer's certificate from a Sigstore bundle. It ignores the rest, such as entries of
// Sigstore's public log: they prove nothing about an organisation of the trust file.
func bundleCertificate(material canonical.Value) (*x509.Certificate, error) {
	const where = "verificationMaterial"
	err := only(material, where,
		"certificate", "x509CertificateChain", "publicKey", "tlogEntries", "timestampVerificationData")
	if err != nil {
		return nil, err
	}
	certificate := material.Get("certificate")
	if chain, ok := material.Lookup("x509CertificateChain"); ok {
		list := chain.Get("certificates")
		if material.Has("certificate") || len(list.Items) == 0 {
			return nil, refuse(proof.BadIdentity, where, "it has no certificate, or two that may be the signer's")
		}
		certificate = list.Items[0]
	}
	if certificate.Kind != canonical.Object {
		return nil, refuse(proof.BadIdentity, where,
			"the bundle has no certificate, so nobody can tell which organisation signed")
	}
	der, err := decode(certificate.Get("rawBytes"), where+", rawBytes")
	if err != nil {
		return nil, err
	}
	return parseCertificate(der, where)
}

func parseCertificate(der []byte, where string) (*x509.Certificate, error) {
	if len(der) > maxCert {
		return nil, refuse(proof.BadIdentity, where, "the certificate has %d bytes", len(der))
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, refuse(proof.BadIdentity, where, "the certificate can't be read: %v", err)
	}
	return certificate, nil
}

// openEnvelope reads an envelope. If the envelope is in a bundle, certificate is the bundle's. Otherwise it is nil.
func openEnvelope(v canonical.Value, certificate *x509.Certificate) (*opened, error) {
	payloadType, list := v.Get("payloadType"), v.Get("signatures")
	if payloadType.Kind != canonical.String || list.Kind != canonical.Array {
		return nil, refuse(proof.Malformed, "", "an envelope has payloadType, payload and signatures")
	}
	if err := only(v, "the envelope", "payloadType", "payload", "signatures"); err != nil {
		return nil, err
	}
	if payloadType.Text != PayloadType {
		return nil, refuse(proof.UnsupportedVersion, "payloadType",
			"the payload is of the type %q, and this program reads %s", payloadType.Text, PayloadType)
	}
	if n := len(list.Items); n == 0 || n > maxSignatures || certificate != nil && n != 1 {
		return nil, refuse(proof.Malformed, "signatures",
			"there are %d signatures; there must be one, or in an envelope with certificates up to %d", n, maxSignatures)
	}
	o := &opened{payloadType: payloadType.Text}
	var err error
	if o.payload, err = decode(v.Get("payload"), "payload"); err != nil {
		return nil, err
	}
	for i, item := range list.Items {
		where := fmt.Sprintf("signatures[%d]", i)
		members := []string{"keyid", "sig", "cert"}
		if certificate != nil {
			members = members[:2] // the bundle says whose signature it is
		}
		if err := only(item, where, members...); err != nil {
			return nil, err
		}
		s := signed{certificate: certificate}
		if s.value, err = decode(item.Get("sig"), where); err != nil {
			return nil, err
		}
		if certificate == nil {
			if s.certificate, err = pemCertificate(item.Get("cert"), where); err != nil {
				return nil, err
			}
		}
		o.signatures = append(o.signatures, s)
	}
	return o, nil
}

// pemCertificate reads the signer's certificate. It ignores the certificates of authorities that may follow, because
// the trust file has them.
func pemCertificate(v canonical.Value, where string) (*x509.Certificate, error) {
	if v.Kind != canonical.String || v.Text == "" {
		return nil, refuse(proof.BadIdentity, where,
			`the signature has no certificate in a member "cert", so nobody can tell which organisation signed`)
	}
	block, _ := pem.Decode([]byte(v.Text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, refuse(proof.BadIdentity, where, "cert is no certificate in PEM")
	}
	return parseCertificate(block.Bytes, where)
}

// decode reads base64. DSSE allows the standard alphabet and the alphabet for URLs, both with padding.
func decode(v canonical.Value, where string) ([]byte, error) {
	if v.Kind != canonical.String || v.Text == "" || strings.ContainsAny(v.Text, "\r\n") {
		return nil, refuse(proof.Malformed, where, "a string in base64 is expected here")
	}
	encoding := base64.StdEncoding
	if strings.ContainsAny(v.Text, "-_") {
		encoding = base64.URLEncoding
	}
	data, err := encoding.Strict().DecodeString(v.Text)
	if err != nil {
		return nil, refuse(proof.Malformed, where, "it isn't base64 with padding: %v", err)
	}
	return data, nil
}
