package capture

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// entry is what a part keeps of a record for results: the digest that is the record's id, and the event id. What is not
// in the part's pack has no id.
type entry struct {
	known  bool // the digest is
	twin   bool // the digest is that of an earlier record of the job; this one is in no pack
	digest [sha256.Size]byte
	event  string
}

// Entries lie in the database one after the other: a byte of marks, then what they say is there. An event id is mostly
// an event hash id, of which only the digest is kept; another one is kept as its length, a varint, and its text.
const (
	markDigest = 1 << iota
	markHash   // the event id is epcis.HashScheme, the hexadecimal digits of the digest that follows, and epcis.HashVersion
	markText
	markTwin
)

func appendEntry(dst []byte, e entry) []byte {
	at := len(dst)
	dst = append(dst, 0)
	if e.known {
		dst[at] |= markDigest
		dst = append(dst, e.digest[:]...)
	}
	if e.twin {
		dst[at] |= markTwin
	}
	if e.event == "" {
		return dst
	}
	if digest, ok := hashOf(e.event); ok {
		dst[at] |= markHash
		return append(dst, digest[:]...)
	}
	dst[at] |= markText
	return append(binary.AppendUvarint(dst, uint64(len(e.event))), e.event...)
}

// hashOf takes the digest out of an event hash id, if the text is one as this program writes it.
func hashOf(event string) (digest [sha256.Size]byte, ok bool) {
	if len(event) != len(epcis.HashScheme)+2*sha256.Size+len(epcis.HashVersion) || !strings.HasPrefix(event, epcis.HashScheme) ||
		!strings.HasSuffix(event, epcis.HashVersion) {
		return digest, false
	}
	digits := event[len(epcis.HashScheme) : len(event)-len(epcis.HashVersion)]
	if _, err := hex.Decode(digest[:], []byte(digits)); err != nil || strings.ContainsAny(digits, "ABCDEF") {
		return digest, false
	}
	return digest, true
}

var errEntries = errors.New("the list of records is damaged")

// decodeEntries reads n entries and nothing else.
func decodeEntries(text []byte, n int) ([]entry, error) {
	if n < 0 || n > len(text) {
		return nil, errEntries
	}
	list := make([]entry, n)
	for i := range list {
		rest, ok := list[i].decode(text)
		if !ok {
			return nil, errEntries
		}
		text = rest
	}
	if len(text) > 0 {
		return nil, errEntries
	}
	return list, nil
}

// decode reads one entry from the front.
func (e *entry) decode(text []byte) (rest []byte, ok bool) {
	if len(text) == 0 {
		return nil, false
	}
	marks := text[0]
	text = text[1:]
	if marks&markDigest != 0 {
		if len(text) < sha256.Size {
			return nil, false
		}
		e.known, text = true, text[copy(e.digest[:], text):]
	}
	e.twin = marks&markTwin != 0
	switch marks &^ (markDigest | markTwin) {
	case 0:
		return text, true
	case markHash:
		if len(text) < sha256.Size {
			return nil, false
		}
		e.event = epcis.HashScheme + hex.EncodeToString(text[:sha256.Size]) + epcis.HashVersion
		return text[sha256.Size:], true
	case markText:
		length, used := binary.Uvarint(text)
		if used <= 0 || length > uint64(len(text)-used) {
			return nil, false
		}
		end := used + int(length)
		e.event = string(text[used:end])
		return text[end:], true
	}
	return nil, false
}
