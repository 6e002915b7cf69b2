package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// ID is the id of a record: "ni:///sha-256;" and the SHA-256 of its canonical
// body as 64 lower-case hexadecimal digits. Like the event hash ids of CBV it
// has hexadecimal digits where RFC 6920 has base64url.
type ID string

const idPrefix = "ni:///sha-256;"

// Sum returns the id of a body.
func Sum(body []byte) ID { return IDOf(sha256.Sum256(body)) }

// IDOf returns the id of the body whose SHA-256 is sum.
func IDOf(sum [sha256.Size]byte) ID {
	var id [len(idPrefix) + 2*sha256.Size]byte
	copy(id[:], idPrefix)
	hex.Encode(id[len(idPrefix):], sum[:])
	return ID(id[:])
}

// Digest returns the SHA-256 in an id. If the text isn't an id, the result means nothing.
func (id ID) Digest() (sum [sha256.Size]byte) {
	var digits [2 * sha256.Size]byte
	copy(digits[:], id.Hex())
	_, _ = hex.Decode(sum[:], digits[:])
	return sum
}

// ParseID reads an id. It accepts only the form that Sum returns.
func ParseID(s string) (ID, error) {
	digits, ok := strings.CutPrefix(s, idPrefix)
	if !ok || !lowerHex(digits, 2*sha256.Size) {
		return "", fmt.Errorf("%q is not a record id, which is %s and 64 lower-case hexadecimal digits", Brief(s),
			idPrefix)
	}
	return ID(s), nil
}

// Hex returns the digits of the id's digest.
func (id ID) Hex() string { return strings.TrimPrefix(string(id), idPrefix) }

// Short returns the first 12 digits, so that people can tell records apart.
func (id ID) Short() string {
	h := id.Hex()
	return h[:min(len(h), 12)]
}

func lowerHex(s string, length int) bool {
	if len(s) != length {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
