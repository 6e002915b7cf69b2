package index_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/index/stores"
)

// follow makes a ledger and an index that follows it.
func follow(t testing.TB) (*indextest.Ledger, *index.Index) {
	l, ix := indextest.New(t), indextest.Open(t)
	require.NoError(t, ix.Apply(t.Context(), l.Blocks[0]))
	l.Follower = ix
	return l, ix
}

func fingerprint(t testing.TB, ix *index.Index) string {
	t.Helper()
	f, err := ix.Fingerprint(t.Context())
	require.NoError(t, err)
	return f
}

func TestARebuiltIndexIsEqual(t *testing.T) {
	l := indextest.Mixed(t)
	one := indextest.Open(t)
	for _, b := range l.Blocks {
		require.NoError(t, one.Apply(t.Context(), b))
	}
	want := fingerprint(t, one)

	t.Run("in one batch", func(t *testing.T) {
		ix := indextest.Open(t)
		require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
		require.Equal(t, want, fingerprint(t, ix))
	})
	t.Run("after a reset", func(t *testing.T) {
		require.NoError(t, one.Reset(t.Context()))
		require.Zero(t, one.Height())
		require.NoError(t, one.ApplyAll(t.Context(), l.Blocks[:2]))
		require.NoError(t, one.ApplyAll(t.Context(), l.Blocks[2:]))
		require.Equal(t, want, fingerprint(t, one))
	})
	t.Run("in any batches, closed and opened between them", func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) {
			path := filepath.Join(t.TempDir(), "i.db")
			rest := l.Blocks
			for len(rest) > 0 {
				ix, err := stores.Open(path)
				require.NoError(t, err)
				n := rapid.IntRange(1, len(rest)).Draw(r, "blocks")
				require.NoError(t, ix.ApplyAll(t.Context(), rest[:n]))
				if rest = rest[n:]; len(rest) == 0 {
					require.Equal(t, want, fingerprint(t, ix))
				}
				require.NoError(t, ix.Close())
			}
		})
	})
	t.Run("and an index of other blocks is not", func(t *testing.T) {
		ix := indextest.Open(t)
		require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks[:5]))
		require.NotEqual(t, want, fingerprint(t, ix))
	})
}

func TestBlocksThatDoNotFollowAreRefused(t *testing.T) {
	l, other := indextest.Mixed(t), indextest.New(t)
	for range 7 {
		other.Put("Market", indextest.Seen(t, 5))
	}
	for _, test := range []struct {
		name   string
		blocks []index.Block
		is     func(error) bool
		says   string
	}{
		{"a gap", l.Blocks[4:5], is[*index.GapError], "wants block 3 next, not block 4"},
		{"a gap inside a batch", []index.Block{l.Blocks[3], l.Blocks[5]}, is[*index.GapError], "wants block 4 next, not block 5"},
		{"another ledger's next block", other.Blocks[3:4], is[*index.OtherLedgerError], "another ledger"},
		{"another ledger's old block", other.Blocks[1:2], is[*index.OtherLedgerError], "another ledger"},
		{"a block without a hash", []index.Block{{Number: 3, PreviousHash: l.Blocks[2].Hash}}, func(error) bool { return true }, "has no hash"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ix := indextest.Open(t)
			require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks[:3]))
			before := fingerprint(t, ix)
			err := ix.ApplyAll(t.Context(), test.blocks)
			require.ErrorContains(t, err, test.says)
			require.True(t, test.is(err), "%T", err)
			require.Equal(t, before, fingerprint(t, ix), "nothing changed")
			require.EqualValues(t, 3, ix.Height())
			require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks), "the right blocks still go in")
		})
	}
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func TestABlockAppliedTwiceChangesNothing(t *testing.T) {
	l, ix := indextest.Mixed(t), indextest.Open(t)
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	before := fingerprint(t, ix)
	require.NoError(t, ix.Apply(t.Context(), l.Blocks[2]))
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	require.Equal(t, before, fingerprint(t, ix))
	require.Equal(t, l.Blocks[len(l.Blocks)-1].Hash, ix.LastHash())
}

func TestAnIndexBelongsToOneLedger(t *testing.T) {
	l, ix := indextest.Mixed(t), indextest.Open(t)
	require.NoError(t, ix.CheckLedger(t.Context(), []byte("any")), "an empty index belongs to nobody")
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	require.NoError(t, ix.CheckLedger(t.Context(), l.Blocks[0].Hash))
	hash, err := ix.BlockHash(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, l.Blocks[0].Hash, hash)
	hash, err = ix.BlockHash(t.Context(), 1_000)
	require.NoError(t, err)
	require.Nil(t, hash)
	require.True(t, is[*index.OtherLedgerError](ix.CheckLedger(t.Context(), []byte("other"))))
}

func TestRecordsThatCannotBeReadDoNotStopTheIndex(t *testing.T) {
	l, ix := follow(t)
	bodies := [][]byte{[]byte(`{"record":"event/2"}`), []byte(`not JSON`), indextest.Seen(t, 1).Body}
	l.SubmitBodies("Harbor", 0, bodies...)
	l.Cut()
	for _, body := range bodies {
		r, err := ix.Record(t.Context(), string(record.Sum(body)), index.Latest)
		require.NoError(t, err)
		require.Equal(t, body, r.Body)
	}
	r, err := ix.Record(t.Context(), string(record.Sum(bodies[0])), index.Latest)
	require.NoError(t, err)
	require.Empty(t, r.Noun)

	damaged := index.Block{Number: l.Height() + 1, Hash: []byte{1}, PreviousHash: ix.LastHash(),
		Transactions: []index.Transaction{{ID: "x", Packs: [][]byte{[]byte("no zstd")}}}}
	require.NoError(t, ix.Apply(t.Context(), damaged))
	tx, err := ix.Transaction(t.Context(), "x", index.Latest)
	require.NoError(t, err)
	require.Empty(t, tx.Records)
}
