package text

import (
	"fmt"
	"io"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Runs writes what became of a file of OpenLineage events.
func Runs(w io.Writer, name string, r *client.LineageReport) {
	fmt.Fprintf(w, "%s: %d OpenLineage events, %d of them refused, %d runs\n", terminal.Plain(name), r.Events, len(r.Refused), len(r.Runs))
	for _, f := range r.Refused {
		fmt.Fprintf(w, "  event %d: %s\n", f.Index, terminal.Plain(f.Reason))
	}
	for _, run := range r.Runs {
		fmt.Fprintf(w, "  %-9s %s  %s\n", run.State, terminal.Plain(run.RunID), terminal.Plain(run.Job.Name))
		for _, g := range run.Generated {
			fmt.Fprintf(w, "            generated %s\n", terminal.Plain(g.Ref))
		}
		for _, p := range run.Problems {
			fmt.Fprintf(w, "            %s %s\n", terminal.Plain(p.Pointer), terminal.Plain(p.Detail))
		}
		if run.Waiting != "" {
			fmt.Fprintf(w, "            waiting: %s\n", terminal.Plain(run.Waiting))
		}
	}
}
