package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	build "github.com/pedigree-ledger/pedigree/test/program"
)

// TestTheRulesAreUpgraded starts a network with a program that has one more version of the rules than the program that
// made it. Documents are captured while the new definition is approved and committed.
func TestTheRulesAreUpgraded(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, "network")
	newer, err := build.Build("..", filepath.Join(home, "newer"), "-tags=trialrules")
	require.NoError(t, err)
	tell := func(program string, args ...string) (string, error) {
		out, err := exec.Command(program, args...).CombinedOutput()
		return string(out), err
	}
	must := func(program string, args ...string) string {
		t.Helper()
		out, err := tell(program, args...)
		require.NoError(t, err, out)
		return out
	}
	write := func(name, program string, args ...string) string {
		t.Helper()
		out, err := exec.Command(program, args...).Output()
		require.NoError(t, err)
		file := filepath.Join(home, name)
		require.NoError(t, os.WriteFile(file, out, 0o600))
		return file
	}
	base := strconv.Itoa(build.FreePorts())
	defer func() { _, err := tell(newer, "down", "--dir", dir); assert.NoError(t, err) }()

	must(program, "up", "--detach", "--dir", dir, "--base-port", base)
	s := &sender{t: t, dir: dir, acknowledged: map[string]string{}}
	s.send(5)
	s.count()
	id := firstRecord(t, dir)
	trust := write("consortium.json", program, "trust", "export", "--dir", dir)
	kept := write("old.proof", program, "proof", "--dir", dir, "--as", "lab", id)
	must(program, "down", "--dir", dir)

	var sending sync.WaitGroup
	stop := make(chan struct{})
	sending.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.send(1)
				pause(20 * time.Millisecond) // a gateway that is down refuses at once
			}
		}
	})
	said, err := tell(newer, "up", "--detach", "--dir", dir)
	close(stop)
	sending.Wait()
	require.NoError(t, err, said)
	assert.Contains(t, said, "rules 3 are in force, with definition 2")
	during := len(s.acknowledged)
	assert.Greater(t, during, 15, "some were sent during the upgrade")
	s.send(5)
	s.count()

	for _, org := range []string{"harbor", "market", "lab"} {
		assert.Contains(t, must(newer, "audit", "--dir", dir, "--as", org, "--trust", trust), "Nothing is wrong.")
	}
	must(program, "verify", "--trust", trust, kept)
	must(newer, "verify", "--trust", trust, kept)
	must(newer, "verify", "--trust", trust, write("new.proof", newer, "proof", "--dir", dir, "--as", "lab", id))
	said, err = tell(program, "audit", "--dir", dir, "--as", "lab", "--trust", trust)
	require.Error(t, err)
	assert.Contains(t, said, "use a newer program")

	must(newer, "down", "--dir", dir)
	said, err = tell(program, "up", "--detach", "--dir", dir)
	require.Error(t, err)
	assert.Contains(t, said, "these are rules 3, and this program has none after 2: use a newer program")
	said = must(newer, "up", "--detach", "--dir", dir)
	assert.NotContains(t, said, "upgrading")
	s.send(5)
	s.count()
}

// firstRecord returns the id of some record of an event.
func firstRecord(t *testing.T, dir string) string {
	t.Helper()
	var page struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	get(t, in(t, dir, "lab", "auditor"), "/v1/records", map[string][]string{"noun": {"event"}, "pageSize": {"1"}}, &page)
	require.Len(t, page.Items, 1)
	return page.Items[0].ID
}
