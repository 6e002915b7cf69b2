package projection

// Rows are rows of one table that are written together. To fill one table after the other is what the processor's
// caches like best.
type Rows struct {
	Table   string
	Columns []string
	Big     bool   // each row is so big that writing several with one statement gains nothing
	Cells   []Cell // row by row
}

// Cell is one value of a row.
type Cell struct {
	Type   CellType
	Number int64
	Text   string // the text, or the bytes
}

// CellType says which field of a cell counts.
type CellType uint8

// Types of cells. The zero cell is null.
const (
	TypeNull CellType = iota
	TypeNumber
	TypeText
	TypeBytes
)

var null Cell

// Number is a cell with a number.
func Number(n int64) Cell { return Cell{Type: TypeNumber, Number: n} }

// Text is a cell with a text.
func Text(s string) Cell { return Cell{Type: TypeText, Text: s} }

// Bytes is a cell with bytes.
func Bytes(b []byte) Cell { return Cell{Type: TypeBytes, Text: string(b)} }

// textOrNull is a cell with a text, or null if the text is empty.
func textOrNull(s string) Cell {
	if s == "" {
		return null
	}
	return Text(s)
}

// NewRows makes the rows of a table, none so far.
func NewRows(table string, columns ...string) *Rows {
	return &Rows{Table: table, Columns: columns}
}

// Add adds a row.
func (r *Rows) Add(row ...Cell) { r.Cells = append(r.Cells, row...) }

// Reset removes all rows and keeps their memory.
func (r *Rows) Reset() { r.Cells = r.Cells[:0] }

// mostCells is how many cells' memory is kept for the next block.
const mostCells = 1 << 17

// Flush writes the rows and removes them.
func (r *Rows) Flush(tables Tables) error {
	if len(r.Cells) == 0 {
		return nil
	}
	if err := tables.Insert(r); err != nil {
		return err
	}
	if len(r.Cells) > mostCells {
		r.Cells = nil
	}
	clear(r.Cells)
	r.Reset()
	return nil
}

// Table is a table of the index.
type Table struct {
	Name    string
	OrderBy string // the columns that order it as the ledger does
}

// AllTables lists every table but the one for keys, which each store has in its own form.
var AllTables = []Table{
	{"block", "number"}, {"creator", "id"}, {"tx", "id"}, {"pack", "id"}, {"node", "id"}, {"again", "id"},
	{"link", "node, since"}, {"shape", "id"}, {"declaration", "event"}, {"artifact", "record"},
	{"activity", "record"}, {"statement", "record"}, {"member", "record"}, {"namespace", "name, record"},
	{"tile", "level, number"},
}
