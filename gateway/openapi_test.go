package gateway

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// description is the OpenAPI document that a gateway serves, and what was found out about it.
type description struct {
	t        *testing.T
	door     door
	operator door
	doc      map[string]any
	schemas  *jsonschema.Compiler
	called   map[string]bool // operations that gave a successful answer
}

func describe(t *testing.T, d, operator door) *description {
	t.Helper()
	r := d.get("/openapi.json")
	require.Equal(t, http.StatusOK, r.status)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.body))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("openapi.json", doc))
	return &description{t: t, door: d, operator: operator, doc: doc.(map[string]any), schemas: c, called: map[string]bool{}}
}

func member(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// find finds an operation and where it stands.
func (d *description) find(id string) (path, method string) {
	d.t.Helper()
	for path, item := range d.doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			if member(op, "operationId") == id {
				return path, method
			}
		}
	}
	d.t.Fatalf("no operation %s", id)
	return "", ""
}

// call calls an operation and holds the answer to the description: its status is there, and its body fits the schema.
func (d *description) call(id, path, body string, header ...string) reply {
	d.t.Helper()
	template, method := d.find(id)
	who := d.door
	if slices.Contains([]string{"recordMember", "metrics", "reindex", "listTokens", "createToken", "rotateToken", "revokeToken",
		"listActors", "forgetActor"}, id) {
		who = d.operator
	}
	r := who.do(strings.ToUpper(method), path, body, header...)
	d.check(template, method, r)
	if r.status < 400 {
		d.called[id] = true
	}
	return r
}

func (d *description) check(template, method string, r reply) {
	d.t.Helper()
	pointer := "#/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(template) + "/" + method + "/responses/"
	response := member(d.doc, "paths", template, method, "responses", strconv.Itoa(r.status))
	require.NotNil(d.t, response, "%s %s answers %d, which isn't described: %s", method, template, r.status, r.body)
	pointer += strconv.Itoa(r.status)
	if ref, ok := member(response, "$ref").(string); ok {
		pointer, response = ref, member(d.doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	content, _ := member(response, "content").(map[string]any)
	if content == nil {
		return
	}
	media, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	require.NoError(d.t, err)
	require.Contains(d.t, content, media, "%s %s", method, template)
	if !strings.HasSuffix(media, "json") || strings.HasSuffix(media, "ndjson") {
		return
	}
	pointer += "/content/" + strings.ReplaceAll(media, "/", "~1") + "/schema"
	schema, err := d.schemas.Compile("openapi.json" + (&url.URL{Fragment: strings.TrimPrefix(pointer, "#")}).String())
	require.NoError(d.t, err, pointer)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.body))
	require.NoError(d.t, err)
	assert.NoError(d.t, schema.Validate(value), "%s %s: %s", method, template, r.body)
}

// example is a request body out of the description. It is held to the schema beside it.
func (d *description) example(id, name string) string {
	d.t.Helper()
	path, method := d.find(id)
	media := member(d.doc, "paths", path, method, "requestBody", "content", "application/json")
	value := member(media, "examples", name, "value")
	require.NotNil(d.t, value, "%s has an example %s", id, name)
	pointer := "/paths/" + strings.ReplaceAll(path, "/", "~1") + "/" + method + "/requestBody/content/application~1json/schema"
	schema, err := d.schemas.Compile("openapi.json" + (&url.URL{Fragment: pointer}).String())
	require.NoError(d.t, err)
	require.NoError(d.t, schema.Validate(value), id)
	text, err := json.Marshal(value)
	require.NoError(d.t, err)
	return string(text)
}

// send sends an example and returns what the receipt says.
func (d *description) send(id, name string, status int) outcome {
	d.t.Helper()
	path, _ := d.find(id)
	r := d.call(id, path, d.example(id, name))
	require.Equal(d.t, status, r.status, "%s: %s", name, r.body)
	var o outcome
	require.NoError(d.t, json.Unmarshal(r.body, &o))
	return o
}

var examplesSent atomic.Bool

