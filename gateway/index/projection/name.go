package projection

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Namespaces of names. They keep a word, a thing and a business transaction of the same spelling apart.
const (
	spaceThing               = 't'
	spaceArtifact            = 'a'
	spaceRecord              = 'r' // the text is the 32 bytes of the digest
	spaceTransformationID    = 'j'
	spaceBusinessTransaction = 'b'
	spaceWord                = 'w'
	spaceMissing             = 'g'
	spaceShape               = 's'
)

// Name is the name of a node: a namespace and a text. A node is found by the hash of its name.
type Name struct {
	Full string // a byte for the namespace, then the text; empty for no name
	Hash uint64
	Kind Kind // of the node that the name makes if there is none
}

func (n Name) text() string { return n.Full[1:] }

// mostName is the length of a text above which no cache keeps it. Caches count entries, and a name may be as long as
// the record that it stands in.
const mostName = 1 << 10

func newName(space byte, text string, kind Kind) Name {
	n := Name{Full: string(rune(space)) + text, Kind: kind}
	n.Hash = hashText(n.Full)
	return n
}

// NodeName is the name of any node that a record can refer to, from the spelling that record.ParseNode gives it.
func NodeName(node string) Name {
	if digest, ok := ParseRecordID(node); ok {
		return recordName(digest, KindMissing)
	}
	if _, err := record.ParseArtifactRef(node); err == nil {
		return newName(spaceArtifact, node, KindArtifact)
	}
	return newName(spaceThing, node, KindThing)
}

// WordName is the name of a word of the vocabulary or a place. No word has no name.
func WordName(word string) Name {
	if word == "" {
		return Name{}
	}
	return newName(spaceWord, word, KindWord)
}

// BusinessTransactionName is the name of a business transaction of a type, which may be empty.
func BusinessTransactionName(kind, id string) Name {
	return newName(spaceBusinessTransaction, kind+" "+id, KindBusinessTransaction)
}

// MissingName is the name of the node for a record that nobody has recorded. The ledger lets no reference to such a
// record in. Should there be one, it leads to a node of its own.
func MissingName(record Name) Name {
	return newName(spaceMissing, RecordID([]byte(record.text())), KindMissing)
}

func recordName(digest [32]byte, kind Kind) Name {
	return Name{string(rune(spaceRecord)) + string(digest[:]), RecordHash(digest), kind}
}

// RecordHash is the hash by which a record is found: the first bytes of its digest.
func RecordHash(digest [32]byte) uint64 { return binary.BigEndian.Uint64(digest[:8]) }

// FullName is the full name of a node of a kind. The text of a record is its digest.
func FullName[T ~string | ~[]byte](kind Kind, text T) string {
	return string(rune(spaceOf(kind))) + string(text)
}

func spaceOf(kind Kind) byte {
	switch kind {
	case KindThing, KindClass:
		return spaceThing
	case KindArtifact:
		return spaceArtifact
	case KindMissing:
		return spaceMissing
	case KindTransformationID:
		return spaceTransformationID
	case KindBusinessTransaction:
		return spaceBusinessTransaction
	case KindWord:
		return spaceWord
	case KindShape:
		return spaceShape
	default:
		return spaceRecord
	}
}

// hashText is the hash of a full name or of an event id.
func hashText(s string) uint64 {
	var room [128]byte // keeps most texts off the heap
	sum := sha256.Sum256(append(room[:0], s...))
	return binary.BigEndian.Uint64(sum[:8])
}

const recordIDPrefix = "ni:///sha-256;"

// RecordID is the id of the record with a digest.
func RecordID(digest []byte) string { return digestID(digest, "") }

// digestID is an id with a digest in it. It is made with one allocation: an answer may have thousands of ids.
func digestID(digest []byte, suffix string) string {
	var room [len(recordIDPrefix) + 64 + len(eventHashSuffix)]byte
	id := append(room[:0], recordIDPrefix...)
	id = hex.AppendEncode(id, digest)
	return string(append(id, suffix...))
}

// ParseRecordID reads the digest in a record id. An event hash, which ends in a version, is not a record id.
func ParseRecordID(id string) (digest [32]byte, ok bool) {
	digits, ok := strings.CutPrefix(id, recordIDPrefix)
	if !ok || len(digits) != 64 {
		return digest, false
	}
	for i := range digest {
		high, ok := digit(digits[2*i])
		low, both := digit(digits[2*i+1])
		if !ok || !both {
			return digest, false
		}
		digest[i] = high<<4 | low
	}
	return digest, true
}

// digit is the value of a hexadecimal digit, which is never a capital letter.
func digit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

const eventHashSuffix = "?ver=CBV2.0"

// EventHash is the hash by which an event is found, from its event id or its CBV event hash. If the id is a CBV event
// hash, it is the first bytes of the digest.
func EventHash(id string) uint64 { return hashPacked(packEventHash(id)) }

// hashPacked is EventHash of what packEventHash gave.
func hashPacked(packed string) uint64 {
	if len(packed) == sha256.Size {
		return binary.BigEndian.Uint64([]byte(packed[:8]))
	}
	return hashText(packed)
}

// packEventHash is a CBV event hash as it is stored: the digest alone, if it is of this version.
func packEventHash(hash string) string {
	if inner, ok := strings.CutSuffix(hash, eventHashSuffix); ok {
		if digest, ok := ParseRecordID(inner); ok {
			return string(digest[:])
		}
	}
	return hash
}

// UnpackEventHash is the CBV event hash in its usual spelling, from what is stored.
func UnpackEventHash(stored []byte) string {
	if len(stored) == 32 {
		return digestID(stored, eventHashSuffix)
	}
	return string(stored)
}
