package receipts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func id(n int) record.ID { return record.Sum(fmt.Append(nil, n)) }

func TestWhatIsKeptIsThereAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proofs")
	f, err := Open(path)
	require.NoError(t, err)
	_, ok := f.Get(id(1))
	assert.False(t, ok)
	require.NoError(t, f.Put(id(1), []byte("one")))
	require.NoError(t, f.Put(id(1), []byte("another")))
	require.NoError(t, os.WriteFile(filepath.Join(path, "notes.txt"), []byte("not ours"), 0o600))

	f, err = Open(path)
	require.NoError(t, err)
	text, ok := f.Get(id(1))
	require.True(t, ok)
	assert.Equal(t, "another", string(text))
	assert.Equal(t, int64(len("another")), f.total)
}

func TestTheOldestGoFirst(t *testing.T) {
	f, err := open(t.TempDir(), 100)
	require.NoError(t, err)
	for n := range 5 {
		require.NoError(t, f.Put(id(n), []byte(strings.Repeat("x", 30))))
	}
	for n := range 5 {
		_, ok := f.Get(id(n))
		assert.Equal(t, n >= 2, ok, "%d", n)
	}
	require.NoError(t, f.Put(id(9), []byte(strings.Repeat("x", 500))))
	_, ok := f.Get(id(9))
	assert.True(t, ok, "the newest stays, however large")
}

func TestAFileThatIsGoneIsJustNotThere(t *testing.T) {
	path := t.TempDir()
	f, err := Open(path)
	require.NoError(t, err)
	require.NoError(t, f.Put(id(1), []byte("one")))
	require.NoError(t, os.Remove(f.file(id(1).Hex())))
	_, ok := f.Get(id(1))
	assert.False(t, ok)
}
