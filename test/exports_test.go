package test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
)

// told has the names in an OpenLineage event.
type told struct {
	EventType string `json:"eventType"`
	Run       struct {
		ID string `json:"runId"`
	} `json:"run"`
	Job     dataset   `json:"job"`
	Inputs  []dataset `json:"inputs"`
	Outputs []dataset `json:"outputs"`
}

type dataset struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func (d dataset) String() string { return d.Namespace + " " + d.Name }

// names collects, for each run that the events complete, the names of its job, inputs and outputs.
func names(t *testing.T, lines []byte) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for line := range bytes.Lines(lines) {
		var e told
		require.NoError(t, json.Unmarshal(line, &e), "%s", line)
		if e.Run.ID == "" || e.EventType != "COMPLETE" {
			continue
		}
		list := []string{"job " + e.Job.String()}
		for _, d := range e.Inputs {
			list = append(list, "in "+d.String())
		}
		for _, d := range e.Outputs {
			list = append(list, "out "+d.String())
		}
		slices.Sort(list)
		all[e.Run.ID] = slices.Compact(list)
	}
	return all
}

// runRecorded waits until a run is on the ledger, and returns its activity's id.
func runRecorded(t *testing.T, c *client.Client, run string) string {
	t.Helper()
	var r struct {
		State    string            `json:"state"`
		Activity string            `json:"activity"`
		Problems []json.RawMessage `json:"problems"`
		Block    uint64            `json:"block"`
	}
	awaits(t, "the run "+run+" is recorded", func() bool {
		get(t, c, "/v1/runs/"+url.PathEscape(run), nil, &r)
		require.NotEqual(t, "failed", r.State, "%s", r.Problems)
		return r.State == "recorded"
	})
	atHeight(t, c, r.Block)
	return r.Activity
}

func export(t *testing.T, c *client.Client, node, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := c.Copy(t.Context(), client.Call{Method: http.MethodGet, Path: "/v1/lineage", Query: url.Values{"node": {node}, "format": {format}}, Accept: "*/*"}, &b)
	require.NoError(t, err)
	return b.Bytes()
}

// TestWhatCameFromOpenLineageGoesBackWithItsNames checks that exported runs, jobs and datasets have the names with
// which they were sent, and that another organisation accepts what was exported.
func TestWhatCameFromOpenLineageGoesBackWithItsNames(t *testing.T) {
	const stream = `{"eventType":"START","eventTime":"2026-03-01T08:00:00Z","producer":"https://plant.example/scheduler","run":{"runId":"0195504c-4c00-7abc-8def-0123456789a1"},"job":{"namespace":"plant","name":"clean.readings"}}
{"eventType":"COMPLETE","eventTime":"2026-03-01T08:05:00Z","producer":"https://plant.example/scheduler","run":{"runId":"0195504c-4c00-7abc-8def-0123456789a1"},"job":{"namespace":"plant","name":"clean.readings"},"inputs":[{"namespace":"s3://plant","name":"raw/2026-03-01.csv"},{"namespace":"s3://plant","name":"raw/limits.csv"}],"outputs":[{"namespace":"postgres://plant:5432","name":"warehouse.public.kept"}]}
{"eventType":"START","eventTime":"2026-03-01T09:00:00Z","producer":"https://plant.example/scheduler","run":{"runId":"0195504c-4c00-7abc-8def-0123456789a2"},"job":{"namespace":"plant","name":"train"}}
{"eventType":"COMPLETE","eventTime":"2026-03-01T09:05:00Z","producer":"https://plant.example/scheduler","run":{"runId":"0195504c-4c00-7abc-8def-0123456789a2"},"job":{"namespace":"plant","name":"train","facets":{"jobType":{"processingType":"BATCH","integration":"AIRFLOW","jobType":"TRAINING"}}},"inputs":[{"namespace":"postgres://plant:5432","name":"warehouse.public.kept"}],"outputs":[{"namespace":"s3://models","name":"keeping/7","facets":{"datasetType":{"datasetType":"MODEL"}}}]}
`
	out := roundTrip(t, []byte(stream))
	market := as(t, "market")
	answer, err := market.Do(t.Context(), client.Call{Method: http.MethodPost, Path: "/api/v1/lineage/batch", Query: url.Values{"mode": {"strict"}}, Type: "application/x-ndjson", Body: out})
	require.NoError(t, err)
	assert.Equal(t, http.StatusNoContent, answer.Status, "%s", answer.Body)
}

// TestARealStreamGoesBackWithItsNames checks the same with a stream that a scheduler has really sent.
func TestARealStreamGoesBackWithItsNames(t *testing.T) {
	stream, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "openlineage", "airflow.ndjson"))
	if err != nil {
		t.Skip("the stream isn't here: ", err)
	}
	roundTrip(t, stream)
}

// roundTrip sends a stream to an organisation, compares the names in its export of each run, and returns the exports.
func roundTrip(t *testing.T, stream []byte) []byte {
	t.Helper()
	lab := as(t, "lab")
	answer, err := lab.Do(t.Context(), client.Call{Method: http.MethodPost, Path: "/api/v1/lineage/batch", Type: "application/x-ndjson", Body: stream})
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, answer.Status, "%s", answer.Body)
	var all bytes.Buffer
	for run, sent := range names(t, stream) {
		back := export(t, lab, runRecorded(t, lab, run), "openlineage")
		assert.Equal(t, sent, names(t, back)[run], "%s", back)
		all.Write(back)
	}
	return all.Bytes()
}

// TestASummaryIsOfWhatTheLedgerSays checks summaries with cards, and with a recall that came later.
func TestASummaryIsOfWhatTheLedgerSays(t *testing.T) {
	lab, market := as(t, "lab"), as(t, "market")
	data, err := register(t, lab, "dataset", "pages", "1", "---\nlicense: other\n---\n# Pages\n\n## Data Collection and Processing\n\nCrawled from the web; robots.txt was honoured.\n")
	require.NoError(t, err)
	atHeight(t, market, data.Block)
	_, err = register(t, lab, "model", "reader", "1", "---\nlicense: apache-2.0\n---\n# Reader\n\nReads <b>pages</b>.\n")
	require.NoError(t, err)
	_, run, err := lab.Record(t.Context(), "/v1/activities", map[string]any{"type": "training", "used": []any{map[string]string{"ref": "dataset/lab/pages@1", "role": "training"}}, "generated": []any{map[string]string{"ref": "model/lab/reader@1"}}})
	require.NoError(t, err)
	atHeight(t, market, run.Block)
	before := string(export(t, market, "model/lab/reader@1", "summary"))
	assert.Contains(t, before, "its card says “Crawled” about how it was collected")
	assert.NotContains(t, before, "Recalled or withdrawn")
	_, recall, err := lab.Record(t.Context(), "/v1/statements", map[string]any{"kind": "recall", "subject": []string{"dataset/lab/pages@1"}, "predicate": map[string]string{"reason": "a site <i>objected</i>"}})
	require.NoError(t, err)
	atHeight(t, market, recall.Block)
	after := string(export(t, market, "model/lab/reader@1", "summary"))
	assert.Contains(t, after, "a site &lt;i&gt;objected&lt;/i&gt;")
	assert.Less(t, strings.Index(after, "Recalled or withdrawn"), strings.Index(after, "General information"))
}
