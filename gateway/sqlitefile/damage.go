package sqlitefile

import (
	"errors"
	"os"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrDamaged means that a file was found to be broken when it was opened.
var ErrDamaged = errors.New("the file is damaged")

// IsDamage reports whether an error means that a SQLite file is broken.
func IsDamage(err error) bool {
	var driver *sqlite.Error
	if errors.As(err, &driver) {
		return IsDamageCode(driver.Code())
	}
	return errors.Is(err, ErrDamaged)
}

// IsDamageCode reports whether a result code of SQLite means that a file is broken.
func IsDamageCode(code int) bool {
	return code&0xff == sqlite3.SQLITE_CORRUPT || code&0xff == sqlite3.SQLITE_NOTADB
}

// emptied reports whether a file has lost all its bytes. One that was just made has them in its log.
func emptied(path string) bool {
	db, err := os.Stat(path)
	if err != nil || db.Size() > 0 {
		return false
	}
	log, err := os.Stat(path + "-wal")
	return err != nil || log.Size() == 0
}
