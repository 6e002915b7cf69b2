package network

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

// The delay before a restart starts at firstBackoff and doubles with each death, up to lastBackoff. A process that has
// run for steadyAfter starts at firstBackoff again.
const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 10 * time.Second
	steadyAfter  = 30 * time.Second
	stopPatience = 10 * time.Second
	logCheck     = 30 * time.Second
)

// A supervisor keeps processes running. It records them in the folder's state file, so that the commands find them even
// after the supervisor was killed.
type supervisor struct {
	say    *reporter
	record func([]ProcessStatus) error // writes the state file; called with mu held
	failed func(error)                 // called when a process can't be kept running
	direct bool                        // the processes log to standard error

	mu       sync.Mutex
	children []*child
	mute     bool          // the last failure to record was reported
	stopping chan struct{} // closed when all processes must end
	ended    sync.WaitGroup
}

// A child is a process under supervision. Its fields are guarded by the supervisor's mutex.
type child struct {
	process
	id       processID     // zero while it isn't running
	since    time.Time     // when it was last started
	restarts int           // number of restarts
	lastExit string        // how its last run ended
	worked   bool          // it has worked since then
	held     chan struct{} // not nil while it is kept down; closed to restart it
	exited   chan struct{} // closed when the current run has ended
}

func newSupervisor(say *reporter, record func([]ProcessStatus) error, failed func(error)) *supervisor {
	s := &supervisor{say: say, record: record, failed: failed, stopping: make(chan struct{})}
	go s.trimLogs()
	return s
}

// start runs the process, and runs it again when it dies, until stop.
func (s *supervisor) start(p process) error {
	if s.direct {
		p.log = ""
	}
	c := &child{process: p}
	s.mu.Lock()
	s.children = append(s.children, c)
	s.mu.Unlock()
	cmd, err := s.launch(c)
	if err != nil {
		return fmt.Errorf("couldn't start %s: %w", p.name, plainly(err))
	}
	s.ended.Go(func() { s.keep(c, cmd) })
	return nil
}

var (
	errStopping = errors.New("the network is stopping")
	errHeld     = errors.New("kept down")
)

// launch starts one run of the child and records it.
func (s *supervisor) launch(c *child) (*exec.Cmd, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stopping:
		return nil, errStopping
	default:
	}
	if c.held != nil {
		return nil, errHeld
	}
	cmd, log, err := c.command()
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c.id, err = identify(cmd.Process.Pid)
	if err != nil { // it has already died; Wait returns why
		c.id = processID{PID: cmd.Process.Pid}
	}
	c.since, c.exited, c.worked = time.Now(), make(chan struct{}), false
	s.recordLocked()
	return cmd, nil
}

// keep waits until the child ends and starts it again, until the supervisor stops.
func (s *supervisor) keep(c *child, cmd *exec.Cmd) {
	backoff := firstBackoff
	for {
		err := cmd.Wait()
		expected, ran := s.sawExit(c, cmd, err)
		if ran >= steadyAfter {
			backoff = firstBackoff
		}
		if !expected {
			s.say.line("%s died (%s): starting it again", c.name, c.lastExit)
		}
		for {
			if !s.pause(c, backoff) {
				return
			}
			backoff = min(2*backoff, lastBackoff)
			if cmd, err = s.launch(c); err == nil {
				break
			}
			if errors.Is(err, errStopping) {
				return
			}
			if errors.Is(err, errHeld) {
				continue
			}
			s.say.line("couldn't start %s: %v", c.name, plainly(err))
			s.failed(fmt.Errorf("couldn't start %s: %w", c.name, plainly(err)))
		}
		s.mu.Lock()
		c.restarts++
		restarts, words := c.restarts, c.lastExit
		s.mu.Unlock()
		if restarts >= 3 {
			s.failed(fmt.Errorf("%s keeps dying (%s); %s", c.name, words, c.said()))
		}
	}
}

// said tells what the child has logged last.
func (c *child) said() string {
	if c.log == "" {
		return "what it logged is above"
	}
	return fmt.Sprintf("the end of %s says: %s", c.log, lastWords(c.log))
}

// sawExit records the end of a run. It returns whether the supervisor caused it, and how long the run took.
func (s *supervisor) sawExit(c *child, cmd *exec.Cmd, err error) (expected bool, ran time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.id, c.lastExit = processID{}, cmd.ProcessState.String()
	close(c.exited)
	select {
	case <-s.stopping:
		expected = true
	default:
		expected = c.held != nil
	}
	s.recordLocked()
	return expected, time.Since(c.since)
}

