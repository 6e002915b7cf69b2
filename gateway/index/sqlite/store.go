package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Store is the store in a file. It implements [index.Store].
type Store struct {
	path     string
	file     *file
	conns    *connPool
	prepared sync.Map // statements of file.reader, by their texts

	linked *nodeSet
	keys   atomic.Pointer[keySet]
	// publishing is held from before a batch is committed until its keys are in place.
	publishing sync.RWMutex
}

// New makes a store in the file at a path, which is opened by Prepare.
func New(path string) *Store { return &Store{path: path} }

// Prepare implements [index.Store].
func (s *Store) Prepare(ctx context.Context) (rebuilt string, err error) {
	err = index.ErrDamaged
	if !marked(s.path) {
		err = s.open(ctx)
	}
	clear := remove
	switch {
	case err == nil:
		return "", nil
	case isDamage(err), errors.Is(err, index.ErrDamaged):
		clear = setAside
	case !errors.Is(err, errOutdated):
		return "", err
	}
	rebuilt = err.Error()
	if err := clear(s.path); err != nil {
		return "", err
	}
	return rebuilt, s.open(ctx)
}

func (s *Store) open(ctx context.Context) error {
	f, err := openFile(ctx, s.path)
	if err != nil {
		return err
	}
	keys, err := f.readKeys(ctx)
	if err == nil {
		s.linked, err = readLinked(ctx, f.reader)
	}
	if err != nil {
		return errors.Join(err, f.close())
	}
	s.file, s.conns = f, &connPool{path: s.path}
	s.keys.Store(keys)
	return nil
}

// Close implements [index.Store].
func (s *Store) Close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.conns.close(), s.file.close())
}

// Query implements [index.Reader].
func (s *Store) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.file.reader.QueryContext(ctx, query, args...)
}

// QueryPrepared implements [index.Reader].
func (s *Store) QueryPrepared(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	kept, ok := s.prepared.Load(query)
	if !ok {
		fresh, err := s.file.reader.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		var raced bool
		if kept, raced = s.prepared.LoadOrStore(query, fresh); raced {
			if err := fresh.Close(); err != nil {
				return nil, err
			}
		}
	}
	return kept.(*sql.Stmt).QueryContext(ctx, args...)
}

// Among implements [index.Reader]. It repeats the last id until the list has one of a few lengths, so that few
// statements are prepared.
func (s *Store) Among(column string, ids []int64) (string, []any) {
	n := 1
	for n < len(ids) {
		n *= 8
	}
	n = min(n, index.MostAmong)
	values := make([]any, 0, n+4)
	for i := range n {
		values = append(values, ids[min(i, len(ids)-1)])
	}
	return column + " IN " + list(n), values
}

// list is "(?,?,…)" for n values.
func list(n int) string { return "(" + strings.TrimSuffix(strings.Repeat("?,", n), ",") + ")" }

// Between implements [index.Reader].
func (s *Store) Between(from, below string) (string, []any) {
	return "thing >= ? AND thing < ?", []any{from, below}
}

// ReadAll implements [index.Reader].
func (s *Store) ReadAll(ctx context.Context, f func(*sql.Tx, []projection.Key) error) error {
	tx, err := s.file.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	keys, err := readAllKeys(ctx, tx)
	if err != nil {
		return err
	}
	return f(tx, keys)
}

// Epoch implements [index.Reader].
func (s *Store) Epoch(context.Context) (int64, error) { return 0, nil }

// AwaitTurn implements [index.Writer]. Nobody else writes the file.
func (s *Store) AwaitTurn(context.Context, uint64) (bool, error) { return true, nil }

// Claim implements [index.Writer]. Nobody else writes the file.
func (s *Store) Claim(context.Context) error { return nil }

// Write implements [index.Writer]. It doesn't look at the context, because a batch is bounded.
func (s *Store) Write(_ context.Context, _ int64, _ uint64, f func(projection.Tables) error) error {
	t := &tables{conn: s.file.blocks, runs: runWriter{conn: s.file.blocks, set: s.keys.Load()}, linked: s.linked}
	publishing := false
	err := s.file.blocks.transact(func() error {
		if err := f(t); err != nil {
			return err
		}
		s.publishing.Lock()
		publishing = true
		return nil
	})
	if publishing {
		defer s.publishing.Unlock()
	}
	if err == nil {
		s.keys.Store(t.runs.set)
	}
	return err
}

// Clear implements [index.Writer].
func (s *Store) Clear(ctx context.Context) error {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	err := s.file.transact(ctx, func() error {
		for _, t := range projection.AllTables {
			if _, err := s.file.writer.ExecContext(ctx, `DELETE FROM `+t.Name); err != nil {
				return err
			}
		}
		_, err := s.file.writer.ExecContext(ctx, `DELETE FROM keychunk`)
		return err
	})
	if err == nil {
		s.keys.Store(newKeySet())
	}
	return err
}

// tables implements [projection.Tables].
type tables struct {
	*conn
	runs   runWriter
	linked *nodeSet
}

func (t *tables) MayHaveKey(hash uint64) bool { return t.runs.set.mayHave(hash) }

func (t *tables) Keys(hashes []uint64, f func(projection.Key)) error { return t.runs.find(hashes, f) }

func (t *tables) AddKeys(keys []projection.Key) error { return t.runs.add(keys) }

func (t *tables) Insert(rows *projection.Rows) error {
	if rows.Table == "link" {
		for i := 0; i < len(rows.Cells); i += len(rows.Columns) {
			t.linked.add(rows.Cells[i].Number)
		}
	}
	return t.insert(rows)
}
