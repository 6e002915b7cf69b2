// Package verifytest reads lists of vectors, for tests.
package verifytest

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Entries reads a list of test/vectors: entries of lines "member: value", with an empty line after each.
func Entries(t testing.TB, list string) (all []map[string]string) {
	t.Helper()
	text, err := os.ReadFile(list)
	require.NoError(t, err)
	for entry := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		v := map[string]string{}
		for line := range strings.SplitSeq(entry, "\n") {
			member, value, ok := strings.Cut(line, ": ")
			require.True(t, ok, line)
			v[member] = value
		}
		all = append(all, v)
	}
	return all
}
