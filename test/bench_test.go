package test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAnInterruptedBenchLeavesNothing interrupts bench while it measures: its
// network's processes and folder are gone when it has ended.
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
