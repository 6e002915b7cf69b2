package audit

import (
	"errors"
	"fmt"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
)

// failure is an error with an exit code.
type failure struct {
	error
	code int
}

func (f failure) ExitCode() int { return f.code }
func (f failure) Unwrap() error { return f.error }

// Exit codes, as those of the other verbs.
const (
	ExitFindings    = 1 // something isn't as it should be
	ExitUsage       = 2 // a mistake in the command or a file
	ExitUnreachable = 3 // what was to be audited can't be reached
)

// coded gives the errors of an audit their exit codes.
func coded(err error) error {
	if wrong := new(audit.InvalidError); errors.As(err, &wrong) {
		return failure{err, ExitUsage}
	}
	if away := new(audit.UnreachableError); errors.As(err, &away) {
		return failure{err, ExitUnreachable}
	}
	return err
}

func unreachable(format string, args ...any) error {
	return failure{fmt.Errorf(format, args...), ExitUnreachable}
}

func usage(format string, args ...any) error {
	return failure{fmt.Errorf(format, args...), ExitUsage}
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprint(n, " ", thing, "s")
}
