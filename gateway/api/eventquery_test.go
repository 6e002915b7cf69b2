package api

import (
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
	elsewhere := []string{"at", "perPage", "nextPageToken"} // pages, and the block
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
