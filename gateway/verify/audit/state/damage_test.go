package state

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// began is a state with nothing in it but 100 bytes of values.
func began(t *testing.T) *Store {
	s, err := Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.values.WriteAt(make([]byte, 100), 0)
	require.NoError(t, err)
	s.progress.Values = 100
	return s
}

func TestARowThatCannotBeIsDamage(t *testing.T) {
	s := began(t)
	// row is that of a value in values.log, of version 1 and 2.
	row := func(offset, length uint64, more ...byte) []byte {
		b := binary.AppendUvarint(binary.AppendUvarint([]byte{1, 2, logged}, offset), length)
		return append(binary.BigEndian.AppendUint32(b, crc32.Checksum(make([]byte, min(length, 100)), castagnoli)), more...)
	}
	tooLong := strings.Repeat("\xff", 11)
	for name, c := range map[string]struct {
		stored  string
		version bool // it has one all the same
		value   bool // it has one
	}{
		"a value in the row":                    {"\x01\x02\x00v", true, true},
		"an empty value":                        {"\x01\x02\x00", true, true},
		"a value in the file":                   {string(row(10, 90)), true, true},
		"nothing":                               {"", false, false},
		"half a block number":                   {"\x81", false, false},
		"a block number that is too long":       {tooLong, false, false},
		"no position":                           {"\x01", false, false},
		"half a position":                       {"\x01\x82", false, false},
		"a position that is too long":           {"\x01" + tooLong, false, false},
		"no value":                              {"\x01\x02", true, false},
		"no place in the file":                  {"\x01\x02\x01", true, false},
		"half a place in the file":              {"\x01\x02\x01\x81", true, false},
		"a place that is too long":              {"\x01\x02\x01" + tooLong, true, false},
		"no length":                             {"\x01\x02\x01\x01", true, false},
		"half a length":                         {"\x01\x02\x01\x01\x81", true, false},
		"no checksum":                           {"\x01\x02\x01\x01\x01", true, false},
		"half a checksum":                       {string(row(10, 90)[:7]), true, false},
		"a byte after the checksum":             {string(row(10, 90, 0)), true, false},
		"a place behind the end of the file":    {string(row(101, 0)), true, false},
		"a length behind the end of the file":   {string(row(10, 91)), true, false},
		"a place and a length that wrap around": {string(row(1<<63+10, 1<<63)), true, false},
		"a length that no memory has":           {string(row(10, 1<<62)), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, s.db.Set(publicKey("ns", "k"), []byte(c.stored), pebble.NoSync))
			v, ok, err := s.Version("ns", "k")
			if c.version {
				require.NoError(t, err)
				assert.True(t, ok)
				assert.Equal(t, Version{Block: 1, Tx: 2}, v)
			} else {
				assert.ErrorIs(t, err, ErrDamaged)
				assert.False(t, ok)
			}
			_, _, ok, err = s.Get("ns", "k")
			assert.Equal(t, c.value, ok)
			var inRange error
			rangeErr := s.Range("ns", "", "", func(r Row, value func() ([]byte, error)) bool {
				assert.Equal(t, Row{"k", Version{Block: 1, Tx: 2}}, r)
				_, inRange = value()
				return true
			})
			if c.value {
				require.NoError(t, err)
				require.NoError(t, rangeErr)
				require.NoError(t, inRange)
			} else {
				assert.ErrorIs(t, err, ErrDamaged)
				assert.ErrorIs(t, errors.Join(rangeErr, inRange), ErrDamaged)
			}
		})
	}
	for length, want := range map[int]error{0: ErrDamaged, 31: ErrDamaged, 32: nil, 33: nil} {
		require.NoError(t, s.db.Set(numbered(blockPrefix, 1), make([]byte, length), pebble.NoSync))
		_, codes, err := s.Block(1)
		assert.Equal(t, want, err, "a block of %d bytes", length)
		assert.Len(t, codes, max(0, length-32))
	}
}

