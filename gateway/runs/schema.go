package runs

import (
	"database/sql"
	"errors"
	"fmt"
)

// schemaVersion is raised by every change of the schema.
const schemaVersion = 3

// The states of a run's row. Those before stateRecorded are unfinished.
const (
	stateOpen      = 0 // adds up
	stateEnded     = 1 // there is something to record; its records are not made yet
	stateRecording = 2 // its records are made, and may have been sent
	stateRecorded  = 3
	stateFailed    = 4
	stateExpired   = 5
)

// How far a row of pin or output is.
const (
	partLeft     = -1 // it can't be said on the ledger
	partNew      = 0
	partRecorded = 1
	partSent     = 2 // it is in the records that are being sent
)

// Moments are microseconds since 1970, as events tell them; other times are Unix milliseconds by this gateway's clock.
//
// Rows of run, pin and output outlive the recording of their run: a later event of the run adds to them, and a version
// that comes to light later is joined to those that have read it. Their part says
// how far they are: see partLeft.
const schema = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
-- A run; or (kind 1) a dataset event that registers a version, or (kind 2) what job events say of a job. turn orders
-- those that have ended. type: of the last event that ended it. started: its START has come. records: a pack of what is
-- sent. result: JSON, see outcome.
CREATE TABLE IF NOT EXISTS run (
	id INTEGER PRIMARY KEY AUTOINCREMENT, msp TEXT NOT NULL, kind INTEGER NOT NULL, run TEXT NOT NULL, state INTEGER NOT NULL,
	job_namespace TEXT NOT NULL, job_name TEXT NOT NULL, caller TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
	ended INTEGER NOT NULL, turn INTEGER NOT NULL, type TEXT NOT NULL, started INTEGER NOT NULL,
	events INTEGER NOT NULL, late INTEGER NOT NULL, bytes INTEGER NOT NULL, datasets INTEGER NOT NULL,
	records BLOB, result TEXT NOT NULL,
	held INTEGER NOT NULL DEFAULT 0, -- bytes of events that are not on the ledger yet
	revision INTEGER NOT NULL DEFAULT 0, -- raised by whatever changes what is to be recorded
	upto INTEGER NOT NULL DEFAULT 0, -- the last event that records were made of
	streams INTEGER NOT NULL DEFAULT 0, -- it is recorded in steps, while it runs
	completed INTEGER NOT NULL DEFAULT 0, -- the moment of its first COMPLETE; 0 if none has come
	signer TEXT NOT NULL DEFAULT '', -- the name of the ledger identity; empty if it is the caller's
	UNIQUE (msp, kind, run)
) STRICT;
CREATE INDEX IF NOT EXISTS run_state ON run (state, turn);
CREATE INDEX IF NOT EXISTS run_updated ON run (state, updated);
-- An event, in canonical form while its run may still need it. late: it came after the end.
CREATE TABLE IF NOT EXISTS event (
	id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, digest BLOB NOT NULL, late INTEGER NOT NULL, body BLOB, UNIQUE (run, digest)
) STRICT;
-- What an organisation has unfinished.
CREATE TABLE IF NOT EXISTS load (msp TEXT PRIMARY KEY, runs INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
-- Facets of jobs and datasets (kind "job" and "dataset") that events without a run have brought.
CREATE TABLE IF NOT EXISTS facets (
	msp TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL, updated INTEGER NOT NULL,
	PRIMARY KEY (msp, kind, namespace, name)
) STRICT, WITHOUT ROWID;
-- Which artifacts are the same dataset by another name: those with the same number. series is namespace/name.
CREATE TABLE IF NOT EXISTS alias (series TEXT PRIMARY KEY, dataset INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alias_dataset ON alias (dataset);
`

// schemaOfVersions holds what runs read and write.
const schemaOfVersions = `
-- Which version an input of a run is (use 0), or which version lay under an output before (use 1; version is empty if
-- none is known). series is the artifact that the dataset is by the name that the event has for it, artifact the one
-- whose version it is; both are namespace/name. said: the run has said so itself. digest: as JSON, if the run has told
-- it. since and until: the moments from and to which the run has read. made: the moment at which the version came into
-- being.
CREATE TABLE pin (
	run INTEGER NOT NULL, use INTEGER NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, series TEXT NOT NULL,
	kind TEXT NOT NULL, artifact TEXT NOT NULL, version TEXT NOT NULL, said INTEGER NOT NULL, digest TEXT NOT NULL,
	since INTEGER NOT NULL, until INTEGER NOT NULL, made INTEGER NOT NULL, part INTEGER NOT NULL,
	PRIMARY KEY (run, use, namespace, name, kind, artifact, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX pin_series ON pin (series, until);
CREATE INDEX pin_artifact ON pin (artifact, version);
-- What a run generates; version is empty if the run has not said it. turn is that of its run if it has completed, else
-- 0. digest: the value, if the run has told it. change: the word of a lifecycleStateChange facet. previous: the series
-- that a renamed dataset was. at: the moment at which it came into being. place orders the versions of one output.
CREATE TABLE output (
	run INTEGER NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, artifact TEXT NOT NULL, version TEXT NOT NULL,
	turn INTEGER NOT NULL, digest TEXT NOT NULL, change TEXT NOT NULL, previous TEXT NOT NULL,
	at INTEGER NOT NULL, place INTEGER NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (run, namespace, name, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX output_artifact ON output (artifact, at, turn);
`

// fromVersion1 takes over what a program wrote that settled versions by the order of arrival. Whatever it had settled
// stays as it is: nothing comes between the moments since and made.
const fromVersion1 = `
ALTER TABLE run ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN upto INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN streams INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN completed INTEGER NOT NULL DEFAULT 0;
UPDATE run SET held = bytes WHERE state < 3 OR state = 4;
UPDATE run SET completed = ended * 1000 WHERE type = 'COMPLETE';
UPDATE run SET upto = COALESCE((SELECT MAX(id) FROM event WHERE event.run = run.id), 0) WHERE state = 2;
ALTER TABLE pin RENAME TO pin1;
ALTER TABLE output RENAME TO output1;
DROP INDEX IF EXISTS output_artifact;
` + schemaOfVersions + `
INSERT INTO pin SELECT p.run, 0, p.namespace, p.name, p.artifact, p.kind, p.artifact, p.version, p.said, p.digest,
	r.updated * 1000, r.updated * 1000, r.updated * 1000, IIF(r.state = 2, 2, 0) FROM pin1 p JOIN run r ON r.id = p.run;
INSERT INTO output SELECT o.run, o.namespace, o.name, o.kind, o.artifact, o.version, o.turn, o.digest, '', '',
	r.ended * 1000, 0, IIF(r.state = 2, 2, IIF(r.state = 3, 1, 0)) FROM output1 o JOIN run r ON r.id = o.run;
DROP TABLE pin1;
DROP TABLE output1;
` + fromVersion2

// fromVersion2 takes over what a program wrote in which each caller had a ledger identity of its own.
const fromVersion2 = `
ALTER TABLE run ADD COLUMN signer TEXT NOT NULL DEFAULT '';
UPDATE meta SET value = 3 WHERE name = 'version';
`

// prepareSchema makes the tables of a new database, and brings those of an older one to this version.
func prepareSchema(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // once it is committed, this does nothing
	version := 0
	var known int
	if err := tx.QueryRow("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'meta'").Scan(&known); err != nil {
		return err
	}
	if known > 0 {
		err := tx.QueryRow("SELECT value FROM meta WHERE name = 'version'").Scan(&version)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	statements := schema
	switch version {
	case 0:
		statements += schemaOfVersions + "INSERT INTO meta VALUES ('version', 3), ('turn', 0);"
	case 1:
		statements = fromVersion1 + schema
	case 2:
		statements = fromVersion2 + schema
	case schemaVersion:
	default:
		return fmt.Errorf(
			"they were written by another version of this program (schema %d, this one reads %d)",
			version,
			schemaVersion,
		)
	}
	if _, err := tx.Exec(statements); err != nil {
		return err
	}
	return tx.Commit()
}
