package sqlite

import (
	"errors"
	"fmt"
	"os"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// markSuffix is the ending of the file that marks a damaged index.
const markSuffix = ".damaged"

// isDamage says whether SQLite's error means that the file is broken.
func isDamage(err error) bool {
	var call *callError
	return sqlitefile.IsDamage(err) || errors.As(err, &call) && sqlitefile.IsDamageCode(int(call.Code))
}

// Diagnose implements [index.Store]. A file beside the index marks it as damaged.
func (s *Store) Diagnose(err error) error {
	if !isDamage(err) {
		return err
	}
	if markErr := os.WriteFile(s.path+markSuffix, []byte(err.Error()+"\n"), 0o600); markErr != nil {
		return errors.Join(err, fmt.Errorf("couldn't mark the damaged index: %w", markErr))
	}
	return fmt.Errorf("%w: %w", index.ErrDamaged, err)
}

// setAside renames a broken file. The last one is kept, for those who want to know what broke it, or who gave the path
// of another file by mistake.
func setAside(path string) error {
	if err := os.Rename(path, path+".broken"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("couldn't set the damaged index aside: %w", err)
	}
	if err := os.Remove(path + markSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("couldn't remove the mark of a damaged index: %w", err)
	}
	return remove(path)
}

// marked says whether the file was found damaged when it was last used.
func marked(path string) bool {
	_, err := os.Stat(path + markSuffix)
	return err == nil
}
