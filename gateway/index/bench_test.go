package index_test

import (
	"fmt"
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
		time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n)*time.Second).Format(time.RFC3339), n, n/100, n/50))
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

// BenchmarkApply follows the ledger block by block, a thousand events each.
func BenchmarkApply(b *testing.B) {
	const events = 50_000
	l := shipments(b, events)
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		ix := indextest.Open(b)
		b.StartTimer()
		for _, block := range l.Blocks {
			if err := ix.Apply(b.Context(), block); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
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

var _ = index.Latest
