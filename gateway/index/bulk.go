package index

import "strings"

// bulk collects rows of one table, which are written together: one table
// after the other is what the processor's caches like best.
type bulk struct {
	table   string
	columns []string
	width   int
	alone   bool // rows are big: to write several at a time gains nothing
	cells   []cell
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
	return &bulk{table: table, columns: columns, width: len(columns)}
}

func (b *bulk) add(row ...cell) { b.cells = append(b.cells, row...) }

// mostCells is how many cells' memory is kept for the next block.
const mostCells = 1 << 17

// flush writes all rows collected, and forgets them.
func (b *bulk) flush(db tables) error {
	if len(b.cells) == 0 {
		return nil
	}
	if err := db.insert(b); err != nil {
		return err
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
