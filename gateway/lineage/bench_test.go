package lineage_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// BenchmarkTrace walks 10,000 nodes in a graph of PEDIGREE_BENCH_EVENTS events
// (100,000 if not set): a lot that went into 3,333 others, each then seen once.
func BenchmarkTrace(b *testing.B) {
	events := 100_000
	if n, err := strconv.Atoi(os.Getenv("PEDIGREE_BENCH_EVENTS")); err == nil {
		events = n
	}
	l, ix := indextest.New(b), indextest.Open(b)
	const reachable = 3_333
	lot := func(n int) string { return fmt.Sprintf("https://id.gs1.org/01/09521234543213/10/L%d", n) }
	var batch []*record.Record
	applied := 0
	flush := func() {
		l.Submit("Harbor", batch...)
		l.Cut()
		batch = nil
		if len(l.Blocks) >= 20 {
			require.NoError(b, ix.ApplyAll(b.Context(), l.Blocks[applied:]))
			applied = len(l.Blocks)
		}
	}
	at := func(n int) string {
		return indextest.Start.Add(time.Duration(n) * time.Second).Format(time.RFC3339)
	}
	for n := range events / 2 {
		source := n // strangers: a chain of two lots each
		target := 10_000_000 + n
		if n%(events/2/reachable) == 0 && n/(events/2/reachable) < reachable {
			source = -1 // the lot in question
		}
		batch = append(batch,
			indextest.Event(b, fmt.Sprintf(`{"type":"TransformationEvent","eventTime":%q,"inputQuantityList":[{"epcClass":%q}],"outputQuantityList":[{"epcClass":%q}]}`, at(n), lot(source), lot(target))),
			indextest.Event(b, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":%q,"action":"OBSERVE","bizStep":"shipping","readPoint":{"id":"https://id.gs1.org/414/9521321000010"},"quantityList":[{"epcClass":%q}]}`, at(n+60), lot(target))))
		if len(batch) >= 1000 {
			flush()
		}
	}
	if len(batch) > 0 {
		flush()
	}
	require.NoError(b, ix.ApplyAll(b.Context(), l.Blocks[applied:]))
	l.Blocks = nil
	q := lineage.Query{Node: lot(-1), Direction: lineage.Descendants, At: index.Latest}
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		a, err := lineage.Trace(b.Context(), ix, q)
		took = append(took, time.Since(began))
		require.NoError(b, err)
		require.Len(b, a.Nodes, 3*reachable+1)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
}
