package index_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestLongNamesAreNotKeptInMemory(t *testing.T) {
	l, ix := follow(t)
	const events, size = 64, 512 << 10
	heap := func() int {
		for range 3 { // pools are emptied by the second
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	filler := strings.Repeat("x", size/2)
	for n := range events {
		r := indextest.Event(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE",
			"epcList":["https://example.com/%d/%s"],"readPoint":{"id":"https://example.com/at/%[1]d/%[2]s"}}`, n, filler))
		l.Put("Harbor", r)
		snap, err := ix.Snapshot(t.Context(), index.Latest)
		require.NoError(t, err)
		v, err := ix.Find(t.Context(), string(r.ID), snap)
		require.NoError(t, err)
		links, err := ix.LinksOf(t.Context(), []int64{v.ID}, snap)
		require.NoError(t, err)
		_, err = ix.Describe(t.Context(), []int64{v.ID, links[0].Node}, snap)
		require.NoError(t, err)
	}
	l.Put("Harbor", seen(t, 1))
	l.Put("Harbor", seen(t, 2))
	require.Less(t, heap()-before, events*size/2)
	runtime.KeepAlive(ix)
}
