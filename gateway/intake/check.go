package intake

import (
	"context"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
)

// Checked is what would become of a document if it were captured.
type Checked struct {
	// Items are the events, in their order and without their bodies. What has an ID would be recorded.
	Items []capture.Item
	// Warnings are about the document as a whole.
	Warnings []record.Problem
}

// Check reads a document as a capture does, and keeps nothing of it. An error is the one that the capture would end
// with; what was found before it is in Checked. The capture says the same, unless the ledger gets other events before.
func Check(ctx context.Context, x Index, mspID string, limit int, read func(*Intake) error) (*Checked, error) {
	found := new(Checked)
	in := New(ctx, Config{Index: x, Sink: found, MSPID: mspID, Behaviour: capture.Proceed, Limit: limit})
	return found, in.Finish(read(in))
}

// Add takes the next events.
func (c *Checked) Add(_ context.Context, items ...capture.Item) error {
	c.Items = append(c.Items, items...)
	for i := len(c.Items) - len(items); i < len(c.Items); i++ {
		it := &c.Items[i]
		it.Body, it.Problems = nil, slices.Clone(it.Problems)
	}
	return nil
}

// Warn takes warnings about the document.
func (c *Checked) Warn(list ...record.Problem) { c.Warnings = append(c.Warnings, list...) }
