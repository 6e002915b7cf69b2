package postgres

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5/stdlib"
)

// Neighbour begins the names of tables that live in the schema of an index and are not the index's. They hold what
// can't be made of blocks. The index leaves them alone when it is built again.
const Neighbour = "kept_"

// Neighbours is the database of an index, for those who keep tables of their own beside it.
type Neighbours struct {
	*sql.DB
	store *Store
}

// OpenNeighbours opens the database that the URL of an index names, without connecting. The error is a *URLError.
func OpenNeighbours(url string) (*Neighbours, error) {
	s, err := New(url)
	if err != nil {
		return nil, err
	}
	if err := s.readers.Close(); err != nil {
		return nil, err
	}
	config := s.config.Copy()
	config.RuntimeParams["synchronous_commit"] = "on" // the index may lose its last blocks in a crash; this can't
	if _, ok := config.RuntimeParams["statement_timeout"]; !ok {
		config.RuntimeParams["statement_timeout"] = "5000"
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(4)
	pool.SetMaxIdleConns(2)
	return &Neighbours{pool, s}, nil
}

// Explain says in a sentence what went wrong with the server, as the index does.
func (n *Neighbours) Explain(err error) error { return n.store.explain(err) }

// Make runs statements that make tables where there are none, while no other gateway does. It makes the schema, too.
func (n *Neighbours) Make(ctx context.Context, statements []string) error {
	tx, err := n.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // once it is committed, this does nothing
	// The same lock as that of those who make the tables of the index, who make the schema, too.
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, int32(lockClass), n.store.lockID()+1); err != nil {
		return err
	}
	var exists bool
	err = tx.QueryRowContext(ctx, `SELECT to_regnamespace($1) IS NOT NULL`, n.store.schema).Scan(&exists)
	if err == nil && !exists {
		_, err = tx.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+n.store.schema)
	}
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}
