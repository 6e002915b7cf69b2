package folder_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder/foldertest"
)

const pointer = "version https://git-lfs.github.com/spec/v1\n" +
	"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

func TestPointersOfGitLFSAreReported(t *testing.T) {
	extended := strings.Replace(pointer, "oid", "ext-0-foo sha256:"+strings.Repeat("a", 64)+"\noid", 1)
	f := foldertest.Open(t, foldertest.Fill(t, map[string]string{
		"weights/b.safetensors": pointer,
		"a.bin":                 extended,
		"old.bin":               strings.Replace(pointer, "git-lfs", "hawser", 1),
		"about.txt":             "what a pointer looks like: " + pointer,
		"start.txt":             "version https://git-lfs.github.com/spec/v1 is the first line of a pointer",
		"long.txt":              pointer + strings.Repeat("x", 1024),
		"empty":                 "",
	}))
	assert.Empty(t, f.Pointers(), "nothing has been read yet")
	_, err := f.Manifest(t.Context(), folder.Hashing{})
	require.NoError(t, err)
	assert.Equal(t, []string{"a.bin", "old.bin", "weights/b.safetensors"}, f.Pointers())
}

func TestASingleFileThatIsAPointerIsReported(t *testing.T) {
	f := foldertest.Open(t, filepath.Join(foldertest.Fill(t, map[string]string{"model.bin": pointer}), "model.bin"))
	_, err := f.Digest(t.Context(), folder.Hashing{})
	require.NoError(t, err)
	assert.Equal(t, []string{"model.bin"}, f.Pointers())
}

func TestAPointerIsReportedAgainThoughItsDigestCouldBeRemembered(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"model.bin": pointer, "config.json": "{}"})
	cache := folder.NewCache(t.TempDir())
	for range 2 {
		f := foldertest.Open(t, dir)
		f.Age(time.Hour)
		_, err := f.Manifest(t.Context(), folder.Hashing{Cache: cache})
		require.NoError(t, err)
		assert.Equal(t, []string{"model.bin"}, f.Pointers())
	}
}

func TestPathsToIgnoreThatTheFolderDoesNotHaveAreNamed(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"a.bin": "a", "logs/today.txt": "t"})
	assert.Equal(t, []string{"*.bin", "absent"}, foldertest.Open(t, dir, "logs", "logs/today.txt", "absent", "*.bin").Unmatched())
	assert.Empty(t, foldertest.Open(t, dir, "a.bin").Unmatched())
	assert.Empty(t, foldertest.Open(t, dir).Unmatched())
}
