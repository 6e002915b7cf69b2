package runs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pedigree-ledger/pedigree/gateway/filelock"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// database is the file of runs; see package sqlitefile for what a write promises.
type database struct {
	lock *os.File
	file *sqlitefile.File
}

func openDatabase(folder string) (*database, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make the folder of runs: %w", err)
	}
	d := new(database)
	var err error
	d.lock, err = filelock.Take(filepath.Join(folder, "runs.lock"))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("the runs in %s are used by another process; stop that one first", folder)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't take the lock of runs: %w", err)
	}
	d.file, err = sqlitefile.Open(sqlitefile.Config{
		Path: filepath.Join(folder, "runs.db"), Prepare: prepareSchema, Failed: stored,
	})
	if err != nil {
		_ = d.lock.Close()
		return nil, fmt.Errorf("couldn't open the runs in %s: %w", folder, err)
	}
	return d, nil
}

// close lets what was asked for be written, and closes the file.
func (d *database) close() {
	d.file.Close()
	_ = d.lock.Close()
}

// change makes a write and waits until it is durable, together with what others write at the time. Errors that the
// function itself gives come back as they are, and those of the storage match ErrStorage.
func (d *database) change(do func(*sqlitefile.Tx) error) error { return <-d.file.Submit(do) }

// stored marks an error as one of the storage.
func stored(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrStorage, err)
}

// nextTurn counts the runs that have ended.
func nextTurn(tx *sqlitefile.Tx) (turn int64, err error) {
	if err := tx.QueryRow("UPDATE meta SET value = value + 1 WHERE name = 'turn' RETURNING value").Scan(&turn); err != nil {
		return 0, stored(err)
	}
	return turn, nil
}
