package epcis

import (
	"strconv"
	"testing"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/stretchr/testify/require"
)

// typical is an event as scanners send them. It has about 600 bytes.
const typical = `{"type":"ObjectEvent","eventTime":"2026-03-04T05:10:00.250+01:00","eventTimeZoneOffset":"+01:00","action":"OBSERVE",
"bizStep":"shipping","disposition":"in_transit","epcList":["urn:epc:id:sgtin:9521141.012345.1001","urn:epc:id:sgtin:9521141.012345.1002"],
"readPoint":{"id":"urn:epc:id:sgln:9521141.00001.0"},"bizLocation":{"id":"https://id.gs1.org/414/9521141000014"},
"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9521141000007:77"}],
"quantityList":[{"epcClass":"urn:epc:class:lgtin:9521141.012345.L7","quantity":812.5,"uom":"KGM"}]}`

func BenchmarkDecode(b *testing.B) {
	event := parse(b, typical)
	b.Run("typical event of "+strconv.Itoa(len(event.Bytes()))+" bytes", func(b *testing.B) { benchmarkDecode(b, event, ownContext) })
	for _, e := range goldenDocument(b) {
		name := e.Event.Get("type").Text + " of " + strconv.Itoa(len(e.Event.Bytes())) + " bytes"
		b.Run(name, func(b *testing.B) { benchmarkDecode(b, e.Event, e.Context) })
	}
}

func benchmarkDecode(b *testing.B, event, context canonical.Value) {
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := Decode(event, context); problems != nil {
			b.Fatal(problems)
		}
	}
}

func BenchmarkHashID(b *testing.B) {
	event := parse(b, typical)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := HashID(event, ownContext, CBV20); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkThing(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Thing("urn:epc:id:sgtin:9521141.012345.1001")
	}
}

// TestDecodingCostsLittleMemory checks that Decode allocates little more than the
// event that it returns.
func TestDecodingCostsLittleMemory(t *testing.T) {
	event := parse(t, typical)
	allocations := testing.AllocsPerRun(100, func() { Decode(event, ownContext) })
	require.LessOrEqual(t, allocations, 16.0)
}
