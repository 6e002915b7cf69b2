package index

import (
	"fmt"
	"strings"
)

// bulk collects rows of one table, which are written together: one table
// after the other is what the processor's caches like best.
type bulk struct {
	table      string
	width      int
	insert     string // of one row
	insertMany string
	cells      []cell
}

// cell is one value of a row.
type cell struct {
	kind   cellKind
	number int64
	text   string // the text, or the bytes
}

type cellKind uint8

const (
	cellNull cellKind = iota
	cellNumber
	cellText
	cellBytes
)

var null cell

func number(n int64) cell { return cell{kind: cellNumber, number: n} }

func text(s string) cell { return cell{kind: cellText, text: s} }

// optional is a text, null if it is empty.
func optional(s string) cell {
	if s == "" {
		return null
	}
	return text(s)
}

func bytesOf(b []byte) cell { return cell{kind: cellBytes, text: string(b)} }

func newBulk(table string, columns ...string) *bulk {
	head := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES "
	row := inList(len(columns))
	return &bulk{table: table, width: len(columns), insert: head + row, insertMany: head + strings.TrimSuffix(strings.Repeat(row+",", manyRows), ",")}
}

// manyRows are written by one statement, if there are as many: the database finds
// the place for a row from that of the one before.
const manyRows = 16

func (b *bulk) add(row ...cell) { b.cells = append(b.cells, row...) }

// mostCells is how many cells' memory is kept for the next block.
const mostCells = 1 << 17

// flush writes all rows collected, and forgets them.
func (b *bulk) flush(w *sqliteWriter) error {
	rest := b.cells
	for _, s := range []struct {
		text  string
		cells int
	}{{b.insertMany, manyRows * b.width}, {b.insert, b.width}} {
		if len(rest) < s.cells || s.text == "" || len(rest) == 0 {
			continue
		}
		insert, err := w.statement(s.text)
		if err != nil {
			return err
		}
		for ; len(rest) >= s.cells; rest = rest[s.cells:] {
			if err := insert.run(rest[:s.cells], nil); err != nil {
				return fmt.Errorf("couldn't write to the table %s of the index: %w", b.table, err)
			}
		}
	}
	if len(b.cells) > mostCells {
		b.cells = nil
	}
	clear(b.cells)
	b.cells = b.cells[:0]
	return nil
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