func TestAFolderThatIsNoStateIsRefused(t *testing.T) {
	progress := func(text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			s, err := Open(dir)
			require.NoError(t, err)
			require.NoError(t, s.db.Set([]byte(progressKey), []byte(text), pebble.NoSync))
			s.unsynced = 1
			require.NoError(t, s.Close())
		}
	}
	for name, c := range map[string]struct {
		spoil   func(t *testing.T, dir string)
		want    string
		damaged bool
	}{
		"a file": {func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(dir))
			require.NoError(t, os.WriteFile(dir, nil, 0o600))
		}, "couldn't make the folder of the state", false},
		"progress that can't be read": {progress("{"), "", true},
		"another format":              {progress(`{"format":"x/9"}`), `has the format "x/9"`, false},
		"a negative length of values": {progress(`{"format":"` + format + `","values":-1}`), "couldn't open the state", false},
		"values one byte too few": {func(t *testing.T, dir string) {
			s, err := Open(dir)
			require.NoError(t, err)
			b := s.NewBatch()
			b.Put("ns", "k", make([]byte, largeValue), Version{})
			require.NoError(t, s.Commit(b, Progress{}))
			require.NoError(t, s.Close())
			require.NoError(t, os.Truncate(filepath.Join(dir, "values.log"), largeValue-1))
		}, "values.log ends too early", true},
		"a folder in place of the values": {func(t *testing.T, dir string) {
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "values.log"), 0o700))
		}, "couldn't open the state", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			c.spoil(t, dir)
			_, err := Open(dir)
			require.ErrorContains(t, err, c.want)
			assert.Equal(t, c.damaged, errors.Is(err, ErrDamaged), "%v", err)
		})
	}
}

func TestADiskThatRefusesReadsIsAnError(t *testing.T) {
	errBroken := errors.New("the disk is broken")
	var broken atomic.Bool
	s, err := open(t.TempDir(), errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsRead && strings.HasSuffix(op.Path, ".sst") {
			return errBroken
		}
		return nil
	})))
	require.NoError(t, err)
	b := s.NewBatch()
	b.Put("ns", "k", []byte("v"), Version{})
	b.PutHash("ns", "c", []byte("k"), Version{})
	b.Use("tx")
	b.Block(0, make([]byte, 32), nil)
	b.Config(0, []byte("c"))
	b.Found([]byte("f"))
	require.NoError(t, s.Commit(b, Progress{Next: 1}))
	require.NoError(t, s.sync())
	broken.Store(true)
	for name, read := range map[string]func() error{
		"a value":                 func() error { _, _, _, err := s.Get("ns", "k"); return err },
		"a version":               func() error { _, _, err := s.Version("ns", "k"); return err },
		"a private key's version": func() error { _, _, err := s.HashVersion("ns", "c", []byte("k")); return err },
		"a transaction id":        func() error { _, err := s.HasTx("tx"); return err },
		"a block":                 func() error { _, _, err := s.Block(0); return err },
		"configurations":          func() error { _, err := s.Configs(); return err },
		"findings":                func() error { _, err := s.Findings(); return err },
		"a range": func() error {
			return s.Range("ns", "", "", func(Row, func() ([]byte, error)) bool { return true })
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := read()
			assert.ErrorIs(t, err, errBroken)
			assert.ErrorContains(t, err, "couldn't read the state")
		})
	}
	broken.Store(false)
	require.NoError(t, s.Close())
}

func TestAValuesFileThatFailsIsAnError(t *testing.T) {
	s, err := Open(t.TempDir())
	require.NoError(t, err)
	put := func(size int) error {
		b := s.NewBatch()
		b.Put("ns", "k", make([]byte, size), Version{})
		return s.Commit(b, Progress{})
	}
	require.NoError(t, put(largeValue))
	require.NoError(t, s.values.Close())
	_, _, _, err = s.Get("ns", "k")
	require.ErrorIs(t, err, os.ErrClosed)
	require.ErrorContains(t, err, "couldn't read the state")
	require.ErrorIs(t, put(largeValue), os.ErrClosed)
	require.NoError(t, put(1), "it isn't in the file")
	s.unsynced = syncEvery
	require.ErrorIs(t, put(1), os.ErrClosed, "it is time to wait for the disk")
	s.unsynced = 1
	require.ErrorIs(t, s.Close(), os.ErrClosed)
}

