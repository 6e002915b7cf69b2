// Package sqlitefile is a SQLite file that one process owns and writes in groups: what callers want to write while one
// transaction is being synchronised to the disk goes into the next one, together. So many callers share one fsync.
//
// The contract of a write:
//
//   - A write whose error is nil is durable: its transaction was committed and synchronised (WAL, synchronous=FULL). It
//     survives the end of the process and of the machine.
//   - A write with an error left nothing behind. One that fails does not fail the others of its group.
//   - Writes are made in the order in which they were submitted.
//   - Reads see what was committed before they began.
package sqlitefile

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
)

const (
	// maxGroup bounds one transaction, so that the first of many callers doesn't wait for the last.
	maxGroup = 256
	readers  = 4 // connections that read
)

// Config says how a file is opened.
type Config struct {
	// Path is the file. Its folder must exist, and the caller must have it locked against other processes.
	Path string
	// Prepare makes the tables of a new file, and brings those of an older one to this version.
	Prepare func(*sql.DB) error
	// Check has the whole file read when it is opened. What is damaged is refused with ErrDamaged then.
	Check bool
	// Failed wraps the errors of the storage itself, such as a full disk, for those who write. Optional.
	Failed func(error) error
}

// File is an open file. Its methods are safe for concurrent use.
type File struct {
	// Read has connections that can't write.
	Read *sql.DB

	cfg   Config
	write *sql.DB
	tx    *Tx // the writer's

	mu      sync.Mutex
	pending []*operation
	closed  bool
	signal  chan struct{}
	stopped chan struct{}
}

// operation is one caller's wish to write.
type operation struct {
	do   func(*Tx) error
	done chan error
}

// Open opens a file, and makes it if there is none.
func Open(cfg Config) (*File, error) {
	if cfg.Failed == nil {
		cfg.Failed = func(err error) error { return err }
	}
	f := &File{cfg: cfg, signal: make(chan struct{}, 1), stopped: make(chan struct{})}
	if err := f.open(); err != nil {
		f.release()
		return nil, err
	}
	go f.writer()
	return f, nil
}

func (f *File) open() error {
	if f.cfg.Check && emptied(f.cfg.Path) {
		return fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	source := func(extra string) string {
		return "file:" + (&url.URL{Path: f.cfg.Path}).EscapedPath() +
			"?_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)&_txlock=immediate" + extra
	}
	var err error
	if f.write, err = sql.Open("sqlite", source("&_pragma=journal_mode(WAL)")); err != nil {
		return err
	}
	f.write.SetMaxOpenConns(1)
	var mode string
	if err := f.write.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system allows no write-ahead log (journal mode %q)", mode)
	}
	if f.cfg.Check {
		var found string
		if err := f.write.QueryRow("PRAGMA quick_check(1)").Scan(&found); err != nil {
			return err
		}
		if found != "ok" {
			return fmt.Errorf("%w: %s", ErrDamaged, found)
		}
	}
	if err := f.cfg.Prepare(f.write); err != nil {
		return err
	}
	if err := SyncFolder(filepath.Dir(f.cfg.Path)); err != nil {
		return err
	}
	if f.Read, err = sql.Open("sqlite", source("&_pragma=query_only(1)")); err != nil {
		return err
	}
	f.Read.SetMaxOpenConns(readers)
	conn, err := f.write.Conn(context.Background())
	if err != nil {
		return err
	}
	f.tx = &Tx{conn: conn, statements: map[string]*sql.Stmt{}}
	return nil
}

// SyncFolder makes the names of new files as durable as their contents.
func SyncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func (f *File) release() {
	if f.tx != nil {
		f.tx.close()
	}
	for _, db := range []*sql.DB{f.write, f.Read} {
		if db != nil {
			_ = db.Close()
		}
	}
}

// Close makes the writes that were submitted, and closes the file.
func (f *File) Close() {
	f.mu.Lock()
	already := f.closed
	f.closed = true
	f.mu.Unlock()
	if already {
		return
	}
	f.ring()
	<-f.stopped
	f.release()
}

func (f *File) ring() {
	select {
	case f.signal <- struct{}{}:
	default:
	}
}

// Submit queues a write and returns at once. The channel gives nil once the write is durable. An error of do comes back
// as it is. do may run more than once: it MUST have no effect but on the transaction, and on what it sets anew each
// time.
func (f *File) Submit(do func(*Tx) error) <-chan error {
	op := &operation{do: do, done: make(chan error, 1)}
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		op.done <- f.cfg.Failed(errors.New("it is closed"))
		return op.done
	}
	f.pending = append(f.pending, op)
	f.mu.Unlock()
	f.ring()
	return op.done
}

// Waiting tells how many writes wait for their turn. Those of the transaction under way are not among them.
func (f *File) Waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pending)
}

// writer commits what has gathered while the last transaction was being synchronised.
func (f *File) writer() {
	defer close(f.stopped)
	for range f.signal {
		for {
			f.mu.Lock()
			n := min(len(f.pending), maxGroup)
			group := f.pending[:n:n]
			f.pending = f.pending[n:]
			closed := f.closed && len(f.pending) == 0
			f.mu.Unlock()
			f.commit(group)
			if closed {
				return
			}
			if n == 0 {
				break
			}
		}
	}
}

// commit makes the writes of a group in one transaction. If that fails, it tries each write alone.
func (f *File) commit(group []*operation) {
	if len(group) == 0 {
		return
	}
	err := f.transact(group)
	if err == nil || len(group) == 1 {
		for _, op := range group {
			op.done <- err
		}
		return
	}
	for _, op := range group {
		op.done <- f.transact([]*operation{op})
	}
}

func (f *File) transact(group []*operation) (err error) {
	if _, err := f.tx.Exec("BEGIN IMMEDIATE"); err != nil {
		return f.cfg.Failed(err)
	}
	defer func() {
		if err != nil {
			_, _ = f.tx.Exec("ROLLBACK") // if it fails, there is no transaction any more
		}
	}()
	for _, op := range group {
		if err := op.do(f.tx); err != nil {
			return err
		}
	}
	if _, err := f.tx.Exec("COMMIT"); err != nil {
		return f.cfg.Failed(err)
	}
	return nil
}
