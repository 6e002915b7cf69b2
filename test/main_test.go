// Package test has the tests of the whole product: they run the built program and
// a real network, and use only the REST interfaces and the command line.
//
// Most tests share one network, which TestMain starts. Tests that stop or kill
// processes start their own. The scripts in the folder testdata are sessions at a
// terminal.
package test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	build "github.com/pedigree-ledger/pedigree/test/program"
)

var (
	program string // the program under test
	dir     string // the folder of the network that most tests share
)

func TestMain(m *testing.M) {
	build.Main(func() (int, error) { return run(m) })
}

func run(m *testing.M) (code int, err error) {
	home, err := os.MkdirTemp("", "pedigree-test-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(home)
	if program, err = build.Build("..", filepath.Join(home, "bin")); err != nil {
		return 1, err
	}
	dir = filepath.Join(home, "network")
	if err := build.Command(program, "up", "--detach", "--dir", dir, "--base-port", strconv.Itoa(build.FreePorts())).Run(); err != nil {
		showLogs(dir)
		return 1, fmt.Errorf("couldn't start a network: %w", err)
	}
	defer func() {
		if code != 0 {
			showLogs(dir)
		}
		if stopErr := build.Command(program, "down", "--dir", dir).Run(); stopErr != nil && err == nil {
			code, err = 1, fmt.Errorf("couldn't stop the network: %w", stopErr)
		}
	}()
	return m.Run(), nil
}

// showLogs prints the end of each process's log, because the logs are gone
// after the test.
func showLogs(dir string) {
	logs, _ := filepath.Glob(filepath.Join(dir, "log", "*.log"))
	for _, log := range logs {
		text, err := os.ReadFile(log)
		if err != nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "--- %s\n%s\n", filepath.Base(log), text[max(0, len(text)-3000):])
	}
}

// as returns a client of an organisation's gateway in the shared network.
func as(t *testing.T, org string, role ...string) *client.Client {
	t.Helper()
	return in(t, dir, org, append(role, "submitter")[0])
}

func in(t *testing.T, dir, org, role string) *client.Client {
	t.Helper()
	c, err := client.Local(dir, org, role)
	require.NoError(t, err)
	return c
}

// awaits waits until a condition holds. It allows for a slow machine, and asks less and less often.
func awaits(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	for wait := 20 * time.Millisecond; !condition(); wait = min(wait*5/4, 300*time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "waited in vain: %s", what)
		pause(wait)
	}
}

// pause waits between two checks of a condition.
func pause(d time.Duration) { <-time.After(d) }

// atHeight waits until an organisation's gateway has a block, so that it knows
// what was recorded through another gateway.
func atHeight(t *testing.T, c *client.Client, block uint64) {
	t.Helper()
	require.NoError(t, c.AwaitBlock(t.Context(), block))
}

func get(t *testing.T, c *client.Client, path string, query url.Values, into any) {
	t.Helper()
	require.NoError(t, c.Get(t.Context(), path, query, into), path)
}

func capture(ctx context.Context, c *client.Client, document []byte) (*client.Job, error) {
	job, err := c.Capture(ctx, document, false)
	if err != nil {
		return nil, err
	}
	return c.Await(ctx, job.ID, nil)
}

// refused returns the problem with which a request was refused.
func refused(t *testing.T, err error) *client.Problem {
	t.Helper()
	var p *client.Problem
	require.ErrorAs(t, err, &p)
	return p
}

// rawJSON makes a request body that is sent as it is.
func rawJSON(body string) json.RawMessage { return json.RawMessage(body) }

// TestCommandLine runs the scripts: each reads like a session at a terminal.
func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("PROGRAM", program)
			e.Setenv("BASE_PORT", strconv.Itoa(build.FreePorts()))
			e.Setenv("XDG_CACHE_HOME", cacheHome())
			e.Setenv("HOME", os.Getenv("HOME"))
			return os.Symlink(dir, filepath.Join(e.WorkDir, ".pedigree"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"everywhere": everywhere},
	})
}

// everywhere is a command of the scripts. It waits until all gateways know what was recorded through one of them, and
// sets BLOCK to the newest block that all have.
// Without it, a read waits only for a record that it doesn't find, not for one that changes an answer, such as a
// recall.
func everywhere(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: everywhere")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	var all []*client.Client
	var height uint64 // of who has most: a gateway acknowledges what it recorded when its own answers have it
	for _, org := range members {
		c, err := client.Local(dir, org, "auditor")
		ts.Check(err)
		var status struct{ Height uint64 }
		ts.Check(c.Get(ctx, "/v1/status", nil, &status))
		all, height = append(all, c), max(height, status.Height)
	}
	for _, c := range all {
		ts.Check(c.AwaitBlock(ctx, height-1))
	}
	ts.Setenv("BLOCK", strconv.FormatUint(height-1, 10))
}

func cacheHome() string {
	home, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return home
}

// TestTheProgramIsLookedAt makes sure that no result comes from the cache after the program has changed.
func TestTheProgramIsLookedAt(t *testing.T) { require.NoError(t, build.Look("..")) }
