package gateway

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnEventIDNamesOneEventOfAnOrganisation(t *testing.T) {
	harbor, market := doorOf(t, "harbor", "submitter"), doorOf(t, "market", "submitter")
	id, serial := "urn:pedigree:test:"+fresh("event-id"), fresh("EVENTID")
	named := func(serial, time, extra string) string {
		return strings.Replace(observation(serial, time), `"type"`, `"eventID":"`+id+`",`+extra+`"type"`, 1)
	}
	first := harbor.post("/epcis/v2/events", named(serial, "2026-03-08T08:00:00Z", ""), http.StatusCreated)

	t.Run("the same event in another spelling", func(t *testing.T) {
		o := harbor.post("/epcis/v2/events", named(serial, "2026-03-08T08:00:00.000Z", ""), http.StatusConflict)
		assert.Equal(t, "already_recorded", o.Code)
		assert.Equal(t, first.ID, o.Existing)
		assert.Equal(t, first.Tx, o.Tx)
	})
	t.Run("another event", func(t *testing.T) {
		o := harbor.post("/epcis/v2/events", named(serial+"-other", "2026-03-08T08:00:00Z", ""), http.StatusConflict)
		assert.Equal(t, "event_id_taken", o.Problems[0].Code)
		assert.Equal(t, first.ID, o.Existing)
	})
	t.Run("of another organisation is its own, for each of them", func(t *testing.T) {
		market.indexed(first.Block)
		theirs := market.post("/epcis/v2/events", named(serial+"-theirs", "2026-03-08T08:00:00Z", ""), http.StatusCreated)
		harbor.indexed(theirs.Block)
		again := market.post("/epcis/v2/events", named(serial+"-theirs", "2026-03-08T08:00:00.0Z", ""), http.StatusConflict)
		assert.Equal(t, theirs.ID, again.Existing)
	})
	t.Run("and what declares it an error", func(t *testing.T) {
		wrong := func(at string) string {
			return named(serial, "2026-03-08T08:00:00Z", `"errorDeclaration":{"declarationTime":"`+at+`"},`)
		}
		declared := harbor.post("/epcis/v2/events", wrong("2026-03-09T08:00:00Z"), http.StatusCreated)
		o := harbor.post("/epcis/v2/events", wrong("2026-03-09T08:00:00.00Z"), http.StatusConflict)
		assert.Equal(t, declared.ID, o.Existing)
		harbor.post("/epcis/v2/events", wrong("2026-03-10T08:00:00Z"), http.StatusCreated)
	})
	t.Run("in a document", func(t *testing.T) {
		body := func(events ...string) string {
			list := strings.ReplaceAll(strings.Join(events, ","), `"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",`, "")
			return `{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld","type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-08T09:00:00Z","epcisBody":{"eventList":[` + list + `]}}`
		}
		same, other := named(serial, "2026-03-08T08:00:00.00Z", ""), observation(serial, "2026-03-08T10:00:00Z")
		r := harbor.do(http.MethodPost, "/epcis/v2/capture", body(same, other))
		require.Equal(t, http.StatusAccepted, r.status, string(r.body))
		var job struct {
			Running bool
			Results []struct{ State, ID, Tx string }
		}
		harbor.await(func() bool {
			require.NoError(t, json.Unmarshal(harbor.get(r.header.Get("Location")).body, &job))
			return !job.Running
		})
		require.Len(t, job.Results, 2)
		assert.Equal(t, "duplicate", job.Results[0].State)
		assert.Equal(t, first.ID, job.Results[0].ID)
		assert.Equal(t, first.Tx, job.Results[0].Tx)
		assert.Equal(t, "recorded", job.Results[1].State)

		taken := named(serial+"-other", "2026-03-08T08:00:00Z", "")
		refused := describe(t, harbor, harbor).call("capture", "/epcis/v2/capture", body(taken, observation(serial, "2026-03-08T11:00:00Z")))
		assert.Equal(t, http.StatusConflict, refused.status, string(refused.body))
	})

	var found struct {
		EpcisBody struct {
			QueryResults struct {
				ResultsBody struct{ EventList []json.RawMessage }
			}
		}
	}
	require.NoError(t, json.Unmarshal(harbor.get("/epcis/v2/events/"+url.PathEscape(id)).body, &found))
	assert.Len(t, found.EpcisBody.QueryResults.ResultsBody.EventList, 4, "Harbor's event, two declarations, and Market's event")
}
