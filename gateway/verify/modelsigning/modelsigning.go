// Package modelsigning reads, verifies and writes signatures of OpenSSF Model
// Signing v1.0: detached Sigstore bundles whose in-toto statement lists the files
// of a model.
//
// [Parse] reads a signature, [Bundle.Verify] checks it, and [Statement.Compare] compares what was signed with a folder.
// To sign a folder, make a statement with [New] and sign it with [Sign].
//
// A signature says who vouches for which bytes. The ledger doesn't identify a folder by it. The root digest in a
// signature is the SHA-256 of the files' digests, one after the other, without the files' names. So two folders can
// have the same root digest although their files have different names. The ledger keeps the root digest as an alias,
// beside the digest of the manifest.
//
// Verify accepts the signature of a key that the caller trusts (ECDSA on P-256, P-384 or P-521), or of a certificate
// that leads to roots that the caller trusts. It refuses keyless signatures of Sigstore. Their certificates are valid
// for minutes, and only a transparency log knows when they were used.
package modelsigning

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Names that the format defines.
const (
	// Scheme is the scheme of the alias that has the root digest of an artifact.
	Scheme = "openssf-model-signing/1.0"

	mediaType     = "application/vnd.dev.sigstore.bundle.v0.3+json"
	payloadType   = "application/vnd.in-toto+json"
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://model_signing/signature/v1.0"
	predicateOld  = "https://model_signing/Digests/v0.1"
)

// MaxBundle is the largest bundle that is read, in bytes. It has room for some two hundred thousand files.
const MaxBundle = 64 << 20

// Bundle is a signature that was read, but not verified.
type Bundle struct {
	payload   []byte
	signature []byte
	// One of these names the signer that the bundle claims.
	hint         string // SHA-256 of the public key's PEM; bundles before 1.0 have none
	certificates []*x509.Certificate
}

// Signed is a verified statement and its signer.
type Signed struct {
	Statement
	// KeyHint is the SHA-256 of the key's PEM text; see the function KeyHint.
	KeyHint string
	// Certificate is the signer's certificate. It is nil if the bundle names a key.
	Certificate *x509.Certificate
}

// Parse reads a bundle. It accepts bundles of model_signing 0.3 and later.
func Parse(text []byte) (*Bundle, error) {
	if len(text) > MaxBundle {
		return nil, fmt.Errorf("the signature has %d bytes, more than the %d allowed", len(text), MaxBundle)
	}
	v, err := canonical.Parse(text, canonical.Limits{Bytes: MaxBundle})
	if err != nil {
		return nil, fmt.Errorf("the signature is not a bundle: %w", err)
	}
	if got := v.Get("mediaType").Text; got != mediaType {
		return nil, fmt.Errorf("the signature's mediaType is %q; a bundle of model signing has %q", brief(got), mediaType)
	}
	b := new(Bundle)
	if err := b.readMaterial(v.Get("verificationMaterial")); err != nil {
		return nil, err
	}
	envelope := v.Get("dsseEnvelope")
	if got := envelope.Get("payloadType").Text; got != payloadType {
		return nil, fmt.Errorf("the envelope's payloadType is %q, not %q", brief(got), payloadType)
	}
	if b.payload, err = decode(envelope.Get("payload")); err != nil {
		return nil, fmt.Errorf("the envelope's payload %w", err)
	}
	signatures := envelope.Get("signatures").Items
	if len(signatures) != 1 {
		return nil, fmt.Errorf("the envelope has %d signatures; a bundle has one", len(signatures))
	}
	if b.signature, err = decode(signatures[0].Get("sig")); err != nil {
		return nil, fmt.Errorf("the envelope's signature %w", err)
	}
	return b, nil
}

func (b *Bundle) readMaterial(v canonical.Value) error {
	key, keyed := v.Lookup("publicKey")
	chain, chained := v.Lookup("x509CertificateChain")
	switch {
	case v.Has("certificate") || len(v.Get("tlogEntries").Items) > 0 && !keyed && !chained:
		return errors.New(
			"this is a keyless signature, which rests on Sigstore's transparency log; Pedigree verifies signatures by a public key or by a certificate chain. Check it with the tool that made it, and sign with a key or a certificate",
		)
	case keyed == chained:
		return errors.New("the bundle's verificationMaterial must have either publicKey or x509CertificateChain")
	case keyed:
		b.hint = strings.ToLower(
			key.Get("hint").Text,
		) // rawBytes and keyDetails of old bundles say nothing that can be trusted
		return nil
	}
	list := chain.Get("certificates").Items
	if len(list) == 0 || len(list) > maxChain {
		return fmt.Errorf("the certificate chain has %d certificates; 1 to %d are taken", len(list), maxChain)
	}
	for i, item := range list {
		der, err := decode(item.Get("rawBytes"))
		if err != nil {
			return fmt.Errorf("certificate %d %w", i, err)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("certificate %d can't be read: %w", i, err)
		}
		b.certificates = append(b.certificates, certificate)
	}
	return nil
}

// maxChain is how many certificates a bundle may have. Each takes time to verify.
const maxChain = 10

// decode reads base64. As DSSE verifiers do, it accepts both alphabets, with and without padding.
func decode(v canonical.Value) ([]byte, error) {
	if v.Kind != canonical.String || v.Text == "" {
		return nil, errors.New("is missing")
	}
	text := strings.TrimRight(v.Text, "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	raw, err := encoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("is not base64: %w", err)
	}
	return raw, nil
}

