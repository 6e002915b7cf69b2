package draft

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Column is one column of a table.
type Column struct {
	Name, Help, Example string
	Required            bool
	field               string // of the event, for problems that the checks of events find
}

// Columns are those that a table may have, in any order. Each row is one object event: something was seen, somewhere,
// at a time; maybe measured. What is seen is an item by any identifier, or a lot or serial number of a GTIN.
var Columns = []Column{
	{
		"time",
		"when it happened: 2026-03-01T08:30:00+01:00, or 2026-03-01 08:30 with an offset",
		"2026-03-01T08:30:00+01:00",
		true,
		"eventTime",
	},
	{"offset", "of the local time from UTC, if the time doesn't say: +01:00", "", false, "eventTimeZoneOffset"},
	{"action", "ADD, OBSERVE or DELETE; OBSERVE if empty", "OBSERVE", false, "action"},
	{"step", "what was done, in CBV's words: commissioning, shipping, receiving …", "receiving", false, "bizStep"},
	{"disposition", "what state it is in since: in_progress, in_transit …", "in_progress", false, "disposition"},
	{"item", "what it happened to, as EPC URN or GS1 Digital Link", "", false, "epcList"},
	{"gtin", "or its GTIN, with a lot or a serial number", "09520001200014", false, "quantityList"},
	{"lot", "", "FILLET-1", false, "quantityList"},
	{"serial", "", "", false, "epcList"},
	{"quantity", "how much of the lot", "120.5", false, "quantityList"},
	{"unit", "of the quantity, as UN/ECE code: KGM, LTR; empty for pieces", "KGM", false, "quantityList"},
	{"place", "where: a GLN, an EPC URN or a Digital Link", "9520001000010", false, "readPoint"},
	{"device", "what measured, as a URI", "urn:epc:id:giai:9520002.LOGGER-8", false, "sensorElementList"},
	{"temperature", "what it measured", "2.1", false, "sensorElementList"},
	{"temperature unit", "CEL or FAH; CEL if empty", "CEL", false, "sensorElementList"},
}

// Template is a table to begin with: the names of the columns, and a row.
func Template() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	var names, row []string
	for _, c := range Columns {
		names, row = append(names, c.Name), append(row, c.Example)
	}
	_ = w.WriteAll([][]string{names, row}) // a buffer takes all
	return b.Bytes()
}

// columnOf finds a column by its name, as people spell it.
func columnOf(name string) *Column {
	name = strings.NewReplacer("_", " ", "-", " ").Replace(strings.ToLower(strings.TrimSpace(name)))
	for i := range Columns {
		if Columns[i].Name == name {
			return &Columns[i]
		}
	}
	return nil
}

// table reads CSV, with commas, semicolons or tabs between cells.
func (d *Draft) table(text []byte) {
	comma := separator(text)
	if bytes.Count(text, []byte(string(comma))) > maxCells { // each costs far more in memory than its one byte
		d.fault(
			Problem{
				Code: "too_many",
				Detail: fmt.Sprintf(
					"the table has more than %d cells, most of them surely empty; save it without the empty columns and rows",
					maxCells,
				),
			},
		)
		return
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = comma
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	names, err := r.Read()
	if err != nil {
		d.fault(csvProblem(err))
		return
	}
	columns := d.header(r, names)
	if columns == nil {
		return
	}
	context := canonical.Arr(canonical.Str(epcis.StandardContext))
	var events []canonical.Value
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			d.fault(csvProblem(err))
			return
		}
		if !slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			continue
		}
		if len(events) == MaxEvents {
			d.fault(
				Problem{Code: "too_many", Detail: fmt.Sprintf("the table has more than %d rows; send it in pieces", MaxEvents)},
			)
			return
		}
		events = append(events, d.row(r, columns, cells, context))
	}
	if len(events) == 0 {
		d.fault(Problem{Line: 2, Code: "empty", Detail: "there is no row below the names of the columns"})
		return
	}
	if d.Faulty == 0 || d.Faulty < len(events) {
		d.JSON = documentOf(d, events, context)
	}
}

// documentOf is the document of the rows that can be sent. Those with problems are left out: they are no events yet.
func documentOf(d *Draft, events []canonical.Value, context canonical.Value) []byte {
	var good []canonical.Value
	for i, e := range events {
		if d.Events[i].Wrong == 0 {
			good = append(good, e)
		}
	}
	created := good[0].Get("eventTime") // a document that is made again is the same
	return canonical.Obj(
		canonical.Member{
			Name:  "@context",
			Value: context,
		},
		canonical.Member{Name: "type", Value: canonical.Str("EPCISDocument")},
		canonical.Member{
			Name:  "schemaVersion",
			Value: canonical.Str("2.0"),
		},
		canonical.Member{Name: "creationDate", Value: created},
		canonical.Member{
			Name:  "epcisBody",
			Value: canonical.Obj(canonical.Member{Name: "eventList", Value: canonical.Arr(good...)}),
		},
	).Bytes()
}

