package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestARecordIsReadByItsIDInEachSpelling(t *testing.T) {
	f := newFixture(t)
	event, _ := f.story()
	digits := record.ID(event).Hex()
	for _, path := range []string{"/v1/records/" + url.PathEscape(event), "/v1/records/" + url.QueryEscape(event),
		"/v1/records/" + digits} {
		a := f.do(request{path: path})
		require.Equal(t, http.StatusOK, a.status, a.body)
		var v recordView
		a.json(t, &v)
		assert.Equal(t, event, v.ID)
		assert.Equal(t, record.NounEvent, v.Noun)
		require.Len(t, v.Recordings, 1)
		assert.Equal(t, "HarborMSP", v.Recordings[0].MSPID)
		assert.Equal(t, uint64(1), v.Recordings[0].Block)
		assert.Equal(t, `"`+event+`"`, a.header.Get("ETag"))
	}
	raw := f.do(request{path: "/v1/records/" + digits + "?format=raw"})
	sum := sha256.Sum256([]byte(raw.body))
	assert.Equal(t, digits, hex.EncodeToString(sum[:]), "the bytes are those of the id")
	assert.Contains(t, raw.header.Get("Cache-Control"), "immutable")
}

func TestARecordSaysWhoRecordedItAndWhatIsStatedAboutIt(t *testing.T) {
	f := newFixture(t)
	_, dataset := f.story()
	again := indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T09:00:00Z","action":"OBSERVE","epcList":["urn:epc:id:sgtin:952005.0101010.S1"]}`)
	f.ledger.Put("Harbor", again)
	f.ledger.Put("Market", again)
	f.ledger.Put("Lab", indextest.Statement(t, "finding", `{"detail":"off by half a degree"}`,
		"dataset/lab/readings@1"))
	var v recordView
	f.do(request{path: "/v1/records/" + url.PathEscape(string(again.ID))}).json(t, &v)
	require.Len(t, v.Recordings, 2)
	assert.Equal(t, "HarborMSP", v.Recordings[0].MSPID, "the first one first")
	assert.Equal(t, "MarketMSP", v.Recordings[1].MSPID)

	var d recordView
	f.do(request{path: "/v1/artifacts/dataset/lab/readings/1"}).json(t, &d)
	assert.Equal(t, dataset, d.ID)
	assert.Equal(t, "dataset/lab/readings@1", d.Ref)
	assert.Equal(t, []string{"finding"}, d.Status)
	require.Len(t, d.Statements, 1)
	assert.Equal(t, "LabMSP", d.Statements[0].MSPID)

	var then recordView
	f.do(request{path: "/v1/artifacts/dataset/lab/readings/1?at=2"}).json(t, &then)
	assert.Empty(t, then.Statements, "as it was at block 2")
}

func TestListsArePagedAtOneHeight(t *testing.T) {
	f := newFixture(t)
	for _, v := range []string{"1", "2", "3"} {
		f.ledger.Put("Lab", indextest.Artifact(t, "dataset/lab/readings@"+v))
	}
	var page, rest listView[recordView]
	f.do(request{path: "/v1/artifacts/dataset/lab/readings?pageSize=2"}).json(t, &page)
	require.Len(t, page.Items, 2)
	f.ledger.Put("Lab", indextest.Artifact(t, "dataset/lab/readings@4"))
	f.do(request{path: "/v1/artifacts/dataset/lab/readings?pageSize=2&pageToken=" + page.Next}).json(t, &rest)
	require.Len(t, rest.Items, 1, "what came meanwhile is not of this list")
	assert.Equal(t, page.Block, rest.Block)
	assert.Empty(t, rest.Next)
	assert.Equal(t, http.StatusNotFound, f.do(request{path: "/v1/artifacts/dataset/lab/others"}).status)
	other := f.do(request{path: "/v1/artifacts?pageToken=" + page.Next})
	assert.Equal(t, "pageToken", other.problem(t).Problems[0].Parameter, "a token is of one query only")
}

