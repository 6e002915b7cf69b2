package verb

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestADocumentIsRecognisedByWhatIsInIt(t *testing.T) {
	for _, c := range []struct {
		name, document string
		events         int // of OpenLineage; 0 if it is something else
	}{
		{"an event", `{"eventTime":"2026-03-01T08:00:00Z","producer":"p","run":{"runId":"1"},"job":{}}`, 1},
		{"an array", ` [{"run":{"runId":"1"}},{"run":{"runId":"2"}}] `, 2},
		{"events in lines", "{\"job\":{}}\n\n{\"job\":{}}\n{\"job\":{}}", 3},
		{"events in lines, one of which is broken", "{\"job\":{}}\n{\"job\":", 2},
		{"events in lines, the middle one of which is broken", "{\"job\":{}}\r\n{\"job\":NaN}\r\n{\"job\":{}}\r\n", 3},
		{"events of several lines, the first of which is broken", "{\"job\":NaN,\n \"run\":\n {}\n}\n{\n \"job\":{}\n}\n", 2},
		{"an array, of which one is broken", "[\n{\"job\":{}},\n{\"job\":NaN}]", 1},
		{"an EPCIS document", `{"@context":[],"type":"EPCISDocument","epcisBody":{}}`, 0},
		{"an EPCIS event", `{"eventTime":"2026-03-01T08:00:00Z","eventTimeZoneOffset":"+00:00","type":"ObjectEvent"}`, 0},
		{"an empty array", `[]`, 0},
		{"nothing", ``, 0},
		{"no JSON", `<xml/>`, 0},
	} {
		events, ok := lineageEvents([]byte(c.document))
		assert.Equal(t, c.events > 0, ok, c.name)
		assert.Len(t, events, c.events, c.name)
	}
}

func TestJobsWithoutARunAreWaitedForByName(t *testing.T) {
	events, ok := lineageEvents([]byte(`[{"job":{"name":"copy"}},{"run":{"runId":"1"},"job":{"name":"sum"}},{"job":{"name":"copy"}},{"dataset":{"name":"a"}}]`))
	assert.True(t, ok)
	assert.Equal(t, []string{"copy"}, staticJobs(events))
	assert.Equal(t, []string{"1"}, runIDs(events))
}
