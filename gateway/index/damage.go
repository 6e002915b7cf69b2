package index

import (
	"errors"
	"fmt"
	"os"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrDamaged says that the file or the tables are broken. They have been marked, so that the next Open begins new ones.
var ErrDamaged = errors.New("the index is damaged and will be built again from the ledger when it is opened anew")

// markSuffix names the file that marks a damaged index.
const markSuffix = ".damaged"

// damaged knows SQLite's words for a broken file.
func damaged(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return broken(e.Code())
	}
	var own *sqliteError
	return errors.As(err, &own) && broken(int(own.Code))
}

func broken(code int) bool {
	return code&0xff == sqlite3.SQLITE_CORRUPT || code&0xff == sqlite3.SQLITE_NOTADB
}

// suspect marks the file if the error means that it is broken.
func (s *sqliteStore) suspect(err error) error {
	if !damaged(err) {
		return err
	}
	if markErr := os.WriteFile(s.path+markSuffix, []byte(err.Error()+"\n"), 0o600); markErr != nil {
		return errors.Join(err, fmt.Errorf("couldn't mark the damaged index: %w", markErr))
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// setAside takes a broken file out of the way. It is kept, once, for whoever wants to know what broke it, or gave the
// path of something else by mistake.
func setAside(path string) error {
	if err := os.Rename(path, path+".broken"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("couldn't set the damaged index aside: %w", err)
	}
	if err := os.Remove(path + markSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("couldn't remove the mark of a damaged index: %w", err)
	}
	return removeSQLite(path)
}

// marked tells whether the file was found broken when it was last used.
func marked(path string) bool {
	_, err := os.Stat(path + markSuffix)
	return err == nil
}