func TestTheDescriptionIsTrue(t *testing.T) {
	if examplesSent.Swap(true) {
		t.Skip("the examples are on the ledger that the tests share already")
	}
	d := describe(t, doorOf(t, "lab", "submitter"), doorOf(t, "lab", "operator"))

	d.send("recordMember", "lab", http.StatusCreated)
	checked := d.call("checkCapture", "/v1/capture/check", d.example("capture", "landing"))
	require.Equal(t, http.StatusOK, checked.status, string(checked.body))
	landing := d.call("capture", "/epcis/v2/capture", d.example("capture", "landing"))
	require.Equal(t, http.StatusAccepted, landing.status, string(landing.body))
	job := landing.header.Get("Location")
	d.door.await(func() bool {
		var j struct{ Running, Success bool }
		require.NoError(t, json.Unmarshal(d.call("captureJob", job, "").body, &j))
		require.True(t, j.Success)
		return !j.Running
	})
	packing := d.send("recordEvent", "packing", http.StatusCreated)
	dataset := d.send("recordArtifact", "dataset", http.StatusCreated)
	d.send("recordArtifact", "card", http.StatusCreated)
	training := d.send("recordActivity", "training", http.StatusCreated)
	d.send("recordActivity", "decision", http.StatusCreated)
	recall := d.send("recordStatement", "recall", http.StatusCreated)
	d.send("recordStatement", "finding", http.StatusCreated)
	key := keyIn(t, "LabMSP", filepath.Join(startNetwork(t).Dir(), "lab", "users", "submitter"))
	signed, _ := posts(func(operation, path, body string) reply { return d.call(operation, path, body) }).signs(t, key,
		record.NounArtifact, `{"kind":"dataset","namespace":"lab","name":"signed","version":"1","digest":{"algorithm":"sha-256",
			"value":"`+strings.Repeat("ab", 32)+`","coverage":"declared"},"derivedFrom":["dataset/lab/cold-chain@1"]}`)
	require.Equal(t, http.StatusCreated, signed.status, string(signed.body))
	for _, name := range []string{"start", "complete", "dataset"} {
		d.send("takeLineage", name, http.StatusCreated)
	}
	batch := d.call("takeLineageBatch", "/api/v1/lineage/batch", d.example("takeLineageBatch", "failure"))
	require.Equal(t, http.StatusNoContent, batch.status, string(batch.body))

	t.Run("sent again", func(t *testing.T) {
		assert.True(t, d.send("recordArtifact", "dataset", http.StatusOK).AlreadyRecorded)
		assert.Equal(t, training.ID, d.send("recordActivity", "training", http.StatusOK).ID)
		assert.Equal(t, recall.Tx, d.send("recordStatement", "recall", http.StatusOK).Tx)
		assert.Equal(t, packing.ID, d.send("recordEvent", "packing", http.StatusConflict).Existing)
	})

	id := url.PathEscape(dataset.ID)
	const lot = "/01/09520051012017/10/FILLET-1"
	node := "node=" + url.QueryEscape("https://id.gs1.org"+lot)
	for _, get := range []struct {
		id, path string
		header   []string
	}{
		{"epcisRoot", "/epcis/v2", nil}, {"epcisRootOptions", "/epcis/v2", nil}, {"captureOptions", "/epcis/v2/capture", nil}, {"eventsOptions", "/epcis/v2/events", nil},
		{"captureJobs", "/epcis/v2/capture?perPage=1", nil}, {"captureJob", job + "?results=rejected", nil},
		{"queryEvents", "/epcis/v2/events?perPage=1", nil}, {"queryEvents", "/epcis/v2/events?MATCH_anyEPCClass=urn:epc:class:lgtin:952005.0101010.CATCH-1", []string{"Accept", "application/ld+json"}},
		{"eventByID", "/epcis/v2/events/" + url.PathEscape(packing.EventID), nil},
		{"listArtifacts", "/v1/artifacts?kind=dataset", nil}, {"artifactVersions", "/v1/artifacts/dataset/lab/cold-chain", nil}, {"artifactVersion", "/v1/artifacts/dataset/lab/cold-chain/1", nil},
		{"artifactCard", "/v1/artifacts/dataset/lab/harbour-air/1/card", nil}, {"artifactVersion", "/v1/artifacts/dataset/lab/harbour-air/1", nil},
		{"listActivities", "/v1/activities?type=training&generated=model/lab/spoilage@1", nil}, {"activityByID", "/v1/activities/" + url.PathEscape(training.ID), nil},
		{"listRuns", "/v1/runs?pageSize=1&state=recorded", nil}, {"runByID", "/v1/runs/0195504c-4c00-7abc-8def-0123456789ab", nil},
		{"listStatements", "/v1/statements?kind=recall&about=" + url.QueryEscape("https://id.gs1.org"+lot), nil}, {"statementByID", "/v1/statements/" + url.PathEscape(recall.ID), nil},
		{"listMembers", "/v1/members", nil}, {"listNamespaces", "/v1/namespaces", nil},
		{"listRecords", "/v1/records?noun=artifact&org=LabMSP&tx=" + dataset.Tx, nil}, {"recordByID", "/v1/records/" + id, nil}, {"recordProof", "/v1/records/" + id + "/proof?level=block&organisations=2", nil},
		{"recordProof", "/v1/records/" + id + "/proof?format=scitt&organisations=2", nil},
		{"lineageProof", "/v1/lineage/proof?organisations=2&node=" + url.QueryEscape("model/lab/spoilage@1"), nil},
		{"lineage", "/v1/lineage?direction=both&" + node, nil}, {"lineage", "/v1/lineage?format=csv&" + node, nil}, {"lineage", "/v1/lineage?format=dot&" + node, nil},
		{"lineage", "/v1/lineage?depth=1&" + node, []string{"Accept", "application/prov+json"}},
		{"lineage", "/v1/lineage?format=cyclonedx&node=model/lab/spoilage@1", nil}, {"lineage", "/v1/lineage?format=slsa&node=model/lab/spoilage@1", nil},
		{"lineage", "/v1/lineage?format=openlineage&node=model/lab/spoilage@1", nil}, {"lineage", "/v1/lineage?format=summary&node=model/lab/spoilage@1", nil},
		{"impact", "/v1/impact?organisation=LabMSP", nil}, {"impact", "/v1/impact?format=csv&node=dataset/lab/cold-chain@1", nil},
		{"impact", "/v1/impact?node=urn:epc:class:lgtin:952005.0101010.CATCH-1", nil}, {"status", "/v1/status", nil},
		{"checkpoint", "/v1/checkpoint", nil}, {"checkpoint", "/v1/checkpoint?cosign=2", nil},
		{"consistency", "/v1/checkpoint/consistency?from=1&to=2", nil},
		{"listStatements", "/v1/statements?kind=recall&cosign=2", nil}, {"artifactVersion", "/v1/artifacts/dataset/lab/cold-chain/1?cosign=2", nil},
		{"queryEvents", "/epcis/v2/events?perPage=1&cosign=2", nil}, {"lineage", "/v1/lineage?cosign=1&" + node, nil}, {"thing", "/01/09520051012017?cosign=3", nil},
		{"thing", "/01/09520051012017", nil}, {"qualifiedThing", lot, []string{"Accept", "application/linkset+json"}}, {"twiceQualifiedThing", lot + "/21/7", []string{"Accept", "text/html"}},
		{"healthz", "/healthz", nil}, {"readyz", "/readyz", nil}, {"metrics", "/metrics", nil}, {"openapiJSON", "/openapi.json", nil}, {"openapiYAML", "/openapi.yaml", nil},
		{"docs", "/docs", nil}, {"problemTypes", "/problems", nil}, {"problemType", "/problems/conflict", nil},
	} {
		r := d.call(get.id, get.path, "", get.header...)
		assert.Less(t, r.status, 400, "%s: %s", get.path, r.body)
	}

	t.Run("tokens", func(t *testing.T) {
		// The network may have had this test before.
		order := strings.Replace(d.example("createToken", "erp"), `"erp"`, `"erp-`+strconv.FormatInt(time.Now().UnixNano(), 36)+`"`, 1)
		made := d.call("createToken", "/v1/tokens", order)
		require.Equal(t, http.StatusCreated, made.status, string(made.body))
		var token struct{ Name, Secret string }
		require.NoError(t, json.Unmarshal(made.body, &token))
		d.call("rotateToken", "/v1/tokens/"+token.Name+"/rotate", d.example("rotateToken", "hour"))
		for _, call := range [][]string{
			{"createToken", "/v1/tokens", order}, {"createToken", "/v1/tokens", `{"name":"é"}`}, {"createToken", "/v1/tokens", "["},
			{"rotateToken", "/v1/tokens/none/rotate", "{}"}, {"revokeToken", "/v1/tokens/none/revoke", ""},
			{"revokeToken", "/v1/tokens/operator/revoke", ""}, {"revokeToken", "/v1/tokens/" + token.Name + "/revoke", ""},
			{"listTokens", "/v1/tokens", ""}, {"listTokens", "/v1/tokens?state=fish", ""},
			{"rotateToken", "/v1/tokens/" + token.Name + "/rotate", "{}"},
		} {
			d.call(call[0], call[1], call[2])
		}
		d.call("listRecords", "/v1/records", "", "Authorization", "Bearer "+token.Secret)
	})
	t.Run("actors", func(t *testing.T) {
		shown := d.operator.get("/v1/records/" + id)
		d.check("/v1/records/{id}", "get", shown)
		var read struct {
			Recordings []struct{ Actor struct{ Pseudonym string } }
		}
		require.NoError(t, json.Unmarshal(shown.body, &read))
		pseudonym := read.Recordings[0].Actor.Pseudonym
		require.NotEmpty(t, pseudonym, string(shown.body))
		assert.NotContains(t, string(d.door.get("/v1/records/"+id).body), pseudonym, "it isn't for submitters")
		who := d.call("listActors", "/v1/actors?pseudonym="+pseudonym, "")
		assert.Contains(t, string(who.body), `"name":"submitter"`)
		d.call("listActors", "/v1/actors?pageSize=1", "")
		d.call("forgetActor", "/v1/actors/p-none/forget", "")
		assert.NotContains(t, string(d.call("forgetActor", "/v1/actors/"+pseudonym+"/forget", "").body), `"name"`)
		assert.Contains(t, string(d.operator.get("/v1/records/"+id).body), pseudonym, "the pseudonym stays")
	})
	t.Run("refusals too", func(t *testing.T) {
		d.call("recordArtifact", "/v1/artifacts", `{"kind":"fish"}`)
		d.call("recordArtifact", "/v1/artifacts", `{`)
		d.call("recordEvent", "/epcis/v2/events", `{"type":"Fish"}`)
		d.call("queryEvents", "/epcis/v2/events?colour=red", "")
		d.call("recordByID", "/v1/records/"+strings.Repeat("0", 64), "")
		d.call("recordProof", "/v1/records/"+strings.Repeat("0", 64)+"/proof", "")
		d.call("recordProof", "/v1/records/"+id+"/proof?level=oath", "")
		d.call("lineageProof", "/v1/lineage/proof?node=dataset/lab/nothing@1", "")
		d.call("lineageProof", "/v1/lineage/proof?limit=1&"+node, "")
		d.call("lineage", "/v1/lineage?node=dataset/lab/nothing@1", "")
		d.call("captureJob", "/epcis/v2/capture/none", "")
		d.call("problemType", "/problems/none", "")
		d.call("takeLineage", "/api/v1/lineage", `{"eventTime":"now","producer":1,"run":{},"job":[]}`)
		d.call("takeLineage", "/api/v1/lineage", `{"fish":true}`)
		d.call("takeLineage", "/api/v1/lineage?mode=loose", `{}`)
		d.call("takeLineageBatch", "/api/v1/lineage/batch", `[{"eventTime":"now"},{"job":{"namespace":"a"}}]`)
		d.call("runByID", "/v1/runs/none", "")
		d.call("recordArtifact", "/v1/artifacts", "x", "Content-Type", "text/plain")
		d.call("listRecords", "/v1/records", "", "Accept", "image/png")
		d.call("listRecords", "/v1/records", "", "Authorization", "Bearer nobody")
	})

	var missing []string
	for _, item := range d.doc["paths"].(map[string]any) {
		for _, op := range item.(map[string]any) {
			if id, ok := member(op, "operationId").(string); ok && !d.called[id] &&
				!slices.Contains([]string{"reindex", "cosign"}, id) { // see TestAnIndexIsBuiltAgain and cosigned_test.go
				missing = append(missing, id)
			}
		}
	}
	assert.Empty(t, missing, "every operation was called")
}
