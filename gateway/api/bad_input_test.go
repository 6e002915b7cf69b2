package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// event is a good event; replaced parts make it a bad one.
const goodEvent = `{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld","type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE","epcList":["urn:epc:id:sgtin:952005.0101010.S1"]}`

const goodArtifact = `{"kind":"dataset","namespace":"lab","name":"readings","version":"2","digest":{"algorithm":"sha-256","value":"4b28ea87d3e8ed71f0ba2cbc83ba8d5d3a4e66a1f56bb1d0c11be4ab8d1ea0d1","coverage":"full"}}`

func document(events ...string) string {
	return `{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld","type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T09:00:00Z","epcisBody":{"eventList":[` + strings.Join(events, ",") + `]}}`
}

// inDocument is a good event as it stands in a document.
var inDocument = strings.Replace(goodEvent,
	`"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",`, "", 1)

func swap(s, old, new string) string {
	if !strings.Contains(s, old) {
		panic("nothing to replace: " + old)
	}
	return strings.Replace(s, old, new, 1)
}

func TestBadInputIsRefusedWithItsPlaceAndNothingIsTaken(t *testing.T) {
	f := newFixture(t)
	f.story()
	for _, c := range []struct {
		name, path, body string
		status           int
		code             string // of the first reason
		pointer          string
		line             int
	}{
		{name: "no JSON at all", path: "/v1/artifacts", body: "kind: dataset", status: 400, code: "malformed_json", line: 1},
		{name: "JSON that breaks off in the second line", path: "/v1/artifacts", body: "{\"kind\":\n\"dataset\"", status: 400, code: "malformed_json", line: 2},
		{name: "something after the JSON", path: "/v1/artifacts", body: goodArtifact + "{}", status: 400, code: "malformed_json", line: 1},
		{name: "a name twice in an object", path: "/v1/artifacts", body: swap(goodArtifact, `"kind":"dataset"`, `"kind":"dataset","kind":"model"`), status: 400, code: "malformed_json", line: 1},
		{name: "invalid UTF-8", path: "/v1/artifacts", body: swap(goodArtifact, "readings", "read\xffings"), status: 400, code: "malformed_json", line: 1},
		{name: "a lone surrogate", path: "/v1/artifacts", body: swap(goodArtifact, "readings", `read\ud800ings`), status: 400, code: "malformed_json", line: 1},
		{name: "a number that no double holds", path: "/v1/artifacts", body: swap(goodArtifact, `"version":"2"`, `"version":"2","size":12345678901234567890.5`), status: 400, code: "malformed_json", line: 1},
		{name: "deep nesting", path: "/v1/artifacts", body: swap(goodArtifact, `"version":"2"`, `"version":"2","metadata":`+strings.Repeat(`{"a":`, 5000)+`1`+strings.Repeat(`}`, 5000)), status: 400, code: "malformed_json", line: 1},
		{name: "deep nesting in a document", path: "/epcis/v2/capture", body: strings.Repeat("[", 100_000), status: 400, code: "malformed_json", line: 1},
		{name: "an array instead of an object", path: "/v1/artifacts", body: "[]", status: 400, code: "wrong_type"},
		{name: "a number instead of a string", path: "/v1/artifacts", body: swap(goodArtifact, `"version":"2"`, `"version":2`), status: 400, code: "wrong_type", pointer: "/version"},
		{name: "an unknown member", path: "/v1/artifacts", body: swap(goodArtifact, `"version":"2"`, `"version":"2","colour":"red"`), status: 400, code: "unknown_field", pointer: "/colour"},
		{name: "a digest that is too short", path: "/v1/artifacts", body: swap(goodArtifact, "4b28ea87", "4b28"), status: 400, code: "bad_value", pointer: "/digest/value"},
		{name: "a missing member", path: "/v1/artifacts", body: `{"kind":"dataset","namespace":"lab","name":"x","version":"1"}`, status: 400, code: "missing_field", pointer: "/digest"},
		{name: "a name with a NUL", path: "/v1/artifacts", body: swap(goodArtifact, "readings", `read\u0000ings`), status: 400, code: "bad_value", pointer: "/name"},
		{name: "a name that climbs out", path: "/v1/artifacts", body: swap(goodArtifact, "readings", `../../etc/passwd`), status: 400, code: "bad_value", pointer: "/name"},
		{name: "a source that isn't there", path: "/v1/artifacts", body: swap(goodArtifact, `"version":"2"`, `"version":"2","derivedFrom":["dataset/lab/readings@1","dataset/lab/nothing@1"]`), status: 422, code: "unknown_reference", pointer: "/derivedFrom/1"},
		{name: "a source that is no reference", path: "/v1/artifacts", body: swap(goodArtifact, `"version":"2"`, `"version":"2","derivedFrom":["readings"]`), status: 400, code: "bad_value", pointer: "/derivedFrom/0"},
		{name: "a huge list", path: "/v1/artifacts", body: swap(goodArtifact, `"version":"2"`, `"version":"2","derivedFrom":[`+strings.Repeat(`"dataset/lab/readings@1",`, 10_000)+`"dataset/lab/readings@1"]`), status: 400, code: "too_many", pointer: "/derivedFrom"},

		{name: "an unknown event type", path: "/epcis/v2/events", body: swap(goodEvent, "ObjectEvent", "QuantityEvent"), status: 400, code: "unknown_type", pointer: "/type"},
		{name: "a time that never was", path: "/epcis/v2/events", body: swap(goodEvent, "2026-03-01T08", "2026-02-30T08"), status: 400, code: "bad_time", pointer: "/eventTime"},
		{name: "an impossible offset", path: "/epcis/v2/events", body: swap(goodEvent, "+00:00", "+99:00"), status: 400, code: "bad_offset", pointer: "/eventTimeZoneOffset"},
		{name: "an unknown business step", path: "/epcis/v2/events", body: swap(goodEvent, `"action"`, `"bizStep":"teleporting","action"`), status: 400, code: "unknown_word", pointer: "/bizStep"},
		{name: "two events where one belongs", path: "/epcis/v2/events", body: document(inDocument, swap(inDocument, "S1", "S2")), status: 400},

		{name: "a document without events", path: "/epcis/v2/capture", body: document(), status: 400},
		{name: "a document of no known type", path: "/epcis/v2/capture", body: `{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld","type":"Invoice"}`, status: 400, code: "unknown_type", pointer: "/type"},
		{name: "the third event of a document", path: "/epcis/v2/capture", body: document(inDocument, swap(inDocument, "S1", "S2"), swap(inDocument, `"OBSERVE"`, `"LOOK"`)), status: 400, code: "unknown_word", pointer: "/epcisBody/eventList/2/action"},
		{name: "an eventID twice in a document", path: "/epcis/v2/capture", body: document(swap(inDocument, `"action"`, `"eventID":"urn:uuid:8f3b9a52-93ef-4d3f-8d4c-111111111111","action"`), swap(swap(inDocument, "S1", "S2"), `"action"`, `"eventID":"urn:uuid:8f3b9a52-93ef-4d3f-8d4c-111111111111","action"`)), status: 400, code: "duplicate_event_id", pointer: "/epcisBody/eventList/1/eventID"},

		{name: "a run that uses what isn't there", path: "/v1/activities", body: `{"type":"training","used":[{"ref":"dataset/lab/readings@1"},{"ref":"dataset/lab/readings@9"}]}`, status: 422, code: "unknown_reference", pointer: "/used/1/ref"},
		{name: "a run that ends before it starts", path: "/v1/activities", body: `{"type":"training","startedAt":"2026-03-02T08:00:00Z","endedAt":"2026-03-01T08:00:00Z","used":[{"ref":"dataset/lab/readings@1"}]}`, status: 400, code: "bad_time", pointer: "/endedAt"},
		{name: "a generated artifact that is wrong", path: "/v1/activities", body: `{"type":"training","used":[{"ref":"dataset/lab/readings@1"}],"generated":[{"artifact":` + swap(goodArtifact, `"dataset"`, `"data set"`) + `}]}`, status: 400, code: "bad_value", pointer: "/generated/0/artifact/kind"},
		{name: "a generated artifact of another name", path: "/v1/activities", body: `{"type":"training","used":[{"ref":"dataset/lab/readings@1"}],"generated":[{"ref":"model/lab/x@1","artifact":` + goodArtifact + `}]}`, status: 400, code: "bad_value", pointer: "/generated/0/ref"},
		{name: "a decision about what nobody has seen", path: "/v1/activities", body: `{"type":"inference","used":[{"ref":"dataset/lab/readings@1"}],"about":["urn:epc:id:sgtin:952005.0101010.S9"]}`, status: 422, code: "unknown_reference", pointer: "/about/0"},
		{name: "a statement of no known kind", path: "/v1/statements", body: `{"kind":"gossip","subject":["dataset/lab/readings@1"]}`, status: 400, code: "bad_value", pointer: "/kind"},
		{name: "a statement about nothing", path: "/v1/statements", body: `{"kind":"finding","subject":[],"predicate":{"detail":"x"}}`, status: 400, code: "empty", pointer: "/subject"},
		{name: "a statement about what isn't there", path: "/v1/statements", body: `{"kind":"finding","subject":["model/lab/nothing@1"],"predicate":{"detail":"x"}}`, status: 422, code: "unknown_reference", pointer: "/subject/0/name"},
		{name: "a statement with another digest", path: "/v1/statements", body: `{"kind":"finding","subject":[{"name":"urn:epc:id:sgtin:952005.0101010.S1","digest":{"sha256":"` + strings.Repeat("0", 64) + `"}}],"predicate":{"detail":"x"}}`, status: 422, code: "wrong_digest", pointer: "/subject/0/digest/sha256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.do(request{path: c.path, body: c.body})
			assert.Equal(t, c.status, a.status, a.body)
			p := a.problem(t)
			if c.code == "" {
				return
			}
			require.NotEmpty(t, p.Problems, a.body)
			assert.Equal(t, c.code, p.Problems[0].Code, a.body)
			assert.Equal(t, c.line, p.Problems[0].Line, a.body)
			if c.line == 0 {
				assert.Equal(t, c.pointer, p.Problems[0].Pointer, a.body)
			}
			if strings.HasPrefix(c.path, "/epcis/") {
				assert.Equal(t, "epcisException:ValidationException", p.Type)
			} else {
				assert.True(t, strings.HasPrefix(p.Type, "/problems/"), p.Type)
			}
		})
	}
	assert.Zero(t, f.queued(), "nothing was taken")
}

