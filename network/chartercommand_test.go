package network

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// run runs a command with its input, and returns what it printed.
func run(t *testing.T, cmd *cobra.Command, stdin string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.Execute()
	return out.String(), err
}

func TestTheCommandsOfFounders(t *testing.T) {
	home := t.TempDir()
	at := func(name string) string { return filepath.Join(home, name) }
	write := func(name, text string) { require.NoError(t, os.WriteFile(at(name), []byte(text), 0o644)) }
	names := []string{"harbor", "market", "lab", "farm"}
	cards := []string{"new"}
	for i, name := range names {
		said, err := run(t, OrgCommand(), "", "init", at(name), "--name", name, "--host", "127.0.0.1",
			"--base-port", []string{"20100", "20200", "20300", "20400"}[i], "--json")
		require.NoError(t, err)
		var made struct{ MSPID, CardDigest string }
		require.NoError(t, json.Unmarshal([]byte(said), &made))
		card, err := run(t, OrgCommand(), "", "card", at(name))
		require.NoError(t, err)
		digest, err := run(t, OrgCommand(), card, "card", "--digest", "-")
		require.NoError(t, err)
		assert.Equal(t, made.CardDigest+"\n", digest)
		write(name+".json", card)
		cards = append(cards, at(name+".json"))
	}
	proposed, err := run(t, CharterCommand(), "", append(cards, "--administration", "all")...)
	require.NoError(t, err)
	write("charter.json", proposed)
	shown, err := run(t, CharterCommand(), "", "show", at("charter.json"))
	require.NoError(t, err)
	assert.Contains(t, shown, "A change of the configuration takes the signature of all organisations.")

	check := func() (digest string, signed, missing []string, err error) {
		said, err := run(t, CharterCommand(), "", "check", at("charter.json"), "--json")
		var found struct {
			Digest          string
			Signed, Missing []string
		}
		require.NoError(t, json.Unmarshal([]byte(said), &found), said)
		return found.Digest, found.Signed, found.Missing, err
	}
	digest, signed, missing, err := check()
	assert.Contains(t, shown, digest)
	assert.Equal(t, exit.Refused, exit.Code(err))
	assert.Empty(t, signed)
	assert.Len(t, missing, 4)
	for _, name := range names[:3] {
		_, err := run(t, CharterCommand(), "", "sign", at("charter.json"), "--org", at(name))
		require.NoError(t, err)
	}
	_, _, missing, err = check()
	require.ErrorContains(t, err, "isn't signed by FarmMSP")
	assert.Equal(t, []string{"FarmMSP"}, missing)

	write("copy.json", proposed) // the farm signs a copy
	_, err = run(t, CharterCommand(), "", "sign", at("copy.json"), "--org", at("farm"))
	require.NoError(t, err)
	joined, err := run(t, CharterCommand(), "", "join", at("charter.json"), at("copy.json"))
	require.NoError(t, err)
	write("charter.json", joined)
	_, signed, missing, err = check()
	require.NoError(t, err)
	assert.Len(t, signed, 4)
	assert.Empty(t, missing)

	// Whoever changes it now is found out by everybody.
	write("changed.json", strings.Replace(joined, `"administration": "ALL"`, `"administration": "ANY"`, 1))
	for _, args := range [][]string{{"check"}, {"sign", "--org", at("farm")}, {"join"}} {
		_, err := run(t, CharterCommand(), "", append(args, at("changed.json"))...)
		require.ErrorContains(t, err, "somebody has changed", args)
		assert.Equal(t, exit.Refused, exit.Code(err))
	}
	_, err = run(t, CharterCommand(), "", "join", at("charter.json"), at("changed.json"))
	require.ErrorContains(t, err, "different charters")
}

// A mistake in what was typed, or in a file, has the exit code for that.
func TestMistakesOfFounders(t *testing.T) {
	large := filepath.Join(t.TempDir(), "large")
	require.NoError(t, os.WriteFile(large, nil, 0o600))
	require.NoError(t, os.Truncate(large, 1<<40)) // with no blocks behind it
	dirs, file := founders(t, 1, 1)
	text, err := file.Text()
	require.NoError(t, err)
	for _, test := range []struct {
		of    *cobra.Command
		stdin string
		args  []string
		want  string
	}{
		{OrgCommand(), "", []string{"init", filepath.Join(t.TempDir(), "x"), "--name", "x"}, "--host"},
		{OrgCommand(), "", []string{"init", dirs[0], "--name", "x", "--host", "h"}, "is the folder of an organisation"},
		{OrgCommand(), "", []string{"card", t.TempDir()}, "isn't the folder of an organisation"},
		{OrgCommand(), "", []string{"card", large}, "bytes allowed"},
		{OrgCommand(), "{}", []string{"card", "-"}, "standard input can't be used"},
		{CharterCommand(), "", []string{"show", large}, "bytes allowed"},
		{CharterCommand(), "{}", []string{"show", "-"}, "can't be used"},
		{CharterCommand(), "", []string{"new", dirs[0], dirs[1]}, "it takes 4"},
		{CharterCommand(), "", []string{"new", dirs[0], dirs[0], "--trial"}, "same MSP id"},
		{CharterCommand(), "", []string{"new", dirs[0], "--trial", "--endorsement", "half"}, "policies.endorsement"},
		{CharterCommand(), string(text), []string{"sign", "-", "--org", dirs[0]}, "name that"},
		{NodeCommand(), "", []string{"start", t.TempDir()}, "isn't the folder of an organisation"},
		{NodeCommand(), "", []string{"start", dirs[0], "--charter", large}, "bytes allowed"},
		{NodeCommand(), "", []string{"start", dirs[0]}, "--charter FILE"},
	} {
		_, err := run(t, test.of, test.stdin, test.args...)
		require.ErrorContains(t, err, test.want, test.args)
		assert.Equal(t, exit.Usage, exit.Code(err), "%v: %v", test.args, err)
	}
}
