package index

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// write does work in one transaction if the database stands at from, and takes
// everything back if work or anything else fails. Whoever writes locks the row of
// the table about first, so there is one at a time, whatever becomes of the lock
// that tells who leads.
func (p *postgres) write(ctx context.Context, from tip, work func(tables) error) error {
	tx, err := p.conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("couldn't begin a transaction: %w", err)
	}
	if len(p.copies) > 100 { // of bulks that are no more
		clear(p.copies)
	}
	for _, c := range p.copies { // what a failed batch left
		c.data = c.data[:0]
	}
	if err = p.fence(ctx, from); err == nil {
		t := &postgresTables{ctx: ctx, postgres: p}
		if err = work(t); err == nil {
			err = t.send()
		}
	}
	if err == nil {
		_, err = p.conn.Exec(ctx, "SELECT pg_notify($1, '')", p.channel())
	}
	if err == nil {
		if err = tx.Commit(ctx); err == nil {
			return nil
		}
		err = fmt.Errorf("couldn't commit: %w", err)
	}
	// The caller's context may have ended. A connection that can't roll back is
	// closed, which does as much.
	if undone := tx.Rollback(context.WithoutCancel(ctx)); undone != nil && !errors.Is(undone, pgx.ErrTxClosed) {
		return errors.Join(err, hangUp(p.conn))
	}
	return err
}

// fence locks out all others that write, and checks that nobody did.
func (p *postgres) fence(ctx context.Context, from tip) error {
	// Two statements, for the second has to see what was committed while the first waited.
	var batch pgx.Batch
	batch.Queue(`SELECT epoch FROM about FOR UPDATE`)
	batch.Queue(`SELECT COALESCE(MAX(number) + 1, 0) FROM block`)
	results := p.conn.SendBatch(ctx, &batch)
	var epoch int64
	var height uint64
	err := results.QueryRow().Scan(&epoch)
	if err == nil {
		err = results.QueryRow().Scan(&height)
	}
	if err = errors.Join(err, results.Close()); err != nil {
		return fmt.Errorf("couldn't read where the index stands: %w", err)
	}
	if epoch != from.epoch || height != from.height {
		return errStale
	}
	return nil
}

// Parts of PostgreSQL's binary form of COPY.
const (
	copyHeader = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	copyEnd    = "\xff\xff"
)

// postgresTables are the tables within one transaction, which is as long as the
// context lasts.
type postgresTables struct {
	ctx context.Context
	*postgres
	waiting []*rowCopy
	bytes   int // that wait
}

// insert notes the rows, which are sent together: order means nothing here, and
// nobody looks for a name in the tables that the batch has just made.
func (p *postgresTables) insert(b *bulk) error {
	into := p.copies[b]
	if into == nil {
		into = &rowCopy{table: b.table, statement: "COPY " + b.table + " (" + strings.Join(b.columns, ", ") + ") FROM STDIN (FORMAT binary)"}
		p.copies[b] = into
	}
	if len(into.data) == 0 {
		p.waiting = append(p.waiting, into)
		into.data = append(into.data, copyHeader...)
	}
	before := len(into.data)
	for rest := b.cells; len(rest) > 0; rest = rest[b.width:] {
		into.data = binary.BigEndian.AppendUint16(into.data, uint16(b.width))
		for i := range rest[:b.width] {
			into.data = rest[i].appendCopy(into.data)
		}
	}
	if p.bytes += len(into.data) - before; p.bytes > mostWaiting {
		return p.send()
	}
	return nil
}

// send writes the rows that wait, with one COPY for each kind.
func (p *postgresTables) send() error {
	for _, c := range p.waiting {
		c.data = append(c.data, copyEnd...)
		if _, err := p.conn.PgConn().CopyFrom(p.ctx, bytes.NewReader(c.data), c.statement); err != nil {
			return fmt.Errorf("couldn't write to the table %s of the index: %w", c.table, err)
		}
		c.data = c.data[:0]
	}
	p.sent += p.bytes
	p.waiting, p.bytes = p.waiting[:0], 0
	if p.sent < 2*p.looked+firstLook {
		return nil
	}
	// The server's planner has to know that the tables have grown, or it reads and sorts
	// all events for a page of thirty. By itself it looks every minute or so.
	p.looked = p.sent
	_, err := p.conn.Exec(p.ctx, "ANALYZE "+strings.Join(postgresNames(), ", "))
	return err
}

// firstLook is after how many bytes of rows statistics are made for the first time.
const firstLook = 2 << 20

// rowCopy are rows on their way.
type rowCopy struct {
	table, statement string
	data             []byte
}

// mostWaiting is how many bytes of rows are kept before they are sent.
const mostWaiting = 8 << 20

// may tells nothing.
func (p *postgresTables) may(uint64) bool { return true }

// nodes is one query for all.
func (p *postgresTables) nodes(ids []int64, each func(id int64, kind Kind, text string)) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := p.conn.Query(p.ctx, `SELECT id, kind, COALESCE(thing, name, digest) FROM node WHERE id = ANY($1)`, ids)
	if err != nil {
		return err
	}
	var id, kind int64
	var text pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&id, &kind, &text}, func() error {
		each(id, Kind(kind), string(text))
		return nil
	})
	return err
}

func (p *postgresTables) pairs(hashes []uint64, f func(pair)) error {
	if len(hashes) == 0 {
		return nil
	}
	rows, err := p.conn.Query(p.ctx, `SELECT hash, id FROM key WHERE hash = ANY($1)`, signed(hashes))
	if err != nil {
		return err
	}
	var hash, id int64
	_, err = pgx.ForEachRow(rows, []any{&hash, &id}, func() error {
		f(pair{uint64(hash), id})
		return nil
	})
	return err
}

// add writes the pairs in the order of the index on them.
func (p *postgresTables) add(pairs []pair) error {
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Or(cmp.Compare(int64(a.hash), int64(b.hash)), cmp.Compare(a.id, b.id)) })
	rows := p.keys
	rows.cells = rows.cells[:0]
	for _, pair := range slices.Compact(pairs) {
		rows.add(number(int64(pair.hash)), number(pair.id))
	}
	return rows.flush(p)
}

func (p *postgresTables) version(record int64) (node int64, err error) {
	err = p.conn.QueryRow(p.ctx, `SELECT node FROM artifact WHERE record = $1`, record).Scan(&node)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return node, err
}

// appendCopy appends the cell in the binary form of bigint or bytea.
func (c *cell) appendCopy(to []byte) []byte {
	switch c.kind {
	case cellNumber:
		return binary.BigEndian.AppendUint64(append(to, 0, 0, 0, 8), uint64(c.number))
	case cellText, cellBytes:
		return append(binary.BigEndian.AppendUint32(to, uint32(len(c.text))), c.text...)
	default:
		return append(to, 0xff, 0xff, 0xff, 0xff)
	}
}
