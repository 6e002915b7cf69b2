// Package filelock keeps two processes from using one folder or file. A lock is the kernel's, on a file of its own: it
// goes when the file is closed or the process ends, however it ends, so nobody has to clean up after a crash.
package filelock

import (
	"errors"
	"fmt"
	"os"
)

// ErrHeld says that another process has the lock, or another part of this one.
var ErrHeld = errors.New("locked by another process")

// Take takes the lock of path and returns at once. It makes the file if there is none, and never removes it: somebody
// else may be about to take its lock. To close the file is to give the lock back. The error is ErrHeld if somebody has
// the lock.
func Take(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err = lock(file); err == nil {
		return file, nil
	}
	_ = file.Close()
	if errors.Is(err, ErrHeld) {
		return nil, err
	}
	return nil, fmt.Errorf("couldn't lock %s: %w", path, err)
}
