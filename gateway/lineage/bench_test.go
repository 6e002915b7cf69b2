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
// tells the number of these lots, which are called lot(0) and so on.
func big(b *testing.B, ix *index.Index) (roots int) {
	events := 100_000
	if n, err := strconv.Atoi(os.Getenv("PEDIGREE_BENCH_EVENTS")); err == nil {
		events = n
	}
	roots = events / 2 / reachable
	l := indextest.New(b)
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
	return roots
}

// processorTime is what the process has used of all processors so far.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkTrace walks 10,000 nodes in a big graph, each time from another lot.
func BenchmarkTrace(b *testing.B) {
	ix := indextest.Open(b)
	roots := big(b, ix)
	for _, d := range []lineage.Direction{lineage.Descendants, lineage.Ancestors} {
		b.Run(string(d), func(b *testing.B) {
			var took []time.Duration
			used := processorTime()
			for n := 0; b.Loop(); n++ {
				q := lineage.Query{Node: lot(n % roots), Direction: d, At: index.Latest}
				if d == lineage.Ancestors {
					q.Node = lot(10_000_000 + n*7919%(roots*reachable))
				}
				began := time.Now()
				a, err := lineage.Trace(b.Context(), ix, q)
				took = append(took, time.Since(began))
				require.NoError(b, err)
				if d == lineage.Descendants {
					require.Len(b, a.Nodes, 3*reachable+1)
				}
			}
			b.ReportMetric(float64((processorTime()-used).Microseconds())/1000/float64(len(took)), "cpu-ms")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
		})
	}
}
