// Package merkle has the Merkle tree over all recordings of a ledger: the tree of RFC 9162, section 2.1, with SHA-256.
//
// It has a leaf for each recording, which is one line of a pack that a valid transaction wrote. Leaves are in the order
// of the ledger: block, transaction, pack, line. The entry of a leaf is the SHA-256 of the record's body, which is also
// what the record's id has in hexadecimal; so the hash of the leaf is SHA-256(0x00 || entry). A record that was
// recorded twice has two leaves. Whoever has the blocks can compute the tree, without remembering which records came
// before.
//
// The arithmetic of proofs is that of golang.org/x/mod/sumdb/tlog.
package merkle

import (
	"crypto/sha256"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Leaf is the hash of the leaf for a recording of the record whose body has a SHA-256.
func Leaf(entry [sha256.Size]byte) tlog.Hash {
	var text [1 + sha256.Size]byte // as tlog.RecordHash does it, which allocates
	copy(text[1:], entry[:])
	return sha256.Sum256(text[:])
}

// Frontier is what has to be known of a tree to add leaves and to compute the root: the hashes of the greatest complete
// subtrees, from left to right. The zero value is the empty tree.
type Frontier struct {
	size     uint64
	subtrees []tlog.Hash // one for each bit that is set in size, the greatest first
}

// NewFrontier is a tree of a size with these greatest complete subtrees, of which there must be as many as the size has
// bits that are set.
func NewFrontier(size uint64, subtrees []tlog.Hash) (Frontier, bool) {
	return Frontier{size, subtrees}, bits.OnesCount64(size) == len(subtrees)
}

// Size is the number of leaves.
func (f *Frontier) Size() uint64 { return f.size }

// Clone returns a copy that shares no memory.
func (f *Frontier) Clone() Frontier { return Frontier{f.size, slices.Clone(f.subtrees)} }

// Append adds a leaf. It calls complete, unless that is nil, with each subtree that the leaf completes: its level,
// which is the logarithm of the number of its leaves, its number among those of the level, and its hash. The leaf
// itself, of level 0, isn't among them.
func (f *Frontier) Append(leaf tlog.Hash, complete func(level int, number uint64, hash tlog.Hash)) {
	for level := 1; level <= bits.TrailingZeros64(^f.size); level++ {
		last := len(f.subtrees) - 1
		leaf, f.subtrees = tlog.NodeHash(f.subtrees[last], leaf), f.subtrees[:last]
		if complete != nil {
			complete(level, f.size>>level, leaf)
		}
	}
	f.subtrees = append(f.subtrees, leaf)
	f.size++
}

// Root is the root hash. That of the empty tree is the SHA-256 of nothing.
func (f *Frontier) Root() tlog.Hash {
	if len(f.subtrees) == 0 {
		return sha256.Sum256(nil)
	}
	root := f.subtrees[len(f.subtrees)-1]
	for i := len(f.subtrees) - 2; i >= 0; i-- {
		root = tlog.NodeHash(f.subtrees[i], root)
	}
	return root
}
