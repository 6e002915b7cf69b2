package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
)

// Latest, as a height, asks for the newest answer there is.
const Latest uint64 = math.MaxUint64

// Index answers questions about one ledger. Its methods may be called by
// several goroutines at once; one Apply runs at a time and stops no query.
type Index struct {
	db     *database
	path   string
	log    *slog.Logger
	outset string // why an old file was thrown away at Open

	writing  sync.Mutex // held by Apply, Bind and Reset
	rows     *rows
	names    *cache[string, int64]
	creators map[creator]int64
	readers  atomic.Pointer[readCaches]
	keys     atomic.Pointer[keySet]
	turning  sync.RWMutex // held while a batch is committed and keys are replaced
	prepared sync.Map     // of the reader: query to *sql.Stmt

	mutex sync.RWMutex
	tip   tip
}

// tip is where the index stands. It changes after a commit only.
type tip struct {
	height uint64 // blocks applied
	hash   []byte // of the last block
	last   int64  // the greatest id handed out
	tx     int64  // the greatest ids of other tables
	pack   int64
}

// Option changes how an index is opened.
type Option func(*Index)

// WithLogger says where the index reports what it does on its own account,
// such as a rebuild. The default is slog's.
func WithLogger(log *slog.Logger) Option { return func(ix *Index) { ix.log = log } }

// Open opens the index in the file at path, or begins a new one. A file that
// another version wrote is deleted and a damaged one set aside, which the log
// and [Index.Rebuilding] say: the caller feeds blocks from [Index.Height] on,
// and so builds it again. A database that is no index of ours is left alone
// and is an error.
func Open(path string, options ...Option) (*Index, error) {
	ctx := context.Background()
	ix := &Index{path: path, log: slog.Default()}
	for _, option := range options {
		option(ix)
	}
	err := ErrDamaged
	if !marked(path) {
		err = ix.open(ctx)
	}
	clear := removeSQLite
	switch {
	case err == nil:
		return ix, nil
	case damaged(err), errors.Is(err, ErrDamaged):
		clear = setAside
	case !errors.Is(err, errOutdated):
		return nil, err
	}
	ix.outset = err.Error()
	ix.log.Warn("the index is built again from the ledger", "why", err)
	if err := clear(path); err != nil {
		return nil, err
	}
	return ix, ix.open(ctx)
}

func (ix *Index) open(ctx context.Context) error {
	db, err := openSQLite(ctx, ix.path)
	if err != nil {
		return err
	}
	ix.db = db
	if err := ix.start(ctx); err != nil {
		return errors.Join(err, db.close())
	}
	return nil
}

// start reads where the index stands and empties the caches.
func (ix *Index) start(ctx context.Context) error {
	ix.rows = newRows()
	ix.names = newCache[string, int64](200_000)
	ix.readers.Store(newReadCaches())
	t := tip{}
	err := ix.db.writer.QueryRowContext(ctx, `SELECT number + 1, hash, last FROM block ORDER BY number DESC LIMIT 1`).Scan(&t.height, &t.hash, &t.last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("couldn't read the index's height: %w", err)
	}
	if err = ix.db.writer.QueryRowContext(ctx, `SELECT COALESCE((SELECT MAX(id) FROM tx), 0), COALESCE((SELECT MAX(id) FROM pack), 0)`).Scan(&t.tx, &t.pack); err != nil {
		return fmt.Errorf("couldn't read the index's counters: %w", err)
	}
	if ix.creators, err = ix.readCreators(ctx); err != nil {
		return err
	}
	keys, err := ix.db.readKeys(ctx)
	if err != nil {
		return err
	}
	ix.keys.Store(keys)
	ix.mutex.Lock()
	ix.tip = t
	ix.mutex.Unlock()
	return nil
}

// Close ends all connections. Queries under way fail.
func (ix *Index) Close() error {
	ix.writing.Lock()
	defer ix.writing.Unlock()
	if err := ix.db.close(); err != nil {
		return fmt.Errorf("couldn't close the index: %w", err)
	}
	return nil
}

// Rebuilding says why the file that Open found was thrown away, or "".
func (ix *Index) Rebuilding() string { return ix.outset }

// Height is the number of blocks applied, which is the number of the block
// that Apply wants next.
func (ix *Index) Height() uint64 { return ix.stand().height }

// LastHash is the header hash of the last block applied; nil before the first.
func (ix *Index) LastHash() []byte { return append([]byte(nil), ix.stand().hash...) }

