package text

import (
	"bytes"
	"fmt"
	"io"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Runs prints the result of sending a file of OpenLineage events.
func Runs(w io.Writer, name string, r *client.LineageReport) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s: %d OpenLineage events, %d of them refused, %d runs\n",
		terminal.Plain(name), r.Events, len(r.Refused), len(r.Runs))
	for _, f := range r.Refused {
		fmt.Fprintf(&out, "  event %d: %s\n", f.Index, terminal.Plain(f.Reason))
	}
	for _, run := range r.Runs {
		fmt.Fprintf(
			&out,
			"  %-9s %s  %s\n",
			terminal.Plain(run.State),
			terminal.Plain(run.RunID),
			terminal.Plain(run.Job.Name),
		)
		for _, g := range run.Generated {
			fmt.Fprintf(&out, "            generated %s\n", terminal.Plain(g.Ref))
		}
		for _, b := range run.Breaches {
			fmt.Fprintf(&out, "            breach: it used %s, to which consent is withdrawn by %s\n",
				terminal.Plain(b.Ref), terminal.Plain(b.Statement))
		}
		for _, p := range run.Problems {
			fmt.Fprintf(&out, "            %s %s\n", terminal.Plain(p.Pointer), terminal.Plain(p.Detail))
		}
		for _, p := range run.LeftOut {
			fmt.Fprintf(&out, "            left out: %s\n", terminal.Plain(p.Detail))
		}
		for _, p := range run.Adjusted {
			fmt.Fprintf(&out, "            note: %s\n", terminal.Plain(p.Detail))
		}
		if run.Waiting != "" {
			fmt.Fprintf(&out, "            waiting: %s\n", terminal.Plain(run.Waiting))
		}
	}
	_, err := out.WriteTo(w)
	return err
}
