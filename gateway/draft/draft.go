// Package draft reads a document that somebody is about to send, checks it as a capture will, and says what is wrong or
// odd about it by line and column. It sends nothing.
//
// A draft is an EPCIS 2.0 document in JSON, or a table in CSV whose rows become object events; see Columns.
package draft

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/intake"
	"github.com/pedigree-ledger/pedigree/gateway/sensor"
)

// Limits of a draft. Larger documents are for programs, which send them piece by piece.
const (
	MaxBytes    = 8_000_000
	MaxEvents   = 20_000
	maxProblems = 1_000 // kept, and as many warnings; all are counted
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
	Problems Findings // they keep an event, or all, from being recorded
	Warnings Findings // they don't
	Faulty   int      // events that have problems of their own
	Known    int      // events that the organisation has recorded before

	comma rune // between the cells of a table
}

// Findings are problems or warnings.
type Findings struct {
	List  []Finding // by line, the first ones
	Total int
}

func (f *Findings) add(one Finding) {
	if f.Total++; len(f.List) < maxProblems {
		f.List = append(f.List, one)
	}
}

func (f *Findings) sort() {
	slices.SortStableFunc(f.List, func(a, b Finding) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
}

// Finding is one thing that is wrong or odd.
type Finding struct {
	Line, Column int    // from 1; the column in characters; of a table, that of the cell. 0 if it is about the whole
	Field        string // of a table: the name of the column; may be empty
	Pointer      string // of a document: RFC 6901; may be empty
	Code, Detail string
	Event        int // number of the event that it is about, from 0; -1 if it is about none
}

// Sendable says whether anything of it can be sent: it is a document, and has events that have no problems.
func (d *Draft) Sendable() bool { return d.JSON != nil && d.Faulty < len(d.Events) }

// Event is one event of it, in short.
type Event struct {
	Line                     int              // where it begins, from 1
	Type, Time, Step, Action string           // as written; the step without its vocabulary
	Things                   []Thing          // the first few
	More                     int              // other things
	Place                    string           // canonical
	Readings                 []sensor.Reading // the first few
	Record                   record.ID        // empty if it has problems
	Known                    bool             // the organisation has recorded it before, or it stands in the draft before
	Wrong, Odd               int              // problems and warnings
}

// Thing is what an event is about.
type Thing struct {
	URI            string // canonical
	Quantity, Unit string // empty if there is none
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
		e.Things = append(e.Things, Thing{record.Brief(m.URI), record.Brief(m.Quantity), record.Brief(m.UOM)})
	}
	readings := sensor.Event(event)
	e.Readings = readings[:min(len(readings), mostNamed)]
	return e
}

// Reader reads the drafts of one organisation. Both fields are required.
type Reader struct {
	Index intake.Index // tells which events are recorded
	MSPID string       // of the organisation
}

// Read reads a draft. The name of its file, which may be empty, decides what it is if the text doesn't. An error means
// that the draft couldn't be checked, not that something is wrong with it.
func (r Reader) Read(ctx context.Context, name string, text []byte) (*Draft, error) {
	d := &Draft{Name: name}
	if err := r.read(ctx, d, bytes.TrimPrefix(text, []byte("\ufeff"))); err != nil {
		return nil, err
	}
	d.Problems.sort()
	d.Warnings.sort()
	return d, nil
}

func (r Reader) read(ctx context.Context, d *Draft, text []byte) error {
	beginning := bytes.TrimLeft(text, " \t\r\n")
	name := strings.ToLower(d.Name)
	switch {
	case len(text) > MaxBytes:
		d.fault(Finding{Code: "too_large", Detail: "the file is larger than this page takes; send it to POST " +
			"/epcis/v2/capture, or with pedigree capture, which take 1 GiB"})
	case len(beginning) == 0:
		d.fault(Finding{Code: "empty", Detail: "there is nothing in it"})
	case beginning[0] == '<':
		d.fault(Finding{Line: 1, Column: 1, Code: "is_xml", Detail: "this is XML; EPCIS 2.0 in JSON or JSON-LD is taken, " +
			"which converters make of it"})
	case bytes.HasPrefix(text, []byte("PK\x03\x04")),
		bytes.HasPrefix(text, []byte("\x1f\x8b")),
		bytes.IndexByte(text, 0) >= 0:
		d.fault(Finding{Code: "not_text", Detail: "this is no text file; spreadsheets are saved as “CSV UTF-8”, and " +
			"archives unpacked first"})
	case beginning[0] == '{', beginning[0] == '[', strings.HasSuffix(name, ".json"), strings.HasSuffix(name, ".jsonld"):
		d.Kind = Document
		return r.document(ctx, d, text)
	case !utf8.Valid(text):
		d.Kind = Table
		d.notUTF8(text)
	default:
		d.Kind = Table
		return r.table(ctx, d, text)
	}
	return nil
}

// notUTF8 names the lines of a table that are in another encoding.
func (d *Draft) notUTF8(text []byte) {
	number := 0
	for line := range bytes.Lines(text) {
		if number++; !utf8.Valid(line) {
			d.fault(Finding{Line: number, Code: "not_utf8", Detail: "this line is not UTF-8; save the table as “CSV UTF-8”"})
		}
	}
}

// fault notes a problem that keeps the draft from being sent.
func (d *Draft) fault(f Finding) {
	f.Event = -1
	d.JSON = nil
	d.Problems.add(f)
}

// wrong notes a problem of one event.
func (d *Draft) wrong(f Finding) {
	e := &d.Events[f.Event]
	if e.Wrong++; e.Wrong == 1 {
		d.Faulty++
	}
	d.Problems.add(f)
}

// odd notes a warning about one event, or about the whole.
func (d *Draft) odd(f Finding) {
	if f.Event >= 0 {
		d.Events[f.Event].Odd++
	}
	d.Warnings.add(f)
}
