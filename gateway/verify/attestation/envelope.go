// Package attestation signs in-toto statements with the certificate of an organisation, and checks them against a trust
// file, offline and alone.
//
// A signed statement is a DSSE envelope (https://github.com/secure-systems-lab/dsse) of the payload type
// application/vnd.in-toto+json. The signature's member "cert" carries the signer's certificate in PEM, as the envelopes of
// SLSA's own generators do, so that one file is enough to tell who signed; tools that know the public key, such as cosign,
// ignore it. There is no key id: those tools each compute another one, and skip signatures that bear one they don't know.
//
// Read are such envelopes, and Sigstore bundles that have one together with a certificate.
//
// The signature is the word of one organisation. What several organisations say is in a proof (package proof).
package attestation

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// PayloadType is that of every in-toto statement.
const PayloadType = "application/vnd.in-toto+json"

// What a reader will take at most.
const (
	MaxFile       = 64 << 20 // bytes
	maxValues     = 2_000_000
	maxSignatures = 16
	maxCert       = 64 << 10
)

// envelope is DSSE's, with the certificates of signers.
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
	// Organisation is the MSP id of the signer's organisation.
	Organisation() string
	// Certificate is the signer's certificate, in DER.
	Certificate() []byte
	// Sign signs the SHA-256 of a message.
	Sign(message []byte) ([]byte, error)
}

// KeyError says that a signer's key is of a kind that no statement is signed with.
type KeyError struct {
	Subject string // of the signer's certificate
}

func (e *KeyError) Error() string {
	return fmt.Sprintf("statements are signed with ECDSA keys on the curve P-256, and the key of %s is of another kind", e.Subject)
}

// Sign puts a statement into an envelope, on one line as files of the kind .intoto.jsonl have it. A signer whose key is of
// the wrong kind is a *KeyError.
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
		Sig: base64.StdEncoding.EncodeToString(made), Cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})),
	}}})
	return append(text, '\n'), err
}

// Recognise tells whether a file is meant to be a signed statement: a JSON object with the members of an envelope or of a
// bundle. It says nothing about whether it is a good one.
func Recognise(text []byte) bool {
	v, err := canonical.Parse(text, canonical.Limits{Bytes: MaxFile, Depth: 16, Values: maxValues})
	if err != nil { // what can't be read is called what it looks like most
		head := text[:min(len(text), 4096)]
		return strings.Contains(string(head), `"payloadType"`) || strings.Contains(string(head), `"dsseEnvelope"`)
	}
	return v.Has("payloadType") || v.Has("dsseEnvelope")
}

// opened is an envelope that was read. Its parts are read once, and what is checked is what is told.
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
		return nil, refuse(proof.TooLarge, "", "the file has %d bytes, more than the %d that a signed statement may have", len(text), MaxFile)
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
		return nil, refuse(proof.Malformed, "", "the file has two contents: a bundle has one envelope and nothing else that is signed")
	}
	certificate, err := bundleCertificate(v.Get("verificationMaterial"))
	if err != nil {
		return nil, err
	}
	return openEnvelope(bundle, certificate)
}

// bundleCertificate is the signer's certificate of a Sigstore bundle. What a bundle has besides, such as entries of
// Sigstore's public log, proves nothing about an organisation of ours.
func bundleCertificate(material canonical.Value) (*x509.Certificate, error) {
	const where = "verificationMaterial"
	certificate := material.Get("certificate")
	if chain, ok := material.Lookup("x509CertificateChain"); ok {
		list := chain.Get("certificates")
		if material.Has("certificate") || len(list.Items) == 0 {
			return nil, refuse(proof.BadIdentity, where, "it has no certificate, or two that may be the signer's")
		}
		certificate = list.Items[0]
	}
	if certificate.Kind != canonical.Object {
		return nil, refuse(proof.BadIdentity, where, "the bundle has no certificate, so nobody can tell which organisation signed")
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

// openEnvelope reads an envelope. The certificate is that of the bundle around it, if there is one.
func openEnvelope(v canonical.Value, certificate *x509.Certificate) (*opened, error) {
	payloadType, list := v.Get("payloadType"), v.Get("signatures")
	if v.Kind != canonical.Object || payloadType.Kind != canonical.String || list.Kind != canonical.Array {
		return nil, refuse(proof.Malformed, "", "an envelope has payloadType, payload and signatures")
	}
	if payloadType.Text != PayloadType {
		return nil, refuse(proof.UnsupportedVersion, "payloadType", "the payload is of the type %q, and this program reads %s", payloadType.Text, PayloadType)
	}
	if n := len(list.Items); n == 0 || n > maxSignatures || certificate != nil && n != 1 {
		return nil, refuse(proof.Malformed, "signatures", "there are %d signatures; there must be one, or in an envelope with certificates up to %d", n, maxSignatures)
	}
	o := &opened{payloadType: payloadType.Text}
	var err error
	if o.payload, err = decode(v.Get("payload"), "payload"); err != nil {
		return nil, err
	}
	for i, item := range list.Items {
		where := fmt.Sprintf("signatures[%d]", i)
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

// pemCertificate is the signer's certificate. Those that follow it are its authorities, which the trust file has.
func pemCertificate(v canonical.Value, where string) (*x509.Certificate, error) {
	if v.Kind != canonical.String || v.Text == "" {
		return nil, refuse(proof.BadIdentity, where, `the signature has no certificate in a member "cert", so nobody can tell which organisation signed`)
	}
	block, _ := pem.Decode([]byte(v.Text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, refuse(proof.BadIdentity, where, "cert is no certificate in PEM")
	}
	return parseCertificate(block.Bytes, where)
}

// decode reads base64, of which DSSE allows the standard alphabet and the one for URLs, both with padding.
func decode(v canonical.Value, where string) ([]byte, error) {
	if v.Kind != canonical.String || v.Text == "" || strings.ContainsAny(v.Text, "\r\n") {
		return nil, refuse(proof.Malformed, where, "a text in base64 should stand here")
	}
	encoding := base64.StdEncoding
	if strings.ContainsAny(v.Text, "-_") {
		encoding = base64.URLEncoding
	}
	data, err := encoding.Strict().DecodeString(v.Text)
	if err != nil {
		return nil, refuse(proof.Malformed, where, "it is no base64 with padding: %v", err)
	}
	return data, nil
}
