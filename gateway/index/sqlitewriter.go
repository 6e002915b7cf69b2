package index

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteWriter is the connection that blocks are written over. It calls SQLite
// itself: by way of database/sql, each value of each row would be boxed, checked,
// copied and freed on its own, which costs as much as what SQLite does with it.
// One goroutine at a time may use it.
type sqliteWriter struct {
	tls      *libc.TLS
	db       uintptr
	prepared map[string]*sqliteStatement
	inserts  map[insertKey]*sqliteStatement

	// Texts of a row are handed over in memory that isn't Go's.
	room  []byte
	base  uintptr // of room
	taken int
}

// sqliteStatement is a prepared statement.
type sqliteStatement struct {
	w      *sqliteWriter
	handle uintptr
}

// sqliteError is an error of SQLite's, with its extended result code.
type sqliteError struct {
	Code int32
	Text string
}

func (e *sqliteError) Error() string { return fmt.Sprintf("%s (%d)", e.Text, e.Code) }

// openSQLiteWriter opens a database that is there, and runs pragmas.
func openSQLiteWriter(path, pragmas string) (*sqliteWriter, error) {
	w := &sqliteWriter{tls: libc.NewTLS(), prepared: map[string]*sqliteStatement{}, inserts: map[insertKey]*sqliteStatement{}}
	w.resize(64 << 10)
	name, err := libc.CString(path)
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	defer libc.Xfree(w.tls, name)
	code := sqlite3.Xsqlite3_open_v2(w.tls, name, w.base, sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_NOMUTEX|sqlite3.SQLITE_OPEN_EXRESCODE, 0)
	w.db = w.pointer()
	if err := w.check(code); err != nil {
		return nil, errors.Join(err, w.close())
	}
	if err := w.exec(pragmas); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// check makes an error of a result code.
func (w *sqliteWriter) check(code int32) error {
	if code == sqlite3.SQLITE_OK {
		return nil
	}
	if w.db == 0 {
		return &sqliteError{code, "SQLite has no memory"}
	}
	return &sqliteError{code, libc.GoString(sqlite3.Xsqlite3_errmsg(w.tls, w.db))}
}

// resize makes a new room of at least n bytes, and frees the old one.
func (w *sqliteWriter) resize(n int) {
	if w.base != 0 {
		libc.Xfree(w.tls, w.base)
	}
	w.base = libc.Xmalloc(w.tls, libc.Tsize_t(n))
	if w.base == 0 {
		panic("there is no memory for a row of the index") // as Go has it for its own memory
	}
	w.room = unsafe.Slice((*byte)(outside(w.base)), n)
}

// outside is the pointer to an address that isn't in Go's memory.
func outside(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// pointer reads an address that SQLite has written to the room.
func (w *sqliteWriter) pointer() uintptr { return *(*uintptr)(outside(w.base)) }

// exec runs statements that give no rows.
func (w *sqliteWriter) exec(text string) error {
	c, err := libc.CString(text)
	if err != nil {
		return err
	}
	defer libc.Xfree(w.tls, c)
	return w.check(sqlite3.Xsqlite3_exec(w.tls, w.db, c, 0, 0, 0))
}

// transact does work in one transaction, which it commits if work succeeds and
// takes back otherwise.
func (w *sqliteWriter) transact(work func() error) error {
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("couldn't begin a transaction: %w", err)
	}
	err := work()
	if err == nil {
		if err = w.exec("COMMIT"); err == nil {
			return nil
		}
		err = fmt.Errorf("couldn't commit: %w", err)
	}
	// Some errors have ended the transaction already.
	if sqlite3.Xsqlite3_get_autocommit(w.tls, w.db) == 0 {
		if undone := w.exec("ROLLBACK"); undone != nil {
			err = errors.Join(err, fmt.Errorf("couldn't roll back: %w", undone))
		}
	}
	return err
}

// statement prepares a statement, or finds it among those that are.
func (w *sqliteWriter) statement(text string) (*sqliteStatement, error) {
	if s, ok := w.prepared[text]; ok {
		return s, nil
	}
	c, err := libc.CString(text)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(w.tls, c)
	if err := w.check(sqlite3.Xsqlite3_prepare_v3(w.tls, w.db, c, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, w.base, 0)); err != nil {
		return nil, fmt.Errorf("couldn't prepare a statement of the index: %w", err)
	}
	s := &sqliteStatement{w, w.pointer()}
	w.prepared[text] = s
	return s, nil
}

// bind sets the values of the statement's parameters.
func (s *sqliteStatement) bind(values []cell) error {
	w, need := s.w, 0
	for i := range values {
		need += len(values[i].text)
	}
	if need > len(w.room) {
		w.resize(2 * need)
	}
	w.taken = 0
	for i := range values {
		v, at := &values[i], int32(i+1)
		var code int32
		switch v.kind {
		case cellNumber:
			code = sqlite3.Xsqlite3_bind_int64(w.tls, s.handle, at, v.number)
		case cellText:
			code = sqlite3.Xsqlite3_bind_text(w.tls, s.handle, at, w.place(v.text), int32(len(v.text)), 0)
		case cellBytes:
			code = sqlite3.Xsqlite3_bind_blob(w.tls, s.handle, at, w.place(v.text), int32(len(v.text)), 0)
		default:
			code = sqlite3.Xsqlite3_bind_null(w.tls, s.handle, at)
		}
		if code != sqlite3.SQLITE_OK {
			return w.check(code)
		}
	}
	return nil
}

// place copies a text to the room and tells its address.
func (w *sqliteWriter) place(text string) uintptr {
	at := w.base + uintptr(w.taken)
	w.taken += copy(w.room[w.taken:], text)
	return at
}

// run runs the statement with values. It calls each, if there is one, for every
// row that comes.
func (s *sqliteStatement) run(values []cell, each func(*sqliteStatement)) error {
	if err := s.bind(values); err != nil {
		return err
	}
	for {
		switch code := sqlite3.Xsqlite3_step(s.w.tls, s.handle); code {
		case sqlite3.SQLITE_ROW:
			if each != nil {
				each(s)
			}
		case sqlite3.SQLITE_DONE:
			return s.w.check(sqlite3.Xsqlite3_reset(s.w.tls, s.handle))
		default:
			err := s.w.check(code)
			sqlite3.Xsqlite3_reset(s.w.tls, s.handle) // gives the same error again
			return err
		}
	}
}

// number is a column of the present row; 0 if it is null.
func (s *sqliteStatement) number(column int32) int64 {
	return sqlite3.Xsqlite3_column_int64(s.w.tls, s.handle, column)
}

// text is a column of the present row, its text or its bytes; empty if it is null.
func (s *sqliteStatement) text(column int32) string {
	return string(s.view(column))
}

// view is a column's text or bytes where SQLite has them: until the next row.
func (s *sqliteStatement) view(column int32) []byte {
	p := sqlite3.Xsqlite3_column_blob(s.w.tls, s.handle, column)
	n := sqlite3.Xsqlite3_column_bytes(s.w.tls, s.handle, column)
	if p == 0 || n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(outside(p)), int(n))
}

