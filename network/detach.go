package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// detachedVariable tells a supervisor that it runs in the background. Its value is the file descriptor of the folder's
// lock. The command passes the lock to the supervisor open, so that no other process can take it in between.
const detachedVariable = "PEDIGREE_DETACHED"

const lockDescriptor = 3

// inheritedLock returns the lock that a detached supervisor inherits. It returns nil in any other process.
func inheritedLock() (lock *os.File, detached bool, err error) {
	if os.Getenv(detachedVariable) != strconv.Itoa(lockDescriptor) {
		return nil, false, nil
	}
	syscall.CloseOnExec(lockDescriptor)
	lock = os.NewFile(lockDescriptor, "lock")
	if err := signLock(lock); err != nil {
		return nil, false, fmt.Errorf("couldn't take over the folder's lock: %w", err)
	}
	return lock, true, nil
}

// startDetached starts a network under a supervisor in a session of its own, and returns when the network is ready. The
// supervisor writes to log/up.log. Until it is ready, its output also goes to o.Out.
func startDetached(ctx context.Context, o Options, out io.Writer) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := supported(); err != nil {
		return err
	}
	d, err := openFolder(o.Dir)
	if err != nil {
		return err
	}
	n := &Network{dir: d, options: o, say: newReporter(o.Out)}
	if n.lock, err = d.take(); err != nil {
		return err
	}
	defer n.lock.Close()
	if err := n.prepare(ctx); err != nil {
		return err
	}
	log, err := openLog(d.log("up"))
	if err != nil {
		return err
	}
	defer log.Close()
	start, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("couldn't read the supervisor's log: %w", err)
	}
	cmd := exec.Command(d.program(), "up", "--dir", string(d), "--base-port", strconv.Itoa(n.plan.BasePort))
	cmd.Env = append(os.Environ(), detachedVariable+"="+strconv.Itoa(lockDescriptor))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{n.lock}
	cmd.SysProcAttr = ownSession()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("couldn't start the supervisor: %w", err)
	}
	if err := n.follow(ctx, cmd, start); err != nil {
		return err
	}
	summarise(out, d, n.plan)
	fmt.Fprintf(out, "  pedigree down%s\n", dirFlag(d))
	return nil
}

// follow copies the supervisor's log to the reporter until the network is ready or the supervisor has ended.
func (n *Network) follow(ctx context.Context, supervisor *exec.Cmd, offset int64) error {
	ended := make(chan error, 1)
	go func() { ended <- supervisor.Wait() }()
	log, err := os.Open(n.dir.log("up"))
	if err != nil {
		return fmt.Errorf("couldn't read the supervisor's log: %w", err)
	}
	defer log.Close()
	if _, err := log.Seek(offset, io.SeekStart); err != nil {
		return fmt.Errorf("couldn't read the supervisor's log: %w", err)
	}
	repeat := func() {
		if text, err := io.ReadAll(log); err == nil && len(text) > 0 {
			n.say.text("%s", text)
		}
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			repeat()
			return errors.New("the network didn't start: the line above says why")
		case <-ctx.Done():
			supervisor.Process.Signal(syscall.SIGTERM)
			<-ended
			repeat()
			return errors.New("interrupted before the network was ready; everything it started is stopped")
		case <-tick.C:
		}
		repeat()
		if s, err := readState(n.dir); err == nil && s.State == StateReady &&
			s.Supervisor.PID == supervisor.Process.Pid {
			repeat()
			return nil
		}
	}
}
