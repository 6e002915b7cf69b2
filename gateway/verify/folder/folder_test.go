package folder_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder/foldertest"
)

func hashed(t testing.TB, dir string, ignore ...string) manifest.Manifest {
	t.Helper()
	m, err := foldertest.Open(t, dir, ignore...).Manifest(t.Context(), folder.Hashing{})
	require.NoError(t, err)
	return m
}

func sum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

func TestAFolderIsReadInTheOrderOfTheBytesOfItsNames(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"b.txt": "two", "a/z.bin": "", "a.txt": "one", "Z": "zed", "größe": "g", "a-1": "x"})
	foldertest.Put(t, dir, "a/deep/er/x", "deep")
	m := hashed(t, dir)
	var names []string
	for _, f := range m.Files {
		names = append(names, f.Name)
	}
	assert.Equal(t, []string{"Z", "a-1", "a.txt", "a/deep/er/x", "a/z.bin", "b.txt", "größe"}, names)
	assert.Equal(t, manifest.File{Name: "b.txt", Size: 3, SHA256: sum("two")}, m.Files[5])
	assert.Equal(t, sum(""), m.Files[4].SHA256)
	assert.Equal(t, "49954171de6be0d77168940038b3efcacb98b401ae456132d1b9655922f7e88e", m.Digest(), "a folder's digest never changes")

	f := foldertest.Open(t, dir)
	assert.Equal(t, names, f.Names())
	assert.Equal(t, 7, f.Count())
	assert.Equal(t, m.Size(), f.Size())
	assert.Empty(t, f.Single())
	_, err := f.Digest(t.Context(), folder.Hashing{})
	assert.ErrorContains(t, err, "is a folder")
}

func TestTheNumberOfWorkersChangesNothing(t *testing.T) {
	files := map[string]string{}
	for i := range 300 {
		files[strings.Repeat("d/", i%4)+"f"+string(rune('a'+i%26))+strings.Repeat("x", i/26)] = strings.Repeat("content", i*i)
	}
	dir := foldertest.Fill(t, files)
	want := hashed(t, dir).Digest()
	for _, workers := range []int{1, 2, 7} {
		m, err := foldertest.Open(t, dir).Manifest(t.Context(), folder.Hashing{Workers: workers})
		require.NoError(t, err)
		assert.Equal(t, want, m.Digest())
	}
}

func TestASingleFileHasTheDigestThatSha256sumPrints(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"model.bin": "weights"})
	f := foldertest.Open(t, filepath.Join(dir, "model.bin"))
	assert.Equal(t, "model.bin", f.Single())
	digest, err := f.Digest(t.Context(), folder.Hashing{})
	require.NoError(t, err)
	assert.Equal(t, sum("weights"), digest)

	require.NoError(t, os.Symlink("model.bin", filepath.Join(dir, "latest")))
	f = foldertest.Open(t, filepath.Join(dir, "latest"))
	digest, err = f.Digest(t.Context(), folder.Hashing{})
	require.NoError(t, err, "a link that the caller names is followed; links in a folder are not")
	assert.Equal(t, sum("weights"), digest)
}

func TestALargeFileIsHashedInShards(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"small": "s"})
	big, err := os.Create(filepath.Join(dir, "big"))
	require.NoError(t, err)
	require.NoError(t, big.Truncate(folder.DefaultShard+7))
	_, err = big.WriteAt([]byte("end"), folder.DefaultShard+4)
	require.NoError(t, err)
	require.NoError(t, big.Close())
	m := hashed(t, dir)
	require.Len(t, m.Files[0].Shards, 2)
	assert.Equal(t, int64(folder.DefaultShard), m.Files[0].ShardSize)
	assert.Equal(t, sum("\x00\x00\x00\x00end"), m.Files[0].Shards[1])
	assert.Empty(t, m.Files[0].SHA256)
	assert.Empty(t, m.Files[1].Shards)
}

