package manifest_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
)

func TestAManifestIsWrittenPieceByPieceAsItIsWrittenAtOnce(t *testing.T) {
	m := manifest.Manifest{Ignore: []string{"logs", "tmp"}}
	for i := range 3000 { // more than one piece
		m.Files = append(m.Files, manifest.File{Name: "part-" + strings.Repeat("x", i%50) + string(rune('a'+i%26)) + strings.Repeat("y", i/26), Size: int64(i), SHA256: sum})
	}
	m.Files = append(m.Files, manifest.File{Name: "big \" file", Size: 3 << 20, ShardSize: 2 << 20, Shards: []string{sum, other}})
	m.Sort()
	var out bytes.Buffer
	n, err := m.WriteTo(&out)
	require.NoError(t, err)
	assert.Equal(t, int64(out.Len()), n)
	assert.Equal(t, string(m.Value().Bytes()), out.String())

	again, err := manifest.ReadFrom(iotest.OneByteReader(bytes.NewReader(out.Bytes())))
	require.NoError(t, err)
	assert.Equal(t, m, again)

	_, err = m.WriteTo(full{})
	assert.ErrorIs(t, err, errFull)
}

var errFull = errors.New("no room")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAManifestsFileIsHeldToTheSameShapeAsARecords(t *testing.T) {
	for name, c := range map[string]struct{ text, complaint string }{
		"no JSON":               {"files", "JSON"},
		"no object":             {`[]`, "object"},
		"no files":              {`{}`, "at least one"},
		"an empty folder":       {`{"files":[]}`, "at least one"},
		"a field nobody knows":  {`{"files":[` + file("a") + `],"root":"x"}`, "/root"},
		"a path that escapes":   {`{"files":[` + file("../a") + `]}`, "/files/0/name"},
		"files out of order":    {`{"files":[` + file("b") + `,` + file("a") + `]}`, "/files/1/name"},
		"a file in a file":      {`{"files":[` + file("a") + `,` + file("a/b") + `]}`, "which is a file"},
		"too many bytes":        {`{"files":[{"name":"a","size":9007199254740992,"sha256":"` + sum + `"},` + file("b") + `]}`, "2^53"},
		"ignoring out of order": {`{"files":[` + file("a") + `],"ignore":["y","x"]}`, "/ignore/1"},
		"more after its end":    {`{"files":[` + file("a") + `]} {}`, "end"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest.ReadFrom(strings.NewReader(c.text))
			assert.ErrorContains(t, err, c.complaint)
		})
	}
	_, err := manifest.ReadFrom(iotest.ErrReader(errFull))
	assert.ErrorIs(t, err, errFull)
}

// FuzzAManifestsFileIsReadAsARecordIs checks that the two readers accept the same manifests and read them alike.
func FuzzAManifestsFileIsReadAsARecordIs(f *testing.F) {
	f.Add(`{"files":[` + file("a") + `,` + file("b/c") + `],"ignore":[".git"]}`)
	f.Add(`{"ignore":["x"],"files":[{"name":"a","size":1048577,"shardSize":1048576,"shards":["` + sum + `","` + sum + `"]}]}`)
	f.Add(`{"files":[` + file("a/b") + `,` + file("a") + `]}`)
	f.Add(`{"files":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := manifest.ReadFrom(strings.NewReader(text))
		v, malformed := canonical.Parse([]byte(text), canonical.Limits{Depth: 8})
		if malformed != nil {
			assert.Error(t, err, "%v", malformed)
			return
		}
		want, problem := manifest.Read(v)
		if problem != nil {
			assert.Error(t, err, "%v", problem)
			return
		}
		require.NoError(t, err)
		assert.Equal(t, want, m)
	})
}
