package text

import (
	"bytes"
	"fmt"
	"io"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// fewResults is the greatest number of events that are listed one by one.
const fewResults = 25

// EventWarnings writes what is odd about the events of a document, a line for each. There are total warnings, of which
// the list has the first.
func EventWarnings(w io.Writer, name string, list []client.EventWarning, total int) error {
	var out bytes.Buffer
	for _, warning := range list {
		fmt.Fprintf(&out, "warning: %s", terminal.Plain(name))
		if warning.Index != nil {
			fmt.Fprintf(&out, ": event %d", *warning.Index)
		}
		if warning.Pointer != "" {
			fmt.Fprintf(&out, ": %s", terminal.Plain(warning.Pointer))
		}
		fmt.Fprintf(&out, ": %s (%s)\n", terminal.Plain(warning.Detail), terminal.Plain(warning.Code))
	}
	if more := total - len(list); more > 0 {
		fmt.Fprintf(&out, "warning: %s: %d more warnings\n", terminal.Plain(name), more)
	}
	_, err := out.WriteTo(w)
	return err
}

// Job prints the state of a captured document and its events.
func Job(w io.Writer, name string, job *client.Job) error {
	var out bytes.Buffer
	n := job.Counts
	state := "recorded"
	if job.Running {
		state = "kept, job " + job.ID
	}
	fmt.Fprintf(&out, "%s: %d events %s", terminal.Plain(name), n.Total, state)
	for _, part := range []struct {
		n    int
		what string
	}{{n.Duplicate, "already on the ledger"}, {n.Rejected, "rejected"}} {
		if part.n > 0 {
			fmt.Fprintf(&out, ", %d of them %s", part.n, part.what)
		}
	}
	fmt.Fprintln(&out)
	for _, r := range job.Results {
		if r.State == "pending" || (r.State != "rejected" && n.Total > fewResults) {
			continue
		}
		where := ""
		if r.Tx != "" {
			where = fmt.Sprintf("block %d", r.Block)
		}
		fmt.Fprintf(&out, "  %3d %-9s %s  %s\n", r.Index, terminal.Plain(r.State), terminal.Plain(r.ID), where)
		for _, p := range r.Problems {
			fmt.Fprintf(&out, "        %s %s\n", terminal.Plain(p.Pointer), terminal.Plain(p.Detail))
		}
	}
	_, err := out.WriteTo(w)
	return err
}
