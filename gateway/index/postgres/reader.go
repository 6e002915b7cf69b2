package postgres

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Query implements [index.Reader].
func (s *Store) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.readers.QueryContext(ctx, numbered(query, args), plain(args)...)
}

// QueryPrepared implements [index.Reader]. The driver keeps the statements that it used last, of any query.
func (s *Store) QueryPrepared(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.Query(ctx, query, args...)
}

// numbered is a query with numbered parameters. A question mark stands for nothing else in the queries of the index.
func numbered(query string, args []any) string {
	var b strings.Builder
	b.Grow(len(query) + 2*len(args))
	n := 0
	for i := 0; i < len(query); i++ {
		if query[i] != '?' {
			b.WriteByte(query[i])
			continue
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

// plain makes arguments bigint or bytea, as all columns are.
func plain(args []any) []any {
	all := make([]any, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			all[i] = []byte(arg)
		case index.Kind:
			all[i] = int64(arg)
		case index.Role:
			all[i] = int64(arg)
		default:
			all[i] = arg
		}
	}
	return all
}

// Among implements [index.Reader]. It passes the ids as one array.
func (s *Store) Among(column string, ids []int64) (string, []any) {
	return column + " = ANY(?)", append(make([]any, 0, 4), ids)
}

// thingPrefix is how much of a thing's URI is in the database's index of things. A key of a B-tree has at most 2,704
// bytes, and there are longer URIs.
const thingPrefix = 1000

// Between implements [index.Reader]. It compares the beginnings first, for which there is a database index.
func (s *Store) Between(from, below string) (string, []any) {
	return "substring(thing FROM 1 FOR 1000) BETWEEN ? AND ? AND thing >= ? AND thing < ?",
		[]any{from[:min(thingPrefix, len(from))], below[:min(thingPrefix, len(below))], from, below}
}

// Keys implements [index.Reader]. In the table key, a hash is the signed number with the same bits.
func (s *Store) Keys(ctx context.Context, hashes []uint64) ([]projection.Key, error) {
	rows, err := s.readers.QueryContext(ctx, `SELECT hash, id FROM key WHERE hash = ANY($1)`, signed(hashes))
	if err != nil {
		return nil, err
	}
	return scanKeys(rows)
}

func signed(hashes []uint64) []int64 {
	numbers := make([]int64, len(hashes))
	for i, h := range hashes {
		numbers[i] = int64(h)
	}
	return numbers
}

func scanKeys(rows *sql.Rows) ([]projection.Key, error) {
	var all []projection.Key
	err := index.Scan(rows, func(rows *sql.Rows) error {
		var hash, id int64
		if err := rows.Scan(&hash, &id); err != nil {
			return err
		}
		all = append(all, projection.Key{Hash: uint64(hash), ID: id})
		return nil
	})
	return all, err
}

// Nodes implements [index.Reader].
func (s *Store) Nodes(ctx context.Context, ids []int64, f func(*index.Node)) error {
	rows, err := s.readers.QueryContext(ctx, `SELECT id, kind, tx, line, time, COALESCE(thing, name, digest), links,
		shape, hash, eventid FROM node WHERE id = ANY($1) ORDER BY id`, ids)
	if err != nil {
		return err
	}
	return index.Scan(rows, func(rows *sql.Rows) error {
		var n index.Node
		var line, at, shape sql.NullInt64
		var text, links, hash, eventID sql.RawBytes
		if err := rows.Scan(&n.ID, &n.Kind, &n.Tx, &line, &at, &text, &links, &shape, &hash, &eventID); err != nil {
			return err
		}
		n.Line, n.Time, n.Shape = line.Int64, at.Int64, shape.Int64
		n.Text, n.Links, n.EventHash, n.EventID = string(text), string(links), string(hash), string(eventID)
		f(&n)
		return nil
	})
}

// LaterLinks implements [index.Reader].
func (s *Store) LaterLinks(
	ctx context.Context, nodes []int64, last int64, f func(node int64, data []byte) error,
) error {
	rows, err := s.readers.QueryContext(ctx,
		`SELECT node, data FROM link WHERE node = ANY($1) AND since <= $2 ORDER BY node, since`, nodes, last)
	if err != nil {
		return err
	}
	return index.Scan(rows, func(rows *sql.Rows) error {
		var node int64
		var data sql.RawBytes
		if err := rows.Scan(&node, &data); err != nil {
			return err
		}
		return f(node, data)
	})
}

// ReadAll implements [index.Reader].
func (s *Store) ReadAll(ctx context.Context, f func(*sql.Tx, []projection.Key) error) error {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT hash, id FROM key`)
	if err != nil {
		return err
	}
	keys, err := scanKeys(rows)
	if err != nil {
		return err
	}
	return f(tx, keys)
}

// Epoch implements [index.Reader]. It is the time when the tables were made.
func (s *Store) Epoch(ctx context.Context) (epoch int64, err error) {
	err = s.readers.QueryRowContext(ctx, `SELECT epoch FROM about`).Scan(&epoch)
	return epoch, err
}
