package text

import (
	"bytes"
	"fmt"
	"io"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Receipt prints what was recorded and its id.
func Receipt(w io.Writer, receipt *client.Receipt) error {
	var out bytes.Buffer
	what := "recorded"
	if receipt.AlreadyRecorded {
		what = "already recorded"
	}
	name := receipt.Noun
	if receipt.Ref != "" {
		name = receipt.Ref
	}
	fmt.Fprintf(&out, "%s %s by %s in block %d\n%s\n", terminal.Plain(name), what, terminal.Plain(receipt.MSPID),
		receipt.Block, terminal.Plain(receipt.ID))
	for _, g := range receipt.Generated {
		fmt.Fprintf(&out, "%s %s\n%s\n", terminal.Plain(g.Ref), what, terminal.Plain(g.ID))
	}
	_, err := out.WriteTo(w)
	return err
}
