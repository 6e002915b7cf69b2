// Package foldertest makes folders for tests.
package foldertest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
)

// Fill makes a folder of files. Names have slashes.
func Fill(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		Put(t, dir, name, text)
	}
	return dir
}

// Put writes one file.
func Put(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// Open opens a folder, and closes it at the end of the test.
func Open(t testing.TB, dir string, ignore ...string) *folder.Folder {
	t.Helper()
	f, err := folder.Open(dir, folder.Options{Ignore: ignore})
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}