func TestMembersAndNamespacesArePagedToo(t *testing.T) {
	f := newFixture(t)
	for _, org := range []string{"Harbor", "Lab", "Market"} {
		f.ledger.Put(org, indextest.Member(t, `{"mspId":"`+org+`MSP","name":"`+org+`","namespaces":["`+
			strings.ToLower(org)+`"]}`))
	}
	for path, size := range map[string]int{"/v1/members": 3, "/v1/namespaces": 3} {
		var seen int
		token := ""
		for {
			var page listView[json.RawMessage]
			f.do(request{path: path + "?pageSize=1" + token}).json(t, &page)
			require.Len(t, page.Items, 1)
			seen++
			if page.Next == "" {
				break
			}
			token = "&pageToken=" + page.Next
		}
		assert.Equal(t, size, seen, path)
	}
}

func TestEventsComeBackAsTheyWereSent(t *testing.T) {
	f := newFixture(t)
	event, _ := f.story()
	for _, path := range []string{
		"/epcis/v2/events", "/epcis/v2/events/" + url.PathEscape(event),
		"/epcis/v2/events?eventType=ObjectEvent%7CAggregationEvent&EQ_action=ADD&EQ_bizStep=commissioning",
		"/epcis/v2/events?EQ_bizStep=https://ref.gs1.org/cbv/BizStep-commissioning&MATCH_epc=https://id.gs1.org/01/09520051010106/21/S1",
		"/epcis/v2/events?MATCH_anyEPC=urn:epc:idpat:sgtin:952005.0101010.*&GE_eventTime=2026-03-01T08:00:00Z&LT_eventTime=2026-03-01T08:00:01Z",
		"/epcis/v2/events?MATCH_epcClass=urn:epc:class:lgtin:952005.0101010.CATCH-1&GE_recordTime=2026-01-01T00:00:00Z",
	} {
		a := f.do(request{path: path})
		require.Equal(t, http.StatusOK, a.status, a.body)
		var doc struct {
			Context []any  `json:"@context"`
			Type    string `json:"type"`
			Body    struct {
				Results struct {
					Body struct{ EventList []map[string]any } `json:"resultsBody"`
				} `json:"queryResults"`
			} `json:"epcisBody"`
		}
		a.json(t, &doc)
		require.Len(t, doc.Body.Results.Body.EventList, 1, path)
		e := doc.Body.Results.Body.EventList[0]
		assert.Equal(t, "EPCISQueryDocument", doc.Type)
		assert.Equal(t, []any{"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"}, doc.Context)
		assert.Equal(t, []any{"urn:epc:id:sgtin:952005.0101010.S1"}, e["epcList"], "in the spelling of its sender")
		assert.NotContains(t, e, "@context")
	}
	for _, path := range []string{"/epcis/v2/events?EQ_action=DELETE",
		"/epcis/v2/events?LT_eventTime=2026-03-01T08:00:00Z", "/epcis/v2/events?EQ_bizTransaction_po=urn:x:1"} {
		assert.Contains(t, f.do(request{path: path}).body, `"eventList":[]`, path)
	}
	assert.Equal(t, http.StatusNotFound, f.do(request{path: "/epcis/v2/events/urn:uuid:0"}).status)
}

func TestContextsThatContradictEachOtherStayWithTheirEvents(t *testing.T) {
	f := newFixture(t)
	put := func(prefix, serial string) {
		text := `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"ex":"` + prefix + `"}],"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE","epcList":["urn:epc:id:sgtin:952005.0101010.` + serial + `"],"ex:colour":"red"}`
		v := mustParse(t, text)
		r, problems := record.NewEvent(v.Without("@context").With("eventTimeZoneOffset", mustParse(t, `"+00:00"`)),
			v.Get("@context"))
		require.Empty(t, problems)
		f.ledger.Put("Harbor", r)
	}
	put("https://one.example/", "1")
	put("https://two.example/", "2")
	put("https://one.example/", "3")
	var doc struct {
		Context []any `json:"@context"`
		Body    struct {
			Results struct {
				Body struct{ EventList []map[string]any } `json:"resultsBody"`
			} `json:"queryResults"`
		} `json:"epcisBody"`
	}
	f.do(request{path: "/epcis/v2/events"}).json(t, &doc)
	events := doc.Body.Results.Body.EventList
	require.Len(t, events, 3)
	assert.Equal(t, map[string]any{"ex": "https://one.example/"}, doc.Context[1])
	assert.NotContains(t, events[0], "@context")
	assert.Contains(t, events[1], "@context")
	assert.NotContains(t, events[2], "@context")
}

