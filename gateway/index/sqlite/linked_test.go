package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/index/sqlite"
)

func TestLinksOfLaterBlocksAreFoundAfterReopening(t *testing.T) {
	const lot = "https://id.gs1.org/01/09521234543213/10/A"
	path := filepath.Join(t.TempDir(), "index.db")
	ix, err := sqlite.Open(path)
	require.NoError(t, err)
	l := indextest.New(t)
	links := func() int {
		snap, err := ix.Snapshot(t.Context(), index.Latest)
		require.NoError(t, err)
		v, err := ix.Find(t.Context(), lot, snap)
		require.NoError(t, err)
		all, err := ix.LinksTo(t.Context(), []int64{v.ID}, snap)
		require.NoError(t, err)
		return len(all)
	}
	for n := range 4 {
		l.Put("Harbor", indextest.Event(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:0%dZ","action":"OBSERVE","quantityList":[{"epcClass":%q}]}`, n, lot)))
		require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks[ix.Height():]))
		require.Equal(t, n+1, links())
		if n%2 == 1 {
			require.NoError(t, ix.Close())
			ix, err = sqlite.Open(path)
			require.NoError(t, err)
			require.Equal(t, n+1, links())
		}
	}
	require.NoError(t, ix.Close())
}
