package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// file writes a file that a test chooses.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// choose chooses a file in the form of the capture page.
func (b *tab) choose(path string) {
	b.t.Helper()
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{path}))
}

// event makes an event that no test has used before.
func event(n int) string {
	return fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","eventTimeZoneOffset":"+00:00","action":"ADD","bizStep":"commissioning","epcList":["urn:epc:id:sgtin:9520001.012345.%d%d"]}`, time.Now().UnixNano(), n)
}

func document(events ...string) string {
	return `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T09:00:00Z","epcisBody":{"eventList":[` + "\n" + strings.Join(events, ",\n") + "]}}"
}

func TestADocumentIsCheckedSentAndWatched(t *testing.T) {
	b := member(t, "harbor", "submitter")
	b.open("/capture")
	b.looks("capture")
	b.choose(file(t, "landing.jsonld", document(event(1), event(2))))
	b.sees("landing.jsonld,")
	b.follow("Check it")
	b.arrives("/capture/drafts/")
	b.sees("No problem found in 2 events")
	b.sees("commissioning")
	b.looks("draft")
	b.follow("Send 2 events")
	b.arrives("/capture/jobs/")
	b.until(`document.querySelector("#job > div").dataset.running === "false"`)
	b.sees("Recorded")
	assert.Regexp(t, `^\d+$`, b.text("#results td[data-label=Block]"))
	b.looks("job")
	b.click("#results td a")
	b.arrives("/records/")
}

func TestWhatIsWrongWithADocumentIsSaidByLineBeforeItIsSent(t *testing.T) {
	b := member(t, "harbor", "submitter")
	b.open("/capture")
	hostile := `{"type":"ObjectEvent","eventTime":"<script>alert(1)</script>","eventTimeZoneOffset":"+00:00","action":"ADD","epcList":["<img src=x onerror=alert(2)>"]}`
	b.choose(file(t, `"><img src=x>.json`, document(event(1), hostile)))
	b.follow("Check it")
	b.arrives("/capture/drafts/")
	b.sees("1 of 2 events can be sent")
	b.sees("What is wrong")
	b.sees("<script>alert(1)</script>")
	assert.Equal(t, "3", b.text("#problems tbody td"), "the line")
	b.looks("draft-problems")
	b.follow("Send 1 event")
	b.arrives("/capture/jobs/")
	b.until(`document.querySelector("#job > div").dataset.running === "false"`)
	b.sees("Recorded, but for 1")
	b.looks("job-refused")
	b.follow("only what was refused")
	b.sees("bad_time")
}

func TestATableIsCapturedByKeyboard(t *testing.T) {
	b := member(t, "market", "submitter")
	lot := fmt.Sprint("T", time.Now().UnixNano())
	b.open("/capture")
	b.follow("Paste it instead")
	b.write("#text", "time;gtin;lot;temperature\n2026-03-05T08:00:00+01:00;09520001200014;"+lot+";2,5\n2026-03-05T09:00:00+01:00;09520001200014;"+lot+";warm\n")
	b.press(tabKey + enter)
	b.arrives("/capture/drafts/")
	b.sees("1 of 2 events can be sent")
	b.sees(`"warm" is no number`)
	b.looks("draft-table")
	b.click("main form button")
	b.arrives("/capture/jobs/")
	b.until(`document.querySelector("#job > div").dataset.running === "false"`)
	b.open("/01/09520001200014/10/" + lot)
	b.sees("2.5 °C")
}

func TestFilesThatCannotBeReadAreSaidToBe(t *testing.T) {
	b := member(t, "harbor", "submitter")
	for name, text := range map[string]string{"x.xml": "<epcis:EPCISDocument/>", "x.xlsx": "PK\x03\x04", "broken.json": `{"type":`, "empty.csv": ""} {
		b.open("/capture")
		b.choose(file(t, name, text))
		b.follow("Check it")
		b.arrives("/capture/drafts/")
		b.sees("This can't be sent")
	}
	b.open("/capture")
	b.choose(file(t, "big.json", strings.Repeat(" ", 9<<20)))
	b.follow("Check it")
	b.arrives("/capture/drafts/")
	b.sees("larger than this page takes")
}

func TestCaptureIsForSubmitters(t *testing.T) {
	b := member(t, "harbor", "auditor")
	b.expect("403")
	b.open("/capture")
	b.sees("Not with this token")
}

func TestCaptureWithoutScripts(t *testing.T) {
	b := member(t, "harbor", "submitter")
	b.withoutScripts()
	b.open("/capture")
	b.choose(file(t, "one.json", document(event(1))))
	b.click("#choose button")
	b.arrives("/capture/drafts/")
	require.Contains(t, b.text("h1"), "one.json")
	b.click("main form button")
	b.arrives("/capture/jobs/")
	require.Contains(t, b.text("h1"), "1 event")
}
