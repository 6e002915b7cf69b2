// Package markdown reads the tables of the project's pages, so that tests can hold them to the code that they describe.
// Its own tests check the pages: their links, the width of their lines, and the map of CONTRIBUTING.md.
package markdown

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Table returns the rows of the table of a page whose header has the given cells. Cells are without the spaces around
// them.
func Table(t testing.TB, file string, header ...string) [][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var rows [][]string
	inside := false
	for line := range strings.Lines(string(text)) {
		cells := cellsOf(line)
		switch {
		case !inside:
			inside = equal(cells, header)
		case cells == nil:
			return rows
		case strings.Trim(cells[0], "-:") != "":
			rows = append(rows, cells)
		}
	}
	require.NotEmpty(t, rows, "%s has no table with the header %v", file, header)
	return rows
}

// cellsOf splits a line of a table. It returns nil for any other line.
func cellsOf(line string) []string {
	line, ok := strings.CutPrefix(strings.TrimSpace(line), "|")
	if !ok {
		return nil
	}
	cells := strings.Split(strings.TrimSuffix(line, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

func equal(a, b []string) bool { return strings.Join(a, "|") == strings.Join(b, "|") }
