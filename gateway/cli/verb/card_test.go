package verb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/stretchr/testify/require"
)

func TestCardsAreReadFromFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	card, err := readCard(nil, file("README.MD", "\ufeff# x\r\n"))
	require.NoError(t, err)
	require.Equal(t, map[string]any{"text": "\ufeff# x\r\n", "mediaType": "text/markdown"}, card)
	card, err = readCard(nil, file("card.json", "{}"))
	require.NoError(t, err)
	require.Equal(t, map[string]any{"text": "{}"}, card, "the gateway finds out what it is")
	_, err = readCard(nil, file("large.md", strings.Repeat("x", record.MaxCard+1)))
	require.ErrorContains(t, err, "more than the 393216 bytes allowed")
	_, err = readCard(nil, file("latin1.md", "caf\xe9"))
	require.ErrorContains(t, err, "not UTF-8")
	_, err = readCard(nil, filepath.Join(dir, "none.md"))
	require.ErrorContains(t, err, "none.md")
}
