package index_test

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// follow makes a ledger and an index that follows it.
func follow(t testing.TB) (*indextest.Ledger, *index.Index) {
	l, ix := indextest.New(t), indextest.Open(t)
	require.NoError(t, ix.Apply(t.Context(), l.Blocks[0]))
	l.Follower = ix
	return l, ix
}

func seen(t testing.TB, n int) *record.Record {
	return indextest.Event(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-01T08:%02d:00Z","action":"OBSERVE","bizStep":"shipping","epcList":["urn:epc:id:sgtin:9521234.054321.%d"]}`, n%60, n))
}

// mixed is a ledger with something of everything.
func mixed(t testing.TB) *indextest.Ledger {
	l := indextest.New(t)
	first := seen(t, 1)
	l.Submit("Harbor", indextest.Member(t, `{"mspId":"HarborMSP","name":"Harbor","namespaces":["harbor"]}`))
	l.Submit("Lab", indextest.Member(t, `{"mspId":"LabMSP","name":"Lab","namespaces":["lab"]}`))
	l.Cut()
	l.Submit("Harbor", first, seen(t, 2))
	l.Submit("Market", first)
	l.SubmitAs("Market", 11, seen(t, 99))
	l.Cut()
	l.Submit("Lab", indextest.Activity(t, `{"type":"training","used":[{"ref":"dataset/lab/d@1"}],"generated":[{"ref":"model/lab/m@1","from":["dataset/lab/d@1"]}]}`),
		indextest.Artifact(t, "dataset/lab/d@1", string(first.ID)), indextest.Artifact(t, "model/lab/m@1"))
	l.Cut()
	l.Submit("Lab", indextest.Statement(t, "recall", `{"reason":"bad"}`, "dataset/lab/d@1", string(first.ID)))
	l.Cut()
	l.Cut() // an empty block
	l.Submit("Harbor", seen(t, 3), indextest.Event(t, `{"type":"AggregationEvent","eventTime":"2026-03-02T08:00:00Z","action":"ADD","parentID":"urn:epc:id:sscc:9521234.0000000001","childEPCs":["urn:epc:id:sgtin:9521234.054321.1"],"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9521234000013:1"}]}`))
	l.Cut()
	return l
}

func fingerprint(t testing.TB, ix *index.Index) string {
	t.Helper()
	f, err := ix.Fingerprint(t.Context())
	require.NoError(t, err)
	return f
}

func TestARebuiltIndexIsEqual(t *testing.T) {
	l := mixed(t)
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
				ix, err := index.Open(path)
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
	l, other := mixed(t), indextest.New(t)
	for range 7 {
		other.Put("Market", seen(t, 5))
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
	l, ix := mixed(t), indextest.Open(t)
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	before := fingerprint(t, ix)
	require.NoError(t, ix.Apply(t.Context(), l.Blocks[2]))
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	require.Equal(t, before, fingerprint(t, ix))
	require.Equal(t, l.Blocks[len(l.Blocks)-1].Hash, ix.LastHash())
}

func TestAnIndexBelongsToOneLedger(t *testing.T) {
	l, ix := mixed(t), indextest.Open(t)
	require.NoError(t, ix.Bind(t.Context(), []byte("any")), "an empty index belongs to nobody")
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	require.NoError(t, ix.Bind(t.Context(), l.Blocks[0].Hash))
	require.True(t, is[*index.OtherLedgerError](ix.Bind(t.Context(), []byte("other"))))
}

func TestFilesAtOpen(t *testing.T) {
	quiet := index.WithLogger(slog.New(slog.DiscardHandler))
	t.Run("an index of another version is built again, and says so", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "i.db")
		l := mixed(t)
		ix, err := index.Open(path)
		require.NoError(t, err)
		require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
		require.Empty(t, ix.Rebuilding())
		want := fingerprint(t, ix)
		require.NoError(t, ix.Close())
		execute(t, path, "PRAGMA user_version = 77")

		ix, err = index.Open(path, quiet)
		require.NoError(t, err)
		require.Contains(t, ix.Rebuilding(), "schema 77")
		require.Zero(t, ix.Height())
		require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
		require.Equal(t, want, fingerprint(t, ix))
		require.NoError(t, ix.Close())
	})
	t.Run("somebody else's database is left alone", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "i.db")
		execute(t, path, "CREATE TABLE precious (x)")
		_, err := index.Open(path, quiet)
		require.ErrorContains(t, err, "not an index of Pedigree")
		require.FileExists(t, path)
	})
	t.Run("a file that is no database is set aside, and nothing of it is lost", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "i.db")
		require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("precious\n", 1000)), 0o600))
		ix, err := index.Open(path, quiet)
		require.NoError(t, err)
		require.NoError(t, ix.Close())
		kept, err := os.ReadFile(path + ".broken")
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(kept), "precious"))
	})
	t.Run("a folder's name may have marks that mean something in URLs", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a?b#c%20d é", "i.db")
		ix, err := index.Open(path, quiet)
		require.NoError(t, err)
		require.NoError(t, ix.Close())
		require.FileExists(t, path)
	})
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(statement)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestRecordsThatCannotBeReadDoNotStopTheIndex(t *testing.T) {
	l, ix := follow(t)
	bodies := [][]byte{[]byte(`{"record":"event/2"}`), []byte(`not JSON`), seen(t, 1).Body}
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

	damaged := index.Block{Number: l.Height() + 1, Hash: []byte{1}, PreviousHash: ix.LastHash(), Transactions: []index.Transaction{{ID: "x", Packs: [][]byte{[]byte("no zstd")}}}}
	require.NoError(t, ix.Apply(t.Context(), damaged))
	tx, err := ix.Transaction(t.Context(), "x", index.Latest)
	require.NoError(t, err)
	require.Empty(t, tx.Records)
}
