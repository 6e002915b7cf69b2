package folder_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder/foldertest"
)

// cached hashes a folder with a cache, as if it had been left alone for long, and tells how many digests were reused.
func cached(t *testing.T, dir string, c *folder.Cache) (manifest.Manifest, int) {
	t.Helper()
	f := foldertest.Open(t, dir)
	f.Age(time.Hour)
	var last folder.Progress
	m, err := f.Manifest(t.Context(), folder.Hashing{Cache: c, Notice: func(p folder.Progress) { last = p }})
	require.NoError(t, err)
	assert.Equal(t, last.AllFiles, last.Files)
	assert.Equal(t, last.AllBytes, last.Bytes)
	return m, last.Reused
}

// tick waits until the file system's clock has moved on: what is written within one tick bears one time, which is why a
// cache doesn't believe young files, and which [folder.Folder.Age] keeps from it.
func tick(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clock")
	written := func() time.Time {
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		info, err := os.Stat(path)
		require.NoError(t, err)
		return info.ModTime()
	}
	for first := written(); !written().After(first); {
		require.NoError(t, t.Context().Err())
	}
}

func TestUnchangedFilesAreNotReadAgain(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"a": "1", "b": "2", "sub/c": "3"})
	cache := folder.NewCache(filepath.Join(t.TempDir(), "digests"))
	first, reused := cached(t, dir, cache)
	assert.Zero(t, reused)
	assert.Equal(t, hashed(t, dir), first)

	again, reused := cached(t, dir, cache)
	assert.Equal(t, 3, reused)
	assert.Equal(t, first, again)

	tick(t)
	foldertest.Put(t, dir, "b", "X") // of the same size
	foldertest.Put(t, dir, "new", "n")
	require.NoError(t, os.Remove(filepath.Join(dir, "a")))
	changed, reused := cached(t, dir, cache)
	assert.Equal(t, 1, reused, "sub/c alone")
	assert.Equal(t, hashed(t, dir), changed)
}

func TestAChangeThatRestoresSizeAndTimeIsFound(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"a": "1"})
	cache := folder.NewCache(t.TempDir())
	cached(t, dir, cache)
	info, err := os.Stat(filepath.Join(dir, "a"))
	require.NoError(t, err)
	tick(t)
	foldertest.Put(t, dir, "a", "2")
	require.NoError(t, os.Chtimes(filepath.Join(dir, "a"), info.ModTime(), info.ModTime()))
	m, reused := cached(t, dir, cache)
	assert.Zero(t, reused, "ctime can't be set back")
	assert.Equal(t, sum("2"), m.Files[0].SHA256)
}

func TestAFileThatWasJustWrittenIsNotRemembered(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"a": "1"})
	cache := folder.NewCache(t.TempDir())
	for range 2 {
		f := foldertest.Open(t, dir)
		var last folder.Progress
		_, err := f.Manifest(t.Context(), folder.Hashing{Cache: cache, Notice: func(p folder.Progress) { last = p }})
		require.NoError(t, err)
		assert.Zero(t, last.Reused, "a second write in the same tick of the clock would not be seen")
	}
}

func TestADamagedCacheIsNoCache(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"a": "1", "b": "2"})
	place := t.TempDir()
	cache := folder.NewCache(place)
	cached(t, dir, cache)
	files, err := filepath.Glob(filepath.Join(place, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	good, err := os.ReadFile(files[0])
	require.NoError(t, err)
	want := hashed(t, dir)
	for at := range good {
		bad := append([]byte(nil), good...)
		bad[at] ^= 1
		require.NoError(t, os.WriteFile(files[0], bad, 0o600))
		m, reused := cached(t, dir, cache)
		require.Zero(t, reused)
		require.Equal(t, want, m)
	}
	for _, short := range [][]byte{nil, good[:10], good[:len(good)-1]} {
		require.NoError(t, os.WriteFile(files[0], short, 0o600))
		_, reused := cached(t, dir, cache)
		assert.Zero(t, reused)
	}
}

func TestACacheThatCantBeWrittenDoesntMatter(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"a": "1"})
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	m, _ := cached(t, dir, folder.NewCache(filepath.Join(file, "digests")))
	assert.Equal(t, hashed(t, dir), m)
}

func TestWhatNobodyUsesIsForgotten(t *testing.T) {
	place := t.TempDir()
	old := filepath.Join(place, "old")
	require.NoError(t, os.WriteFile(old, nil, 0o600))
	long := time.Now().Add(-200 * 24 * time.Hour)
	require.NoError(t, os.Chtimes(old, long, long))
	cached(t, foldertest.Fill(t, map[string]string{"a": "1"}), folder.NewCache(place))
	assert.NoFileExists(t, old)
}

func TestVerifyingReadsEverything(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"a": "1"})
	cache := folder.NewCache(t.TempDir())
	want, _ := cached(t, dir, cache)
	f := foldertest.Open(t, dir)
	f.Age(time.Hour)
	var last folder.Progress
	_, err := f.Against(t.Context(), want, folder.Hashing{Cache: cache, Notice: func(p folder.Progress) { last = p }})
	require.NoError(t, err)
	assert.Zero(t, last.Reused)
}
