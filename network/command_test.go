package network

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pedigree runs a command of this package in a process of its own.
func pedigree(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(within(t, 4*time.Minute), os.Args[0], args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func statusOf(t *testing.T, dir string) NetworkStatus {
	t.Helper()
	out, stderr, err := pedigree(t, "status", "--json", "--dir", dir)
	require.NoError(t, err, stderr)
	var status NetworkStatus
	require.NoError(t, json.Unmarshal([]byte(out), &status), out)
	return status
}

func requireGone(t *testing.T, processes []ProcessStatus) {
	t.Helper()
	for _, p := range processes {
		require.Truef(t, p.awaitEnd(10*time.Second), "%s (%d) is still there", p.Name, p.PID)
	}
}

// connect opens connections to a network that another process runs.
func connect(t *testing.T, dir string) *Network {
	t.Helper()
	d, err := openFolder(dir)
	require.NoError(t, err)
	p, err := readPlan(d)
	require.NoError(t, err)
	n := &Network{dir: d, plan: p}
	for _, org := range p.Orgs {
		c, err := d.connectPeer(org, p.Channel)
		require.NoError(t, err)
		t.Cleanup(c.close)
		n.clients = append(n.clients, c)
	}
	return n
}

func TestADetachedNetworkSurvivesEveryDeath(t *testing.T) {
	beside := sharedNetwork(t) // two networks at once
	dir := filepath.Join(t.TempDir(), "net")
	t.Cleanup(func() { pedigree(t, "down", "--dir", dir) })
	base, err := newPortPicker().run(4)
	require.NoError(t, err)

	// An interrupted attempt has left something; a new one starts over.
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "harbor", "ca"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "making"), nil, 0o644))

	up := []string{"up", "--detach", "--dir", dir, "--base-port", strconv.Itoa(base)}
	out, stderr, err := pedigree(t, up...)
	require.NoError(t, err, stderr)
	require.Contains(t, out, "http://127.0.0.1:"+strconv.Itoa(base+3))
	require.Contains(t, stderr, "ready: every organisation endorses")
	first := statusOf(t, dir)
	require.Equal(t, StateReady, first.State)
	require.True(t, first.Detached)
	ctx := within(t, 4*time.Minute)
	require.NoError(t, connect(t, dir).write(ctx, 0, "note", "kept"))

	_, stderr, err = pedigree(t, "up", "--dir", dir)
	require.Error(t, err)
	require.Contains(t, stderr, "is already up or on its way (process "+strconv.Itoa(first.Supervisor)+")")

	// Only the supervisor dies. Its processes are leftovers, which the next supervisor replaces.
	require.NoError(t, kill(first.Supervisor, syscall.SIGKILL))
	require.True(t, eventuallyIs(t, dir, StateLeftover))
	_, stderr, err = pedigree(t, "up", "--detach", "--dir", dir) // on the remembered ports
	require.NoError(t, err, stderr)
	require.Regexp(t, `ended what a killed supervisor left running: .*\borderer1\b`, stderr)
	requireGone(t, first.Processes)
	second := statusOf(t, dir)
	require.Equal(t, base, second.BasePort)
	require.NoError(t, awaitNote(ctx, connect(t, dir), 1, "note", "kept"))

	// Everything dies at once.
	require.NoError(t, kill(second.Supervisor, syscall.SIGKILL))
	for _, p := range second.Processes {
		require.NoError(t, kill(p.PID, syscall.SIGKILL))
	}
	requireGone(t, second.Processes)
	require.True(t, eventuallyIs(t, dir, StateStopped))
	_, stderr, err = pedigree(t, "up", "--detach", "--dir", dir)
	require.NoError(t, err, stderr)
	n := connect(t, dir)
	require.NoError(t, awaitNote(ctx, n, 2, "note", "kept"))
	require.NoError(t, n.write(ctx, 2, "note", "and written again"))
	require.NoError(t, awaitNote(ctx, n, 0, "note", "and written again"))

	third := statusOf(t, dir)
	_, stderr, err = pedigree(t, "down", "--dir", dir)
	require.NoError(t, err, stderr)
	require.Contains(t, stderr, "stopped the network in "+dir)
	requireGone(t, third.Processes)
	require.Equal(t, StateStopped, statusOf(t, dir).State)
	require.NoError(t, beside.AwaitReady(ctx), "the other network must not notice")

	_, stderr, err = pedigree(t, "down", "--dir", dir)
	require.NoError(t, err)
	require.Contains(t, stderr, "nothing runs in "+dir)

	_, stderr, err = pedigree(t, "reset", "--dir", dir)
	require.Error(t, err)
	require.Contains(t, stderr, "say --yes")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "demo", "folder"), 0o700), "as the demo leaves it")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine.txt"), nil, 0o644))
	_, stderr, err = pedigree(t, "reset", "--yes", "--dir", dir)
	require.NoError(t, err, stderr)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "what isn't the network's stays")
}

func eventuallyIs(t *testing.T, dir, state string) bool {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if statusOf(t, dir).State == state {
			return true
		}
		<-time.After(100 * time.Millisecond) // each question is a process
	}
	return false
}

func TestCommandsInAFolderWithoutANetwork(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nothing")
	for _, test := range []struct {
		args   []string
		fails  bool
		stdout string
		stderr string
	}{
		{[]string{"status", "--dir", dir}, false, dir + ": absent", ""},
		{[]string{"down", "--dir", dir}, false, "", "nothing runs in " + dir + ": there is no network"},
		{[]string{"reset", "--yes", "--dir", dir}, true, "", "there is no network in " + dir},
		{[]string{"up", "--base-port", "65535", "--dir", dir}, true, "", "base port 65535 leaves no room for 3 gateways"},
		{[]string{"up", "now"}, true, "", "unknown command"},
	} {
		t.Run(test.args[0], func(t *testing.T) {
			if test.args[0] == "up" && testing.Short() {
				t.Skip("needs a built Fabric, which -short leaves out")
			}
			stdout, stderr, err := pedigree(t, test.args...)
			require.Equal(t, test.fails, err != nil, stderr)
			require.Contains(t, stdout, test.stdout)
			require.Contains(t, stderr, test.stderr)
		})
	}
}
