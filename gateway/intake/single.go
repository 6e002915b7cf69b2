package intake

import (
	"context"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
)

// Single makes the record of an event that comes alone. If the organisation has recorded the event before, in another
// spelling, it returns that recording instead. Warnings say what is odd about an event that is taken. An event that is
// refused is an error of type *Refusal.
func Single(
	ctx context.Context,
	x Index,
	mspID string,
	e epcis.DocumentEvent,
) (r *record.Record, known *capture.Existing, warnings []record.Problem, err error) {
	d, made := makeDraft(new(record.Writer), 0, eventOf(e), redefined(e.Context, e.Pointer))
	drafts := []draft{d}
	if err := resolveKnown(ctx, x, mspID, drafts); err != nil {
		return nil, nil, nil, err
	}
	if d = drafts[0]; len(d.Problems) > 0 {
		return nil, nil, nil, &Refusal{Problems: d.Problems}
	}
	if d.Existing != nil {
		return nil, d.Existing, nil, nil
	}
	return made, nil, d.Warnings, nil
}
