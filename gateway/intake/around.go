package intake

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// The codes of warnings, beside those of package epcis.
const (
	CodeNotKept     = "not_kept"     // a part of the document that isn't on the ledger
	CodeFuture      = "future_time"  // an event that hasn't happened yet
	CodeHashDiffers = "hash_differs" // an eventID that is the hash of another event
)

// CodeMalformed is the fault of a text that isn't JSON, or not such JSON as a record can keep.
const CodeMalformed = "malformed_json"

// byteOrderMark may come before a text in UTF-8. It means nothing (RFC 8259, section 8.1).
var byteOrderMark = []byte{0xEF, 0xBB, 0xBF}

// withoutMark passes over a byte order mark at the beginning of a text.
func withoutMark(src io.Reader) io.Reader {
	b := bufio.NewReaderSize(src, 16)
	if start, err := b.Peek(len(byteOrderMark)); err == nil && bytes.Equal(start, byteOrderMark) {
		_, _ = b.Discard(len(byteOrderMark)) // it is there
	}
	return b
}

// notKept are members that may hold something that the sender wants kept.
var notKept = []string{"instanceIdentifier", "receiver", "sender"}

// around looks at what stands around the events of a document. Only the events are recorded, so it warns of each part
// that the ledger doesn't keep. It returns the document without the parts that are odd but do no harm: members that the
// standard doesn't define, and an id that is a blank node of RDF and so means nothing outside the document.
func (l *Intake) around(doc canonical.Value, at string) canonical.Value {
	if kind := doc.Get("type").Text; kind != "EPCISDocument" && kind != "EPCISQueryDocument" {
		return doc
	}
	for _, m := range doc.Members {
		pointer := at + canonical.Pointer(m.Name)
		switch extension := strings.Contains(m.Name, ":"); {
		case m.Name == "id" && strings.HasPrefix(m.Value.Text, "_:"):
			l.warn(pointer, "the id of the document is a blank node (%s), which names nothing outside of the document",
				record.Brief(m.Value.Text))
			doc = doc.Without(m.Name)
		case m.Name == "epcisHeader":
			l.aroundHeader(m.Value, pointer)
		case m.Name == "epcisBody":
			l.inBody(m.Value, pointer)
		case slices.Contains(notKept, m.Name) || extension:
			l.warn(pointer, "the ledger keeps the events of a document, and not %q", record.Brief(m.Name))
		case !epcis.IsDocumentMember(m.Name):
			l.warn(pointer, "EPCIS has no member %q of a document; the ledger doesn't keep it", record.Brief(m.Name))
			doc = doc.Without(m.Name)
		}
	}
	return doc
}

func (l *Intake) aroundHeader(header canonical.Value, at string) {
	for _, m := range header.Members {
		what := fmt.Sprintf("%q", record.Brief(m.Name))
		if m.Name == "epcisMasterData" {
			what = "the master data in its header"
		}
		l.warn(at+canonical.Pointer(m.Name), "the ledger keeps the events of a document, and not %s", what)
	}
}

// bodies are the members of an epcisBody in which the list of events lies.
var bodies = []string{"queryResults", "resultsBody"}

// inBody looks at what stands beside the list of events.
func (l *Intake) inBody(body canonical.Value, at string) {
	for _, m := range body.Members {
		pointer := at + canonical.Pointer(m.Name)
		switch {
		case slices.Contains(bodies, m.Name):
			l.inBody(m.Value, pointer)
		case m.Name == "vocabularyList":
			l.warn(pointer, "the ledger keeps the events of a document, and not its master data")
		case strings.Contains(m.Name, ":"):
			l.warn(pointer, "the ledger keeps the events of a document, and not %q", record.Brief(m.Name))
		}
	}
}

// mostAround bounds the warnings about what stands around the events.
const mostAround = 100

