package gateway

import (
	"context"
	"fmt"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/verify/prepared"
)

// signedBy is the ledger for callers who sign with keys of their own. The gateway asks peers about their transactions
// in its own name.
type signedBy struct {
	client   *ledger.Client
	callers  *access.Callers
	follower *follower
}

func (s signedBy) Endorse(ctx context.Context, p *prepared.Proposal, signature []byte) ([]byte, error) {
	return s.client.EndorseSigned(ctx, p, signature)
}

func (s signedBy) Submit(ctx context.Context, txID string, payload, signature []byte) (ledger.Commit, error) {
	commit, err := s.client.SubmitSigned(ctx, s.callers.Reader(), txID, payload, signature)
	if err != nil {
		return commit, err
	}
	// The client has handed the block to the follower, which may not have indexed it yet.
	if err := s.follower.Handed(ctx, commit.Block); err != nil {
		return commit, &ledger.Error{Phase: ledger.Committing, Kind: ledger.FateUnknown, TransactionID: txID, Err: err,
			Message: fmt.Sprintf("it is committed in block %d, which the index doesn't have yet", commit.Block)}
	}
	return commit, nil
}
