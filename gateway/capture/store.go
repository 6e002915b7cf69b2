package capture

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/pedigree-ledger/pedigree/gateway/filelock"
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

// store is the queue's database: one writer that groups, and any number of readers.
type store struct {
	folder string
	lock   *os.File
	write  *sql.DB
	read   *sql.DB
	secret []byte
	log    *slog.Logger

	broken     chan struct{} // closed when the file is found damaged
	brokenOnce sync.Once

	mu      sync.Mutex
	pending []*operation
	closed  bool
	signal  chan struct{}
	stopped chan struct{}
}

// operation is one caller's wish to write.
type operation struct {
	do   func(*sql.Tx) error
	done chan error
}

// maxGroup bounds one commit, so that the first of many callers does not wait for the last.
const maxGroup = 256

func openStore(folder string, log *slog.Logger) (*store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make the queue's folder: %w", err)
	}
	s := &store{
		folder: folder, log: log, signal: make(chan struct{}, 1), stopped: make(chan struct{}), broken: make(chan struct{}),
	}
	if err := s.acquire(); err != nil {
		return nil, err
	}
	err := s.open()
	if isDamage(err) {
		err = s.replace(err)
	}
	if err != nil {
		s.release()
		return nil, fmt.Errorf("couldn't open the queue in %s: %w", folder, err)
	}
	go s.writer()
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

func (s *store) release() {
	s.closeFile()
	_ = s.lock.Close()
}

func (s *store) closeFile() {
	for _, db := range []*sql.DB{s.write, s.read} {
		if db != nil {
			_ = db.Close()
		}
	}
}

// open opens the database, and checks that it is whole.
func (s *store) open() error {
	path := filepath.Join(s.folder, "queue.db")
	if emptied(path) {
		return fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	dsn := func(extra string) string {
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)&_txlock=immediate" + extra
	}
	var err error
	if s.write, err = sql.Open("sqlite", dsn("&_pragma=journal_mode(WAL)")); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	var mode string
	if err := s.write.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system allows no write-ahead log (journal mode %q)", mode)
	}
	var check string
	if err := s.write.QueryRow("PRAGMA quick_check(1)").Scan(&check); err != nil {
		return err
	}
	if check != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, check)
	}
	if _, err := s.write.Exec(schema); err != nil {
		return err
	}
	if err := s.identify(); err != nil {
		return err
	}
	if err := syncFolder(s.folder); err != nil {
		return err
	}
	if s.read, err = sql.Open("sqlite", dsn("&_pragma=query_only(1)")); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(4)
	return nil
}

// identify checks the version of the schema and reads or makes the secret.
func (s *store) identify() error {
	var version int
	err := s.write.QueryRow("SELECT value FROM meta WHERE name = 'version'").Scan(&version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		secret := make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			return err
		}
		_, err := s.write.Exec("INSERT INTO meta VALUES ('secret', ?), ('version', CAST(? AS BLOB))", secret, schemaVersion)
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
	return s.write.QueryRow("SELECT value FROM meta WHERE name = 'secret'").Scan(&s.secret)
}

// emptied reports whether a database has lost all its bytes. One that was just made has them in its log.
func emptied(path string) bool {
	db, err := os.Stat(path)
	if err != nil || db.Size() > 0 {
		return false
	}
	log, err := os.Stat(path + "-wal")
	return err != nil || log.Size() == 0
}

// syncFolder makes the names of new files as durable as their contents.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// close lets what was asked for be written, and closes the files.
func (s *store) close() error {
	s.mu.Lock()
	already := s.closed
	s.closed = true
	s.mu.Unlock()
	if already {
		return nil
	}
	s.ring()
	<-s.stopped
	s.release()
	return nil
}

func (s *store) ring() {
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// submit queues a write and returns without waiting: the channel gives nil once it is durable. Writes are made in the
// order in which they were queued. The function may run more than once, and MUST have no effect but on the transaction.
func (s *store) submit(do func(*sql.Tx) error) <-chan error {
	op := &operation{do: do, done: make(chan error, 1)}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		op.done <- fmt.Errorf("%w: the queue is closed", ErrStorage)
		return op.done
	}
	s.pending = append(s.pending, op)
	s.mu.Unlock()
	s.ring()
	return op.done
}

// writer commits what has gathered while the last commit was being fsynced.
func (s *store) writer() {
	defer close(s.stopped)
	for range s.signal {
		for {
			s.mu.Lock()
			n := min(len(s.pending), maxGroup)
			group := s.pending[:n:n]
			s.pending = s.pending[n:]
			closed := s.closed && len(s.pending) == 0
			s.mu.Unlock()
			s.commit(group)
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
func (s *store) commit(group []*operation) {
	if len(group) == 0 {
		return
	}
	err := s.transact(group)
	if err == nil || len(group) == 1 {
		for _, op := range group {
			op.done <- err
		}
		return
	}
	for _, op := range group {
		op.done <- s.transact([]*operation{op})
	}
}

// failed wraps an error of the database. If the file is damaged, the queue is told to stop.
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

func (s *store) transact(group []*operation) (err error) {
	tx, err := s.write.BeginTx(context.Background(), nil)
	if err != nil {
		return s.failed(err)
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback()
		}
	}()
	for _, op := range group {
		if err := op.do(tx); err != nil {
			return s.failed(err)
		}
	}
	if err := tx.Commit(); err != nil {
		return s.failed(err)
	}
	return nil
}
