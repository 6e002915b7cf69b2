package client

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

// ran runs a verb and answers with what it prints.
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
	assert.JSONEq(t, `{"digest":{"algorithm":"sha-256","coverage":"full","value":"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"},"files":1,"ignored":[],"size":1}`, out)
	_, _, err = ran(t, Hash(), "--manifest", "-", filepath.Join(dir, "a"))
	assert.ErrorContains(t, err, "no manifest")
}

func TestWhatDiffersFromARegisteredVersionIsSaid(t *testing.T) {
	digest := func(c string) string {
		return `"digest":{"algorithm":"sha-256","value":"` + strings.Repeat(c, 64) + `","coverage":"full"}`
	}
	files := func(c string) string {
		return `"manifest":{"files":[{"name":"a","size":1,"sha256":"` + strings.Repeat(c, 64) + `"}]}`
	}
	for name, c := range map[string]struct {
		there, here string
		want        []string
	}{
		"nothing":                      {`{` + digest("a") + `}`, `{` + digest("a") + `}`, nil},
		"another spelling":             {`{` + digest("a") + `,"size":10}`, `{"size":1e1,` + digest("a") + `}`, nil},
		"the digest":                   {`{` + digest("a") + `}`, `{` + digest("b") + `}`, []string{"the content is different", "aaaa", "bbbb", "new version"}},
		"a file":                       {`{` + digest("a") + `,` + files("c") + `}`, `{` + digest("b") + `,` + files("d") + `}`, []string{"changed  a"}},
		"a licence":                    {`{` + digest("a") + `,"licence":"MIT"}`, `{` + digest("a") + `}`, []string{"the digest is the same", `licence: registered is "MIT", and this is not given`}},
		"a licence that the card says": {`{` + digest("a") + `,"licence":"MIT","card":{"text":"x","sha256":"y"}}`, `{` + digest("a") + `,"card":{"text":"x"}}`, nil},
		"a card":                       {`{` + digest("a") + `,"card":{"text":"x","sha256":"y"}}`, `{` + digest("a") + `,"card":{"text":"z"}}`, []string{`card: registered is "x", and this is "z"`}},
		"long metadata":                {`{` + digest("a") + `}`, `{` + digest("a") + `,"metadata":{"a":"` + strings.Repeat("x", 200) + `"}}`, []string{"metadata: registered is not given, and this is another"}},
		"a hostile text":               {`{` + digest("a") + `,"description":"\u001b[2J"}`, `{` + digest("a") + `,"description":"x"}`, []string{`\u001b[2J`}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := differs([]byte(c.there), []byte(c.here))
			require.NoError(t, err)
			if c.want == nil {
				assert.Empty(t, got)
			}
			for _, want := range c.want {
				assert.Contains(t, got, want)
			}
			assert.NotContains(t, got, "\x1b")
		})
	}
}

func TestARunIsMadeOfWhatAModelComesFrom(t *testing.T) {
	for name, c := range map[string]struct {
		kind, activity string
		from           []string
		path, run      string
		complaint      string
	}{
		"a dataset alone":                    {kind: "dataset", path: "/v1/artifacts"},
		"a model alone":                      {kind: "model", path: "/v1/artifacts"},
		"a dataset of another":               {kind: "dataset", from: []string{"dataset/lab/a@1"}, path: "/v1/artifacts"},
		"a model of datasets":                {kind: "model", from: []string{"dataset/lab/a@1:training", "dataset/lab/b@1"}, path: "/v1/activities", run: "training"},
		"a model of a model":                 {kind: "model", from: []string{"dataset/lab/a@1", "model/lab/base@1:base"}, path: "/v1/activities", run: "fine-tuning"},
		"a model that is derived":            {kind: "model", activity: "none", from: []string{"model/lab/base@1"}, path: "/v1/artifacts"},
		"a dataset that a run made":          {kind: "dataset", activity: "transformation", from: []string{"dataset/lab/a@1:raw"}, path: "/v1/activities", run: "transformation"},
		"a role without a run":               {kind: "dataset", from: []string{"dataset/lab/a@1:raw"}, complaint: "roles are of runs"},
		"a run of nothing":                   {kind: "model", activity: "training", complaint: "--from"},
		"something that is no artifact name": {kind: "model", from: []string{"??"}, complaint: "no node"},
	} {
		t.Run(name, func(t *testing.T) {
			a := artifactFlags{from: c.from}
			body := map[string]any{"kind": c.kind}
			path, request, err := a.request(body, c.activity)
			if c.complaint != "" {
				assert.ErrorContains(t, err, c.complaint)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.path, path)
			if c.run == "" {
				assert.Equal(t, len(c.from) > 0, request["derivedFrom"] != nil)
				return
			}
			assert.Equal(t, c.run, request["type"])
			assert.Len(t, request["used"], len(c.from))
			assert.Equal(t, []any{map[string]any{"artifact": body}}, request["generated"])
			assert.NotContains(t, body, "derivedFrom")
		})
	}
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
			got, ok := within(c.dir, c.file)
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.want != "", ok)
		})
	}
}

func TestNumbersOfBytesAreForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 9_949: "9.9 kB", 10_000: "10 kB", 999_499: "999 kB", 999_999: "1.0 MB", 68_700_000_000: "69 GB", 1 << 53: "9.0 PB"} {
		assert.Equal(t, want, bytesOf(n))
	}
}

func TestPeopleAreShownNoPagesOfHashes(t *testing.T) {
	file := `{"name":"a","size":1,"sha256":"x"}`
	long := `{"manifest":{"files":[` + strings.Repeat(file+",", fewFiles) + file + `]},"metadata":{"modelSigning":{"bundle":"0123456789","keyHint":"h"},"own":[1]}}`
	assert.JSONEq(t, `{"manifest":{"files":"… 21 files; show --json prints them"},"metadata":{"modelSigning":{"bundle":"… 10 bytes; show --json prints them","keyHint":"h"},"own":[1]}}`, string(abridged([]byte(long))))
	for _, same := range []string{`{"manifest":{"files":[` + file + `]}}`, `{"metadata":{"modelSigning":"odd"}}`, `{"metadata":[]}`, `{"card":7}`, `[]`} {
		assert.JSONEq(t, same, string(abridged([]byte(same))))
	}
}
