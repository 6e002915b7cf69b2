package api

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
)

// A described parameter that nothing reads would be taken and ignored, and the answer would have all events.
func TestEveryDescribedParameterOfEventsChangesTheQuery(t *testing.T) {
	f := newFixture(t)
	o := f.server.Description.Operation("queryEvents")
	require.NotNil(t, o)
	elsewhere := []string{"at", "perPage", "nextPageToken", "cosign"} // pages, the block, and who signs
	read := 0
	for _, p := range o.Parameters {
		if p.In != "query" || slices.Contains(elsewhere, p.Name) {
			continue
		}
		name := strings.Replace(p.Name, "_type", "_po", 1)
		value := "2026-03-06T08:00:00Z" // is a time where one is asked for, and a text elsewhere
		c := &call{op: o, params: openapi.Values{name: {value}}}
		assert.NotEqual(t, index.EventQuery{}, c.eventQuery(), name)
		read++
	}
	assert.Greater(t, read, 15)
}

// An empty answer would look as if there were no such events.
func TestAQueryForWhatNoEventCanHaveIsRefused(t *testing.T) {
	f := newFixture(t)
	f.story()
	for _, c := range []struct{ name, value, want string }{
		{"EQ_bizStep", "Shipping", `EQ_bizStep "Shipping" is neither a CBV business step nor a URI; did you mean "shipping"?`},
		{"EQ_bizStep", "shipping|recieving", `did you mean "receiving"?`},
		{"EQ_bizStep", "https://ns.gs1.org/cbv/BizStep-shipping", `which has bare words; did you mean "shipping"?`},
		{"EQ_disposition", "in transit", `is neither a CBV disposition nor a URI; did you mean "in_transit"?`},
		{"EQ_readPoint", "9521234000013", "is not a URI"},
		{"EQ_bizLocation", "Bergen", "is not a URI"},
		{"EQ_bizTransaction_po", "4711", "is not a URI, such as urn:epcglobal:cbv:bt:"},
		{"MATCH_epc", "*", "is not a URI"},
		{"MATCH_epc", "(01)09521234543213(21)17", "is not a URI"},
		{"MATCH_anyEPC", "urn:epc:idpat:sgtin:952005.0101010.[1-5]", "is not a URI"},
		{"GE_eventTime", "2026-03-01T08:00:00 01:00", "the + before an offset is written as %2B"},
	} {
		p := f.do(request{path: "/epcis/v2/events?" + c.name + "=" + url.QueryEscape(c.value)}).problem(t)
		assert.Equal(t, 400, p.Status, c.value)
		assert.Contains(t, p.Detail, c.want)
		assert.Equal(t, c.name, p.Problems[0].Parameter)
	}
	for name, values := range map[string][]string{
		"EQ_bizStep": {"shipping", "https://ref.gs1.org/cbv/BizStep-shipping", "cbv:BizStep-shipping",
			"urn:epcglobal:cbv:bizstep:shipping", "https://example.com/steps/auction"},
		"MATCH_epc": {"urn:epc:idpat:sgtin:952005.*.*", "https://id.gs1.org/01/09521234543213/21/*", "urn:example:17"},
	} {
		for _, v := range values {
			assert.Equal(t, 200, f.do(request{path: "/epcis/v2/events?" + name + "=" + url.QueryEscape(v)}).status, v)
		}
	}
}
