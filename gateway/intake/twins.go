package intake

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"sync"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
)

// twins knows the events of a document so far, by fingerprints, for there may be a million.
type twins struct {
	contents map[fingerprint]*known
	hashes   map[fingerprint]*known // of events that are no declarations
	eventIDs map[fingerprint]bearer // of events that are no declarations
}

// usedTwins are used again for their memory.
var usedTwins = sync.Pool{New: func() any {
	return &twins{
		contents: make(map[fingerprint]*known),
		hashes:   make(map[fingerprint]*known),
		eventIDs: make(map[fingerprint]bearer),
	}
}}

// release forgets the events of a document.
func (t *twins) release() {
	const mostKept = 10_000 // of which a map keeps the memory
	if len(t.contents) <= mostKept && len(t.eventIDs) <= mostKept {
		clear(t.contents)
		clear(t.hashes)
		clear(t.eventIDs)
		usedTwins.Put(t)
	}
}

// known is an event of the document.
type known struct {
	event    int
	id       [sha256.Size]byte // of the record
	queued   bool              // the record is with the queue
	existing *capture.Existing // the record that was there before, if there was one
}

// bearer is an event by its eventID.
type bearer struct {
	event int
	sent  bool // with this eventID, and not given it by the gateway
}

// fingerprint is half a SHA-256: two texts of one document don't share one.
type fingerprint [16]byte

func fingerprintOf(text string) fingerprint {
	var room [512]byte
	sum := sha256.Sum256(append(room[:0], text...))
	return fingerprint(sum[:])
}

// fingerprint tells what an event is and says.
func (d *draft) fingerprint() fingerprint {
	var room [512]byte
	m := d.meaning()
	text := append(append(append(room[:0], m.hash...), '\n'), m.eventID...)
	text = strconv.AppendBool(append(text, '\n'), m.declaration)
	text = strconv.AppendInt(append(text, '\n'), m.declaredAt, 10)
	sum := sha256.Sum256(append(append(text, '\n'), d.content[:]...))
	return fingerprint(sum[:])
}

// look compares events with those before them in the document. It marks those that say the same, warns of those that
// have the same hash, and refuses those that have the eventID of another event.
func (t *twins) look(drafts []draft) {
	for i := range drafts {
		if d := &drafts[i]; len(d.Body) > 0 {
			t.compare(d)
		} else {
			t.mark(d)
		}
	}
}

func (t *twins) compare(d *draft) {
	what := d.fingerprint()
	if first, ok := t.contents[what]; ok {
		d.first = first
		return
	}
	if !t.mark(d) {
		return
	}
	k := &known{event: d.index, id: d.ID.Digest()}
	if d.declaration {
		_, byID := t.eventIDs[fingerprintOf(d.EventID)]
		d.follows = byID || t.hashes[fingerprintOf(d.hash)] != nil
	} else {
		id := fingerprintOf(d.EventID)
		if first, ok := t.eventIDs[id]; ok && first.event != d.index && !t.sameHash(d, first) {
			d.refuse(record.Problem{Index: d.index, Code: epcis.CodeDuplicateEventID, Pointer: d.idPointer(),
				Detail: fmt.Sprintf(
					"event %d of this document has the eventID %q too, and is another event",
					first.event,
					record.Brief(d.EventID),
				)})
			return
		} else if !ok {
			t.eventIDs[id] = bearer{d.index, false}
		}
		hash := fingerprintOf(d.hash)
		if first, ok := t.hashes[hash]; ok {
			d.warn(record.Problem{Code: CodeTwin, Pointer: d.place.Pointer(), Existing: string(record.IDOf(first.id)),
				Detail: fmt.Sprintf(
					"this event has the CBV event hash of event %d of this document (record %s), and not its content or not its eventID, so both are recorded; if both report one step, declare one of them an error",
					first.event,
					record.IDOf(first.id),
				)})
		} else {
			t.hashes[hash] = k
		}
	}
	t.contents[what] = k
	d.itself = k
}

// sameHash tells whether the bearer of the draft's eventID has its hash too, so that the eventID, which is the hash,
// doesn't tell them apart.
func (t *twins) sameHash(d *draft, first bearer) bool {
	k, ok := t.hashes[fingerprintOf(d.hash)]
	return ok && k.event == first.event && d.EventID == d.hash
}

// mark notes the eventID that an event was sent with. It refuses the second of two events that have one, and then
// returns false.
func (t *twins) mark(d *draft) bool {
	if d.sentID == "" {
		return true
	}
	sent := fingerprintOf(d.sentID)
	first, known := t.eventIDs[sent]
	if known && first.sent && d.sentID != d.hash {
		d.refuse(
			record.Problem{Index: d.index, Code: epcis.CodeDuplicateEventID, Pointer: d.idPointer(), Detail: fmt.Sprintf(
				"event %d of this document has the same eventID %q, and neither is an error declaration",
				first.event,
				record.Brief(d.sentID),
			)},
		)
		return false
	}
	if !known {
		t.eventIDs[sent] = bearer{d.index, true}
	}
	return true
}

// join gives each event that says the same as an earlier one of the document the fate of that one. It is called when
// what the organisation recorded before is known.
func join(drafts []draft) {
	for i := range drafts {
		d := &drafts[i]
		switch first := d.first; {
		case d.itself != nil:
			d.itself.queued, d.itself.existing = len(d.Body) > 0, d.Existing
		case first == nil || len(d.Body) == 0:
		case first.existing != nil:
			d.Body, d.ID, d.Existing = nil, "", first.existing
		case first.queued:
			d.Body, d.Twin, d.Warnings = nil, record.IDOf(first.id), nil
		}
	}
}
