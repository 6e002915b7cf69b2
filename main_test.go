package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/gateway/cli"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// run runs the program's command line within this process.
func run(args ...string) (stdout, stderr string, code int) {
	var out, errors bytes.Buffer
	c := root()
	c.SetOut(&out)
	c.SetErr(&errors)
	c.SetArgs(args)
	code = cli.Run(c)
	return out.String(), errors.String(), code
}

func TestTheHelpOfEveryVerbTeaches(t *testing.T) {
	cli.Each(root(), func(verb *cobra.Command) {
		path := strings.Fields(verb.CommandPath())[1:]
		t.Run(strings.Join(path, " "), func(t *testing.T) {
			help, said, code := run(append(path, "--help")...)
			assert.Equal(t, exit.Done, code)
			assert.Empty(t, said)
			assert.NotEmpty(t, verb.Short)
			assert.NotEmpty(t, verb.Long, "what it does and prints")
			assert.Contains(t, verb.Example, "pedigree "+strings.Join(path, " "), "an example")
			assert.Contains(t, help, exit.Table)
			assert.Equal(t, 1, strings.Count(help, "Exit codes"), "one table")
		})
	})
}

func TestAMistakeInTheCommandLineIsAUsageError(t *testing.T) {
	cli.Each(root(), func(verb *cobra.Command) {
		path := strings.Fields(verb.CommandPath())[1:]
		for _, flag := range []string{"--no-such-flag", "a b c d e"} {
			if flag != "--no-such-flag" && strings.Contains(verb.Use, "...") {
				continue // it takes any number of arguments
			}
			args := append(path[:len(path):len(path)], strings.Fields(flag)...)
			t.Run(strings.Join(args, " "), func(t *testing.T) {
				out, said, code := run(args...)
				assert.Equal(t, exit.Usage, code)
				assert.Empty(t, out)
				assert.Regexp(t, `^pedigree: .+\n$`, said, "one sentence")
			})
		}
	})
	for _, args := range [][]string{{"nonsense"}, {"trace"}, {"export", "x"}, {"serve"}} {
		_, said, code := run(args...)
		assert.Equal(t, exit.Usage, code, args)
		assert.Regexp(t, `^pedigree: .+`, said)
	}
}

func TestHostileArgumentsDoATerminalNoHarm(t *testing.T) {
	_, said, code := run("\x1b[2Jnonsense")
	assert.Equal(t, exit.Usage, code)
	assert.NotContains(t, said, "\x1b")
	assert.Contains(t, said, "[2Jnonsense")
}
