package text

import (
	"fmt"
	"io"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
)

// Receipt writes what was recorded and under which id.
func Receipt(w io.Writer, receipt *client.Receipt) {
	what := "recorded"
	if receipt.AlreadyRecorded {
		what = "already recorded"
	}
	name := receipt.Noun
	if receipt.Ref != "" {
		name = receipt.Ref
	}
	fmt.Fprintf(w, "%s %s by %s in block %d\n%s\n", name, what, receipt.MSPID, receipt.Block, receipt.ID)
	for _, g := range receipt.Generated {
		fmt.Fprintf(w, "%s %s\n%s\n", g.Ref, what, g.ID)
	}
}
