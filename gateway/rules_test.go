package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func artifact(ref, extra string) string {
	series, version, _ := strings.Cut(ref, "@")
	parts := strings.Split(series, "/")
	return fmt.Sprintf(`{"kind":%q,"namespace":%q,"name":%q,"version":%q,"digest":{"algorithm":"sha-256","value":"%064x","coverage":"full"}%s}`, parts[0], parts[1], parts[2], version, len(extra), extra)
}

func observation(serial, time string) string {
	return `{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld","type":"ObjectEvent","eventTime":"` + time + `","eventTimeZoneOffset":"+00:00","action":"OBSERVE","epcList":["urn:epc:id:sgtin:952005.0101010.` + serial + `"]}`
}

func TestTheLedgersRulesComeBackAsProblems(t *testing.T) {
	harbor, market, lab := doorOf(t, "harbor", "submitter"), doorOf(t, "market", "submitter"), doorOf(t, "lab", "submitter")
	data, model, consent, serial := "dataset/lab/"+fresh("rules")+"@1", "model/lab/"+fresh("rules")+"@1", "dataset/lab/"+fresh("consent")+"@1", fresh("RULES")
	first := lab.post("/v1/artifacts", artifact(data, ""), http.StatusCreated)
	made := lab.post("/v1/activities", `{"type":"training","used":[{"ref":"`+data+`"}],"generated":[{"artifact":`+artifact(model, "")+`}]}`, http.StatusCreated)
	lot := harbor.post("/epcis/v2/events", observation(serial, "2026-03-01T08:00:00Z"), http.StatusCreated)
	market.indexed(max(lot.Block, made.Block))
	harbor.indexed(max(lot.Block, made.Block))
	lab.indexed(lot.Block)
	thing := "urn:epc:id:sgtin:952005.0101010." + serial

	t.Run("a version has one content for ever", func(t *testing.T) {
		o := lab.post("/v1/artifacts", artifact(data, `,"description":"other content"`), http.StatusConflict)
		assert.Equal(t, first.ID, o.Existing)
		assert.Equal(t, "version_exists", o.Problems[0].Code)
		assert.Equal(t, "/version", o.Problems[0].Pointer)
	})
	t.Run("a namespace that is somebody else's", func(t *testing.T) {
		o := harbor.post("/v1/artifacts", artifact("dataset/lab/mine@1", ""), http.StatusForbidden)
		assert.Equal(t, "namespace_taken", o.Problems[0].Code)
		assert.Equal(t, "/namespace", o.Problems[0].Pointer)
	})
	t.Run("a namespace that is nobody's", func(t *testing.T) {
		assert.Equal(t, "namespace_unclaimed", harbor.post("/v1/artifacts", artifact("dataset/unclaimed/x@1", ""), http.StatusForbidden).Problems[0].Code)
	})
	t.Run("a namespace claimed twice", func(t *testing.T) {
		operator := doorOf(t, "harbor", "operator")
		o := operator.post("/v1/members", `{"name":"Harbor","namespaces":["harbor","lab"]}`, http.StatusForbidden)
		assert.Equal(t, "/namespaces/1", o.Problems[0].Pointer)
	})
	t.Run("speaking for another organisation", func(t *testing.T) {
		operator := doorOf(t, "harbor", "operator")
		assert.Equal(t, "not_yours", operator.post("/v1/members", `{"mspId":"LabMSP","name":"Lab"}`, http.StatusForbidden).Problems[0].Code)
	})
	t.Run("a model that another run generated", func(t *testing.T) {
		o := lab.post("/v1/activities", `{"type":"training","description":"another","used":[{"ref":"`+data+`"}],"generated":[{"ref":"`+model+`"}]}`, http.StatusConflict)
		assert.Equal(t, "already_generated", o.Problems[0].Code)
		assert.Equal(t, made.ID, o.Existing)
	})
	t.Run("a run that made what its own input was made of", func(t *testing.T) {
		o := lab.post("/v1/activities", `{"type":"transformation","used":[{"ref":"`+model+`"}],"generated":[{"ref":"`+data+`"}]}`, http.StatusConflict)
		assert.Equal(t, "circular_lineage", o.Problems[0].Code)
		assert.Equal(t, "/generated/0/ref", o.Problems[0].Pointer)
		assert.Contains(t, o.Problems[0].Detail, data+" → "+made.ID+" → "+model, "the way round is told")
	})
	t.Run("an artifact generated in full whose version exists otherwise", func(t *testing.T) {
		o := lab.post("/v1/activities", `{"type":"training","description":"third","used":[{"ref":"`+data+`"}],"generated":[{"artifact":`+artifact(model, `,"description":"x"`)+`}]}`, http.StatusConflict)
		assert.Equal(t, "/generated/0/artifact/version", o.Problems[0].Pointer, "the place in the body that was sent")
	})
	t.Run("a recall by an organisation that never had the thing", func(t *testing.T) {
		o := market.post("/v1/statements", `{"kind":"recall","subject":["`+thing+`"],"predicate":{"reason":"a rumour"}}`, http.StatusForbidden)
		assert.Equal(t, "not_yours", o.Problems[0].Code)
		assert.Equal(t, "/subject/0/name", o.Problems[0].Pointer)
	})
	t.Run("a recall by one that only saw the thing, and by one that received it", func(t *testing.T) {
		recall := `{"kind":"recall","subject":["` + thing + `"],"predicate":{"reason":"found open"}}`
		seen := observation(serial, "2026-03-01T09:00:00Z")
		market.post("/epcis/v2/events", seen, http.StatusCreated)
		o := market.post("/v1/statements", recall, http.StatusForbidden)
		assert.Equal(t, "not_yours", o.Problems[0].Code)
		assert.Contains(t, o.Problems[0].Detail, "can state a warning instead")
		market.post("/v1/statements", strings.Replace(recall, `"recall"`, `"warning"`, 1), http.StatusCreated)
		received := strings.Replace(seen, `"action"`, `"bizStep":"receiving","action"`, 1)
		market.post("/epcis/v2/events", strings.Replace(received, "T09", "T10", 1), http.StatusCreated)
		harbor.indexed(market.post("/v1/statements", recall, http.StatusCreated).Block)
	})
	t.Run("an approval of one's own, and by another", func(t *testing.T) {
		body := `{"kind":"approval","subject":["` + model + `"],"predicate":{"scope":"pilot"}}`
		assert.Equal(t, "own_approval", lab.post("/v1/statements", body, http.StatusForbidden).Problems[0].Code)
		market.post("/v1/statements", body, http.StatusCreated)
	})
	t.Run("use of what is withdrawn, until that is retracted", func(t *testing.T) {
		lab.post("/v1/artifacts", artifact(consent, ""), http.StatusCreated)
		withdrawal := lab.post("/v1/statements", `{"kind":"withdrawal","subject":["`+consent+`"],"predicate":{"reason":"a skipper asked for it"}}`, http.StatusCreated)
		use := `{"type":"evaluation","used":[{"ref":"` + consent + `"}]}`
		o := lab.post("/v1/activities", use, http.StatusConflict)
		assert.Equal(t, "consent_withdrawn", o.Problems[0].Code)
		assert.Equal(t, withdrawal.ID, o.Existing)
		lab.post("/v1/statements", `{"kind":"retraction","subject":["`+withdrawal.ID+`"],"predicate":{"reason":"a mistake"}}`, http.StatusCreated)
		lab.post("/v1/activities", use, http.StatusCreated)
	})
	t.Run("an acknowledgement of what is no statement", func(t *testing.T) {
		assert.Equal(t, "not_a_statement", lab.post("/v1/statements", `{"kind":"acknowledgement","subject":["`+made.ID+`"]}`, http.StatusUnprocessableEntity).Problems[0].Code)
	})
}

