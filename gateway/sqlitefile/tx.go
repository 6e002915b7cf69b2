package sqlitefile

import (
	"context"
	"database/sql"
)

// Tx is the transaction of the writer. Its statements are kept from one transaction to the next, because preparing them
// costs as much as running them. So the texts of queries must be few: values belong into arguments.
//
// With kept statements, database/sql costs no more than a package that calls the engine directly: test/load/README.md
// has the comparison.
type Tx struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

func (tx *Tx) statement(query string) (*sql.Stmt, error) {
	if s, ok := tx.statements[query]; ok {
		return s, nil
	}
	s, err := tx.conn.PrepareContext(context.Background(), query)
	if err == nil {
		tx.statements[query] = s
	}
	return s, err
}

// Exec changes something.
func (tx *Tx) Exec(query string, args ...any) (sql.Result, error) {
	s, err := tx.statement(query)
	if err != nil {
		return nil, err
	}
	return s.Exec(args...)
}

// Query reads rows.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	s, err := tx.statement(query)
	if err != nil {
		return nil, err
	}
	return s.Query(args...)
}

// QueryRow reads one row.
func (tx *Tx) QueryRow(query string, args ...any) *sql.Row {
	s, err := tx.statement(query)
	if err != nil {
		return tx.conn.QueryRowContext(context.Background(), query, args...) // which says what is wrong
	}
	return s.QueryRow(args...)
}

func (tx *Tx) close() {
	for _, s := range tx.statements {
		_ = s.Close()
	}
	_ = tx.conn.Close()
}
