package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/bench"
	"github.com/pedigree-ledger/pedigree/test/thorough"
)

// TestAnInterruptedBenchLeavesNothing interrupts bench while it measures. When it
// has ended, the processes and the folder of its network are gone.
func TestAnInterruptedBenchLeavesNothing(t *testing.T) {
	home := t.TempDir()
	c := exec.Command(program, "bench", "--singles", "10m")
	c.Env = append(os.Environ(), "TMPDIR="+home)
	says, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	lines := bufio.NewScanner(says)
	for lines.Scan() && !strings.Contains(lines.Text(), "one by one") {
	}
	require.NoError(t, c.Process.Signal(os.Interrupt))
	for lines.Scan() {
	}
	assert.Error(t, c.Wait(), "an interrupted measurement is none")
	left, err := os.ReadDir(home)
	require.NoError(t, err)
	assert.Empty(t, left)
	running, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, process := range running {
		text, err := os.ReadFile(process)
		if err == nil { // it may have ended meanwhile
			assert.NotContains(t, string(text), home)
		}
	}
}

// TestProcessesKilledAtRandomLoseNothing kills gateways, a peer and an orderer
// at random times while all organisations send events. Afterwards, a reader that
// uses no gateway and no index finds every acknowledged event exactly once on the
// ledger.
func TestProcessesKilledAtRandomLoseNothing(t *testing.T) {
	thorough.Only(t, "TestKillsLoseNothing kills gateways, and outages hold orderers and organisations")
	report := runBench[bench.KillReport](t, "--kill", "60s")
	t.Logf("killed %v, longest time without a commit %.1f s", report.Kills, report.LongestGapSeconds)
	assert.NotEmpty(t, report.Kills)
	assert.NotZero(t, report.Counted.Sent)
	assert.Zero(t, report.Counted.Missing+report.Counted.Doubled+report.Counted.Strange)
}

// TestAKilledLeaderIsReplaced kills the leading orderer and keeps it down. The
// others must continue with another leader.
func TestAKilledLeaderIsReplaced(t *testing.T) {
	thorough.Only(t, "outages hold orderers, one of which may lead")
	report := runBench[bench.FailoverReport](t, "--failover", "1")
	require.Len(t, report.Kills, 1)
	kill := report.Kills[0]
	t.Logf("%s was replaced after %.1f s", kill.Orderer, kill.ResumedSeconds)
	assert.Greater(t, kill.Next, kill.View)
	assert.Zero(t, report.Counted.Missing+report.Counted.Doubled+report.Counted.Strange)
}

// bench runs a measurement and reads its report.
func runBench[R any](t *testing.T, args ...string) R {
	t.Helper()
	c := exec.Command(program, append([]string{"bench", "--json"}, args...)...)
	var says bytes.Buffer
	c.Stderr = &says
	out, err := c.Output()
	require.NoError(t, err, "%s%s", out, &says)
	var report R
	require.NoError(t, json.Unmarshal(out, &report))
	return report
}
