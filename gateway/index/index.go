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

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Latest, in place of the number of a block, asks for the newest answer.
const Latest uint64 = math.MaxUint64

// Index answers questions about one ledger. Its methods may be called by several goroutines at once. One Apply runs at
// a time, and stops no query.
type Index struct {
	store          Store
	log            *slog.Logger
	rebuiltBecause string
	connected      bool

	writing   sync.Mutex // held by Connect, Apply, Claim and Reset
	projector *projection.Projector
	prepared  tip // the tip for which the projector's memory is right
	caches    atomic.Pointer[caches]

	mutex sync.RWMutex
	tip   tip
}

// tip is where the index is. It changes only after a commit.
type tip struct {
	projection.Tip
	epoch int64 // of the store
}

// Option changes how an index is opened.
type Option func(*Index)

// WithLogger sets where the index reports what nobody asked for, such as a rebuild. The default is slog.Default.
func WithLogger(log *slog.Logger) Option { return func(ix *Index) { ix.log = log } }

// New makes an index in a store. It can be used after [Index.Connect] has succeeded.
func New(store Store, options ...Option) *Index {
	ix := &Index{store: store, log: slog.Default()}
	for _, option := range options {
		option(ix)
	}
	ix.caches.Store(newCaches())
	return ix
}

// Connect prepares the store, unless that is done already. It may be called until it succeeds. Before, the index is
// empty and queries fail. If the store can't be used now, the error matches ErrUnavailable.
func (ix *Index) Connect(ctx context.Context) error {
	ix.writing.Lock()
	defer ix.writing.Unlock()
	if ix.connected {
		return nil
	}
	why, err := ix.store.Prepare(ctx)
	if err != nil {
		return ix.store.Diagnose(err)
	}
	if why != "" {
		ix.rebuiltBecause = why
		ix.log.Warn("the index is built again from the ledger", "why", why)
	}
	if err := ix.start(ctx); err != nil {
		return ix.Diagnose(err)
	}
	ix.connected = true
	return nil
}

// start reads everything that the next Apply has to know.
func (ix *Index) start(ctx context.Context) error {
	ix.caches.Store(newCaches())
	t, err := ix.readTip(ctx)
	if err != nil {
		return err
	}
	creators, err := ix.readCreators(ctx)
	if err != nil {
		return err
	}
	if t.Tree, err = ix.readFrontier(ctx, t.Last); err != nil {
		return err
	}
	ix.projector = projection.NewProjector(ix.log, creators)
	ix.moveTo(t)
	return nil
}

// moveTo sets the tip, for which the projector's memory is right.
func (ix *Index) moveTo(t tip) {
	ix.mutex.Lock()
	defer ix.mutex.Unlock()
	ix.tip, ix.prepared = t, t
}

func (ix *Index) currentTip() tip {
	ix.mutex.RLock()
	defer ix.mutex.RUnlock()
	return ix.tip
}

func (ix *Index) readTip(ctx context.Context) (t tip, err error) {
	if t.epoch, err = ix.store.Epoch(ctx); err != nil {
		return t, fmt.Errorf("couldn't read the index's epoch: %w", err)
	}
	err = ix.row(ctx, `SELECT number + 1, hash, last FROM block ORDER BY number DESC LIMIT 1`).
		Scan(&t.Height, &t.Hash, &t.Last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return t, fmt.Errorf("couldn't read the index's height: %w", err)
	}
	err = ix.row(ctx, `SELECT COALESCE((SELECT MAX(id) FROM tx), 0), COALESCE((SELECT MAX(id) FROM pack), 0)`).
		Scan(&t.Tx, &t.Pack)
	if err != nil {
		return t, fmt.Errorf("couldn't read the index's counters: %w", err)
	}
	return t, nil
}

