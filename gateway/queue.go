package gateway

import (
	"context"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// queueLedger is the ledger as the queue sees it. A transaction counts as committed once the index has its block.
type queueLedger struct {
	*ledger.Client
	*follower
}

// Commits returns the follower's waiters.
func (l queueLedger) Commits() *ledger.Commits { return l.follower.Commits() }

// Handed waits until the index has a block.
func (l queueLedger) Handed(ctx context.Context, block uint64) error {
	return l.follower.Handed(ctx, block)
}

// queueIndex tells the queue what the organisation has already recorded.
type queueIndex struct{ *index.Index }

// Recorded finds the first recording that the organisation made of each record.
func (ix queueIndex) Recorded(
	ctx context.Context,
	mspID string,
	ids []record.ID,
) (map[record.ID]capture.Recording, error) {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	own, err := ix.RecordedBy(ctx, mspID, texts)
	if err != nil {
		return nil, err
	}
	found := make(map[record.ID]capture.Recording, len(own))
	for id, r := range own {
		found[record.ID(id)] = capture.Recording{TransactionID: r.TxID, Block: r.Block}
	}
	return found, nil
}
