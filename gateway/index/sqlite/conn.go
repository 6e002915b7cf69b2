package sqlite

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// conn is a connection that calls SQLite's own functions. By way of database/sql each value of each row would be
// boxed, checked, copied and freed on its own, which costs as much as what SQLite does with it. One goroutine at a
// time may use a connection.
type conn struct {
	tls      *libc.TLS
	db       uintptr
	prepared map[string]*statement
	inserts  map[insertKey]*statement

	// room is memory that isn't Go's. The texts of a row are handed to SQLite in it.
	room  []byte
	base  uintptr // of room
	taken int
}

// statement is a prepared statement.
type statement struct {
	conn   *conn
	handle uintptr
}

// callError is an error of SQLite, with its extended result code.
type callError struct {
	Code int32
	Text string
}

func (e *callError) Error() string { return fmt.Sprintf("%s (%d)", e.Text, e.Code) }

// openConn opens a database that exists, and runs pragmas.
func openConn(path, pragmas string) (*conn, error) {
	c := &conn{tls: libc.NewTLS(), prepared: map[string]*statement{}, inserts: map[insertKey]*statement{}}
	c.resize(64 << 10)
	name, err := libc.CString(path)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	defer libc.Xfree(c.tls, name)
	const flags = sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_EXRESCODE
	code := sqlite3.Xsqlite3_open_v2(c.tls, name, c.base, flags, 0)
	c.db = c.pointer()
	if err := c.check(code); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if err := c.exec(pragmas); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// check makes an error of a result code.
func (c *conn) check(code int32) error {
	if code == sqlite3.SQLITE_OK {
		return nil
	}
	if c.db == 0 {
		return &callError{code, "SQLite has no memory"}
	}
	return &callError{code, libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))}
}

// resize makes a new room of at least n bytes, and frees the old one.
func (c *conn) resize(n int) {
	if c.base != 0 {
		libc.Xfree(c.tls, c.base)
	}
	c.base = libc.Xmalloc(c.tls, libc.Tsize_t(n))
	if c.base == 0 {
		panic("there is no memory for a row of the index") // as Go panics when it has none
	}
	c.room = unsafe.Slice((*byte)(outside(c.base)), n)
}

// outside is a pointer to an address that isn't in Go's memory.
func outside(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// pointer reads an address that SQLite has written to the room.
func (c *conn) pointer() uintptr { return *(*uintptr)(outside(c.base)) }

// exec runs statements that return no rows.
func (c *conn) exec(text string) error {
	z, err := libc.CString(text)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, z)
	return c.check(sqlite3.Xsqlite3_exec(c.tls, c.db, z, 0, 0, 0))
}

// transact does work in one transaction, which it commits if work succeeds and
// rolls back otherwise.
func (c *conn) transact(work func() error) error {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("couldn't begin a transaction: %w", err)
	}
	err := work()
	if err == nil {
		if err = c.exec("COMMIT"); err == nil {
			return nil
		}
		err = fmt.Errorf("couldn't commit: %w", err)
	}
	// Some errors have ended the transaction already.
	if sqlite3.Xsqlite3_get_autocommit(c.tls, c.db) == 0 {
		if undone := c.exec("ROLLBACK"); undone != nil {
			err = errors.Join(err, fmt.Errorf("couldn't roll back: %w", undone))
		}
	}
	return err
}

// prepare prepares a statement, once.
func (c *conn) prepare(text string) (*statement, error) {
	if s, ok := c.prepared[text]; ok {
		return s, nil
	}
	z, err := libc.CString(text)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, z)
	code := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, z, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, c.base, 0)
	if err := c.check(code); err != nil {
		return nil, fmt.Errorf("couldn't prepare a statement of the index: %w", err)
	}
	s := &statement{c, c.pointer()}
	c.prepared[text] = s
	return s, nil
}

// bind sets the values of the statement's parameters.
func (s *statement) bind(values []projection.Cell) error {
	c, need := s.conn, 0
	for i := range values {
		need += len(values[i].Text)
	}
	if need > len(c.room) {
		c.resize(2 * need)
	}
	c.taken = 0
	for i := range values {
		v, at := &values[i], int32(i+1)
		var code int32
		switch v.Type {
		case projection.TypeNumber:
			code = sqlite3.Xsqlite3_bind_int64(c.tls, s.handle, at, v.Number)
		case projection.TypeText:
			code = sqlite3.Xsqlite3_bind_text(c.tls, s.handle, at, c.place(v.Text), int32(len(v.Text)), 0)
		case projection.TypeBytes:
			code = sqlite3.Xsqlite3_bind_blob(c.tls, s.handle, at, c.place(v.Text), int32(len(v.Text)), 0)
		default:
			code = sqlite3.Xsqlite3_bind_null(c.tls, s.handle, at)
		}
		if code != sqlite3.SQLITE_OK {
			return c.check(code)
		}
	}
	return nil
}

