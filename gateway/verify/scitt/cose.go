package scitt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"

	"github.com/fxamacker/cbor/v2"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Labels and values of COSE (RFC 9052), of certificates in it (RFC 9360), of CWT claims (RFC 9597) and of receipts
// (RFC 9942).
const (
	tagSign1 = 18

	algES256      = -7
	rfc9162SHA256 = 1
)

// claims are CWT claims.
type claims struct {
	Issuer  string `cbor:"1,keyasint"`
	Subject string `cbor:"2,keyasint"`
	Issued  uint64 `cbor:"6,keyasint"`
}

// protected is a protected header. That of a statement has a content type and no structure, and that of a receipt the
// other way round.
type protected struct {
	Algorithm   int64  `cbor:"1,keyasint"`
	ContentType string `cbor:"3,keyasint,omitempty"`
	Claims      claims `cbor:"15,keyasint"`
	Certificate []byte `cbor:"33,keyasint"`
	Structure   int64  `cbor:"395,keyasint,omitempty"`
}

// unprotected is the unprotected header of a statement or of a receipt.
type unprotected struct {
	Receipts [][]byte `cbor:"394,keyasint,omitempty"`
	Proofs   *proofs  `cbor:"396,keyasint,omitempty"`
}

// proofs have exactly one proof of inclusion, as encoded CBOR.
type proofs struct {
	Inclusion [][]byte `cbor:"-1,keyasint"`
}

// inclusion is a proof of inclusion.
type inclusion struct {
	_    struct{} `cbor:",toarray"`
	Size uint64
	Leaf uint64
	Path [][]byte
}

// sign1 is a COSE_Sign1.
type sign1 struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected unprotected
	Payload     []byte // nil if it is detached
	Signature   []byte
}

// toBeSigned is the Sig_structure of RFC 9052, section 4.4.
type toBeSigned struct {
	_         struct{} `cbor:",toarray"`
	Context   string
	Protected []byte
	External  []byte
	Payload   []byte
}

var (
	encoding = must(cbor.CoreDetEncOptions().EncMode())
	// decoding refuses at once what is too deep or too long. That there is only one encoding of everything is checked
	// by encoding it again.
	decoding = must(cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, MaxNestedLevels: 8,
		MaxArrayElements: 128, MaxMapPairs: 16, UTF8: cbor.UTF8RejectInvalid, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		TagsMd: cbor.TagsAllowed,
	}.DecMode())
)

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err) // the options are constant
	}
	return mode
}

func encoded(v any) []byte {
	text, err := encoding.Marshal(v)
	if err != nil {
		panic(err) // these types can always be written
	}
	return text
}

// bytes writes a COSE_Sign1 with its tag.
func (s *sign1) bytes() []byte { return encoded(cbor.Tag{Number: tagSign1, Content: s}) }

// readSign1 reads what bytes writes, and the protected header.
func readSign1(text []byte, where string) (*sign1, *protected, error) {
	var tag cbor.RawTag
	s, p := new(sign1), new(protected)
	if err := decoding.Unmarshal(text, &tag); err != nil || tag.Number != tagSign1 {
		return nil, nil, malformed(where, "it is no COSE_Sign1 with its tag, %d (%v)", tagSign1, err)
	}
	if err := decoding.Unmarshal(tag.Content, s); err != nil {
		return nil, nil, malformed(where, "it can't be read: %v", err)
	}
	if err := decoding.Unmarshal(s.Protected, p); err != nil {
		return nil, nil, malformed(where, "the protected header can't be read: %v", err)
	}
	if string(encoded(p)) != string(s.Protected) || string(s.bytes()) != string(text) {
		return nil, nil, refuse(proof.NotCanonical, where, "it isn't in the one encoding that such a file has")
	}
	if p.Algorithm != algES256 {
		return nil, nil, refuse(proof.BadSignature, where, "it is signed with the algorithm %d, and only ES256 (%d) is "+
			"accepted", p.Algorithm, algES256)
	}
	if len(p.Certificate) > maxCertificate || p.Claims.Issued >= maxTime || len(p.Claims.Issuer) > maxText ||
		len(p.Claims.Subject) > maxText {
		return nil, nil, refuse(proof.TooLarge, where, "a header is larger than may be")
	}
	return s, p, nil
}

// message is what is signed.
func message(header, payload []byte) []byte {
	return encoded(&toBeSigned{Context: "Signature1", Protected: header, External: []byte{}, Payload: payload})
}

// coordinate is the length of each half of a signature with ES256.
const coordinate = 32

// fromDER turns an ECDSA signature on P-256 in DER into that of COSE: R and S (RFC 9053, section 2.1).
func fromDER(signature []byte) ([]byte, error) {
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(signature, &rs); err != nil || len(rest) > 0 || rs.R.Sign() <= 0 || rs.S.Sign() <= 0 ||
		rs.R.BitLen() > 8*coordinate || rs.S.BitLen() > 8*coordinate {
		return nil, fmt.Errorf("this is no ECDSA signature on P-256: %w", err)
	}
	raw := make([]byte, 2*coordinate)
	rs.R.FillBytes(raw[:coordinate])
	rs.S.FillBytes(raw[coordinate:])
	return raw, nil
}

// toDER is the reverse.
func toDER(raw []byte) ([]byte, error) {
	if len(raw) != 2*coordinate {
		return nil, fmt.Errorf("a signature with ES256 has %d bytes, and this has %d", 2*coordinate, len(raw))
	}
	return asn1.Marshal(struct{ R, S *big.Int }{
		new(big.Int).SetBytes(raw[:coordinate]), new(big.Int).SetBytes(raw[coordinate:]),
	})
}

// onP256 reports whether the key of a certificate can sign with ES256.
func onP256(c *x509.Certificate) bool {
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	return ok && key.Curve == elliptic.P256()
}
