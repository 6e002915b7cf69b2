package api

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

var inHTML = map[string]string{"Accept": "text/html"}

const busyLot = "/01/09521234543213/10/BUSY"

// busy records so many events of one lot, of which most are readings of three devices, and some others stand between.
func busy(t testing.TB, l *indextest.Ledger, events int) {
	t.Helper()
	var batch []*record.Record
	for i := range events {
		at := indextest.Start.Add(time.Duration(i) * 10 * time.Minute).Format(time.RFC3339)
		text := fmt.Sprintf(`{"type":"ObjectEvent","eventTime":%q,"action":"OBSERVE","bizStep":"transporting","quantityList":[{"epcClass":"https://id.gs1.org%s"}],"sensorElementList":[{"sensorMetadata":{"deviceID":"urn:epc:id:giai:9520002.L%d"},"sensorReport":[{"type":"Temperature","value":%d,"uom":"CEL"}]}]}`, at, busyLot, i%3, i%7)
		if i%10 == 0 {
			text = fmt.Sprintf(`{"type":"ObjectEvent","eventTime":%q,"action":"OBSERVE","bizStep":"storing","readPoint":{"id":"https://id.gs1.org/414/9521321%06d"},"quantityList":[{"epcClass":"https://id.gs1.org%s"}]}`, at, i, busyLot)
		}
		batch = append(batch, indextest.Event(t, text))
		if len(batch) == 200 {
			l.Submit("Harbor", batch...)
			l.Cut()
			batch = batch[:0]
		}
	}
	if len(batch) > 0 {
		l.Submit("Harbor", batch...)
		l.Cut()
	}
}

func TestTheStoryOfALotOfAThousandEventsComesInPages(t *testing.T) {
	f := newFixture(t)
	busy(t, f.ledger, 1000)
	path, seen, pages := busyLot, 0, 0
	next := regexp.MustCompile(`rel="next" href="([^"#]+)`)
	for path != "" {
		a := f.do(request{path: strings.ReplaceAll(path, "&amp;", "&"), header: inHTML})
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.Less(t, len(a.body), 100_000, path)
		assert.Contains(t, a.body, "1\u202f000 events")
		seen += strings.Count(a.body, "Storing</strong>")
		pages++
		require.Less(t, pages, 50)
		m := next.FindStringSubmatch(a.body)
		if path = ""; m != nil {
			path = m[1]
		}
	}
	assert.Equal(t, 100, seen, "every tenth event stands for itself")
	assert.Greater(t, pages, 3)

	all := f.do(request{path: busyLot + "?all=1&from=960", header: inHTML})
	assert.Equal(t, http.StatusOK, all.status)
	assert.Contains(t, all.body, "961 to 1\u202f000 of 1\u202f000")
	assert.Less(t, len(all.body), 100_000)
	measured := f.do(request{path: busyLot + "?measured=all", header: inHTML})
	assert.Contains(t, measured.body, "900 readings")
	beyond := f.do(request{path: busyLot + "?from=100000", header: inHTML})
	assert.Equal(t, http.StatusOK, beyond.status, "a page that isn't there is the first")
}

func TestAThingLeadsToTheLinksOfItsTypes(t *testing.T) {
	f := newFixture(t)
	f.story()
	const path = "/01/09520051010106/21/S1"
	for wanted, to := range map[string]string{
		"gs1:traceability": "/v1/lineage?direction=ancestors&node=", "gs1:epcis": "/epcis/v2/events?MATCH_anyEPC=",
		"gs1:recallStatus":      "/v1/statements?kind=recall&about=",
		"gs1:certificationInfo": "/v1/statements?kind=certificate&about=",
	} {
		a := f.do(request{path: path + "?linkType=" + wanted, role: "nobody", header: inHTML})
		assert.Equal(t, http.StatusTemporaryRedirect, a.status, a.body)
		assert.True(t, strings.HasPrefix(a.header.Get("Location"), to), a.header.Get("Location"))
	}
	for _, wanted := range []string{"?linkType=gs1:pip", "?linkType=gs1:defaultLink", ""} {
		a := f.do(request{path: path + wanted, role: "nobody", header: inHTML})
		assert.Equal(t, http.StatusOK, a.status)
		assert.Contains(t, a.header.Get("Content-Type"), "text/html")
		assert.Equal(t, `<`+path+`?linkType=linkset>; rel="linkset"; type="application/linkset+json"`,
			a.header.Get("Link"))
	}
	set := f.do(request{path: path, role: "nobody", header: map[string]string{"Accept": "application/linkset+json"}})
	assert.Equal(t, "application/linkset+json", set.header.Get("Content-Type"))
	assert.Contains(t, set.body, `"https://ref.gs1.org/voc/recallStatus"`)
	odd := f.do(request{path: path + "?linkType=gs1:nothing", role: "nobody", header: inHTML})
	assert.Equal(t, http.StatusBadRequest, odd.status)
}