func TestTwoOrganisationsCorroborateAnEventAndOneRepeatsIt(t *testing.T) {
	harbor, market, lab := doorOf(t, "harbor", "submitter"), doorOf(t, "market", "submitter"), doorOf(t, "lab", "auditor")
	body := observation(fresh("SHARED"), "2026-03-04T08:00:00Z")
	first := harbor.post("/epcis/v2/events", body, http.StatusCreated)
	second := market.post("/epcis/v2/events", body, http.StatusCreated)
	assert.Equal(t, first.ID, second.ID)
	assert.Equal(t, first.ID, harbor.post("/epcis/v2/events", body, http.StatusConflict).Existing)
	lab.indexed(second.Block)
	var v struct {
		Recordings []struct{ MSPID string }
	}
	require.NoError(t, json.Unmarshal(lab.get("/v1/records/"+url.PathEscape(first.ID)).body, &v))
	require.Len(t, v.Recordings, 2)
	assert.Equal(t, "HarborMSP", v.Recordings[0].MSPID)
	assert.Equal(t, "MarketMSP", v.Recordings[1].MSPID)
	var doc struct {
		EpcisBody struct {
			QueryResults struct {
				ResultsBody struct{ EventList []json.RawMessage }
			}
		}
	}
	require.NoError(t, json.Unmarshal(lab.get("/epcis/v2/events/"+url.PathEscape(first.EventID)).body, &doc))
	assert.Len(t, doc.EpcisBody.QueryResults.ResultsBody.EventList, 1, "it is one event")
}

func TestADocumentSentAgainRecordsNothingTwice(t *testing.T) {
	harbor := doorOf(t, "harbor", "submitter")
	var events []string
	run := fresh("BULK")
	for i := range 50 {
		e := observation(fmt.Sprintf("%s-%d", run, i), "2026-03-05T08:00:00Z")
		events = append(events, strings.Replace(e, `"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",`, "", 1))
	}
	document := `{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld","type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-05T09:00:00Z","epcisBody":{"eventList":[` + strings.Join(events, ",") + `]}}`
	type job struct {
		Running, Success bool
		Counts           struct{ Recorded, Duplicate int }
		Results          []struct {
			ID, Tx, State string
			Block         uint64
		}
	}
	capture := func() job {
		r := harbor.do(http.MethodPost, "/epcis/v2/capture", document)
		require.Equal(t, http.StatusAccepted, r.status, string(r.body))
		var j job
		harbor.await(func() bool {
			j = job{}
			require.NoError(t, json.Unmarshal(harbor.get(r.header.Get("Location")+"?perPage=100").body, &j))
			return !j.Running
		})
		require.True(t, j.Success)
		return j
	}
	first, second := capture(), capture()
	assert.Equal(t, 50, first.Counts.Recorded)
	assert.Equal(t, 50, second.Counts.Duplicate)
	for i := range first.Results {
		assert.Equal(t, first.Results[i].Tx, second.Results[i].Tx, "a duplicate names the existing one")
		assert.Equal(t, http.StatusOK, harbor.get("/v1/records/"+url.PathEscape(first.Results[i].ID)).status)
	}
}
