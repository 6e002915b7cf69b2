// Package kept opens the database of what a gateway keeps that can't be made of blocks: its tokens, and who did what.
//
// It lies beside the index: a SQLite file in the gateway's data folder or, if the index is in PostgreSQL, tables in the
// index's schema, which all gateways of the organisation share. Several processes may use it at a time. Building the
// index again leaves it alone.
package kept

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/pedigree-ledger/pedigree/gateway/index/postgres"
)

// ErrUnavailable means that the database can't be used now.
var ErrUnavailable = errors.New("the gateway's own database can't be used")

// DB is an open database. Its methods are safe for concurrent use. Errors of the database match ErrUnavailable, except
// sql.ErrNoRows.
type DB struct {
	pool   *sql.DB
	server *postgres.Neighbours // nil if it is a file
	tables []string

	mu   sync.Mutex
	made bool
}

// Open opens a database at the path of a file or at the URL of an index, and names the statements that make its tables
// where there are none. The types of columns may be BIGINT and TEXT. A column that came later is added by ALTER TABLE …
// ADD COLUMN IF NOT EXISTS, since tables of before must go on. A file is made at once, and only its owner can read
// it. A server is connected to when it is first asked, because it may be down.
func Open(place string, tables ...string) (*DB, error) {
	d := &DB{tables: tables}
	if postgres.IsURL(place) {
		server, err := postgres.OpenNeighbours(place)
		if err != nil {
			return nil, err
		}
		d.server, d.pool = server, server.DB
		return d, nil
	}
	if err := private(place); err != nil {
		return nil, err
	}
	var err error
	d.pool, err = sql.Open("sqlite", "file:"+(&url.URL{Path: place}).EscapedPath()+
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	d.pool.SetMaxOpenConns(4)
	if err := d.prepare(context.Background()); err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't open %s: %w", place, err), d.pool.Close())
	}
	return d, nil
}

// private makes sure that a file exists that others can neither read nor change.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("couldn't open the gateway's own database: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%s can be read or changed by others than its owner (mode %04o): make it 0600", path, mode)
	}
	for _, name := range []string{path + "-wal", path + "-shm"} { // a file of a program that was killed
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// prepare makes the tables, once.
func (d *DB) prepare(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.made {
		return nil
	}
	var err error
	if d.server != nil {
		err = d.server.Make(ctx, d.tables)
	} else {
		for _, statement := range d.tables {
			if err = d.make(ctx, statement); err != nil {
				break
			}
		}
	}
	d.made = err == nil
	return d.explain(err)
}

// make runs a statement that makes a table or a column of a file. SQLite doesn't know ADD COLUMN IF NOT EXISTS.
func (d *DB) make(ctx context.Context, statement string) error {
	add := strings.Replace(statement, " ADD COLUMN IF NOT EXISTS ", " ADD COLUMN ", 1)
	_, err := d.pool.ExecContext(ctx, add)
	if err != nil && add != statement && strings.Contains(err.Error(), "duplicate column name") {
		return nil
	}
	return err
}

func (d *DB) explain(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, ErrUnavailable) {
		return err
	}
	if d.server != nil {
		err = d.server.Explain(err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// Close closes the database.
func (d *DB) Close() error { return d.pool.Close() }

// Tx is a transaction of a DB.
type Tx struct {
	tx *sql.Tx
	db *DB
}

// Do does something in one transaction, which is durable when Do returns nil. An error of f undoes everything, and comes
// back as it is.
func (d *DB) Do(ctx context.Context, f func(*Tx) error) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	tx, err := d.pool.BeginTx(ctx, nil)
	if err != nil {
		return d.explain(err)
	}
	defer func() { _ = tx.Rollback() }() // once it is committed, this does nothing
	if err := f(&Tx{tx, d}); err != nil {
		return err
	}
	return d.explain(tx.Commit())
}

// Exec runs a statement with the parameters $1, $2 and so on, and tells how many rows it changed.
func (t *Tx) Exec(ctx context.Context, statement string, args ...any) (int64, error) {
	result, err := t.tx.ExecContext(ctx, t.db.spelled(statement), args...)
	if err != nil {
		return 0, t.db.explain(err)
	}
	n, err := result.RowsAffected()
	return n, t.db.explain(err)
}

// Row reads one row. The error is sql.ErrNoRows if there is none.
func (t *Tx) Row(ctx context.Context, query string, args []any, into ...any) error {
	return t.db.explain(t.tx.QueryRowContext(ctx, t.db.spelled(query), args...).Scan(into...))
}

// Row reads one row. The error is sql.ErrNoRows if there is none.
func (d *DB) Row(ctx context.Context, query string, args []any, into ...any) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	return d.explain(d.pool.QueryRowContext(ctx, d.spelled(query), args...).Scan(into...))
}

// Rows reads rows, and calls f with what reads the columns of each.
func (d *DB) Rows(ctx context.Context, query string, args []any, f func(scan func(into ...any) error) error) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	rows, err := d.pool.QueryContext(ctx, d.spelled(query), args...)
	if err != nil {
		return d.explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return d.explain(err)
		}
	}
	return d.explain(rows.Err())
}

var parameter = regexp.MustCompile(`\$(\d+)`)

// spelled writes the parameters as the database wants them.
func (d *DB) spelled(statement string) string {
	if d.server != nil {
		return statement
	}
	return parameter.ReplaceAllString(statement, "?$1")
}