func TestTheIndexOfABadEventIsTold(t *testing.T) {
	f := newFixture(t)
	p := f.do(request{path: "/epcis/v2/capture",
		body: document(inDocument, swap(inDocument, `"epcList"`, `"epcLists"`))}).problem(t)
	require.NotEmpty(t, p.Problems)
	require.NotNil(t, p.Problems[0].Index)
	assert.Equal(t, 1, *p.Problems[0].Index)
}

func TestProceedKeepsTheGoodEventsAndReportsTheBad(t *testing.T) {
	f := newFixture(t)
	a := f.do(request{
		path: "/epcis/v2/capture", body: document(inDocument, swap(inDocument, "2026-03-01T08", "2026-02-30T08"),
			inDocument, swap(inDocument, "S1", "S2")),
		header: map[string]string{"GS1-Capture-Error-Behaviour": "proceed"},
	})
	require.Equal(t, http.StatusAccepted, a.status, a.body)
	job := f.do(request{path: a.header.Get("Location")})
	require.Equal(t, http.StatusOK, job.status)
	var view struct {
		Running bool
		Success bool
		Counts  struct{ Total, Rejected, Pending int }
		Errors  []struct {
			Type   string
			Status int
		}
		Results []struct {
			Index    int
			State    string
			Problems []problem.Reason
		}
	}
	job.json(t, &view)
	assert.True(t, view.Running)
	assert.False(t, view.Success)
	assert.Equal(t, 4, view.Counts.Total)
	assert.Equal(t, 1, view.Counts.Rejected)
	assert.Equal(t, 3, view.Counts.Pending)
	require.Len(t, view.Results, 4)
	states := []string{}
	for _, r := range view.Results {
		states = append(states, r.State)
	}
	assert.Equal(t, []string{"pending", "rejected", "pending", "pending"}, states)
	assert.Equal(t, "bad_time", view.Results[1].Problems[0].Code)
	assert.Equal(t, "/epcisBody/eventList/1/eventTime", view.Results[1].Problems[0].Pointer)
	require.Len(t, view.Errors, 1)
	assert.Equal(t, "epcisException:ValidationException", view.Errors[0].Type)

	var rejected struct{ Results []struct{ Index int } }
	f.do(request{path: a.header.Get("Location") + "?results=rejected"}).json(t, &rejected)
	require.Len(t, rejected.Results, 1)

	page := f.do(request{path: a.header.Get("Location") + "?perPage=3"})
	assert.Contains(t, page.header.Get("Link"), `rel="next"`)
	next := strings.TrimPrefix(strings.Split(page.header.Get("Link"), ">")[0], "<")
	var rest struct{ Results []struct{ Index int } }
	f.do(request{path: next}).json(t, &rest)
	require.Len(t, rest.Results, 1)
	assert.Equal(t, 3, rest.Results[0].Index)
}