func TestEventQueriesArePagedByLink(t *testing.T) {
	f := newFixture(t)
	for _, s := range []string{"1", "2", "3"} {
		f.ledger.Put("Harbor", indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE","epcList":["urn:epc:id:sgtin:952005.0101010.`+s+`"]}`))
	}
	path, pages := "/epcis/v2/events?perPage=1&EQ_action=OBSERVE", 0
	for path != "" {
		a := f.do(request{path: path})
		require.Equal(t, http.StatusOK, a.status, a.body)
		pages++
		link := a.header.Get("Link")
		path, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), ">")
		if link != "" {
			assert.True(t, strings.HasSuffix(link, `>; rel="next"`), link)
		}
	}
	assert.Equal(t, 3, pages)
}

func TestLineageInBothDirections(t *testing.T) {
	f := newFixture(t)
	f.story()
	f.ledger.Put("Lab", indextest.Artifact(t, "model/lab/spoilage@1"))
	f.ledger.Put("Lab", indextest.Activity(t, `{"type":"training","used":[{"ref":"dataset/lab/readings@1"}],"generated":[{"ref":"model/lab/spoilage@1"}]}`))
	f.ledger.Put("Lab", indextest.Activity(t, `{"type":"inference","used":[{"ref":"model/lab/spoilage@1"}],"about":["urn:epc:id:sgtin:952005.0101010.S1"]}`))
	for direction, want := range map[string][]string{
		"ancestors":   {"dataset/lab/readings@1"},
		"descendants": {"https://id.gs1.org/01/09520051010106/21/S1"},
		"both":        {"dataset/lab/readings@1", "https://id.gs1.org/01/09520051010106/21/S1"},
	} {
		a := f.do(request{path: "/v1/lineage?node=model/lab/spoilage@1&direction=" + direction})
		var v struct {
			Direction string
			Nodes     []struct{ ID, Tx, Direction string }
			Edges     []struct{ From, To, Kind string }
			Truncated *struct{ Reasons []string }
		}
		a.json(t, &v)
		assert.Equal(t, direction, v.Direction)
		assert.Equal(t, "model/lab/spoilage@1", v.Nodes[0].ID)
		assert.Nil(t, v.Truncated)
		var ids []string
		for _, n := range v.Nodes {
			ids = append(ids, n.ID)
			assert.NotEmpty(t, n.Tx)
		}
		assert.Subset(t, ids, want)
		if direction == "both" {
			assert.Equal(t, "", v.Nodes[0].Direction)
			assert.Equal(t, "ancestors", v.Nodes[1].Direction)
			assert.Equal(t, "descendants", v.Nodes[len(v.Nodes)-1].Direction)
		}
		assert.NotContains(t, a.body, `"transaction"`)
	}
	cut := f.do(request{path: "/v1/lineage?node=model/lab/spoilage@1&depth=1"})
	assert.Contains(t, cut.body, `"reasons":["depth"]`)
	old := f.do(request{path: "/v1/lineage?node=model/lab/spoilage@1&at=1"})
	assert.Equal(t, http.StatusNotFound, old.status, "there was no model then")
}

func TestThePublicPageTellsRecallsAndNoHistory(t *testing.T) {
	f := newFixture(t)
	f.story()
	const path = "/01/09520051010106/21/S1"
	page := f.do(request{path: path, role: "nobody", header: map[string]string{"Accept": "text/html"}})
	require.Equal(t, http.StatusOK, page.status)
	assert.Contains(t, page.body, "No recall")
	assert.NotContains(t, page.body, "HarborMSP", "who recorded it is not for everybody")
	f.ledger.Put("Harbor", indextest.Statement(t, "recall",
		`{"reason":"<b>Listeria</b> found","instructions":"Bring it back"}`, "https://id.gs1.org"+path))
	page = f.do(request{path: path, role: "nobody", header: map[string]string{"Accept": "text/html"}})
	assert.Contains(t, page.body, "Recalled")
	assert.Contains(t, page.body, "&lt;b&gt;Listeria&lt;/b&gt; found")
	assert.NotContains(t, page.body, "Commissioning")
	member := f.do(request{path: path, header: map[string]string{"Accept": "text/html"}})
	assert.Contains(t, member.body, "Commissioning")
	assert.Contains(t, member.body, "HarborMSP")
	wrong := f.do(request{path: "/01/0952005101010/22/A/10/B/21/C", role: "nobody",
		header: map[string]string{"Accept": "text/html"}})
	assert.Equal(t, http.StatusNotFound, wrong.status, "four pairs are more than this serves")
}