// separator is what stands between the names of the columns most often.
func separator(text []byte) rune {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	best := ','
	for _, c := range []rune{';', '\t'} {
		if bytes.Count(first, []byte(string(c))) > bytes.Count(first, []byte(string(best))) {
			best = c
		}
	}
	return best
}

func csvProblem(err error) Problem {
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		return Problem{
			Line:   wrong.Line,
			Column: wrong.Column,
			Code:   "malformed_csv",
			Detail: "the table can't be read here: " + strings.TrimPrefix(wrong.Err.Error(), "csv: "),
		}
	}
	return Problem{Line: 1, Code: "malformed_csv", Detail: "the table can't be read: " + err.Error()}
}

// header understands the names of the columns; nil if that isn't possible.
func (d *Draft) header(r *csv.Reader, names []string) []*Column {
	columns := make([]*Column, len(names))
	seen := map[string]bool{}
	good := true
	for i, name := range names {
		line, at := r.FieldPos(i)
		c := columnOf(name)
		switch {
		case strings.TrimSpace(name) == "":
			continue // a column without a name has nothing to say; its cells must be empty
		case c == nil:
			good = false
			d.fault(
				Problem{
					Line:   line,
					Column: at,
					Field:  record.Brief(name),
					Code:   "unknown_column",
					Detail: "no column has this name; the template has all that there are",
				},
			)
			continue
		case seen[c.Name]:
			good = false
			d.fault(
				Problem{Line: line, Column: at, Field: c.Name, Code: "duplicate_column", Detail: "the column is there twice"},
			)
		}
		seen[c.Name] = true
		columns[i] = c
	}
	if !seen["time"] {
		good = false
		d.fault(
			Problem{
				Line:   1,
				Field:  "time",
				Code:   "missing_column",
				Detail: "the first line has the names of the columns, and one of them must be time",
			},
		)
	}
	if !seen["item"] && !seen["gtin"] {
		good = false
		d.fault(
			Problem{
				Line:   1,
				Field:  "item",
				Code:   "missing_column",
				Detail: "a table needs the column item, or gtin with lot or serial",
			},
		)
	}
	if !good {
		return nil
	}
	return columns
}

// row is one row being read.
type row struct {
	draft  *Draft
	reader *csv.Reader
	event  int
	line   int
	cells  map[string]string
	at     map[string]int // column of the cell
	bad    map[string]bool
}

// row makes an event of a row.
func (d *Draft) row(r *csv.Reader, columns []*Column, cells []string, context canonical.Value) canonical.Value {
	line, _ := r.FieldPos(0)
	w := &row{
		draft:  d,
		reader: r,
		event:  len(d.Events),
		line:   line,
		cells:  map[string]string{},
		at:     map[string]int{},
		bad:    map[string]bool{},
	}
	d.Events = append(d.Events, Event{Line: line})
	for i, cell := range cells {
		_, at := r.FieldPos(i)
		cell = strings.TrimSpace(cell)
		if i >= len(columns) || columns[i] == nil {
			if cell != "" {
				d.wrong(
					Problem{
						Line:   line,
						Column: at,
						Code:   "unknown_column",
						Detail: "this cell is in a column without a name",
						Event:  w.event,
					},
				)
			}
			continue
		}
		w.cells[columns[i].Name], w.at[columns[i].Name] = cell, at
	}
	v := w.build()
	wrong := d.Events[w.event].Wrong
	d.Events[w.event] = brief(line, v, context)
	d.Events[w.event].Wrong = wrong
	if len(w.bad) > 0 {
		return v
	}
	made, problems := record.NewEvent(v, context)
	for _, p := range problems {
		name := w.columnFor(p.Pointer)
		d.wrong(Problem{Line: line, Column: w.at[name], Field: name, Code: p.Code, Detail: p.Detail, Event: w.event})
	}
	if made != nil && d.Events[w.event].Wrong == 0 {
		d.Events[w.event].Hash = made.Event.Hash
	}
	return v
}

// fault notes what is wrong with a cell.
func (w *row) fault(column, code, format string, args ...any) {
	w.bad[column] = true
	w.draft.wrong(
		Problem{
			Line:   w.line,
			Column: w.at[column],
			Field:  column,
			Code:   code,
			Detail: fmt.Sprintf(format, args...),
			Event:  w.event,
		},
	)
}

