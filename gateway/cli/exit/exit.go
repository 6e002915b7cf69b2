// Package exit says how the program ends: the exit codes, the same for every verb of every package, and the errors that
// ask for one.
package exit

import (
	"errors"
	"fmt"
)

// The exit codes.
const (
	Done        = 0
	Refused     = 1
	Usage       = 2
	Unreachable = 3
)

// Table is the exit codes for people. It ends the help of every verb.
const Table = `Exit codes:
  0  done; what was checked is in order
  1  refused, not found or not verified: the same command will fail again
  2  a mistake in the command line or in a file; nothing was sent
  3  no gateway or peer could be reached, or it was too busy; try again
`

// Error is an error that asks for an exit code.
type Error struct {
	Err  error
	Code int
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// ExitCode is what Code asks for.
func (e *Error) ExitCode() int { return e.Code }

// With adds an exit code to an error. Without an error it is nil.
func With(code int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{err, code}
}

// Refusedf is an error of the code Refused.
func Refusedf(format string, args ...any) error { return With(Refused, fmt.Errorf(format, args...)) }

// Usagef is an error of the code Usage.
func Usagef(format string, args ...any) error { return With(Usage, fmt.Errorf(format, args...)) }

// Unreachablef is an error of the code Unreachable.
func Unreachablef(format string, args ...any) error {
	return With(Unreachable, fmt.Errorf(format, args...))
}

// Code is the exit code that an error asks for by a method ExitCode, and Refused if it asks for none.
func Code(err error) int {
	if err == nil {
		return Done
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return Refused
}