func TestLargeThingsAreRefused(t *testing.T) {
	f := newFixture(t)
	t.Run("a body that announces too much", func(t *testing.T) {
		a := f.do(request{path: "/v1/artifacts", body: swap(goodArtifact, `"version":"2"`,
			`"version":"2","description":"`+strings.Repeat("x", 2<<20)+`"`)})
		assert.Equal(t, http.StatusRequestEntityTooLarge, a.status, a.body)
		assert.Equal(t, "too_large", a.problem(t).Code)
	})
	t.Run("a body that doesn't say how long it is", func(t *testing.T) {
		req, err := http.NewRequest(http.MethodPost, f.http.URL+"/v1/members",
			struct{ *strings.Reader }{strings.NewReader(strings.Repeat(" ", 70_000))})
		require.NoError(t, err)
		req.ContentLength = -1
		req.Header.Set("Authorization", "Bearer operator-token")
		req.Header.Set("Content-Type", "application/json")
		response, err := f.http.Client().Do(req)
		require.NoError(t, err)
		defer response.Body.Close()
		assert.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
	})
	t.Run("too many events", func(t *testing.T) {
		f := newFixture(t, capture.Config{QueuedRecords: 1000})
		events := strings.Split(strings.Repeat("{} ", 1001), " ")[:1001]
		a := f.do(request{path: "/epcis/v2/capture", body: document(events...), header: proceed})
		assert.Equal(t, "1000", a.header.Get("GS1-EPCIS-Capture-Limit"))
		p := a.problem(t)
		assert.Equal(t, "epcisException:CaptureLimitExceededException", p.Type)
		assert.Contains(t, p.Detail, "1000 events")
		assert.Zero(t, f.queued())
		assert.Equal(t, http.StatusRequestEntityTooLarge, p.Status)
	})
	t.Run("more events than one transaction holds", func(t *testing.T) {
		events := make([]string, 2001)
		for i := range events {
			events[i] = swap(inDocument, "S1", fmt.Sprintf("T%d", i))
		}
		p := f.do(request{path: "/epcis/v2/capture", body: document(events...)}).problem(t)
		assert.Equal(t, http.StatusRequestEntityTooLarge, p.Status)
		assert.Contains(t, p.Detail, "proceed")
		assert.Zero(t, f.queued())
	})
	t.Run("an address that is too long", func(t *testing.T) {
		p := f.do(request{path: "/epcis/v2/events?EQ_eventID=" + strings.Repeat("x", 40_000)}).problem(t)
		assert.Equal(t, http.StatusRequestURITooLong, p.Status)
		assert.Equal(t, "epcisException:URITooLongException", p.Type)
	})
	t.Run("too many values", func(t *testing.T) {
		p := f.do(request{path: "/epcis/v2/events?EQ_eventID=" + strings.Repeat("x%7C", 200) + "x"}).problem(t)
		assert.Equal(t, http.StatusBadRequest, p.Status)
		assert.Equal(t, "EQ_eventID", p.Problems[0].Parameter)
	})
}

