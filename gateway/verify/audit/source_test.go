package audit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/blockfile"
)

func TestFilesAreReadFromABlockOn(t *testing.T) {
	dir := t.TempDir()
	var content []byte
	for n := range uint64(4) {
		content = protowire.AppendBytes(content, blockfile.Append(nil, &common.Block{Header: &common.BlockHeader{Number: n}}))
	}
	write := func(content []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "blockfile_000000"), content, 0o600))
	}
	write(content)
	f := &Files{Dir: dir}
	read := func(ctx context.Context, from uint64) (numbers []uint64, err error) {
		err = f.Blocks(ctx, from, func(b *common.Block) error { numbers = append(numbers, b.Header.Number); return nil })
		return numbers, err
	}
	numbers, err := read(t.Context(), 2)
	require.NoError(t, err)
	assert.Equal(t, []uint64{2, 3}, numbers)
	done, all := f.Share(0)
	assert.Equal(t, []int64{int64(len(content)), int64(len(content))}, []int64{done, all})
	assert.Empty(t, f.Note())

	stop := errors.New("enough")
	assert.ErrorIs(t, f.Blocks(t.Context(), 0, func(*common.Block) error { return stop }), stop)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	numbers, err = read(ended, 0)
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, numbers)

	write(append(content, 40))
	_, err = read(t.Context(), 0)
	require.NoError(t, err)
	assert.Contains(t, f.Note(), "blockfile_000000 ends within a block")
	write(append(content, 1, 1))
	numbers, err = read(t.Context(), 0)
	_, damaged := errors.AsType[*Damaged](err)
	assert.True(t, damaged, "%v", err)
	assert.Len(t, numbers, 4, "what comes before is read")

	err = (&Files{Dir: t.TempDir()}).Blocks(t.Context(), 0, nil)
	_, unreachable := errors.AsType[*UnreachableError](err)
	assert.True(t, unreachable, "%v", err)
	assert.ErrorContains(t, err, "there is no blockfile_000000")
}

func TestAnErrorOfASourceHasItsCause(t *testing.T) {
	cause := errors.New("cause")
	assert.ErrorIs(t, unreachable("said: %w", cause), cause)
	assert.EqualError(t, unreachable("said: %w", cause), "said: cause")
	assert.ErrorIs(t, invalid("said: %w", cause), cause)
	assert.EqualError(t, invalid("said: %w", cause), "said: cause")
}
