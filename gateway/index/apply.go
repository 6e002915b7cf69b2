package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// GapError says that a block came too early.
type GapError struct{ Want, Got uint64 }

func (e *GapError) Error() string {
	return fmt.Sprintf("the index wants block %d next, not block %d: blocks are applied in order and none is left out", e.Want, e.Got)
}

// Apply adds one block. See [Index.ApplyAll].
func (ix *Index) Apply(ctx context.Context, b Block) error {
	return ix.ApplyAll(ctx, []Block{b})
}

// ApplyAll adds consecutive blocks in one SQL transaction, together with the
// new height: all of them or, with an error, none. Catching up in batches of some
// thousand records is several times faster than block by block, and gives the
// same index.
//
// Blocks that are already in the index are checked against it and skipped. The
// errors are a *GapError, an *OtherLedgerError, or the database's.
//
// If another gateway writes the index, ApplyAll waits until it has written these
// blocks, or has died: then this one does.
func (ix *Index) ApplyAll(ctx context.Context, blocks []Block) error {
	ix.writing.Lock()
	defer ix.writing.Unlock()
	if len(blocks) == 0 {
		return nil
	}
	for {
		err := ix.applyAll(ctx, blocks)
		if !errors.Is(err, errStale) {
			return ix.Suspect(err)
		}
		if err := ix.start(ctx); err != nil {
			return ix.Suspect(err)
		}
	}
}

// applyAll is one attempt. The error is errStale if what this index knows of the
// tables is out of date.
func (ix *Index) applyAll(ctx context.Context, blocks []Block) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	leads, err := ix.db.turn(ctx, blocks[len(blocks)-1].Number+1)
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
	if t := ix.stand(); !leads || t.epoch != ix.prepared.epoch || t.height != ix.prepared.height {
		return errStale // emptied since; or another gateway has written, who knows what
	}
	w := newBatch(ix)
	if err := ix.db.write(ctx, w.tip, func(t tables) error { return w.writeAll(t, blocks) }); err != nil {
		return fmt.Errorf("couldn't index blocks %d to %d: %w", blocks[0].Number, blocks[len(blocks)-1].Number, err)
	}
	w.committed()
	return nil
}

// fresh checks that blocks follow the last one and each other, and returns
// those that are new.
func (ix *Index) fresh(ctx context.Context, blocks []Block) ([]Block, error) {
	t := ix.stand()
	for len(blocks) > 0 && blocks[0].Number < t.height {
		if err := ix.checkHash(ctx, blocks[0].Number, blocks[0].Hash); err != nil {
			return nil, err
		}
		blocks = blocks[1:]
	}
	want, previous := t.height, t.hash
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
