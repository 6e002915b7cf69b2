package manifest_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
)

// files is the text of a manifest.
func files(rest string, list ...string) string {
	return `{"files":[` + strings.Join(list, ",") + `]` + rest + `}`
}

func sized(name, size string) string {
	return `{"name":"` + name + `","size":` + size + `,"sha256":"` + sum + `"}`
}

func ignoring(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"%05d"`, i))
	}
	return `,"ignore":[` + strings.Join(list, ",") + `]`
}

// Both readers have to say the same. A manifest that is good has no problem.
func TestBothReadersHoldToTheLimits(t *testing.T) {
	for name, c := range map[string]struct{ text, problem string }{
		"nothing is ignored":              {files("", file("a")), ""},
		"one path is ignored":             {files(ignoring(1), file("a")), ""},
		"as much is ignored as may be":    {files(ignoring(1000), file("a")), ""},
		"more is ignored than may be":     {files(ignoring(1001), file("a")), "/ignore: "},
		"a path that is ignored twice":    {files(`,"ignore":["a","a"]`, file("a")), "/ignore/1: "},
		"an object of what is ignored":    {files(`,"ignore":{}`, file("a")), "/ignore: "},
		"the largest file":                {files("", sized("a", "9007199254740992")), ""},
		"a file that is too large":        {files("", sized("a", "9007199254740994")), "/files/0/size: "},
		"the largest folder":              {files("", sized("a", "9007199254740991"), sized("b", "1")), ""},
		"a folder that is too large":      {files("", sized("a", "9007199254740991"), sized("b", "2")), "/files/1/size: "},
		"a size that is a text":           {files("", sized("a", `"1"`)), "/files/0/size: "},
		"a second file without a hash":    {files("", file("a"), `{"name":"b","size":1,"sha256":"x"}`), "/files/1/sha256: "},
		"a hash that is a number":         {files("", `{"name":"a","size":1,"sha256":1}`), "/files/0/sha256: "},
		"a hash, and a size of shards":    {files("", `{"name":"a","size":1,"sha256":"`+sum+`","shardSize":1048576}`), "/files/0: "},
		"two shards, just so":             {files("", `{"name":"a","size":1048577,"shardSize":1048576,"shards":["`+sum+`","`+sum+`"]}`), ""},
		"shards that are just too small":  {files("", `{"name":"a","size":2097150,"shardSize":1048575,"shards":["`+sum+`","`+sum+`"]}`), "/files/0/shardSize: "},
		"shards of half a byte more":      {files("", `{"name":"a","size":2097152,"shardSize":1048576.5,"shards":["`+sum+`","`+sum+`"]}`), "/files/0/shardSize: "},
		"shards of a size that is a text": {files("", `{"name":"a","size":2097152,"shardSize":"1048576","shards":["`+sum+`","`+sum+`"]}`), "/files/0/shardSize: "},
		"shards of a size without end":    {files("", `{"name":"a","size":2097152,"shardSize":9007199254740994,"shards":["`+sum+`"]}`), "/files/0/shardSize: "},
		"an object of shards":             {files("", `{"name":"a","size":2097152,"shardSize":1048576,"shards":{}}`), "/files/0/shards: "},
		"a shard that is a number":        {files("", `{"name":"a","size":2097152,"shardSize":1048576,"shards":["`+sum+`",7]}`), "/files/0/shards/1: "},
		"no files":                        {files(""), "/files: a manifest lists at least one file"},
		"other members":                   {files(`,"x":1`, file("a")), "/x: "},
		"a name that is a number":         {files("", `{"name":1,"size":1,"sha256":"`+sum+`"}`), "/files/0/name: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, problem := manifest.Read(parse(t, c.text))
			m, err := manifest.ReadFrom(strings.NewReader(c.text))
			if c.problem == "" {
				require.Nil(t, problem)
				require.NoError(t, err)
				var written bytes.Buffer
				n, err := m.WriteTo(&written)
				require.NoError(t, err)
				assert.EqualValues(t, written.Len(), n)
				assert.Equal(t, string(parse(t, c.text).Bytes()), written.String())
				assert.Equal(t, written.String(), string(m.Value().Bytes()))
				return
			}
			require.NotNil(t, problem)
			assert.NotEmpty(t, problem.Code)
			assert.Contains(t, problem.Pointer+": "+problem.Detail, c.problem)
			require.Error(t, err)
			assert.True(t, strings.HasPrefix(err.Error(), c.problem), err)
			assert.Empty(t, m)
		})
	}
	_, err := manifest.ReadFrom(strings.NewReader(files("", `{"name":"a","name":"b","size":1,"sha256":"`+sum+`"}`)))
	assert.Error(t, err, "a member twice")
	_, err = manifest.ReadFrom(strings.NewReader(`[]`))
	require.Error(t, err)
	assert.False(t, strings.HasPrefix(err.Error(), ":"), err)
}

func TestNamesAtTheEdges(t *testing.T) {
	for name, want := range map[string]string{
		"a": "", "a~": "", "a b": "", "a\u00a0b": "", "...": "", "a/..b": "", strings.Repeat("a", 1024): "",
		"":                        "must not be empty",
		strings.Repeat("a", 1025): "more than the 1024",
		"a\xff":                   "is not UTF-8",
		"a\x1f":                   "control character", "a\x7f": "control character", "a\u0080": "control character",
		"a\u009f": "control character", `a\b`: "backslash",
		".": "plain path", "..": "plain path", "a/.": "plain path", "a/./b": "plain path", "a/../b": "plain path", "a//b": "plain path", "/a": "plain path", "a/": "plain path",
	} {
		err := manifest.CheckName(name)
		if want == "" {
			assert.NoError(t, err, "%q", name)
		} else {
			assert.ErrorContains(t, err, want, "%q", name)
		}
	}
	name := strings.Repeat("n", 79) + "/"
	assert.ErrorContains(t, manifest.CheckName(name), fmt.Sprintf("%q", name), "80 bytes are told whole")
	assert.ErrorContains(t, manifest.CheckName(name+"/"), fmt.Sprintf("%q", name+"…"))
	assert.ErrorContains(t, manifest.CheckName(strings.Repeat("n", 79)+"é/"), fmt.Sprintf("%q", strings.Repeat("n", 79)+"…"), "no half character")
}

func TestOnlyLowerCaseHexadecimalIsAHash(t *testing.T) {
	for _, digit := range "09af" {
		for _, at := range []int{0, 40, 63} {
			_, problem := manifest.Read(parse(t, files("", strings.Replace(file("a"), sum, sum[:at]+string(digit)+sum[at+1:], 1))))
			assert.Nil(t, problem, "%c", digit)
		}
	}
	for _, digit := range "/:`gAFG@ " {
		for _, at := range []int{0, 40, 63} {
			_, problem := manifest.Read(parse(t, files("", strings.Replace(file("a"), sum, sum[:at]+string(digit)+sum[at+1:], 1))))
			assert.NotNil(t, problem, "%c", digit)
		}
	}
}

