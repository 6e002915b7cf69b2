package manifest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
)

var (
	sum   = strings.Repeat("ab", 32)
	other = strings.Repeat("cd", 32)
)

func parse(t testing.TB, text string) canonical.Value {
	t.Helper()
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	require.NoError(t, err, text)
	return v
}

func file(name string) string { return `{"name":"` + name + `","size":1,"sha256":"` + sum + `"}` }

// TestTheDigestOfAManifestNeverChanges pins the wire format. If it changed, folders that are already registered would
// not verify any more.
func TestTheDigestOfAManifestNeverChanges(t *testing.T) {
	m := manifest.Manifest{
		Files: []manifest.File{
			{Name: "weights/2.bin", Size: 3 << 20, ShardSize: 2 << 20, Shards: []string{sum, other}},
			{Name: "Größe.txt", Size: 0, SHA256: other},
			{Name: "weights/1.bin", Size: 7, SHA256: sum},
		},
		Ignore: []string{".gitignore", ".git"},
	}
	m.Sort()
	text := `{"files":[{"name":"Größe.txt","sha256":"` + other + `","size":0},{"name":"weights/1.bin","sha256":"` + sum + `","size":7},` +
		`{"name":"weights/2.bin","shardSize":2097152,"shards":["` + sum + `","` + other + `"],"size":3145728}],"ignore":[".git",".gitignore"]}`
	assert.Equal(t, text, string(m.Value().Bytes()))
	assert.Equal(t, "108b43da08223e342cef81cfdc87154f3f22e87210b2b104f5dab82f9ec14a88", m.Digest())
	assert.Equal(t, int64(3<<20+7), m.Size())
	again, problem := manifest.Read(parse(t, text))
	require.Nil(t, problem)
	assert.Equal(t, m, again, "what is written is what is read")
	found, ok := again.Find("weights/1.bin")
	assert.True(t, ok)
	assert.Equal(t, m.Files[1], found)
	_, ok = again.Find("weights")
	assert.False(t, ok)
}

func TestRenamingAFileGivesAnotherDigest(t *testing.T) {
	a := manifest.Manifest{Files: []manifest.File{{Name: "a", Size: 1, SHA256: sum}}}
	b := manifest.Manifest{Files: []manifest.File{{Name: "b", Size: 1, SHA256: sum}}}
	assert.NotEqual(t, a.Digest(), b.Digest())
}

