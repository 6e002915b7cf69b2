package network

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A processID identifies one run of a program. A pid alone isn't enough: the kernel reuses it, and only our own
// processes may ever be killed.
type processID struct {
	PID int `json:"pid"`
	// Started says when the process began, in the system's own format. It can only be compared for equality.
	Started string `json:"started"`
}

// identify returns the identity of a running process.
func identify(pid int) (processID, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err == nil {
		return identifyFromStat(pid, string(stat))
	}
	if _, noProc := os.Stat("/proc/self/stat"); noProc == nil {
		return processID{}, fmt.Errorf("process %d isn't running", pid)
	}
	// On a system without /proc, ps gives the same information.
	out, err := exec.Command("ps", "-o", "stat=,lstart=", "-p", strconv.Itoa(pid)).Output()
	state, started, ok := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || !ok || strings.HasPrefix(state, "Z") {
		return processID{}, fmt.Errorf("process %d isn't running", pid)
	}
	return processID{pid, strings.TrimSpace(started)}, nil
}

// identifyFromStat reads the start time (field 22, in ticks since boot) from a line of /proc/<pid>/stat. It adds the
// boot's id, because ticks repeat after a reboot. A zombie counts as not running.
func identifyFromStat(pid int, stat string) (processID, error) {
	_, rest, ok := strings.Cut(stat, ") ") // the command name before it may contain anything
	if i := strings.LastIndex(stat, ") "); ok {
		rest = stat[i+2:]
	}
	fields := strings.Fields(rest)
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return processID{}, fmt.Errorf("process %d isn't running", pid)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		boot = []byte("boot")
	}
	return processID{pid, strings.TrimSpace(string(boot)) + "/" + fields[19]}, nil
}

// running reports whether this very process is still running.
func (p processID) running() bool {
	now, err := identify(p.PID)
	return p.PID > 0 && err == nil && now == p
}

// signal sends a signal to this very process. It is not an error if the process has ended.
func (p processID) signal(sig syscall.Signal) error {
	if !p.running() {
		return nil
	}
	if err := kill(p.PID, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("couldn't signal process %d: %w", p.PID, err)
	}
	return nil
}

// awaitEnd waits until the process has ended, for at most the given time. It reports whether the process has ended.
func (p processID) awaitEnd(patience time.Duration) bool {
	deadline := time.Now().Add(patience)
	for p.running() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

// end asks the process to stop. If it hasn't stopped within the given time, end kills it.
func (p processID) end(patience time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if p.awaitEnd(patience) {
		return nil
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	if !p.awaitEnd(patience) {
		return fmt.Errorf("process %d doesn't die", p.PID)
	}
	return nil
}
