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
	db     store
	log    *slog.Logger
	outset string // why an old index was thrown away
	open   bool   // Connect has done its work

	writing  sync.Mutex // held by Connect, Apply, Claim and Reset
	prepared tip        // where the tables stood when names and creators were right
	rows     *rows
	names    *cache[string, int64]
	creators map[creator]int64
	readers  atomic.Pointer[readCaches]

	mutex sync.RWMutex
	tip   tip
}

// tip is where the index stands. It changes after a commit only.
type tip struct {
	epoch  int64  // of the tables: see store
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

// Open opens the index at a place: the path of a SQLite file, or the URL of a
// PostgreSQL database, of which [Index.Connect] tells more.
//
// A file is opened now, or begun. One that another version wrote is deleted and a
// damaged one set aside, which the log and [Index.Rebuilding] say: the caller
// feeds blocks from [Index.Height] on, and so builds it again. A database that is
// no index of ours is left alone and is an error.
func Open(place string, options ...Option) (*Index, error) {
	ix := &Index{log: slog.Default()}
	for _, option := range options {
		option(ix)
	}
	ix.forget()
	if !IsPostgres(place) {
		ix.db = &sqliteStore{path: place}
		if err := ix.Connect(context.Background()); err != nil {
			return nil, err
		}
		return ix, nil
	}
	p, err := newPostgres(place)
	if err != nil {
		return nil, err
	}
	p.pool = p.readers()
	ix.db = p
	return ix, nil
}

// Connect makes sure that the index can be used, which is done once. Files are
// connected by Open; a server may be down, so it may take another try. Before the
// first success the index is empty and queries fail.
//
// The schema that the URL names is made if it isn't there. An index in it that an
// older version wrote, or that was found damaged, is thrown away and built again;
// one that a newer version wrote, and tables of somebody else, are errors. If the
// server can't be used now the error is ErrUnavailable.
func (ix *Index) Connect(ctx context.Context) error {
	ix.writing.Lock()
	defer ix.writing.Unlock()
	if ix.open {
		return nil
	}
	why, err := ix.db.prepare(ctx)
	if err != nil {
		return ix.db.suspect(err)
	}
	if why != "" {
		ix.outset = why
		ix.log.Warn("the index is built again from the ledger", "why", why)
	}
	if err := ix.start(ctx); err != nil {
		return ix.Suspect(err)
	}
	ix.open = true
	return nil
}

// forget empties the caches.
func (ix *Index) forget() {
	ix.names = newCache[string, int64](200_000)
	ix.readers.Store(newReadCaches())
}

// start reads all that whoever writes has to know.
func (ix *Index) start(ctx context.Context) error {
	ix.rows = newRows()
	ix.forget()
	t, err := ix.readTip(ctx)
	if err != nil {
		return err
	}
	if ix.creators, err = ix.readCreators(ctx); err != nil {
		return err
	}
	ix.moveTo(t)
	return nil
}

// moveTo takes notice of where the tables stand; names and creators are right for it.
func (ix *Index) moveTo(t tip) {
	ix.mutex.Lock()
	defer ix.mutex.Unlock()
	ix.tip, ix.prepared = t, t
}

// readTip reads where the tables stand.
func (ix *Index) readTip(ctx context.Context) (t tip, err error) {
	if t.epoch, err = ix.db.epoch(ctx); err != nil {
		return t, fmt.Errorf("couldn't read the index's epoch: %w", err)
	}
	err = ix.row(ctx, `SELECT number + 1, hash, last FROM block ORDER BY number DESC LIMIT 1`).Scan(&t.height, &t.hash, &t.last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return t, fmt.Errorf("couldn't read the index's height: %w", err)
	}
	if err = ix.row(ctx, `SELECT COALESCE((SELECT MAX(id) FROM tx), 0), COALESCE((SELECT MAX(id) FROM pack), 0)`).Scan(&t.tx, &t.pack); err != nil {
		return t, fmt.Errorf("couldn't read the index's counters: %w", err)
	}
	return t, nil
}

// Refresh asks where the index stands, for another gateway may write it. Its error
// tells that the index can't be used now, and why.
func (ix *Index) Refresh(ctx context.Context) error {
	t, err := ix.readTip(ctx)
	if err != nil {
		return ix.Suspect(err)
	}
	if before := ix.stand(); t.epoch == before.epoch && t.height < before.height && ix.writing.TryLock() {
		// Either it was written meanwhile, or its server has lost blocks in a crash. Now nobody writes.
		defer ix.writing.Unlock()
		if t, err = ix.readTip(ctx); err != nil {
			return ix.Suspect(err)
		}
		ix.follow(t, true)
		return nil
	}
	ix.follow(t, false)
	return nil
}

// follow takes notice of where the tables stand by now. Within an epoch that is further
// than before, but for a server that has lost blocks.
func (ix *Index) follow(t tip, back bool) {
	ix.mutex.Lock()
	defer ix.mutex.Unlock()
	if back = back && t.height < ix.tip.height || t.epoch != ix.tip.epoch; back {
		ix.readers.Store(newReadCaches())
	}
	if back || t.height > ix.tip.height {
		ix.tip = t
	}
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

// Claim makes this the one that writes the index, until Close. The error is
// ErrInUse if another gateway does.
func (ix *Index) Claim(ctx context.Context) error {
	ix.writing.Lock()
	defer ix.writing.Unlock()
	return ix.Suspect(ix.db.claim(ctx))
}

// Suspect looks at an error that any method gave. If it means that the index is
// damaged, the error returned matches ErrDamaged, and whoever opens the index next
// begins a new one. If it means that its database can't be used now, it matches
// ErrUnavailable.
func (ix *Index) Suspect(err error) error {
	if err == nil || errors.Is(err, ErrDamaged) || errors.Is(err, ErrUnavailable) {
		return err
	}
	return ix.db.suspect(err)
}

// Rebuilding says why the index that was there at first was thrown away, or "".
func (ix *Index) Rebuilding() string {
	ix.writing.Lock()
	defer ix.writing.Unlock()
	return ix.outset
}

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
	err := ix.row(ctx, `SELECT hash FROM block WHERE number = ?`, int64(number)).Scan(&have)
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
	if err := ix.db.clear(ctx); err != nil {
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
	query, args = ix.db.spell(query, args)
	return ix.db.reader().QueryRowContext(ctx, query, args...)
}

// eachPrepared is each for a query of which there are few: its statement is
// kept.
func (ix *Index) eachPrepared(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := ix.db.queryOften(ctx, query, args)
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

// each runs a query and hands every row to scan.
func (ix *Index) each(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	query, args = ix.db.spell(query, args)
	rows, err := ix.db.reader().QueryContext(ctx, query, args...)
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
