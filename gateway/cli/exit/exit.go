// Package exit defines the exit codes of the program and the errors that carry one. The codes mean the same for every
// verb.
package exit

import (
	"errors"
	"fmt"
)

// The exit codes. Table explains them.
const (
	Done        = 0
	Refused     = 1
	Usage       = 2
	Unreachable = 3
)

// Table explains the exit codes. The help of every verb ends with it.
const Table = `Exit codes:
  0  done; what was checked is in order
  1  refused, not found or not verified; the same command will fail again
  2  a mistake in the command line or in a file; nothing was sent
  3  no gateway or peer answered, or it was too busy; try again
`

// Error is an error with an exit code.
type Error struct {
	Err  error
	Code int
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// ExitCode returns the exit code. [Code] calls it.
func (e *Error) ExitCode() int { return e.Code }

// With adds an exit code to an error. It returns nil if err is nil.
func With(code int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{err, code}
}

// Refusedf returns an error with the code Refused.
func Refusedf(format string, args ...any) error { return With(Refused, fmt.Errorf(format, args...)) }

// Usagef returns an error with the code Usage.
func Usagef(format string, args ...any) error { return With(Usage, fmt.Errorf(format, args...)) }

// Unreachablef returns an error with the code Unreachable.
func Unreachablef(format string, args ...any) error {
	return With(Unreachable, fmt.Errorf(format, args...))
}

// Code returns the exit code of an error: that of its method ExitCode, or Refused if it has no such method.
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