func TestThePublicPageOfAnItemTellsTheRecallOfItsLot(t *testing.T) {
	f := newFixture(t)
	const lot = "/01/09520051010106/10/L1"
	page := func(path string) string {
		a := f.do(request{path: path, role: "nobody", header: map[string]string{"Accept": "text/html"}})
		require.Equal(t, http.StatusOK, a.status, a.body)
		return a.body
	}
	f.ledger.Put("Harbor", indextest.Statement(t, "recall", `{"reason":"Listeria"}`, "https://id.gs1.org"+lot))
	assert.Contains(t, page(lot), "Listeria")
	assert.Contains(t, page(lot+"/21/S1"), "Listeria", "the code on the item names the lot")
	other := page("/01/09520051010106/10/L2/21/S1")
	assert.NotContains(t, other, "Listeria")
	assert.NotContains(t, other, "No recall")
	assert.Contains(t, other, "Nobody has recorded anything about this item")
	product := page("/01/09520051010106")
	assert.NotContains(t, product, "Recalled")
	assert.Contains(t, product, "At least 1 lot or item of this product is recalled")
	f.ledger.Put("Harbor", indextest.Statement(t, "recall", `{"reason":"All of it"}`,
		"https://id.gs1.org/01/09520051010106"))
	assert.Equal(t, 1, strings.Count(page(lot+"/21/S1"), "All of it"))
}

func TestAnEventIDThatAnotherUsedFirstIsFlagged(t *testing.T) {
	f := newFixture(t)
	const id = "urn:uuid:0b1e4f4e-55a6-4d1c-a6a7-5d37c0c0ffee"
	event := func(thing, rest string) *record.Record {
		return indextest.Event(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE",
			"eventID":%q,"epcList":["https://example.com/%s"]%s}`, id, thing, rest))
	}
	first := f.ledger.Put("Harbor", event("mine", ""))
	second := f.ledger.Put("Market", event("another", ""))
	f.ledger.Put("Market", event("mine", `,"errorDeclaration":{"declarationTime":"2026-03-02T08:00:00Z"}`))
	for _, path := range []string{"/epcis/v2/events/" + id, "/epcis/v2/events?EQ_eventID=" + id} {
		a := f.do(request{path: path})
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.Less(t, strings.Index(a.body, "example.com/mine"), strings.Index(a.body, "example.com/another"),
			"the first one first")
		assert.Equal(t, "1=disputed, 2=declared-in-error, 2=event-id-reused, 3=error-declaration",
			a.header.Get("Pedigree-Flags"))
	}
	for record, flag := range map[string]string{first: `"status":["disputed"]`,
		second: `"status":["declared-in-error","event-id-reused"]`} {
		assert.Contains(t, f.do(request{path: "/v1/records/" + url.PathEscape(record)}).body, flag)
	}
	steps := f.do(request{path: "/v1/lineage?node=https://example.com/mine"}).body
	assert.Contains(t, steps, `"dispute":true`)
	assert.NotContains(t, steps, "declared-in-error")
}

func TestThePublicPageDoesNotReassureWhereNobodyRecordedTheLot(t *testing.T) {
	f := newFixture(t)
	const product, dish = "https://id.gs1.org/01/09520051010106", "/01/09520051010304/10/DISH"
	f.ledger.Put("Harbor", indextest.Event(t, `{"type":"TransformationEvent","eventTime":"2026-03-02T08:00:00Z",
		"inputQuantityList":[{"epcClass":"`+product+`","quantity":5,"uom":"KGM"}],
		"outputQuantityList":[{"epcClass":"https://id.gs1.org`+dish+`"}]}`))
	f.ledger.Put("Harbor", indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE",
		"quantityList":[{"epcClass":"`+product+`/10/BAD","quantity":5,"uom":"KGM"}]}`))
	page := func() string {
		return f.do(request{path: dish, role: "nobody", header: map[string]string{"Accept": "text/html"}}).body
	}
	standing := func() string { return f.do(request{path: dish + "?linkType=linkset", role: "nobody"}).body }
	assert.Contains(t, page(), "No recall is on the ledger for this lot")
	assert.Contains(t, standing(), `["no-recall-known"]`)
	f.ledger.Put("Harbor", indextest.Statement(t, "recall", `{"reason":"Listeria"}`, product+"/10/BAD"))
	assert.NotContains(t, page(), "No recall")
	assert.Contains(t, page(), "This lot may come from a recalled lot")
	assert.Contains(t, standing(), `["uncertain"]`)
}

