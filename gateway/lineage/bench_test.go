package lineage_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// reachable is how many lots one went into.
const reachable = 3_333

func lot(n int) string { return fmt.Sprintf("https://id.gs1.org/01/09521234543213/10/L%d", n) }

// big makes an index of PEDIGREE_BENCH_EVENTS events (100,000 if not set): as
// many lots as there are events for each went into 3,333 others, each then seen
// once. Their events take turns on the ledger, so that those of one lot lie far apart. It
// tells the ledger and the number of these lots, which are called lot(0) and so on.
func big(b *testing.B, ix *index.Index) (l *indextest.Ledger, roots int) {
	events := 100_000
	if n, err := strconv.Atoi(os.Getenv("PEDIGREE_BENCH_EVENTS")); err == nil {
		events = n
	}
	roots = events / 2 / reachable
	l = indextest.New(b)
	var batch []*record.Record
	applied := 0
	flush := func() {
		l.Submit("Harbor", batch...)
		l.Cut()
		batch = batch[:0]
		if len(l.Blocks)-applied == 10 {
			require.NoError(b, ix.ApplyAll(b.Context(), l.Blocks[applied:]))
			for ; applied < len(l.Blocks); applied++ {
				l.Blocks[applied].Transactions = nil // they are big
			}
		}
	}
	at := func(n int) string {
		return indextest.Start.Add(time.Duration(n) * time.Second).Format(time.RFC3339)
	}
	for n := range roots * reachable {
		target := 10_000_000 + n
		batch = append(batch,
			indextest.Event(b, fmt.Sprintf(`{"type":"TransformationEvent","eventTime":%q,"inputQuantityList":[{"epcClass":%q}],"outputQuantityList":[{"epcClass":%q}]}`, at(n), lot(n%roots), lot(target))),
			indextest.Event(b, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":%q,"action":"OBSERVE","bizStep":"shipping","readPoint":{"id":"https://id.gs1.org/414/9521321000010"},"quantityList":[{"epcClass":%q}]}`, at(n+60), lot(target))))
		if len(batch) == 1000 {
			flush()
		}
	}
	if len(batch) > 0 {
		flush()
	}
	require.NoError(b, ix.ApplyAll(b.Context(), l.Blocks[applied:]))
	return l, roots
}

// processorTime is what the process has used of all processors so far.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// report tells how long something took, how often it was done.
func report(b *testing.B, do func(n int)) {
	var took []time.Duration
	used := processorTime()
	for n := 0; b.Loop(); n++ {
		began := time.Now()
		do(n)
		took = append(took, time.Since(began))
	}
	b.ReportMetric(float64((processorTime()-used).Microseconds())/1000/float64(len(took)), "cpu-ms")
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
}

// BenchmarkTrace walks 10,000 nodes in a big graph, each time from another lot, and sums them up.
func BenchmarkTrace(b *testing.B) {
	ix := indextest.Open(b)
	l, roots := big(b, ix)
	b.Run(string(lineage.Descendants), func(b *testing.B) {
		report(b, func(n int) {
			a, err := lineage.Trace(b.Context(), ix, lineage.Query{Node: lot(n % roots), Direction: lineage.Descendants, At: index.Latest})
			require.NoError(b, err)
			require.Len(b, a.Nodes, 3*reachable+1)
		})
	})
	b.Run(string(lineage.Ancestors), func(b *testing.B) {
		report(b, func(n int) {
			_, err := lineage.Trace(b.Context(), ix, lineage.Query{Node: lot(10_000_000 + n*7919%(roots*reachable)), Direction: lineage.Ancestors, At: index.Latest})
			require.NoError(b, err)
		})
	})
	b.Run("impact", func(b *testing.B) {
		report(b, func(n int) {
			im, err := lineage.Assess(b.Context(), ix, lineage.Query{Node: lot(n % roots), At: index.Latest})
			require.NoError(b, err)
			require.Equal(b, 3*reachable, im.Total)
		})
	})
	l.Follower = ix
	l.Put("Harbor", indextest.Statement(b, "recall", `{"reason":"listeria"}`, lot(0)), indextest.Statement(b, "recall", `{"reason":"a stone in it"}`, lot(10_000_000)))
	b.Run("impact of what is recalled", func(b *testing.B) {
		report(b, func(int) {
			im, err := lineage.Assess(b.Context(), ix, lineage.Query{Node: lot(0), At: index.Latest})
			require.NoError(b, err)
			require.Len(b, im.Notices, 2)
		})
	})
	b.Run("impact of an organisation", func(b *testing.B) {
		report(b, func(int) {
			im, err := lineage.Assess(b.Context(), ix, lineage.Query{Organisation: "HarborMSP", At: index.Latest})
			require.NoError(b, err)
			require.Positive(b, im.Total)
		})
	})
}
