package epcis

import (
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// DocumentEvent is one event of a document.
type DocumentEvent struct {
	Event   canonical.Value // as sent
	Context canonical.Value // @context of the document and of the event, merged
	Pointer string          // JSON pointer (RFC 6901) to it in the document; "" if the document is the event
}

// Document splits an EPCISDocument, an EPCISQueryDocument or a single event with
// its own @context into events. It checks everything around the events, though
// master data only lightly. It also checks that no two events have the same
// eventID. Error declarations don't count, because each has the eventID of the
// event that it withdraws. Document doesn't check the events; use Decode.
//
// The events are in the order of the document, and Document returns them even if
// there are problems. A problem whose Pointer begins with the Pointer of an
// event concerns only that event. All others concern the whole document.
func Document(doc canonical.Value) ([]DocumentEvent, []Problem) {
	c := checkers.Get().(*checker)
	defer c.release()
	events := c.document(&doc)
	return events, append([]Problem(nil), c.problems...)
}

func (c *checker) document(doc *canonical.Value) []DocumentEvent {
	if doc.Kind != canonical.Object {
		c.add(CodeWrongType, "a document must be an object, not %s", kindNoun(doc.Kind))
		return nil
	}
	context := find(doc, "@context")
	c.ns = namespaces{document: context}
	kind := text(doc, "type")
	if typeOf(kind) != nil {
		if context == nil {
			c.member("@context")
			c.add(CodeMissingField, "an event that stands alone must have an @context, like %q", StandardContext)
			c.up()
		}
		return []DocumentEvent{{Event: *doc, Context: doc.Get("@context")}}
	}
	switch kind {
	case "EPCISDocument":
		c.object(doc, &documentShape)
		return c.events(doc, context, "epcisBody", "eventList")
	case "EPCISQueryDocument":
		c.object(doc, &queryDocumentShape)
		return c.events(doc, context, "epcisBody", "queryResults", "resultsBody", "eventList")
	}
	choices := append([]string{"EPCISDocument", "EPCISQueryDocument"}, typeNames()...)
	c.member("type")
	if find(doc, "type") == nil {
		c.add(CodeMissingField, "a document must have the field type, one of %s", strings.Join(choices, ", "))
	} else {
		c.add(CodeUnknownType, "type must be one of %s; not %s%s", strings.Join(choices, ", "), quote(kind), didYouMean(kind, choices))
	}
	c.up()
	return nil
}

// events lists the events of the array at the end of a path.
func (c *checker) events(doc, context *canonical.Value, path ...string) []DocumentEvent {
	list := doc
	for _, name := range path {
		if list = find(list, name); list == nil {
			return nil
		}
		c.member(name)
	}
	events := make([]DocumentEvent, len(list.Items))
	seen := make(map[string]int, len(list.Items))
	for i := range list.Items {
		c.item(i)
		event := &list.Items[i]
		events[i] = DocumentEvent{
			Event:   *event,
			Context: MergeContexts(context, find(event, "@context")),
			Pointer: c.pointer(),
		}
		if id := text(event, "eventID"); id != "" && !has(event, "errorDeclaration") {
			if first, twice := seen[id]; twice {
				c.member("eventID")
				c.add(
					CodeDuplicateEventID,
					"event %d of this document has the same eventID %s, and neither is an error declaration",
					first,
					quote(id),
				)
				c.up()
			} else {
				seen[id] = i
			}
		}
		c.up()
	}
	return events
}

// MergeContexts joins the @context of a document and of an event. The event's
// comes last, so its declarations take precedence. Either may be nil.
func MergeContexts(document, event *canonical.Value) canonical.Value {
	switch {
	case document == nil && event == nil:
		return canonical.Value{}
	case event == nil:
		return *document
	case document == nil:
		return *event
	}
	return canonical.Arr(slices.Concat(contextParts(document), contextParts(event))...)
}

func contextParts(v *canonical.Value) []canonical.Value {
	if v.Kind == canonical.Array {
		return v.Items
	}
	return []canonical.Value{*v}
}

var documentShape = shape{noun: "an EPCISDocument", others: extensions, fields: []field{
	{"@context", sentContext, true},
	{"creationDate", dateTime, true},
	{"epcisBody", shaped(&shape{noun: "an epcisBody", others: extensions, fields: []field{
		{"eventList", anyList, true},
	}}), true},
	{"epcisHeader", shaped(&headerShape), false},
	{"id", uri, false},
	{"instanceIdentifier", anyText, false},
	{"receiver", anyText, false},
	{"schemaVersion", version, true},
	{"sender", anyText, false},
	{"type", anyText, true},
}}

// IsDocumentMember reports whether EPCIS defines a member of that name of a document.
func IsDocumentMember(name string) bool { return slices.Contains(documentShape.names(), name) }

var queryDocumentShape = shape{noun: "an EPCISQueryDocument", others: extensions, fields: []field{
	{"@context", sentContext, true},
	{"creationDate", dateTime, false},
	{"epcisBody", shaped(&shape{noun: "an epcisBody", others: extensions, fields: []field{
		{"queryResults", shaped(&shape{noun: "queryResults", others: extensions, fields: []field{
			{"queryName", anyText, true},
			{"resultsBody", shaped(&shape{noun: "a resultsBody", others: extensions, fields: []field{
				{"eventList", anyList, true},
				{"vocabularyList", vocabularyList, false},
			}}), true},
			{"subscriptionID", anyText, false},
		}}), true},
	}}), true},
	{"id", uri, false},
	{"schemaVersion", version, false},
	{"type", anyText, true},
}}

var headerShape = shape{noun: "an epcisHeader", others: extensions, fields: []field{
	{"epcisMasterData", shaped(&shape{noun: "epcisMasterData", others: anyOthers, fields: []field{
		{"vocabularyList", vocabularyList, false},
	}}), false},
}}

// vocabularyList checks master data, as lightly as the schema does.
var vocabularyList = listOf(shaped(&shape{noun: "a vocabulary", others: anyOthers, fields: []field{
	{"type", uri, true},
	{"vocabularyElementList", listOf(shaped(&shape{noun: "a vocabulary element", others: anyOthers, fields: []field{
		{"attributes", listOf(shaped(&shape{noun: "an attribute", others: anyOthers, fields: []field{
			{"attribute", attributeValue, false},
			{"id", uri, true},
		}}), 0), false},
		{"children", listOf(uri, 0), false},
		{"id", uri, true},
	}}), 0), false},
}}), 0)

func attributeValue(c *checker, v *canonical.Value) {
	switch v.Kind {
	case canonical.Number, canonical.String, canonical.Object:
	default:
		c.wrongType(v, "a number, a string or an object")
	}
}

// anyList checks that a value is an array. It doesn't check the items.
func anyList(c *checker, v *canonical.Value) {
	if v.Kind != canonical.Array {
		c.wrongType(v, "an array")
	}
}
