package audit

import (
	"errors"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
)

// coded gives an error of an audit its exit code.
func coded(err error) error {
	if wrong := new(audit.InvalidError); errors.As(err, &wrong) {
		return exit.With(exit.Usage, err)
	}
	if away := new(audit.UnreachableError); errors.As(err, &away) {
		return exit.With(exit.Unreachable, err)
	}
	return err
}
