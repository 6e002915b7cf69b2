package record

import (
	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// Event is a supply-chain step: an EPCIS 2.0 event as it was sent, its JSON-LD
// context, and its CBV 2.0 event hash id. If two organisations report the same
// event in different spellings, there are two records with one hash. The second
// record corroborates the first.
type Event struct {
	Event   *epcis.Event    // what was read from the event
	Raw     canonical.Value // the whole event with its extensions
	Context canonical.Value // the contexts of document and event, merged; null if there are none
	Hash    string          // ni:///sha-256;…?ver=CBV2.0
}

const eventKind = "event/1"

// NewEvent makes the record of an event. If the event has no eventID, NewEvent
// sets it to the hash. EPCIS 2.0 requires the repository to assign a unique id,
// and every organisation computes the same hash for the same event.
func NewEvent(event, context canonical.Value) (*Record, []Problem) {
	if event.Kind != canonical.Object {
		return nil, []Problem{notAnEvent(event)}
	}
	understood, found := epcis.Decode(event, context)
	if len(found) > 0 {
		return nil, EventProblems(found, "")
	}
	if !event.Has("eventID") {
		event = event.With("eventID", canonical.Str(understood.Hash))
		understood.EventID = understood.Hash
	}
	// Everything in the record has just been checked or made, so there is no need to read it again.
	return seal(
		&Record{Noun: NounEvent, Version: 1, Event: &Event{Event: understood, Raw: event, Context: context,
			Hash: understood.Hash}},
		canonical.Value{Kind: canonical.Object, Members: eventMembers(nil, event, context, understood.Hash)},
	)
}

func notAnEvent(v canonical.Value) Problem {
	return Problem{Code: "wrong_type", Detail: "an event is a JSON object, not a JSON " + v.Kind.String()}
}

// eventMembers appends the members of an event's record, in the order of their names.
func eventMembers(dst []canonical.Member, event, context canonical.Value, hash string) []canonical.Member {
	if context.Kind != canonical.Null {
		dst = append(dst, canonical.Member{Name: "context", Value: context})
	}
	return append(
		dst,
		canonical.Member{Name: "event", Value: event},
		canonical.Member{Name: "hash", Value: canonical.Str(hash)},
		canonical.Member{Name: "record", Value: canonical.Str(eventKind)},
	)
}

// EventProblems are problems of an event as problems of a record, with pointers that begin at the place of the event.
func EventProblems(found []epcis.Problem, at string) []Problem {
	problems := make([]Problem, len(found))
	for i, p := range found {
		problems[i] = Problem{Code: p.Code, Pointer: at + p.Pointer, Detail: p.Detail}
	}
	return problems
}

func readEvent(f *fields) *Event {
	e := &Event{Raw: f.object("event", required)}
	f.skip("context")
	if v, ok := f.value.Lookup("context"); ok && v.Kind == canonical.Null {
		f.problem("wrong_type", "/context", "an event without a context of its document has no member context, not null")
	}
	e.Context = f.value.Get("context")
	e.Hash = f.text("hash", required, 128)
	if len(f.problems) > 0 {
		return e
	}
	understood, found := epcis.Decode(e.Raw, e.Context)
	if len(found) > 0 {
		f.problems = append(f.problems, EventProblems(found, f.at+"/event")...)
		return e
	}
	e.Event = understood
	if e.Hash != understood.Hash {
		f.problem("wrong_hash", "/hash", "the event hash id is %s by CBV 2.0, not %s", understood.Hash, Brief(e.Hash))
	}
	if understood.EventID == "" {
		f.problem("missing_field", "/event/eventID",
			"eventID is required in a record; an event without one gets its hash")
	}
	return e
}
