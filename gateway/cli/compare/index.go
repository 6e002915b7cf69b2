package compare

import (
	"context"
	"fmt"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
)

// Index is a gateway's index that is rebuilt from the blocks of an audit. It is an [audit.Follower].
type Index struct {
	index *index.Index
	file  *File // nil if none is compared
}

// NewIndex rebuilds an index. If file isn't nil, the index is compared with it when it has the file's height.
func NewIndex(rebuilt *index.Index, file *File) *Index { return &Index{rebuilt, file} }

// Height is the number of the next block that the index needs.
func (x *Index) Height() uint64 { return x.index.Height() }

// mostBlocks is how many blocks are indexed at once.
const mostBlocks = 16

// Follow indexes blocks as they come, as many at once as there are. At the height of the file it stops to compare.
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

// blockOf is an audited block as an index takes it.
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

// compare compares the rebuilt index with the file if it has the file's height.
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
		f.damage = fmt.Sprintf("its rows up to block %d aren't what the blocks make", f.height-1)
	}
	return nil
}

// File is what the comparison with the file came to, nil if it equals the rebuilt index or there is none.
func (x *Index) File(ctx context.Context) (*audit.Finding, error) {
	if x.file == nil {
		return nil, nil
	}
	if err := x.compare(ctx); err != nil { // the index may have had the height before this audit began
		return nil, err
	}
	return x.file.finding(x.index.Height()), nil
}
