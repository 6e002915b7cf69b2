package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lineageEvent is a good RunEvent; replaced parts make it a bad one.
const lineageEvent = `{"eventType":"START","eventTime":"2026-03-01T08:00:00Z","producer":"https://example.com/p","schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent","run":{"runId":"0195504c-4c00-7abc-8def-0123456789ab"},"job":{"namespace":"plant","name":"clean"},"inputs":[{"namespace":"s3","name":"a"}]}`

func TestLineageIsAnsweredAsMarquezDoes(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		name, query, body string
		role              string
		header            map[string]string
		status            int
		code, pointer     string // of the first reason, if it is a problem
	}{
		{name: "an event", body: lineageEvent, status: 201},
		{name: "the same again", body: lineageEvent, status: 201},
		{name: "an event in strict mode", query: "?mode=strict", body: lineageEvent, status: 201},
		{name: "an event that only lenient readers take", body: swap(lineageEvent, "https://example.com/p", "p"), status: 201},
		{name: "the same in strict mode", query: "?mode=strict", body: swap(lineageEvent, "https://example.com/p", "p"), status: 400, code: "bad_value", pointer: "/producer"},
		{name: "strict by a header", header: map[string]string{"Pedigree-OpenLineage-Mode": "strict"}, body: swap(lineageEvent, "https://example.com/p", "p"), status: 400, code: "bad_value", pointer: "/producer"},
		{name: "a charset as clients send it", header: map[string]string{"Content-Type": "application/json; charset=utf-8"}, body: lineageEvent, status: 201},
		{name: "no JSON", body: `{`, status: 400, code: "malformed_json"},
		{name: "no time", body: swap(lineageEvent, `"eventTime":"2026-03-01T08:00:00Z",`, ""), status: 400, code: "missing_field", pointer: "/eventTime"},
		{name: "a URL for a digest", body: swap(lineageEvent, `"name":"a"`, `"name":"a","facets":{"pedigree_digest":{"algorithm":"sha-256","value":"https://github.com/mlcommons/croissant/issues/80","coverage":"full"}}`), status: 400, code: "bad_value", pointer: "/inputs/0/facets/pedigree_digest/value"},
		{name: "a version that nobody knows", body: swap(lineageEvent, `"namespace":"s3","name":"a"`, `"namespace":"pedigree","name":"dataset/market/none"`), status: 422, code: "unknown_reference", pointer: "/inputs/0"},
		{name: "too many inputs", body: swap(lineageEvent, `"inputs":[`, `"inputs":[`+strings.Repeat(`{"namespace":"a","name":"b"},`, 10_000)), status: 400, code: "too_many", pointer: "/inputs"},
		{name: "more bytes than are read", body: swap(lineageEvent, `"name":"clean"`, `"name":"`+strings.Repeat("x", 8<<20)+`"`), status: 413},
		{name: "an unknown mode", query: "?mode=loose", body: lineageEvent, status: 400, code: "bad_parameter"},
		{name: "no token", role: "nobody", body: lineageEvent, status: 401},
		{name: "a token that reads", role: "auditor", body: lineageEvent, status: 403},
		{name: "another type", header: map[string]string{"Content-Type": "text/xml"}, body: lineageEvent, status: 415},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.do(request{path: "/api/v1/lineage" + c.query, body: c.body, role: c.role, header: c.header})
			require.Equal(t, c.status, a.status, a.body)
			if c.status < 400 {
				assert.Equal(t, "/v1/runs/0195504c-4c00-7abc-8def-0123456789ab", a.header.Get("Location"))
				return
			}
			p := a.problem(t)
			if c.code != "" {
				require.NotEmpty(t, p.Problems)
				assert.Equal(t, [2]string{c.code, c.pointer}, [2]string{p.Problems[0].Code, p.Problems[0].Pointer})
			}
		})
	}
	t.Run("an event of a kind that came later is given back", func(t *testing.T) {
		a := f.do(request{path: "/api/v1/lineage", body: `{"schemaURL": "https://example.com/#/$defs/FishEvent", "n": 1}`})
		assert.Equal(t, http.StatusOK, a.status)
		assert.Equal(t, `{"n":1,"schemaURL":"https://example.com/#/$defs/FishEvent"}`, a.body)
	})
	t.Run("what is no event is refused", func(t *testing.T) {
		p := f.do(request{path: "/api/v1/lineage", body: `{"events": [` + lineageEvent + `]}`}).problem(t)
		assert.Equal(t, http.StatusBadRequest, p.Status)
		assert.Equal(t, "unknown_event", p.Problems[0].Code)
	})
}

