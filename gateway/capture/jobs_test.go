package capture

import (
	"errors"
	"testing"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
	"github.com/stretchr/testify/require"
)

func TestJobsAreListedNewestFirstInPages(t *testing.T) {
	b := newBench(t)
	b.run()
	var ids []string
	for n := range 5 {
		ids = append([]string{b.capture(Proceed, items(n, n+1)).ID}, ids...)
	}
	_, err := b.queue.Capture(t.Context(), Request{Owner: "other", Identity: "submitter", Function: "Events:Submit"})
	require.NoError(t, err)
	var listed []string
	for after := ""; ; {
		jobs, next, err := b.queue.Jobs(t.Context(), "submitter", after, 2)
		require.NoError(t, err)
		for _, j := range jobs {
			listed = append(listed, j.ID)
		}
		if after = next; next == "" {
			break
		}
	}
	require.Equal(t, ids, listed)
	_, err = b.queue.Job(t.Context(), "no-such-job")
	require.ErrorIs(t, err, ErrNoJob)
	_, _, err = b.queue.Results(t.Context(), "no-such-job", 0, 1, "")
	require.ErrorIs(t, err, ErrNoJob)
}

func TestOldJobsAreForgotten(t *testing.T) {
	b := newBench(t, func(c *Config) { c.KeepJobs = 3 })
	b.run()
	var last string
	for n := range 6 {
		last = b.capture(Proceed, items(n, n+1)).ID
		b.finish(last)
	}
	more, err := b.queue.store.forget(b.queue.cfg.Keep, b.queue.cfg.KeepJobs)
	require.NoError(t, err)
	require.False(t, more)
	jobs, _, err := b.queue.Jobs(t.Context(), "", "", 10)
	require.NoError(t, err)
	require.Len(t, jobs, 3)
	require.Equal(t, last, jobs[0].ID)
	_, err = b.queue.store.forget(-time.Hour, b.queue.cfg.KeepJobs)
	require.NoError(t, err)
	for _, table := range []string{"job", "part", "pack", "batch"} {
		var n int
		require.NoError(t, b.queue.store.file.Read.QueryRow("SELECT count(*) FROM "+table).Scan(&n))
		require.Zero(t, n, table)
	}
}

func TestALargeJobIsTakenPieceByPiece(t *testing.T) {
	b := newBench(t, func(c *Config) { c.BatchRecords = 10 })
	b.run()
	in, err := b.queue.Begin(request(Proceed, nil))
	require.NoError(t, err)
	for n := range 95 {
		require.NoError(t, in.Add(t.Context(), items(n, n+1)...))
	}
	_, err = b.queue.Job(t.Context(), in.job.id)
	require.ErrorIs(t, err, ErrNoJob, "what isn't committed is nobody's business")
	b.notOnLedger(items(0, 95))
	j, err := in.Commit(t.Context())
	require.NoError(t, err)
	require.Equal(t, 95, j.Total)
	_, results := b.finish(j.ID)
	require.Equal(t, repeat(Recorded, 95), states(results))

	in, err = b.queue.Begin(request(Proceed, nil))
	require.NoError(t, err)
	require.NoError(t, in.Add(t.Context(), items(100, 195)...))
	in.Discard()
	b.eventually("nothing is left of what was discarded", func() bool {
		var n int
		require.NoError(t, b.queue.store.file.Read.QueryRow("SELECT count(*) FROM pack").Scan(&n))
		return n == 0 && b.queue.Stats().Records == 0
	})
	b.notOnLedger(items(100, 195))
}

func TestASecondProcessIsKeptOut(t *testing.T) {
	b := newBench(t)
	b.open()
	_, err := Open(b.cfg)
	require.ErrorContains(t, err, "used by another process")
}

func TestAQueueOfAnotherVersionIsRefused(t *testing.T) {
	b := newBench(t)
	q := b.open()
	require.NoError(t, <-q.store.submit(func(tx *sqlitefile.Tx) error {
		_, err := tx.Exec("UPDATE meta SET value = CAST('99' AS BLOB) WHERE name = 'version'")
		return err
	}))
	b.close()
	_, err := Open(b.cfg)
	require.ErrorContains(t, err, "schema 99")
}

func TestWitnessesGoWithTheirRecords(t *testing.T) {
	merged, err := mergeWitnesses([]byte(`{"b":"1","a":{"id":"x"}}`), nil, []byte(`{"c":"2"}`))
	require.NoError(t, err)
	require.JSONEq(t, `{"a":{"id":"x"},"b":"1","c":"2"}`, string(merged))
	_, err = mergeWitnesses([]byte(`[]`))
	require.Error(t, err)
	b := newBench(t)
	b.open()
	_, err = b.queue.Capture(t.Context(), Request{Identity: "submitter", Function: "Events:Submit",
		Witnesses: []byte("nonsense")})
	require.ErrorContains(t, err, "witnesses")
	require.False(t, errors.Is(err, ErrStorage))
}
