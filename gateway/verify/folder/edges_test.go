package folder_test

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder/foldertest"
)

// named are files whose content is told by their SHA-256, as "a=x".
func named(files ...string) (m manifest.Manifest) {
	for _, f := range files {
		name, content, _ := strings.Cut(f, "=")
		m.Files = append(m.Files, manifest.File{Name: name, Size: 1, SHA256: content})
	}
	return m
}

func TestEveryDifferenceIsFound(t *testing.T) {
	sized := named("a=x")
	sized.Files[0].Size = 2
	whole := manifest.Manifest{Files: []manifest.File{{Name: "a", Size: 1, ShardSize: 1, Shards: []string{"x"}}}}
	other := manifest.Manifest{Files: []manifest.File{{Name: "a", Size: 1, ShardSize: 2, Shards: []string{"x"}}}}
	for name, c := range map[string]struct {
		want, have manifest.Manifest
		found      []string
	}{
		"the last two are missing":           {named("a=x", "b=y", "c=z"), named("a=x"), []string{"missing b", "missing c"}},
		"all are missing":                    {named("a=x"), named(), []string{"missing a"}},
		"the last two are extra":             {named("a=x"), named("a=x", "b=y", "c=z"), []string{"extra b", "extra c"}},
		"all are extra":                      {named(), named("a=x"), []string{"extra a"}},
		"the first is missing":               {named("a=x", "b=y"), named("b=y"), []string{"missing a"}},
		"the first is extra":                 {named("b=y"), named("a=x", "b=y"), []string{"extra a"}},
		"only the sizes differ":              {named("a=x"), sized, []string{"changed a"}},
		"only the sizes of shards differ":    {whole, other, []string{"changed a"}},
		"two twins are renamed":              {named("a=x", "b=x"), named("c=x", "d=x"), []string{"renamed a c", "renamed b d"}},
		"one of two twins is renamed":        {named("a=x", "b=x"), named("c=x"), []string{"renamed a c", "missing b"}},
		"differences are in order of names":  {named("b=x", "c=y", "d=z"), named("a=q", "c=n", "e=z"), []string{"extra a", "missing b", "changed c", "renamed d e"}},
		"a missing one before an extra one":  {named("a=x", "d=y"), named("b=q", "d=y"), []string{"missing a", "extra b"}},
		"an extra one before a missing one":  {named("b=x", "d=y"), named("a=q", "d=y"), []string{"extra a", "missing b"}},
		"an extra one after what is the end": {named("a=x"), named("b=y"), []string{"missing a", "extra b"}},
	} {
		t.Run(name, func(t *testing.T) {
			var found []string
			for _, d := range folder.Compare(c.want, c.have) {
				found = append(found, strings.TrimSpace(d.Kind+" "+d.Name+" "+d.To))
			}
			assert.Equal(t, c.found, found)
		})
	}
}

func TestASnapshotWithoutAFolderOfBlobsIsAFolder(t *testing.T) {
	in := func(cache string) string {
		dir := filepath.Join(cache, "models--lab--spoilage", "snapshots", "c0ffee")
		foldertest.Put(t, dir, "config.json", "{}")
		return dir
	}
	assert.Len(t, hashed(t, in(t.TempDir())).Files, 1)
	assert.Len(t, hashed(t, in(foldertest.Fill(t, map[string]string{"models--lab--spoilage/blobs": "a file"}))).Files, 1)

	elsewhere := foldertest.Fill(t, map[string]string{"6d1f": "weights"})
	dir := in(t.TempDir())
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(dir, "../../blobs")))
	require.NoError(t, os.Symlink("../../blobs/6d1f", filepath.Join(dir, "model.bin")))
	_, err := folder.Open(dir, folder.Options{})
	assert.ErrorContains(t, err, `"model.bin" is a symbolic link`, "what the cache of another place has may change")
}

func TestALinkToAFileElsewhereThatIsCalledLikeABlobIsRefused(t *testing.T) {
	dir := snapshot(t, "models--lab--spoilage", map[string]string{"model.bin": "../../refs/6d1f"})
	foldertest.Put(t, filepath.Dir(filepath.Dir(dir)), "refs/6d1f", "other weights")
	_, err := folder.Open(dir, folder.Options{})
	assert.ErrorContains(t, err, `"model.bin" is a symbolic link`)
	assert.ErrorContains(t, err, "put the file itself there")
}

