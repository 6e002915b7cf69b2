package state

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

// commit writes a block of keys of its own, a megabyte of them.
func commit(s *Store) error {
	number := s.progress.Next
	b := s.NewBatch()
	for i := range uint64(1024) {
		b.Put("ns", fmt.Sprintf("%d/%d", number, i), make([]byte, largeValue-1), Version{Block: number, Tx: i})
	}
	return s.Commit(b, Progress{Next: number + 1})
}

func TestADiskThatRefusesWritesIsAnError(t *testing.T) {
	errFull := errors.New("no space left on the device")
	for _, refused := range []string{"", ".sst", "MANIFEST"} {
		t.Run(refused, func(t *testing.T) {
			var full atomic.Bool
			fs := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if full.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, refused) {
					return errFull
				}
				return nil
			}))
			s, err := open(t.TempDir(), fs)
			require.NoError(t, err)
			require.NoError(t, commit(s))
			full.Store(true)
			for range 2 * syncEvery >> 20 {
				if err = commit(s); err != nil {
					break
				}
			}
			require.ErrorIs(t, err, errFull)
			require.ErrorIs(t, commit(s), errFull, "and so does every later write")
			require.ErrorIs(t, s.Close(), errFull)
		})
	}
}

func TestACrashLeavesTheStateAfterAnEarlierBlock(t *testing.T) {
	disk := vfs.NewCrashableMem()
	dir := t.TempDir()
	s, err := open(dir, disk)
	require.NoError(t, err)
	for range 8 {
		require.NoError(t, commit(s))
	}
	require.NoError(t, s.sync())
	synced := s.Progress().Next
	for range 40 { // more than the database's memory holds
		require.NoError(t, commit(s))
	}
	before := s.Progress().Next
	for _, kept := range []int{0, 50} { // percent of what the disk was not waited for
		crashed := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(1, 2))})
		after, err := open(dir, crashed)
		require.NoError(t, err)
		next := after.Progress().Next
		require.LessOrEqual(t, next, before)
		require.GreaterOrEqual(t, next, synced)
		for number := range before {
			for _, i := range []uint64{0, 1023} {
				v, ok, err := after.Version("ns", fmt.Sprintf("%d/%d", number, i))
				require.NoError(t, err)
				require.Equal(t, number < next, ok, "block %d of %d", number, next)
				if ok {
					require.Equal(t, Version{Block: number, Tx: i}, v)
				}
			}
		}
		require.NoError(t, after.Close())
	}
	require.NoError(t, s.Close())
}
