package draft

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/intake"
)

// check has an intake look at a document, so that a draft and the capture of it can't be told different things. It
// returns nil if the document is too broken to have events; the draft then has the reason.
func (r Reader) check(ctx context.Context, d *Draft, text []byte) (*intake.Checked, error) {
	read := func(in *intake.Intake) error { return in.Document(bytes.NewReader(text)) }
	checked, err := intake.Check(ctx, r.Index, r.MSPID, MaxEvents, read)
	var (
		refusal *intake.Refusal
		limit   *intake.LimitError
		broken  *canonical.SyntaxError
		size    *canonical.SizeError
	)
	switch {
	case err == nil:
	case errors.As(err, &broken):
		d.broken(broken)
		return nil, nil
	case errors.As(err, &limit):
		d.fault(Finding{Code: "too_many", Detail: limit.Detail})
		return nil, nil
	case errors.As(err, &size):
		d.fault(Finding{Pointer: size.Pointer, Code: "too_large", Detail: size.Message})
		return nil, nil
	case !errors.As(err, &refusal):
		return nil, err
	case refusal.Several: // the problems are those of the events
		d.fault(Finding{Code: "too_many", Detail: refusal.Detail})
	default:
		for _, p := range refusal.Problems {
			d.fault(Finding{Pointer: p.Pointer, Code: p.Code, Detail: p.Detail})
		}
	}
	return checked, nil
}

// document reads EPCIS in JSON.
func (r Reader) document(ctx context.Context, d *Draft, text []byte) error {
	d.JSON = text
	checked, err := r.check(ctx, d, text)
	if err != nil || checked == nil {
		return err
	}
	v, err := canonical.Parse(text, canonical.Limits{Bytes: MaxBytes, Depth: record.MaxDepth + 8, Values: maxValues})
	var broken *canonical.SyntaxError
	switch unkeepable := slices.ContainsFunc(checked.Items, isMalformed); {
	case err == nil:
	case unkeepable && errors.As(err, &broken):
		d.broken(broken)
		return nil
	default:
		d.fault(Finding{Code: "too_large", Detail: "the document has more values than this page takes; send it to POST " +
			"/epcis/v2/capture, or with pedigree capture"})
		return nil
	}
	events, _ := epcis.Document(v)
	events = events[:min(len(events), MaxEvents)]
	for _, e := range events {
		d.Events = append(d.Events, brief(0, e.Event, e.Context))
	}
	for i, item := range checked.Items[:min(len(checked.Items), len(events))] {
		d.Events[i].Record, d.Events[i].Known = item.ID, item.Existing != nil || item.Recorded || item.Twin != ""
		for _, p := range item.Problems {
			d.wrong(Finding{Pointer: p.Pointer, Code: p.Code, Detail: p.Detail, Event: i})
		}
		for _, p := range item.Warnings {
			d.odd(Finding{Pointer: p.Pointer, Code: p.Code, Detail: p.Detail, Event: i})
		}
	}
	for _, p := range checked.Warnings {
		d.odd(Finding{Pointer: p.Pointer, Code: p.Code, Detail: p.Detail, Event: -1})
	}
	d.countKnown()
	d.place(text, events)
	return nil
}

// broken notes that the text isn't JSON, or not such JSON as a record can keep.
func (d *Draft) broken(err *canonical.SyntaxError) {
	d.fault(Finding{Line: err.Line, Column: err.Column, Pointer: err.Pointer, Code: intake.CodeMalformed, Detail: err.Message})
}

// isMalformed tells whether capture would take the other events of a document without this one, which no record can
// keep. The page shows the document as a whole, so it shows nothing but the fault.
func isMalformed(item capture.Item) bool {
	return slices.ContainsFunc(item.Problems, func(p record.Problem) bool { return p.Code == intake.CodeMalformed })
}

func (d *Draft) countKnown() {
	for _, e := range d.Events {
		if e.Known {
			d.Known++
		}
	}
}

// place finds the lines and columns of what was found in a document, and of its events.
func (d *Draft) place(text []byte, events []epcis.DocumentEvent) {
	var pointers []string
	for _, e := range events {
		pointers = append(pointers, e.Pointer)
	}
	for _, list := range [][]Finding{d.Problems.List, d.Warnings.List} {
		for _, f := range list {
			pointers = append(pointers, f.Pointer)
		}
	}
	at := locate(text, pointers)
	for i, e := range events {
		d.Events[i].Line = at[e.Pointer].line
	}
	for _, list := range [][]Finding{d.Problems.List, d.Warnings.List} {
		for i := range list {
			f := &list[i]
			f.Line, f.Column = at[f.Pointer].line, at[f.Pointer].column
		}
	}
}
