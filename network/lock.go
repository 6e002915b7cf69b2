package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// errLocked says that another process holds a lock.
var errLocked = errors.New("locked by another process")

// lockFile takes the lock of path, making the file if need be, or returns errLocked at once. The lock is the kernel's:
// it goes when the file is closed or the process dies, however it dies.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errLocked
	}
	return nil, fmt.Errorf("couldn't lock %s: %w", path, err)
}

// waitForLock takes the lock of path, however long that takes, and returns what gives it back. It calls waiting once
// if somebody else holds it.
func waitForLock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for told := false; ; told = true {
		file, err := lockFile(path)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, errLocked) {
			return nil, plainly(err)
		}
		if !told {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// take makes the folder if need be, and locks it for this process to run its network.
func (d folder) take() (*os.File, error) {
	if err := d.checkOurs(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return nil, fmt.Errorf("couldn't make folder %s: %w", d, plainly(err))
	}
	lock, err := lockFile(d.lockFile())
	if errors.Is(err, errLocked) {
		by := ""
		if id := d.holder(); id.running() {
			by = fmt.Sprintf(" (process %d)", id.PID)
		}
		return nil, fmt.Errorf("the network in %s is already up or on its way%s: see `pedigree status`, stop it with `pedigree down`, or choose another folder with --dir", d, by)
	}
	if err == nil {
		err = signLock(lock)
	}
	return lock, wrap(plainly(err), "couldn't lock folder %s", d)
}

// signLock writes into a lock who holds it.
func signLock(lock *os.File) error {
	self, err := identify(os.Getpid())
	if err != nil {
		return err
	}
	text, err := json.Marshal(self)
	if err != nil {
		return err
	}
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err = lock.WriteAt(append(text, '\n'), 0)
	return err
}

// holder returns the process that last took the folder's lock: it may be gone.
func (d folder) holder() processID {
	var id processID
	if text, err := os.ReadFile(d.lockFile()); err == nil {
		if json.Unmarshal(text, &id) != nil {
			return processID{}
		}
	}
	return id
}
