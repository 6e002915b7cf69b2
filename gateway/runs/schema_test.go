package runs

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// schema1 is what the first release wrote.
const schema1 = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
-- A run, or (kind 1) a dataset event that registers a version. Times are Unix milliseconds. turn orders those that have
-- ended. started: its START has come. records: a pack of what is sent. result: JSON, see outcome.
CREATE TABLE IF NOT EXISTS run (
	id INTEGER PRIMARY KEY AUTOINCREMENT, msp TEXT NOT NULL, kind INTEGER NOT NULL, run TEXT NOT NULL, state INTEGER NOT NULL,
	job_namespace TEXT NOT NULL, job_name TEXT NOT NULL, caller TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
	ended INTEGER NOT NULL, turn INTEGER NOT NULL, type TEXT NOT NULL, started INTEGER NOT NULL,
	events INTEGER NOT NULL, late INTEGER NOT NULL, bytes INTEGER NOT NULL, datasets INTEGER NOT NULL,
	records BLOB, result TEXT NOT NULL, UNIQUE (msp, kind, run)
) STRICT;
CREATE INDEX IF NOT EXISTS run_state ON run (state, turn);
CREATE INDEX IF NOT EXISTS run_updated ON run (state, updated);
-- An event, in canonical form while its run may still need it. late: it came after the end.
CREATE TABLE IF NOT EXISTS event (
	id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, digest BLOB NOT NULL, late INTEGER NOT NULL, body BLOB, UNIQUE (run, digest)
) STRICT;
-- What an organisation has unfinished.
CREATE TABLE IF NOT EXISTS load (msp TEXT PRIMARY KEY, runs INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
-- Which version an input of a run is: artifact is namespace/name. said: the run has said so itself. digest: as JSON, if the run has told it.
CREATE TABLE IF NOT EXISTS pin (
	run INTEGER NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, artifact TEXT NOT NULL, version TEXT NOT NULL,
	said INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (run, namespace, name)
) STRICT, WITHOUT ROWID;
-- What a run generates; version is empty if the run has not said it. turn is that of its run if it has completed, else 0. digest: the value, if the run has told it.
CREATE TABLE IF NOT EXISTS output (
	run INTEGER NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, artifact TEXT NOT NULL, version TEXT NOT NULL,
	turn INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (run, namespace, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS output_artifact ON output (artifact, turn);
-- Facets of jobs and datasets (kind "job" and "dataset") that events without a run have brought.
CREATE TABLE IF NOT EXISTS facets (
	msp TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL, updated INTEGER NOT NULL,
	PRIMARY KEY (msp, kind, namespace, name)
) STRICT, WITHOUT ROWID;

INSERT INTO meta VALUES ('version', 1), ('turn', 1);
`

func TestTheRunsOfAnEarlierReleaseGoOn(t *testing.T) {
	f := newFixture(t, Config{})
	f.close()
	path := filepath.Join(f.cfg.Folder, "runs.db")
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil {
			require.ErrorIs(t, err, os.ErrNotExist)
		}
	}
	db, err := sql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	_, err = db.Exec(schema1)
	require.NoError(t, err)
	open := parseEvent(t, ev("open", "START", ds("a"), ds("b"))).Value.Bytes()
	done := parseEvent(t, ev("done", "COMPLETE", ds("a"), ds("c"))).Value.Bytes()
	series := func(name string) string { return ref(name, "")[len("dataset/") : len(ref(name, ""))-1] }
	for _, insert := range []struct {
		query string
		args  []any
	}{
		{`INSERT INTO run VALUES (1,'LabMSP',0,'open',0,'plant','job','submitter',1,1,0,0,'',1,1,0,?,1,NULL,'{}')`, []any{len(open)}},
		{`INSERT INTO event (run, digest, late, body) VALUES (1, x'01', 0, ?)`, []any{open}},
		{`INSERT INTO pin VALUES (1,'n','a','dataset',?,'declared',0,'')`, []any{series("a")}},
		{`INSERT INTO output VALUES (1,'n','b','dataset',?,'',0,'')`, []any{series("b")}},
		{`INSERT INTO run VALUES (2,'LabMSP',0,'done',1,'plant','job','submitter',1,1,1,1,'COMPLETE',1,1,0,?,1,NULL,'{}')`, []any{len(done)}},
		{`INSERT INTO event (run, digest, late, body) VALUES (2, x'02', 0, ?)`, []any{done}},
		{`INSERT INTO pin VALUES (2,'n','a','dataset',?,'declared',0,'')`, []any{series("a")}},
		{`INSERT INTO output VALUES (2,'n','c','dataset',?,'run-done',1,'')`, []any{series("c")}},
		{`INSERT INTO load VALUES ('LabMSP', 2, ?)`, []any{len(open) + len(done)}},
	} {
		_, err := db.Exec(insert.query, insert.args...)
		require.NoError(t, err, insert.query)
	}
	require.NoError(t, db.Close())

	f.open()
	f.run()
	assert.Equal(t, []string{ref("a", "declared")}, f.ended("done", Recorded).Used)
	f.comesFrom(ref("c", "run-done"), ref("a", "declared"))
	f.add(ev("open", "COMPLETE", ds("late"), ds("b")))
	r := f.ended("open", Recorded)
	assert.Equal(t, []string{ref("a", "declared"), ref("late", "declared")}, r.Used)
	f.comesFrom(ref("b", "run-open"), ref("a", "declared"), ref("late", "declared"))
	assert.Zero(t, f.store.Stats().Bytes)
	f.close()
	f.open()
	assert.Equal(t, Recorded, f.ended("open", Recorded).State)
}
