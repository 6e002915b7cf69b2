package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
	"github.com/pedigree-ledger/pedigree/gateway/verify/merkle"
)

// Tree is the tree of all recordings (see package merkle) as it was after a block.
type Tree struct {
	Block uint64
	Hash  []byte // of the block's header
	Size  uint64 // the number of leaves
	Root  tlog.Hash
}

// Tree computes the tree as of a block. It reads a number of hashes that grows with the logarithm of the tree's size.
func (ix *Index) Tree(ctx context.Context, at uint64) (*Tree, error) {
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	t := &Tree{Block: snap.Block}
	if t.Hash, err = ix.BlockHash(ctx, snap.Block); err != nil {
		return nil, err
	}
	r, err := ix.treeAt(ctx, snap.Last)
	if err != nil {
		return nil, err
	}
	t.Size = r.size
	t.Root, err = tlog.TreeHash(int64(r.size), r)
	return t, r.failed("compute the root of", err)
}

// Inclusion is the proof that the tree as of a block has a leaf for the first recording of a record: the position of
// the leaf, from 0, and the path of RFC 9162, section 2.1.3. The error is ErrNotFound if there is no such record.
func (ix *Index) Inclusion(ctx context.Context, id string, at uint64) (leaf uint64, path tlog.RecordProof, err error) {
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return 0, nil, err
	}
	where, err := ix.locate(ctx, id, snap.Block)
	if err != nil {
		return 0, nil, err
	}
	r, err := ix.treeAt(ctx, snap.Last)
	if err != nil {
		return 0, nil, err
	}
	if leaf, err = r.position(where.id); err == nil {
		path, err = tlog.ProveRecord(int64(r.size), int64(leaf), r)
	}
	return leaf, path, r.failed("prove that a record is in", err)
}

// Consistency is the proof of RFC 9162, section 2.1.4, that the tree of a size begins with the tree of a smaller size.
// Nothing has to be proved of an empty tree. There is no proof if the newest tree is smaller than to; it has size
// leaves.
func (ix *Index) Consistency(ctx context.Context, from, to uint64) (size uint64, path tlog.TreeProof, err error) {
	snap, err := ix.Snapshot(ctx, Latest)
	if err != nil {
		return 0, nil, err
	}
	r, err := ix.treeAt(ctx, snap.Last)
	if err != nil {
		return 0, nil, err
	}
	if from == 0 || from > to || to > r.size {
		return r.size, nil, nil
	}
	path, err = tlog.ProveTree(int64(to), int64(from), r)
	return r.size, path, r.failed("prove the growth of", err)
}

// readFrontier reads what has to be known to add leaves to the tree with all recordings up to an id.
func (ix *Index) readFrontier(ctx context.Context, last int64) (merkle.Frontier, error) {
	r, err := ix.treeAt(ctx, last)
	if err != nil {
		return merkle.Frontier{}, err
	}
	var indexes []int64
	for level, size := 63, r.size; level >= 0; level-- {
		if size>>level&1 == 1 {
			indexes = append(indexes, tlog.StoredHashIndex(level, int64(size>>level-1)))
		}
	}
	subtrees, err := r.ReadHashes(indexes)
	if err != nil {
		return merkle.Frontier{}, r.failed("read", err)
	}
	f, ok := merkle.NewFrontier(r.size, subtrees)
	if !ok {
		return f, fmt.Errorf("couldn't read the tree of recordings: it has no %d subtrees", bits.OnesCount64(r.size))
	}
	return f, nil
}

// group is how many subtrees of a level make one of the next level that is kept.
const group = 1 << projection.TileHeight

// treeReader reads the hashes of a tree. It implements [tlog.HashReader].
type treeReader struct {
	ctx  context.Context
	ix   *Index
	last int64 // the greatest id of a recording in the tree
	size uint64
	read map[groupKey]*leaves
}

// groupKey names up to 256 subtrees that follow one another, in units of whole groups.
type groupKey struct{ level, number int64 }

// leaves are subtrees of a group. Those of level 0 are recordings, which have ids.
type leaves struct {
	ids    []int64
	hashes []tlog.Hash
}

