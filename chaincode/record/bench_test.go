package record_test

import (
	"fmt"
	"testing"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// measured is event number n of a cold chain. It has about 600 bytes.
func measured(b testing.TB, n int) canonical.Value {
	at := fmt.Sprintf("2026-03-01T%02d:%02d:%02d.%03dZ", n/3600%24, n/60%60, n%60, n%1000)
	text := fmt.Appendf(nil, `{"type":"ObjectEvent","action":"OBSERVE","bizStep":"transporting","disposition":"in_transit","epcList":["urn:epc:id:sscc:9520001.1%09d"],
"sensorElementList":[{"sensorMetadata":{"time":%q,"deviceID":"urn:epc:id:giai:9520001.L%d"},"sensorReport":[{"type":"Temperature","value":%d.%d,"uom":"CEL"}]}],
"eventTime":%q,"eventTimeZoneOffset":"+00:00","readPoint":{"id":"urn:epc:id:sgln:9520001.%05d.0"},"bizLocation":{"id":"urn:epc:id:sgln:9520001.%05d.0"},
"bizTransactionList":[{"type":"desadv","bizTransaction":"urn:epcglobal:cbv:bt:9520001000004:C-%d"}]}`,
		n, at, n%40, n%6, 1+n%9, at, n%50, n%20, n/80)
	v, err := canonical.Parse(text, canonical.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	return v
}

var standardContext = canonical.Arr(canonical.Str("https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"))

func bodies(b testing.TB, events int) [][]byte {
	list := make([][]byte, events)
	for n := range list {
		r, problems := record.NewEvent(measured(b, n), standardContext)
		if problems != nil {
			b.Fatal(problems)
		}
		list[n] = r.Body
	}
	return list
}

func BenchmarkNewEvent(b *testing.B) {
	event := measured(b, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := record.NewEvent(event, standardContext); problems != nil {
			b.Fatal(problems)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	body := bodies(b, 1)[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := record.Decode(body); problems != nil {
			b.Fatal(problems)
		}
	}
}

// BenchmarkWriter does the same as NewEvent, but reuses memory.
func BenchmarkWriter(b *testing.B) {
	event := measured(b, 0)
	var w record.Writer
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := w.Event(event, standardContext); problems != nil {
			b.Fatal(problems)
		}
		w.Reset()
	}
}

// BenchmarkCheck does the same as Decode, but reuses memory.
func BenchmarkCheck(b *testing.B) {
	body := bodies(b, 1)[0]
	var reader record.Reader
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := reader.Check(body); problems != nil {
			b.Fatal(problems)
		}
	}
}

// perPack is the number of records in a pack.
const perPack = 2_000

func BenchmarkPack(b *testing.B) {
	list := bodies(b, perPack)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := record.Pack(list); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*perPack), "ns/event")
}

func BenchmarkUnpack(b *testing.B) {
	pack, err := record.Pack(bodies(b, perPack))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := record.Unpack(pack, record.PackLimits{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*perPack), "ns/event")
}