func TestAFolderIsComparedInTheShardsOfTheManifest(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB
	dir := foldertest.Fill(t, map[string]string{"big": text, "whole": text, "small": "s"})
	const shard = manifest.MinShard
	want := manifest.Manifest{Files: []manifest.File{
		{Name: "big", Size: 2 << 20, ShardSize: shard, Shards: []string{sum(text[:shard]), sum(text[shard:])}},
		{Name: "small", Size: 1, SHA256: sum("s")},
		{Name: "whole", Size: 2 << 20, SHA256: sum(text)},
	}}
	have, err := foldertest.Open(t, dir).Against(t.Context(), want, folder.Hashing{})
	require.NoError(t, err)
	assert.Equal(t, want, have)
	assert.Empty(t, folder.Compare(want, have))

	foldertest.Put(t, dir, "big", text[:shard]+"X"+text[shard+1:])
	have, err = foldertest.Open(t, dir).Against(t.Context(), want, folder.Hashing{})
	require.NoError(t, err)
	differences := folder.Compare(want, have)
	require.Len(t, differences, 1)
	assert.Equal(t, folder.Altered, differences[0].Kind)
	assert.Equal(t, "big", differences[0].Name)
}

func TestDifferencesAreNamed(t *testing.T) {
	before := map[string]string{"a": "1", "b": "2", "c": "3", "same-1": "twin", "same-2": "twin", "z": "26"}
	want := hashed(t, foldertest.Fill(t, before))
	for name, c := range map[string]struct {
		after map[string]string
		want  []folder.Difference
	}{
		"nothing": {before, nil},
		"a changed byte": {map[string]string{"a": "X", "b": "2", "c": "3", "same-1": "twin", "same-2": "twin", "z": "26"},
			[]folder.Difference{{Kind: "changed", Name: "a", Want: &folder.Content{Size: 1, SHA256: sum("1")}, Have: &folder.Content{Size: 1, SHA256: sum("X")}}}},
		"missing, extra and renamed": {map[string]string{"a": "1", "bb": "2", "new": "n", "same-1": "twin", "same-2": "twin", "z": "26"},
			[]folder.Difference{{Kind: "renamed", Name: "b", To: "bb"}, {Kind: "missing", Name: "c", Want: &folder.Content{Size: 1, SHA256: sum("3")}},
				{Kind: "extra", Name: "new", Have: &folder.Content{Size: 1, SHA256: sum("n")}}}},
		"of two twins one is renamed": {map[string]string{"a": "1", "b": "2", "c": "3", "same-1": "twin", "same-3": "twin", "z": "26"},
			[]folder.Difference{{Kind: "renamed", Name: "same-2", To: "same-3"}}},
		"exchanged contents are changes, not renames": {map[string]string{"a": "2", "b": "1", "c": "3", "same-1": "twin", "same-2": "twin", "z": "26"},
			[]folder.Difference{{Kind: "changed", Name: "a", Want: &folder.Content{Size: 1, SHA256: sum("1")}, Have: &folder.Content{Size: 1, SHA256: sum("2")}},
				{Kind: "changed", Name: "b", Want: &folder.Content{Size: 1, SHA256: sum("2")}, Have: &folder.Content{Size: 1, SHA256: sum("1")}}}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, folder.Compare(want, hashed(t, foldertest.Fill(t, c.after))))
		})
	}
}

