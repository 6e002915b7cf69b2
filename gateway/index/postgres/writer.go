package postgres

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

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Write implements [index.Writer]. Whoever writes locks the row of the table about first. So there is one writer at a
// time, even if two gateways should believe that they lead.
func (s *Store) Write(ctx context.Context, epoch int64, height uint64, f func(projection.Tables) error) error {
	tx, err := s.conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("couldn't begin a transaction: %w", err)
	}
	if len(s.copies) > 100 { // of rows that are in use no longer
		clear(s.copies)
	}
	for _, c := range s.copies { // drops what a failed batch left
		c.data = c.data[:0]
	}
	if err = s.lockTables(ctx, epoch, height); err == nil {
		t := &tables{ctx: ctx, store: s}
		if err = f(t); err == nil {
			err = t.send()
		}
	}
	if err == nil {
		_, err = s.conn.Exec(ctx, "SELECT pg_notify($1, '')", s.channel())
	}
	if err == nil {
		if err = tx.Commit(ctx); err == nil {
			return nil
		}
		err = fmt.Errorf("couldn't commit: %w", err)
	}
	// The caller's context may have ended. A connection that can't roll back is closed, which does as much.
	if undone := tx.Rollback(context.WithoutCancel(ctx)); undone != nil && !errors.Is(undone, pgx.ErrTxClosed) {
		return errors.Join(err, hangUp(s.conn))
	}
	return err
}

// lockTables locks out all others that write, and checks that nobody has written.
func (s *Store) lockTables(ctx context.Context, wantEpoch int64, wantHeight uint64) error {
	// Two statements, because the second has to see what was committed while the first waited.
	var batch pgx.Batch
	batch.Queue(`SELECT epoch FROM about FOR UPDATE`)
	batch.Queue(`SELECT COALESCE(MAX(number) + 1, 0) FROM block`)
	results := s.conn.SendBatch(ctx, &batch)
	var epoch int64
	var height uint64
	err := results.QueryRow().Scan(&epoch)
	if err == nil {
		err = results.QueryRow().Scan(&height)
	}
	if err = errors.Join(err, results.Close()); err != nil {
		return fmt.Errorf("couldn't read the index's height: %w", err)
	}
	if epoch != wantEpoch || height != wantHeight {
		return index.ErrMoved
	}
	return nil
}

// tables implements [projection.Tables], for as long as the context of the transaction lasts.
type tables struct {
	ctx     context.Context
	store   *Store
	waiting []*rowCopy
	bytes   int // that wait
}

// rowCopy is rows in the binary form of COPY.
type rowCopy struct {
	table, statement string
	data             []byte
}

// Parts of the binary form of COPY.
const (
	copyHeader = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	copyEnd    = "\xff\xff"
)

// mostWaiting is how many bytes of rows are kept before they are sent.
const mostWaiting = 8 << 20

// Insert keeps the rows until there are enough to send. Their order means nothing to the tables, and the projection
// doesn't look for rows of its own batch.
func (t *tables) Insert(rows *projection.Rows) error {
	into := t.store.copies[rows]
	if into == nil {
		into = &rowCopy{
			table:     rows.Table,
			statement: "COPY " + rows.Table + " (" + strings.Join(rows.Columns, ", ") + ") FROM STDIN (FORMAT binary)",
		}
		t.store.copies[rows] = into
	}
	if len(into.data) == 0 {
		t.waiting = append(t.waiting, into)
		into.data = append(into.data, copyHeader...)
	}
	before, width := len(into.data), len(rows.Columns)
	for rest := rows.Cells; len(rest) > 0; rest = rest[width:] {
		into.data = binary.BigEndian.AppendUint16(into.data, uint16(width))
		for i := range rest[:width] {
			into.data = appendCell(into.data, &rest[i])
		}
	}
	if t.bytes += len(into.data) - before; t.bytes > mostWaiting {
		return t.send()
	}
	return nil
}

// appendCell appends a cell in the binary form of bigint or bytea.
func appendCell(to []byte, c *projection.Cell) []byte {
	switch c.Type {
	case projection.TypeNumber:
		return binary.BigEndian.AppendUint64(append(to, 0, 0, 0, 8), uint64(c.Number))
	case projection.TypeText, projection.TypeBytes:
		return append(binary.BigEndian.AppendUint32(to, uint32(len(c.Text))), c.Text...)
	default:
		return append(to, 0xff, 0xff, 0xff, 0xff)
	}
}

// firstAnalysis is after how many bytes of rows statistics are made for the first time.
const firstAnalysis = 2 << 20

// send writes the rows that wait, with one COPY for each kind.
func (t *tables) send() error {
	s := t.store
	for _, c := range t.waiting {
		c.data = append(c.data, copyEnd...)
		if _, err := s.conn.PgConn().CopyFrom(t.ctx, bytes.NewReader(c.data), c.statement); err != nil {
			return fmt.Errorf("couldn't write to the table %s of the index: %w", c.table, err)
		}
		c.data = c.data[:0]
	}
	s.sent += t.bytes
	t.waiting, t.bytes = t.waiting[:0], 0
	if s.sent < 2*s.analyzed+firstAnalysis {
		return nil
	}
	// The server's planner has to know that the tables have grown. Otherwise it reads and sorts all events for a page of
	// thirty. The server itself makes statistics every minute or so.
	s.analyzed = s.sent
	_, err := s.conn.Exec(t.ctx, "ANALYZE "+strings.Join(tableNames(), ", "))
	return err
}

// MayHaveKey says nothing: the server is asked about all hashes at once.
func (t *tables) MayHaveKey(uint64) bool { return true }

// Keys implements [projection.Tables].
func (t *tables) Keys(hashes []uint64, f func(projection.Key)) error {
	if len(hashes) == 0 {
		return nil
	}
	rows, err := t.store.conn.Query(t.ctx, `SELECT hash, id FROM key WHERE hash = ANY($1)`, signed(hashes))
	if err != nil {
		return err
	}
	var hash, id int64
	_, err = pgx.ForEachRow(rows, []any{&hash, &id}, func() error {
		f(projection.Key{Hash: uint64(hash), ID: id})
		return nil
	})
	return err
}

// AddKeys writes the keys in the order of the database's index of them.
func (t *tables) AddKeys(keys []projection.Key) error {
	slices.SortFunc(keys, func(a, b projection.Key) int {
		return cmp.Or(cmp.Compare(int64(a.Hash), int64(b.Hash)), cmp.Compare(a.ID, b.ID))
	})
	rows := t.store.keys
	rows.Reset()
	for _, k := range slices.Compact(keys) {
		rows.Add(projection.Number(int64(k.Hash)), projection.Number(k.ID))
	}
	return rows.Flush(t)
}

// Nodes implements [projection.Tables].
func (t *tables) Nodes(ids []int64, f func(id int64, kind projection.Kind, name string)) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := t.store.conn.Query(t.ctx,
		`SELECT id, kind, COALESCE(thing, name, digest) FROM node WHERE id = ANY($1)`, ids)
	if err != nil {
		return err
	}
	var id, kind int64
	var name pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&id, &kind, &name}, func() error {
		f(id, projection.Kind(kind), string(name))
		return nil
	})
	return err
}

// ArtifactVersion implements [projection.Tables].
func (t *tables) ArtifactVersion(record int64) (node int64, err error) {
	err = t.store.conn.QueryRow(t.ctx, `SELECT node FROM artifact WHERE record = $1`, record).Scan(&node)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return node, err
}
