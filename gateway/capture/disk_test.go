package capture

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
	"github.com/stretchr/testify/require"
)

// smallDisk mounts a file system of so many bytes, or skips the test where that isn't allowed.
func smallDisk(t *testing.T, size string) string {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a small file system isn't allowed here: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	return dir
}

// fill takes all the space that is left, and returns how to give it back.
func fill(t *testing.T, dir string) (free func()) {
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	require.NoError(t, err)
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, f.Close())
	return func() { require.NoError(t, os.Remove(name)) }
}

func TestAFullDiskRefusesJobsAndLosesNone(t *testing.T) {
	disk := smallDisk(t, "4m")
	b := newBench(t, func(c *Config) { c.Folder = filepath.Join(disk, "queue") })
	t.Cleanup(b.close) // before the unmount
	b.ledger.endorse = always(noPolicy)
	b.run()
	waiting := b.capture(Proceed, items(0, 10))
	free := fill(t, disk)

	var err error
	for n := 100; err == nil; n += 100 { // what is left of the log's last page is used up first
		_, err = b.queue.Capture(t.Context(), request(Proceed, items(n, n+100)))
	}
	require.ErrorIs(t, err, ErrStorage)
	require.NotErrorIs(t, err, context.Canceled)
	records := b.queue.Stats().Records

	// The ledger is there again while the disk is full: nothing can be sent, since nothing can be noted.
	b.ledger.mu.Lock()
	b.ledger.endorse = nil
	b.ledger.mu.Unlock()
	b.eventually("something was endorsed", func() bool {
		b.ledger.mu.Lock()
		defer b.ledger.mu.Unlock()
		return b.ledger.counts["endorse"] > 0
	})
	_, err = b.queue.Capture(t.Context(), request(Proceed, items(5000, 5100)))
	require.ErrorIs(t, err, ErrStorage)
	require.LessOrEqual(t, b.queue.Stats().Records, records, "what was refused takes no room")

	free()
	_, results := b.finish(waiting.ID)
	require.Equal(t, repeat(Recorded, 10), states(results))
	_, results = b.finish(b.capture(Proceed, items(5000, 5100)).ID)
	require.Equal(t, repeat(Recorded, 100), states(results))
}

func TestACallerWhoDoesNotWaitLeavesAJobThatIsDone(t *testing.T) {
	b := newBench(t)
	b.open()
	blocked := make(chan struct{})
	b.queue.store.submit(func(*sqlitefile.Tx) error { <-blocked; return nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.queue.Capture(ctx, request(Proceed, items(0, 3)))
	require.ErrorIs(t, err, context.Canceled)
	close(blocked)
	b.eventually("it is taken all the same", func() bool { return b.queue.Stats().Jobs == 1 })
	b.run()
	jobs, _, err := b.queue.Jobs(t.Context(), "", "", 10)
	require.NoError(t, err)
	require.Len(t, jobs, 1)
	_, results := b.finish(jobs[0].ID)
	require.Equal(t, repeat(Recorded, 3), states(results))
}
