package draft

import (
	"bytes"
	"encoding/csv"
	"strings"

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

// refused is a column that a table has and may not have. Its cells aren't read.
var refused Column

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

// header understands the names of the columns. It returns nil if the rows can't be understood with them.
func (d *Draft) header(r *csv.Reader, names []string) []*Column {
	columns := make([]*Column, len(names))
	seen := map[string]bool{}
	for i, name := range names {
		line, at := r.FieldPos(i)
		c := columnOf(name)
		switch {
		case strings.TrimSpace(name) == "":
			continue // a column without a name has nothing to say; its cells must be empty
		case c == nil:
			columns[i] = &refused
			d.fault(Finding{Line: line, Column: at, Field: record.Brief(name), Code: "unknown_column",
				Detail: "no column has this name; the template has all that there are"})
		case seen[c.Name]:
			columns[i] = &refused
			d.fault(Finding{Line: line, Column: at, Field: c.Name, Code: "duplicate_column",
				Detail: "the column is there twice"})
		default:
			columns[i] = c
			seen[c.Name] = true
		}
	}
	understood := true
	if !seen["time"] {
		understood = false
		d.fault(Finding{Line: 1, Field: "time", Code: "missing_column",
			Detail: "the first line has the names of the columns, and one of them must be time"})
	}
	if !seen["item"] && !seen["gtin"] {
		understood = false
		d.fault(Finding{Line: 1, Field: "item", Code: "missing_column",
			Detail: "a table needs the column item, or gtin with lot or serial"})
	}
	if !understood {
		return nil
	}
	return columns
}
