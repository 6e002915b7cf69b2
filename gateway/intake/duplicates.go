package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Within one organisation an eventID names one event, and the declarations that it was an error (EPCIS 2.0, section
// 7.4.1). The ledger doesn't hold anybody to that: it would have to search. The gateway does, as far as its index
// knows. What other organisations have recorded never counts: they corroborate, and can't take an id from this one.

// CodeEventIDTaken: the eventID names another event that the organisation has recorded.
const CodeEventIDTaken = "event_id_taken"

// draft is an event on its way to the queue, with what tells whether it is known already.
type draft struct {
	capture.Item
	index       int
	sentID      string                        // the eventID as it was sent, unless the event is a declaration of an error
	place       interface{ Pointer() string } // in the document
	named       bool                          // has an eventID of its own
	hash        string
	declaration bool
	declaredAt  int64 // microseconds since 1970, as precise as the index is
}

// describe takes from a record what tells it from others.
func (d *draft) describe(r *record.Record) {
	d.Body, d.ID, d.EventID, d.hash = r.Body, r.ID, r.Event.Raw.Get("eventID").Text, r.Event.Hash
	if declared, ok := r.Event.Raw.Lookup("errorDeclaration"); ok {
		d.declaration = true
		if at, err := time.Parse(time.RFC3339Nano, declared.Get("declarationTime").Text); err == nil {
			d.declaredAt = at.UnixMicro()
		}
	}
}

// idPointer is where the eventID stands, or the event if it has none of its own.
func (d *draft) idPointer() string {
	if d.named {
		return d.place.Pointer() + "/eventID"
	}
	return d.place.Pointer()
}

// meaning is what two spellings of one event, or of one declaration, have in common.
type meaning struct {
	eventID, hash string
	declaration   bool
	declaredAt    int64
}

func (d *draft) meaning() meaning { return meaning{d.EventID, d.hash, d.declaration, d.declaredAt} }

func meaningOf(e index.RecordedEvent) meaning {
	m := meaning{eventID: e.EventID, hash: e.Hash, declaration: e.Declaration}
	if !e.DeclaredAt.IsZero() {
		m.declaredAt = e.DeclaredAt.UnixMicro()
	}
	return m
}

// compare finds among the events with the draft's eventID one that says the same, or else one that takes the id.
// Neither is looked for if the very same record is among them: the queue tells its fate, and those of records still
// under way.
func (d *draft) compare(known []index.RecordedEvent) (same, taker *index.RecordedEvent) {
	for i := range known {
		x := &known[i]
		switch {
		case x.ID == string(d.ID):
			return nil, nil
		case meaningOf(*x) == d.meaning():
			if same == nil {
				same = x
			}
		case !d.declaration && !x.Declaration && taker == nil:
			taker = x
		}
	}
	if same != nil {
		return same, nil
	}
	return nil, taker
}

// twins knows the events of a document so far, by fingerprints, for there may be a million.
type twins struct {
	meanings map[fingerprint]known
	eventIDs map[fingerprint]bearer // of events that are no declarations
}

// usedTwins are used again for their memory.
var usedTwins = sync.Pool{New: func() any {
	return &twins{meanings: make(map[fingerprint]known), eventIDs: make(map[fingerprint]bearer)}
}}

// release forgets the events of a document.
func (t *twins) release() {
	const mostKept = 10_000 // of which a map keeps the memory
	if len(t.meanings) <= mostKept && len(t.eventIDs) <= mostKept {
		clear(t.meanings)
		clear(t.eventIDs)
		usedTwins.Put(t)
	}
}

// known is an event by its meaning.
type known struct {
	event int
	id    [sha256.Size]byte // of the record
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

func (m meaning) fingerprint() fingerprint {
	var room [512]byte
	text := append(append(append(room[:0], m.hash...), '\n'), m.eventID...)
	text = strconv.AppendBool(append(text, '\n'), m.declaration)
	sum := sha256.Sum256(strconv.AppendInt(append(text, '\n'), m.declaredAt, 10))
	return fingerprint(sum[:])
}

// refuse refuses the drafts of events that stand in the document twice, the second time.
func (t *twins) refuse(drafts []draft) {
	for i := range drafts {
		t.look(&drafts[i])
	}
}

func (t *twins) look(d *draft) {
	if d.sentID != "" {
		sent := fingerprintOf(d.sentID)
		first, known := t.eventIDs[sent]
		if known && first.sent {
			d.refuse(
				record.Problem{Index: d.index, Code: epcis.CodeDuplicateEventID, Pointer: d.idPointer(), Detail: fmt.Sprintf(
					"event %d of this document has the same eventID %q, and neither is an error declaration",
					first.event,
					record.Brief(d.sentID),
				)},
			)
			return
		}
		if !known {
			t.eventIDs[sent] = bearer{d.index, true}
		}
	}
	if len(d.Body) == 0 {
		return
	}
	what := d.meaning().fingerprint()
	if first, ok := t.meanings[what]; ok {
		d.refuse(
			record.Problem{
				Index:    d.index,
				Code:     "duplicate",
				Pointer:  d.place.Pointer(),
				Existing: string(record.IDOf(first.id)),
				Detail:   fmt.Sprintf("this is the same event as number %d of the document", first.event),
			},
		)
		return
	}
	if !d.declaration {
		id := fingerprintOf(d.EventID)
		if first, ok := t.eventIDs[id]; ok && first.event != d.index {
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
	}
	t.meanings[what] = known{d.index, d.ID.Digest()}
}

func (d *draft) refuse(p record.Problem) {
	d.Body, d.ID, d.Problems = nil, "", []record.Problem{p}
}

// resolveKnown finds out which events the organisation has recorded before in another spelling, and refuses those whose
// eventID names another event.
func resolveKnown(ctx context.Context, x Index, mspID string, drafts []draft) error {
	ids := make([]string, 0, len(drafts))
	for i := range drafts {
		if len(drafts[i].Body) > 0 {
			ids = append(ids, drafts[i].EventID)
		}
	}
	known, err := x.EventsRecordedBy(ctx, mspID, ids)
	if errors.Is(x.Diagnose(err), index.ErrUnavailable) {
		return nil // it knows nothing now, and what is captured mustn't wait for it
	}
	if err != nil || len(known) == 0 {
		return err
	}
	for i := range drafts {
		d := &drafts[i]
		if len(d.Body) == 0 {
			continue
		}
		same, taker := d.compare(known[d.EventID])
		switch {
		case same != nil:
			d.Body, d.ID, d.Existing = nil, "", &capture.Existing{
				RecordID: record.ID(same.ID), Recording: capture.Recording{TransactionID: same.TxID, Block: same.Block},
			}
		case taker != nil:
			d.refuse(
				record.Problem{
					Index:    d.index,
					Code:     CodeEventIDTaken,
					Pointer:  d.idPointer(),
					Existing: taker.ID,
					Detail: fmt.Sprintf(
						"the eventID %q names another event, which %s recorded in block %d as %s; give this event an id of its own (to correct the other, send it again with an errorDeclaration and its eventID, and the right event with a new eventID)",
						record.Brief(d.EventID),
						mspID,
						taker.Block,
						taker.ID,
					),
				},
			)
		}
	}
	return nil
}