func TestWhatGitKeepsAndWhatTheCallerNamesIsLeftOut(t *testing.T) {
	files := map[string]string{"model.bin": "w", ".git/config": "g", ".gitignore": "g", ".github/x.yml": "g", ".gitattributes": "g", "sub/.gitignore": "kept"}
	dir := foldertest.Fill(t, files)
	f := foldertest.Open(t, dir)
	assert.Equal(t, []string{"model.bin", "sub/.gitignore"}, f.Names(), "only at the top")
	assert.Equal(t, []string{".git", ".gitattributes", ".github", ".gitignore"}, f.Ignored())
	bare := foldertest.Fill(t, map[string]string{"model.bin": "w", "sub/.gitignore": "kept"})
	assert.Equal(t, hashed(t, bare).Digest(), hashed(t, dir).Digest(), "with git or without")

	m := hashed(t, dir, "./sub/", "absent")
	assert.Equal(t, []string{"absent", "sub"}, m.Ignore, "what was asked for is part of the digest, whether it is there or not")
	require.Len(t, m.Files, 1)

	listed, err := folder.Open(dir, folder.Options{Listed: manifest.Manifest{Files: []manifest.File{{Name: ".git/config"}, {Name: ".gitignore"}}}})
	require.NoError(t, err)
	defer listed.Close()
	assert.Equal(t, []string{".git/config", ".gitignore", "model.bin", "sub/.gitignore"}, listed.Names(), "a manifest that lists them is compared with them")

	for _, wrong := range []string{"", "..", "../x", "/etc", "a/../../b", "."} {
		_, err := folder.Open(dir, folder.Options{Ignore: []string{wrong}})
		assert.ErrorContains(t, err, "can't be ignored", wrong)
	}
	_, err = folder.Open(dir, folder.Options{Ignore: []string{"model.bin", "sub"}})
	assert.ErrorContains(t, err, "no files but those that are ignored")
}

func TestWhatHasNoPlainBytesIsRefused(t *testing.T) {
	outside := foldertest.Fill(t, map[string]string{"secret": "s"})
	for name, c := range map[string]struct {
		make      func(dir string) error
		complaint string
	}{
		"a link within the folder": {func(dir string) error { return os.Symlink("model.bin", filepath.Join(dir, "link")) }, `"link" is a symbolic link`},
		"a link that escapes": {func(dir string) error {
			return os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "link"))
		}, `"link" is a symbolic link`},
		"a link to a folder":       {func(dir string) error { return os.Symlink(outside, filepath.Join(dir, "sub")) }, `"sub" is a symbolic link`},
		"a link to nothing":        {func(dir string) error { return os.Symlink("absent", filepath.Join(dir, "link")) }, `"link" is a symbolic link`},
		"a pipe":                   {func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "p"), 0o600) }, `"p" is a pipe`},
		"a name with a newline":    {func(dir string) error { return os.WriteFile(filepath.Join(dir, "a\nb"), nil, 0o600) }, `"a\nb" has a control character`},
		"a name that is not UTF-8": {func(dir string) error { return os.WriteFile(filepath.Join(dir, "a\xff"), nil, 0o600) }, "is not UTF-8"},
		"a name with a backslash":  {func(dir string) error { return os.WriteFile(filepath.Join(dir, `a\b`), nil, 0o600) }, "backslash"},
		"a folder with a newline":  {func(dir string) error { return os.MkdirAll(filepath.Join(dir, "a\nb", "c"), 0o700) }, `"a\nb" has a control character`},
		"a name that is far too long": {func(dir string) error {
			deep := filepath.Join(dir, strings.Repeat(strings.Repeat("d", 200)+"/", 6))
			return os.MkdirAll(deep, 0o700)
		}, "more than the 1024"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := foldertest.Fill(t, map[string]string{"model.bin": "w"})
			require.NoError(t, c.make(dir))
			_, err := folder.Open(dir, folder.Options{})
			var refusal *folder.Refusal
			require.ErrorAs(t, err, &refusal)
			assert.ErrorContains(t, err, c.complaint)
			assert.NotContains(t, err.Error(), "\n", "a hostile name doesn't break a line")
		})
	}
}

func TestASocketIsRefused(t *testing.T) {
	dir, err := os.MkdirTemp("", "s") // the path of a socket must be short
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	require.NoError(t, err)
	defer l.Close()
	_, err = folder.Open(dir, folder.Options{})
	assert.ErrorContains(t, err, `"s" is a socket`)
	_, err = folder.Open(filepath.Join(dir, "s"), folder.Options{})
	assert.ErrorContains(t, err, "is a socket, neither a folder nor a regular file")
}

