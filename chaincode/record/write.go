package record

import (
	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// Writer makes the records of many events in the same memory. The zero Writer is ready. One goroutine at a time may use it.
type Writer struct {
	value          [2]canonical.Value // event and context
	members, event []canonical.Member
	bodies         []byte
}

// Event is [NewEvent], but for two things: the record's Event has no Event, as nothing is read out of what was checked, and
// the Body is good only until Reset, as what lies in Raw is until the next call.
func (w *Writer) Event(event, context canonical.Value) (*Record, []Problem) {
	if event.Kind != canonical.Object {
		return nil, []Problem{notAnEvent(event)}
	}
	w.value = [...]canonical.Value{event, context}
	hash, found := epcis.Check(&w.value[0], &w.value[1])
	if len(found) > 0 {
		return nil, eventProblems(found, "")
	}
	if !event.Has("eventID") {
		w.event = event.AppendWith(w.event[:0], "eventID", canonical.Str(hash))
		event.Members = w.event
	}
	w.members = eventMembers(w.members[:0], event, context, hash)
	r := &Record{Noun: NounEvent, Event: &Event{Raw: event, Context: context, Hash: hash}}
	bodies, problems := r.seal(canonical.Value{Kind: canonical.Object, Members: w.members}, w.bodies)
	if len(problems) > 0 {
		w.bodies = bodies[:len(w.bodies)]
		return nil, problems
	}
	w.bodies = bodies
	return r, nil
}

// mostKept bounds the bytes that a Writer keeps for the next bodies.
const mostKept = 2 << 20

// Reset makes the room of all bodies free again.
func (w *Writer) Reset() {
	clear(w.value[:])
	clear(w.members)
	clear(w.event)
	if w.bodies = w.bodies[:0]; cap(w.bodies) > mostKept {
		w.bodies = nil
	}
}