// Verify checks the signature by what the caller trusts, and then reads the signed statement. It reads no files of the
// model.
func (b *Bundle) Verify(t Trust) (*Signed, error) {
	key, certificate, err := b.signer(t)
	if err != nil {
		return nil, err
	}
	sum, err := digestFor(key, encodePAE(b.payload))
	if err != nil {
		return nil, err
	}
	if !ecdsa.VerifyASN1(key, sum, b.signature) {
		return nil, errors.New("the signature is wrong: the statement was changed, or another key signed it")
	}
	s, err := readStatement(b.payload)
	if err != nil {
		return nil, err
	}
	hint, err := KeyHint(key)
	if err != nil {
		return nil, err
	}
	return &Signed{Statement: *s, KeyHint: hint, Certificate: certificate}, nil
}

// signer finds the trusted key that must have made the signature.
func (b *Bundle) signer(t Trust) (*ecdsa.PublicKey, *x509.Certificate, error) {
	switch {
	case t.Key != nil && len(t.Roots) > 0:
		return nil, nil, errors.New("trust either a key or roots of certificates, not both")
	case t.Key != nil:
		hint, err := KeyHint(t.Key)
		if err != nil {
			return nil, nil, err
		}
		if b.hint != "" && b.hint != hint {
			return nil, nil, fmt.Errorf(
				"the signature was made with another key: the bundle says that the SHA-256 of its PEM is %s, and that of the trusted key is %s",
				brief(b.hint),
				hint,
			)
		}
		if len(b.certificates) > 0 && !t.Key.Equal(b.certificates[0].PublicKey) {
			return nil, nil, fmt.Errorf(
				"the signature was made with the key of the certificate of %q, which is not the trusted key",
				brief(b.certificates[0].Subject.String()),
			)
		}
		return t.Key, nil, nil
	case len(t.Roots) == 0:
		return nil, nil, errors.New("say whom to trust: a public key, or roots of certificates")
	case len(b.certificates) == 0:
		return nil, nil, errors.New(
			"the signature was made with a bare key and has no certificates; give the public key to trust",
		)
	}
	leaf, err := b.trusted(t.Roots)
	if err != nil {
		return nil, nil, err
	}
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, nil, fmt.Errorf("the certificate of %q has no ECDSA key", brief(leaf.Subject.String()))
	}
	return key, leaf, nil
}

// encodePAE makes the message that DSSE v1 signs for a payload.
func encodePAE(payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload)), payload...)
}

// Sign signs a statement and makes a bundle. chain has the signer's certificate and the intermediates up to a root. It
// is empty if the signer has only a key.
func Sign(s *Statement, key *ecdsa.PrivateKey, chain []*x509.Certificate) ([]byte, error) {
	hint, err := KeyHint(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	material := canonical.Obj(
		canonical.Member{Name: "publicKey", Value: canonical.Obj(canonical.Member{Name: "hint", Value: canonical.Str(hint)})},
	)
	if len(chain) > 0 {
		if !key.PublicKey.Equal(chain[0].PublicKey) {
			return nil, fmt.Errorf("the certificate of %q is not that of the key", chain[0].Subject)
		}
		if len(chain) > maxChain {
			return nil, fmt.Errorf("the chain has %d certificates, more than the %d that a verifier takes", len(chain), maxChain)
		}
		if err := maySign(chain[0]); err != nil {
			return nil, err
		}
		var list []canonical.Value
		for _, c := range chain {
			list = append(
				list,
				canonical.Obj(canonical.Member{Name: "rawBytes", Value: canonical.Str(base64.StdEncoding.EncodeToString(c.Raw))}),
			)
		}
		material = canonical.Obj(
			canonical.Member{
				Name:  "x509CertificateChain",
				Value: canonical.Obj(canonical.Member{Name: "certificates", Value: canonical.Arr(list...)}),
			},
		)
	}
	payload := s.value().Bytes()
	sum, err := digestFor(&key.PublicKey, encodePAE(payload))
	if err != nil {
		return nil, err
	}
	signature, err := ecdsa.SignASN1(nil, key, sum)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign: %w", err)
	}
	bundle := canonical.Obj(
		canonical.Member{Name: "mediaType", Value: canonical.Str(mediaType)},
		canonical.Member{Name: "verificationMaterial", Value: material.With("tlogEntries", canonical.Arr())},
		canonical.Member{Name: "dsseEnvelope", Value: canonical.Obj(
			canonical.Member{Name: "payload", Value: canonical.Str(base64.StdEncoding.EncodeToString(payload))},
			canonical.Member{Name: "payloadType", Value: canonical.Str(payloadType)},
			canonical.Member{Name: "signatures", Value: canonical.Arr(canonical.Obj(
				canonical.Member{Name: "sig", Value: canonical.Str(base64.StdEncoding.EncodeToString(signature))},
				canonical.Member{Name: "keyid", Value: canonical.Str("")},
			))},
		)},
	).Bytes()
	if len(bundle) > MaxBundle {
		return nil, fmt.Errorf(
			"the signature would have %d bytes, more than the %d that a verifier takes",
			len(bundle),
			MaxBundle,
		)
	}
	return bundle, nil
}

func hexSum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// brief shortens what others wrote, for a message.
func brief(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}