func TestTheDiskIsWaitedForWhenMuchWasWritten(t *testing.T) {
	errFull := errors.New("no space left on the device")
	var full atomic.Bool
	s, err := open(t.TempDir(), errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.HasSuffix(op.Path, ".sst") {
			return errFull
		}
		return nil
	})))
	require.NoError(t, err)
	put := func() error {
		b := s.NewBatch()
		b.Put("ns", "k", make([]byte, largeValue), Version{})
		return s.Commit(b, Progress{})
	}
	require.NoError(t, put())
	assert.Greater(t, s.unsynced, int64(largeValue))
	s.unsynced = syncEvery
	require.NoError(t, put())
	assert.Zero(t, s.unsynced)
	require.NoError(t, put())
	full.Store(true)
	require.ErrorIs(t, s.sync(), errFull)
	require.ErrorIs(t, s.Close(), errFull)
	require.ErrorIs(t, s.values.Close(), os.ErrClosed, "the file is closed all the same")
}

func TestAFailureOfTheDatabaseEndsWhatWaitsForIt(t *testing.T) {
	cause := errors.New("cause")
	f := &failure{known: make(chan struct{})}
	require.NoError(t, f.during(func() error { return nil }))
	require.ErrorIs(t, f.during(func() error { return cause }), cause)
	forever := make(chan struct{})
	defer close(forever)
	err := f.during(func() error {
		go f.Fatalf("%w", cause) // it doesn't return
		<-forever
		return nil
	})
	require.ErrorIs(t, err, cause)
	require.ErrorIs(t, f.during(func() error { panic("it is called") }), cause)
}

func TestLargeValuesAreInAFileOfTheirOwn(t *testing.T) {
	s, err := Open(t.TempDir())
	require.NoError(t, err)
	defer s.Close()
	first, second := make([]byte, largeValue), make([]byte, largeValue+1)
	first[0], second[0] = 1, 2
	b := s.NewBatch()
	b.Put("ns", "small", make([]byte, largeValue-1), Version{})
	b.Put("ns", "first", first, Version{})
	b.Put("ns", "second", second, Version{})
	require.NoError(t, s.Commit(b, Progress{}))
	assert.EqualValues(t, len(first)+len(second), s.Progress().Values)
	for key, want := range map[string][]byte{"small": make([]byte, largeValue-1), "first": first, "second": second} {
		value, _, _, err := s.Get("ns", key)
		require.NoError(t, err)
		assert.Equal(t, want, value, key)
	}
}

func TestKeysAreKeptApart(t *testing.T) {
	s, err := Open(t.TempDir())
	require.NoError(t, err)
	defer s.Close()
	b := s.NewBatch()
	b.Put("ns", "a", []byte("v"), Version{Block: 1})
	b.Put("ns", "b", []byte("v"), Version{Block: 2})
	b.Put("ns\x01", "c", []byte("v"), Version{})
	b.PutHash("ns", "coll", []byte("hash"), Version{Block: 3})
	b.PutHash("ns", "gone", []byte("hash"), Version{})
	b.DeleteHash("ns", "gone", []byte("hash"))
	require.NoError(t, s.Commit(b, Progress{}))
	for key, want := range map[string]bool{
		"kns\x00a": true, "kns\x01\x00c": true, "hns\x00coll\x00hash": true, "hns\x00gone\x00hash": false,
	} {
		stored, err := s.get([]byte(key))
		require.NoError(t, err)
		assert.Equal(t, want, stored != nil, "%q", key)
	}
	var all, one []Row
	require.NoError(t, s.Range("ns", "", "", func(r Row, _ func() ([]byte, error)) bool { all = append(all, r); return true }))
	assert.Equal(t, []Row{{"a", Version{Block: 1}}, {"b", Version{Block: 2}}}, all)
	require.NoError(t, s.Range("ns", "", "", func(r Row, _ func() ([]byte, error)) bool { one = append(one, r); return false }))
	assert.Equal(t, all[:1], one)
}