func TestManifestsAreHeldToTheirShape(t *testing.T) {
	shards := func(size, shard, list string) string {
		return `{"files":[{"name":"a","size":` + size + `,"shardSize":` + shard + `,"shards":[` + list + `]}]}`
	}
	two := `"` + sum + `","` + sum + `"`
	for name, c := range map[string]struct{ text, code, pointer string }{
		"no object":                         {`[]`, "wrong_type", ""},
		"no files":                          {`{}`, "missing_field", "/files"},
		"an empty folder":                   {`{"files":[]}`, "missing_field", "/files"},
		"files that are one":                {`{"files":{}}`, "missing_field", "/files"},
		"a field nobody knows":              {`{"files":[` + file("a") + `],"root":"x"}`, "unknown_field", "/root"},
		"a file that is text":               {`{"files":["a"]}`, "wrong_type", "/files/0"},
		"a file with a mode":                {`{"files":[{"mode":7,"name":"a","size":1,"sha256":"` + sum + `"}]}`, "unknown_field", "/files/0/mode"},
		"a file without a name":             {`{"files":[{"size":1,"sha256":"` + sum + `"}]}`, "missing_field", "/files/0/name"},
		"a file without a size":             {`{"files":[{"name":"a","sha256":"` + sum + `"}]}`, "bad_value", "/files/0/size"},
		"a negative size":                   {`{"files":[{"name":"a","size":-1,"sha256":"` + sum + `"}]}`, "bad_value", "/files/0/size"},
		"half a byte":                       {`{"files":[{"name":"a","size":0.5,"sha256":"` + sum + `"}]}`, "bad_value", "/files/0/size"},
		"a URL for a hash":                  {`{"files":[{"name":"a","size":1,"sha256":"https://example.com/issues/80"}]}`, "bad_value", "/files/0/sha256"},
		"a hash of 32 digits":               {`{"files":[{"name":"a","size":1,"sha256":"` + sum[:32] + `"}]}`, "bad_value", "/files/0/sha256"},
		"a hash in capitals":                {`{"files":[{"name":"a","size":1,"sha256":"` + strings.ToUpper(sum) + `"}]}`, "bad_value", "/files/0/sha256"},
		"neither hash nor shards":           {`{"files":[{"name":"a","size":1}]}`, "bad_value", "/files/0/shardSize"},
		"both hash and shards":              {`{"files":[{"name":"a","size":1,"sha256":"` + sum + `","shards":[]}]}`, "bad_value", "/files/0"},
		"one shard":                         {shards("1048576", "1048576", `"`+sum+`"`), "bad_value", "/files/0/shards"},
		"too few shards":                    {shards("4194304", "1048576", two), "bad_value", "/files/0/shards"},
		"too many shards":                   {shards("1048577", "1048576", two+`,"`+sum+`"`), "bad_value", "/files/0/shards"},
		"tiny shards":                       {shards("2", "1", two), "bad_value", "/files/0/shardSize"},
		"a shard that is no hash":           {shards("2097152", "1048576", `"`+sum+`","x"`), "bad_value", "/files/0/shards/1"},
		"files out of order":                {`{"files":[` + file("b") + `,` + file("a") + `]}`, "bad_order", "/files/1/name"},
		"the same file twice":               {`{"files":[` + file("a") + `,` + file("a") + `]}`, "duplicate", "/files/1/name"},
		"a file inside a file":              {`{"files":[` + file("a") + `,` + file("a.b") + `,` + file("a/b") + `]}`, "bad_value", "/files/2/name"},
		"a path that escapes":               {`{"files":[` + file("../a") + `]}`, "bad_value", "/files/0/name"},
		"a path that escapes on the way":    {`{"files":[` + file("a/../../b") + `]}`, "bad_value", "/files/0/name"},
		"an absolute path":                  {`{"files":[` + file("/etc/passwd") + `]}`, "bad_value", "/files/0/name"},
		"a path of another system":          {`{"files":[` + file(`..\\a`) + `]}`, "bad_value", "/files/0/name"},
		"a folder":                          {`{"files":[` + file("a/") + `]}`, "bad_value", "/files/0/name"},
		"a name with a line break":          {`{"files":[` + file(`a\nb`) + `]}`, "bad_value", "/files/0/name"},
		"a name with an escape":             {`{"files":[` + file(`a\u001b[2J`) + `]}`, "bad_value", "/files/0/name"},
		"no name":                           {`{"files":[` + file("") + `]}`, "bad_value", "/files/0/name"},
		"a name without end":                {`{"files":[` + file(strings.Repeat("a", 1025)) + `]}`, "bad_value", "/files/0/name"},
		"more bytes than numbers hold":      {`{"files":[{"name":"a","size":9007199254740992,"sha256":"` + sum + `"},` + file("b") + `]}`, "bad_value", "/files/1/size"},
		"ignoring nothing":                  {`{"files":[` + file("a") + `],"ignore":[]}`, "bad_value", "/ignore"},
		"ignoring what lies elsewhere":      {`{"files":[` + file("a") + `],"ignore":["../x"]}`, "bad_value", "/ignore/0"},
		"ignoring out of order":             {`{"files":[` + file("a") + `],"ignore":["b","a"]}`, "bad_order", "/ignore/1"},
		"ignoring something that's no path": {`{"files":[` + file("a") + `],"ignore":[1]}`, "bad_value", "/ignore/0"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problem := manifest.Read(parse(t, c.text))
			require.NotNil(t, problem)
			assert.Equal(t, c.code, problem.Code, problem)
			assert.Equal(t, c.pointer, problem.Pointer, problem)
			assert.NotEmpty(t, problem.Detail)
		})
	}
}

func FuzzManifestsReadAreWrittenAlike(f *testing.F) {
	f.Add(`{"files":[` + file("a") + `,` + file("b/c") + `],"ignore":[".git"]}`)
	f.Add(`{"files":[{"name":"a","size":1048577,"shardSize":1048576,"shards":["` + sum + `","` + sum + `"]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := canonical.Parse([]byte(text), canonical.Limits{})
		if err != nil {
			return
		}
		m, problem := manifest.Read(v)
		if problem != nil {
			return
		}
		assert.Equal(t, string(v.Bytes()), string(m.Value().Bytes()))
		for _, f := range m.Files {
			require.NoError(t, manifest.CheckName(f.Name))
		}
	})
}
