package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Error codes of PostgreSQL (appendix A of its documentation).
const (
	pgNoSuchSchema    = "3F000"
	pgNoSuchTable     = "42P01"
	pgNoSuchColumn    = "42703"
	pgNoSuchDatabase  = "3D000"
	pgNotAllowed      = "42501"
	pgCanceled        = "57014"
	pgLockTimeout     = "55P03"
	pgWrongPassword   = "28P01"
	pgRefused         = "28000"
	pgTooManyConns    = "53300"
	pgClassDamaged    = "XX" // internal errors: corrupted data and indexes
	pgClassConnection = "08"
	pgClassResources  = "53"
	pgClassOperator   = "57" // shut down, crashed, starting up
)

// explain says in a sentence what went wrong with the server, and what to do. Errors that mean that the index can't be
// used now match ErrUnavailable; errors that mean that it has to be built again match ErrDamaged.
func (s *Store) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, index.ErrUnavailable), errors.Is(err, index.ErrDamaged):
		return err
	}
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		if why := lost(err); why != "" {
			return fmt.Errorf("%w: PostgreSQL at %s doesn't answer: %s", index.ErrUnavailable, s.place, why)
		}
		return err
	}
	switch server.Code {
	case pgNoSuchSchema, pgNoSuchTable, pgNoSuchColumn:
		return fmt.Errorf("%w: PostgreSQL at %s: in the schema %s, %s",
			index.ErrDamaged, s.place, s.schema, server.Message)
	case pgNoSuchDatabase:
		return fmt.Errorf("%w: PostgreSQL at %s: %s; create it, or name another one in the index's URL",
			index.ErrUnavailable, s.place, server.Message)
	case pgWrongPassword, pgRefused:
		return fmt.Errorf("%w: PostgreSQL at %s refuses the user %q: %s; check the name and the password in the index's URL",
			index.ErrUnavailable, s.place, s.user, server.Message)
	case pgNotAllowed:
		return fmt.Errorf("%w: PostgreSQL at %s: %s; "+
			"the user %q needs a schema of its own: CREATE SCHEMA %s AUTHORIZATION %q",
			index.ErrUnavailable, s.place, server.Message, s.user, s.schema, s.user)
	case pgCanceled, pgLockTimeout:
		return fmt.Errorf("%w: a query took longer than PostgreSQL at %s allows (%s)",
			index.ErrUnavailable, s.place, server.Message)
	}
	switch server.Code[:min(2, len(server.Code))] {
	case pgClassDamaged:
		return fmt.Errorf("%w: PostgreSQL at %s: %s", index.ErrDamaged, s.place, server.Message)
	case pgClassConnection, pgClassResources, pgClassOperator:
		return fmt.Errorf("%w: PostgreSQL at %s: %s", index.ErrUnavailable, s.place, server.Message)
	}
	return err
}

// lost says in one line why there is no connection. It is empty if something else is wrong, or if the caller gave up.
func lost(err error) string {
	if errors.Is(err, context.Canceled) {
		return ""
	}
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &network) && network.Timeout():
		return "it took too long"
	case errors.As(err, &connect):
		return innermost(connect)
	case errors.As(err, &network):
		return innermost(network)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, pgconn.ErrConnClosed):
		return "the connection was lost"
	}
	return ""
}

// innermost is the first cause of an error. The errors around it repeat how to connect, perhaps with secrets.
func innermost(err error) string {
	for {
		var next error
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			next = e.Unwrap()
		case interface{ Unwrap() []error }:
			if all := e.Unwrap(); len(all) > 0 {
				next = all[len(all)-1]
			}
		}
		if next == nil {
			return strings.Join(strings.Fields(err.Error()), " ")
		}
		err = next
	}
}