// columnFor finds the column that a member of the event was made of.
func (w *row) columnFor(pointer string) string {
	field, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	if strings.Contains(pointer, "/uom") {
		return map[bool]string{true: "unit", false: "temperature unit"}[field == "quantityList"]
	}
	if strings.Contains(pointer, "/deviceID") {
		return "device"
	}
	for _, c := range Columns {
		if c.field == field && w.cells[c.Name] != "" {
			return c.Name
		}
	}
	return ""
}

// build makes the event, as far as the cells can be understood.
func (w *row) build() canonical.Value {
	var m []canonical.Member
	add := func(name string, v canonical.Value) { m = append(m, canonical.Member{Name: name, Value: v}) }
	add("type", canonical.Str("ObjectEvent"))
	when, offset := w.time()
	add("eventTime", canonical.Str(when))
	add("eventTimeZoneOffset", canonical.Str(offset))
	action := strings.ToUpper(w.cells["action"])
	if action == "" {
		action = "OBSERVE"
	}
	add("action", canonical.Str(action))
	for column, field := range map[string]string{"step": "bizStep", "disposition": "disposition"} {
		if word := w.cells[column]; word != "" {
			if !strings.Contains(word, ":") {
				word = strings.ReplaceAll(strings.ToLower(word), " ", "_")
			}
			add(field, canonical.Str(word))
		}
	}
	if thing, isLot := w.thing(); isLot {
		add("quantityList", canonical.Arr(w.quantity(thing)))
	} else if thing != "" {
		add("epcList", canonical.Arr(canonical.Str(thing)))
	}
	if place := w.place(); place != "" {
		add("readPoint", canonical.Obj(canonical.Member{Name: "id", Value: canonical.Str(place)}))
	}
	if sensor, ok := w.sensor(when); ok {
		add("sensorElementList", canonical.Arr(sensor))
	}
	return canonical.Obj(m...)
}

// Spellings of times, with and without an offset.
var (
	zonedTimes = []string{
		time.RFC3339Nano,
		"2006-01-02T15:04Z07:00",
		"2006-01-02 15:04:05Z07:00",
		"2006-01-02 15:04Z07:00",
		"2006-01-02 15:04:05 Z07:00",
		"2006-01-02 15:04 Z07:00",
	}
	localTimes = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"}
)

// time reads the cells time and offset, and writes them as EPCIS does.
func (w *row) time() (when, offset string) {
	text, offset := w.cells["time"], w.cells["offset"]
	zone := time.UTC
	if offset != "" {
		t, err := time.Parse("Z07:00", offset)
		if err != nil {
			w.fault("offset", "bad_offset", "%q is no offset from UTC; write it like +01:00", record.Brief(offset))
			return "", ""
		}
		_, seconds := t.Zone()
		zone = time.FixedZone("", seconds)
	}
	for _, layout := range zonedTimes {
		if t, err := time.Parse(layout, text); err == nil {
			if offset != "" {
				t = t.In(zone)
			}
			return t.Format("2006-01-02T15:04:05.999Z07:00"), t.Format("-07:00")
		}
	}
	for _, layout := range localTimes {
		t, err := time.ParseInLocation(layout, text, zone)
		if err != nil {
			continue
		}
		if offset == "" {
			w.fault(
				"time",
				"bad_time",
				"%q doesn't say in which zone; write the offset behind it, like +01:00, or in the column offset",
				text,
			)
			return "", ""
		}
		return t.Format("2006-01-02T15:04:05.999Z07:00"), t.Format("-07:00")
	}
	if text == "" {
		w.fault("time", "missing_field", "the time is missing")
	} else {
		w.fault("time", "bad_time", "%q is no time; write it like 2026-03-01T08:30:00+01:00", record.Brief(text))
	}
	return "", ""
}