func TestALinksetSaysWhatIsKnownOfRecalls(t *testing.T) {
	f := newFixture(t)
	const lots = "/01/09520051010106/10/"
	standing := func(path, want string) {
		t.Helper()
		a := f.do(request{path: path, role: "nobody", header: map[string]string{"Accept": "application/linkset+json"}})
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.Equal(t, 2, strings.Count(a.body, `"standing":[`+want+`]`), a.body)
	}
	made := func(from, to string) {
		f.ledger.Put("Harbor", indextest.Event(t, fmt.Sprintf(`{"type":"TransformationEvent","eventTime":"2026-03-01T08:00:00Z",
			"inputQuantityList":[{"epcClass":"https://id.gs1.org%s"}],"outputQuantityList":[{"epcClass":"https://id.gs1.org%s"}]}`, lots+from, lots+to)))
	}
	made("BAD", "MID")
	made("MID", "SHELF")
	standing(lots+"SHELF", `"no-recall-known"`)
	standing("/01/09520051010106", `"no-recall-known"`)
	standing(lots+"OTHER", `"unrecorded"`)
	f.ledger.Put("Harbor", indextest.Statement(t, "recall", `{"reason":"Listeria"}`, "https://id.gs1.org"+lots+"BAD"))
	standing(lots+"BAD", `"recalled"`)
	standing(lots+"SHELF", `"affected"`)
	standing(lots+"SHELF/21/S1", `"affected"`)
	standing("/01/09520051010106", `"lots-recalled"`)
	f.server.Ready = func() (bool, string) { return false, "the gateway is behind" }
	f.people.Ready = f.server.Ready
	standing(lots+"SHELF", `"affected","uncertain"`)
	page := f.do(request{path: lots + "SHELF", role: "nobody", header: inHTML})
	assert.NotContains(t, page.body, "No recall")
	assert.Contains(t, page.body, "The gateway is behind. A recall may be missing here.")
}

func TestACodeWithASlipIsSaidToHaveOne(t *testing.T) {
	f := newFixture(t)
	a := f.do(request{path: "/01/09520051010107/10/X", role: "nobody", header: inHTML})
	assert.Contains(t, a.body, "it ought to be 6")
	a = f.do(request{path: "/01/09520051010106/10/X", role: "nobody", header: inHTML})
	assert.NotContains(t, a.body, "it ought to be")
}

