package index_test

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
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
	l.Put("Harbor", indextest.Seen(t, 1))
	l.Put("Harbor", indextest.Seen(t, 2))
	require.Less(t, heap()-before, events*size/2)
	runtime.KeepAlive(ix)
}

// A member can put hundreds of packs into one block that are small, and each of which unfolds to all that one may.
func TestABlockOfPacksThatUnfoldToALotIsIndexedInLittleMemory(t *testing.T) {
	const packs, perPack, size = 40, 16, 500 << 10
	l, ix := indextest.New(t), indextest.Open(t)
	require.NoError(t, ix.Apply(t.Context(), l.Blocks[0]))
	filler := strings.Repeat("x", size)
	for p := range packs {
		records := make([]*record.Record, perPack)
		for n := range records {
			records[n] = indextest.Event(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE","epcList":["https://example.com/%d","https://example.com/shared"],"https://example.com/filler":"`, p*perPack+n)+filler+`"}`)
		}
		l.Submit("Harbor", records...)
	}
	l.Cut()
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, uint64(0)
	applied := make(chan error, 1)
	go func() { applied <- ix.Apply(t.Context(), l.Blocks[1]) }()
	for running := true; running; {
		select {
		case err := <-applied:
			require.NoError(t, err)
			running = false
		case <-time.After(time.Millisecond):
		}
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}
	t.Logf("%d MB on the way, to index %d MB", (most-before)>>20, packs*perPack*size>>20)
	require.Less(t, most-before, uint64(packs*perPack*size/2))
	snap, err := ix.Snapshot(t.Context(), index.Latest)
	require.NoError(t, err)
	v, err := ix.Find(t.Context(), fmt.Sprintf("https://example.com/%d", packs*perPack-1), snap)
	require.NoError(t, err)
	require.NotZero(t, v.ID, "all of it is there")
	shared, err := ix.Find(t.Context(), "https://example.com/shared", snap)
	require.NoError(t, err)
	links, err := ix.LinksTo(t.Context(), []int64{shared.ID}, snap)
	require.NoError(t, err)
	require.Len(t, links, packs*perPack)
}
