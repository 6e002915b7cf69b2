package index

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The table about has one row: which version of the program made the tables, a
// number that changes whenever they are made anew (epoch), and why they have to be, if
// somebody found them damaged.
//
// All columns of all tables are bigint or bytea. Texts are bytea: they come from
// records and certificates, where PostgreSQL's text would refuse some characters,
// and are compared byte by byte.

// prepare makes sure that there are tables of this version, and tells why it threw
// away those that were there. It is done under a lock of the server's, so that
// gateways that start together do it one after the other.
func (p *postgres) prepare(ctx context.Context) (rebuilt string, err error) {
	if err := p.connect(ctx); err != nil {
		return "", err
	}
	tx, err := p.conn.Begin(ctx)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			if undone := tx.Rollback(context.WithoutCancel(ctx)); undone != nil {
				err = errors.Join(err, hangUp(p.conn))
			}
		}
	}()
	// One more than the schema's own, which is held by the one that leads.
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, int32(lockClass), p.lockID()+1); err != nil {
		return "", err
	}
	rebuilt, sound, err := p.inspect(ctx, tx)
	if err != nil {
		return "", err
	}
	if !sound {
		if err := p.create(ctx, tx); err != nil {
			return "", err
		}
	}
	return rebuilt, tx.Commit(ctx)
}

// inspect tells whether the tables are there and sound, and if not, why those that
// are there have to go. Tables of somebody else are an error.
func (p *postgres) inspect(ctx context.Context, tx pgx.Tx) (why string, sound bool, err error) {
	var exists, marked bool
	if err := tx.QueryRow(ctx, `SELECT to_regnamespace($1) IS NOT NULL, to_regclass($2) IS NOT NULL`, p.schema, p.schema+".about").Scan(&exists, &marked); err != nil {
		return "", false, err
	}
	if !exists {
		_, err := tx.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+p.schema)
		return "", false, err
	}
	there := map[string]bool{}
	rows, err := tx.Query(ctx, `SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p', 'v', 'm', 'f')`, p.schema)
	if err != nil {
		return "", false, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) == 0 {
		return "", false, err
	}
	for _, name := range names {
		there[name] = true
	}
	foreign := fmt.Errorf("the schema %s of PostgreSQL at %s has tables that are no index of Pedigree; give the index another schema, with ?search_path=NAME in its URL", p.schema, p.place)
	if !marked {
		return "", false, foreign
	}
	var application, version int
	var damaged *string
	if err := tx.QueryRow(ctx, `SELECT application, version, damaged FROM about`).Scan(&application, &version, &damaged); err != nil {
		return "", false, errors.Join(foreign, err)
	}
	switch {
	case application != applicationID:
		return "", false, foreign
	case version > schemaVersion:
		return "", false, fmt.Errorf("the index in the schema %s of PostgreSQL at %s was written by a newer version (schema %d, this version reads schema %d): update this gateway too, or give it another schema", p.schema, p.place, version, schemaVersion)
	case version < schemaVersion:
		return fmt.Sprintf("%v: the schema %s of PostgreSQL has schema %d, this version reads schema %d", errOutdated, p.schema, version, schemaVersion), false, nil
	case damaged != nil:
		return fmt.Sprintf("the index in the schema %s of PostgreSQL was found damaged: %s", p.schema, *damaged), false, nil
	}
	for _, name := range postgresNames() {
		if !there[name] {
			return fmt.Sprintf("the index in the schema %s of PostgreSQL has lost its table %s", p.schema, name), false, nil
		}
	}
	return "", true, nil
}

// postgresNames are the names of all tables.
func postgresNames() []string {
	names := slices.Clone(postgresOnly)
	for _, t := range allTables {
		names = append(names, t.name)
	}
	return names
}

// create makes all tables anew.
func (p *postgres) create(ctx context.Context, tx pgx.Tx) error {
	var statements []string
	for _, name := range postgresNames() {
		statements = append(statements, `DROP TABLE IF EXISTS `+name)
	}
	statements = append(statements, postgresSchema...)
	for _, s := range statements {
		if _, err := tx.Exec(ctx, s); err != nil {
			return fmt.Errorf("couldn't create the index's tables: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO about (application, version, epoch) VALUES ($1, $2, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint)`, applicationID, schemaVersion)
	return err
}

// clear makes all tables anew, whoever else uses them.
func (p *postgres) clear(ctx context.Context) error {
	if err := p.connect(ctx); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, int32(lockClass), p.lockID()+1); err != nil {
			return err
		}
		return p.create(ctx, tx)
	})
}

// suspect notes that the tables are damaged, if the error says so, for whoever
// opens the index next.
func (p *postgres) suspect(err error) error {
	if err = p.explain(err); !errors.Is(err, ErrDamaged) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	conn, problem := pgx.ConnectConfig(ctx, p.config)
	if problem == nil {
		_, problem = conn.Exec(ctx, `UPDATE about SET damaged = $1 WHERE damaged IS NULL`, err.Error())
		problem = errors.Join(problem, hangUp(conn))
	}
	var told *pgconn.PgError
	if problem == nil || errors.As(problem, &told) && (told.Code == pgNoSuchTable || told.Code == pgNoSuchSchema) {
		return err // without the table it will be found out anyway
	}
	return errors.Join(err, fmt.Errorf("couldn't mark the damaged index: %w", p.explain(problem)))
}