// forged writes a cache by hand: what follows the magic text, with a good checksum.
func forged(t *testing.T, place string, body []byte) {
	t.Helper()
	text := append([]byte("pedigree digests 1\n"), body...)
	sum := sha256.Sum256(text)
	require.NoError(t, os.WriteFile(place, append(text, sum[:]...), 0o600))
}

func TestACacheWithAGoodChecksumIsReadWithCareAllTheSame(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"a": "1", "b": "2"})
	place := t.TempDir()
	cache := folder.NewCache(place)
	want, _ := cached(t, dir, cache)
	files, err := filepath.Glob(filepath.Join(place, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	assert.Len(t, filepath.Base(files[0]), 32)
	good, err := os.ReadFile(files[0])
	require.NoError(t, err)
	good = good[len("pedigree digests 1\n") : len(good)-sha256.Size]
	forged(t, files[0], good)
	_, reused := cached(t, dir, cache)
	require.Equal(t, 2, reused, "otherwise this test shows nothing")

	header := len(binary.AppendUvarint(nil, uint64(len(dir)))) + len(dir)
	require.Contains(t, string(good[:header]), filepath.Base(dir))
	for name, c := range map[string]struct {
		body   []byte
		reused int
	}{
		"another folder":              {append([]byte{1, 'x'}, good[header:]...), 0},
		"no name":                     {[]byte{}, 0},
		"a name that is cut off":      {good[:header-1], 0},
		"no files":                    {good[:header], 0},
		"a number without an end":     {append(append([]byte{}, good...), 0x80), 0},
		"a length beyond the end":     {append(append([]byte{}, good...), 200, 1), 0},
		"a file that is cut off":      {good[:len(good)-1], 0},
		"files that are gone":         {append(append([]byte{}, good...), entry("c")...), 2},
		"files that are not in order": {append(append(append([]byte{}, good[:header]...), entry("z")...), good[header:]...), 0},
	} {
		forged(t, files[0], c.body)
		m, reused := cached(t, dir, cache)
		assert.Equal(t, c.reused, reused, name)
		assert.Equal(t, want, m, name)
	}

	for name, text := range map[string]string{
		"another magic text":   "pedigree digests 2\n" + string(good),
		"less than there is":   "pedigree digests 1\n",
		"a magic text, no sum": "pedigree digests 1\n" + strings.Repeat("x", sha256.Size-1),
	} {
		sum := sha256.Sum256([]byte(text))
		require.NoError(t, os.WriteFile(files[0], append([]byte(text), sum[:]...), 0o600))
		m, reused := cached(t, dir, cache)
		assert.Zero(t, reused, name)
		assert.Equal(t, want, m, name)
		require.NoError(t, os.WriteFile(files[0], []byte(text), 0o600))
		m, reused = cached(t, dir, cache)
		assert.Zero(t, reused, name)
		assert.Equal(t, want, m, name)
	}
}

// entry is that of a file in a cache, with a digest of nothing in particular.
func entry(name string) []byte {
	all := append([]byte{byte(len(name))}, name...)
	all = append(all, 1, 1, 1, 1, 1, 0, 1) // size, device, inode, times, shard size, digests
	return append(all, make([]byte, sha256.Size)...)
}

func TestEitherTimeOfAFileKeepsItFromTheCache(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"changed": "1", "written": "2", "old": "3"})
	cache := folder.NewCache(t.TempDir())
	hash := func(age time.Duration) int {
		f := foldertest.Open(t, dir)
		f.Age(age)
		var last folder.Progress
		_, err := f.Manifest(t.Context(), folder.Hashing{Cache: cache, Notice: func(p folder.Progress) { last = p }})
		require.NoError(t, err)
		return last.Reused
	}
	long, ahead := time.Now().Add(-time.Hour), time.Now().Add(3*time.Hour)
	for _, name := range []string{"changed", "old"} {
		require.NoError(t, os.Chtimes(filepath.Join(dir, name), long, long))
	}
	hash(0)
	assert.Zero(t, hash(0), "all were changed just now, though two say that they were written long ago")
	require.NoError(t, os.Chtimes(filepath.Join(dir, "written"), ahead, ahead))
	hash(time.Hour)
	assert.Equal(t, 2, hash(time.Hour), "one says that it was written later than it was read")
}