func (l *Intake) warn(pointer, format string, args ...any) {
	if len(l.warnings) < mostAround {
		l.warnings = append(l.warnings, record.Problem{
			Code: CodeNotKept, Pointer: pointer, Detail: fmt.Sprintf(format, args...),
		})
	}
}

// redefined are the problems of an @context that gives terms of EPCIS another meaning.
func redefined(context canonical.Value, at string) []record.Problem {
	var problems []record.Problem
	for _, name := range epcis.Redefined(context) {
		if len(problems) == mostAround {
			break
		}
		problems = append(problems, record.Problem{
			Code: epcis.CodeNotAllowed, Pointer: at + "/@context",
			Detail: fmt.Sprintf("the @context gives %q another meaning, but terms of EPCIS are protected; take the "+
				"definition out", name),
		})
	}
	return problems
}

// mostOdd bounds the warnings about one event.
const mostOdd = 20

// aheadOfUs is how far the clock of a sender may be ahead of ours. A time zone that was mixed up is more.
const aheadOfUs = time.Hour

// warnOfOddities warns of what is odd about an event by itself: identifiers that name another thing than was probably
// meant, units that nobody knows, a time that hasn't come, and the hash of another event as an eventID.
func (d *draft) warnOfOddities(r *record.Record, event *canonical.Value) {
	at, err := time.Parse(time.RFC3339Nano, event.Get("eventTime").Text)
	if err == nil && time.Until(at) > aheadOfUs {
		d.warn(record.Problem{Code: CodeFuture, Pointer: d.place.Pointer() + "/eventTime",
			Detail: fmt.Sprintf("the event lies in the future: by this gateway's clock it is %s",
				time.Now().UTC().Format(time.RFC3339))})
	}
	if id := d.sentID; id != r.Event.Hash && strings.HasPrefix(id, epcis.HashScheme) && strings.HasSuffix(id, epcis.HashVersion) {
		d.warn(record.Problem{Code: CodeHashDiffers, Pointer: d.place.Pointer() + "/eventID",
			Detail: "the eventID is the hash id of another event: that of this one is " + r.Event.Hash})
	}
	for _, p := range epcis.Warnings(event, mostOdd) {
		d.warn(record.Problem{Code: p.Code, Pointer: d.place.Pointer() + p.Pointer, Detail: p.Detail})
	}
}

// beyond are the faults of an event that names more lots than the index reads.
func beyond(event *canonical.Value, at string) []record.Problem {
	return record.EventProblems(epcis.BeyondLots(event), at)
}

// containment are the faults of an event that packs or unpacks. EPCIS lets an observation go without a parent, and
// nothing else (EPCIS 2.0, 7.4.3 and 7.4.6). GS1's JSON schema doesn't check it.
func containment(event *canonical.Value, at string) []record.Problem {
	kind, action := event.Get("type").Text, event.Get("action").Text
	if kind != "AggregationEvent" && kind != "AssociationEvent" {
		return nil
	}
	var problems []record.Problem
	if action != "OBSERVE" && event.Get("parentID").Text == "" {
		problems = append(problems, record.Problem{Code: epcis.CodeMissingField, Pointer: at + "/parentID",
			Detail: fmt.Sprintf("an %s with the action %s needs a parentID: in what the things are packed, or from "+
				"what they are taken (EPCIS 2.0, 7.4.3)", kind, record.Brief(action))})
	}
	for i, part := range event.Get("childQuantityList").Items {
		quantity := part.Get("quantity")
		if quantity.Kind != canonical.Number {
			continue
		}
		if n, err := strconv.ParseFloat(quantity.Text, 64); err == nil && n <= 0 {
			problems = append(problems, record.Problem{Code: epcis.CodeNotAllowed,
				Pointer: at + canonical.Pointer("childQuantityList", i, "quantity"),
				Detail:  fmt.Sprintf("nothing is packed in the quantity %s; it must be greater than 0", quantity.Text)})
		}
	}
	return problems
}
