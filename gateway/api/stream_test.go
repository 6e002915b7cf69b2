package api

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/intake"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

const standardContext = `"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"`

// numbered is a good event that no other number makes.
func numbered(n int) string { return swap(inDocument, "S1", fmt.Sprintf("N%d", n)) }

func numberedTo(n int) []string {
	events := make([]string, n)
	for i := range events {
		events[i] = numbered(i)
	}
	return events
}

// rows counts what a queue has on disk.
func (f *fixture) rows() int {
	f.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(f.folder, "queue.db")+"?_pragma=query_only(1)")
	require.NoError(f.t, err)
	defer db.Close()
	n := 0
	require.NoError(f.t, db.QueryRow("SELECT (SELECT count(*) FROM job) + (SELECT count(*) FROM part) + (SELECT count(*) FROM pack)").Scan(&n))
	return n
}

// nothingTaken waits until the queue is as if nothing had come.
func (f *fixture) nothingTaken() {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return f.rows() == 0 && f.queue.Stats().Records == 0 && f.queue.Stats().Bytes == 0 },
		10*time.Second, 5*time.Millisecond, "something is left in the queue")
}

type resultIDs struct{ Results []struct{ ID, State string } }

func TestMembersMayComeInAnyOrder(t *testing.T) {
	f := newFixture(t)
	var want resultIDs
	body := `"epcisBody":{"eventList":[` + strings.Join(numberedTo(3), ",") + `]}`
	rest := []string{`"@context":` + standardContext, `"type":"EPCISDocument"`, `"schemaVersion":"2.0"`, `"creationDate":"2026-03-01T09:00:00Z"`}
	for at := range len(rest) + 1 {
		text := "{" + strings.Join(append(append(append([]string{}, rest[:at]...), body), rest[at:]...), ",") + "}"
		for _, behaviour := range []string{"rollback", "proceed"} {
			a := f.do(request{path: "/epcis/v2/capture", body: text, header: map[string]string{"GS1-Capture-Error-Behaviour": behaviour}})
			require.Equal(t, http.StatusAccepted, a.status, a.body)
			var got resultIDs
			f.do(request{path: a.header.Get("Location")}).json(t, &got)
			require.Len(t, got.Results, 3)
			if want.Results == nil {
				want = got
			}
			require.Equal(t, want, got, "the records are the same, wherever the events stand")
		}
	}
}

func TestADocumentWithItsContextAfterTooMuchIsRefused(t *testing.T) {
	f := newFixture(t)
	event := swap(inDocument, `"type"`, `"ex:note":"`+strings.Repeat("x", 1<<20)+`","type"`)
	text := `{"epcisBody":{"eventList":[` + strings.Repeat(event+",", 33) + event + `]},"@context":` + standardContext + `}`
	p := f.do(request{path: "/epcis/v2/capture", body: text, header: proceed}).problem(t)
	assert.Equal(t, http.StatusRequestEntityTooLarge, p.Status)
	assert.Contains(t, p.Detail, "put it before epcisBody")
	f.nothingTaken()
}

