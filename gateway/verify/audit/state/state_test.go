package state_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
)

func open(t *testing.T, dir string) *state.Store {
	s, err := state.Open(dir)
	require.NoError(t, err)
	return s
}

func commit(t *testing.T, s *state.Store, p state.Progress, fill func(*state.Batch)) {
	b := s.NewBatch()
	fill(b)
	require.NoError(t, s.Commit(b, p))
}

var large = bytes.Repeat([]byte("pack"), 10_000)

func TestWhatIsCommittedIsThereAfterwards(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	hash := bytes.Repeat([]byte{7}, 32)
	commit(t, s, state.Progress{Channel: "c", Next: 1, Last: hash}, func(b *state.Batch) {
		b.Put("ns", "small", []byte("v"), state.Version{Block: 3, Tx: 4})
		b.Put("ns", "large", large, state.Version{Block: 300, Tx: 0})
		b.Put("ns", "gone", []byte("x"), state.Version{})
		b.PutHash("ns", "coll", []byte("hash"), state.Version{Block: 5, Tx: 6})
		b.Use("tx")
		b.Block(0, hash, []byte{0, 11})
		b.Config(0, []byte("genesis"))
		b.Found([]byte("one"))
	})
	commit(t, s, state.Progress{Channel: "c", Next: 2}, func(b *state.Batch) {
		b.Delete("ns", "gone")
		b.Found([]byte("two"))
		b.Put("other", "large", append([]byte("2"), large...), state.Version{Block: 1})
	})
	for range 2 {
		for key, want := range map[string][]byte{"small": []byte("v"), "large": large} {
			value, _, ok, err := s.Get("ns", key)
			require.NoError(t, err)
			assert.True(t, ok)
			assert.Equal(t, want, value)
		}
		v, ok, err := s.Version("ns", "large")
		require.NoError(t, err)
		assert.True(t, ok)
		assert.Equal(t, state.Version{Block: 300}, v)
		_, ok, err = s.Version("ns", "gone")
		require.NoError(t, err)
		assert.False(t, ok)
		_, _, ok, err = s.Get("n", "ssmall")
		require.NoError(t, err)
		assert.False(t, ok, "namespaces are kept apart")
		v, ok, err = s.HashVersion("ns", "coll", []byte("hash"))
		require.NoError(t, err)
		assert.True(t, ok)
		assert.Equal(t, state.Version{Block: 5, Tx: 6}, v)
		for id, want := range map[string]bool{"tx": true, "t": false, "txx": false} {
			used, err := s.HasTx(id)
			require.NoError(t, err)
			assert.Equal(t, want, used, id)
		}
		got, codes, err := s.Block(0)
		require.NoError(t, err)
		assert.Equal(t, hash, got)
		assert.Equal(t, []byte{0, 11}, codes)
		got, _, err = s.Block(1)
		require.NoError(t, err)
		assert.Nil(t, got)
		found, err := s.Findings()
		require.NoError(t, err)
		assert.Equal(t, [][]byte{[]byte("one"), []byte("two")}, found)
		configs, err := s.Configs()
		require.NoError(t, err)
		assert.Equal(t, [][]byte{[]byte("genesis")}, configs)
		assert.EqualValues(t, 2, s.Progress().Next)
		require.NoError(t, s.Close())
		s = open(t, dir)
	}
	require.NoError(t, s.Close())
}

func TestARangeHasTheKeysFromItsStartToBeforeItsEnd(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	commit(t, s, state.Progress{}, func(b *state.Batch) {
		for i, key := range []string{"a", "b", "c", "d"} {
			b.Put("ns", key, []byte(key), state.Version{Block: uint64(i)})
		}
		b.Put("ns2", "b", nil, state.Version{})
		b.Put("n", "z", nil, state.Version{})
	})
	for _, c := range []struct {
		start, end string
		want       []string
	}{{"b", "d", []string{"b", "c"}}, {"", "", []string{"a", "b", "c", "d"}}, {"c", "", []string{"c", "d"}}, {"e", "", nil}, {"a", "a", nil}} {
		var keys []string
		require.NoError(t, s.Range("ns", c.start, c.end, func(r state.Row, value func() ([]byte, error)) bool {
			keys = append(keys, r.Key)
			v, err := value()
			require.NoError(t, err)
			assert.Equal(t, r.Key, string(v))
			return true
		}))
		assert.Equal(t, c.want, keys)
	}
}

func TestAStateThatCantBeGoneOnWithIsRefused(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"values that are missing": func(dir string) error { return os.Truncate(filepath.Join(dir, "values.log"), 100) },
		"values that are others": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "values.log"), make([]byte, len(large)), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			commit(t, s, state.Progress{Next: 1}, func(b *state.Batch) { b.Put("ns", "k", large, state.Version{}) })
			require.NoError(t, s.Close())
			require.NoError(t, damage(dir))
			s, err := state.Open(dir)
			if err == nil {
				_, _, _, err = s.Get("ns", "k")
				require.NoError(t, s.Close())
			}
			assert.ErrorIs(t, err, state.ErrDamaged)
		})
	}
	t.Run("of a former version, with a LevelDB database", func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "keys"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "keys", "CURRENT"), []byte("MANIFEST-000000\n"), 0o600))
		_, err := state.Open(dir)
		assert.ErrorContains(t, err, `has the format "pedigree-audit-state/1"`)
		assert.ErrorContains(t, err, "remove the folder and start again")
		require.NoDirExists(t, filepath.Join(dir, "pebble"), "nothing was begun beside it")
		require.NoError(t, os.RemoveAll(dir))
		s := open(t, dir)
		assert.Zero(t, s.Progress().Next)
		require.NoError(t, s.Close())
	})
	t.Run("while another has it", func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, dir)
		defer s.Close()
		_, err := state.Open(dir)
		assert.ErrorContains(t, err, "is another audit using it?")
	})
}

func TestWhatWasWrittenForABlockThatNeverWasIsForgotten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	commit(t, s, state.Progress{Next: 1}, func(b *state.Batch) { b.Put("ns", "k", large, state.Version{}) })
	require.NoError(t, s.Close())
	file, err := os.OpenFile(filepath.Join(dir, "values.log"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.Write([]byte("rest"))
	require.NoError(t, err)
	require.NoError(t, file.Close())
	s = open(t, dir)
	defer s.Close()
	commit(t, s, state.Progress{Next: 2}, func(b *state.Batch) { b.Put("ns", "l", append([]byte("l"), large...), state.Version{}) })
	value, _, _, err := s.Get("ns", "l")
	require.NoError(t, err)
	assert.Equal(t, append([]byte("l"), large...), value)
}