// pause waits before a restart, and as long as the child is held. It returns false when the supervisor stops.
func (s *supervisor) pause(c *child, backoff time.Duration) bool {
	s.mu.Lock()
	held := c.held
	s.mu.Unlock()
	var wait <-chan time.Time
	if held == nil {
		timer := time.NewTimer(backoff)
		defer timer.Stop()
		wait = timer.C
	}
	select {
	case <-s.stopping:
		return false
	case <-held: // nil, and so never ready, unless the child is held
		return true
	case <-wait:
		return true
	}
}

func (s *supervisor) find(name string) (*child, error) {
	for _, c := range s.children {
		if c.name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("the network has no process called %q", name)
}

// kill sends SIGKILL to a child and returns when its run has ended. The supervisor then starts the child again.
func (s *supervisor) kill(name string) error {
	s.mu.Lock()
	c, err := s.find(name)
	if err != nil || c.id.PID == 0 {
		s.mu.Unlock()
		return wrap(err, "couldn't kill it")
	}
	id, exited := c.id, c.exited
	s.mu.Unlock()
	if err := id.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-exited
	return nil
}

// hold ends a child with a signal and keeps it down until release.
func (s *supervisor) hold(name string, sig syscall.Signal) error {
	s.mu.Lock()
	c, err := s.find(name)
	if err != nil || c.held != nil {
		s.mu.Unlock()
		return wrap(err, "couldn't stop it")
	}
	c.held = make(chan struct{})
	id, exited := c.id, c.exited
	s.mu.Unlock()
	if id.PID == 0 {
		return nil // it is between two runs; the next one starts after release
	}
	if err := id.signal(sig); err != nil {
		return err
	}
	select {
	case <-exited:
	case <-time.After(stopPatience):
		if err := id.signal(syscall.SIGKILL); err != nil {
			return err
		}
		<-exited
	}
	return nil
}

// release lets a held child start again.
func (s *supervisor) release(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.find(name)
	if err == nil && c.held != nil {
		close(c.held)
		c.held = nil
	}
	return wrap(err, "couldn't start it")
}

// retire ends a child that isn't needed any more, and forgets it.
func (s *supervisor) retire(name string) error {
	if err := s.hold(name, syscall.SIGTERM); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.children = slices.DeleteFunc(s.children, func(c *child) bool { return c.name == name })
	s.recordLocked()
	return nil
}

// stopOrder stops each role before the roles that it calls.
var stopOrder = []string{"gateway", "chaincode", "peer", "orderer"}

// stop ends every process and returns when none is left. It kills processes that don't end within stopPatience. It
// kills all of them at once when hurry is closed.
func (s *supervisor) stop(hurry <-chan struct{}) {
	s.mu.Lock()
	select {
	case <-s.stopping:
	default:
		close(s.stopping)
	}
	s.mu.Unlock()
	for _, role := range stopOrder {
		s.stopRole(role, hurry)
	}
	s.ended.Wait()
}

func (s *supervisor) stopRole(role string, hurry <-chan struct{}) {
	s.mu.Lock()
	var ids []processID
	var exits []chan struct{}
	for _, c := range s.children {
		if c.role == role && c.id.PID != 0 {
			ids, exits = append(ids, c.id), append(exits, c.exited)
		}
	}
	s.mu.Unlock()
	for _, id := range ids {
		id.signal(syscall.SIGTERM)
	}
	patience := time.NewTimer(stopPatience)
	defer patience.Stop()
	for i, exited := range exits {
		select {
		case <-exited:
			continue
		case <-hurry:
		case <-patience.C:
			patience.Reset(0) // the other processes have had the same time
		}
		ids[i].signal(syscall.SIGKILL)
		<-exited
	}
}

// recordLocked writes the state file. It reports the first of several failures. The caller holds mu.
func (s *supervisor) recordLocked() {
	err := s.record(s.statusLocked())
	if err != nil && !s.mute {
		s.say.line("couldn't record what is running: %v", plainly(err))
	}
	s.mute = err != nil
}

// statusLocked describes every child; the caller holds mu.
func (s *supervisor) statusLocked() []ProcessStatus {
	all := make([]ProcessStatus, len(s.children))
	for i, c := range s.children {
		all[i] = ProcessStatus{Name: c.name, Role: c.role, Org: c.org, Endpoint: c.endpoint, Log: c.log,
			processID: c.id, Restarts: c.restarts, LastExit: c.lastExit}
		if !c.since.IsZero() {
			all[i].Since = c.since.UTC()
		}
	}
	return all
}

func (s *supervisor) trimLogs() {
	tick := time.NewTicker(logCheck)
	defer tick.Stop()
	for {
		select {
		case <-s.stopping:
			return
		case <-tick.C:
		}
		s.mu.Lock()
		var logs []string
		for _, c := range s.children {
			if c.log != "" {
				logs = append(logs, c.log)
			}
		}
		s.mu.Unlock()
		for _, log := range logs {
			if err := trimLog(log); err != nil {
				s.say.line("couldn't move the log %s aside: %v", log, plainly(err))
			}
		}
	}
}