func TestABatchTellsWhichEventsWereNotTaken(t *testing.T) {
	f := newFixture(t)
	second := swap(lineageEvent, "0123456789ab", "0123456789ac")
	const later = `{"schemaURL":"https://example.com/#/$defs/FishEvent"}`
	a := f.do(request{path: "/api/v1/lineage/batch", body: "[" + lineageEvent + "," + second + "," + later + "]"})
	assert.Equal(t, http.StatusNoContent, a.status)
	assert.Empty(t, a.body)

	bad := swap(lineageEvent, `"job":{"namespace":"plant","name":"clean"},`, "")
	unknown := swap(lineageEvent, `"namespace":"s3","name":"a"`, `"namespace":"pedigree","name":"dataset/market/none"`)
	third := swap(lineageEvent, "0123456789ab", "0123456789ad")
	a = f.do(request{path: "/api/v1/lineage/batch", body: "[" + unknown + "," + bad + "," + third + "]"})
	require.Equal(t, http.StatusOK, a.status)
	assert.JSONEq(t, `{"status":"partial_success","summary":{"received":3,"successful":1,"failed":2,"retriable":0,"non_retriable":2},"failed_events":[
		{"index":0,"reason":"no version of dataset/market/none is on the ledger, as far as this gateway knows","retriable":false,"problems":[{"code":"unknown_reference","detail":"no version of dataset/market/none is on the ledger, as far as this gateway knows","pointer":"/inputs/0"}]},
		{"index":1,"reason":"job is required","retriable":false,"problems":[{"code":"missing_field","detail":"job is required","pointer":"/job"}]}]}`, a.body)
	a = f.do(request{path: "/api/v1/lineage/batch", body: "[" + third + `,{"fish":1}]`})
	require.Equal(t, http.StatusOK, a.status)
	assert.Contains(t, a.body, `"failed_events":[{"index":1,"reason":"the event has neither run and job`)
	for _, id := range []string{"ab", "ac", "ad"} {
		assert.Equal(t, http.StatusOK, f.do(request{path: "/v1/runs/0195504c-4c00-7abc-8def-0123456789" + id}).status)
	}

	lines := swap(lineageEvent, "0123456789ab", "0123456789ae") + "\n\n" + swap(lineageEvent, "0123456789ab",
		"0123456789af") + "\n"
	a = f.do(request{path: "/api/v1/lineage/batch", body: lines,
		header: map[string]string{"Content-Type": "application/x-ndjson"}})
	assert.Equal(t, http.StatusNoContent, a.status, a.body)
	a = f.do(request{path: "/api/v1/lineage/batch", body: lines + "{",
		header: map[string]string{"Content-Type": "application/x-ndjson"}})
	require.Equal(t, http.StatusOK, a.status, a.body)
	assert.Contains(t, a.body, `"failed_events":[{"index":2,`, "a line that is no JSON is that line's fault alone")
	assert.Contains(t, a.body, `line 4`)

	assert.Equal(t, http.StatusBadRequest, f.do(request{path: "/api/v1/lineage/batch", body: `{}`}).status)
	assert.Equal(t, http.StatusRequestEntityTooLarge,
		f.do(request{path: "/api/v1/lineage/batch", body: "[" + strings.Repeat("{},", maxBatch) + "{}]"}).status)
}

