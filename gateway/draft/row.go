package draft

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// row is one row of a table.
type row struct {
	draft *Draft
	event int
	line  int
	cells map[string]string // while it is read
	at    map[string]int    // columns of the cells, while it is read
	value canonical.Value   // the event
	made  []cell            // what it was made of
}

// cell is a cell that isn't empty.
type cell struct {
	of *Column
	at int
}

// row makes an event of a row.
func (d *Draft) row(c *csv.Reader, columns []*Column, cells []string) *row {
	line, _ := c.FieldPos(0)
	w := &row{draft: d, event: len(d.Events), line: line, cells: map[string]string{}, at: map[string]int{}}
	d.Events = append(d.Events, Event{Line: line})
	for i, text := range cells {
		_, at := c.FieldPos(i)
		text, formula := literal(strings.TrimSpace(text))
		if formula {
			d.wrong(Finding{Line: line, Column: at, Code: "formula", Detail: fmt.Sprintf(
				"%q is a formula, and not its value; save the table with values", record.Brief(text)), Event: w.event})
		}
		switch {
		case i >= len(columns) || columns[i] == nil:
			if text != "" {
				d.wrong(Finding{Line: line, Column: at, Code: "unknown_column", Detail: "this cell is in a column without a name",
					Event: w.event})
			}
		case columns[i] != &refused:
			w.cells[columns[i].Name], w.at[columns[i].Name] = text, at
			if text != "" {
				w.made = append(w.made, cell{columns[i], at})
			}
		}
	}
	w.value = w.build()
	wrong := d.Events[w.event].Wrong
	d.Events[w.event] = brief(line, w.value, tableContext)
	d.Events[w.event].Wrong = wrong
	w.cells, w.at = nil, nil
	return w
}

// fault notes what is wrong with a cell.
func (w *row) fault(column, code, format string, args ...any) {
	w.draft.wrong(Finding{Line: w.line, Column: w.at[column], Field: column, Code: code, Event: w.event,
		Detail: fmt.Sprintf(format, args...)})
}

// finding is what was found at a member of the event, told of the cell that it was made of.
func (w *row) finding(pointer, code, detail string) Finding {
	f := Finding{Line: w.line, Code: code, Detail: detail, Event: w.event}
	if of := w.cellFor(pointer); of != nil {
		f.Field, f.Column = of.of.Name, of.at
	}
	return f
}

// cellFor finds the cell that a member of the event was made of. It returns nil if no single one was.
func (w *row) cellFor(pointer string) *cell {
	field, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	var names []string
	switch about := field == "quantityList" || field == "epcList"; {
	case strings.Contains(pointer, "/deviceID"):
		names = []string{"device"}
	case about && strings.HasSuffix(pointer, "/uom"):
		names = []string{"unit"}
	case about && strings.HasSuffix(pointer, "/quantity"):
		names = []string{"quantity"}
	case about:
		names = []string{"item", "gtin"}
	case strings.HasSuffix(pointer, "/uom"):
		names = []string{"temperature unit"}
	}
	for i := range w.made {
		if c := &w.made[i]; slices.Contains(names, c.of.Name) || names == nil && c.of.field == field {
			return c
		}
	}
	return nil
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

// literal gives the text of a cell. Spreadsheets write ="007" where they are told that a number is a text. Any other
// formula has no value here.
func literal(text string) (_ string, formula bool) {
	rest, ok := strings.CutPrefix(text, "=")
	if !ok {
		return text, false
	}
	if n := len(rest); n >= 2 && rest[0] == '"' && rest[n-1] == '"' && !strings.Contains(rest[1:n-1], `"`) {
		return strings.TrimSpace(rest[1 : n-1]), false
	}
	return text, true
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
			"%q is no GTIN, which has 8, 12, 13 or 14 digits; spreadsheets drop zeros at the beginning unless the column "+
				"is text",
			record.Brief(gtin),
		)
	default:
		link := "https://id.gs1.org/01/" + strings.Repeat("0", max(0, 14-len(gtin))) + gtin
		for _, part := range []struct{ column, qualifier string }{{"lot", "/10/"}, {"serial", "/21/"}} {
			value := w.cells[part.column]
			if value == "" {
				continue
			}
			longer := link + part.qualifier + escape(value)
			if epcis.Parts(epcis.Thing(longer)) == nil || utf8.RuneCountInString(value) > 20 {
				w.fault(part.column, "bad_uri", "%q can't be a lot or serial number: at most 20 letters, digits and signs",
					record.Brief(value))
				return "", false
			}
			link = longer
		}
		if w.cells["serial"] != "" { // with the lot that it is of, if that is there
			return link, false
		}
		return epcis.Thing(link), true
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
		if unit := w.unit("unit", w.cells["unit"]); unit != "" {
			m = append(m, canonical.Member{Name: "uom", Value: canonical.Str(unit)})
		}
	} else if w.cells["unit"] != "" {
		w.fault("unit", "not_allowed", "there is a unit without a quantity")
	}
	return canonical.Obj(m...)
}

// number reads a number with a point, or with a comma as spreadsheets of many countries write it. What may be thousands
// is refused: 1,000 in a table whose cells are not separated by semicolons, and 1.000 in one whose cells are.
func (w *row) number(column, text string) (canonical.Value, bool) {
	plain := strings.TrimPrefix(strings.Replace(text, "−", "-", 1), "+")
	mark := ","
	if w.draft.comma == ';' {
		mark = "."
	}
	if whole, rest, ok := strings.Cut(strings.TrimPrefix(plain, "-"), mark); ok && thousands(whole, rest) {
		w.fault(column, "ambiguous_number", "%q may be %s or %s.%s; write it without the mark of thousands, or with other than "+
			"three digits behind the %s", record.Brief(text), whole+rest, whole, rest, mark)
		return canonical.Value{}, false
	}
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

// thousands tells whether the digits before and behind a mark can be those of thousands.
func thousands(whole, rest string) bool {
	return len(rest) == 3 && len(whole) >= 1 && len(whole) <= 3 && whole[0] != '0' && strings.Trim(whole+rest, "0123456789") == ""
}

// unit reads the code of a unit. It may be empty.
func (w *row) unit(column, text string) string {
	code := strings.ToUpper(text)
	if code != "" && !epcis.IsUnit(code) {
		w.fault(column, epcis.CodeBadUnit, "%q is no unit code of UN/ECE Recommendation 20, such as KGM or LTR%s",
			record.Brief(text), epcis.LikeUnit(text))
		return ""
	}
	return code
}

// place reads where it was. A GLN alone becomes a Digital Link.
func (w *row) place() string {
	place := w.cells["place"]
	if len(place) == 13 && strings.Trim(place, "0123456789") == "" {
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
	case "CEL", "FAH", "KEL":
	default:
		w.fault("temperature unit", epcis.CodeBadUnit, "%q is no unit of a temperature; CEL, FAH and KEL are",
			record.Brief(unit))
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
