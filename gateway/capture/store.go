package capture

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/pedigree-ledger/pedigree/gateway/filelock"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// schemaVersion is raised by every change of the schema.
const schemaVersion = 2

const schema = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
-- A job. state: 0 being taken in (gone after a restart), 1 running, 2 finished. Times are Unix milliseconds.
CREATE TABLE IF NOT EXISTS job (
	id TEXT PRIMARY KEY, owner TEXT NOT NULL, identity TEXT NOT NULL, msp TEXT NOT NULL, function TEXT NOT NULL, behaviour TEXT NOT NULL,
	private INTEGER NOT NULL, state INTEGER NOT NULL, created INTEGER NOT NULL, finished INTEGER NOT NULL,
	total INTEGER NOT NULL, recorded INTEGER NOT NULL, duplicate INTEGER NOT NULL, rejected INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS job_owner ON job (owner, id);
CREATE INDEX IF NOT EXISTS job_state ON job (state, finished, id);
-- A part of a job: neighbouring records that travel together. entries: see appendEntry; outcomes: a JSON list of runs.
CREATE TABLE IF NOT EXISTS part (
	id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, first INTEGER NOT NULL, n INTEGER NOT NULL, bytes INTEGER NOT NULL,
	entries BLOB NOT NULL, outcomes TEXT NOT NULL, finished INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS part_job ON part (job, first);
CREATE INDEX IF NOT EXISTS part_open ON part (id) WHERE finished = 0;
-- What is odd about the records of a job, if anything is: how many warnings, and a JSON list of the first.
CREATE TABLE IF NOT EXISTS warnings (job TEXT PRIMARY KEY, total INTEGER NOT NULL, list TEXT NOT NULL) STRICT;
-- The records of an unfinished part that were not decided beforehand, packed, in order.
CREATE TABLE IF NOT EXISTS pack (part INTEGER PRIMARY KEY, body BLOB NOT NULL, witnesses BLOB) STRICT;
-- A transaction that may have been sent. members is a JSON list of {part, items}.
CREATE TABLE IF NOT EXISTS batch (
	id TEXT PRIMARY KEY, attempt INTEGER NOT NULL, tx TEXT NOT NULL, sent INTEGER NOT NULL, members TEXT NOT NULL
) STRICT;
`

// store is the queue's file; see package sqlitefile for what a write promises.
type store struct {
	folder string
	lock   *os.File
	file   *sqlitefile.File
	secret []byte
	log    *slog.Logger

	broken     chan struct{} // closed when the file is found damaged
	brokenOnce sync.Once
}

func openStore(folder string, log *slog.Logger) (*store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make the queue's folder: %w", err)
	}
	s := &store{folder: folder, log: log, broken: make(chan struct{})}
	if err := s.acquire(); err != nil {
		return nil, err
	}
	err := s.open()
	if isDamage(err) {
		err = s.replace(err)
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("couldn't open the queue in %s: %w", folder, err)
	}
	return s, nil
}

// acquire takes the folder for this process.
func (s *store) acquire() (err error) {
	s.lock, err = filelock.Take(filepath.Join(s.folder, "queue.lock"))
	if errors.Is(err, filelock.ErrHeld) {
		return fmt.Errorf("the queue in %s is used by another process; stop that one first", s.folder)
	}
	if err != nil {
		return fmt.Errorf("couldn't take the queue's lock: %w", err)
	}
	return nil
}

// open opens the file, and checks that it is whole.
func (s *store) open() (err error) {
	s.file, err = sqlitefile.Open(sqlitefile.Config{
		Path: filepath.Join(s.folder, "queue.db"), Prepare: s.prepare, Check: true, Failed: s.failed,
	})
	return err
}

// prepare makes the tables and the secret, or checks that they are of this version.
func (s *store) prepare(db *sql.DB) error {
	if _, err := db.Exec(schema); err != nil {
		return err
	}
	return s.identify(db)
}

// identify checks the version of the schema and reads or makes the secret.
func (s *store) identify(db *sql.DB) error {
	var version int
	err := db.QueryRow("SELECT value FROM meta WHERE name = 'version'").Scan(&version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		secret := make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			return err
		}
		_, err := db.Exec("INSERT INTO meta VALUES ('secret', ?), ('version', CAST(? AS BLOB))", secret, schemaVersion)
		if err != nil {
			return err
		}
	case err != nil:
		return err
	case version != schemaVersion:
		return fmt.Errorf(
			"it was written by another version of this program (schema %d, this one reads %d)",
			version,
			schemaVersion,
		)
	}
	return db.QueryRow("SELECT value FROM meta WHERE name = 'secret'").Scan(&s.secret)
}

// close lets what was asked for be written, and closes the file.
func (s *store) close() {
	s.closeFile()
	_ = s.lock.Close()
}

func (s *store) closeFile() {
	if s.file != nil {
		s.file.Close()
	}
}

// submit queues a write and returns without waiting; see sqlitefile.File.Submit. Whatever fails matches ErrStorage.
func (s *store) submit(do func(*sqlitefile.Tx) error) <-chan error {
	return s.file.Submit(func(tx *sqlitefile.Tx) error {
		if err := do(tx); err != nil {
			return s.failed(err)
		}
		return nil
	})
}

// failed wraps an error of the storage. If the file is damaged, the queue is told to stop.
func (s *store) failed(err error) error {
	if isDamage(err) {
		s.brokenOnce.Do(func() {
			s.log.Error("the capture queue's file is damaged; the gateway ends, and its next start sets the file aside",
				"folder", s.folder, "problem", err)
			close(s.broken)
		})
		return fmt.Errorf("%w: %w: %w", ErrStorage, ErrDamaged, err)
	}
	return fmt.Errorf("%w: %w", ErrStorage, err)
}