func TestADocumentThatIsWrongAsAWholeLeavesNothing(t *testing.T) {
	f := newFixture(t, capture.Config{BatchRecords: 20})
	good := document(numberedTo(1000)...)
	late := func(tail string) string { return good[:len(good)-1] + tail }
	for _, c := range []struct {
		name, text, code, pointer string
		line, column              int
	}{
		{name: "a member of the wrong type, after the events", text: late(`,"sender":5}`), code: "wrong_type", pointer: "/sender"},
		{name: "another type", text: swap(good, "EPCISDocument", "EPCISQueryDocument"), code: "unknown_field", pointer: "/epcisBody/eventList"},
		{name: "no such type", text: swap(good, "EPCISDocument", "EPCISDokument"), code: "unknown_type", pointer: "/type"},
		{name: "an event with a body", text: swap(good, "EPCISDocument", "ObjectEvent"), code: "missing_field"},
		{name: "a second body", text: late(`,"epcisBody":{}}`), code: "malformed_json"},
		{name: "two lists of events", text: swap(good, `"epcisBody":{`, `"epcisBody":{"queryResults":{"resultsBody":{"eventList":[`+inDocument+`]}},`), code: "unknown_field", pointer: "/epcisBody/queryResults"},
		{name: "a list that isn't closed", text: late(`,`), code: "malformed_json", line: 1, column: len(good) + 1},
		{name: "something after the end", text: good + "\n {}", code: "malformed_json", line: 2, column: 2},
		{name: "no comma between two events", text: "\n\n" + strings.Replace(good, `,`+numbered(777), ` `+numbered(777), 1), code: "malformed_json", pointer: "/epcisBody/eventList", line: 3, column: strings.Index(good, numbered(777)) + 1},
		{name: "a name twice in an event", text: strings.Replace(good, numbered(800), "{\n\"a\":1,\n\"a\":2}", 1), code: "malformed_json", pointer: "/epcisBody/eventList/800", line: 3, column: 1},
		{name: "invalid UTF-8 in an event", text: strings.Replace(good, "N999", "\xff", 1), code: "malformed_json", pointer: "/epcisBody/eventList/999/epcList/0", line: 1, column: strings.Index(good, "N999") + 1},
		{name: "the first of two faults is told", text: strings.Replace(strings.Replace(good, "N999", "\xff", 1), "N500", "\n\xff", 1), code: "malformed_json", pointer: "/epcisBody/eventList/500/epcList/0", line: 1, column: strings.Index(good, "N500") + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, behaviour := range []string{"proceed", "rollback"} {
				a := f.do(request{path: "/epcis/v2/capture", body: c.text, header: map[string]string{"GS1-Capture-Error-Behaviour": behaviour}})
				p := a.problem(t)
				require.Equal(t, http.StatusBadRequest, a.status, a.body)
				assert.Equal(t, "epcisException:ValidationException", p.Type)
				assert.Empty(t, a.header.Get("Location"))
				require.NotEmpty(t, p.Problems)
				assert.Equal(t, c.code, p.Problems[0].Code, a.body)
				if c.pointer != "" {
					assert.Equal(t, c.pointer, p.Problems[0].Pointer, a.body)
				}
				if c.line > 0 {
					assert.Equal(t, [2]int{c.line, c.column}, [2]int{p.Problems[0].Line, p.Problems[0].Column}, a.body)
				}
				f.nothingTaken()
			}
		})
	}
}

func TestARollbackNamesEveryFaultOfTheDocument(t *testing.T) {
	f := newFixture(t)
	events := numberedTo(1500)
	for i := 100; i < 1500; i += 100 {
		events[i] = swap(events[i], "2026-03-01T08:00:00Z", "yesterday")
	}
	p := f.do(request{path: "/epcis/v2/capture", body: document(events...)}).problem(t)
	require.Len(t, p.Problems, 14)
	assert.Equal(t, 1400, *p.Problems[13].Index)
	assert.Equal(t, "/epcisBody/eventList/1400/eventTime", p.Problems[13].Pointer)
	f.nothingTaken()
}

func TestADocumentOfNothingButFaultsHasAnEnd(t *testing.T) {
	f := newFixture(t)
	p := f.do(request{path: "/epcis/v2/capture", body: document(strings.Repeat("{},", intake.MaxProblems) + "{}"), header: proceed}).problem(t)
	assert.Equal(t, http.StatusBadRequest, p.Status)
	assert.Contains(t, p.Detail, "more than 100000 problems")
	assert.Len(t, p.Problems, problem.MaxReasons)
	f.nothingTaken()
}