// broken fails once, after so many writes, and notes how long the writes were.
type broken struct {
	takes   int
	failed  bool
	lengths []int
}

var errBroken = errors.New("it is full")

func (b *broken) Write(p []byte) (int, error) {
	if len(b.lengths) == b.takes && !b.failed {
		b.failed = true
		return 0, errBroken
	}
	b.lengths = append(b.lengths, len(p))
	return len(p), nil
}

func TestAManifestIsWrittenInPieces(t *testing.T) {
	var m manifest.Manifest
	for i := range 3000 {
		m.Files = append(m.Files, manifest.File{Name: fmt.Sprintf("%05d", i), Size: 1, SHA256: sum})
	}
	all := &broken{takes: 1000}
	n, err := m.WriteTo(all)
	require.NoError(t, err)
	require.Greater(t, len(all.lengths), 2)
	total := 0
	for i, length := range all.lengths {
		if total += length; i < len(all.lengths)-1 {
			assert.GreaterOrEqual(t, length, 64<<10)
			assert.Less(t, length, 65<<10)
		}
	}
	assert.EqualValues(t, total, n)
	assert.Equal(t, len(m.Value().Bytes()), total)
	for takes := range all.lengths {
		n, err := m.WriteTo(&broken{takes: takes})
		assert.ErrorIs(t, err, errBroken)
		assert.Less(t, n, int64(total))
	}
}
