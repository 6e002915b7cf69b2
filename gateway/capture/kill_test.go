package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// These tests kill a process that works on a queue, again and again, and look at what is left. The ledger lives in the
// test's own process, which the other one reaches through a socket.

const (
	childFolder = "CAPTURE_TEST_FOLDER"
	childSocket = "CAPTURE_TEST_SOCKET"
	childDrain  = "CAPTURE_TEST_DRAIN"
)

func TestMain(m *testing.M) {
	if os.Getenv(childFolder) != "" {
		if err := childMain(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// The messages between the two processes; net/rpc asks for exported names.
type (
	WireCall struct {
		Function, Key, Subject, TxID string
		Attempt                      int
		Args                         [][]byte
		Transient                    map[string][]byte
		IDs                          []record.ID
	}
	WireAnswer struct {
		TxID     string
		Failure  *WireFailure
		Commit   *ledger.Commit
		Recorded map[record.ID]Recording
	}
	WireFailure struct {
		Phase    ledger.Phase
		Kind     ledger.Kind
		TxID     string
		Message  string
		Problems []record.Problem
	}
	WireJob struct {
		ID    string
		Items []int
	}
	WireResults struct {
		Job     Job
		Results []Result
	}
)

func toWire(err error) *WireFailure {
	var e *ledger.Error
	if !errors.As(err, &e) {
		return nil
	}
	w := &WireFailure{Phase: e.Phase, Kind: e.Kind, TxID: e.TransactionID, Message: e.Message}
	var r *record.Rejection
	if errors.As(err, &r) {
		w.Problems = r.Problems
	}
	return w
}

func (w *WireFailure) err() error {
	if w == nil {
		return nil
	}
	e := &ledger.Error{Phase: w.Phase, Kind: w.Kind, TransactionID: w.TxID, Message: w.Message}
	if w.Problems != nil {
		e.Err = record.Reject(w.Problems)
	}
	return e
}

// World is the test's side: the ledger, the clients' memory of what was acknowledged, and death.
type World struct {
	ledger *fakeLedger

	mu     sync.Mutex
	next   int // job to be sent
	acked  map[string][]int
	report map[string]WireResults
	kill   func()
	fatal  string // the step at which the process dies, if not empty
	after  int    // so many of these steps are survived
}

// deadly kills the process if this is the step and the time.
func (w *World) deadly(step string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fatal != step {
		return
	}
	if w.after--; w.after < 0 {
		w.kill()
	}
}

func (w *World) Propose(c WireCall, a *WireAnswer) error {
	p, err := w.ledger.Propose(&ledger.Identity{MSPID: "HarborMSP", Subject: c.Subject},
		ledger.Call{Function: c.Function, Args: c.Args, Transient: c.Transient}, c.Key, c.Attempt)
	if err != nil {
		return err
	}
	a.TxID = p.TransactionID
	return nil
}

func (w *World) Endorse(c WireCall, a *WireAnswer) error {
	_, err := w.ledger.Endorse(context.Background(), &ledger.Proposal{TransactionID: c.TxID})
	a.Failure = toWire(err)
	w.deadly("endorsed")
	return nil
}

func (w *World) Send(c WireCall, a *WireAnswer) error {
	w.deadly("sending")
	a.Failure = toWire(w.ledger.Send(context.Background(), &ledger.Envelope{TransactionID: c.TxID}))
	w.deadly("sent")
	if commit, err := w.ledger.Lookup(context.Background(), nil, c.TxID); err == nil {
		a.Commit = &commit
	}
	return nil
}

func (w *World) Lookup(c WireCall, a *WireAnswer) error {
	commit, err := w.ledger.Lookup(context.Background(), nil, c.TxID)
	a.Failure, a.Commit = toWire(err), &commit
	w.deadly("looked up")
	return nil
}

func (w *World) Recorded(c WireCall, a *WireAnswer) (err error) {
	w.deadly("looking for duplicates")
	a.Recorded, err = w.ledger.Recorded(context.Background(), "HarborMSP", c.IDs)
	return err
}

// Next gives the child the next job to send. Every third of its records is one that another job has too.
func (w *World) Next(_ struct{}, j *WireJob) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := range 1 + rand.IntN(12) {
		item := w.next*100 + n
		if n%3 == 2 {
			item = rand.IntN(50)
		}
		j.Items = append(j.Items, item)
	}
	w.next++
	return nil
}

func (w *World) Acked(j WireJob, _ *struct{}) error {
	w.mu.Lock()
	w.acked[j.ID] = j.Items
	w.mu.Unlock()
	w.deadly("acknowledged")
	return nil
}

func (w *World) List(_ struct{}, ids *[]string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.acked {
		*ids = append(*ids, id)
	}
	return nil
}

func (w *World) Report(r WireResults, _ *struct{}) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report[r.Job.ID] = r
	return nil
}

// remote is the ledger and the index as the child sees them.
type remote struct {
	client  *rpc.Client
	commits *ledger.Commits
	fake    *fakeLedger // for its TransactionID only
}

func (r *remote) call(method string, c WireCall) (a WireAnswer, err error) {
	if err := r.client.Call("World."+method, c, &a); err != nil {
		return a, &ledger.Error{Kind: ledger.NoPeer, Message: err.Error()}
	}
	return a, a.Failure.err()
}

func (r *remote) TransactionID(id *ledger.Identity, key string, attempt int) string {
	return r.fake.TransactionID(id, key, attempt)
}

func (r *remote) Propose(id *ledger.Identity, call ledger.Call, key string, attempt int) (*ledger.Proposal, error) {
	a, err := r.call("Propose", WireCall{Function: call.Function, Args: call.Args, Transient: call.Transient, Key: key,
		Attempt: attempt, Subject: id.Subject})
	return &ledger.Proposal{TransactionID: a.TxID}, err
}

func (r *remote) Endorse(ctx context.Context, p *ledger.Proposal) (*ledger.Envelope, error) {
	_, err := r.call("Endorse", WireCall{TxID: p.TransactionID})
	return &ledger.Envelope{TransactionID: p.TransactionID}, err
}

func (r *remote) Send(ctx context.Context, e *ledger.Envelope) error {
	a, err := r.call("Send", WireCall{TxID: e.TransactionID})
	if err == nil && a.Commit != nil {
		r.commits.Resolve(&ledger.Block{Number: a.Commit.Block,
			Transactions: []ledger.Transaction{{ID: e.TransactionID, Code: a.Commit.Code}}})
	}
	return err
}

func (r *remote) Lookup(ctx context.Context, id *ledger.Identity, txID string) (ledger.Commit, error) {
	a, err := r.call("Lookup", WireCall{TxID: txID})
	if err != nil {
		return ledger.Commit{}, err
	}
	return *a.Commit, nil
}

func (r *remote) Recorded(ctx context.Context, mspID string, ids []record.ID) (map[record.ID]Recording, error) {
	a, err := r.call("Recorded", WireCall{IDs: ids})
	return a.Recorded, err
}

func (r *remote) Handed(ctx context.Context, block uint64) error { return nil }
func (r *remote) Commits() *ledger.Commits                       { return r.commits }

// theatre runs children against one world.
type theatre struct {
	*testing.T
	world  *World
	folder string
	socket string
}

func newTheatre(t *testing.T) *theatre {
	w := &World{ledger: newFakeLedger(), acked: make(map[string][]int), report: make(map[string]WireResults)}
	w.ledger.reject = refuses(100, 201, 33)
	folder := t.TempDir()
	socket := filepath.Join(folder, "s")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	server := rpc.NewServer()
	require.NoError(t, server.Register(w))
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go server.ServeConn(conn)
		}
	}()
	return &theatre{T: t, world: w, folder: filepath.Join(folder, "queue"), socket: socket}
}