func (ix *Index) stand() tip {
	ix.mutex.RLock()
	defer ix.mutex.RUnlock()
	return ix.tip
}

// OtherLedgerError says that the index belongs to another ledger than the
// blocks or the gateway do.
type OtherLedgerError struct {
	Block       uint64
	Want, Found []byte // hashes of that block's header: the index's, and the other
}

func (e *OtherLedgerError) Error() string {
	return fmt.Sprintf("block %d is %x in the index, but %x on this ledger: the index was built from another ledger; delete it (pedigree reindex) or follow the other one", e.Block, e.Want, e.Found)
}

// Bind checks that the index was built from the ledger whose block 0 has the
// given header hash. An empty index belongs to any ledger. The error is an
// *OtherLedgerError.
func (ix *Index) Bind(ctx context.Context, genesis []byte) error {
	return ix.checkHash(ctx, 0, genesis)
}

func (ix *Index) checkHash(ctx context.Context, number uint64, hash []byte) error {
	var have []byte
	err := ix.db.writer.QueryRowContext(ctx, ix.db.rebind(`SELECT hash FROM block WHERE number = ?`), number).Scan(&have)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("couldn't read block %d of the index: %w", number, err)
	case string(have) != string(hash):
		return &OtherLedgerError{number, have, hash}
	}
	return nil
}

// Reset empties the index, so that it can be built again from block 0.
// Queries during a Reset fail or find nothing.
func (ix *Index) Reset(ctx context.Context) error {
	ix.writing.Lock()
	defer ix.writing.Unlock()
	ix.turning.Lock()
	defer ix.turning.Unlock()
	err := ix.db.transact(ctx, func() error {
		for _, t := range tables {
			if _, err := ix.db.writer.ExecContext(ctx, `DELETE FROM `+t.name); err != nil {
				return err
			}
		}
		_, err := ix.db.writer.ExecContext(ctx, `DELETE FROM keychunk`)
		return err
	})
	if err != nil {
		return fmt.Errorf("couldn't empty the index: %w", ix.Suspect(err))
	}
	return ix.start(ctx)
}

// FutureError says that a height was asked for that the index hasn't reached.
type FutureError struct{ At, Height uint64 }

func (e *FutureError) Error() string {
	if e.Height == 0 {
		return fmt.Sprintf("there is no block %d yet; the index is empty", e.At)
	}
	return fmt.Sprintf("there is no block %d yet; the newest in the index is %d", e.At, e.Height-1)
}

// Snapshot is the ledger as it was after one block.
type Snapshot struct {
	Block uint64 // the block; meaningless in an empty index
	Last  int64  // the greatest id then
}

// Snapshot finds what was known after block at. [Latest] means the newest.
// The error is a *FutureError if there is no such block yet.
func (ix *Index) Snapshot(ctx context.Context, at uint64) (Snapshot, error) {
	t := ix.stand()
	if at == Latest {
		if t.height == 0 {
			return Snapshot{}, nil
		}
		return Snapshot{t.height - 1, t.last}, nil
	}
	if at >= t.height {
		return Snapshot{}, &FutureError{at, t.height}
	}
	s := Snapshot{Block: at}
	if err := ix.row(ctx, `SELECT last FROM block WHERE number = ?`, at).Scan(&s.Last); err != nil {
		return s, fmt.Errorf("couldn't read block %d of the index: %w", at, err)
	}
	return s, nil
}

func (ix *Index) row(ctx context.Context, query string, args ...any) *sql.Row {
	return ix.db.reader.QueryRowContext(ctx, ix.db.rebind(query), args...)
}

// eachPrepared is each for a query of which there are few: its statement is
// kept.
func (ix *Index) eachPrepared(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	stmt, ok := ix.prepared.Load(query)
	if !ok {
		fresh, err := ix.db.reader.PrepareContext(ctx, ix.db.rebind(query))
		if err != nil {
			return err
		}
		var raced bool
		if stmt, raced = ix.prepared.LoadOrStore(query, fresh); raced {
			if err := fresh.Close(); err != nil {
				return err
			}
		}
	}
	rows, err := stmt.(*sql.Stmt).QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

// each runs a query and hands every row to scan.
func (ix *Index) each(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := ix.db.reader.QueryContext(ctx, ix.db.rebind(query), args...)
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

func scanAll(rows *sql.Rows, scan func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
