// Package record defines the records that Pedigree keeps, and how the ledger
// stores them.
//
// A record is one JSON object in canonical form. Its member "record" names its
// noun and the version of its shape, such as "event/1" or "artifact/2". The nouns are [Event],
// [Artifact], [Activity], [Statement] and [Member]. The id of a record is the
// SHA-256 of its bytes. So nobody can change a record; they can only add
// another one that corrects it.
//
// NewEvent, NewArtifact, NewActivity, NewStatement and NewMember make a record
// from JSON, and [Decode] reads and checks the bytes of one. [Pack] and
// [Unpack] put many records into one compressed pack, which is what travels
// and what the ledger keeps. The functions that end in Key are the keys of the
// ledger. [SubmitWrites] says which keys a transaction may write.
//
// The chaincode, the gateway and the verifier share this package, so they
// agree on what a record is. The package does no input or output and reads no
// clock: whether bytes are a record depends on the bytes alone.
package record

import (
	"errors"
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Noun is one of the kinds of record.
type Noun string

// The nouns. The types of the same names describe them.
const (
	NounEvent     Noun = "event"
	NounArtifact  Noun = "artifact"
	NounActivity  Noun = "activity"
	NounStatement Noun = "statement"
	NounMember    Noun = "member"
)

// Limits of one record. The chaincode enforces them, so they are the same for everybody.
const (
	MaxBytes = 1 << 20 // of a body
	MaxDepth = 32      // levels of nested arrays and objects, including the body itself
	MaxRefs  = 10_000  // entries of each list of references
)

// Record is a body and what was read from it. Only the pointer of its noun is
// set.
type Record struct {
	ID        ID
	Noun      Noun
	Version   int    // of the shape
	By        string // MSP id of the organisation that says it; empty in events and in shapes of version 1
	Body      []byte // canonical
	Event     *Event
	Artifact  *Artifact
	Activity  *Activity
	Statement *Statement
	Member    *Member
}

// Decode reads a body as strictly as the ledger does. The bytes must be
// canonical, keep to the limits and have the shape of their noun. Decode
// recomputes derived members, such as hashes, and compares them. The Index of
// each problem is 0, and its Pointer is relative to the body.
func Decode(body []byte) (*Record, []Problem) {
	v, err := canonical.ParseCanonical(body, canonical.Limits{Bytes: MaxBytes, Depth: MaxDepth})
	if err != nil {
		return nil, []Problem{syntaxProblem(err)}
	}
	kind := v.Get("record")
	if v.Kind != canonical.Object || kind.Kind != canonical.String {
		return nil, []Problem{
			{
				Code:    "missing_field",
				Pointer: "/record",
				Detail:  `a record is an object with a member "record", such as "artifact/2"`,
			},
		}
	}
	r, problems := decodeAs(kind.Text, v)
	if len(problems) > 0 {
		return nil, problems
	}
	r.Body = body
	r.ID = Sum(body)
	return r, nil
}

func decodeAs(kind string, v canonical.Value) (*Record, []Problem) {
	f := fields{value: v}
	f.skip("record")
	r := shapeOf(kind)
	if r == nil {
		return nil, []Problem{
			{
				Code:    "unknown_record",
				Pointer: "/record",
				Detail: fmt.Sprintf(
					"%q is not a kind of record; there are event/1, artifact/2, activity/2, statement/2 and member/2, "+
						"and version 1 of each",
					Brief(kind),
				),
			},
		}
	}
	if r.namesIssuer() {
		r.By = f.text("by", required, maxMSPID)
	}
	switch r.Noun {
	case NounEvent:
		r.Event = readEvent(&f)
	case NounArtifact:
		r.Artifact = readArtifact(&f)
	case NounActivity:
		r.Activity = readActivity(&f)
	case NounStatement:
		r.Statement = readStatement(&f, r.Version)
	case NounMember:
		r.Member = readMember(&f)
		if r.Version >= 2 {
			r.By = r.Member.MSPID
		}
	}
	f.finish()
	return r, f.problems
}

// build makes a record of v, by the organisation with the MSP id by. It adds
// the members "record" and "by" if v lacks them. If v says that it is of version
// 1, the record is of that version, which names nobody.
func build(noun Noun, by string, v canonical.Value) (*Record, []Problem) {
	if v.Kind != canonical.Object {
		return nil, []Problem{{Code: "wrong_type", Detail: "a JSON object should stand here, not a JSON " + v.Kind.String()}}
	}
	kind := kindOf(noun, newest(noun))
	if given, ok := v.Lookup("record"); ok {
		if given.Text != kind && given.Text != kindOf(noun, 1) {
			return nil, []Problem{
				{Code: "unknown_record", Pointer: "/record", Detail: fmt.Sprintf("the record must be of the kind %q here", kind)},
			}
		}
		kind = given.Text
	}
	v = v.With("record", canonical.Str(kind))
	if shapeOf(kind).namesIssuer() {
		if given, ok := v.Lookup("by"); ok && given.Text != by {
			return nil, []Problem{{Code: "not_yours", Pointer: "/by", Detail: fmt.Sprintf(
				"by is the organisation that says it, which is %s here, not %q", by, Brief(given.Text))}}
		}
		v = v.With("by", canonical.Str(by))
	}
	r, problems := decodeAs(kind, v)
	if len(problems) > 0 {
		return nil, problems
	}
	return seal(r, v)
}

// seal checks v against the limits of a record and sets the record's body and id.
func seal(r *Record, v canonical.Value) (*Record, []Problem) {
	if _, problems := r.seal(v, nil); len(problems) > 0 {
		return nil, problems
	}
	return r, nil
}

// seal does the same, but appends the body to room and returns the longer room.
func (r *Record) seal(v canonical.Value, room []byte) ([]byte, []Problem) {
	from := len(room)
	room = v.Append(room)
	body := room[from:len(room):len(room)]
	if len(body) > MaxBytes {
		return room, []Problem{
			{Code: "too_large", Detail: fmt.Sprintf("the record has %d bytes, more than the %d allowed", len(body), MaxBytes)},
		}
	}
	values, depth := extent(&v)
	if values > canonical.DefaultValues {
		return room, []Problem{
			{
				Code:   "too_large",
				Detail: fmt.Sprintf("the record has %d values, more than the %d allowed", values, canonical.DefaultValues),
			},
		}
	}
	if depth > MaxDepth {
		return room, []Problem{
			{
				Code:   "too_deep",
				Detail: fmt.Sprintf("values are nested %d deep in the record, more than the %d allowed", depth, MaxDepth),
			},
		}
	}
	r.Body, r.ID = body, Sum(body)
	return room, nil
}

// extent counts the values in v, including v itself, and the levels of nested arrays and objects.
func extent(v *canonical.Value) (values, depth int) {
	values = 1
	for i := range v.Items {
		n, d := extent(&v.Items[i])
		values, depth = values+n, max(depth, d)
	}
	for i := range v.Members {
		n, d := extent(&v.Members[i].Value)
		values, depth = values+n, max(depth, d)
	}
	if v.Kind == canonical.Array || v.Kind == canonical.Object {
		depth++
	}
	return values, depth
}

func syntaxProblem(err error) Problem {
	p := Problem{Code: "not_canonical", Detail: err.Error()}
	var syntax *canonical.SyntaxError
	if errors.As(err, &syntax) {
		p.Pointer = syntax.Pointer
	}
	return p
}

// Reference is one place in a record that names a node. The ledger must know
// the node already, or learn of it in the same transaction.
type Reference struct {
	Pointer string
	Node    string
}

// References lists the nodes that the record names.
func (r *Record) References() []Reference {
	switch r.Noun {
	case NounArtifact:
		return r.Artifact.references()
	case NounActivity:
		return r.Activity.references()
	case NounStatement:
		return r.Statement.references()
	default:
		return nil
	}
}
