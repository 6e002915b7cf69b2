package runs

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
)

// BenchmarkAdd takes the two events of a run that reads and writes a dataset, one request for each event, from as many
// callers as a busy scheduler has. Each is on disk before the next of its caller.
func BenchmarkAdd(b *testing.B) {
	f := newFixture(b, Config{OpenRuns: 1 << 30, Bytes: 1 << 40})
	var n atomic.Int64
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			run := fmt.Sprint("run", i)
			for _, text := range []string{ev(run, "START", ds(fmt.Sprint("in", i%100)), ""),
				ev(run, "COMPLETE", "", ds(fmt.Sprint("out", i%100)))} {
				taken, err := f.store.Add(b.Context(), lab, parseEvent(b, text))
				if err != nil || taken[0].Err != nil {
					b.Error(err, taken)
					return
				}
			}
		}
	})
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkAddBatch takes them a thousand at a time.
func BenchmarkAddBatch(b *testing.B) {
	f := newFixture(b, Config{OpenRuns: 1 << 30, Bytes: 1 << 40})
	const size = 1000
	made := 0
	for b.Loop() {
		events := make([]*openlineage.Event, 0, size)
		for range size / 2 {
			made++
			run := fmt.Sprint("run", made)
			events = append(events, parseEvent(b, ev(run, "START", ds(fmt.Sprint("in", made%100)), "")),
				parseEvent(b, ev(run, "COMPLETE", "", ds(fmt.Sprint("out", made%100)))))
		}
		_, err := f.store.Add(b.Context(), lab, events...)
		require.NoError(b, err)
	}
	b.ReportMetric(size*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