func TestLinesAreTakenAsEvents(t *testing.T) {
	header := `{"@context":` + standardContext + `,"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T09:00:00Z"}`
	for _, c := range []struct {
		name, text string
		status     int
		code       string // of what is wrong, with the whole or with an event
		pointer    string
		line       int
		events     int
	}{
		{name: "events with contexts of their own", text: bare(numbered(1)) + "\n" + bare(numbered(2)) + "\n", status: 202, events: 2},
		{name: "events after a header", text: header + "\n" + numbered(1) + "\r\n\n" + numbered(2), status: 202, events: 2},
		{name: "an event without a context", text: bare(numbered(1)) + "\n\n" + numbered(2), status: 202, events: 2, code: "missing_field", pointer: "/2/@context"},
		{name: "a faulty event", text: header + "\n" + swap(numbered(1), "OBSERVE", "LOOK"), status: 202, events: 1, code: "unknown_word", pointer: "/1/action"},
		{name: "a document in a later line", text: header + "\n" + numbered(1) + "\n" + header, status: 202, events: 2, code: "unknown_type", pointer: "/2/type"},
		{name: "a header with events", text: document(inDocument), status: 400, code: "unknown_field", pointer: "/0/epcisBody"},
		{name: "a header with a fault", text: swap(header, "2.0\"", "zwei\"") + "\n" + numbered(1), status: 400, pointer: "/0/schemaVersion"},
		{name: "a header and no events", text: header + "\n\n", status: 400, code: "empty_list"},
		{name: "nothing", text: "\n", status: 400, code: "empty_list"},
		{name: "a line that breaks off", text: header + "\n" + numbered(1) + "\n" + numbered(2)[:50], status: 400, code: "malformed_json", pointer: "/2/eventTime", line: 3},
		{name: "two events in a line", text: header + "\n" + numbered(1) + numbered(2) + "\n", status: 400, code: "malformed_json", pointer: "/1", line: 2},
		{name: "an event over two lines", text: header + "\n" + swap(numbered(1), ",", ",\n"), status: 400, code: "malformed_json", line: 2},
		{name: "a line that is too long", text: header + "\n" + strings.Repeat(" ", intake.MaxEvent+1) + numbered(1), status: 413, code: "too_large", pointer: "/1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			a := f.do(request{path: "/epcis/v2/capture", body: c.text, header: map[string]string{"Content-Type": "application/x-ndjson", "GS1-Capture-Error-Behaviour": "proceed"}})
			require.Equal(t, c.status, a.status, a.body)
			if c.status != http.StatusAccepted {
				p := a.problem(t)
				require.NotEmpty(t, p.Problems, a.body)
				if c.code != "" {
					assert.Equal(t, c.code, p.Problems[0].Code, a.body)
				}
				if c.pointer != "" {
					assert.Equal(t, c.pointer, p.Problems[0].Pointer, a.body)
				}
				assert.Equal(t, c.line, p.Problems[0].Line, a.body)
				f.nothingTaken()
				return
			}
			var job struct{ Results []resultView }
			f.do(request{path: a.header.Get("Location")}).json(t, &job)
			require.Len(t, job.Results, c.events)
			last := job.Results[c.events-1]
			if c.code == "" {
				assert.Equal(t, "pending", last.State)
				return
			}
			require.Equal(t, "rejected", last.State)
			assert.Equal(t, c.code, last.Problems[0].Code)
			assert.Equal(t, c.pointer, last.Problems[0].Pointer)
		})
	}
}

func zipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func zstandard(t testing.TB, text string, options ...zstd.EOption) string {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, options...)
	require.NoError(t, err)
	_, err = io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestCompressedBodies(t *testing.T) {
	f := newFixture(t)
	doc := document(numberedTo(500)...)
	bomb := document(inDocument)
	bomb = bomb[:len(bomb)-1] + strings.Repeat(" ", 3<<20) + "}"
	wide := zstandard(t, strings.Repeat(doc, 200), zstd.WithWindowSize(64<<20))
	for _, c := range []struct {
		name, path, body, encoding string
		status                     int
	}{
		{"gzip", "/epcis/v2/capture", zipped(t, doc), "gzip", 202},
		{"gzip in two members", "/epcis/v2/capture", zipped(t, doc[:1000]) + zipped(t, doc[1000:]), "gzip", 202},
		{"gzip in capitals", "/epcis/v2/capture", zipped(t, doc), "GZIP", 202},
		{"zstd", "/epcis/v2/capture", zstandard(t, doc), "zstd", 202},
		{"nothing at all", "/epcis/v2/capture", doc, "identity", 202},
		{"gzip on another route", "/v1/artifacts", zipped(t, `{}`), "gzip", 400},
		{"two encodings", "/epcis/v2/capture", zipped(t, doc), "gzip, zstd", 415},
		{"gzip that is none", "/epcis/v2/capture", doc, "gzip", 400},
		{"zstd that is none", "/epcis/v2/capture", doc, "zstd", 400},
		{"gzip that breaks off", "/epcis/v2/capture", zipped(t, doc)[:500], "gzip", 400},
		{"gzip with a wrong checksum", "/epcis/v2/capture", zipped(t, doc)[:len(zipped(t, doc))-8] + "12345678", "gzip", 400},
		{"zstd that breaks off", "/epcis/v2/capture", zstandard(t, doc)[:500], "zstd", 400},
		{"zstd with a great window", "/epcis/v2/capture", wide, "zstd", 413},
		{"a bomb in gzip", "/v1/artifacts", zipped(t, strings.Repeat(" ", 64<<20)), "gzip", 413},
		{"a bomb in zstd", "/v1/artifacts", zstandard(t, strings.Repeat(" ", 64<<20)), "zstd", 413},
		{"much white space", "/epcis/v2/capture", zipped(t, bomb), "gzip", 202},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.do(request{path: c.path, body: c.body, header: map[string]string{"Content-Encoding": c.encoding}})
			require.Equal(t, c.status, a.status, a.body)
			if c.status >= 400 {
				a.problem(t)
			}
			if c.status == http.StatusUnsupportedMediaType {
				assert.Equal(t, "gzip, zstd", a.header.Get("Accept-Encoding"))
			}
		})
	}
}

func TestAnUploadThatBreaksOffLeavesNothing(t *testing.T) {
	for _, behaviour := range []string{"proceed", "rollback"} {
		t.Run(behaviour, func(t *testing.T) {
			f := newFixture(t, capture.Config{BatchRecords: 50})
			doc := document(numberedTo(1900)...)
			conn, err := net.Dial("tcp", f.http.Listener.Addr().String())
			require.NoError(t, err)
			_, err = fmt.Fprintf(conn, "POST /epcis/v2/capture HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer submitter-token\r\nContent-Type: application/json\r\n"+
				"GS1-Capture-Error-Behaviour: %s\r\nContent-Length: %d\r\n\r\n%s", behaviour, len(doc), doc[:len(doc)-1])
			require.NoError(t, err)
			require.Eventually(t, func() bool { return f.queue.Stats().Records > 1000 }, 10*time.Second, time.Millisecond, "the events go into the queue as they come")
			jobs, _, err := f.queue.Jobs(t.Context(), "", "", 10)
			require.NoError(t, err)
			assert.Empty(t, jobs, "nothing counts yet")
			require.NoError(t, conn.Close())
			f.nothingTaken()

			require.NoError(t, f.queue.Close())
			again, err := capture.Open(capture.Config{Folder: f.folder, Identity: f.callers.Identity, Logger: f.server.Logger})
			require.NoError(t, err)
			assert.Zero(t, again.Stats())
			require.NoError(t, again.Close())
		})
	}
}

