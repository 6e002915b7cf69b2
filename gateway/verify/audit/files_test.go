package audit_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/blockfile"
	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/test/thorough"
)

// blockFiles copies the block files of an organisation's peer. Nothing is recorded while the tests run.
func blockFiles(t *testing.T, org string) (dir string, content []byte) {
	realFiles(t)
	content, err := os.ReadFile(filepath.Join(ledgerDir(org), "blockfile_000000"))
	require.NoError(t, err)
	dir = t.TempDir()
	return dir, content
}

func write(t *testing.T, dir string, content []byte) {
	require.NoError(t, os.WriteFile(filepath.Join(dir, "blockfile_000000"), content, 0o600))
}

func TestTheFilesOfEveryPeerAreClean(t *testing.T) {
	for org := range mspIDs {
		dir, content := blockFiles(t, org)
		write(t, dir, content)
		r := replay(t, &audit.Files{Dir: dir})
		assert.Empty(t, r.Findings)
		assert.EqualValues(t, len(shared.blocks), r.Blocks)
	}
}

// Every bit of a peer's files matters, also of what nobody signs: metadata that is out of use is empty, and what peers
// add is computed anew.
func TestEveryFlippedBitOfABlockFileIsFound(t *testing.T) {
	dir, content := blockFiles(t, "harbor")
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	var bits []int
	for range thorough.Of(20, 200) {
		bits = append(bits, random.IntN(8*len(content)))
	}
	// Signatures and what peers add are the last of each block, and the lengths the first.
	end := 0
	for _, b := range shared.blocks {
		metadata := 0
		for _, one := range b.Metadata.Metadata {
			metadata += len(one) + 2
		}
		start := end
		end += len(blockfile.Append(nil, b))
		end += lengthOf(content[start:])
		for range thorough.Of(1, 2) {
			bits = append(bits, 8*start+random.IntN(8*4), 8*(end-metadata)+random.IntN(8*metadata))
		}
	}
	require.Equal(t, len(content), end)
	for _, bit := range bits {
		damaged := append([]byte{}, content...)
		damaged[bit/8] ^= 1 << (bit % 8)
		write(t, dir, damaged)
		r := replay(t, &audit.Files{Dir: dir})
		assert.False(t, r.Clean(), "bit %d of byte %d (seed %d): %v", bit%8, bit/8, seed, r.Notes)
	}
}

// lengthOf is how many bytes the length of a block takes.
func lengthOf(b []byte) int {
	n := 1
	for b[n-1] >= 0x80 {
		n++
	}
	return n
}

func TestAFileThatIsCutOffIsAuditedAsFarAsItGoes(t *testing.T) {
	dir, content := blockFiles(t, "market")
	write(t, dir, content[:len(content)-100])
	r := replay(t, &audit.Files{Dir: dir})
	assert.Empty(t, r.Findings)
	assert.EqualValues(t, len(shared.blocks)-1, r.Blocks)
	require.Len(t, r.Notes, 1)
	assert.Contains(t, r.Notes[0], "ends within a block")
}

func TestAnAuditGoesOnWhereItWasInterrupted(t *testing.T) {
	blocks := chain(t)
	dir := t.TempDir()
	run := func(t *testing.T, source audit.Source) *audit.Report {
		a, err := audit.New(audit.Config{Genesis: genesisHash(t), Chaincode: network.ChaincodeName, State: dir})
		require.NoError(t, err)
		defer func() { require.NoError(t, a.Close()) }()
		require.NoError(t, a.Run(t.Context(), source))
		return a.Report(source)
	}
	whole := replay(t, memory(blocks))
	for n := 1; n < len(blocks); n++ {
		r := run(t, memory(blocks[:n]))
		assert.EqualValues(t, n, r.Blocks)
		assert.Empty(t, r.Findings)
	}
	last := run(t, memory(blocks))
	assert.EqualValues(t, len(blocks)-1, last.From)
	assert.Equal(t, []any{whole.Tip, whole.Transactions, whole.Invalid, whole.Records}, []any{last.Tip, last.Transactions, last.Invalid, last.Records})

	t.Run("but not on another chain", func(t *testing.T) {
		f := newForger(t)
		f.relink(5, 2, 3, 4) // signed by others: the same chain
		assert.Empty(t, run(t, memory(f.blocks)).Findings)
		f.blocks[5].Data.Data = append(f.blocks[5].Data.Data, f.blocks[6].Data.Data...)
		f.relink(5)
		assert.Equal(t, []audit.Code{audit.Fork}, codes(run(t, memory(f.blocks))))
	})
	t.Run("nor with a peer that has lost blocks", func(t *testing.T) {
		assert.Equal(t, []audit.Code{audit.HiddenTip}, codes(run(t, memory(blocks[:3]))))
	})
	t.Run("nor on another ledger", func(t *testing.T) {
		_, err := audit.New(audit.Config{Genesis: make([]byte, 32), Chaincode: network.ChaincodeName, State: dir})
		_, ok := errors.AsType[*audit.OtherStateError](err)
		assert.True(t, ok, "%v", err)
	})
}

func TestTheBlockAfterAnInterruptionFollowsTheLastOne(t *testing.T) {
	f := newForger(t)
	dir := t.TempDir()
	run := func(blocks memory) *audit.Report {
		a, err := audit.New(audit.Config{Genesis: genesisHash(t), Chaincode: network.ChaincodeName, State: dir})
		require.NoError(t, err)
		defer func() { require.NoError(t, a.Close()) }()
		require.NoError(t, a.Run(t.Context(), blocks))
		return a.Report(blocks)
	}
	require.Empty(t, run(memory(f.blocks[:5])).Findings)
	next := f.blocks[5]
	next.Header.PreviousHash = make([]byte, 32)
	f.order(next, 1, 2, 3)
	assert.Equal(t, []audit.Code{"bad_block"}, codes(run(memory(f.blocks[:6]))))
}

func TestFindingsAreKept(t *testing.T) {
	blocks := chain(t)
	blocks[6].Metadata.Metadata[1] = []byte{1}
	dir := t.TempDir()
	for range 2 {
		a, err := audit.New(audit.Config{Genesis: genesisHash(t), Chaincode: network.ChaincodeName, State: dir})
		require.NoError(t, err)
		require.NoError(t, a.Run(t.Context(), memory(blocks)))
		assert.Equal(t, []audit.Code{audit.BadMetadata}, codes(a.Report(memory(blocks))))
		require.NoError(t, a.Close())
	}
}
