package check

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ran runs a command and returns what it prints.
func ran(t *testing.T, c *cobra.Command, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var out, errors bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&errors)
	c.SetArgs(args)
	c.SilenceUsage, c.SilenceErrors = true, true
	err = c.Execute()
	return out.String(), errors.String(), err
}

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

func TestHashPrintsOneJSONValue(t *testing.T) {
	dir := folderOf(t, map[string]string{"a": "1", ".git/x": "g", "sub/\"q\"": "2"})
	out, _, err := ran(t, Hash(), "--json", dir)
	require.NoError(t, err)
	var got struct {
		Digest   struct{ Algorithm, Value, Coverage string }
		Size     int64
		Files    int
		Ignored  []string
		Manifest struct{ Files []struct{ Name string } }
	}
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	assert.Equal(t, "full", got.Digest.Coverage)
	assert.Equal(t, int64(2), got.Size)
	assert.Equal(t, 2, got.Files)
	assert.Equal(t, []string{".git"}, got.Ignored)
	assert.Equal(t, `sub/"q"`, got.Manifest.Files[1].Name)

	out, said, err := ran(t, Hash(), dir)
	require.NoError(t, err)
	assert.Equal(t, got.Digest.Value+"  "+dir+"\n", out, "as sha256sum prints it")
	assert.Contains(t, said, "left out: .git")

	out, _, err = ran(t, Hash(), "--json", filepath.Join(dir, "a"))
	require.NoError(t, err)
	assert.JSONEq(t, `{"digest":{"algorithm":"sha-256","coverage":"full","value":"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"},"files":1,"ignored":[],"size":1,"warnings":[]}`, out)
	_, _, err = ran(t, Hash(), "--manifest", "-", filepath.Join(dir, "a"))
	assert.ErrorContains(t, err, "no manifest")
}

func TestHashWarnsOfWhatOneWouldNotExpect(t *testing.T) {
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("4d",
		32) + "\nsize 1503300328\n"
	dir := folderOf(t, map[string]string{"model.safetensors": pointer, "config.json": "{}", "notes.txt": "n"})
	out, said, err := ran(t, Hash(), dir, "--ignore", "*.bin", "--ignore", "notes.txt")
	require.NoError(t, err)
	assert.Contains(t, said, "warning: model.safetensors: this is a Git LFS pointer, not the content")
	assert.Contains(t, said, "warning: --ignore *.bin: the folder has nothing of that name; patterns aren't expanded")
	assert.NotContains(t, out, "warning")

	out, _, err = ran(t, Hash(), "--json", dir, "--ignore", "absent")
	require.NoError(t, err)
	var got struct{ Warnings []string }
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Len(t, got.Warnings, 2)
	assert.Contains(t, got.Warnings[1], "--ignore absent: the folder has nothing of that name")
	assert.NotContains(t, got.Warnings[1], "patterns")

	_, said, err = ran(t, Hash(), filepath.Join(dir, "config.json"))
	require.NoError(t, err)
	assert.NotContains(t, said, "warning")
}
