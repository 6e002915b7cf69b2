package runs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/pedigree-ledger/pedigree/gateway/filelock"
)

// schemaVersion is raised by every change of the schema.
const schemaVersion = 1

// The states of a run's row. Those before stateRecorded are unfinished.
const (
	stateOpen      = 0 // adds up
	stateEnded     = 1 // its end has come; its records are not made yet
	stateRecording = 2 // its records are made, and may have been sent
	stateRecorded  = 3
	stateFailed    = 4
	stateExpired   = 5
)

const schema = `
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
`

// database is one writer that groups, and any number of readers.
type database struct {
	folder string
	lock   *os.File
	write  *sql.DB
	read   *sql.DB
	tx     *transaction // of the writer

	mu      sync.Mutex
	pending []*operation
	closed  bool
	signal  chan struct{}
	stopped chan struct{}
}

// operation is one caller's wish to write. It may run more than once, and MUST have no effect but on the transaction,
// and on what it sets anew each time.
type operation struct {
	do   func(*transaction) error
	done chan error
}

// transaction is the writer's. Its statements are kept from one transaction to the next, for preparing them costs as
// much as running them.
type transaction struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

func (tx *transaction) statement(query string) (*sql.Stmt, error) {
	if s, ok := tx.statements[query]; ok {
		return s, nil
	}
	s, err := tx.conn.PrepareContext(context.Background(), query)
	if err == nil {
		tx.statements[query] = s
	}
	return s, err
}

// Exec changes something.
func (tx *transaction) Exec(query string, args ...any) (sql.Result, error) {
	s, err := tx.statement(query)
	if err != nil {
		return nil, err
	}
	return s.Exec(args...)
}

// Query reads rows.
func (tx *transaction) Query(query string, args ...any) (*sql.Rows, error) {
	s, err := tx.statement(query)
	if err != nil {
		return nil, err
	}
	return s.Query(args...)
}

// QueryRow reads one row.
func (tx *transaction) QueryRow(query string, args ...any) *sql.Row {
	s, err := tx.statement(query)
	if err != nil {
		return tx.conn.QueryRowContext(context.Background(), query, args...) // which says what is wrong
	}
	return s.QueryRow(args...)
}

// maxGroup bounds one commit, so that the first of many callers does not wait for the last.
const maxGroup = 256

func openDatabase(folder string) (*database, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make the folder of runs: %w", err)
	}
	d := &database{folder: folder, signal: make(chan struct{}, 1), stopped: make(chan struct{})}
	var err error
	d.lock, err = filelock.Take(filepath.Join(folder, "runs.lock"))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("the runs in %s are used by another process; stop that one first", folder)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't take the lock of runs: %w", err)
	}
	if err := d.open(); err != nil {
		d.release()
		return nil, fmt.Errorf("couldn't open the runs in %s: %w", folder, err)
	}
	go d.writer()
	return d, nil
}

func (d *database) open() error {
	path := filepath.Join(d.folder, "runs.db")
	dsn := func(extra string) string {
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)&_txlock=immediate" + extra
	}
	var err error
	if d.write, err = sql.Open("sqlite", dsn("&_pragma=journal_mode(WAL)")); err != nil {
		return err
	}
	d.write.SetMaxOpenConns(1)
	var mode string
	if err := d.write.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system allows no write-ahead log (journal mode %q)", mode)
	}
	if _, err := d.write.Exec(schema); err != nil {
		return err
	}
	var version int
	switch err := d.write.QueryRow("SELECT value FROM meta WHERE name = 'version'").Scan(&version); {
	case errors.Is(err, sql.ErrNoRows):
		if _, err := d.write.Exec("INSERT INTO meta VALUES ('version', ?), ('turn', 0)", schemaVersion); err != nil {
			return err
		}
	case err != nil:
		return err
	case version != schemaVersion:
		return fmt.Errorf(
			"they were written by another version of this program (schema %d, this one reads %d)",
			version,
			schemaVersion,
		)
	}
	folder, err := os.Open(d.folder)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil { // the names of new files become as durable as their contents
		return err
	}
	if d.read, err = sql.Open("sqlite", dsn("&_pragma=query_only(1)")); err != nil {
		return err
	}
	d.read.SetMaxOpenConns(4)
	conn, err := d.write.Conn(context.Background())
	if err != nil {
		return err
	}
	d.tx = &transaction{conn: conn, statements: map[string]*sql.Stmt{}}
	return nil
}

func (d *database) release() {
	if d.tx != nil {
		for _, s := range d.tx.statements {
			_ = s.Close()
		}
		_ = d.tx.conn.Close()
	}
	for _, db := range []*sql.DB{d.write, d.read} {
		if db != nil {
			_ = db.Close()
		}
	}
	_ = d.lock.Close()
}

// close lets what was asked for be written, and closes the files.
func (d *database) close() error {
	d.mu.Lock()
	already := d.closed
	d.closed = true
	d.mu.Unlock()
	if already {
		return nil
	}
	d.ring()
	<-d.stopped
	d.release()
	return nil
}

func (d *database) ring() {
	select {
	case d.signal <- struct{}{}:
	default:
	}
}

// change makes a write and waits until it is durable, together with what others write at the time. Errors that the
// function itself gives come back as they are, and those of the storage match ErrStorage.
func (d *database) change(do func(*transaction) error) error {
	op := &operation{do: do, done: make(chan error, 1)}
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return fmt.Errorf("%w: it is closed", ErrStorage)
	}
	d.pending = append(d.pending, op)
	d.mu.Unlock()
	d.ring()
	return <-op.done
}

// writer commits what has gathered while the last commit was being fsynced.
func (d *database) writer() {
	defer close(d.stopped)
	for range d.signal {
		for {
			d.mu.Lock()
			n := min(len(d.pending), maxGroup)
			group := d.pending[:n:n]
			d.pending = d.pending[n:]
			closed := d.closed && len(d.pending) == 0
			d.mu.Unlock()
			d.commit(group)
			if closed {
				return
			}
			if n == 0 {
				break
			}
		}
	}
}

// commit writes a group in one transaction. If that fails, each is tried alone, so that nobody fails for another's
// sake.
func (d *database) commit(group []*operation) {
	if len(group) == 0 {
		return
	}
	err := d.transact(group)
	if err == nil || len(group) == 1 {
		for _, op := range group {
			op.done <- err
		}
		return
	}
	for _, op := range group {
		op.done <- d.transact([]*operation{op})
	}
}

func (d *database) transact(group []*operation) (err error) {
	if _, err := d.tx.Exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("%w: %w", ErrStorage, err)
	}
	defer func() {
		if err != nil {
			_, _ = d.tx.Exec("ROLLBACK") // if it fails, there is no transaction any more
		}
	}()
	for _, op := range group {
		if err := op.do(d.tx); err != nil {
			return err
		}
	}
	if _, err := d.tx.Exec("COMMIT"); err != nil {
		return fmt.Errorf("%w: %w", ErrStorage, err)
	}
	return nil
}

// stored marks an error as one of the storage.
func stored(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrStorage, err)
}

// nextTurn counts the runs that have ended.
func nextTurn(tx *transaction) (turn int64, err error) {
	if err := tx.QueryRow("UPDATE meta SET value = value + 1 WHERE name = 'turn' RETURNING value").Scan(&turn); err != nil {
		return 0, stored(err)
	}
	return turn, nil
}
