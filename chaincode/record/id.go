package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// ID names a record by the SHA-256 of its canonical body:
// "ni:///sha-256;" and 64 lower-case hexadecimal digits. It is written as CBV
// writes event hash ids, in hexadecimal where RFC 6920 has base64url.
type ID string

const idPrefix = "ni:///sha-256;"

// Sum is the id of a body.
func Sum(body []byte) ID { return IDOf(sha256.Sum256(body)) }

// IDOf is the id of a body that has a digest.
func IDOf(sum [sha256.Size]byte) ID {
	var id [len(idPrefix) + 2*sha256.Size]byte
	copy(id[:], idPrefix)
	hex.Encode(id[len(idPrefix):], sum[:])
	return ID(id[:])
}

// Digest is what the digits of an id stand for; of a text that is no id, anything.
func (id ID) Digest() (sum [sha256.Size]byte) {
	var digits [2 * sha256.Size]byte
	copy(digits[:], id.Hex())
	_, _ = hex.Decode(sum[:], digits[:])
	return sum
}

// ParseID accepts exactly the form that Sum gives.
func ParseID(s string) (ID, error) {
	digits, ok := strings.CutPrefix(s, idPrefix)
	if !ok || !lowerHex(digits, 2*sha256.Size) {
		return "", fmt.Errorf("%q is not a record id, which is %s and 64 lower-case hexadecimal digits", Brief(s), idPrefix)
	}
	return ID(s), nil
}

// Hex is the id's digest alone.
func (id ID) Hex() string { return strings.TrimPrefix(string(id), idPrefix) }

// Short is enough of the id for people to tell records apart by eye.
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
