package draft

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// tableContext is the @context of the document that is made of a table.
var tableContext = canonical.Arr(canonical.Str(epcis.StandardContext))

// table reads CSV, with commas, semicolons or tabs between cells.
func (r Reader) table(ctx context.Context, d *Draft, text []byte) error {
	comma, skipped := separator(text)
	text, d.comma = text[skipped:], comma
	if bytes.Count(text, []byte(string(comma))) > maxCells { // each costs far more in memory than its one byte
		d.fault(Finding{Code: "too_many", Detail: fmt.Sprintf("the table has more than %d cells, most of them surely empty; "+
			"save it without the empty columns and rows", maxCells)})
		return nil
	}
	c := csv.NewReader(bytes.NewReader(text))
	c.Comma = comma
	c.FieldsPerRecord = -1
	c.TrimLeadingSpace = true
	names, err := c.Read()
	if err != nil {
		d.fault(csvProblem(err))
		return nil
	}
	columns := d.header(c, names)
	if columns == nil {
		return nil
	}
	rows := d.rows(c, columns)
	if len(rows) == 0 && d.Problems.Total == 0 {
		d.fault(Finding{Line: 2, Code: "empty", Detail: "there is no row below the names of the columns"})
	}
	return r.checkRows(ctx, d, rows)
}

// rows reads the rows below the names of the columns. Nothing of a table can be sent if it has a fault by itself.
func (d *Draft) rows(c *csv.Reader, columns []*Column) []*row {
	var rows []*row
	for {
		cells, err := c.Read()
		switch {
		case errors.Is(err, io.EOF):
			return rows
		case err != nil:
			d.fault(csvProblem(err))
			if d.Problems.Total >= maxProblems {
				return rows
			}
			continue // with the next line: there may be more to mend
		case !slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" }):
			continue
		case len(rows) == MaxEvents:
			d.fault(Finding{Code: "too_many",
				Detail: fmt.Sprintf("the table has more than %d rows; send it in pieces", MaxEvents)})
			return rows
		}
		rows = append(rows, d.row(c, columns, cells))
	}
}

// checkRows checks the events of the rows whose cells could be understood, and makes the document to send of the good
// ones. Rows with problems are left out of it: they are no events yet.
func (r Reader) checkRows(ctx context.Context, d *Draft, rows []*row) error {
	var understood []*row
	for _, w := range rows {
		if d.Events[w.event].Wrong == 0 {
			understood = append(understood, w)
		}
	}
	if len(understood) == 0 {
		return nil
	}
	checked, err := r.check(ctx, d, documentOf(valuesOf(understood)))
	if err != nil || checked == nil {
		return err
	}
	for i, item := range checked.Items {
		w := understood[i]
		e := &d.Events[w.event]
		e.Record, e.Known = item.ID, item.Existing != nil || item.Twin != ""
		in := fmt.Sprintf("/epcisBody/eventList/%d", i)
		for _, p := range item.Problems {
			d.wrong(w.finding(strings.TrimPrefix(p.Pointer, in), p.Code, p.Detail))
		}
		for _, p := range item.Warnings {
			d.odd(w.finding(strings.TrimPrefix(p.Pointer, in), p.Code, p.Detail))
		}
	}
	d.countKnown()
	good := slices.DeleteFunc(understood, func(w *row) bool { return d.Events[w.event].Wrong > 0 })
	if d.Problems.Total == wrongs(d.Events) && len(good) > 0 {
		d.JSON = documentOf(valuesOf(good))
	}
	return nil
}

// wrongs counts the problems of events.
func wrongs(events []Event) int {
	n := 0
	for _, e := range events {
		n += e.Wrong
	}
	return n
}

func valuesOf(rows []*row) []canonical.Value {
	values := make([]canonical.Value, len(rows))
	for i, w := range rows {
		values[i] = w.value
	}
	return values
}

// documentOf is a document of events, at least one.
func documentOf(good []canonical.Value) []byte {
	created := good[0].Get("eventTime") // a document that is made again is the same
	return canonical.Obj(
		canonical.Member{
			Name:  "@context",
			Value: tableContext,
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

// separator is what stands between the names of the columns most often. A first line such as "sep=;" says it to
// spreadsheets; so many bytes are to be passed over.
func separator(text []byte) (comma rune, skipped int) {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	if said, ok := bytes.CutPrefix(bytes.TrimSpace(first), []byte("sep=")); ok && len(said) == 1 && len(first) < len(text) {
		return rune(said[0]), len(first) // the end of the line stays, so that lines are counted
	}
	best := ','
	for _, c := range []rune{';', '\t'} {
		if bytes.Count(first, []byte(string(c))) > bytes.Count(first, []byte(string(best))) {
			best = c
		}
	}
	return best, 0
}

func csvProblem(err error) Finding {
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		return Finding{
			Line:   wrong.Line,
			Column: wrong.Column,
			Code:   "malformed_csv",
			Detail: "the table can't be read here: " + strings.TrimPrefix(wrong.Err.Error(), "csv: "),
		}
	}
	return Finding{Line: 1, Code: "malformed_csv", Detail: "the table can't be read: " + err.Error()}
}
