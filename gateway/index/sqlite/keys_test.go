package sqlite

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// openKeys opens the keys of a new file.
func openKeys(t *testing.T) *Store {
	s := New(filepath.Join(t.TempDir(), "index.db"))
	_, err := s.Prepare(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func (s *Store) addKeys(t *testing.T, keys []projection.Key) {
	require.NoError(t, s.Write(t.Context(), 0, 0, func(tables projection.Tables) error {
		return tables.AddKeys(slices.Clone(keys))
	}))
}

func TestNamesAreFoundInWhateverRunTheyLie(t *testing.T) {
	s := openKeys(t)
	random := rand.New(rand.NewPCG(1, 2))
	ids := map[uint64][]int64{}
	var hashes []uint64
	for batch := range 3 * runFactor * runFactor {
		keys := make([]projection.Key, random.IntN(2*chunkKeys))
		for i := range keys {
			// Few enough hashes for some to come again, in the same run and in others.
			keys[i] = projection.Key{Hash: random.Uint64N(1<<17) << 47, ID: int64(batch<<20 + i)}
			ids[keys[i].Hash] = append(ids[keys[i].Hash], keys[i].ID)
		}
		s.addKeys(t, keys)
	}
	for hash := range uint64(1 << 17) {
		hashes = append(hashes, hash<<47)
	}
	check := func(set *keySet) {
		found, err := s.Keys(t.Context(), slices.Clone(hashes))
		require.NoError(t, err)
		got := map[uint64][]int64{}
		for _, k := range found {
			got[k.Hash] = append(got[k.Hash], k.ID)
		}
		for hash := range got {
			slices.Sort(got[hash])
			require.True(t, set.mayHave(hash), "a filter denies a hash that is there")
		}
		require.Equal(t, ids, got)
		byLevel := map[int]int{}
		for _, r := range set.runs {
			byLevel[r.level]++
			require.Less(t, byLevel[r.level], runFactor)
		}
	}
	check(s.keys.Load())

	again, err := s.file.readKeys(t.Context())
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
