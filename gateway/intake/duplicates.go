package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Within one organisation an eventID names one event, and the declarations that it was an error (EPCIS 2.0, section
// 7.4.1). The ledger doesn't hold anybody to that: it would have to search. The gateway does, as far as its index
// knows. What other organisations have recorded never counts: they corroborate, and can't take an id from this one.

// Codes of what comparing events finds out.
const (
	// CodeEventIDTaken: the eventID names another event that the organisation has recorded.
	CodeEventIDTaken = "event_id_taken"
	// CodeTwin warns of an event that may be a report of the same step as another one.
	CodeTwin = "twin"
	// CodeNothingWithdrawn warns of an error declaration of an event that the organisation hasn't recorded.
	CodeNothingWithdrawn = "nothing_withdrawn"
	// CodeDeclarationDiffers refuses an error declaration whose event isn't the one that it declares an error.
	CodeDeclarationDiffers = "declaration_differs"
)

// draft is an event on its way to the queue, with what tells whether it is known already.
type draft struct {
	capture.Item
	index       int
	sentID      string                        // the eventID as it was sent, unless the event is a declaration of an error
	place       interface{ Pointer() string } // in the document
	named       bool                          // has an eventID of its own
	hash        string
	content     content
	first       *known // the event of the document that says the same, if there is an earlier one
	itself      *known // in the same list
	declaration bool
	follows     bool  // is a declaration, and the event that it declares an error stands before it in the document
	declaredAt  int64 // microseconds since 1970, as precise as the index is
}

// describe takes from a record what tells it from others.
func (d *draft) describe(r *record.Record) {
	d.Body, d.ID, d.EventID, d.hash = r.Body, r.ID, r.Event.Raw.Get("eventID").Text, r.Event.Hash
	d.content = contentOf(&r.Event.Raw)
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

// comparison is what an index tells of the events with a draft's eventID or hash.
type comparison struct {
	recorded bool                 // the very same record is among them: the queue tells its fate
	same     *index.RecordedEvent // says the same in another spelling
	taker    *index.RecordedEvent // is another event with the draft's eventID
	twin     *index.RecordedEvent // has the draft's hash, and another eventID or other content
	declared *index.RecordedEvent // is declared an error by the draft, and isn't what the draft repeats
}

// differsFrom finds the event that the draft declares an error, if the draft isn't otherwise identical to it. The event
// of an error declaration repeats the event that it withdraws (EPCIS 2.0, 7.4.1.2). Another event there would be
// recorded as something that happened.
func (d *draft) differsFrom(events []index.RecordedEvent) *index.RecordedEvent {
	if !d.declaration {
		return nil
	}
	var other *index.RecordedEvent
	for i := range events {
		x := &events[i]
		if x.EventID != d.EventID || x.Declaration {
			continue
		}
		if x.Hash == d.hash {
			return nil
		}
		other = x
	}
	return other
}

// mostCompared bounds how many recorded events are read for one that comes: so many have its eventID and its hash, and
// none its content.
const mostCompared = 100

// compare looks at the events with the draft's eventID or hash. contents reads what a recorded event says.
func (d *draft) compare(
	events []index.RecordedEvent, contents func(id string) (content, error),
) (c comparison, err error) {
	if slices.ContainsFunc(events, func(x index.RecordedEvent) bool { return x.ID == string(d.ID) }) {
		return comparison{recorded: true}, nil
	}
	compared := 0
	c.declared = d.differsFrom(events)
	for i := range events {
		x := &events[i]
		switch {
		case meaningOf(*x) == d.meaning():
			if compared++; compared <= mostCompared {
				says, err := contents(x.ID)
				if err != nil {
					return c, err
				}
				if says == d.content {
					return comparison{same: x}, nil
				}
			}
			c.twin = x
		case x.EventID == d.EventID && !d.declaration && !x.Declaration && x.Hash != d.hash:
			if c.taker == nil {
				c.taker = x
			}
		case x.EventID != d.EventID && !d.declaration && !x.Declaration && x.Hash == d.hash:
			if c.twin == nil {
				c.twin = x
			}
		}
	}
	return c, nil
}

// refuse refuses the draft.
func (d *draft) refuse(p record.Problem) {
	d.Body, d.ID, d.Problems, d.Warnings = nil, "", []record.Problem{p}, nil
}

// warn adds a warning.
func (d *draft) warn(w record.Problem) {
	w.Index = d.index
	d.Warnings = append(d.Warnings, w)
}

// warnOfTwin warns that another event has the draft's hash. where says which one in words.
func (d *draft) warnOfTwin(id, eventID, where string) {
	how := "its content differs, so both are recorded"
	if eventID != d.EventID {
		how = "its eventID is another one, so both are recorded"
	}
	d.warn(record.Problem{Code: CodeTwin, Pointer: d.place.Pointer(), Existing: id, Detail: fmt.Sprintf(
		"this event has the CBV event hash of %s (record %s, eventID %q); %s; if both report one step, declare one of them an error",
		where, id, record.Brief(eventID), how,
	)})
}

// warnOfNothing warns of an error declaration if the organisation has recorded no event that it could be about.
func (d *draft) warnOfNothing(mspID string, events []index.RecordedEvent) {
	reported := func(x index.RecordedEvent) bool { return !x.Declaration }
	if !d.declaration || d.follows || slices.ContainsFunc(events, reported) {
		return
	}
	named := "the content of this one"
	if d.named {
		named = fmt.Sprintf("the eventID %q or the content of this one", record.Brief(d.EventID))
	}
	d.warn(record.Problem{Code: CodeNothingWithdrawn, Pointer: d.idPointer(), Detail: fmt.Sprintf(
		"this declares an error in an event that %s hasn't recorded, as far as this gateway knows: none of its events "+
			"has %s. It withdraws no event now; an event of another organisation is disputed, and not withdrawn",
		mspID, named,
	)})
}

// resolveKnown finds out which events the organisation has recorded before in another spelling, warns of those that
// have a twin, and refuses those whose eventID names another event.
func resolveKnown(ctx context.Context, x Index, mspID string, drafts []draft) error {
	names := make([]string, 0, 2*len(drafts))
	for i := range drafts {
		if d := &drafts[i]; len(d.Body) > 0 {
			names = append(names, d.EventID, d.hash)
		}
	}
	known, err := x.EventsRecordedBy(ctx, mspID, names)
	if err == nil {
		contents := func(id string) (content, error) { return recordedContent(ctx, x, id) }
		for i := range drafts {
			if d := &drafts[i]; len(d.Body) > 0 {
				if err = d.resolve(mspID, known, contents); err != nil {
					break
				}
			}
		}
	}
	if errors.Is(x.Diagnose(err), index.ErrUnavailable) {
		return nil // it knows nothing now, and what is captured mustn't wait for it
	}
	return err
}

// resolve decides about a draft by what is known under its eventID and under its hash.
func (d *draft) resolve(
	mspID string, known map[string][]index.RecordedEvent, contents func(id string) (content, error),
) error {
	events := known[d.EventID]
	if d.hash != d.EventID {
		events = slices.Concat(events, known[d.hash])
	}
	found, err := d.compare(events, contents)
	if err != nil {
		return err
	}
	if found == (comparison{}) || found.twin != nil {
		d.warnOfNothing(mspID, events)
	}
	switch {
	case found.recorded:
		d.Recorded = true
	case found.same != nil:
		d.Body, d.ID, d.Existing = nil, "", &capture.Existing{
			RecordID:  record.ID(found.same.ID),
			Recording: capture.Recording{TransactionID: found.same.TxID, Block: found.same.Block},
		}
	case found.declared != nil:
		d.refuse(record.Problem{
			Index:    d.index,
			Code:     CodeDeclarationDiffers,
			Pointer:  d.place.Pointer(),
			Existing: found.declared.ID,
			Detail: fmt.Sprintf(
				"this declares the event %q an error, and says other things than the event that %s recorded in block %d as %s; "+
					"apart from errorDeclaration the two must be identical (EPCIS 2.0, 7.4.1.2)",
				record.Brief(d.EventID), mspID, found.declared.Block, found.declared.ID,
			),
		})
	case found.taker != nil:
		d.refuse(record.Problem{
			Index:    d.index,
			Code:     CodeEventIDTaken,
			Pointer:  d.idPointer(),
			Existing: found.taker.ID,
			Detail: fmt.Sprintf(
				"the eventID %q names another event, which %s recorded in block %d as %s; give this event an id of its own (to correct the other, send it again with an errorDeclaration and its eventID, and the right event with a new eventID)",
				record.Brief(d.EventID), mspID, found.taker.Block, found.taker.ID,
			),
		})
	case found.twin != nil:
		d.warnOfTwin(found.twin.ID, found.twin.EventID, fmt.Sprintf("one that %s recorded in block %d", mspID, found.twin.Block))
	}
	return nil
}

// recordedContent reads what a recorded event says.
func recordedContent(ctx context.Context, x Index, id string) (content, error) {
	r, err := x.Record(ctx, id, index.Latest)
	if err != nil {
		return content{}, err
	}
	body, err := canonical.ParseCanonical(r.Body, canonical.Limits{Depth: record.MaxDepth + 8})
	if err != nil {
		return content{}, fmt.Errorf("couldn't read record %s: %w", id, err)
	}
	event := body.Get("event")
	return contentOf(&event), nil
}
