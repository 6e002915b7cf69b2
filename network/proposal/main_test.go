package proposal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/network/networktest"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

var shared networktest.Shared

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

// run runs one of the verbs and returns what it prints.
func run(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	var b bytes.Buffer
	root := &cobra.Command{Use: "pedigree"}
	root.AddCommand(proposal.Verbs(network.Definitions{})...)
	root.SetArgs(args)
	root.SetOut(&b)
	root.SetErr(&b)
	root.SetContext(t.Context())
	code = cli.Run(root)
	return b.String(), code
}

// done runs a verb that must succeed.
func done(t *testing.T, args ...string) string {
	t.Helper()
	out, code := run(t, args...)
	require.Equal(t, exit.Done, code, "%v: %s", args, out)
	return out
}

// refused runs a verb that must fail with a code.
func refused(t *testing.T, want int, args ...string) string {
	t.Helper()
	out, code := run(t, args...)
	require.Equal(t, want, code, "%v: %s", args, out)
	return out
}

// folderOf is the flag for the folder of an organisation of the shared network.
func folderOf(t *testing.T, org string) string {
	return "--dir=" + filepath.Join(shared.Network(t).Dir(), org)
}