func TestAllThatIsRefusedIsNamedAtOnceButNotEndlessly(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"model.bin": "w"})
	for i := range 15 {
		require.NoError(t, os.Symlink("x", filepath.Join(dir, "link-"+string(rune('a'+i)))))
	}
	_, err := folder.Open(dir, folder.Options{})
	assert.ErrorContains(t, err, "link-a")
	assert.ErrorContains(t, err, "link-j")
	assert.ErrorContains(t, err, "and 5 more")
}

func TestWhatHasNothingInItHasNoDigest(t *testing.T) {
	_, err := folder.Open(t.TempDir(), folder.Options{})
	assert.ErrorContains(t, err, "no files")
	_, err = folder.Open(filepath.Join(t.TempDir(), "absent"), folder.Options{})
	assert.ErrorContains(t, err, "no such file")
	empty := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(empty, "a", "b"), 0o700))
	_, err = folder.Open(empty, folder.Options{})
	assert.ErrorContains(t, err, "no files", "folders alone are nothing")
}

// meddler is a hash during whose work something happens once.
type meddler struct {
	hash.Hash
	once *atomic.Bool
	do   func()
}

func (m meddler) Write(p []byte) (int, error) {
	if m.once.CompareAndSwap(false, true) {
		m.do()
	}
	return m.Hash.Write(p)
}

func TestAFolderThatChangesWhileItIsHashedHasNoDigest(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	for name, c := range map[string]struct {
		do        func(t *testing.T, dir string)
		complaint string
	}{
		"a file read before is written to":       {func(t *testing.T, dir string) { foldertest.Put(t, dir, "a", long[:5]) }, `"a" was written to`},
		"a file is written to before it is read": {func(t *testing.T, dir string) { foldertest.Put(t, dir, "z", "longer") }, `"z" was written to`},
		"a file gets shorter":                    {func(t *testing.T, dir string) { require.NoError(t, os.Truncate(filepath.Join(dir, "a"), 10)) }, `"a"`},
		"a file appears":                         {func(t *testing.T, dir string) { foldertest.Put(t, dir, "sub/new", "n") }, `"sub/new" is new`},
		"a file vanishes":                        {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "a"))) }, `"a" is gone`},
		"a file not read yet vanishes":           {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "z"))) }, `"z"`},
		"a file becomes a link": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "z")))
			require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "z")))
		}, `"z"`},
		"a file becomes a pipe": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "z")))
			require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "z"), 0o600))
		}, `"z" was written to`},
		"a file is exchanged for another of its size": {func(t *testing.T, dir string) {
			foldertest.Put(t, dir, "other", "z")
			require.NoError(t, os.Rename(filepath.Join(dir, "other"), filepath.Join(dir, "z")))
		}, `"z" was written to`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := foldertest.Fill(t, map[string]string{"a": long, "z": "z"})
			f := foldertest.Open(t, dir)
			var once atomic.Bool
			_, err := f.Hash(t.Context(), folder.Hashing{Workers: 1, New: func() hash.Hash {
				return meddler{sha256.New(), &once, func() { c.do(t, dir) }}
			}})
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.complaint)
		})
	}
}

func TestHashingCanBeStopped(t *testing.T) {
	f := foldertest.Open(t, foldertest.Fill(t, map[string]string{"a": strings.Repeat("x", 1<<20)}))
	ctx, cancel := context.WithCancel(t.Context())
	var once atomic.Bool
	_, err := f.Hash(ctx, folder.Hashing{New: func() hash.Hash { return meddler{sha256.New(), &once, cancel} }})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestProgressEndsWithAllOfIt(t *testing.T) {
	f := foldertest.Open(t, foldertest.Fill(t, map[string]string{"a": "1", "b": "22"}))
	var last folder.Progress
	_, err := f.Manifest(t.Context(), folder.Hashing{Notice: func(p folder.Progress) { last = p }})
	require.NoError(t, err)
	assert.Equal(t, 2, last.Files)
	assert.Equal(t, 2, last.AllFiles)
	assert.Equal(t, int64(3), last.Bytes)
	assert.Equal(t, int64(3), last.AllBytes)
}
