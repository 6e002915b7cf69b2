package compare

import (
	"context"
	"fmt"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
)

// Index is a gateway's index, rebuilt from the blocks of an audit. It implements [audit.Follower].
type Index struct {
	index *index.Index
	file  *File // nil if no file is compared
}

// NewIndex returns an Index that fills the given index. If file isn't nil, the two are compared when the index reaches
// the height of the file.
func NewIndex(rebuilt *index.Index, file *File) *Index { return &Index{rebuilt, file} }

// Height returns the number of the next block that the index needs.
func (x *Index) Height() uint64 { return x.index.Height() }

// mostBlocks is the largest number of blocks that are indexed at once.
const mostBlocks = 16

// Follow indexes blocks until the channel is closed. It indexes those that are waiting together. At the height of the
// file it stops to compare.
func (x *Index) Follow(ctx context.Context, blocks <-chan audit.Block) error {
	for b := range blocks {
		batch := []index.Block{blockOf(b)}
		for more := true; more && len(batch) < mostBlocks && !x.file.ends(batch); {
			select {
			case b, ok := <-blocks:
				if more = ok; ok {
					batch = append(batch, blockOf(b))
				}
			default:
				more = false
			}
		}
		if err := x.index.ApplyAll(ctx, batch); err != nil {
			return err
		}
		if err := x.compare(ctx); err != nil {
			return err
		}
	}
	return nil
}

// blockOf converts an audited block to one that an index takes.
func blockOf(b audit.Block) index.Block {
	made := index.Block{
		Number:       b.Number,
		Hash:         b.Hash,
		PreviousHash: b.PreviousHash,
		Transactions: make([]index.Transaction, len(b.Transactions)),
	}
	for i, t := range b.Transactions {
		made.Transactions[i] = index.Transaction(t)
	}
	return made
}

// compare compares the rebuilt index with the file, once it has the height of the file.
func (x *Index) compare(ctx context.Context) error {
	f := x.file
	if f == nil || f.met || f.damage != "" || x.index.Height() != f.height {
		return nil
	}
	fingerprint, err := x.index.Fingerprint(ctx)
	if err != nil {
		return err
	}
	if f.met = true; fingerprint != f.fingerprint {
		f.damage = fmt.Sprintf("its rows up to block %d differ from those made from the blocks", f.height-1)
	}
	return nil
}

// File returns the result of the comparison with the file. It is nil if the file equals the rebuilt index or if there
// is no file.
func (x *Index) File(ctx context.Context) (*audit.Finding, error) {
	if x.file == nil {
		return nil, nil
	}
	if err := x.compare(ctx); err != nil { // if the index had this height before the audit began
		return nil, err
	}
	return x.file.finding(x.index.Height()), nil
}