func TestOnlyOldFilesAreForgotten(t *testing.T) {
	place := t.TempDir()
	for name, days := range map[string]int{"young": 80, "old": 100} {
		foldertest.Put(t, place, name, "")
		at := time.Now().AddDate(0, 0, -days)
		require.NoError(t, os.Chtimes(filepath.Join(place, name), at, at))
	}
	sub := filepath.Join(place, "folder")
	require.NoError(t, os.Mkdir(sub, 0o700))
	long := time.Now().AddDate(-1, 0, 0)
	require.NoError(t, os.Chtimes(sub, long, long))
	cached(t, foldertest.Fill(t, map[string]string{"a": "1"}), folder.NewCache(place))
	assert.FileExists(t, filepath.Join(place, "young"))
	assert.NoFileExists(t, filepath.Join(place, "old"))
	assert.DirExists(t, sub)
	left, err := filepath.Glob(filepath.Join(place, "new-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestACacheThatCantBePutInPlaceLeavesNothing(t *testing.T) {
	dir, place := foldertest.Fill(t, map[string]string{"a": "1"}), t.TempDir()
	cached(t, dir, folder.NewCache(place))
	files, err := filepath.Glob(filepath.Join(place, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.NoError(t, os.Remove(files[0]))
	foldertest.Put(t, files[0], "in/the", "way")
	m, reused := cached(t, dir, folder.NewCache(place))
	assert.Equal(t, hashed(t, dir), m)
	assert.Zero(t, reused)
	left, err := filepath.Glob(filepath.Join(place, "new-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestTheUsersCacheIsInTheUsersFolder(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	cached(t, foldertest.Fill(t, map[string]string{"a": "1"}), folder.UserCache())
	files, err := filepath.Glob(filepath.Join(home, "pedigree", "digests", "*"))
	require.NoError(t, err)
	assert.Len(t, files, 1)
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	assert.Nil(t, folder.UserCache())
}

func TestShardsAsTheManifestHasThem(t *testing.T) {
	const shard = manifest.MinShard
	text := strings.Repeat("0123456789abcdef", shard/16)
	dir := foldertest.Fill(t, map[string]string{"full": text, "short": text[:10], "unlisted": "x"})
	want := manifest.Manifest{Files: []manifest.File{
		{Name: "full", ShardSize: shard, Shards: []string{"one", "two"}}, {Name: "short", ShardSize: shard, Shards: []string{"one", "two"}},
	}}
	have, err := foldertest.Open(t, dir).Against(t.Context(), want, folder.Hashing{})
	require.NoError(t, err)
	assert.Equal(t, []manifest.File{
		{Name: "full", Size: shard, SHA256: sum(text)}, {Name: "short", Size: 10, SHA256: sum(text[:10])}, {Name: "unlisted", Size: 1, SHA256: sum("x")},
	}, have.Files, "a file of one shard is a whole file")

	for size, shards := range map[int64]int{folder.DefaultShard: 0, folder.DefaultShard + 1: 2} {
		big := filepath.Join(t.TempDir(), "big")
		require.NoError(t, os.WriteFile(big, nil, 0o600))
		require.NoError(t, os.Truncate(big, size))
		m, err := foldertest.Open(t, big).Manifest(t.Context(), folder.Hashing{})
		require.NoError(t, err)
		assert.Len(t, m.Files[0].Shards, shards, "manifest of %d bytes", size)
		m, err = foldertest.Open(t, big).Against(t.Context(), manifest.Manifest{}, folder.Hashing{})
		require.NoError(t, err)
		assert.Len(t, m.Files[0].Shards, shards, "against a manifest, of %d bytes", size)
	}
}

func TestWhatCantBeIgnored(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"a": "1"})
	for _, path := range []string{"", "/logs", "..", "../x", "."} {
		_, err := folder.Open(dir, folder.Options{Ignore: []string{path}})
		assert.ErrorContains(t, err, fmt.Sprintf("%q can't be ignored", path))
	}
	_, err := folder.Open(dir, folder.Options{Ignore: []string{"a"}})
	assert.ErrorContains(t, err, dir+" has no files but those that are ignored (a)")
}

func TestAFileThatChangesAfterItWasReadIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		do        func(t *testing.T, dir string)
		complaint string
	}{
		"the first is written to":    {func(t *testing.T, dir string) { foldertest.Put(t, dir, "a", "longer") }, `"a" was written to`},
		"one comes before the first": {func(t *testing.T, dir string) { foldertest.Put(t, dir, "A", "n") }, `"A" is new`},
		"one comes after the last":   {func(t *testing.T, dir string) { foldertest.Put(t, dir, "zz", "n") }, `"zz" is new`},
		"the last is gone":           {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "z"))) }, `"z" is gone`},
		"the first is gone":          {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "a"))) }, `"a" is gone`},
		"it has become a link": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "a")))
			require.NoError(t, os.Symlink("z", filepath.Join(dir, "a")))
		}, `"a" is a symbolic link`},
		"the last two have other ends": {func(t *testing.T, dir string) {
			foldertest.Put(t, dir, "y", "n")
			require.NoError(t, os.Remove(filepath.Join(dir, "z")))
		}, `"y" is new`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := foldertest.Fill(t, map[string]string{"a": "1", "z": "26"})
			f := foldertest.Open(t, dir)
			var files int
			_, err := f.Hash(t.Context(), folder.Hashing{Workers: 1, New: func() hash.Hash {
				return last{sha256.New(), &files, func() { c.do(t, dir) }}
			}})
			require.ErrorContains(t, err, c.complaint)
			assert.ErrorContains(t, err, dir)
		})
	}
}