func TestBadParametersAreRefusedByName(t *testing.T) {
	f := newFixture(t)
	f.story()
	for _, c := range []struct{ name, path, parameter string }{
		{"an unknown parameter", "/epcis/v2/events?EQ_colour=red", "EQ_colour"},
		{"a misspelt parameter", "/v1/records?nuon=event", "nuon"},
		{"a parameter that stands twice", "/v1/records?noun=event&noun=member", "noun"},
		{"a value that isn't one of those there are", "/v1/records?noun=fish", "noun"},
		{"an empty value", "/v1/records?noun=", "noun"},
		{"an empty value in a list", "/epcis/v2/events?EQ_bizStep=shipping%7C%7Creceiving", "EQ_bizStep"},
		{"a number that is none", "/v1/records?fromBlock=many", "fromBlock"},
		{"a negative number", "/v1/records?at=-1", "at"},
		{"a number beyond all blocks", "/v1/records?at=99999999999999999999", "at"},
		{"a block that isn't there yet", "/v1/records?at=1000", "at"},
		{"a page of no items", "/v1/records?pageSize=0", "pageSize"},
		{"a page token of nobody's", "/v1/records?pageToken=AAAA", "pageToken"},
		{"a page token of another list", "/v1/members?pageToken=!!", "pageToken"},
		{"a page token of EPCIS of nobody's", "/epcis/v2/events?nextPageToken=AAAA", "nextPageToken"},
		{"a token for the jobs of nobody's", "/epcis/v2/capture?nextPageToken=%21%21", "nextPageToken"},
		{"a time that is none", "/epcis/v2/events?GE_eventTime=yesterday", "GE_eventTime"},
		{"an unknown event type", "/epcis/v2/events?eventType=QuantityEvent", "eventType"},
		{"an unknown action", "/epcis/v2/events?EQ_action=LOOK", "EQ_action"},
		{"a wildcard in the middle", "/epcis/v2/events?MATCH_epc=urn:epc:idpat:sgtin:952005.*.S1", "MATCH_epc"},
		{"a missing node", "/v1/lineage", "node"},
		{"a node that is none", "/v1/lineage?node=salmon", "node"},
		{"a node nobody has recorded", "/v1/lineage?node=urn:epc:id:sgtin:952005.0101010.S9", "node"},
		{"a format that there is none of", "/v1/lineage?node=dataset/lab/readings@1&format=spdx", "format"},
		{"a record id that is none", "/v1/records/abc", "id"},
		{"invalid UTF-8", "/v1/lineage?node=%ff%fe", "node"},
		{"a NUL", "/v1/statements?about=a%00b", "about"},
		{"a line feed", "/v1/artifacts?name=a%0Ab", "name"},
		{"a value that is too long", "/v1/artifacts?name=" + strings.Repeat("a", 200), "name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.do(request{path: c.path})
			p := a.problem(t)
			assert.Contains(t, []int{http.StatusBadRequest, http.StatusNotFound}, a.status, a.body)
			require.NotEmpty(t, p.Problems, a.body)
			assert.Equal(t, c.parameter, p.Problems[0].Parameter, a.body)
			if strings.HasPrefix(c.path, "/epcis/") {
				assert.Equal(t, "epcisException:QueryParameterException", p.Type)
			}
		})
	}
}

