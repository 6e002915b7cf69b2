// Package drivers compares two ways to call SQLite: database/sql, which this program uses, and zombiezen.com/go/sqlite,
// which calls the same engine without it. It is a module of its own, so that the program doesn't depend on both.
package drivers

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// The table and the sizes are those of the index's runs of keys and of what a capture keeps.
const (
	schema = "CREATE TABLE run (kind INTEGER, first BLOB, last BLOB, keys BLOB, PRIMARY KEY (kind, first)) WITHOUT ROWID, STRICT"
	insert = "INSERT INTO run VALUES (?, ?, ?, ?)"
	lookup = "SELECT keys FROM run WHERE kind = ? AND first <= ? ORDER BY first DESC LIMIT 1"
	rows   = 200    // of a transaction
	stored = 20_000 // when it is read
)

func key(n int) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return sum[:]
}

// database is one way to call SQLite.
type database interface {
	// write inserts rows in one durable transaction.
	write(from, to int, body []byte) error
	// read gives the length of the row at or before a key.
	read(key []byte) (int, error)
	close() error
}

func ways(b *testing.B) map[string]func(path string) database {
	return map[string]func(string) database{
		"database-sql": func(path string) database { return openStandard(b, path) },
		"zombiezen":    func(path string) database { return openDirect(b, path) },
	}
}

func BenchmarkWrite(b *testing.B) {
	for size, body := range map[string][]byte{"small": make([]byte, 100), "large": make([]byte, 20_000)} {
		for name, open := range ways(b) {
			b.Run(size+"/"+name, func(b *testing.B) {
				db := open(filepath.Join(b.TempDir(), "t.db"))
				defer db.close()
				b.ReportAllocs()
				n := 0
				for b.Loop() {
					if err := db.write(n, n+rows, body); err != nil {
						b.Fatal(err)
					}
					n += rows
				}
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for size, body := range map[string][]byte{"small": make([]byte, 100), "large": make([]byte, 4_000)} {
		for name, open := range ways(b) {
			b.Run(size+"/"+name, func(b *testing.B) {
				db := open(filepath.Join(b.TempDir(), "t.db"))
				defer db.close()
				for n := 0; n < stored; n += rows {
					if err := db.write(n, n+rows, body); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportAllocs()
				b.ResetTimer()
				n := 0
				for b.Loop() {
					n++
					if got, err := db.read(key(n * 7919 % stored)); err != nil || got != len(body) {
						b.Fatal(got, err)
					}
				}
			})
		}
	}
}

// standard calls SQLite as package sqlitefile does: one connection, and statements that are kept.
type standard struct {
	db             *sql.DB
	conn           *sql.Conn
	insert, lookup *sql.Stmt
	begin, commit  *sql.Stmt
}

func openStandard(b *testing.B, path string) *standard {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	must(b, err)
	conn, err := db.Conn(context.Background())
	must(b, err)
	s := &standard{db: db, conn: conn}
	_, err = conn.ExecContext(context.Background(), schema)
	must(b, err)
	for text, statement := range map[string]**sql.Stmt{
		insert: &s.insert, lookup: &s.lookup, "BEGIN IMMEDIATE": &s.begin, "COMMIT": &s.commit,
	} {
		*statement, err = conn.PrepareContext(context.Background(), text)
		must(b, err)
	}
	return s
}

func (s *standard) write(from, to int, body []byte) error {
	if _, err := s.begin.Exec(); err != nil {
		return err
	}
	for n := from; n < to; n++ {
		if _, err := s.insert.Exec(1, key(n), key(n), body); err != nil {
			return err
		}
	}
	_, err := s.commit.Exec()
	return err
}

func (s *standard) read(key []byte) (int, error) {
	var body sql.RawBytes
	rows, err := s.lookup.Query(1, key)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	if rows.Next() {
		if err := rows.Scan(&body); err != nil {
			return 0, err
		}
	}
	return len(body), rows.Err()
}

func (s *standard) close() error { return s.db.Close() }

// direct calls SQLite through zombiezen, with the same pragmas.
type direct struct{ conn *sqlite.Conn }

func openDirect(b *testing.B, path string) *direct {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate, sqlite.OpenWAL)
	must(b, err)
	must(b, sqlitex.ExecuteTransient(conn, "PRAGMA synchronous=FULL", nil))
	must(b, sqlitex.ExecuteTransient(conn, schema, nil))
	return &direct{conn}
}

func (d *direct) write(from, to int, body []byte) error {
	if err := sqlitex.Execute(d.conn, "BEGIN IMMEDIATE", nil); err != nil {
		return err
	}
	statement, err := d.conn.Prepare(insert)
	if err != nil {
		return err
	}
	for n := from; n < to; n++ {
		statement.BindInt64(1, 1)
		statement.BindBytes(2, key(n))
		statement.BindBytes(3, key(n))
		statement.BindBytes(4, body)
		if _, err := statement.Step(); err != nil {
			return err
		}
		if err := statement.Reset(); err != nil {
			return err
		}
	}
	return sqlitex.Execute(d.conn, "COMMIT", nil)
}

func (d *direct) read(key []byte) (int, error) {
	statement, err := d.conn.Prepare(lookup)
	if err != nil {
		return 0, err
	}
	defer statement.Reset()
	statement.BindInt64(1, 1)
	statement.BindBytes(2, key)
	if found, err := statement.Step(); err != nil || !found {
		return 0, err
	}
	body := make([]byte, statement.ColumnLen(0))
	return statement.ColumnBytes(0, body), nil
}

func (d *direct) close() error { return d.conn.Close() }

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
