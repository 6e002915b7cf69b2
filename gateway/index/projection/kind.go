package projection

import "github.com/pedigree-ledger/pedigree/chaincode/record"

// Kind says what a node is. The numbers are stored: a new meaning needs a new [Version].
type Kind uint8

// Kinds of records.
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
	KindThing               Kind = iota + 10 // an EPC instance, or another URI
	KindClass                                // a lot, or another class of things
	KindArtifact                             // kind/namespace/name@version
	KindMissing                              // the id of a record that nobody has recorded
	KindTransformationID                     // a transformationID, which joins events
	KindBusinessTransaction                  // a business transaction of a type
	KindWord                                 // a word of the vocabulary, or a place
	KindShape                                // what many events have in common: see shape
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

// KindOf is the kind of the records of a noun.
func KindOf(noun record.Noun) Kind {
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
