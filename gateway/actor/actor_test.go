package actor

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/kept"
)

func TestMain(m *testing.M) { indextest.Main(m) }

const ann, erp = "oidc:https://issuer.example#ann", "erp"

// stores opens a place twice, as two processes do, in each kind of database.
func stores(t *testing.T, test func(t *testing.T, open func(msp string) *Store)) {
	in := func(place string) func(t *testing.T) {
		return func(t *testing.T) {
			test(t, func(msp string) *Store {
				db, err := kept.Open(place, Tables...)
				require.NoError(t, err)
				t.Cleanup(func() { assert.NoError(t, db.Close()) })
				return NewStore(db, msp)
			})
		}
	}
	t.Run("in a file", in(filepath.Join(t.TempDir(), "kept.db")))
	t.Run("in PostgreSQL", func(t *testing.T) { in(indextest.PostgresURL(t))(t) })
}

func TestARecordLeadsToWhoHadItRecorded(t *testing.T) {
	stores(t, func(t *testing.T, open func(string) *Store) {
		one, two := open("LabMSP"), open("LabMSP")
		require.NoError(t, one.Know(t.Context(), ann, "Ann", "person"))
		require.NoError(t, two.Know(t.Context(), erp, "erp", "machine"))
		require.NoError(t, one.Note(t.Context(), "tx1", []string{ann, erp, ann, ann, "unheard of"}))
		require.NoError(t, two.Note(t.Context(), "tx1", []string{ann, erp, ann, ann, "unheard of"}), "it is noted once")
		for line, want := range []string{ann, erp, ann, ann, "unheard of"} {
			a, err := two.Of(t.Context(), "tx1", line)
			require.NoError(t, err)
			require.NotNil(t, a, line)
			assert.Equal(t, want, a.ID)
			assert.Regexp(t, `^p-[a-z2-7]{16}$`, a.Pseudonym)
			assert.Len(t, a.Pseudonym, MaxPseudonym)
		}
		for tx, line := range map[string]int{"tx1": 5, "tx2": 0} {
			a, err := one.Of(t.Context(), tx, line)
			require.NoError(t, err)
			assert.Nil(t, a)
		}
		a, err := open("HarborMSP").Of(t.Context(), "tx1", 0)
		require.NoError(t, err)
		assert.Nil(t, a, "it is another organisation's")
		require.NoError(t, two.Know(t.Context(), ann, "Ann Lovelace", "person"))
		a, err = one.Of(t.Context(), "tx1", 2)
		require.NoError(t, err)
		assert.Equal(t, []string{"Ann Lovelace", "person"}, []string{a.Name, a.Kind})
	})
}

func TestANameIsWrittenDownOnceTheDatabaseIsBack(t *testing.T) {
	server := indextest.StartPostgres(t)
	server.Stop(t)
	db, err := kept.Open(server.URL("lab"), Tables...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	s := NewStore(db, "LabMSP")
	for range 2 {
		require.ErrorIs(t, s.Know(t.Context(), ann, "Ann", "person"), kept.ErrUnavailable)
	}
	server.Start(t)
	require.NoError(t, s.Note(t.Context(), "tx1", []string{ann}))
	a, err := s.Of(t.Context(), "tx1", 0)
	require.NoError(t, err)
	assert.Equal(t, []string{ann, "Ann", "person"}, []string{a.ID, a.Name, a.Kind})
}

func TestWhoIsForgottenStaysAPseudonymForGood(t *testing.T) {
	stores(t, func(t *testing.T, open func(string) *Store) {
		one, two := open("LabMSP"), open("LabMSP")
		for _, s := range []*Store{one, two} {
			require.NoError(t, s.Know(t.Context(), ann, "Ann", "person"))
		}
		require.NoError(t, one.Note(t.Context(), "tx1", []string{ann}))
		before, err := one.Of(t.Context(), "tx1", 0)
		require.NoError(t, err)
		forgotten, err := two.Forget(t.Context(), before.Pseudonym)
		require.NoError(t, err)
		assert.Empty(t, forgotten.ID+forgotten.Name)
		assert.NotZero(t, forgotten.Forgotten)
		again, err := one.Forget(t.Context(), before.Pseudonym)
		require.NoError(t, err)
		assert.Equal(t, forgotten, again)
		after, err := one.Of(t.Context(), "tx1", 0)
		require.NoError(t, err)
		assert.Equal(t, forgotten, after)

		require.NoError(t, one.Know(t.Context(), ann, "Ann", "person"))
		require.NoError(t, one.Note(t.Context(), "tx2", []string{ann}))
		later, err := two.Of(t.Context(), "tx2", 0)
		require.NoError(t, err)
		assert.NotEqual(t, before.Pseudonym, later.Pseudonym, "nothing leads from one to the other")
		assert.Equal(t, "Ann", later.Name)
		_, err = one.Forget(t.Context(), "p-aaaaaaaaaaaaaaaa")
		assert.ErrorIs(t, err, ErrUnknown)
		_, err = open("HarborMSP").Forget(t.Context(), later.Pseudonym)
		assert.ErrorIs(t, err, ErrUnknown, "another organisation can't")
	})
}

func TestActorsAreListedInPages(t *testing.T) {
	stores(t, func(t *testing.T, open func(string) *Store) {
		s := open("LabMSP")
		s.now = func() time.Time { return time.Unix(1_800_000_000, 0) }
		for i := range 5 {
			require.NoError(t, s.Know(t.Context(), fmt.Sprint(i), fmt.Sprint("name ", i), "person"))
		}
		seen := map[string]bool{}
		for after := ""; ; {
			page, err := s.List(t.Context(), after, 2)
			require.NoError(t, err)
			for _, a := range page {
				assert.Greater(t, a.Pseudonym, after)
				after = a.Pseudonym
				seen[a.ID] = true
				one, err := s.Get(t.Context(), a.Pseudonym)
				require.NoError(t, err)
				assert.Equal(t, a, one)
			}
			if len(page) < 2 {
				break
			}
		}
		assert.Len(t, seen, 5)
		_, err := s.Get(t.Context(), "p-none")
		assert.ErrorIs(t, err, ErrUnknown)
	})
}

func TestRangesHaveTheNumbersAndNoOthers(t *testing.T) {
	assert.Equal(t, "0-3,7,9-10", ranges([]int{0, 1, 2, 3, 7, 9, 10}))
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOfN(rapid.Bool(), 1, 40).Draw(t, "in")
		var numbers []int
		for n, has := range in {
			if has {
				numbers = append(numbers, n)
			}
		}
		text := ranges(numbers)
		for n, has := range in {
			if within(text, n) != has {
				t.Fatalf("%v as %q, %d", numbers, text, n)
			}
		}
	})
}
