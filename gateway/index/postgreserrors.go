package index

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrUnavailable says that the database of an index can't be used now: it is
// down, refuses its user, or takes too long. Asking again later is right.
var ErrUnavailable = errors.New("the index can't be used now")

// Conditions of PostgreSQL (appendix A of its documentation).
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
	pgClassDamaged    = "XX" // internal errors: data and indexes that are corrupted
	pgClassConnection = "08"
	pgClassResources  = "53"
	pgClassOperator   = "57" // shut down, crashed, starting up
)

// explain puts what went wrong with the server in a sentence, with what to do.
// Errors that mean that the index can't be used now match ErrUnavailable, those
// that mean that it has to be built again ErrDamaged.
func (p *postgres) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrUnavailable), errors.Is(err, ErrDamaged):
		return err
	}
	var told *pgconn.PgError
	if !errors.As(err, &told) {
		if why := lost(err); why != "" {
			return fmt.Errorf("%w: PostgreSQL at %s doesn't answer: %s", ErrUnavailable, p.place, why)
		}
		return err
	}
	switch told.Code {
	case pgNoSuchSchema, pgNoSuchTable, pgNoSuchColumn:
		return fmt.Errorf("%w: PostgreSQL at %s: in the schema %s, %s", ErrDamaged, p.place, p.schema, told.Message)
	case pgNoSuchDatabase:
		return fmt.Errorf("%w: PostgreSQL at %s: %s; create it, or name another one in the index's URL", ErrUnavailable, p.place, told.Message)
	case pgWrongPassword, pgRefused:
		return fmt.Errorf("%w: PostgreSQL at %s refuses the user %q: %s; check the name and the password in the index's URL", ErrUnavailable, p.place, p.user, told.Message)
	case pgNotAllowed:
		return fmt.Errorf("%w: PostgreSQL at %s: %s; the user %q needs a schema of its own: CREATE SCHEMA %s AUTHORIZATION %q", ErrUnavailable, p.place, told.Message, p.user, p.schema, p.user)
	case pgCanceled, pgLockTimeout:
		return fmt.Errorf("%w: a query took longer than PostgreSQL at %s was told to let it (%s)", ErrUnavailable, p.place, told.Message)
	}
	switch told.Code[:min(2, len(told.Code))] {
	case pgClassDamaged:
		return fmt.Errorf("%w: PostgreSQL at %s: %s", ErrDamaged, p.place, told.Message)
	case pgClassConnection, pgClassResources, pgClassOperator:
		return fmt.Errorf("%w: PostgreSQL at %s: %s", ErrUnavailable, p.place, told.Message)
	}
	return err
}

// lost tells why there is no connection, in one line, or "" if that isn't what
// is wrong. Requests that their callers gave up aren't.
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
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, driver.ErrBadConn), errors.Is(err, pgconn.ErrConnClosed):
		return "the connection was lost"
	}
	return ""
}

// innermost is the last cause of an error, which doesn't repeat how to connect.
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