func TestAFullQueueIsToldBeforeTheBodyIsSent(t *testing.T) {
	f := newFixture(t, capture.Config{QueuedRecords: 10, QueuedBytes: 1 << 20})
	send := func(length int64) (status int, header http.Header) {
		reader, writer := io.Pipe() // nothing is ever written
		defer writer.Close()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.http.URL+"/epcis/v2/capture", reader)
		require.NoError(t, err)
		req.ContentLength = length
		req.Header.Set("Authorization", "Bearer submitter-token")
		req.Header.Set("Content-Type", "application/json")
		response, err := f.http.Client().Do(req)
		require.NoError(t, err)
		defer response.Body.Close()
		return response.StatusCode, response.Header
	}
	require.Equal(t, http.StatusAccepted, f.do(request{path: "/epcis/v2/capture", body: document(numberedTo(5)...)}).status)
	status, header := send(1 << 20)
	assert.Equal(t, http.StatusTooManyRequests, status, "so many bytes don't fit beside what is there")
	assert.NotEmpty(t, header.Get("Retry-After"))

	a := f.do(request{path: "/epcis/v2/capture", body: document(numberedTo(20)[10:]...), header: proceed})
	assert.Equal(t, http.StatusTooManyRequests, a.status, "it fills up on the way")
	assert.NotEmpty(t, a.header.Get("Retry-After"))
	require.Eventually(t, func() bool { return f.queue.Stats().Records == 5 }, 10*time.Second, time.Millisecond, "what didn't fit as a whole isn't there in part")

	require.Equal(t, http.StatusAccepted, f.do(request{path: "/epcis/v2/capture", body: document(numberedTo(6)[5:]...)}).status)
	status, header = send(-1)
	assert.Equal(t, http.StatusTooManyRequests, status, "the rest is for other tokens")
	assert.NotEmpty(t, header.Get("Retry-After"))
}

// crate is an event of a usual size, some 700 bytes.
func crate(n int) string {
	epcs := make([]string, 12)
	for i := range epcs {
		epcs[i] = fmt.Sprintf(`"urn:epc:id:sgtin:952005.0101010.N%dx%d"`, n, i)
	}
	return swap(inDocument, `"urn:epc:id:sgtin:952005.0101010.S1"`, strings.Join(epcs, ","))
}

// documentOf streams a document of so many bytes at least, and tells how many events it has.
func documentOf(size int, each func(sent int)) (io.Reader, func() int) {
	reader, writer := io.Pipe()
	n := 0
	go func() {
		whole := document("#")
		head, tail, _ := strings.Cut(whole, "#")
		sent, separator := 0, ""
		_, err := io.WriteString(writer, head)
		for ; err == nil && sent < size; n++ {
			var block bytes.Buffer
			block.WriteString(separator)
			block.WriteString(crate(n))
			separator = ",\n"
			var wrote int
			wrote, err = writer.Write(block.Bytes())
			if sent += wrote; n%2000 == 0 {
				each(sent)
			}
		}
		if err == nil {
			_, err = io.WriteString(writer, tail)
		}
		writer.CloseWithError(err)
	}()
	return reader, func() int { return n }
}

func (f *fixture) post(body io.Reader) answer {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.http.URL+"/epcis/v2/capture", body)
	require.NoError(f.t, err)
	req.Header.Set("Authorization", "Bearer submitter-token")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("GS1-Capture-Error-Behaviour", "proceed")
	response, err := f.http.Client().Do(req)
	require.NoError(f.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(f.t, err)
	return answer{response.StatusCode, response.Header, string(text)}
}

func TestABigDocumentTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("sends a document of 100 MB")
	}
	f := newFixture(t)
	const size, most = 100 << 20, 200 << 20
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	peak := uint64(0)
	body, count := documentOf(size, func(int) {
		runtime.ReadMemStats(&now)
		peak = max(peak, now.HeapInuse)
	})
	a := f.post(body)
	require.Equal(t, http.StatusAccepted, a.status, a.body)
	var job jobView
	require.NoError(t, json.Unmarshal([]byte(a.body), &job))
	require.Equal(t, count(), job.Counts.Total)
	require.Zero(t, job.Counts.Rejected)
	runtime.GC()
	runtime.ReadMemStats(&now)
	t.Logf("%d events in %d MB: a peak of %d MB, of which the queue keeps %d MB", count(), size>>20, (peak-before.HeapInuse)>>20, (now.HeapInuse-before.HeapInuse)>>20)
	require.Less(t, peak-before.HeapInuse, uint64(most), "bytes of heap while a document of %d bytes is read", size)
}

func TestLimitsOfItemsFitARecord(t *testing.T) {
	require.Greater(t, intake.MaxEvent, canonical.DefaultBytes, "a record of the greatest size may be spaced out in its document")
}
