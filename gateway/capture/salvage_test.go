package capture

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// filled is a bench whose queue was closed with jobs that nobody has sent yet, and the file's bytes.
func filled(t *testing.T, jobs int) (b *bench, ids []string, file []byte) {
	b = newBench(t)
	b.open()
	for i := range jobs {
		ids = append(ids, b.capture(Proceed, items(100*i, 100*i+20)).ID)
	}
	b.close()
	file, err := os.ReadFile(filepath.Join(b.cfg.Folder, "queue.db"))
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(b.cfg.Folder, "queue.db-wal"), "a queue that was closed is in one file")
	return b, ids, file
}

// reopened is the bench's queue with other bytes in its file.
func (b *bench) reopened(file []byte) *Queue {
	b.Helper()
	b.cfg.Folder = b.TempDir()
	require.NoError(b, os.WriteFile(filepath.Join(b.cfg.Folder, "queue.db"), file, 0o600))
	b.queue = nil
	return b.open()
}

func TestADamagedQueueIsSetAsideAndSaysSo(t *testing.T) {
	b, ids, file := filled(t, 3)
	for name, broken := range map[string][]byte{
		"another file": []byte(strings.Repeat("This is no database. ", 1000)),
		"half a file":  file[:len(file)/2],
		"no bytes":     {},
		"zeros":        make([]byte, len(file)),
	} {
		t.Run(name, func(t *testing.T) {
			q := b.reopened(broken)
			notice := q.Damage()
			require.Contains(t, notice, "found damaged")
			require.Contains(t, notice, "send again what may be missing")
			aside, err := filepath.Glob(filepath.Join(b.cfg.Folder, "queue-damaged-*.db"))
			require.NoError(t, err)
			require.Len(t, aside, 1)
			require.Contains(t, notice, filepath.Base(aside[0]))
			kept, err := os.ReadFile(aside[0])
			require.NoError(t, err)
			require.True(t, bytes.Equal(broken, kept), "what is set aside stays as it was")

			b.run()
			_, results := b.finish(b.capture(Proceed, items(5000, 5010)).ID)
			require.Len(t, results, 10)
			b.close()

			b.open()
			require.Equal(t, notice, b.queue.Damage(), "another start doesn't silence it")
			require.NoError(t, os.Remove(strings.TrimSuffix(aside[0], ".db")+".txt"))
			require.Empty(t, b.queue.Damage(), "the operator does")
			b.close()
		})
	}
	require.Len(t, ids, 3)
}

// Whatever page is broken, the queue opens, and each job that it doesn't name as missing is recorded.
func TestWhatCanBeReadOfADamagedQueueIsKept(t *testing.T) {
	const page = 4096
	b, ids, file := filled(t, 40)
	require.Greater(t, len(file), 20*page)
	most := 0
	for at := page; at+page <= len(file); at += 3 * page {
		broken := bytes.Clone(file)
		for i := at; i < at+page; i++ {
			broken[i] = 0xa5
		}
		q := b.reopened(broken)
		notice, running := q.Damage(), q.Stats().Jobs
		t.Logf("page %d: %d of %d jobs", at/page, running, len(ids))
		if notice == "" { // the page isn't in use
			require.Equal(t, len(ids), running)
		} else {
			most = max(most, running)
		}
		b.run()
		recorded := 0
		for _, id := range ids {
			if _, err := q.Job(t.Context(), id); err != nil {
				continue
			}
			j, results := b.finish(id)
			require.Equal(t, j.Total, len(results))
			recorded++
		}
		require.Equal(t, running, recorded, "page %d: %s", at/page, notice)
		if recorded < len(ids) {
			require.NotEmpty(t, notice, "page %d", at/page)
		}
		b.close()
	}
	require.Greater(t, most, len(ids)/2, "one page doesn't take everything with it")
}

func TestAQueueWhoseRowsContradictEachOtherIsDamaged(t *testing.T) {
	b, ids, _ := filled(t, 3)
	db, err := sql.Open("sqlite", filepath.Join(b.cfg.Folder, "queue.db"))
	require.NoError(t, err)
	_, err = db.Exec("DELETE FROM part WHERE job = ?", ids[1])
	require.NoError(t, err)
	require.NoError(t, db.Close())
	b.queue = nil
	q := b.open()
	require.Contains(t, q.Damage(), "jobs that were not kept: "+ids[1])
	b.run()
	for _, id := range []string{ids[0], ids[2]} {
		_, results := b.finish(id)
		require.Equal(t, repeat(Recorded, 20), states(results))
	}
}

func TestTheWarningsOfAJobOutliveADamagedQueue(t *testing.T) {
	b := newBench(t)
	b.open()
	odd := items(0, 3)
	odd[1].Warnings = []record.Problem{{Code: "odd", Pointer: "/1", Detail: "the second one is odd"}}
	kept, lost := b.capture(Proceed, odd).ID, b.capture(Proceed, items(10, 12)).ID
	before, err := b.queue.Warnings(t.Context(), kept)
	require.NoError(t, err)
	require.Equal(t, 1, before.Total)
	b.close()
	db, err := sql.Open("sqlite", filepath.Join(b.cfg.Folder, "queue.db"))
	require.NoError(t, err)
	_, err = db.Exec("DELETE FROM part WHERE job = ?", lost)
	require.NoError(t, err)
	_, err = db.Exec("INSERT INTO warnings VALUES (?, 1, 'no list'), ('nobody', 1, '[]')", lost)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	b.queue = nil
	q := b.open()
	require.NotEmpty(t, q.Damage())
	after, err := q.Warnings(t.Context(), kept)
	require.NoError(t, err)
	require.Equal(t, before, after)
	for _, id := range []string{lost, "nobody"} {
		none, err := q.Warnings(t.Context(), id)
		require.NoError(t, err)
		require.Zero(t, none)
	}
}

func TestAQueueThatIsFoundDamagedWhileItRunsEndsTheGateway(t *testing.T) {
	b := newBench(t)
	b.run()
	require.ErrorIs(t, <-b.queue.store.submit(func(*sqlitefile.Tx) error { return ErrDamaged }), ErrDamaged)
	require.ErrorIs(t, <-b.ended, ErrDamaged)
	b.ended <- nil // for close
}
