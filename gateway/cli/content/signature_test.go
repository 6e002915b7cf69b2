package content

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func TestAFileIsFoundWithinAFolder(t *testing.T) {
	dir := folderOf(t, map[string]string{"sub/model.sig": "", "other": ""})
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "..", filepath.Base(dir)+"-link")))
	for name, c := range map[string]struct{ dir, file, want string }{
		"directly":                  {dir, filepath.Join(dir, "other"), "other"},
		"below":                     {dir, filepath.Join(dir, "sub", "model.sig"), "sub/model.sig"},
		"not there yet":             {dir, filepath.Join(dir, "new.sig"), "new.sig"},
		"through a link":            {dir + "-link", filepath.Join(dir, "other"), "other"},
		"beside it":                 {filepath.Join(dir, "sub"), filepath.Join(dir, "other"), ""},
		"with a name that goes on":  {filepath.Join(dir, "sub"), filepath.Join(dir, "sub-2"), ""},
		"the folder itself":         {dir, dir, ""},
		"in a folder that is not":   {dir, filepath.Join(dir, "absent", "x"), ""},
		"with dots that lead out":   {dir, filepath.Join(dir, "sub") + "/../../x", ""},
		"with a name of dots alone": {dir, filepath.Join(dir, "..x"), "..x"},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Within(c.dir, c.file)
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.want != "", ok)
		})
	}
}
