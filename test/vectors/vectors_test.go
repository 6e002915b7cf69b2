// Package vectors tests that the verifier gives the proofs in this folder their expected verdicts. See README.md.
package vectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/verifytest"
	build "github.com/pedigree-ledger/pedigree/test/program"
)

// TestTheCommandJudgesTheVectors checks that the command gives the same verdicts as the package. It runs the command
// with an empty environment, in an empty folder and, if the system can do that, without a network.
func TestTheCommandJudgesTheVectors(t *testing.T) {
	program, err := build.Build("../..", t.TempDir())
	require.NoError(t, err)
	here, err := os.Getwd()
	require.NoError(t, err)
	prefix := alone()
	var entries []map[string]string
	for _, list := range []string{"vectors.txt", filepath.Join("answers", "answers.txt"),
		filepath.Join("checkpoints", "checkpoints.txt"), filepath.Join("statements", "statements.txt")} {
		entries = append(entries, verifytest.Entries(t, list)...)
	}
	require.Greater(t, len(entries), 80)
	for _, v := range entries {
		if answer := v["answer"]; answer != "" { // one that several organisations signed
			v["proof"], v["trust"] = filepath.Join("answers", answer), filepath.Join("answers", v["trust"])
		}
		if statement := v["statement"]; statement != "" {
			v["proof"], v["trust"] = filepath.Join("statements", statement), filepath.Join("statements", v["trust"])
		}
		files := []string{v["proof"]}
		if v["notes"] != "" { // checkpoints, which are compared
			files = strings.Fields(v["notes"])
			for i, name := range files {
				files[i] = filepath.Join("checkpoints", name)
			}
			v["trust"] = filepath.Join("checkpoints", v["trust"])
		}
		t.Run(strings.Join(files, " "), func(t *testing.T) {
			t.Parallel()
			args := append(append([]string{}, prefix...), program, "verify", "--json", "--trust", filepath.Join(here, v["trust"]))
			for _, name := range files {
				args = append(args, filepath.Join(here, name))
			}
			for _, member := range []string{"record", "level", "trace", "question", "agree", "block", "since"} {
				if v[member] != "" {
					args = append(args, "--"+member, v[member])
				}
			}
			c := exec.CommandContext(t.Context(), args[0], args[1:]...)
			c.Env, c.Dir = []string{}, t.TempDir()
			var stdout, stderr bytes.Buffer
			c.Stdout, c.Stderr = &stdout, &stderr
			err := c.Run()
			var verdict struct {
				Accepted bool   `json:"accepted"`
				Reason   string `json:"reason"`
			}
			require.NoError(t, json.Unmarshal(stdout.Bytes(), &verdict), "%s%s", stdout.String(), stderr.String())
			if v["expect"] == "accept" {
				assert.NoError(t, err, stderr.String())
				assert.True(t, verdict.Accepted)
				return
			}
			exit, ok := errors.AsType[*exec.ExitError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, 1, exit.ExitCode())
			assert.False(t, verdict.Accepted)
			assert.Equal(t, v["expect"], "refuse "+verdict.Reason)
			assert.True(t, strings.Contains(stderr.String(), verdict.Reason), "the reason is the first word of the message: %s", stderr.String())
		})
	}
}

// alone returns what to put before a command so that it has no network, if the system can do that.
func alone() []string {
	path, err := exec.LookPath("unshare")
	if err != nil {
		return nil
	}
	prefix := []string{path, "--net", "--map-root-user"}
	if exec.Command(prefix[0], append(prefix[1:], "true")...).Run() != nil {
		return nil
	}
	return prefix
}
