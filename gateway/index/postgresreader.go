package index

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
)

func (p *postgres) reader() *sql.DB { return p.pool }

// spell numbers the parameters, and makes the arguments bigint, bytea or arrays
// of them, as all columns are.
func (p *postgres) spell(query string, args []any) (string, []any) {
	var b strings.Builder
	b.Grow(len(query) + 2*len(args))
	n := 0
	for i := 0; i < len(query); i++ {
		if query[i] != '?' { // which stands for nothing else in our queries
			b.WriteByte(query[i])
			continue
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
	}
	plain := make([]any, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			plain[i] = []byte(arg)
		case Kind:
			plain[i] = int64(arg)
		case Role:
			plain[i] = int64(arg)
		default:
			plain[i] = arg
		}
	}
	return b.String(), plain
}

// queryOften has nothing to add: the driver keeps the statements that it used
// last.
func (p *postgres) queryOften(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	query, args = p.spell(query, args)
	return p.pool.QueryContext(ctx, query, args...)
}

func (p *postgres) snapshot(ctx context.Context) (*sql.Tx, error) {
	tx, err := p.pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

// among takes the ids as one array.
func (p *postgres) among(column string, ids []int64) (string, []any) {
	return column + " = ANY(?)", append(make([]any, 0, 4), ids)
}

// thingKey is how much of a thing's URI is in the index that finds ranges of
// them. A key of a B-tree has at most 2,704 bytes, and there are URIs that are longer.
const thingKey = 1000

// between looks at the beginnings first, by the index.
func (p *postgres) between(from, below string) (string, []any) {
	return "substring(thing FROM 1 FOR 1000) BETWEEN ? AND ? AND thing >= ? AND thing < ?",
		[]any{from[:min(thingKey, len(from))], below[:min(thingKey, len(below))], from, below}
}

// pairs finds nodes in the table key, where hashes are the signed numbers of the same bits.
func (p *postgres) pairs(ctx context.Context, hashes []uint64) ([]pair, error) {
	return queryPairs(p.pool.QueryContext(ctx, `SELECT hash, id FROM key WHERE hash = ANY($1)`, signed(hashes)))
}

func (p *postgres) allPairs(ctx context.Context, tx *sql.Tx) ([]pair, error) {
	return queryPairs(tx.QueryContext(ctx, `SELECT hash, id FROM key`))
}

func signed(hashes []uint64) []int64 {
	numbers := make([]int64, len(hashes))
	for i, h := range hashes {
		numbers[i] = int64(h)
	}
	return numbers
}

func queryPairs(rows *sql.Rows, err error) ([]pair, error) {
	if err != nil {
		return nil, err
	}
	var all []pair
	err = scanAll(rows, func(rows *sql.Rows) error {
		var hash, id int64
		defer func() { all = append(all, pair{uint64(hash), id}) }()
		return rows.Scan(&hash, &id)
	})
	return all, err
}

// epoch is when the tables were made anew.
func (p *postgres) epoch(ctx context.Context) (epoch int64, err error) {
	err = p.pool.QueryRowContext(ctx, `SELECT epoch FROM about`).Scan(&epoch)
	return epoch, err
}

func (p *postgres) stored(ctx context.Context, ids []int64, each func(*stored)) error {
	rows, err := p.pool.QueryContext(ctx, `SELECT id, `+storedColumns+` FROM node WHERE id = ANY($1) ORDER BY id`, ids)
	return queryStored(rows, err, each)
}

func (p *postgres) later(ctx context.Context, nodes []int64, last int64, each func(node int64, data []byte) error) error {
	rows, err := p.pool.QueryContext(ctx, `SELECT node, data FROM link WHERE node = ANY($1) AND since <= $2 ORDER BY node, since`, nodes, last)
	if err != nil {
		return err
	}
	return scanAll(rows, func(rows *sql.Rows) error {
		var node int64
		var data sql.RawBytes
		if err := rows.Scan(&node, &data); err != nil {
			return err
		}
		return each(node, data)
	})
}
