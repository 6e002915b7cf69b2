package browser

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The demo's lot of fillets, and a lot that nobody has.
const (
	fillets = "/01/09520001200014/10/FILLET-A"
	nowhere = "/01/09520001200014/10/NOWHERE"
)

func TestALotTellsItsStory(t *testing.T) {
	b := member(t, "market", "auditor")
	b.open(fillets)
	for _, text := range []string{"FILLET-A", "Affected by a recall", "logger 7 read three degrees too low", "Journey", "Stocking", "Temperature", "LOGGER-7", "Made of", "CATCH-A", "rests on recalled data", "What is proved"} {
		b.sees(text)
	}
	b.looks("lot")
	assert.Less(t, eval[int](b, `fetch(location.href).then(r => r.text()).then(t => t.length)`), 100_000)

	b.follow("Each event")
	b.sees("LOGGER-8")
	b.follow("one by one")
	b.arrives(fillets + "?all=1")
	b.sees("in stages")
}

func TestALotIsProvedByClickAndTheProofIsAFile(t *testing.T) {
	b := member(t, "market", "auditor")
	b.open(fillets)
	b.follow("Prove it")
	b.arrives(fillets + "?prove=1")
	b.sees("3 of 3 organisations signed")
	b.sees("The walk was made again")
	b.looks("lot-proved")
	file := eval[string](b, `document.querySelector("#seal a[download]").getAttribute("href")`)
	text := eval[string](b, `fetch(`+strconv.Quote(file)+`).then(r => r.ok ? r.text() : r.status)`)
	assert.Contains(t, text, `"receipts"`)
}

func TestWhoHasNoTokenSeesTheCodeAndItsRecallsOnly(t *testing.T) {
	b := visitor(t, "harbor")
	b.open(fillets)
	b.sees("FILLET-A")
	b.sees("Affected by a recall of what it comes from")
	b.sees("for members of the consortium")
	assert.NotContains(t, b.text("main"), "Stocking")
	assert.NotContains(t, b.text("main"), "LOGGER")
	b.looks("lot-public")
	b.follow("Sign in")
	b.arrives("/sign-in?next=")
}

func TestALotThatNobodyHasSaysWhatToDo(t *testing.T) {
	b := member(t, "harbor", "submitter")
	b.open(nowhere)
	b.sees("No record names this lot")
	b.sees("FILLET-A") // of the same product
	b.looks("lot-unknown")
	b.follow("Capture events")
	b.arrives("/capture")
}

func TestALotIsReadWithoutScriptsAndByKeyboard(t *testing.T) {
	b := member(t, "harbor", "auditor")
	b.withoutScripts()
	b.open(fillets)
	require.Contains(t, b.text("#journey"), "Shipping")
	b.click("#journey .every summary")
	require.Contains(t, b.text("#journey .every"), "LOGGER-8")
}

func TestExcursionsAreMarkedAndHostileTextIsText(t *testing.T) {
	const hostile = `<img src=x onerror=alert(1)>`
	lot := fmt.Sprint("HOT", time.Now().UnixNano()%1e12)
	class := "https://id.gs1.org/01/09520001200014/10/" + lot
	start := time.Date(2026, 3, 10, 6, 0, 0, 0, time.UTC)
	events := []any{map[string]any{"type": "ObjectEvent", "eventTime": start, "eventTimeZoneOffset": "+01:00", "action": "ADD", "bizStep": "commissioning",
		"quantityList": []any{map[string]any{"epcClass": class, "quantity": 100, "uom": "KGM"}},
		"ilmd":         map[string]any{"x:limits": []any{map[string]any{"type": "Temperature", "minValue": -1, "maxValue": 4, "uom": "CEL"}}, "x:note": hostile}}}
	for i := range 200 {
		if i > 120 && i < 140 {
			continue // silence
		}
		at := start.Add(time.Duration(i) * 15 * time.Minute)
		var reports []any
		for device, shift := range map[string]float64{"urn:epc:id:giai:9520002.A": 0, "urn:epc:id:giai:9520002.B": 0.8, "https://example.org/" + url.PathEscape(hostile): -0.9} {
			report := map[string]any{"type": "Temperature", "value": math.Round(100*(1.2+shift+1.6*math.Sin(float64(i)/14)+2*math.Exp(-math.Pow(float64(i-90)/9, 2)))) / 100, "uom": "CEL", "deviceID": device}
			if i == 60 {
				report["exception"] = "ALARM_CONDITION"
			}
			reports = append(reports, report)
		}
		events = append(events, map[string]any{"type": "ObjectEvent", "eventTime": at, "eventTimeZoneOffset": "+01:00", "action": "OBSERVE", "bizStep": "transporting",
			"quantityList": []any{map[string]any{"epcClass": class}}, "sensorElementList": []any{map[string]any{"sensorReport": reports}}})
	}
	text, err := json.Marshal(map[string]any{"@context": []any{"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", map[string]string{"x": "https://example.org/"}},
		"type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": start, "epcisBody": map[string]any{"eventList": events}})
	require.NoError(t, err)

	b := member(t, "harbor", "submitter")
	b.open("/capture")
	b.choose(file(t, "hot.json", string(text)))
	b.follow("Check it")
	b.arrives("/capture/drafts/")
	b.sees("No problem found in 182 events")
	b.follow("Send")
	b.arrives("/capture/jobs/")
	b.until(`document.querySelector("#job > div").dataset.running === "false"`)
	b.open("/01/09520001200014/10/" + lot)
	b.sees("Excursions")
	b.sees("above 4 °C")
	b.sees("below −1 °C")
	b.sees("at least −1 °C and at most 4 °C, stated by")
	b.sees(hostile)
	assert.Equal(t, 0, eval[int](b, `document.querySelectorAll("main img").length`))
	b.looks("lot-excursions")
}

func TestALinksetLeadsMachines(t *testing.T) {
	base := gateway(t, "harbor")
	direct := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := direct.Get(base + fillets + "?linkType=" + url.QueryEscape("gs1:traceability"))
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	assert.Equal(t, http.StatusTemporaryRedirect, r.StatusCode)
	assert.Contains(t, r.Header.Get("Location"), "/v1/lineage?direction=ancestors")
	r, err = direct.Get(base + fillets)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	assert.Contains(t, r.Header.Get("Link"), `rel="linkset"`)
}
