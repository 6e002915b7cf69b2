package index

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// bulk collects rows of one table and inserts many with one statement: per
// row, that costs a fraction of a statement each.
type bulk struct {
	table   string
	columns []string
	args    []any
}

// stride is how many rows go into one statement; what is left goes singly.
const stride = 32

func newBulk(table string, columns ...string) *bulk { return &bulk{table: table, columns: columns} }

func (b *bulk) add(values ...any) { b.args = append(b.args, values...) }

// insert is the statement for some rows; verb is the database's.
func (b *bulk) insert(verb string, rows int) string {
	tuple := "(" + strings.TrimSuffix(strings.Repeat("?,", len(b.columns)), ",") + ")"
	return verb + " " + b.table + " (" + strings.Join(b.columns, ", ") + ") VALUES " + strings.TrimSuffix(strings.Repeat(tuple+",", rows), ",")
}

// flush writes all rows collected, and forgets them. The statements are kept
// for the next time.
func (b *bulk) flush(ctx context.Context, statements *statements) error {
	width := len(b.columns)
	rest := b.args
	for len(rest) > 0 {
		rows := stride
		if len(rest) < stride*width {
			rows = 1
		}
		stmt, err := statements.get(ctx, b.insert(statements.db.insert, rows))
		if err != nil {
			return err
		}
		if _, err := stmt.ExecContext(ctx, rest[:rows*width]...); err != nil {
			return fmt.Errorf("couldn't write to the table %s of the index: %w", b.table, err)
		}
		rest = rest[rows*width:]
	}
	clear(b.args)
	b.args = b.args[:0]
	return nil
}

// statements are the writer's prepared statements by their text.
type statements struct {
	db       *database
	prepared map[string]*sql.Stmt
}

func (s *statements) get(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := s.prepared[query]; ok {
		return stmt, nil
	}
	stmt, err := s.db.writer.PrepareContext(ctx, s.db.rebind(query))
	if err != nil {
		return nil, fmt.Errorf("couldn't prepare a statement of the index: %w", err)
	}
	s.prepared[query] = stmt
	return stmt, nil
}

// inList is "(?,?,…)" for n values.
func inList(n int) string {
	return "(" + strings.TrimSuffix(strings.Repeat("?,", n), ",") + ")"
}

// chunks calls f with slices of at most size of all, in order.
func chunks[T any](all []T, size int, f func([]T) error) error {
	for len(all) > 0 {
		n := min(size, len(all))
		if err := f(all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}
