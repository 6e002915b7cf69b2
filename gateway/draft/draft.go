// Package draft reads a document that somebody is about to send, checks it as the gateway and the chaincode will, and
// says what is wrong with it by line and column. It sends nothing.
//
// A draft is an EPCIS 2.0 document in JSON, or a table in CSV whose rows become object events; see Columns.
package draft

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/sensor"
)

// Limits of a draft. Larger documents are for programs, which send them piece by piece.
const (
	MaxBytes    = 8_000_000
	MaxEvents   = 20_000
	maxProblems = 1_000 // kept; all are counted
	maxValues   = 3_000_000
	maxCells    = 40 * MaxEvents // of a table
)

// Kinds of draft.
const (
	Document = "EPCIS document"
	Table    = "CSV table"
)

// Draft is a document with what was found about it.
type Draft struct {
	Name     string // of the file; may be empty
	Kind     string
	JSON     []byte // what to send: the document itself, or the one that was made of the table. Nil if it can't be sent
	Events   []Event
	Problems []Problem // by line, the first ones
	Count    int       // of all problems
	Faulty   int       // events that have problems of their own
}

// Sendable says whether anything of it can be sent: it is a document, and has events that have no problems.
func (d *Draft) Sendable() bool { return d.JSON != nil && d.Faulty < len(d.Events) }

// Event is one event of it, in short.
type Event struct {
	Line                     int              // where it begins, from 1
	Type, Time, Step, Action string           // as written; the step without its vocabulary
	Things                   []string         // the first few, canonical
	More                     int              // other things
	Place                    string           // canonical
	Readings                 []sensor.Reading // the first few
	Hash                     string           // CBV event hash id; empty if it has problems
	Wrong                    int              // problems
}

// mostNamed is how many things and readings of an event are told.
const mostNamed = 3

// brief tells an event in short, whether it is a good one or not.
func brief(line int, event, context canonical.Value) Event {
	e := Event{
		Line:   line,
		Type:   record.Brief(event.Get("type").Text),
		Time:   record.Brief(event.Get("eventTime").Text),
		Action: record.Brief(event.Get("action").Text),
	}
	x := epcis.Extract(event, context)
	step := event.Get("bizStep").Text
	e.Step, e.Place = record.Brief(step[strings.LastIndexAny(step, "-:/")+1:]), record.Brief(x.ReadPoint)
	if e.Place == "" {
		e.Place = record.Brief(x.BizLocation)
	}
	for _, m := range x.Mentions {
		if len(e.Things) == mostNamed {
			e.More++
			continue
		}
		e.Things = append(e.Things, record.Brief(m.URI))
	}
	readings := sensor.Event(event)
	e.Readings = readings[:min(len(readings), mostNamed)]
	return e
}

// Problem is one thing that is wrong.
type Problem struct {
	Line, Column int    // from 1; the column in characters; of a table, that of the cell. 0 if it is about the whole
	Field        string // of a table: the name of the column; may be empty
	Pointer      string // of a document: RFC 6901; may be empty
	Code, Detail string
	Event        int // number of the event that it is about, from 0; -1 if it is about none
}

// Read reads a draft. The name of its file, which may be empty, decides what it is if the text doesn't.
func Read(name string, text []byte) *Draft {
	d := &Draft{Name: name}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	beginning := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case len(text) > MaxBytes:
		d.fault(
			Problem{
				Code:   "too_large",
				Detail: "the file is larger than this page takes; send it to POST /epcis/v2/capture, or with pedigree capture, which take 1 GiB",
			},
		)
	case len(beginning) == 0:
		d.fault(Problem{Code: "empty", Detail: "there is nothing in it"})
	case beginning[0] == '<':
		d.fault(
			Problem{
				Line:   1,
				Column: 1,
				Code:   "is_xml",
				Detail: "this is XML; EPCIS 2.0 in JSON or JSON-LD is taken, which converters make of it",
			},
		)
	case bytes.HasPrefix(text, []byte("PK\x03\x04")),
		bytes.HasPrefix(text, []byte("\x1f\x8b")),
		bytes.IndexByte(text, 0) >= 0:
		d.fault(
			Problem{
				Code:   "not_text",
				Detail: "this is no text file; spreadsheets are saved as “CSV UTF-8”, and archives unpacked first",
			},
		)
	case beginning[0] == '{' || beginning[0] == '[' || strings.HasSuffix(strings.ToLower(name), ".json") || strings.HasSuffix(strings.ToLower(name), ".jsonld"):
		d.Kind = Document
		d.document(text)
	case !utf8.Valid(text):
		line := 1 + bytes.Count(text[:firstInvalid(text)], []byte("\n"))
		d.fault(Problem{Line: line, Code: "not_utf8", Detail: "this line is not UTF-8; save the table as “CSV UTF-8”"})
	default:
		d.Kind = Table
		d.table(text)
	}
	slices.SortStableFunc(d.Problems, func(a, b Problem) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return d
}