func TestAByteOrderMarkMeansNothing(t *testing.T) {
	f := newFixture(t)
	const mark = "\ufeff"
	assert.Equal(t, http.StatusCreated, f.do(request{path: "/api/v1/lineage", body: mark + lineageEvent}).status)
	assert.Equal(t, http.StatusNoContent,
		f.do(request{path: "/api/v1/lineage/batch", body: mark + "[" + lineageEvent + "]"}).status)
}

func TestOneBadEventTakesNoOtherWithIt(t *testing.T) {
	f := newFixture(t)
	numbered := func(n int) string { return swap(lineageEvent, "0123456789ab", fmt.Sprintf("%012d", n)) }
	twice := func(n int) string {
		return swap(numbered(n), `"run":{`, `"run":{"facets":{"processing_engine":{"version":"4.2.0"},"processing_engine":{"version":"4.2.1"}},`)
	}
	for i, c := range []struct{ name, query, event string }{
		{"a member twice, which only lenient readers take", "?mode=strict", twice(0)},
		{"a character that is none", "", swap(numbered(0), `"clean"`, "\"\xff\"")},
		{"more depth than an event has", "", swap(numbered(0), `"name":"clean"`, `"name":"clean","x":`+strings.Repeat("[", 64)+strings.Repeat("]", 64))},
		{"no object", "", "7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			good := i*10 + 1
			a := f.do(request{path: "/api/v1/lineage/batch" + c.query,
				body: "[" + c.event + "," + numbered(good) + "]"})
			require.Equal(t, http.StatusOK, a.status, a.body)
			assert.Contains(t, a.body, `"failed_events":[{"index":0,`)
			path := fmt.Sprintf("/v1/runs/0195504c-4c00-7abc-8def-%012d", good)
			assert.Equal(t, http.StatusOK, f.do(request{path: path}).status)
		})
	}
	a := f.do(request{path: "/api/v1/lineage/batch", body: "[" + twice(100) + "," + numbered(101) + "]"})
	assert.Equal(t, http.StatusNoContent, a.status, a.body)
	a = f.do(request{path: "/api/v1/lineage", body: twice(102)})
	assert.Equal(t, http.StatusCreated, a.status, a.body)
}

func TestRunsAreShownPageByPage(t *testing.T) {
	f := newFixture(t)
	for i := range 5 {
		a := f.do(request{path: "/api/v1/lineage", body: swap(lineageEvent, "0195504c-4c00-7abc-8def-0123456789ab",
			fmt.Sprint("run ", i, "/é"))})
		require.Equal(t, http.StatusCreated, a.status, a.body)
		assert.Equal(t, http.StatusOK, f.do(request{path: a.header.Get("Location")}).status, "any run id makes a path")
	}
	a := f.do(request{path: "/v1/runs?state=open&pageSize=3"})
	assert.Equal(t, 3, strings.Count(a.body, `"runId"`))
	_, rest, found := strings.Cut(a.body, `"nextPageToken":"`)
	require.True(t, found, a.body)
	a = f.do(request{path: "/v1/runs?state=open&pageSize=3&pageToken=" + rest[:strings.IndexByte(rest, '"')]})
	assert.Equal(t, 2, strings.Count(a.body, `"runId"`))
	assert.NotContains(t, a.body, "nextPageToken")
	assert.Equal(t, http.StatusBadRequest, f.do(request{path: "/v1/runs?pageToken=fish"}).status)
	assert.Equal(t, http.StatusBadRequest, f.do(request{path: "/v1/runs?state=lost"}).status)
	assert.Equal(t, http.StatusNotFound, f.do(request{path: "/v1/runs/none"}).status)
	a = f.do(request{path: "/v1/runs/" + "run%200%2F%C3%A9"})
	assert.Contains(t, a.body, `"inputs":[{"namespace":"s3","name":"a","ref":"dataset/lab/a-`)
}
