package folder_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder/foldertest"
)

// snapshot makes a cache of one repository, as huggingface_hub does, and returns the folder of its snapshot.
func snapshot(t *testing.T, repository string, links map[string]string) string {
	t.Helper()
	cache := foldertest.Fill(t, map[string]string{
		repository + "/blobs/6d1f": "weights", repository + "/blobs/44136f": "{}", repository + "/refs/main": "c0ffee",
	})
	dir := filepath.Join(cache, repository, "snapshots", "c0ffee")
	for name, target := range links {
		link := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(link), 0o700))
		require.NoError(t, os.Symlink(target, link))
	}
	return dir
}

func TestLinksOfASnapshotToBlobsOfItsCacheAreFollowed(t *testing.T) {
	for _, repository := range []string{"models--lab--spoilage", "datasets--lab--readings", "spaces--lab--demo"} {
		t.Run(repository, func(t *testing.T) {
			dir := snapshot(t, repository, map[string]string{
				"config.json": "../../blobs/44136f", "onnx/fp16/model.onnx": "../../../../blobs/6d1f",
			})
			foldertest.Put(t, dir, "README.md", "a file of its own")
			m := hashed(t, dir)
			assert.Equal(t, []manifest.File{
				{Name: "README.md", Size: 17, SHA256: sum("a file of its own")},
				{Name: "config.json", Size: 2, SHA256: sum("{}")},
				{Name: "onnx/fp16/model.onnx", Size: 7, SHA256: sum("weights")},
			}, m.Files)

			plain := foldertest.Fill(t, map[string]string{"README.md": "a file of its own", "config.json": "{}", "onnx/fp16/model.onnx": "weights"})
			assert.Equal(t, hashed(t, plain).Digest(), m.Digest(), "a copy without links has the same digest")
		})
	}
}

func TestAnAbsoluteLinkToABlobOfTheCacheIsFollowed(t *testing.T) {
	dir := snapshot(t, "models--lab--spoilage", nil)
	real, err := filepath.EvalSymlinks(filepath.Dir(filepath.Dir(dir)))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.Symlink(filepath.Join(real, "blobs", "6d1f"), filepath.Join(dir, "model.bin")))
	assert.Equal(t, sum("weights"), hashed(t, dir).Files[0].SHA256)
}

func TestOtherLinksOfASnapshotAreRefused(t *testing.T) {
	for name, target := range map[string]string{
		"out of the cache":             "/etc/passwd",
		"to another part of the cache": "../../refs/main",
		"to the folder of blobs":       "../../blobs",
		"to a blob that is missing":    "../../blobs/absent",
		"through the blobs and out":    "../../blobs/../refs/main",
		"to another file of its own":   "config.json",
		"to itself":                    "link",
		"to a folder below the blobs":  "../../blobs/sub/x",
	} {
		t.Run(name, func(t *testing.T) {
			dir := snapshot(t, "models--lab--spoilage", map[string]string{"config.json": "../../blobs/44136f", "link": target})
			foldertest.Put(t, filepath.Dir(filepath.Dir(dir)), "blobs/sub/x", "deeper")
			_, err := folder.Open(dir, folder.Options{})
			assert.ErrorContains(t, err, `"link" is a symbolic link`)
		})
	}
}

func TestABlobThatIsALinkItselfIsRefused(t *testing.T) {
	dir := snapshot(t, "models--lab--spoilage", map[string]string{"model.bin": "../../blobs/twice"})
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "../../blobs/twice")))
	_, err := folder.Open(dir, folder.Options{})
	assert.ErrorContains(t, err, `"model.bin" is a symbolic link`)
}

func TestAFolderThatIsNoSnapshotFollowsNothing(t *testing.T) {
	for name, parts := range map[string]struct{ repository, between string }{
		"its repository isn't called so": {"spoilage", "snapshots"},
		"it isn't among the snapshots":   {"models--lab--spoilage", "others"},
	} {
		t.Run(name, func(t *testing.T) {
			cache := foldertest.Fill(t, map[string]string{parts.repository + "/blobs/6d1f": "weights"})
			dir := filepath.Join(cache, parts.repository, parts.between, "c0ffee")
			require.NoError(t, os.MkdirAll(dir, 0o700))
			require.NoError(t, os.Symlink("../../blobs/6d1f", filepath.Join(dir, "model.bin")))
			_, err := folder.Open(dir, folder.Options{})
			assert.ErrorContains(t, err, `"model.bin" is a symbolic link`)
		})
	}
}

func TestABlobThatIsWrittenToWhileItIsHashedIsAChange(t *testing.T) {
	dir := snapshot(t, "models--lab--spoilage", map[string]string{"model.bin": "../../blobs/6d1f"})
	f := foldertest.Open(t, dir)
	foldertest.Put(t, filepath.Dir(filepath.Dir(dir)), "blobs/6d1f", "other weights")
	_, err := f.Manifest(t.Context(), folder.Hashing{})
	var changed *folder.Changed
	require.ErrorAs(t, err, &changed)
	assert.Contains(t, changed.Error(), "model.bin")
}