// last is a hash during whose work on a second file something happens.
type last struct {
	hash.Hash
	files *int
	do    func()
}

func (l last) Write(p []byte) (int, error) {
	if *l.files++; *l.files == 2 {
		l.do()
	}
	return l.Hash.Write(p)
}

func TestWhatTheManifestListsOfGitIsRead(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"a": "1", ".git/config": "g"})
	for listed, want := range map[string]int{"a=x": 1, ".git/config=x": 2, ".git=x": 2, ".git-a=x,.git/config=x": 2, ".gitx=x": 1, ".gitx/config=x": 1} {
		f, err := folder.Open(dir, folder.Options{Listed: named(strings.Split(listed, ",")...)})
		require.NoError(t, err)
		assert.Len(t, f.Names(), want, listed)
		require.NoError(t, f.Close())
	}
}

func TestShardsOfAnySize(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"a": "abc", "empty": ""})
	for size, want := range map[int64]int{1: 3, 2: 2, 3: 1, 10: 1, 0: 1, -5: 1} {
		sums, err := foldertest.Open(t, dir).Hash(t.Context(), folder.Hashing{Shard: func(string, int64) int64 { return size }})
		require.NoError(t, err)
		assert.Len(t, sums[0].Digests, want, size)
		assert.Len(t, sums[1].Digests, 1, "an empty file has a digest, too")
		if size == 1 {
			assert.Equal(t, sum("b"), hex.EncodeToString(sums[0].Digests[1]))
		}
	}
}

func TestAManifestOfWhatCouldNotBeHashedIsAnError(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	f := foldertest.Open(t, foldertest.Fill(t, map[string]string{"a": "1"}))
	_, err := f.Manifest(gone, folder.Hashing{Cache: folder.NewCache(t.TempDir())})
	assert.ErrorIs(t, err, context.Canceled)
	single := foldertest.Open(t, filepath.Join(foldertest.Fill(t, map[string]string{"a": "1"}), "a"))
	_, err = single.Digest(gone, folder.Hashing{})
	assert.ErrorIs(t, err, context.Canceled)
	digest, err := single.Digest(t.Context(), folder.Hashing{New: sha512.New})
	require.NoError(t, err)
	assert.Equal(t, sum("1"), digest, "SHA-256, whatever the caller asks for")
	_, err = folder.Open(foldertest.Fill(t, map[string]string{"a/b": "1"})+"/a/b/c", folder.Options{})
	assert.ErrorContains(t, err, "not a directory")
	assert.NotContains(t, err.Error(), "lstat", "no name of a system call")
}
