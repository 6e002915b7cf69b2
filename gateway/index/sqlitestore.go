package index

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
)

// sqliteStore is the store in a file of SQLite's. Only one index at a time has it
// open: whoever opens it sees to that.
type sqliteStore struct {
	path string
	*database
	readers *sqliteReaders
	often   sync.Map // of the reader: query to *sql.Stmt

	linked  *linked
	keys    atomic.Pointer[keySet]
	turning sync.RWMutex // held while a batch is committed and keys are replaced
}

// sqliteTables are the tables within a transaction.
type sqliteTables struct {
	*sqliteWriter
	keys   keyWriter
	linked *linked
}

func (t *sqliteTables) insert(b *bulk) error {
	if b.table == "link" {
		for row := 0; row < len(b.cells); row += b.width {
			t.linked.add(b.cells[row].number)
		}
	}
	return t.sqliteWriter.insert(b)
}

func (t *sqliteTables) may(hash uint64) bool { return t.keys.set.may(hash) }

func (t *sqliteTables) pairs(hashes []uint64, f func(pair)) error { return t.keys.find(hashes, f) }

func (t *sqliteTables) add(pairs []pair) error { return t.keys.write(pairs) }

// prepare opens the file. One that another version wrote is deleted, and a broken
// one set aside, and begun anew.
func (s *sqliteStore) prepare(ctx context.Context) (rebuilt string, err error) {
	err = ErrDamaged
	if !marked(s.path) {
		err = s.open(ctx)
	}
	clear := removeSQLite
	switch {
	case err == nil:
		return "", nil
	case damaged(err), errors.Is(err, ErrDamaged):
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

func (s *sqliteStore) open(ctx context.Context) error {
	var err error
	if s.database, err = openSQLite(ctx, s.path); err != nil {
		return err
	}
	keys, err := s.readKeys(ctx)
	if err == nil {
		s.linked, err = readLinked(ctx, s.database.reader)
	}
	if err != nil {
		return errors.Join(err, s.database.close())
	}
	s.keys.Store(keys)
	s.readers = &sqliteReaders{path: s.path}
	return nil
}

func (s *sqliteStore) reader() *sql.DB { return s.database.reader }

func (s *sqliteStore) spell(query string, args []any) (string, []any) { return query, args }

func (s *sqliteStore) queryOften(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	statement, ok := s.often.Load(query)
	if !ok {
		fresh, err := s.database.reader.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		var raced bool
		if statement, raced = s.often.LoadOrStore(query, fresh); raced {
			if err := fresh.Close(); err != nil {
				return nil, err
			}
		}
	}
	return statement.(*sql.Stmt).QueryContext(ctx, args...)
}

func (s *sqliteStore) snapshot(ctx context.Context) (*sql.Tx, error) {
	return s.database.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
}

// among fills lists up to few lengths, so that few statements are ever prepared.
func (s *sqliteStore) among(column string, ids []int64) (string, []any) {
	n := 1
	for n < len(ids) {
		n *= 8
	}
	n = min(n, amongMost)
	values := make([]any, 0, n+4)
	for i := range n {
		values = append(values, ids[min(i, len(ids)-1)])
	}
	return column + " IN " + inList(n), values
}

func (s *sqliteStore) between(from, below string) (string, []any) {
	return "thing >= ? AND thing < ?", []any{from, below}
}

// What follows is about several that write. A file has one.

func (s *sqliteStore) epoch(context.Context) (int64, error) { return 0, nil }

func (s *sqliteStore) turn(context.Context, uint64) (bool, error) { return true, nil }

func (s *sqliteStore) claim(context.Context) error { return nil }

func (s *sqliteStore) write(_ context.Context, _ tip, work func(tables) error) error {
	t := &sqliteTables{s.blocks, keyWriter{db: s.blocks, set: s.keys.Load()}, s.linked}
	turning := false
	// The work is bounded, so it runs to its end.
	err := s.blocks.transact(func() error {
		if err := work(t); err != nil {
			return err
		}
		s.turning.Lock()
		turning = true
		return nil
	})
	if turning {
		defer s.turning.Unlock()
	}
	if err == nil {
		s.keys.Store(t.keys.set)
	}
	return err
}

func (s *sqliteStore) clear(ctx context.Context) error {
	s.turning.Lock()
	defer s.turning.Unlock()
	err := s.transact(ctx, func() error {
		for _, t := range allTables {
			if _, err := s.writer.ExecContext(ctx, `DELETE FROM `+t.name); err != nil {
				return err
			}
		}
		_, err := s.writer.ExecContext(ctx, `DELETE FROM keychunk`)
		return err
	})
	if err == nil {
		s.keys.Store(newKeySet())
	}
	return err
}

func (s *sqliteStore) close() error {
	if s.database == nil {
		return nil
	}
	return errors.Join(s.readers.close(), s.database.close())
}