// signedIn signs in as people do, and gives the headers of their requests.
func (f *fixture) signedIn(role string) map[string]string {
	f.t.Helper()
	a := f.do(request{path: "/sign-in", body: "token=" + role + "-token", role: "nobody",
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
	require.Equal(f.t, http.StatusSeeOther, a.status, a.body)
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return map[string]string{"Accept": "text/html", "Cookie": cookie}
}

func TestTheAuditPageListsWhatWasAskedFor(t *testing.T) {
	f := newFixture(t)
	event, dataset := f.story()
	busy(t, f.ledger, 60)
	header := f.signedIn("auditor")
	page := func(query string) string {
		a := f.do(request{path: "/audit" + query, role: "nobody", header: header})
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.Less(t, len(a.body), 100_000)
		return a.body
	}
	all := page("")
	assert.Contains(t, all, record.ID(event).Hex()[:12])
	assert.Contains(t, all, "Next page")
	lab := page("?organisation=LabMSP")
	assert.Contains(t, lab, record.ID(dataset).Hex()[:12])
	assert.NotContains(t, lab, record.ID(event).Hex()[:12])
	assert.Contains(t, page("?noun=statement"), "No record fits")
	assert.Contains(t, page("?fromBlock=2&toBlock=2"), record.ID(dataset).Hex()[:12])
	assert.Contains(t, page("?from=2026-03-01T06:01"), "No record fits")
	for query, problem := range map[string]string{
		"?fromBlock=x": "is a number", "?fromBlock=5&toBlock=2": "comes after", "?noun=fish": "no kind of record",
		"?from=soon": "is no time", "?from=2026-03-02&to=2026-03-01": "ends before it begins",
		"?page=nonsense": "of another question",
	} {
		a := f.do(request{path: "/audit" + query, role: "nobody", header: header})
		assert.Equal(t, http.StatusBadRequest, a.status, query)
		assert.Contains(t, a.body, problem)
	}
	table := f.do(request{path: "/audit/records.csv?noun=event", role: "nobody", header: header})
	assert.Equal(t, 62, strings.Count(table.body, "\r\n"), "a line for each, and the heading")
	assert.Equal(t, http.StatusSeeOther, f.do(request{path: "/audit", role: "nobody", header: inHTML}).status,
		"one has to sign in")
}

func TestADraftIsItsMakersOnly(t *testing.T) {
	f := newFixture(t)
	submitter := f.signedIn("submitter")
	form := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(f.do(request{path: "/capture",
		role: "nobody", header: submitter}).body)
	require.NotNil(t, form)
	post := map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Cookie": submitter["Cookie"]}
	a := f.do(request{path: "/capture", body: "text=" +
		url.QueryEscape("time,gtin,lot\n2026-03-01T08:00:00Z,9520001200014,L1\n"), role: "nobody", header: post})
	assert.Equal(t, http.StatusForbidden, a.status, "without the form's token")
	a = f.do(request{path: "/capture", body: "csrf=" + form[1] + "&text=" +
		url.QueryEscape("time,gtin,lot\n2026-03-01T08:00:00Z,9520001200014,L1\n"), role: "nobody", header: post})
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	draft := a.header.Get("Location")
	assert.Contains(t, f.do(request{path: draft, role: "nobody", header: submitter}).body,
		"No problem found in 1 event")
	assert.Zero(t, f.queued(), "nothing is sent yet")
	assert.Equal(t, http.StatusForbidden, f.do(request{path: draft, role: "nobody",
		header: f.signedIn("auditor")}).status)
	assert.Equal(t, http.StatusNotFound, f.do(request{path: "/capture/drafts/ANOTHER", role: "nobody",
		header: submitter}).status)
	a = f.do(request{path: draft, body: "csrf=" + form[1], role: "nobody", header: post})
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	assert.Positive(t, f.queued())
	job := f.do(request{path: a.header.Get("Location"), role: "nobody", header: submitter})
	assert.Contains(t, job.body, "1 event")
	assert.Equal(t, http.StatusNotFound, f.do(request{path: draft, role: "nobody", header: submitter}).status,
		"it is sent, and kept no longer")
}

// BenchmarkThingPage measures the page of a lot with a thousand events among a hundred thousand, and that of the audit.
func BenchmarkThingPage(b *testing.B) {
	f := newFixture(b)
	busy(b, f.ledger, 1000)
	var batch []*record.Record
	for i := range 99_000 {
		batch = append(batch, indextest.Event(b, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":%q,"action":"OBSERVE","bizStep":"storing","quantityList":[{"epcClass":"https://id.gs1.org/01/09521234543213/10/L%d"}]}`, indextest.Start.Add(time.Duration(i)*time.Second).Format(time.RFC3339), i%5000)))
		if len(batch) == 1000 {
			f.ledger.Submit("Market", batch...)
			f.ledger.Cut()
			batch = batch[:0]
		}
	}
	header := f.signedIn("auditor")
	for _, path := range []string{busyLot, busyLot + "?all=1", busyLot + "?from=90", "/01/09521234543213/10/L77",
		"/audit?noun=event", "/audit?organisation=MarketMSP&from=2026-03-01T06:01"} {
		b.Run(path, func(b *testing.B) {
			before, size := processorTime(), 0
			for b.Loop() {
				a := f.do(request{path: path, role: "nobody", header: header})
				if a.status != http.StatusOK {
					b.Fatal(a.body)
				}
				size = len(a.body)
			}
			b.ReportMetric(float64(size), "bytes")
			b.ReportMetric(float64((processorTime()-before).Microseconds())/1e3/float64(b.N), "cpu-ms/page")
		})
	}
}
