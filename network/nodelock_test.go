package network

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network/charter"
)

// Each part may run under a process of its own, as services of a system do.
func TestPartsRunUnderProcessesOfTheirOwn(t *testing.T) {
	dirs, file := founders(t, 2, 1, 1)
	d := folder(dirs[0])
	assert.NotContains(t, down(t, d), "stopped")

	chaincode := startPart(t, d, file, "chaincode")
	gateway := startPart(t, d, file, "gateway")
	status, err := ReadStatus(t.Context(), string(d))
	require.NoError(t, err)
	assert.Equal(t, StateReady, status.State, status.Reason)
	var names []string
	for _, p := range status.Processes {
		assert.True(t, p.Running, p.Name)
		names = append(names, p.Name)
	}
	assert.Len(t, names, 2)
	assert.Contains(t, names, "harbor-gateway")

	_, err = StartNode(within(t, time.Minute), NodeOptions{Dir: dirs[0], Parts: []string{"orderer", "gateway"}})
	require.ErrorContains(t, err, "the gateway of the organisation")
	_, err = StartNode(within(t, time.Minute), NodeOptions{Dir: dirs[0]})
	require.ErrorContains(t, err, "is already up")

	// A supervisor that is killed leaves its part, which the next one ends. That of the other part goes on.
	require.NoError(t, chaincode.Process.Kill())
	require.Error(t, chaincode.Wait())
	startPart(t, d, nil, "chaincode")
	running, err := readStateFile(d.partsState([]string{"gateway"}))
	require.NoError(t, err)
	require.Len(t, running.Processes, 1)
	assert.True(t, running.Processes[0].Running)

	assert.Contains(t, down(t, d), "chaincode, gateway")
	assert.NoError(t, gateway.Wait(), "it ends in order")
	left, err := filepath.Glob(d.path("run", "state*.json"))
	require.NoError(t, err)
	assert.Empty(t, left)
	org, err := d.readOrganisation()
	require.NoError(t, err)
	assert.True(t, org.Org.Registered)
}

func TestTwoPartsRecordAtTheSameTime(t *testing.T) {
	dirs, _ := founders(t, 2)
	d := folder(dirs[0])
	org, err := d.readOrganisation()
	require.NoError(t, err)
	n := &Network{dir: d}
	orderer, gateway := &Node{network: n, org: org}, &Node{network: n, org: org}
	require.NoError(t, orderer.record(t.Context(), func(o *organisation) { o.Joined = []string{"orderer1"} }))
	require.NoError(t, gateway.record(t.Context(), func(o *organisation) { o.Org.Registered = true }))
	assert.Equal(t, []string{"orderer1"}, gateway.org.Joined)
	require.NoError(t, orderer.record(t.Context(), func(o *organisation) { o.Joined = append(o.Joined, "orderer2") }))
	assert.True(t, orderer.org.Org.Registered)
}

// startPart runs a part of an organisation as a process, and returns when it is ready.
func startPart(t *testing.T, d folder, file *charter.File, part string) *exec.Cmd {
	t.Helper()
	args := []string{"node", "start", string(d), part}
	if file != nil {
		text, err := file.Text()
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "charter.json")
		require.NoError(t, os.WriteFile(path, text, 0o600))
		args = append(args, "--charter", path)
	}
	c := exec.Command(os.Args[0], args...)
	said, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_, _ = d.endLeftovers(part)
	})
	var all strings.Builder
	for lines := bufio.NewScanner(said); lines.Scan(); {
		all.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "ready: "+part) {
			return c
		}
	}
	t.Fatalf("the %s doesn't start: %s", part, &all)
	return nil
}

func down(t *testing.T, d folder) string {
	t.Helper()
	said, err := d.down(within(t, time.Minute))
	require.NoError(t, err)
	return said
}