// nodes reads node by node.
func (w *sqliteWriter) nodes(ids []int64, each func(int64, Kind, string)) error {
	find, err := w.statement(`SELECT kind, thing, name, digest FROM node WHERE id = ?`)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := find.run([]cell{number(id)}, func(row *sqliteStatement) {
			each(id, Kind(row.number(0)), row.text(1)+row.text(2)+row.text(3))
		}); err != nil {
			return err
		}
	}
	return nil
}

func (w *sqliteWriter) version(record int64) (node int64, err error) {
	find, err := w.statement(`SELECT node FROM artifact WHERE record = ?`)
	if err != nil {
		return 0, err
	}
	err = find.run([]cell{number(record)}, func(row *sqliteStatement) { node = row.number(0) })
	return node, err
}

// manyRows are written by one statement, if there are as many: the database finds
// the place for a row from that of the one before.
const manyRows = 16

// insert writes some rows at a time.
func (w *sqliteWriter) insert(b *bulk) error {
	rest := b.cells
	for _, rows := range []int{manyRows, 1} {
		n := rows * b.width
		if len(rest) < n || rows > 1 && b.alone {
			continue
		}
		insert, err := w.inserting(b, rows)
		if err != nil {
			return err
		}
		for ; len(rest) >= n; rest = rest[n:] {
			if err := insert.run(rest[:n], nil); err != nil {
				return fmt.Errorf("couldn't write to the table %s of the index: %w", b.table, err)
			}
		}
	}
	return nil
}

// inserting is the statement that writes so many rows.
func (w *sqliteWriter) inserting(b *bulk, rows int) (*sqliteStatement, error) {
	key := insertKey{b, rows}
	if s, ok := w.inserts[key]; ok {
		return s, nil
	}
	values := strings.TrimSuffix(strings.Repeat(inList(b.width)+",", rows), ",")
	s, err := w.statement("INSERT INTO " + b.table + " (" + strings.Join(b.columns, ", ") + ") VALUES " + values)
	if err == nil {
		w.inserts[key] = s
	}
	return s, err
}

// insertKey is what such a statement is for.
type insertKey struct {
	bulk *bulk
	rows int
}

func (w *sqliteWriter) close() error {
	for _, s := range w.prepared {
		sqlite3.Xsqlite3_finalize(w.tls, s.handle) // its error is of the last step, and was told then
	}
	var err error
	if w.db != 0 {
		err = w.check(sqlite3.Xsqlite3_close_v2(w.tls, w.db))
	}
	libc.Xfree(w.tls, w.base)
	w.tls.Close()
	return err
}
