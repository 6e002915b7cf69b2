package blockfile_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/blockfile"
)

func block(number uint64) *common.Block {
	data := [][]byte{[]byte("an envelope"), make([]byte, 300)}
	hash := sha256.Sum256(slices.Concat(data...))
	b := &common.Block{
		Header:   &common.BlockHeader{Number: number, DataHash: hash[:]},
		Data:     &common.BlockData{Data: data},
		Metadata: &common.BlockMetadata{Metadata: [][]byte{[]byte("signatures"), {}, {0, 11}, {}, []byte("commit hash")}},
	}
	if number > 0 {
		b.Header.PreviousHash = []byte("previous hash")
	}
	return b
}

func entry(b *common.Block) []byte {
	raw := blockfile.Append(nil, b)
	return append(protowire.AppendVarint(nil, uint64(len(raw))), raw...)
}

// folder has files with the given contents.
func folder(t *testing.T, files ...[]byte) string {
	dir := t.TempDir()
	for i, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, []string{"blockfile_000000", "blockfile_000001"}[i]), content, 0o600))
	}
	return dir
}

// read reads all blocks, and what ended them.
func read(t *testing.T, dir string) ([]*common.Block, *blockfile.Reader, error) {
	r, err := blockfile.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	var blocks []*common.Block
	for {
		b, err := r.Next()
		if err != nil {
			return blocks, r, err
		}
		blocks = append(blocks, b)
	}
}

func TestBlocksOfSeveralFilesComeInOrder(t *testing.T) {
	first, second := append(entry(block(0)), entry(block(1))...), entry(block(2))
	dir := folder(t, first, second)
	blocks, r, err := read(t, dir)
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, blocks, 3)
	for i, b := range blocks {
		assert.True(t, proto.Equal(block(uint64(i)), b))
	}
	assert.Nil(t, r.Partial())
	assert.EqualValues(t, len(first)+len(second), r.Offset())
	assert.Equal(t, r.Offset(), blockfile.Size(dir))
}

func TestAnUnfinishedBlockAtTheEndIsLeftOut(t *testing.T) {
	whole, last := entry(block(0)), entry(block(1))
	for cut := 1; cut < len(last); cut++ {
		blocks, r, err := read(t, folder(t, append(append([]byte{}, whole...), last[:cut]...)))
		require.ErrorIs(t, err, io.EOF)
		require.Len(t, blocks, 1)
		assert.Equal(t, &blockfile.Partial{File: "blockfile_000000", Offset: int64(len(whole)), Bytes: int64(cut)}, r.Partial())
	}
}

func TestDamageIsToldWithItsPlace(t *testing.T) {
	whole, raw := entry(block(0)), blockfile.Append(nil, block(1))
	for name, c := range map[string]struct{ files [][]byte }{
		"a length that is too long for its file":        {[][]byte{append(append([]byte{}, whole...), append(protowire.AppendVarint(nil, uint64(len(raw)+1)), raw...)...)}},
		"a length that is too short":                    {[][]byte{append(append([]byte{}, whole...), append(protowire.AppendVarint(nil, uint64(len(raw)-1)), raw...)...)}},
		"a length in more bytes than it takes":          {[][]byte{append(append([]byte{}, whole...), append([]byte{byte(len(raw)) | 0x80, byte(len(raw)>>7) | 0x80, 0}, raw...)...)}},
		"no length":                                     {[][]byte{append(append([]byte{}, whole...), 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255)}},
		"an unfinished block that another file follows": {[][]byte{append(append([]byte{}, whole...), entry(block(1))[:50]...), entry(block(2))}},
	} {
		t.Run(name, func(t *testing.T) {
			blocks, _, err := read(t, folder(t, c.files...))
			damage, ok := errors.AsType[*blockfile.Damage](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "blockfile_000000", damage.File)
			assert.EqualValues(t, len(whole), damage.Offset)
			assert.Len(t, blocks, 1)
		})
	}
}

func TestAFolderWithoutBlocksIsNone(t *testing.T) {
	_, err := blockfile.Open(t.TempDir())
	assert.ErrorContains(t, err, "there is no blockfile_000000")
}

func FuzzParse(f *testing.F) {
	f.Add(blockfile.Append(nil, block(0)))
	f.Add(blockfile.Append(nil, block(1<<40)))
	f.Add([]byte{0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, rest, err := blockfile.Parse(raw)
		if err != nil {
			return
		}
		// There is one way to write a block, so no bit of it can be changed unseen.
		assert.Equal(t, raw[:len(raw)-len(rest)], blockfile.Append(nil, b))
	})
}
