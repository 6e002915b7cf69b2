package pages

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

// What is odd about a document is on the page before it is sent, and on the page of its job afterwards.
func TestWarningsAreShownBeforeAndAfterSending(t *testing.T) {
	f := newFixture(t)
	const mistyped = "https://id.gs1.org/01/09520001200015/10/A-7"
	document := `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument",
		"schemaVersion":"2.0","creationDate":"2026-03-01T09:00:00Z","sender":"urn:x:somebody","epcisBody":{"eventList":[
		{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE",
		 "quantityList":[{"epcClass":"` + mistyped + `","quantity":120.5,"uom":"KGM"}]}]}}`
	sent := f.post(access.Submitter, "/capture", url.Values{"text": {document}})
	require.Equal(t, http.StatusSeeOther, sent.Code)
	path := sent.Header().Get("Location")
	page := f.get(access.Submitter, path).Body.String()
	for _, text := range []string{
		"1 event can be sent, with 2 warnings", "wrong_check_digit", "should be 4", "not_kept", "120.5 kg of", "1 warning",
	} {
		assert.Contains(t, page, text)
	}
	sent = f.post(access.Submitter, path, url.Values{"behaviour": {"proceed"}})
	require.Equal(t, http.StatusSeeOther, sent.Code)
	page = f.get(access.Submitter, sent.Header().Get("Location")).Body.String()
	for _, text := range []string{"wrong_check_digit", "/epcisBody/eventList/0/quantityList/0/epcClass", "should be 4", "not_kept"} {
		assert.Contains(t, page, text)
	}
	assert.Equal(t, 1, strings.Count(page, "not_kept"), "it is about the document, and told once")
	assert.Contains(t, f.get(access.Submitter, "/capture").Body.String(), `data-label="Warnings">2</td>`)
}
