package index_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// shippingEvent is an event of some 600 bytes with two things, one of them new.
func shippingEvent(b testing.TB, n int) *record.Record {
	return indextest.Event(b, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"%s","action":"OBSERVE","bizStep":"shipping","disposition":"in_transit",
		"epcList":["https://id.gs1.org/01/09521234543213/21/%d"],"quantityList":[{"epcClass":"https://id.gs1.org/01/09521234543213/10/LOT%d","quantity":20,"uom":"KGM"}],
		"readPoint":{"id":"https://id.gs1.org/414/9521321000010"},"bizLocation":{"id":"https://id.gs1.org/414/9521321000027"},
		"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9521321000010:%d"}]}`,
		time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n)*time.Second).Format(time.RFC3339), n, n/100,
		n/50))
}

// shipments makes a ledger of blocks of ten transactions of a hundred events.
func shipments(b testing.TB, events int) *indextest.Ledger {
	l := indextest.New(b)
	for n := 0; n < events; {
		for range 10 {
			var records []*record.Record
			for range 100 {
				records = append(records, shippingEvent(b, n))
				n++
			}
			l.Submit("Harbor", records...)
		}
		l.Cut()
	}
	return l
}

// processorTime is what the process has used of all processors so far.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkApply follows the ledger block by block, a thousand events each.
func BenchmarkApply(b *testing.B) {
	const events = 50_000
	l := shipments(b, events)
	var used time.Duration
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		ix := indextest.Open(b)
		before := processorTime()
		b.StartTimer()
		for _, block := range l.Blocks {
			if err := ix.Apply(b.Context(), block); err != nil {
				b.Fatal(err)
			}
		}
		used += processorTime() - before
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(used.Nanoseconds())/1e3/float64(events)/float64(b.N), "cpu-µs/event")
}

// BenchmarkRebuild applies the same blocks ten at a time.
func BenchmarkRebuild(b *testing.B) {
	const events = 50_000
	l := shipments(b, events)
	var used time.Duration
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		ix := indextest.Open(b)
		before := processorTime()
		b.StartTimer()
		for rest := l.Blocks; len(rest) > 0; rest = rest[min(10, len(rest)):] {
			if err := ix.ApplyAll(b.Context(), rest[:min(10, len(rest))]); err != nil {
				b.Fatal(err)
			}
		}
		used += processorTime() - before
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(used.Nanoseconds())/1e3/float64(events)/float64(b.N), "cpu-µs/event")
}

// BenchmarkEvents asks for a page of thirty in 100,000 events, in several ways.
func BenchmarkEvents(b *testing.B) {
	l, ix := shipments(b, 100_000), indextest.Open(b)
	if err := ix.ApplyAll(b.Context(), l.Blocks); err != nil {
		b.Fatal(err)
	}
	for _, query := range []struct {
		name string
		q    index.EventQuery
	}{
		{"all", index.EventQuery{}},
		{"one EPC", index.EventQuery{Match: []index.MatchQuery{{Parameter: "MATCH_anyEPC", Values: []string{"https://id.gs1.org/01/09521234543213/21/77777"}}}}},
		{"one lot", index.EventQuery{Match: []index.MatchQuery{{Parameter: "MATCH_epcClass", Values: []string{"https://id.gs1.org/01/09521234543213/10/LOT777"}}}}},
		{"a pattern that all fit", index.EventQuery{Match: []index.MatchQuery{{Parameter: "MATCH_epc", Values: []string{"urn:epc:idpat:sgtin:9521234.054321.*"}}}}},
		{"a business step that all have", index.EventQuery{BizSteps: []string{"shipping"}}},
		{"a business step that none has", index.EventQuery{BizSteps: []string{"packing"}}},
		{"a minute", index.EventQuery{EventTimeFrom: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), EventTimeBefore: time.Date(2026, 3, 2, 0, 1, 0, 0, time.UTC)}},
		{"since the last block", index.EventQuery{RecordTimeFrom: l.Blocks[len(l.Blocks)-1].Transactions[0].Time}},
		{"one order", index.EventQuery{BizTransactions: []index.TypedQuery{{Type: "po", Values: []string{"urn:epcglobal:cbv:bt:9521321000010:777"}}}}},
	} {
		b.Run(query.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := ix.Events(b.Context(), query.q, index.Latest, index.Page{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRead is the part of Apply that touches no database.
func BenchmarkRead(b *testing.B) {
	r := shippingEvent(b, 1)
	b.SetBytes(int64(len(r.Body)))
	for b.Loop() {
		if _, problems := record.Decode(r.Body); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
