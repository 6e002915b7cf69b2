package record

import (
	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// Writer makes the records of many events in the same memory. The zero Writer is ready to use, by one goroutine at a
// time.
type Writer struct {
	value          [2]canonical.Value // event and context
	members, event []canonical.Member
	bodies         []byte
}

// Event makes the record of an event like [NewEvent], with these differences: the record's Event.Event is nil, because
// Event only checks the event. The Body is valid only until Reset, and Event.Raw only until the next call.
func (w *Writer) Event(event, context canonical.Value) (*Record, []Problem) {
	if event.Kind != canonical.Object {
		return nil, []Problem{notAnEvent(event)}
	}
	w.value = [...]canonical.Value{event, context}
	hash, found := epcis.Check(&w.value[0], &w.value[1])
	if len(found) > 0 {
		return nil, EventProblems(found, "")
	}
	if !event.Has("eventID") {
		w.event = event.AppendWith(w.event[:0], "eventID", canonical.Str(hash))
		event.Members = w.event
	}
	w.members = eventMembers(w.members[:0], event, context, hash)
	r := &Record{Noun: NounEvent, Version: 1, Event: &Event{Raw: event, Context: context, Hash: hash}}
	bodies, problems := r.seal(canonical.Value{Kind: canonical.Object, Members: w.members}, w.bodies)
	if len(problems) > 0 {
		w.bodies = bodies[:len(w.bodies)]
		return nil, problems
	}
	w.bodies = bodies
	return r, nil
}

// mostKept is the most memory, in bytes, that a Writer keeps for the next bodies.
const mostKept = 2 << 20

// Reset drops all bodies and keeps their memory for others.
func (w *Writer) Reset() {
	clear(w.value[:])
	clear(w.members)
	clear(w.event)
	if w.bodies = w.bodies[:0]; cap(w.bodies) > mostKept {
		w.bodies = nil
	}
}
