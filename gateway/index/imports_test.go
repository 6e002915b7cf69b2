package index_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A program that only uses the types and queries must not pay for two databases.
func TestTypesAndQueriesLinkNoDriver(t *testing.T) {
	const module = "github.com/pedigree-ledger/pedigree/gateway/index"
	for pkg, banned := range map[string][]string{
		module:                 {"modernc.org/sqlite", "github.com/jackc/pgx/v5", module + "/sqlite", module + "/postgres"},
		module + "/projection": {"database/sql", "modernc.org/sqlite", "github.com/jackc/pgx/v5", module},
		module + "/sqlite":     {"github.com/jackc/pgx/v5"},
		module + "/postgres":   {"modernc.org/sqlite"},
	} {
		out, err := exec.Command("go", "list", "-deps", pkg).Output()
		require.NoError(t, err)
		linked := strings.Fields(string(out))
		require.Contains(t, linked, pkg)
		for _, b := range banned {
			require.False(t, slices.Contains(linked, b), "%s links %s", pkg, b)
		}
	}
}