// place copies a text to the room, and returns its address there.
func (c *conn) place(text string) uintptr {
	at := c.base + uintptr(c.taken)
	c.taken += copy(c.room[c.taken:], text)
	return at
}

// run runs the statement with values. It calls each, if it isn't nil, for every row.
func (s *statement) run(values []projection.Cell, each func(*statement)) error {
	if err := s.bind(values); err != nil {
		return err
	}
	for {
		switch code := sqlite3.Xsqlite3_step(s.conn.tls, s.handle); code {
		case sqlite3.SQLITE_ROW:
			if each != nil {
				each(s)
			}
		case sqlite3.SQLITE_DONE:
			return s.conn.check(sqlite3.Xsqlite3_reset(s.conn.tls, s.handle))
		default:
			err := s.conn.check(code)
			sqlite3.Xsqlite3_reset(s.conn.tls, s.handle) // which returns the same error again
			return err
		}
	}
}

// number is a column of the present row; 0 if it is null.
func (s *statement) number(column int32) int64 {
	return sqlite3.Xsqlite3_column_int64(s.conn.tls, s.handle, column)
}

// text is a column of the present row, its text or its bytes; empty if it is null.
func (s *statement) text(column int32) string {
	return string(s.view(column))
}

// view is the text or the bytes of a column, in SQLite's memory. They are gone with the next row.
func (s *statement) view(column int32) []byte {
	p := sqlite3.Xsqlite3_column_blob(s.conn.tls, s.handle, column)
	n := sqlite3.Xsqlite3_column_bytes(s.conn.tls, s.handle, column)
	if p == 0 || n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(outside(p)), int(n))
}

// Nodes implements [projection.Tables].
func (c *conn) Nodes(ids []int64, f func(int64, projection.Kind, string)) error {
	find, err := c.prepare(`SELECT kind, thing, name, digest FROM node WHERE id = ?`)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := find.run([]projection.Cell{projection.Number(id)}, func(row *statement) {
			f(id, projection.Kind(row.number(0)), row.text(1)+row.text(2)+row.text(3))
		}); err != nil {
			return err
		}
	}
	return nil
}

// ArtifactVersion implements [projection.Tables].
func (c *conn) ArtifactVersion(record int64) (node int64, err error) {
	find, err := c.prepare(`SELECT node FROM artifact WHERE record = ?`)
	if err != nil {
		return 0, err
	}
	err = find.run([]projection.Cell{projection.Number(record)}, func(row *statement) { node = row.number(0) })
	return node, err
}

// manyRows is how many rows one statement writes. SQLite finds the place of a row from that of the row before.
const manyRows = 16

func (c *conn) insert(b *projection.Rows) error {
	rest := b.Cells
	for _, rows := range []int{manyRows, 1} {
		n := rows * len(b.Columns)
		if len(rest) < n || rows > 1 && b.Big {
			continue
		}
		insert, err := c.insertStatement(b, rows)
		if err != nil {
			return err
		}
		for ; len(rest) >= n; rest = rest[n:] {
			if err := insert.run(rest[:n], nil); err != nil {
				return fmt.Errorf("couldn't write to the table %s of the index: %w", b.Table, err)
			}
		}
	}
	return nil
}

// insertStatement is the statement that writes so many rows.
func (c *conn) insertStatement(b *projection.Rows, rows int) (*statement, error) {
	key := insertKey{b, rows}
	if s, ok := c.inserts[key]; ok {
		return s, nil
	}
	values := strings.TrimSuffix(strings.Repeat(list(len(b.Columns))+",", rows), ",")
	s, err := c.prepare("INSERT INTO " + b.Table + " (" + strings.Join(b.Columns, ", ") + ") VALUES " + values)
	if err == nil {
		c.inserts[key] = s
	}
	return s, err
}

// insertKey says what an insert statement is for.
type insertKey struct {
	table *projection.Rows
	rows  int
}

func (c *conn) close() error {
	for _, s := range c.prepared {
		sqlite3.Xsqlite3_finalize(c.tls, s.handle) // its error is that of the last step, which was returned then
	}
	var err error
	if c.db != 0 {
		err = c.check(sqlite3.Xsqlite3_close_v2(c.tls, c.db))
	}
	libc.Xfree(c.tls, c.base)
	c.tls.Close()
	return err
}
