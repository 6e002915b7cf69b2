package text

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Line describes a record in two lines: what it is and its id.
func Line(v client.View) string {
	var r struct {
		Type, Name, PredicateType string
		Predicate                 struct{ Reason, Detail, Scope, Note string }
	}
	what := v.Noun
	if json.Unmarshal(v.Record, &r) == nil {
		switch v.Noun {
		case "artifact":
			what = v.Ref
		case "activity":
			what = r.Type
		case "member":
			what = "member " + r.Name
		case "statement":
			kind := strings.TrimSuffix(r.PredicateType, "/v1")
			what = kind[strings.LastIndexByte(kind, '/')+1:]
			for _, words := range []string{r.Predicate.Reason, r.Predicate.Detail, r.Predicate.Scope,
				r.Predicate.Note} {
				if words != "" {
					what += ": " + words
					break
				}
			}
		}
	}
	by := ""
	if len(v.Recordings) > 0 {
		by = fmt.Sprintf("  by %s in block %d", v.Recordings[0].MSPID, v.Recordings[0].Block)
	}
	return terminal.Plain(what) + terminal.Plain(by) + "\n    " + terminal.Plain(v.ID)
}

// Record prints a record: who recorded it, the statements about it, and its contents.
func Record(w io.Writer, v client.View) error {
	var out bytes.Buffer
	name := v.Noun
	if v.Ref != "" {
		name = v.Ref
	}
	fmt.Fprintf(&out, "%s\n%s\n", terminal.Plain(name), terminal.Plain(v.ID))
	for i, r := range v.Recordings {
		how := "recorded by"
		if i == 0 && len(v.Recordings) > 1 {
			how = "first by"
		}
		if i > 0 {
			how = "and by"
		}
		signed := ""
		if r.Subject != "" {
			signed = ", signed by " + terminal.Plain(record.SignerName(r.Subject))
		}
		fmt.Fprintf(
			&out,
			"  %-11s %s in block %d, %s%s\n",
			how,
			terminal.Plain(r.MSPID),
			r.Block,
			r.Time.Format("2006-01-02 15:04:05 MST"),
			signed,
		)
	}
	if len(v.Status) > 0 {
		fmt.Fprintf(&out, "  %-11s %s\n", "status", terminal.Plain(strings.Join(v.Status, ", ")))
	}
	for _, s := range v.Statements {
		retracted := ""
		if s.Retracted {
			retracted = ", retracted"
		}
		fmt.Fprintf(
			&out,
			"  %-11s by %s in block %d%s  %s\n",
			terminal.Plain(s.Kind),
			terminal.Plain(s.MSPID),
			s.Block,
			retracted,
			terminal.Plain(s.ID),
		)
	}
	description(&out, v.About)
	var body bytes.Buffer
	if err := json.Indent(&body, abridged(v.Record), "", "  "); err != nil {
		return fmt.Errorf("couldn't understand the record: %w", err)
	}
	for line := range strings.Lines(body.String()) {
		fmt.Fprintln(&out, terminal.Plain(strings.TrimSuffix(line, "\n")))
	}
	_, err := out.WriteTo(w)
	return err
}
