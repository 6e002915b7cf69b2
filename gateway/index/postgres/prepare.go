package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Prepare implements [index.Store]. It works under a lock of the server, so that gateways that start together do it
// one after the other.
func (s *Store) Prepare(ctx context.Context) (rebuilt string, err error) {
	if err := s.connect(ctx); err != nil {
		return "", err
	}
	tx, err := s.conn.Begin(ctx)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			if undone := tx.Rollback(context.WithoutCancel(ctx)); undone != nil {
				err = errors.Join(err, hangUp(s.conn))
			}
		}
	}()
	if err := s.lockSchema(ctx, tx); err != nil {
		return "", err
	}
	rebuilt, sound, err := s.inspect(ctx, tx)
	if err != nil {
		return "", err
	}
	if !sound {
		if err := create(ctx, tx); err != nil {
			return "", err
		}
	}
	return rebuilt, tx.Commit(ctx)
}

// lockSchema takes the lock of those who make tables, for one transaction. Its id is one more than that of the lock
// that the leader holds.
func (s *Store) lockSchema(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, int32(lockClass), s.lockID()+1)
	return err
}

// inspect says whether the tables exist and are sound, and if not, why those that exist have to go. Tables of somebody
// else are an error.
func (s *Store) inspect(ctx context.Context, tx pgx.Tx) (why string, sound bool, err error) {
	var exists, marked bool
	err = tx.QueryRow(ctx, `SELECT to_regnamespace($1) IS NOT NULL, to_regclass($2) IS NOT NULL`,
		s.schema, s.schema+".about").Scan(&exists, &marked)
	if err != nil {
		return "", false, err
	}
	if !exists {
		_, err := tx.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+s.schema)
		return "", false, err
	}
	rows, err := tx.Query(ctx, `SELECT relname::text FROM pg_class
		WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT starts_with(relname, $2)`,
		s.schema, Neighbour)
	if err != nil {
		return "", false, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) == 0 {
		return "", false, err
	}
	there := map[string]bool{}
	for _, name := range names {
		there[name] = true
	}
	foreign := fmt.Errorf("the schema %s of PostgreSQL at %s has tables that are no index of Pedigree; "+
		"give the index another schema, with ?search_path=NAME in its URL", s.schema, s.place)
	if !marked {
		return "", false, foreign
	}
	var application, version int
	var damaged *string
	err = tx.QueryRow(ctx, `SELECT application, version, damaged FROM about`).Scan(&application, &version, &damaged)
	if err != nil {
		return "", false, errors.Join(foreign, err)
	}
	switch {
	case application != index.ApplicationID:
		return "", false, foreign
	case version > projection.Version:
		return "", false, fmt.Errorf("the index in the schema %s of PostgreSQL at %s was written by a newer version "+
			"(schema %d, this version reads schema %d): update this gateway too, or give it another schema",
			s.schema, s.place, version, projection.Version)
	case version < projection.Version:
		return fmt.Sprintf("the index was written by another version: "+
			"the schema %s of PostgreSQL has schema %d, this version reads schema %d",
			s.schema, version, projection.Version), false, nil
	case damaged != nil:
		return fmt.Sprintf("the index in the schema %s of PostgreSQL was found damaged: %s", s.schema, *damaged), false,
			nil
	}
	for _, name := range tableNames() {
		if !there[name] {
			return fmt.Sprintf("the index in the schema %s of PostgreSQL has lost its table %s", s.schema, name), false,
				nil
		}
	}
	return "", true, nil
}

// create makes all tables anew.
func create(ctx context.Context, tx pgx.Tx) error {
	var statements []string
	for _, name := range tableNames() {
		statements = append(statements, `DROP TABLE IF EXISTS `+name)
	}
	statements = append(statements, schema...)
	for _, s := range statements {
		if _, err := tx.Exec(ctx, s); err != nil {
			return fmt.Errorf("couldn't create the index's tables: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO about (application, version, epoch)
		VALUES ($1, $2, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint)`,
		index.ApplicationID, projection.Version)
	return err
}

// Clear implements [index.Writer]. It makes all tables anew, whoever else uses them.
func (s *Store) Clear(ctx context.Context) error {
	if err := s.connect(ctx); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		if err := s.lockSchema(ctx, tx); err != nil {
			return err
		}
		return create(ctx, tx)
	})
}

// Diagnose implements [index.Store]. The mark of damaged tables is in the table about.
func (s *Store) Diagnose(err error) error {
	if err = s.explain(err); !errors.Is(err, index.ErrDamaged) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	conn, problem := pgx.ConnectConfig(ctx, s.config)
	if problem == nil {
		_, problem = conn.Exec(ctx, `UPDATE about SET damaged = $1 WHERE damaged IS NULL`, err.Error())
		problem = errors.Join(problem, hangUp(conn))
	}
	var refused *pgconn.PgError
	if problem == nil {
		return err
	}
	if errors.As(problem, &refused) && (refused.Code == pgNoSuchTable || refused.Code == pgNoSuchSchema) {
		return err // a missing table is found at the next start anyway
	}
	return errors.Join(err, fmt.Errorf("couldn't mark the damaged index: %w", s.explain(problem)))
}
