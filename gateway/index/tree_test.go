package index_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
	"github.com/pedigree-ledger/pedigree/gateway/index/stores"
	"github.com/pedigree-ledger/pedigree/gateway/verify/merkle"
	"github.com/pedigree-ledger/pedigree/test/thorough"
)

// recordings are the ids of what the valid transactions of blocks recorded, in the order of the ledger.
func recordings(t testing.TB, blocks []index.Block) (all []record.ID) {
	for _, b := range blocks {
		for _, tx := range b.Transactions {
			if tx.Code != index.CodeValid {
				continue
			}
			for _, pack := range tx.Packs {
				bodies, err := record.Unpack(pack, record.PackLimits{})
				require.NoError(t, err)
				for _, body := range bodies {
					all = append(all, record.Sum(body))
				}
			}
		}
	}
	return all
}

// rootOf is the root of the tree with these recordings.
func rootOf(t testing.TB, ids []record.ID) tlog.Hash {
	var f merkle.Frontier
	for _, id := range ids {
		f.Append(merkle.Leaf(digestOf(t, id)), nil)
	}
	return f.Root()
}

func digestOf(t testing.TB, id record.ID) [sha256.Size]byte {
	digest, ok := projection.ParseRecordID(string(id))
	require.True(t, ok)
	return digest
}

// recorded makes a ledger in which transactions record new bodies and old ones, and some are invalid. sizes are how many
// bodies the blocks have.
func recorded(t testing.TB, sizes ...int) *indextest.Ledger {
	l := indextest.New(t)
	chance, n := rand.New(rand.NewPCG(1, 2)), 0
	for _, size := range sizes {
		for size > 0 {
			some := min(size, 1+chance.IntN(1000))
			bodies := make([][]byte, some)
			for i := range bodies {
				if n++; n > 10 && chance.IntN(10) == 0 {
					bodies[i] = fmt.Appendf(nil, `{"n":%d}`, chance.IntN(n)) // perhaps for the second time
				} else {
					bodies[i] = fmt.Appendf(nil, `{"n":%d}`, n)
				}
			}
			l.SubmitBodies("Harbor", index.CodeValid, bodies...)
			if chance.IntN(5) == 0 {
				l.SubmitBodies("Lab", 11, bodies...)
			}
			size -= some
		}
		l.Cut()
	}
	return l
}

func TestTheTreeIsThatOfAllValidRecordings(t *testing.T) {
	l := recorded(t, 1, 254, 1, 1, 300, 0, 700, 256)
	ix := indextest.Open(t)
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks[:2]))
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks[2:]))
	for at := range l.Blocks {
		ids := recordings(t, l.Blocks[:at+1])
		tree, err := ix.Tree(t.Context(), uint64(at))
		require.NoError(t, err)
		require.Equal(t, &index.Tree{
			Block: uint64(at), Hash: l.Blocks[at].Hash, Size: uint64(len(ids)), Root: rootOf(t, ids),
		}, tree, "as of block %d", at)
		for from := range l.Blocks[:at+1] {
			earlier := recordings(t, l.Blocks[:from+1])
			size, path, err := ix.Consistency(t.Context(), uint64(len(earlier)), tree.Size)
			require.NoError(t, err)
			require.EqualValues(t, len(recordings(t, l.Blocks)), size)
			if len(earlier) > 0 {
				require.NoError(t, tlog.CheckTree(path, int64(tree.Size), tree.Root, int64(len(earlier)), rootOf(t, earlier)))
			}
		}
		first := map[record.ID]int{}
		for i, id := range ids {
			if _, again := first[id]; !again {
				first[id] = i
			}
			if i%37 != 0 && i < len(ids)-2 {
				continue
			}
			leaf, path, err := ix.Inclusion(t.Context(), string(id), uint64(at))
			require.NoError(t, err)
			require.EqualValues(t, first[id], leaf, "%s as of block %d", id, at)
			require.NoError(t, tlog.CheckRecord(path, int64(tree.Size), tree.Root, int64(leaf), merkle.Leaf(digestOf(t, id))))
		}
	}
	_, err := ix.Tree(t.Context(), uint64(len(l.Blocks)))
	require.ErrorAs(t, err, new(*index.FutureError))
	_, _, err = ix.Inclusion(t.Context(), string(record.Sum([]byte("nobody recorded it"))), index.Latest)
	require.ErrorIs(t, err, index.ErrNotFound)
	_, path, err := ix.Consistency(t.Context(), 1, 1<<40)
	require.NoError(t, err)
	require.Empty(t, path, "the tree hasn't grown so far")
}

func TestTheTreeOfAnEmptyLedgerHasTheRootOfNothing(t *testing.T) {
	l := recorded(t, 0)
	ix := indextest.Open(t)
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	tree, err := ix.Tree(t.Context(), index.Latest)
	require.NoError(t, err)
	require.Zero(t, tree.Size)
	require.Equal(t, tlog.Hash(sha256.Sum256(nil)), tree.Root)
}

// In an index that is opened again at several sizes. In a file, there are more than 256 times 256 leaves.
func TestTheTreeGoesOnInAnIndexThatIsOpenedAgain(t *testing.T) {
	big := []int{255, 1, 65_270, 9, 1, 600}
	for name, c := range map[string]struct {
		place func() string
		sizes []int
	}{
		"SQLite":     {func() string { return filepath.Join(t.TempDir(), "index.db") }, big},
		"PostgreSQL": {func() string { return indextest.PostgresURL(t) }, thorough.Of([]int{255, 1, 270, 1}, big)},
	} {
		t.Run(name, func(t *testing.T) {
			l, where := recorded(t, c.sizes...), c.place()
			for at := range l.Blocks {
				ix, err := stores.Open(where)
				require.NoError(t, err)
				require.NoError(t, ix.Connect(t.Context()))
				require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks[:at+1]))
				ids := recordings(t, l.Blocks[:at+1])
				tree, err := ix.Tree(t.Context(), index.Latest)
				require.NoError(t, err)
				require.EqualValues(t, len(ids), tree.Size)
				require.Equal(t, rootOf(t, ids), tree.Root, "as of block %d", at)
				require.NoError(t, ix.Close())
			}
		})
	}
}