// hostile are strings that have broken other programs.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' OR 1=1 --`, `"; DROP TABLE node; --`,
	`../../../etc/passwd`, `%2e%2e%2f`,
	`{{.}}`, `${jndi:ldap://x}`, "\u202eright to left", "İstanbul ſ K", "🐟\U000E0001", strings.Repeat("a", 5000), `\`,
	`%`, `*`, `|`, "a\u0000b", "\xff\xfe", `ni:///sha-256;`, `javascript:alert(1)`,
}

func TestHostileStringsAreOnlyText(t *testing.T) {
	f := newFixture(t)
	f.story()
	for _, s := range hostile {
		q, p := url.QueryEscape(s), url.PathEscape(s)
		for _, path := range []string{
			"/v1/lineage?node=" + q, "/v1/impact?node=" + q, "/v1/statements?about=" + q, "/v1/artifacts?name=" + q,
			"/v1/records?org=" + q, "/v1/records/" + p,
			"/v1/artifacts/dataset/" + p + "/x/1", "/v1/artifacts/" + p + "/lab/x", "/v1/activities/" + p,
			"/epcis/v2/events/" + p, "/epcis/v2/capture/" + p,
			"/epcis/v2/events?EQ_eventID=" + q, "/epcis/v2/events?MATCH_anyEPC=" + q,
			"/epcis/v2/events?EQ_bizTransaction_" + q + "=x", "/epcis/v2/events?" + q + "=x",
			"/01/09520051012017/10/" + p, "/01/" + p, "/problems/" + p, "/assets/" + p, "/" + p,
			"/v1/records?pageToken=" + q,
		} {
			a := f.do(request{path: path, header: map[string]string{"Accept": "*/*"}})
			assert.Less(t, a.status, 500, "%q: %s", path, a.body)
			if a.header.Get("Content-Type") == "text/html; charset=utf-8" {
				assert.NotContains(t, a.body, "<script>", path)
				assert.NotContains(t, a.body, "<img", path)
			} else if a.status >= 400 {
				a.problem(t)
			}
		}
		name, err := json.Marshal(s)
		require.NoError(t, err)
		for _, post := range []struct{ path, body string }{
			{"/v1/artifacts", swap(goodArtifact, `"readings"`, string(name))},
			{"/v1/statements", `{"kind":` + string(name) + `,"subject":[` + string(name) + `]}`},
			{"/epcis/v2/events", swap(goodEvent, `"urn:epc:id:sgtin:952005.0101010.S1"`, string(name))},
		} {
			a := f.do(request{path: post.path, body: post.body})
			assert.Contains(t, []int{400, 422, 503, 504}, a.status, "%q: %s", s, a.body)
			a.problem(t)
		}
	}
	assert.NotContains(t, f.log.String(), "level=ERROR msg=\"a handler panicked\"")
	assert.NotContains(t, f.log.String(), "-token", "no token is ever logged")
}

