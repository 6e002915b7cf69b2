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
	if err := prepareSchema(d.write); err != nil {
		return err
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
