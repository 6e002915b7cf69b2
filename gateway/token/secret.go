package token

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"strings"
)

// A secret is 58 characters: Prefix, 43 random characters of the alphabet, which are 256 bits, and 6 for the CRC-32 of
// all that is before them. The prefix and the checksum let programs that look for secrets in code and logs find it, and
// hardly anything else: pedigree_[0-9A-Za-z]{49}.
const (
	// Prefix begins each secret.
	Prefix = "pedigree_"

	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	random   = 43
	check    = 6
)

// newSecret makes a secret.
func newSecret() string {
	b := make([]byte, 0, len(Prefix)+random+check)
	b = append(b, Prefix...)
	var raw [1]byte
	for len(b) < len(Prefix)+random {
		_, _ = rand.Read(raw[:])                                             // never fails
		if most := 256 / len(alphabet) * len(alphabet); int(raw[0]) < most { // or else some would come more often
			b = append(b, alphabet[int(raw[0])%len(alphabet)])
		}
	}
	return string(append(b, checksum(string(b))...))
}

// checksum is the CRC-32 of a text, in the alphabet.
func checksum(text string) []byte {
	sum := crc32.ChecksumIEEE([]byte(text))
	out := make([]byte, check)
	for i := check - 1; i >= 0; i-- {
		out[i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return out
}

// Damaged tells whether a text begins like a secret and is none, because it was cut off or mistyped. It tells nothing
// about the secrets that there are.
func Damaged(text string) bool {
	if !strings.HasPrefix(text, Prefix) {
		return false
	}
	if len(text) != len(Prefix)+random+check {
		return true
	}
	body := text[:len(Prefix)+random]
	return string(checksum(body)) != text[len(body):]
}

// Digest is what is kept of a secret, and what it is found by.
func Digest(secret string) [sha256.Size]byte { return sha256.Sum256([]byte(secret)) }
