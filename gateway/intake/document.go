package intake

import (
	"errors"
	"io"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
)

// A document is read event by event, so its size costs no memory. JSON doesn't say in which order the members stand:
// all but the events is checked at the end, and nothing counts before that. Only the @context must be known to make
// records, so if it comes after the events they are kept until then, up to a limit.

// The lists that events stand in, of an EPCISDocument and of an EPCISQueryDocument.
var eventLists = [][]string{{"epcisBody", "eventList"}, {"epcisBody", "queryResults", "resultsBody", "eventList"}}

// Limits of one document. Its bytes are in openapi.yaml.
const (
	MaxEvents   = 1_000_000
	MaxEvent    = 4 << 20   // bytes of one event's text, which white space may make longer than its record
	MaxAround   = 16 << 20  // bytes of what stands around the events: master data, mostly
	maxValues   = 1_000_000 // JSON values of that
	MaxHeld     = 32 << 20  // bytes of events before the @context
	heldItem    = 128       // bytes that keeping an event costs beside its text
	MaxProblems = 100_000   // of all events
)

var documentLimits = canonical.ReaderLimits{
	Item:    MaxEvent,
	Outline: MaxAround,
	Values:  maxValues,
	Depth:   record.MaxDepth + 8,
}

// Document takes the events of an EPCISDocument, an EPCISQueryDocument or a bare event.
func (l *Intake) Document(src io.Reader) error {
	r := canonical.NewReader(withoutMark(src), documentLimits, eventLists...)
	var held []canonical.Item
	room := MaxHeld
	var used [2]bool
	outline, err := r.Read(func(it canonical.Item) error {
		used[it.List] = true
		if l.context == nil {
			if context, ok := r.Top("@context"); ok {
				l.context = &context
			}
		}
		if l.context != nil {
			return l.put(it)
		}
		if room -= len(it.Text) + heldItem; room < 0 {
			return tooLarge(
				"the @context comes after more than %d bytes of events; put it before epcisBody, or send the document in pieces",
				MaxHeld,
			)
		}
		held = append(held, it)
		return nil
	})
	if err != nil {
		return err
	}
	outline = l.around(outline, "")
	events, found := epcis.Document(outline)
	if len(events) == 1 { // bare, for the lists of an outline are empty
		return l.bare(events[0], found, used)
	}
	problems := append(record.EventProblems(found, ""), redefined(outline.Get("@context"), "")...)
	if len(problems) > 0 {
		return &Refusal{Problems: problems}
	}
	if isQuery := outline.Get("type").Text == "EPCISQueryDocument"; used[0] && isQuery || used[1] && !isQuery {
		return &Refusal{
			Problems: []record.Problem{
				{
					Code:    "unknown_field",
					Pointer: "/epcisBody",
					Detail:  "epcisBody has a list of events that doesn't belong to a document of this type",
				},
			},
		}
	}
	if l.context == nil {
		context := outline.Get("@context")
		l.context = &context
	}
	for i, it := range held {
		held[i] = canonical.Item{} // its text is free once it is a record
		if err := l.put(it); err != nil {
			return err
		}
	}
	return nil
}

// bare takes an event that stands alone.
func (l *Intake) bare(e epcis.DocumentEvent, found []epcis.Problem, used [2]bool) error {
	faults := append(record.EventProblems(found, ""), redefined(e.Context, "")...)
	d, _ := makeDraft(new(record.Writer), 0, eventOf(e), faults)
	if used[0] || used[1] { // its lists were handed out already
		d.Problems = append(
			d.Problems,
			record.Problem{
				Code:    "unknown_field",
				Pointer: "/epcisBody",
				Detail:  "an event has no epcisBody; the type of a document is EPCISDocument",
			},
		)
		return &Refusal{Problems: d.Problems}
	}
	return l.give(d)
}

// Lines takes the events of newline-delimited JSON: an event in each line, and in the first, if the sender likes, an
// EPCISDocument without epcisBody, whose @context holds for all. Pointers count the lines from 0.
func (l *Intake) Lines(src io.Reader) error {
	r := canonical.NewLines(withoutMark(src), documentLimits)
	for first := true; ; first = false {
		it, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if first {
			header, err := it.Parse()
			if err != nil {
				return err
			}
			if header.Kind == canonical.Object && header.Get("type").Text == "EPCISDocument" {
				if err := l.header(header, it.Pointer()); err != nil {
					return err
				}
				continue
			}
		}
		if err := l.put(it); err != nil {
			return err
		}
	}
}

// header takes the first line of newline-delimited JSON if it is no event.
func (l *Intake) header(header canonical.Value, pointer string) error {
	if header.Has("epcisBody") {
		return &Refusal{Problems: []record.Problem{{Code: "unknown_field", Pointer: pointer + "/epcisBody",
			Detail: "the first line is the header of the events in the lines after it, and has no epcisBody; a whole document is sent as application/json"}}}
	}
	body := canonical.Obj(canonical.Member{Name: "eventList", Value: canonical.Arr()})
	_, found := epcis.Document(l.around(header, pointer).With("epcisBody", body))
	context := header.Get("@context")
	if problems := append(record.EventProblems(found, pointer), redefined(context, pointer)...); len(problems) > 0 {
		return &Refusal{Problems: problems}
	}
	l.context = &context
	return nil
}

// event is one of a document, and what its names mean.
type event struct {
	value, context canonical.Value
	place          interface{ Pointer() string } // in the document
}

// pointer is a place that is known as text.
type pointer string

func (p pointer) Pointer() string { return string(p) }

func eventOf(e epcis.DocumentEvent) event { return event{e.Event, e.Context, pointer(e.Pointer)} }

// makeDraft makes the record of an event, unless it has faults. The body is the writer's.
func makeDraft(w *record.Writer, i int, e event, faults []record.Problem) (draft, *record.Record) {
	id, named := e.value.Lookup("eventID")
	d := draft{index: i, Item: capture.Item{EventID: id.Text}, place: e.place, named: named}
	if !e.value.Has("errorDeclaration") {
		d.sentID = d.EventID
	}
	if len(d.EventID) > maxText {
		d.EventID = ""
	}
	at := e.place.Pointer()
	faults = append(append(faults, containment(&e.value, at)...), beyond(&e.value, at)...)
	r, problems := w.Event(e.value, e.context)
	for _, p := range problems {
		p.Pointer = at + p.Pointer
		if !slices.ContainsFunc(faults, func(f record.Problem) bool { return f.Code == p.Code && f.Pointer == p.Pointer }) {
			faults = append(faults, p)
		}
	}
	for i := range faults {
		faults[i].Index = d.index
	}
	if d.Problems = faults; len(faults) > 0 {
		return d, nil
	}
	d.describe(r)
	d.warnOfOddities(r, &e.value)
	return d, r
}

// maxText bounds what is kept of an eventID that is too long to be one.
const maxText = 2048

// errStopped stops the reading of a document that is refused already.
var errStopped = errors.New("the document is refused already")
