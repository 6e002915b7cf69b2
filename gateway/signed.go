package gateway

import (
	"context"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/verify/prepared"
)

// signedBy is the ledger for callers who sign with keys of their own. The gateway asks peers about their transactions
// in its own name.
type signedBy struct {
	client  *ledger.Client
	callers *access.Callers
}

func (s signedBy) Endorse(ctx context.Context, p *prepared.Proposal, signature []byte) ([]byte, error) {
	return s.client.EndorseSigned(ctx, p, signature)
}

func (s signedBy) Submit(ctx context.Context, txID string, payload, signature []byte) (ledger.Commit, error) {
	return s.client.SubmitSigned(ctx, s.callers.Reader(), txID, payload, signature)
}
