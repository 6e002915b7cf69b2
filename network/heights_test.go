package network

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDisksThatWereLost plays one network's life: it is stopped, disks of it are lost, and it is started again.
func TestDisksThatWereLost(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real network, which -short leaves out")
	}
	dir := filepath.Join(t.TempDir(), "net")
	var said string
	options := Options{Dir: dir, Out: writerFunc(func(text string) { said += text })}
	start := func(patience time.Duration) (*Network, error) {
		said = ""
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return Start(ctx, options)
	}
	orderers := func(do func(folder string)) {
		for _, name := range []string{"orderer1", "orderer2", "orderer3", "orderer4"} {
			do(filepath.Join("orderer", name))
		}
	}
	remove := func(parts ...string) {
		require.NoError(t, os.RemoveAll(filepath.Join(append([]string{dir}, parts...)...)))
	}
	aside := filepath.Join(t.TempDir(), "aside")
	keep := func(folder string) {
		for _, part := range []string{"ledger", "wal"} {
			require.NoError(t, os.CopyFS(filepath.Join(aside, folder, part),
				os.DirFS(filepath.Join(dir, folder, part))))
		}
	}
	restore := func(folder string) {
		for _, part := range []string{"ledger", "wal", "snapshots"} {
			remove(folder, part)
		}
		for _, part := range []string{"ledger", "wal"} {
			require.NoError(t, os.CopyFS(filepath.Join(dir, folder, part),
				os.DirFS(filepath.Join(aside, folder, part))))
		}
	}

	n, err := start(3 * time.Minute)
	require.NoError(t, err)
	require.NoError(t, n.write(t.Context(), 0, "lot", "salmon"))
	require.NoError(t, n.Stop())

	// One orderer and one peer have lost everything.
	for _, part := range []string{"ledger", "wal", "snapshots"} {
		remove("orderer", "orderer2", part)
	}
	remove("lab", "peer", "ledger")
	n, err = start(3 * time.Minute)
	require.NoError(t, err)
	assert.Contains(t, said, "lost the data of orderer2")
	assert.Contains(t, said, "Lab's peer doesn't have what it approved before")
	require.NoError(t, awaitNote(t.Context(), n, 2, "lot", "salmon"))
	require.NoError(t, n.Hold("orderer1")) // now orderer2 is needed
	require.NoError(t, n.write(t.Context(), 2, "lot", "trout"))
	require.NoError(t, n.Release("orderer1"))
	require.NoError(t, n.AwaitReady(t.Context()))
	require.NoError(t, n.Stop())
	orderers(keep)

	n, err = start(3 * time.Minute)
	require.NoError(t, err)
	assert.NotContains(t, said, "lost")
	assert.NotContains(t, said, "approved before")
	require.NoError(t, n.write(t.Context(), 1, "lot", "char"))
	require.NoError(t, n.Stop())

	newest := filepath.Join(t.TempDir(), "newest")
	require.NoError(t, os.CopyFS(newest, os.DirFS(filepath.Join(dir, "orderer"))))
	orderers(restore)
	_, err = start(3 * time.Minute)
	require.ErrorContains(t, err, "the orderers' data are older than the ledger")

	orderers(func(folder string) {
		for _, part := range []string{"ledger", "wal", "snapshots"} {
			remove(folder, part)
		}
	})
	_, err = start(3 * time.Minute)
	require.ErrorContains(t, err, "4 of 4 orderers have lost their data (orderer1, orderer2, orderer3, orderer4), and the network can do without 1")

	remove("orderer")
	require.NoError(t, os.CopyFS(filepath.Join(dir, "orderer"), os.DirFS(newest)))
	n, err = start(3 * time.Minute)
	require.NoError(t, err)
	require.NoError(t, awaitNote(t.Context(), n, 0, "lot", "char"))
	require.NoError(t, n.write(t.Context(), 0, "lot", "herring"))
	require.NoError(t, n.Stop())
}
