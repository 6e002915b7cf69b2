package index

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// openKeys opens the keys of a new file.
func openKeys(t *testing.T) *sqliteStore {
	s := &sqliteStore{path: filepath.Join(t.TempDir(), "index.db")}
	_, err := s.prepare(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	return s
}

func (s *sqliteStore) addPairs(t *testing.T, pairs []pair) {
	require.NoError(t, s.write(t.Context(), tip{}, func(tables tables) error { return tables.add(slices.Clone(pairs)) }))
}

func TestNamesAreFoundInWhateverRunTheyLie(t *testing.T) {
	s := openKeys(t)
	random := rand.New(rand.NewPCG(1, 2))
	ids := map[uint64][]int64{}
	var hashes []uint64
	for batch := range 3 * runFactor * runFactor {
		pairs := make([]pair, random.IntN(2*chunkPairs))
		for i := range pairs {
			// Few enough hashes for some to come again, in the same run and in others.
			pairs[i] = pair{random.Uint64N(1<<17) << 47, int64(batch<<20 + i)}
			ids[pairs[i].hash] = append(ids[pairs[i].hash], pairs[i].id)
		}
		s.addPairs(t, pairs)
	}
	for hash := range uint64(1 << 17) {
		hashes = append(hashes, hash<<47)
	}
	check := func(set *keySet) {
		found, err := s.pairs(t.Context(), slices.Clone(hashes))
		require.NoError(t, err)
		got := map[uint64][]int64{}
		for _, p := range found {
			got[p.hash] = append(got[p.hash], p.id)
		}
		for hash := range got {
			slices.Sort(got[hash])
			require.True(t, set.may(hash), "a filter denies a hash that is there")
		}
		require.Equal(t, ids, got)
		byLevel := map[int]int{}
		for _, r := range set.runs {
			byLevel[r.level]++
			require.Less(t, byLevel[r.level], runFactor)
		}
	}
	check(s.keys.Load())

	again, err := s.readKeys(t.Context())
	require.NoError(t, err)
	require.Equal(t, s.keys.Load(), again, "what is in memory can be read again from the file")
}

func TestFiltersDenyAlmostAllHashesThatAreNotThere(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	f := newFilter(10_000)
	for range 10_000 {
		f.add(random.Uint64())
	}
	wrong := 0
	for range 10_000 {
		if f.has(random.Uint64()) {
			wrong++
		}
	}
	require.Less(t, wrong, 200)
}

func TestPackedLinksAreReadAsTheyWere(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		links := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) Link {
			return Link{
				Record: rapid.Int64Range(1, 1<<40).Draw(r, "record"), Role: Role(rapid.IntRange(1, 50).Draw(r, "role")),
				Node: rapid.Int64Range(1, 1<<40).Draw(r, "node"), Time: rapid.Int64().Draw(r, "time"), Amount: rapid.String().Draw(r, "amount"),
			}
		}), 1, 20).Draw(r, "links")
		of := slices.Clone(links)
		for i := range of {
			of[i].Record, of[i].Time = 7, 9
		}
		got, err := unpackLinksOf(nil, 7, 9, string(appendLinksOf(nil, of)))
		require.NoError(t, err)
		require.Equal(t, of, got)

		to := slices.Clone(links)
		for i := range to {
			to[i].Node = 5
		}
		slices.SortStableFunc(to, func(a, b Link) int { return int(a.Record - b.Record) })
		packed := appendLinksTo(nil, to)
		got, err = unpackLinksTo(nil, 5, 1<<40, packed)
		require.NoError(t, err)
		require.Equal(t, to, got)

		last := to[len(to)/2].Record
		got, err = unpackLinksTo(nil, 5, last, packed)
		require.NoError(t, err)
		require.Equal(t, slices.DeleteFunc(slices.Clone(to), func(l Link) bool { return l.Record > last }), got, "none of later records")
	})
}

func TestDamagedLinksAreAnErrorAndNoPanic(t *testing.T) {
	for _, data := range []string{"\x01", "\x01\x02", "\x01\x02\x7f", "\x01\xff", "\x01\x02\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		_, err := unpackLinksOf(nil, 1, 1, data)
		require.ErrorIs(t, err, errLinks, "%q", data)
		_, err = unpackLinksTo(nil, 1, 1<<40, data)
		require.ErrorIs(t, err, errLinks, "%q", data)
	}
	rapid.Check(t, func(r *rapid.T) {
		data := string(rapid.SliceOf(rapid.Byte()).Draw(r, "data"))
		_, _ = unpackLinksOf(nil, 1, 1, data)
		_, _ = unpackLinksTo(nil, 1, 1<<40, data)
	})
}