func TestMediaTypes(t *testing.T) {
	f := newFixture(t)
	f.story()
	for _, c := range []struct {
		name   string
		r      request
		status int
		kind   string // of the answer
	}{
		{"a form", request{path: "/v1/artifacts", body: "kind=dataset", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, 415, "application/problem+json"},
		{"no type", request{path: "/v1/artifacts", body: goodArtifact, header: map[string]string{"Content-Type": ""}}, 415, "application/problem+json"},
		{"XML for capture", request{path: "/epcis/v2/capture", body: "<epcis/>", header: map[string]string{"Content-Type": "application/xml"}}, 415, "application/problem+json"},
		{"another charset", request{path: "/v1/artifacts", body: goodArtifact, header: map[string]string{"Content-Type": "application/json; charset=latin1"}}, 415, "application/problem+json"},
		{"compressed with something rare", request{path: "/v1/artifacts", body: goodArtifact, header: map[string]string{"Content-Encoding": "br"}}, 415, "application/problem+json"},
		{"JSON-LD for capture", request{path: "/epcis/v2/capture", body: document(inDocument), header: map[string]string{"Content-Type": "application/ld+json"}}, 202, "application/json"},
		{"an answer in XML", request{path: "/epcis/v2/events", header: map[string]string{"Accept": "application/xml"}}, 406, "application/problem+json"},
		{"an answer in anything but JSON", request{path: "/v1/records", header: map[string]string{"Accept": "application/json;q=0, text/html"}}, 406, "application/problem+json"},
		{"an answer in JSON-LD", request{path: "/epcis/v2/events", header: map[string]string{"Accept": "application/ld+json"}}, 200, "application/ld+json"},
		{"lineage as CSV", request{path: "/v1/lineage?node=dataset/lab/readings@1", header: map[string]string{"Accept": "text/csv"}}, 200, "text/csv; charset=utf-8"},
		{"lineage as a picture's source", request{path: "/v1/lineage?node=dataset/lab/readings@1&format=dot"}, 200, "text/vnd.graphviz; charset=utf-8"},
		{"lineage as PROV", request{path: "/v1/lineage?node=dataset/lab/readings@1&format=prov"}, 200, "application/prov+json"},
		{"identifiers in another form", request{path: "/epcis/v2/events", header: map[string]string{"GS1-EPC-Format": "Always_EPC_URN"}}, 406, "application/problem+json"},
		{"another version of EPCIS", request{path: "/epcis/v2/events", body: goodEvent, header: map[string]string{"GS1-EPCIS-Version": "1.2"}}, 400, "application/problem+json"},
		{"a behaviour that is none", request{path: "/epcis/v2/capture", body: document(inDocument), header: map[string]string{"GS1-Capture-Error-Behaviour": "maybe"}}, 400, "application/problem+json"},
		{"a page for a browser", request{path: "/01/09520051012017", header: map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}}, 200, "text/html; charset=utf-8"},
		{"a linkset for a machine", request{path: "/01/09520051012017", header: map[string]string{"Accept": "application/linkset+json"}}, 200, "application/linkset+json"},
		{"a linkset by parameter", request{path: "/01/09520051012017?linkType=linkset&17=261231", header: map[string]string{"Accept": "text/html"}}, 200, "application/linkset+json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.do(c.r)
			assert.Equal(t, c.status, a.status, a.body)
			assert.Equal(t, c.kind, a.header.Get("Content-Type"))
		})
	}
}