func firstInvalid(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(text)
}

// fault notes a problem that keeps the draft from being sent.
func (d *Draft) fault(p Problem) {
	p.Event = -1
	d.JSON = nil
	d.note(p)
}

func (d *Draft) note(p Problem) {
	if d.Count++; len(d.Problems) < maxProblems {
		d.Problems = append(d.Problems, p)
	}
}

// document reads EPCIS in JSON.
func (d *Draft) document(text []byte) {
	v, err := canonical.Parse(text, canonical.Limits{Bytes: MaxBytes, Depth: record.MaxDepth + 8, Values: maxValues})
	if err != nil {
		p := Problem{Code: "malformed_json", Detail: err.Error()}
		var wrong *canonical.SyntaxError
		if errors.As(err, &wrong) {
			p.Line, p.Column, p.Pointer, p.Detail = wrong.Line, wrong.Column, wrong.Pointer, wrong.Message
		}
		d.fault(p)
		return
	}
	events, found := epcis.Document(v)
	if len(events) > MaxEvents {
		d.fault(
			Problem{
				Code:   "too_many",
				Detail: "the document has more events than this page takes; send it to POST /epcis/v2/capture, or with pedigree capture",
			},
		)
		return
	}
	d.JSON = text
	pointers := make([]string, 0, len(events)+len(found))
	number := map[string]int{} // of events by pointer
	for i, e := range events {
		number[e.Pointer] = i
		pointers = append(pointers, e.Pointer)
	}
	var problems []Problem
	for _, p := range found {
		problem := Problem{Pointer: p.Pointer, Code: p.Code, Detail: p.Detail, Event: eventOf(p.Pointer, number)}
		problems = append(problems, problem)
	}
	for i, e := range events {
		one := brief(0, e.Event, e.Context)
		r, wrong := record.NewEvent(e.Event, e.Context)
		if r != nil {
			one.Hash = r.Event.Hash
		}
		for _, p := range wrong {
			problems = append(problems, Problem{Pointer: e.Pointer + p.Pointer, Code: p.Code, Detail: p.Detail, Event: i})
		}
		d.Events = append(d.Events, one)
	}
	if len(events) == 0 && len(problems) == 0 {
		const list = "/epcisBody/eventList"
		at := locate(text, []string{list})[list]
		d.fault(
			Problem{Line: at.line, Column: at.column, Code: "empty_list", Pointer: list, Detail: "the document has no events"},
		)
		return
	}
	for _, p := range problems {
		pointers = append(pointers, p.Pointer)
	}
	at := locate(text, pointers)
	for i, e := range events {
		d.Events[i].Line = at[e.Pointer].line
	}
	for _, p := range problems {
		p.Line, p.Column = at[p.Pointer].line, at[p.Pointer].column
		if p.Event < 0 {
			d.fault(p)
			continue
		}
		d.wrong(p)
	}
}

// wrong notes a problem of one event.
func (d *Draft) wrong(p Problem) {
	e := &d.Events[p.Event]
	if e.Wrong++; e.Wrong == 1 {
		d.Faulty++
	}
	e.Hash = ""
	d.note(p)
}

// eventOf finds the event that a pointer leads into; -1 if it leads elsewhere.
func eventOf(pointer string, number map[string]int) int {
	for p := pointer; ; p = p[:strings.LastIndexByte(p, '/')] {
		if i, ok := number[p]; ok && p != "" {
			return i
		}
		if p == "" {
			break
		}
	}
	if i, ok := number[""]; ok { // the document is an event
		return i
	}
	return -1
}