// treeAt reads how many recordings there are up to an id.
func (ix *Index) treeAt(ctx context.Context, last int64) (*treeReader, error) {
	r := &treeReader{ctx: ctx, ix: ix, last: last, read: map[groupKey]*leaves{}}
	var full int64
	err := ix.row(ctx, `SELECT number + 1 FROM tile WHERE level = 1 AND last <= ? ORDER BY last DESC LIMIT 1`, last).
		Scan(&full)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, r.failed("read", err)
	}
	tail, err := r.group(groupKey{0, full})
	if err != nil {
		return nil, r.failed("read", err)
	}
	r.size = uint64(full)*group + uint64(len(tail.hashes))
	return r, nil
}

func (r *treeReader) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("couldn't %s the tree of recordings: %w", what, r.ix.Diagnose(err))
}

// ReadHashes implements [tlog.HashReader].
func (r *treeReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(indexes))
	for _, i := range indexes {
		level, number := tlog.SplitStoredHashIndex(i)
		above := level % projection.TileHeight
		first := number << above // among the subtrees that are kept
		g, err := r.group(groupKey{int64(level / projection.TileHeight), first / group})
		if err != nil {
			return nil, err
		}
		from := int(first % group)
		to := from + 1<<above
		if to > len(g.hashes) {
			return nil, fmt.Errorf("subtree %d of level %d isn't there", number, level)
		}
		var f merkle.Frontier
		for _, hash := range g.hashes[from:to] {
			f.Append(hash, nil)
		}
		hashes = append(hashes, f.Root())
	}
	return hashes, nil
}

// group reads a group of subtrees, as far as they are in the tree.
func (r *treeReader) group(key groupKey) (*leaves, error) {
	if g := r.read[key]; g != nil {
		return g, nil
	}
	g := &leaves{}
	query, args := `SELECT last, hash FROM tile WHERE level = ? AND number >= ? AND number < ? AND last <= ? ORDER BY number`,
		[]any{key.level, key.number * group, (key.number + 1) * group, r.last}
	if key.level == 0 {
		after, last, err := r.span(key.number)
		if err != nil {
			return nil, err
		}
		query, args = `SELECT id, digest FROM node WHERE id > ? AND id <= ? AND digest IS NOT NULL
			UNION ALL SELECT a.id, n.digest FROM again a JOIN node n ON n.id = a.record WHERE a.id > ? AND a.id <= ?
			ORDER BY 1 LIMIT ?`, []any{after, last, after, last, int64(group)}
	}
	err := r.ix.each(r.ctx, query, args, func(rows *sql.Rows) error {
		var id int64
		var hash []byte
		if err := rows.Scan(&id, &hash); err != nil {
			return err
		}
		if len(hash) != tlog.HashSize {
			return fmt.Errorf("a hash of %d bytes", len(hash))
		}
		one := tlog.Hash(hash)
		if key.level == 0 {
			one = merkle.Leaf(one)
		}
		g.ids, g.hashes = append(g.ids, id), append(g.hashes, one)
		return nil
	})
	r.read[key] = g
	return g, err
}

// span is between which ids the recordings of a group of leaves are: more than after, and at most last.
func (r *treeReader) span(number int64) (after, last int64, err error) {
	last = r.last
	err = r.ix.each(r.ctx, `SELECT number, last FROM tile WHERE level = 1 AND number IN (?, ?)`,
		[]any{number - 1, number}, func(rows *sql.Rows) error {
			var found, id int64
			if err := rows.Scan(&found, &id); err != nil {
				return err
			}
			if found < number {
				after = id
			} else {
				last = min(id, last)
			}
			return nil
		})
	return after, last, err
}

// position is where the leaf of a recording is.
func (r *treeReader) position(id int64) (uint64, error) {
	number := int64(r.size / group)
	err := r.ix.row(r.ctx, `SELECT number FROM tile WHERE level = 1 AND last >= ? ORDER BY last LIMIT 1`, id).Scan(&number)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	g, err := r.group(groupKey{0, number})
	if err != nil {
		return 0, err
	}
	for i, other := range g.ids {
		if other == id {
			return uint64(number)*group + uint64(i), nil
		}
	}
	return 0, fmt.Errorf("recording %d has no leaf: the index is damaged; run pedigree reindex", id)
}
