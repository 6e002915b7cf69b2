package chaincode_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// processorTime is the time that the process has used on all processors so far.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// measured is event number n of a cold chain. It has about 600 bytes.
func measured(b testing.TB, n int) []byte {
	at := fmt.Sprintf("2026-03-01T%02d:%02d:%02d.%03dZ", n/3600%24, n/60%60, n%60, n%1000)
	v, err := canonical.Parse(fmt.Appendf(nil, `{"type":"ObjectEvent","action":"OBSERVE","bizStep":"transporting","disposition":"in_transit","epcList":["urn:epc:id:sscc:9520001.1%09d"],
"sensorElementList":[{"sensorMetadata":{"time":%q,"deviceID":"urn:epc:id:giai:9520001.L%d"},"sensorReport":[{"type":"Temperature","value":%d.%d,"uom":"CEL"}]}],
"eventTime":%q,"eventTimeZoneOffset":"+00:00","readPoint":{"id":"urn:epc:id:sgln:9520001.%05d.0"},"bizLocation":{"id":"urn:epc:id:sgln:9520001.%05d.0"},
"bizTransactionList":[{"type":"desadv","bizTransaction":"urn:epcglobal:cbv:bt:9520001000004:C-%d"}]}`,
		n, at, n%40, n%6, 1+n%9, at, n%50, n%20, n/80), canonical.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	r, problems := record.NewEvent(v, canonical.Arr(canonical.Str("https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld")))
	if problems != nil {
		b.Fatal(problems)
	}
	return r.Body
}

// BenchmarkSubmit measures how the chaincode checks and writes packs of 2,000 events.
func BenchmarkSubmit(b *testing.B) {
	const events = 2_000
	bodies := make([][]byte, events)
	for n := range bodies {
		bodies[n] = measured(b, n)
	}
	pack, err := record.Pack(bodies)
	if err != nil {
		b.Fatal(err)
	}
	l := newLedger(b)
	b.ReportAllocs()
	before := processorTime()
	for b.Loop() {
		if response, _ := l.send(harbor, "Events:Submit", pack, nil); response.Status != shim.OK {
			b.Fatal(response.Message)
		}
		clear(l.state)
	}
	b.ReportMetric(float64((processorTime()-before).Nanoseconds())/1e3/events/float64(b.N), "cpu-µs/event")
}
