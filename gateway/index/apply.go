package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// GapError says that a block came too early.
type GapError struct{ Want, Got uint64 }

func (e *GapError) Error() string {
	return fmt.Sprintf("the index wants block %d next, not block %d: blocks are applied in order and none is left out",
		e.Want, e.Got)
}

// Apply adds one block. See [Index.ApplyAll].
func (ix *Index) Apply(ctx context.Context, b Block) error {
	return ix.ApplyAll(ctx, []Block{b})
}

// ApplyAll adds consecutive blocks in one transaction, together with the new height: all of them or, with an error,
// none. Batches of some thousand records are several times faster than single blocks, and give the same index.
//
// Blocks that are already in the index are checked against it and skipped. The error is a *GapError, an
// *OtherLedgerError, or the store's.
//
// If another gateway writes the index, ApplyAll waits until that one has written these blocks or has died. If it has
// died, this one writes them.
func (ix *Index) ApplyAll(ctx context.Context, blocks []Block) error {
	ix.writing.Lock()
	defer ix.writing.Unlock()
	if len(blocks) == 0 {
		return nil
	}
	for {
		err := ix.applyAll(ctx, blocks)
		if !errors.Is(err, ErrMoved) {
			return ix.Diagnose(err)
		}
		if err := ix.start(ctx); err != nil {
			return ix.Diagnose(err)
		}
	}
}

// applyAll is one attempt. The error is ErrMoved if another gateway has written or emptied the tables.
func (ix *Index) applyAll(ctx context.Context, blocks []Block) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	leads, err := ix.store.AwaitTurn(ctx, blocks[len(blocks)-1].Number+1)
	if err != nil {
		return err
	}
	if !leads {
		if err := ix.Refresh(ctx); err != nil {
			return err
		}
	}
	blocks, err = ix.fresh(ctx, blocks)
	if err != nil || len(blocks) == 0 {
		return err
	}
	if t := ix.currentTip(); !leads || t.epoch != ix.prepared.epoch || t.Height != ix.prepared.Height {
		return ErrMoved
	}
	from := ix.prepared
	batch := ix.projector.Begin(from.Tip)
	err = ix.store.Write(ctx, from.epoch, from.Height,
		func(t projection.Tables) error { return batch.Write(t, blocks) })
	if err != nil {
		return fmt.Errorf("couldn't index blocks %d to %d: %w", blocks[0].Number, blocks[len(blocks)-1].Number, err)
	}
	ix.moveTo(tip{batch.Committed(), from.epoch})
	return nil
}

// fresh checks that blocks follow the last one and each other, and returns those that are new.
func (ix *Index) fresh(ctx context.Context, blocks []Block) ([]Block, error) {
	t := ix.currentTip()
	for len(blocks) > 0 && blocks[0].Number < t.Height {
		if err := ix.checkHash(ctx, blocks[0].Number, blocks[0].Hash); err != nil {
			return nil, err
		}
		blocks = blocks[1:]
	}
	want, previous := t.Height, t.Hash
	for _, b := range blocks {
		if b.Number != want {
			return nil, &GapError{want, b.Number}
		}
		if len(b.Hash) == 0 {
			return nil, fmt.Errorf("block %d has no hash", b.Number)
		}
		if want > 0 && !bytes.Equal(b.PreviousHash, previous) {
			return nil, &OtherLedgerError{want - 1, previous, b.PreviousHash}
		}
		want, previous = want+1, b.Hash
	}
	return blocks, nil
}
