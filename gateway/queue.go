package gateway

import (
	"context"
	"errors"
	"time"

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

// Lookup tells what became of a transaction. Only the index is believed, whose blocks are verified: from a peer comes
// no more than the advice to wait for a block.
func (l queueLedger) Lookup(ctx context.Context, id *ledger.Identity, txID string) (ledger.Commit, error) {
	return l.committed(ctx, txID, func() (ledger.Commit, error) { return l.Client.Lookup(ctx, id, txID) })
}

// advisedWait bounds how long the advice of a peer is followed to wait for a block.
const advisedWait = time.Minute

// committed looks a transaction up in the index. If the index doesn't have it, but a peer says that it is in a later
// block, committed waits for that block.
func (f *follower) committed(
	ctx context.Context, txID string, ask func() (ledger.Commit, error),
) (ledger.Commit, error) {
	indexed := func() (ledger.Commit, error) {
		t, err := f.index.Transaction(ctx, txID, index.Latest)
		if errors.Is(err, index.ErrNotFound) {
			return ledger.Commit{}, &ledger.Error{
				Phase: ledger.LookingUp, Kind: ledger.NotFound, TransactionID: txID, Message: "no block has it yet",
			}
		}
		if err != nil {
			return ledger.Commit{}, err
		}
		return ledger.Commit{TransactionID: txID, Code: t.Code, Block: t.Block, Position: t.Position}, nil
	}
	commit, err := indexed()
	if !errors.Is(err, ledger.ErrNotFound) {
		return commit, err
	}
	said, err := ask()
	if err != nil {
		return ledger.Commit{}, err
	}
	wait, cancel := context.WithTimeout(ctx, advisedWait)
	defer cancel()
	if err := f.Handed(wait, said.Block); err != nil && ctx.Err() != nil {
		return ledger.Commit{}, err
	}
	return indexed()
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
