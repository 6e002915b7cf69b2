package epcis

import (
	"errors"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Event contains those parts of an EPCIS event that Pedigree works with. GS1's
// words are full web URIs, and things and places have their canonical spelling.
// The extensions and the original spelling of everything are in the value that
// the Event was decoded from.
type Event struct {
	Type        string // ObjectEvent, AggregationEvent, TransactionEvent, TransformationEvent or AssociationEvent
	EventID     string // as sent; empty if absent
	Action      string // OBSERVE, ADD or DELETE; empty in a TransformationEvent
	BizStep     string // web URI, or the sender's own word as sent
	Disposition string // web URI, or the sender's own word as sent
	ReadPoint   string // canonical thing
	BizLocation string // canonical thing

	EventTime           time.Time // in UTC
	EventTimeZoneOffset string    // ±hh:mm
	RecordTime          string    // as sent

	TransformationID string    // as sent
	Mentions         []Mention // what the event is about
	OfLots           []OfLot   // which of the things mentioned are of which lots, as far as the event says so
	BizTransactions  []Typed
	Sources          []Typed
	Destinations     []Typed

	PersistentDispositionSet   []string // web URIs
	PersistentDispositionUnset []string

	ErrorDeclaration *ErrorDeclaration // nil unless the event withdraws an earlier one
	Hash             string            // CBV 2.0 event hash id: ni:///sha-256;…?ver=CBV2.0
}

// Mention is one thing that an event is about. Mentions are in the order of
// their fields: epcList, parentID, childEPCs, inputEPCList, outputEPCList,
// quantityList, childQuantityList, inputQuantityList, outputQuantityList. Those
// of one field are in the order of its list.
type Mention struct {
	Field    string // the event's field: epcList, parentID, …
	URI      string // canonical thing
	Original string // as sent
	Class    bool   // it is in a quantity list: a class or a lot, not an instance
	Quantity string // plain decimal; empty if absent
	UOM      string // UN/ECE Recommendation 20 code; empty if absent or if things are counted
}

// Typed is a business transaction, source or destination.
type Typed struct {
	Type string // web URI or own word; empty if absent
	ID   string // canonical thing
}

// ErrorDeclaration says that an earlier event with the same eventID was wrong.
type ErrorDeclaration struct {
	DeclarationTime    string   // as sent
	Reason             string   // web URI or own word; empty if absent
	CorrectiveEventIDs []string // as sent
}

// Decode checks and reads an event. It is as strict as GS1's JSON schema, and
// stricter where the package comment says so. The context is the JSON-LD
// @context of the event's document, which may be merged with that of the event.
// It is null for an event that stands alone and has its own @context.
//
// If anything is wrong, the Event is nil and there are one to twenty problems.
// Equal input gives equal output on every machine.
func Decode(event, context canonical.Value) (*Event, []Problem) {
	c := checkers.Get().(*checker)
	defer c.release()
	hash, problems := c.check(&event, &context)
	if len(problems) > 0 {
		return nil, problems
	}
	e := c.read(&event)
	e.Hash = hash
	return e, nil
}

// Check checks an event like Decode and returns its hash, but doesn't read it.
// It keeps neither pointer.
func Check(event, context *canonical.Value) (hash string, problems []Problem) {
	c := checkers.Get().(*checker)
	defer c.release()
	return c.check(event, context)
}

func (c *checker) check(event, context *canonical.Value) (string, []Problem) {
	c.start(event, context)
	c.event(event)
	if len(c.problems) > 0 {
		return "", append([]Problem(nil), c.problems...)
	}
	hash, err := hashID(event, c.ns, CBV20)
	switch {
	case errors.Is(err, errTooLong):
		return "", []Problem{{Code: CodeTooMany, Detail: err.Error()}}
	case err != nil:
		return "", []Problem{{Code: CodeWrongType, Detail: err.Error()}}
	}
	return hash, nil
}

// Extract reads an event that Decode has accepted before with the same context,
// such as one on the ledger. It returns the same Event as Decode, but without
// the Hash. It costs a fraction, because it checks nothing. If the value isn't a
// valid event, the result contains whatever could be read.
func Extract(event, context canonical.Value) *Event {
	c := checkers.Get().(*checker)
	defer c.release()
	c.ns = namespaces{document: &context, event: find(&event, "@context")}
	return c.read(&event)
}

// start prepares the checker for an event and checks the event's context.
func (c *checker) start(event, context *canonical.Value) {
	c.ns = namespaces{document: context, event: find(event, "@context")}
	if context.Kind != canonical.Null {
		c.member("@context")
		mergedContext(c, context)
		c.up()
	} else if c.ns.event == nil && event.Kind == canonical.Object {
		c.member("@context")
		c.add(CodeMissingField, "an event that stands alone must have an @context, like %q", StandardContext)
		c.up()
	}
}

// StandardContext is the address of the JSON-LD context of EPCIS 2.0.
const StandardContext = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"

// checkers holds checkers for reuse, so that checking an event allocates no memory.
var checkers = sync.Pool{New: func() any { return &checker{path: make([]step, 0, 16)} }}

func (c *checker) release() {
	c.ns, c.path, c.problems = namespaces{}, c.path[:0], c.problems[:0]
	checkers.Put(c)
}

// thingLists are the fields with single things. quantityLists are the fields
// with classes and amounts. Mentions are in this order.
var (
	thingLists    = [...]string{"epcList", "parentID", "childEPCs", "inputEPCList", "outputEPCList"}
	quantityLists = [...]string{"quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"}
)

// read reads a checked event.
func (c *checker) read(v *canonical.Value) *Event {
	e := &Event{Mentions: make([]Mention, 0, countMentions(v))}
	for i := range v.Members {
		value := &v.Members[i].Value
		switch v.Members[i].Name {
		case "type":
			e.Type = value.Text
		case "eventID":
			e.EventID = value.Text
		case "action":
			e.Action = value.Text
		case "bizStep":
			e.BizStep = bizSteps.uri(value.Text, c.ns)
		case "disposition":
			e.Disposition = dispositions.uri(value.Text, c.ns)
		case "readPoint":
			e.ReadPoint = Thing(text(value, "id"))
		case "bizLocation":
			e.BizLocation = Thing(text(value, "id"))
		case "eventTime":
			e.EventTime, _ = parseTime(value.Text)
		case "eventTimeZoneOffset":
			e.EventTimeZoneOffset = value.Text
		case "recordTime":
			e.RecordTime = value.Text
		case "transformationID":
			e.TransformationID = value.Text
		case "bizTransactionList":
			e.BizTransactions = c.typed(value, "bizTransaction", bizTransactionTypes)
		case "sourceList":
			e.Sources = c.typed(value, "source", sourceTypes)
		case "destinationList":
			e.Destinations = c.typed(value, "destination", sourceTypes)
		case "persistentDisposition":
			e.PersistentDispositionSet = c.dispositions(find(value, "set"))
			e.PersistentDispositionUnset = c.dispositions(find(value, "unset"))
		case "errorDeclaration":
			e.ErrorDeclaration = c.errorDeclaration(value)
		}
	}
	for _, name := range thingLists {
		if list := find(v, name); list != nil {
			if list.Kind == canonical.String {
				e.Mentions = append(e.Mentions, Mention{Field: name, URI: Thing(list.Text), Original: list.Text})
			}
			for i := range list.Items {
				sent := list.Items[i].Text
				e.Mentions = append(e.Mentions, Mention{Field: name, URI: Thing(sent), Original: sent})
			}
		}
	}
	for _, name := range quantityLists {
		if list := find(v, name); list != nil {
			for i := range list.Items {
				e.Mentions = append(e.Mentions, quantityMention(name, &list.Items[i]))
			}
		}
	}
	e.OfLots = ofLots(v, e.Mentions)
	return e
}

func countMentions(v *canonical.Value) int {
	n := 0
	for i := range v.Members {
		switch v.Members[i].Name {
		case "parentID":
			n++
		case "epcList", "childEPCs", "inputEPCList", "outputEPCList",
			"quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList":
			n += len(v.Members[i].Value.Items)
		}
	}
	return n
}

func quantityMention(field string, v *canonical.Value) Mention {
	sent := text(v, "epcClass")
	m := Mention{Field: field, URI: Thing(sent), Original: sent, Class: true, UOM: text(v, "uom")}
	if quantity := text(v, "quantity"); quantity != "" {
		m.Quantity = plainNumber(quantity)
	}
	return m
}

// plainNumber writes a JSON number without an exponent.
func plainNumber(literal string) string {
	var room [64]byte
	plain, ok := appendNumber(room[:0], literal)
	if !ok || string(plain) == literal {
		return literal
	}
	return string(plain)
}

// text returns the text of a member, or "" if there is none.
func text(v *canonical.Value, name string) string {
	if m := find(v, name); m != nil {
		return m.Text
	}
	return ""
}

func (c *checker) typed(list *canonical.Value, id string, types *vocabulary) []Typed {
	if len(list.Items) == 0 {
		return nil
	}
	typed := make([]Typed, len(list.Items))
	for i := range list.Items {
		typed[i].ID = Thing(text(&list.Items[i], id))
		if sent := text(&list.Items[i], "type"); sent != "" {
			typed[i].Type = types.uri(sent, c.ns)
		}
	}
	return typed
}

func (c *checker) dispositions(list *canonical.Value) []string {
	if list == nil {
		return nil
	}
	uris := make([]string, len(list.Items))
	for i := range list.Items {
		uris[i] = dispositions.uri(list.Items[i].Text, c.ns)
	}
	return uris
}

func (c *checker) errorDeclaration(v *canonical.Value) *ErrorDeclaration {
	d := &ErrorDeclaration{DeclarationTime: text(v, "declarationTime")}
	if reason := text(v, "reason"); reason != "" {
		d.Reason = errorReasons.uri(reason, c.ns)
	}
	if ids := find(v, "correctiveEventIDs"); ids != nil {
		for i := range ids.Items {
			d.CorrectiveEventIDs = append(d.CorrectiveEventIDs, ids.Items[i].Text)
		}
	}
	return d
}
