package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// processorTime is what the process has used of all processors so far.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// measured is event number n of a cold chain, of about 600 bytes.
func measured(n int) string {
	at := fmt.Sprintf("2026-03-01T%02d:%02d:%02d.%03dZ", n/3600%24, n/60%60, n%60, n%1000)
	return fmt.Sprintf(`{"type":"ObjectEvent","action":"OBSERVE","bizStep":"transporting","disposition":"in_transit","epcList":["urn:epc:id:sscc:9520001.1%09d"],
"sensorElementList":[{"sensorMetadata":{"time":%q,"deviceID":"urn:epc:id:giai:9520001.L%d"},"sensorReport":[{"type":"Temperature","value":%d.%d,"uom":"CEL"}]}],
"eventTime":%q,"eventTimeZoneOffset":"+00:00","readPoint":{"id":"urn:epc:id:sgln:9520001.%05d.0"},"bizLocation":{"id":"urn:epc:id:sgln:9520001.%05d.0"},
"bizTransactionList":[{"type":"desadv","bizTransaction":"urn:epcglobal:cbv:bt:9520001000004:C-%d"}]}`,
		n, at, n%40, n%6, 1+n%9, at, n%50, n%20, n/80)
}

// BenchmarkCapture takes documents of 2,000 events in, from the request to what is on disk.
func BenchmarkCapture(b *testing.B) {
	const events, perQueue = 2_000, 50
	var f *fixture
	var used time.Duration
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		if n%perQueue == 0 {
			f = newFixture(b)
		}
		var list []string
		for i := range events {
			list = append(list, measured(n*events+i))
		}
		request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/epcis/v2/capture",
			strings.NewReader(document(list...)))
		request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer submitter-token"},
			"Gs1-Capture-Error-Behaviour": {"proceed"}}
		answer := httptest.NewRecorder()
		before := processorTime()
		b.StartTimer()
		f.server.ServeHTTP(answer, request)
		used += processorTime() - before
		if answer.Code != http.StatusAccepted {
			b.Fatal(answer.Body)
		}
	}
	b.ReportAllocs()
	b.ReportMetric(float64(used.Nanoseconds())/1e3/events/float64(b.N), "cpu-µs/event")
}
