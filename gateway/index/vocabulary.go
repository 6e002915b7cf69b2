package index

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Kind says what a node is. The numbers are stored; they never change meaning
// without a new schemaVersion.
type Kind uint8

// Kinds of record.
const (
	KindEvent Kind = iota + 1
	KindArtifactRecord
	KindActivity
	KindStatement
	KindMember
	KindUnreadable // a committed record that this version cannot read
)

// Kinds of what records name.
const (
	KindThing    Kind = iota + 10 // an EPC instance, or another URI
	KindClass                     // a lot, or another class of things
	KindArtifact                  // kind/namespace/name@version
	KindMissing                   // a record id that names nothing recorded so far
	KindJoin                      // a transformationID, which joins events
	kindTrade                     // a business transaction of a type
	kindWord                      // an interned word or place
	kindShape                     // what many events share: see shape
)

// IsRecord says whether nodes of the kind are records themselves.
func (k Kind) IsRecord() bool { return k >= KindEvent && k <= KindUnreadable }

// IsThing says whether nodes of the kind are things or classes of things.
func (k Kind) IsThing() bool { return k == KindThing || k == KindClass }

// String is the word that answers use.
func (k Kind) String() string {
	switch k {
	case KindEvent:
		return "event"
	case KindArtifactRecord, KindArtifact:
		return "artifact"
	case KindActivity:
		return "activity"
	case KindStatement:
		return "statement"
	case KindMember:
		return "member"
	case KindUnreadable:
		return "unreadable"
	case KindThing:
		return "thing"
	case KindClass:
		return "class"
	case KindMissing:
		return "missing"
	default:
		return "internal"
	}
}

func kindOf(noun record.Noun) Kind {
	switch noun {
	case record.NounEvent:
		return KindEvent
	case record.NounArtifact:
		return KindArtifactRecord
	case record.NounActivity:
		return KindActivity
	case record.NounStatement:
		return KindStatement
	case record.NounMember:
		return KindMember
	default:
		return KindUnreadable
	}
}

// Role says how a record names a node. Every link has a record on one side,
// so records are what connects the graph.
type Role uint8

// Roles of things in events.
const (
	RoleEPC      Role = 1 // epcList of an object or transaction event
	RoleQuantity Role = 2 // quantityList
	RoleParent   Role = 3 // parentID of an event that neither packs nor unpacks
	// Aggregation and association. RoleParentEmptied is a DELETE that names no
	// child, which EPCIS defines as taking all of them out.
	RoleParentAdd         Role = 10
	RoleParentObserve     Role = 11
	RoleParentDelete      Role = 12
	RoleParentEmptied     Role = 13
	RoleChildAdd          Role = 14
	RoleChildObserve      Role = 15
	RoleChildDelete       Role = 16
	RoleChildClassAdd     Role = 17
	RoleChildClassObserve Role = 18
	RoleChildClassDelete  Role = 19
	RoleInput             Role = 20
	RoleInputQuantity     Role = 21
	RoleOutput            Role = 22
	RoleOutputQuantity    Role = 23
	RoleJoin              Role = 24 // transformationID
	roleTrade             Role = 25 // bizTransactionList
	RoleSource            Role = 30 // derivedFrom of an artifact
	RoleDescribes         Role = 31 // the artifact version that an artifact record is about
	RoleUsed              Role = 40
	RoleGenerated         Role = 41
	RoleAbout             Role = 42
	RoleSubject           Role = 50
)

// Mentions says whether the role is that of a thing in an event.
func (r Role) Mentions() bool { return r >= RoleEPC && r <= RoleOutputQuantity }

// Parent says whether the role is the parent's in a packing event.
func (r Role) Parent() bool { return r >= RoleParentAdd && r <= RoleParentEmptied }

// Child says whether the role is a child's in a packing event.
func (r Role) Child() bool { return r >= RoleChildAdd && r <= RoleChildClassDelete }

// Consumes says whether the role is an input's.
func (r Role) Consumes() bool { return r == RoleInput || r == RoleInputQuantity }

// Produces says whether the role is an output's.
func (r Role) Produces() bool { return r == RoleOutput || r == RoleOutputQuantity }

// Namespaces of node names, so that a word, a thing and a business
// transaction of the same spelling stay apart.
const (
	spaceThing  = 't'
	spaceRef    = 'a'
	spaceRecord = 'r' // the rest is the 32 bytes of the digest
	spaceJoin   = 'j'
	spaceTrade  = 'b'
	spaceWord   = 'w'
	spaceGhost  = 'g'
	spaceShape  = 's'
)

// name is a node's full name, a namespace and a text. It is found by a number
// made from it.
type name struct {
	full string // a byte for the namespace, then the text
	hash uint64
	kind Kind
}

func (n name) text() string { return n.full[1:] }

func named(space byte, text string, kind Kind) name {
	n := name{full: string(rune(space)) + text, kind: kind}
	n.hash = hashText(n.full)
	return n
}

func recordName(digest [32]byte, kind Kind) name {
	return name{string(rune(spaceRecord)) + string(digest[:]), binary.BigEndian.Uint64(digest[:8]), kind}
}

// hashText is the number by which names are found.
func hashText(s string) uint64 {
	var room [128]byte // spares most texts a copy in the heap
	sum := sha256.Sum256(append(room[:0], s...))
	return binary.BigEndian.Uint64(sum[:8])
}

// spaceOf is the namespace that nodes of a kind are named in.
func spaceOf(kind Kind) byte {
	switch kind {
	case KindThing, KindClass:
		return spaceThing
	case KindArtifact:
		return spaceRef
	case KindMissing:
		return spaceGhost
	case KindJoin:
		return spaceJoin
	case kindTrade:
		return spaceTrade
	case kindWord:
		return spaceWord
	case kindShape:
		return spaceShape
	default:
		return spaceRecord
	}
}

const recordIDPrefix = "ni:///sha-256;"

func recordID(digest []byte) string { return digestID(digest, "") }

// digestID is an id made of a digest, in one piece of memory: answers have
// thousands of them.
func digestID(digest []byte, suffix string) string {
	var room [len(recordIDPrefix) + 64 + len(hashSuffix)]byte
	id := append(room[:0], recordIDPrefix...)
	id = hex.AppendEncode(id, digest)
	return string(append(id, suffix...))
}

// digestOf reads a record id. Event hash ids, which carry a version suffix, are
// not record ids.
func digestOf(id string) (digest [32]byte, ok bool) {
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

const hashSuffix = "?ver=CBV2.0"

// hashEvent is the number by which event ids and event hashes are found. Of those
// that are digests already, it is a part.
func hashEvent(id string) uint64 { return hashPacked(packHash(id)) }

// hashPacked is hashEvent of what packHash gave.
func hashPacked(hash string) uint64 {
	if len(hash) == sha256.Size {
		return binary.BigEndian.Uint64([]byte(hash[:8]))
	}
	return hashText(hash)
}

// packHash is an event hash as it is stored: of those that this version
// makes, the digest alone.
func packHash(hash string) string {
	if inner, ok := strings.CutSuffix(hash, hashSuffix); ok {
		if digest, ok := digestOf(inner); ok {
			return string(digest[:])
		}
	}
	return hash
}

// unpackHash is the event hash that packHash was given.
func unpackHash(stored []byte) string {
	if len(stored) == 32 {
		return digestID(stored, hashSuffix)
	}
	return string(stored)
}

// digit is the value of a hexadecimal digit, which is never a capital.
func digit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