func TestThePublicPageTellsWhatIsAffectedAndNotByWhat(t *testing.T) {
	f := newFixture(t)
	page := func(path string) string {
		a := f.do(request{path: path, role: "nobody", header: map[string]string{"Accept": "text/html"}})
		require.Equal(t, http.StatusOK, a.status, a.body)
		return a.body
	}
	lot := func(name string) string { return "https://id.gs1.org/01/09520051010106/10/" + name }
	made := func(day int, from, to string) *record.Record {
		return indextest.Event(t, fmt.Sprintf(`{"type":"TransformationEvent","eventTime":"2026-03-%02dT08:00:00Z",
			"inputQuantityList":[{"epcClass":%q}],"outputQuantityList":[{"epcClass":%q}]}`, day, lot(from), lot(to)))
	}
	f.ledger.Put("Harbor", made(1, "BAD", "MID"))
	f.ledger.Put("Harbor", made(2, "MID", "SHELF"))
	const sscc = "https://id.gs1.org/00/095200510000000013"
	f.ledger.Put("Harbor", indextest.Event(t,
		`{"type":"AggregationEvent","eventTime":"2026-03-03T08:00:00Z","action":"ADD",
		"parentID":"`+sscc+`","childQuantityList":[{"epcClass":"`+lot("SHELF")+`"}]}`))
	assert.Contains(t, page(lot("SHELF")[len(epcis.DigitalLink):]), "No recall is on the ledger")

	f.ledger.Put("Harbor", indextest.Statement(t, "recall", `{"reason":"Listeria at Seaside Ltd"}`, lot("BAD")))
	for _, thing := range []string{lot("MID"), lot("SHELF"), lot("SHELF") + "/21/S1", sscc} {
		body := page(thing[len(epcis.DigitalLink):])
		assert.Contains(t, body, "Affected by a recall of what it comes from", thing)
		for _, secret := range []string{"No recall", "Seaside", "BAD", "HarborMSP"} {
			assert.NotContains(t, body, secret, thing)
		}
	}
	member := f.do(request{path: lot("SHELF")[len(epcis.DigitalLink):],
		header: map[string]string{"Accept": "text/html"}}).body
	assert.Contains(t, member, "Seaside")
	assert.NotContains(t, member, "No recall")
	// Lists say it wherever they name one of these.
	for _, path := range []string{"/01/09520051010106", lot("OTHER")[len(epcis.DigitalLink):]} {
		a := f.do(request{path: path, header: f.signedIn("auditor")})
		require.Equal(t, http.StatusOK, a.status, path)
		assert.Equal(t, 2, strings.Count(a.body, `flag flag-affected`), path)
		assert.Equal(t, 1, strings.Count(a.body, `flag flag-recalled`), path)
	}
	f.ledger.Put("Harbor", indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE",
		"quantityList":[{"epcClass":"https://id.gs1.org/01/09521234543213/10/SHELF"}]}`))
	found := f.do(request{path: "/search?q=SHELF", header: f.signedIn("auditor")})
	require.Equal(t, http.StatusOK, found.status)
	assert.Equal(t, 1, strings.Count(found.body, `flag flag-affected`), "one of two lots of that number")
	unmade := page(lot("OTHER")[len(epcis.DigitalLink):])
	assert.Contains(t, unmade, "Nobody has recorded anything about this lot")
	assert.NotContains(t, unmade, "No recall")
}

func mustParse(t *testing.T, text string) canonical.Value {
	t.Helper()
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	require.NoError(t, err)
	return v
}
