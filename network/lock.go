package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/filelock"
)

// waitForLock waits for the lock of path and takes it. It returns the function that releases the lock. If another
// process holds the lock, it calls waiting once.
func waitForLock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for told := false; ; told = true {
		file, err := filelock.Take(path)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, filelock.ErrHeld) {
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

// dyingPatience is how long the lock of a process that was killed may still be held. It goes when the last thread of
// the process ends, and the process no longer counts as running when the first one does.
const dyingPatience = 2 * time.Second

// take creates the folder if necessary and locks it, so that this process can run its network.
func (d folder) take() (*os.File, error) {
	if err := d.checkOurs(); err != nil {
		return nil, err
	}
	return d.lock()
}

// lock locks the folder, whatever is in it.
func (d folder) lock() (*os.File, error) {
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return nil, fmt.Errorf("couldn't make folder %s: %w", d, plainly(err))
	}
	lock, err := filelock.Take(d.lockFile())
	if errors.Is(err, filelock.ErrHeld) && !d.holder().running() {
		ctx, cancel := context.WithTimeout(context.Background(), dyingPatience)
		defer cancel()
		lock, err = awaitLock(ctx, d.lockFile())
	}
	if errors.Is(err, filelock.ErrHeld) {
		return nil, d.isUp(d.holder())
	}
	if err == nil {
		err = signLock(lock)
	}
	if err != nil {
		return nil, wrap(plainly(err), "couldn't lock folder %s", d)
	}
	if err := d.checkParts(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return lock, nil
}

// isUp is the error that the folder's network is up under a process.
func (d folder) isUp(holder processID) error {
	by := ""
	if holder.running() {
		by = fmt.Sprintf(" (process %d)", holder.PID)
	}
	return fmt.Errorf(
		"the network in %s is already up or on its way%s: see `pedigree status%s`, stop it with `pedigree down%s`, or choose another folder",
		d, by, dirFlag(d), dirFlag(d),
	)
}

// signLock writes this process's id into a lock.
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

// holder returns the process that last took the folder's lock. That process may have ended.
func (d folder) holder() processID { return holderOf(d.lockFile()) }

// holderOf returns the process that last took a lock.
func holderOf(path string) processID {
	var id processID
	if text, err := os.ReadFile(path); err == nil {
		if json.Unmarshal(text, &id) != nil {
			return processID{}
		}
	}
	return id
}
