package blockfile_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
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

func TestAReaderThatIsAtTheEndStaysThere(t *testing.T) {
	dir := folder(t, append(entry(block(0)), entry(block(1))[:50]...))
	_, r, err := read(t, dir)
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, blockfile.Size(dir), r.Offset(), "with the unfinished block")
	_, err = r.Next()
	require.ErrorIs(t, err, io.EOF)
}

func TestALengthThatIsCutOffIsAnUnfinishedBlock(t *testing.T) {
	whole := entry(block(0))
	for cut := 1; cut < 10; cut++ {
		blocks, r, err := read(t, folder(t, append(slices.Clone(whole), bytes.Repeat([]byte{255}, cut)...)))
		require.ErrorIs(t, err, io.EOF)
		require.Len(t, blocks, 1)
		assert.Equal(t, &blockfile.Partial{File: "blockfile_000000", Offset: int64(len(whole)), Bytes: int64(cut)}, r.Partial())
	}
}

func TestDamageIsToldWithItsPlace(t *testing.T) {
	raw := blockfile.Append(nil, block(1))
	withLength := func(length uint64, content []byte) []byte {
		return append(protowire.AppendVarint(nil, length), content...)
	}
	for name, c := range map[string]struct {
		second  []byte   // what stands in place of the second block
		files   [][]byte // the files after it
		message string
	}{
		"a length that is too long for its file":       {second: withLength(uint64(len(raw)+1), raw), message: "the length of the block is wrong"},
		"a length of nine bytes that is far too long":  {second: withLength(1<<62, raw), message: "the length of the block is wrong"},
		"a length of ten bytes":                        {second: withLength(1<<63, raw), message: "it claims a block of 9223372036854775808 bytes"},
		"a length that is too short":                   {second: withLength(uint64(len(raw)-1), raw), message: "it ends within 11 bytes that it announces"},
		"a length that covers one byte after a block":  {second: withLength(uint64(len(raw)+1), append(slices.Clone(raw), 0)), message: "1 bytes follow the block where it should end"},
		"a length in more bytes than it takes":         {second: append([]byte{byte(len(raw)) | 0x80, byte(len(raw)>>7) | 0x80, 0}, raw...), message: "the length of a block is written with more bytes than it takes"},
		"ten bytes that are no length":                 {second: bytes.Repeat([]byte{255}, 10), message: "there is no length of a block"},
		"no length":                                    {second: bytes.Repeat([]byte{255}, 12), message: "there is no length of a block"},
		"an unfinished block that a file follows":      {second: entry(block(1))[:50], files: [][]byte{entry(block(2))}, message: "the last block of the file is longer than the file, and another file follows"},
		"a header that ends where a number should be":  {second: withLength(1, []byte{1}), message: "it has a number that can't be read"},
		"a hash that ends before it has all its bytes": {second: withLength(2, []byte{1, 32}), message: "it ends within 32 bytes that it announces"},
		"entries without end":                          {second: withLength(12, append([]byte{1, 0, 0}, binary.AppendUvarint(nil, 1<<62)...)), message: "it has a number that can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			whole := entry(block(0))
			blocks, _, err := read(t, folder(t, append([][]byte{append(slices.Clone(whole), c.second...)}, c.files...)...))
			damage, ok := errors.AsType[*blockfile.Damage](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, &blockfile.Damage{File: "blockfile_000000", Offset: int64(len(whole)), Message: c.message}, damage)
			assert.Len(t, blocks, 1)
		})
	}
}

func TestAFileThatCantBeReadIsAnError(t *testing.T) {
	t.Run("of a reader that is closed", func(t *testing.T) {
		r, err := blockfile.Open(folder(t, entry(block(0))))
		require.NoError(t, err)
		require.NoError(t, r.Close())
		_, err = r.Next()
		require.ErrorIs(t, err, fs.ErrClosed)
		require.ErrorIs(t, r.Close(), fs.ErrClosed)
	})
	for name, content := range map[string][]byte{
		"that becomes shorter meanwhile":                         entry(block(0)),
		"that has an unfinished block and becomes still shorter": entry(block(0))[:200],
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, content)
			r, err := blockfile.Open(dir)
			require.NoError(t, err)
			defer r.Close()
			require.NoError(t, os.Truncate(filepath.Join(dir, "blockfile_000000"), 100))
			_, err = r.Next()
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.ErrorContains(t, err, "couldn't read blockfile_000000")
		})
	}
	circle := func(t *testing.T, dir, file string) {
		require.NoError(t, os.Symlink(file, filepath.Join(dir, file)))
	}
	t.Run("because its name is a link to itself", func(t *testing.T) {
		dir := t.TempDir()
		circle(t, dir, "blockfile_000000")
		_, err := blockfile.Open(dir)
		require.ErrorContains(t, err, "couldn't open a block file")
	})
	t.Run("because the next one's name is a link to itself", func(t *testing.T) {
		dir := folder(t, entry(block(0)))
		circle(t, dir, "blockfile_000001")
		_, _, err := read(t, dir)
		require.ErrorContains(t, err, "couldn't open a block file")
	})
}

func TestAFolderWithoutBlocksIsNone(t *testing.T) {
	_, err := blockfile.Open(t.TempDir())
	assert.ErrorContains(t, err, "there is no blockfile_000000")
}

func TestABlockHasOneEncoding(t *testing.T) {
	for name, b := range map[string]*common.Block{
		"the first block":                  {Header: &common.BlockHeader{}, Data: &common.BlockData{Data: [][]byte{{1}}}},
		"a block that ends in empty lists": {Header: &common.BlockHeader{Number: 1 << 40}, Metadata: &common.BlockMetadata{Metadata: [][]byte{{}, {}, {}}}},
		"a block without transactions":     {Header: &common.BlockHeader{Number: 2, PreviousHash: []byte("hash")}},
	} {
		t.Run(name, func(t *testing.T) {
			raw := blockfile.Append(nil, b)
			got, rest, err := blockfile.Parse(append(raw, 7))
			require.NoError(t, err)
			assert.Equal(t, []byte{7}, rest)
			assert.Equal(t, raw, blockfile.Append(nil, got))
		})
	}
	for name, raw := range map[string][]byte{
		"a block number in two bytes that fits in one":      {0x81, 0, 0, 0, 0, 0},
		"a length of a hash in two bytes that fits in one":  {1, 0x80, 0, 0, 0, 0},
		"a count of metadata in two bytes that fits in one": {1, 0, 0, 0, 0x80, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := blockfile.Parse(raw)
			require.ErrorContains(t, err, "it has a number that can't be read")
		})
	}
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
