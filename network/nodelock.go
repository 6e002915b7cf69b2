package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/filelock"
)

// A process that runs all parts of an organisation holds the folder's lock as long as it runs. One that runs some of
// them, such as a service of the system, holds the locks of those parts, and the folder's lock only while it lays out
// the files that all parts share.

func (d folder) partLock(part string) string { return d.path("run", part+".lock") }

// lockParts takes the locks of some parts, and the folder's lock, which it waits for while the process of another part
// lays out its files.
func (d folder) lockParts(ctx context.Context, say *reporter, parts []string) (whole *os.File, locks []*os.File, err error) {
	if whole, err = d.lockForLaying(ctx, say); err != nil {
		return nil, nil, err
	}
	for _, part := range parts {
		var lock *os.File
		lock, err = filelock.Take(d.partLock(part))
		switch {
		case errors.Is(err, filelock.ErrHeld):
			err = d.partRuns(part)
		case err == nil:
			locks = append(locks, lock)
			err = signLock(lock)
		}
		if err != nil {
			closeAll(append(locks, whole))
			return nil, nil, plainly(err)
		}
	}
	return whole, locks, nil
}

// lockForLaying takes the folder's lock. It waits for a process that lays out files, and not for one that runs all
// parts.
func (d folder) lockForLaying(ctx context.Context, say *reporter) (*os.File, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for told := false; ; {
		lock, err := filelock.Take(d.lockFile())
		if err == nil {
			err = signLock(lock)
		}
		if !errors.Is(err, filelock.ErrHeld) {
			return lock, wrap(plainly(err), "couldn't lock folder %s", d)
		}
		holder := d.holder()
		if run, err := readState(d); err == nil && holder.running() && run.Supervisor == holder {
			return nil, d.isUp(holder)
		}
		if !told && holder.running() {
			say.line("waiting for process %d, which is preparing %s", holder.PID, d)
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// checkParts returns an error if a process of its own runs a part of the folder. The caller holds the folder's lock.
func (d folder) checkParts() error {
	for _, part := range nodeParts {
		if d.partHolder(part).running() {
			return d.partRuns(part)
		}
	}
	return nil
}

func (d folder) partRuns(part string) error {
	return fmt.Errorf("the %s of the organisation in %s is already up or on its way (process %d): "+
		"see `pedigree status%s`, or stop it with `pedigree down%s` or, if it is a service, with systemctl",
		part, d, d.partHolder(part).PID, dirFlag(d), dirFlag(d))
}

// partHolder returns the process that runs a part of the folder, or none.
func (d folder) partHolder(part string) processID {
	if _, err := os.Stat(d.partLock(part)); err != nil {
		return processID{}
	}
	lock, err := filelock.Take(d.partLock(part))
	if err == nil {
		_ = lock.Close()
	}
	if !errors.Is(err, filelock.ErrHeld) {
		return processID{}
	}
	return holderOf(d.partLock(part))
}

// endParts asks the processes that run parts of the folder to stop, and returns the parts that they ran.
func (d folder) endParts(ctx context.Context) ([]string, error) {
	var ended []string
	for _, part := range nodeParts {
		if !d.partHolder(part).running() {
			continue
		}
		lock, err := d.endSupervisor(ctx, d.partLock(part))
		if err != nil {
			return ended, err
		}
		_ = lock.Close()
		ended = append(ended, part)
	}
	return ended, nil
}

// partsState is the state file of a process that runs some parts.
func (d folder) partsState(parts []string) string {
	return d.path("run", "state-"+strings.Join(slices.Sorted(slices.Values(parts)), "-")+".json")
}

func closeAll(files []*os.File) {
	for _, file := range files {
		if file != nil {
			_ = file.Close()
		}
	}
}