func (th *theatre) child(wrap ...string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(th, err)
	args := append(wrap, self, "-test.run=^$")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childFolder+"="+th.folder, childSocket+"="+th.socket)
	return cmd
}

// act lets a child work until it dies at a step, or after a while.
func (th *theatre) act(step string, survive int, atMost time.Duration) {
	cmd := th.child()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	th.world.mu.Lock()
	th.world.fatal, th.world.after, th.world.kill = step, survive, func() { _ = cmd.Process.Kill() }
	require.NoError(th, cmd.Start())
	th.world.mu.Unlock()
	timer := time.AfterFunc(atMost, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	require.ErrorContains(th, err, "killed", "the process ended by itself: %s", stderr.String())
}

// finale drains the queue and audits everything that was ever acknowledged.
func (th *theatre) finale() {
	cmd := th.child()
	cmd.Env = append(cmd.Env, childDrain+"=1")
	th.world.mu.Lock()
	th.world.fatal = ""
	th.world.mu.Unlock()
	th.world.ledger.mu.Lock()
	th.world.ledger.send = nil
	th.world.ledger.mu.Unlock()
	output, err := cmd.CombinedOutput()
	require.NoError(th, err, string(output))

	w := th.world
	require.Empty(th, w.ledger.wrong)
	for id, list := range w.ledger.recorded {
		require.Len(th, list, 1, "record %s is on the ledger more than once", id)
	}
	require.NotEmpty(th, w.acked)
	require.Len(th, w.report, len(w.acked))
	count := map[State]int{}
	for id, sent := range w.acked {
		r := w.report[id]
		require.False(th, r.Job.Running())
		require.Len(th, r.Results, len(sent))
		bad := false
		for _, n := range sent {
			bad = bad || len(w.ledger.reject(body(n))) > 0
		}
		for i, n := range sent {
			result := r.Results[i]
			count[result.State]++
			require.Equal(th, record.Sum(body(n)), result.RecordID)
			switch result.State {
			case Recorded, Duplicate:
				require.Equal(th, []string{result.TransactionID}, w.ledger.recorded[result.RecordID])
			case Rejected:
				require.True(th, bad, "record %d of job %s was refused for no reason: %v", n, id, result.Problems)
			default:
				th.Fatalf("record %d of job %s is %s", n, id, result.State)
			}
		}
	}
	th.Logf("%d jobs acknowledged, %v, %d transactions", len(w.acked), count, len(w.ledger.order))
}

func TestNothingAcknowledgedIsLostOrDoubledByKillsAtEachStep(t *testing.T) {
	th := newTheatre(t)
	for _, step := range []string{"acknowledged", "looking for duplicates", "endorsed", "sending", "sent",
		"looked up"} {
		for survive := range 3 {
			if step == "looked up" {
				th.world.ledger.mu.Lock()
				th.world.ledger.send = func(n int, _ string) trouble {
					return []trouble{none, orderedUnseen, acceptedButDropped, orderedButFailed, notOrderedAndFailed,
						conflict}[n%6]
				}
				th.world.ledger.mu.Unlock()
			}
			th.act(step, survive, 10*time.Second)
		}
	}
	th.finale()
}

func TestNothingAcknowledgedIsLostOrDoubledByKillsAtRandomTimes(t *testing.T) {
	th := newTheatre(t)
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	// A slow machine, or the race detector, may need more time than that before anything is acknowledged.
	for i := 0; i < rounds || i < 100 && !th.acknowledged(); i++ {
		th.act("", 0, 30*time.Millisecond+rand.N(150*time.Millisecond)+time.Duration(i)*10*time.Millisecond)
	}
	th.finale()
}

// acknowledged tells whether anything has been acknowledged yet.
func (th *theatre) acknowledged() bool {
	th.world.mu.Lock()
	defer th.world.mu.Unlock()
	return len(th.world.acked) > 0
}

// The process dies at the first, second, third... call of each kind by which anything reaches the disk.
func TestNothingAcknowledgedIsLostOrDoubledByKillsAtEachDiskWrite(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace isn't installed")
	}
	if out, err := exec.Command(strace, "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %s", out)
	}
	if testing.Short() {
		t.Skip("it takes a while")
	}
	th := newTheatre(t)
	for _, call := range []string{"pwrite64", "fsync,fdatasync", "ftruncate", "openat"} {
		for _, when := range []int{1, 2, 3, 5, 8, 13, 21, 34} {
			if call == "openat" && when < 8 {
				continue // the program's own start
			}
			th.underStrace(strace, call, when)
		}
	}
	th.finale()
}

func (th *theatre) underStrace(strace, call string, when int) {
	cmd := th.child(strace, "-f", "-qq", "-o", os.DevNull, "-e", "trace="+call, "-e",
		fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, when))
	th.world.mu.Lock()
	th.world.fatal, th.world.kill = "", func() {}
	th.world.mu.Unlock()
	out, in, err := os.Pipe()
	require.NoError(th, err)
	cmd.Stderr = in
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(th, cmd.Start())
	_ = in.Close()
	// A call that doesn't come so often is not waited for.
	timer := time.AfterFunc(700*time.Millisecond, func() { _ = killGroup(cmd) })
	text, _ := io.ReadAll(out)
	_ = cmd.Wait()
	timer.Stop()
	require.NotContains(th, strings.ToLower(string(text)), "can't be opened", "at call %d of %s", when, call)
}

// killGroup kills strace and the process that it traces.
func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