// thing reads what the event is about.
func (w *row) thing() (uri string, lot bool) {
	item, gtin := w.cells["item"], w.cells["gtin"]
	switch {
	case item != "" && gtin != "":
		w.fault("gtin", "not_allowed", "a row has an item or a gtin, not both")
	case item != "":
		thing := epcis.Thing(item)
		return item, strings.Contains(thing, "/10/") ||
			len(epcis.Parts(thing)) == 1 && strings.HasPrefix(thing, "https://id.gs1.org/01/")
	case gtin == "":
		w.fault("item", "missing_field", "the row doesn't say what the event is about: item, or gtin with lot or serial")
	case w.cells["lot"] == "" && w.cells["serial"] == "":
		w.fault("lot", "missing_field", "a gtin needs a lot or a serial number beside it")
	case !slices.Contains([]int{8, 12, 13, 14}, len(gtin)) || strings.Trim(gtin, "0123456789") != "":
		w.fault(
			"gtin",
			"bad_uri",
			"%q is no GTIN, which has 8, 12, 13 or 14 digits; spreadsheets drop zeros at the beginning unless the column is text",
			record.Brief(gtin),
		)
	case w.checkDigit("gtin", gtin, gtin):
	default:
		link := "https://id.gs1.org/01/" + strings.Repeat("0", max(0, 14-len(gtin))) + gtin
		qualifier, value := "/10/", w.cells["lot"]
		if w.cells["serial"] != "" {
			qualifier, value = "/21/", w.cells["serial"]
		}
		thing := epcis.Thing(link + qualifier + escape(value))
		if epcis.Parts(thing) == nil || utf8.RuneCountInString(value) > 20 {
			w.fault(
				map[string]string{"/10/": "lot", "/21/": "serial"}[qualifier],
				"bad_uri",
				"%q can't be a lot or serial number: at most 20 letters, digits and signs",
				record.Brief(value),
			)
			return "", false
		}
		return thing, qualifier == "/10/"
	}
	return "", false
}

// escape percent-encodes a lot or serial number.
func escape(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' || c == '.' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func (w *row) quantity(class string) canonical.Value {
	m := []canonical.Member{{Name: "epcClass", Value: canonical.Str(class)}}
	if text := w.cells["quantity"]; text != "" {
		if v, ok := w.number("quantity", text); ok {
			m = append(m, canonical.Member{Name: "quantity", Value: v})
		}
		if unit := w.cells["unit"]; unit != "" {
			m = append(m, canonical.Member{Name: "uom", Value: canonical.Str(strings.ToUpper(unit))})
		}
	} else if w.cells["unit"] != "" {
		w.fault("unit", "not_allowed", "there is a unit without a quantity")
	}
	return canonical.Obj(m...)
}

// number reads a number with a point, or with a comma as spreadsheets of many countries write it.
func (w *row) number(column, text string) (canonical.Value, bool) {
	plain := strings.TrimPrefix(strings.Replace(text, "−", "-", 1), "+")
	if strings.Count(plain, ",") == 1 && !strings.Contains(plain, ".") {
		plain = strings.Replace(plain, ",", ".", 1)
	}
	if x, err := strconv.ParseFloat(plain, 64); err == nil && strings.Trim(plain, "-.0123456789eE") == "" {
		if v, err := canonical.From(x); err == nil {
			return v, true
		}
	}
	w.fault(column, "wrong_type", "%q is no number", record.Brief(text))
	return canonical.Value{}, false
}

// checkDigit finds a wrong check digit at the end of a column's digits, which it calls by the name of what.
func (w *row) checkDigit(column, what, digits string) (wrong bool) {
	should, wrong := epcis.Mistyped(digits)
	if wrong {
		w.fault(column, "bad_check_digit", "the last digit of %s ought to be %c: it may have been mistyped", what, should)
	}
	return wrong
}

// place reads where it was. A GLN alone becomes a Digital Link.
func (w *row) place() string {
	place := w.cells["place"]
	if len(place) == 13 && strings.Trim(place, "0123456789") == "" {
		w.checkDigit("place", "the GLN "+place, place)
		return "https://id.gs1.org/414/" + place
	}
	return place
}

func (w *row) sensor(when string) (canonical.Value, bool) {
	text := w.cells["temperature"]
	if text == "" {
		for _, name := range []string{"device", "temperature unit"} {
			if w.cells[name] != "" {
				w.fault("temperature", "missing_field", "there is a %s without a temperature", name)
				break
			}
		}
		return canonical.Value{}, false
	}
	value, _ := w.number("temperature", text)
	unit := strings.ToUpper(w.cells["temperature unit"])
	switch unit {
	case "", "C", "°C":
		unit = "CEL"
	case "F", "°F":
		unit = "FAH"
	}
	about := []canonical.Member{{Name: "time", Value: canonical.Str(when)}}
	if device := w.cells["device"]; device != "" {
		about = append(about, canonical.Member{Name: "deviceID", Value: canonical.Str(device)})
	}
	return canonical.Obj(
		canonical.Member{Name: "sensorMetadata", Value: canonical.Obj(about...)},
		canonical.Member{Name: "sensorReport", Value: canonical.Arr(canonical.Obj(
			canonical.Member{
				Name:  "type",
				Value: canonical.Str("Temperature"),
			},
			canonical.Member{Name: "value", Value: value},
			canonical.Member{Name: "uom", Value: canonical.Str(unit)},
		))},
	), true
}
