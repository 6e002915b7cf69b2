package text

import (
	"bytes"
	"fmt"
	"io"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Check prints what a capture of a document would say.
func Check(w io.Writer, name string, check *client.Check) error {
	var out bytes.Buffer
	n := check.Counts
	verdict := "would be taken"
	if !check.Taken {
		verdict = "would be refused"
	}
	fmt.Fprintf(&out, "%s: %s: %d events, %d new, %d already on the ledger or repeated, %d rejected\n",
		terminal.Plain(name), verdict, n.Total, n.New, n.Duplicate, n.Rejected)
	rejected := 0
	for _, r := range check.Results {
		if r.State == "rejected" {
			rejected++
		} else if n.Total > fewResults {
			continue
		}
		fmt.Fprintf(&out, "  %3d %-9s %s\n", r.Index, terminal.Plain(r.State), terminal.Plain(r.ID))
		for _, p := range r.Problems {
			fmt.Fprintf(&out, "        %s %s\n", terminal.Plain(p.Pointer), terminal.Plain(p.Detail))
		}
	}
	if more := n.Rejected - rejected; more > 0 {
		fmt.Fprintf(&out, "  %d more rejected\n", more)
	}
	_, err := out.WriteTo(w)
	return err
}
