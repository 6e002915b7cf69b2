package api

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Nobody can tell from an answer alone whether the newest recall had already come.
func TestAnAnswerTellsHowOldItMayBe(t *testing.T) {
	f := newFixture(t)
	const header = "Pedigree-Confirmed"
	for _, path := range []string{"/v1/members", "/v1/status", "/epcis/v2/events", "/v1/records/unknown"} {
		assert.Equal(t, "2026-03-06T08:00:00Z", f.do(request{path: path}).header.Get(header), path)
	}
	for _, path := range []string{"/healthz", "/v1/openapi.json"} {
		assert.Empty(t, f.do(request{path: path}).header.Values(header), path)
	}
	f.server.Confirmed = func() time.Time { return time.Time{} }
	assert.Empty(t, f.do(request{path: "/v1/members"}).header.Values(header), "it was never confirmed")
	assert.NotContains(t, f.do(request{path: "/v1/status"}).body, "confirmed")
}
