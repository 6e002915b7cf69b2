package merkle_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/pedigree-ledger/pedigree/gateway/verify/merkle"
)

func entry(n uint64) [sha256.Size]byte { return sha256.Sum256(binary.BigEndian.AppendUint64(nil, n)) }

func TestTheRootIsThatOfTheLibraryAtEverySize(t *testing.T) {
	var f merkle.Frontier
	var stored []tlog.Hash // as the library stores a tree
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	require.Equal(t, tlog.Hash(sha256.Sum256(nil)), f.Root(), "RFC 9162, section 2.1.1")
	for n := range uint64(600) {
		more, err := tlog.StoredHashesForRecordHash(int64(n), merkle.Leaf(entry(n)), reader)
		require.NoError(t, err)
		stored = append(stored, more...)
		before := f.Clone()
		f.Append(merkle.Leaf(entry(n)), func(level int, number uint64, hash tlog.Hash) {
			require.Equal(t, stored[tlog.StoredHashIndex(level, int64(number))], hash, "subtree %d of level %d", number, level)
			more = more[1:]
		})
		require.Len(t, more, 1, "each subtree that is complete was given, but the leaf")
		want, err := tlog.TreeHash(int64(n+1), reader)
		require.NoError(t, err)
		require.Equal(t, want, f.Root(), "size %d", n+1)
		require.EqualValues(t, n, before.Size())
		if n > 0 {
			root, err := tlog.TreeHash(int64(n), reader)
			require.NoError(t, err)
			require.Equal(t, root, before.Root(), "a copy stays as it was")
		}
	}
}

func TestATreeThatWasKeptGoesOn(t *testing.T) {
	var grown merkle.Frontier
	var subtrees []tlog.Hash
	for n := range uint64(7) {
		grown.Append(merkle.Leaf(entry(n)), func(level int, number uint64, hash tlog.Hash) {
			if level == 2 && number == 0 || level == 1 && number == 2 {
				subtrees = append(subtrees, hash)
			}
		})
	}
	subtrees = append(subtrees, merkle.Leaf(entry(6))) // 7 = 4 + 2 + 1
	kept, ok := merkle.NewFrontier(7, subtrees)
	require.True(t, ok)
	require.EqualValues(t, 7, kept.Size())
	require.Equal(t, grown.Root(), kept.Root())
	for n := uint64(7); n < 20; n++ {
		grown.Append(merkle.Leaf(entry(n)), nil)
		kept.Append(merkle.Leaf(entry(n)), nil)
		require.Equal(t, grown.Root(), kept.Root(), "size %d", n+1)
	}
}

func TestATreeHasASubtreeForEachBitOfItsSize(t *testing.T) {
	for _, size := range []uint64{0, 1, 6, 7, 8, 1<<63 + 1, 1<<64 - 1} {
		for n := range 66 {
			_, ok := merkle.NewFrontier(size, make([]tlog.Hash, n))
			require.Equal(t, n == bits.OnesCount64(size), ok, "%d leaves, %d subtrees", size, n)
		}
	}
}

// The tree of RFC 6962, whose hashes RFC 9162 keeps, has well-known vectors; these two are those of one empty leaf and
// of two leaves, empty and 0x00.
func TestTheHashesAreThoseOfTheStandard(t *testing.T) {
	require.Equal(t, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", hexOf(tlog.RecordHash(nil)))
	one := entry(1)
	require.Equal(t, tlog.RecordHash(one[:]), merkle.Leaf(one))
	require.Equal(t, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		hexOf(tlog.NodeHash(tlog.RecordHash(nil), tlog.RecordHash([]byte{0}))))
}

func hexOf(h tlog.Hash) string { return hex.EncodeToString(h[:]) }

// BenchmarkAppend is what the tree costs an index for each recording.
func BenchmarkAppend(b *testing.B) {
	digest := entry(7)
	var f merkle.Frontier
	for b.Loop() {
		f.Append(merkle.Leaf(digest), nil)
	}
}