func (ix *Index) readCreators(ctx context.Context) (map[projection.Creator]int64, error) {
	all := map[projection.Creator]int64{}
	err := ix.each(ctx, `SELECT id, msp, subject FROM creator`, nil, func(rows *sql.Rows) error {
		var c projection.Creator
		var id int64
		if err := rows.Scan(&id, &c.MSPID, &c.Subject); err != nil {
			return err
		}
		all[c] = id
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't read the index's creators: %w", err)
	}
	return all, nil
}

// Refresh asks the store for its newest block, because another gateway may write it. An error means that the index
// can't be used now, and says why.
func (ix *Index) Refresh(ctx context.Context) error {
	t, err := ix.readTip(ctx)
	if err != nil {
		return ix.Diagnose(err)
	}
	if before := ix.currentTip(); t.epoch == before.epoch && t.Height < before.Height && ix.writing.TryLock() {
		// Either this index has written since the tip was read, or the server has lost blocks in a crash. Nobody writes now,
		// so that a second look tells which.
		defer ix.writing.Unlock()
		if t, err = ix.readTip(ctx); err != nil {
			return ix.Diagnose(err)
		}
		ix.follow(t, true)
		return nil
	}
	ix.follow(t, false)
	return nil
}

// follow moves to the tip that the store has. Within an epoch it only goes forward, unless the server may have lost
// blocks.
func (ix *Index) follow(t tip, mayGoBack bool) {
	ix.mutex.Lock()
	defer ix.mutex.Unlock()
	back := mayGoBack && t.Height < ix.tip.Height || t.epoch != ix.tip.epoch
	if back {
		ix.caches.Store(newCaches())
	}
	if back || t.Height > ix.tip.Height {
		ix.tip = t
	}
}

// Close closes the store. Queries that run fail.
func (ix *Index) Close() error {
	ix.writing.Lock()
	defer ix.writing.Unlock()
	if err := ix.store.Close(); err != nil {
		return fmt.Errorf("couldn't close the index: %w", err)
	}
	return nil
}

// Claim makes this the one gateway that writes the index, until Close. The error is ErrInUse if another gateway does.
func (ix *Index) Claim(ctx context.Context) error {
	ix.writing.Lock()
	defer ix.writing.Unlock()
	return ix.Diagnose(ix.store.Claim(ctx))
}

// Diagnose looks at an error that another method returned. If it means that the index is damaged, the error returned
// matches ErrDamaged, and whoever opens the index next builds it again. If it means that the store can't be used now,
// it matches ErrUnavailable.
func (ix *Index) Diagnose(err error) error {
	if err == nil || errors.Is(err, ErrDamaged) || errors.Is(err, ErrUnavailable) {
		return err
	}
	return ix.store.Diagnose(err)
}

// Rebuilding says why Connect threw away the index that it found. It is empty if it didn't.
func (ix *Index) Rebuilding() string {
	ix.writing.Lock()
	defer ix.writing.Unlock()
	return ix.rebuiltBecause
}

// Height is the number of blocks applied, which is the number of the next block that Apply takes.
func (ix *Index) Height() uint64 { return ix.currentTip().Height }

// LastHash is the header hash of the last block applied; nil before the first.
func (ix *Index) LastHash() []byte { return append([]byte(nil), ix.currentTip().Hash...) }

// OtherLedgerError says that the index belongs to another ledger than the blocks or the gateway.
type OtherLedgerError struct {
	Block       uint64
	Want, Found []byte // the hash of that block's header in the index, and the other one
}

func (e *OtherLedgerError) Error() string {
	return fmt.Sprintf("block %d is %x in the index, but %x on this ledger: the index was built from another ledger; "+
		"delete it (pedigree reindex) or follow the other one", e.Block, e.Want, e.Found)
}

// CheckLedger checks that the index was built from the ledger whose block 0 has a header hash. An empty index fits any
// ledger. The error is an *OtherLedgerError.
func (ix *Index) CheckLedger(ctx context.Context, genesis []byte) error {
	return ix.checkHash(ctx, 0, genesis)
}

// BlockHash is the header hash of a block in the index. It is nil if the index doesn't have the block.
func (ix *Index) BlockHash(ctx context.Context, number uint64) ([]byte, error) {
	var hash []byte
	err := ix.row(ctx, `SELECT hash FROM block WHERE number = ?`, int64(number)).Scan(&hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("couldn't read block %d of the index: %w", number, ix.Diagnose(err))
	}
	return hash, nil
}

func (ix *Index) checkHash(ctx context.Context, number uint64, hash []byte) error {
	have, err := ix.BlockHash(ctx, number)
	switch {
	case err != nil || have == nil:
		return err
	case string(have) != string(hash):
		return &OtherLedgerError{number, have, hash}
	}
	return nil
}

// Reset empties the index, so that it can be built again from block 0. Queries during a Reset fail or find nothing.
func (ix *Index) Reset(ctx context.Context) error {
	ix.writing.Lock()
	defer ix.writing.Unlock()
	if err := ix.store.Clear(ctx); err != nil {
		return fmt.Errorf("couldn't empty the index: %w", ix.Diagnose(err))
	}
	return ix.start(ctx)
}

// FutureError says that somebody asked for a block that the index hasn't reached.
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

// Snapshot is what was known after a block; [Latest] means the newest. The error is a *FutureError if there is no such
// block yet.
func (ix *Index) Snapshot(ctx context.Context, at uint64) (Snapshot, error) {
	t := ix.currentTip()
	if at == Latest {
		if t.Height == 0 {
			return Snapshot{}, nil
		}
		return Snapshot{t.Height - 1, t.Last}, nil
	}
	if at >= t.Height {
		return Snapshot{}, &FutureError{at, t.Height}
	}
	s := Snapshot{Block: at}
	if err := ix.row(ctx, `SELECT last FROM block WHERE number = ?`, at).Scan(&s.Last); err != nil {
		return s, fmt.Errorf("couldn't read block %d of the index: %w", at, err)
	}
	return s, nil
}

// row runs a query for one row. Scan's error is sql.ErrNoRows if there is none.
func (ix *Index) row(ctx context.Context, query string, args ...any) *oneRow {
	rows, err := ix.store.Query(ctx, query, args...)
	return &oneRow{rows, err}
}

type oneRow struct {
	rows *sql.Rows
	err  error
}

func (r *oneRow) Scan(into ...any) error {
	if r.err != nil {
		return r.err
	}
	found := false
	err := Scan(r.rows, func(rows *sql.Rows) error {
		if found {
			return nil
		}
		found = true
		return rows.Scan(into...)
	})
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// each runs a query and calls f with every row.
func (ix *Index) each(ctx context.Context, query string, args []any, f func(*sql.Rows) error) error {
	rows, err := ix.store.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	return Scan(rows, f)
}

// eachPrepared is each for a query of which there are few.
func (ix *Index) eachPrepared(ctx context.Context, query string, args []any, f func(*sql.Rows) error) error {
	rows, err := ix.store.QueryPrepared(ctx, query, args...)
	if err != nil {
		return err
	}
	return Scan(rows, f)
}
