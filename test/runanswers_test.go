package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
)

// event is an OpenLineage event as a test writes it: datasets are names in the namespace of the job, or "namespace|name".
type event struct {
	kind, at, run, job string
	in, out            []string
	facets             map[string]any // of each output
	jobFacets          map[string]any
}

// runCase is a story that runs can be told in, and what must have come from what when it has been told.
type runCase struct {
	number  string // of the file in a folder of cases
	name    string
	events  []event
	pairs   []string // "descendant < ancestor"
	strange []string // "descendant < stranger"
}

var (
	model     = map[string]any{"datasetType": map[string]any{"datasetType": "MODEL"}}
	streaming = map[string]any{"jobType": map[string]any{"processingType": "STREAMING", "integration": "FLINK"}}
)

func versioned(v any) map[string]any {
	return map[string]any{"version": map[string]any{"datasetVersion": v}}
}

func lifecycle(change string, more map[string]any) map[string]any {
	facet := map[string]any{"lifecycleStateChange": change}
	for k, v := range more {
		facet[k] = v
	}
	return map[string]any{"lifecycleStateChange": facet}
}

func runCases(namespace string) []runCase {
	in := func(names ...string) []string { return names }
	return []runCase{
		{
			number: "01", name: "two loads append to one table",
			events: []event{
				{"COMPLETE", "08:00:01", "1", "mkA", nil, in("srcA"), nil, nil},
				{"COMPLETE", "08:00:02", "2", "mkB", nil, in("srcB"), nil, nil},
				{"COMPLETE", "08:00:03", "3", "loadA", in("srcA"), in("facts"), nil, nil},
				{"COMPLETE", "08:00:04", "4", "loadB", in("srcB"), in("facts"), nil, nil},
				{"COMPLETE", "08:00:05", "5", "train", in("facts"), in("mdl"), model, nil},
			},
			pairs: []string{"mdl < srcA", "mdl < srcB"},
		},
		{
			number: "05", name: "a reader names the table by its symlink",
			events: []event{
				{"COMPLETE", "08:00:01", "1", "A", in("src"), in("s3://bucket-" + namespace + "|/wh/t1"), map[string]any{
					"symlinks": map[string]any{"identifiers": []any{map[string]any{
						"namespace": "hive://" + namespace, "name": "db.t1", "type": "TABLE"}}},
				}, nil},
				{"COMPLETE", "08:00:02", "2", "B", in("hive://" + namespace + "|db.t1"), in("out_b"), nil, nil},
			},
			pairs: []string{"out_b < src"},
		},
		{
			number: "06", name: "a reader comes before its writer, and after a later one",
			events: []event{
				{"COMPLETE", "09:00:00", "1", "w", in("early"), in("tab"), nil, nil},
				{"COMPLETE", "11:00:00", "2", "w", in("after"), in("tab"), nil, nil},
				{"START", "09:30:00", "3", "r", in("tab"), nil, nil, nil},
				{"COMPLETE", "10:00:00", "3", "r", in("tab"), in("res"), nil, nil},
				{"COMPLETE", "10:00:00", "4", "r2", in("tab2"), in("res2"), nil, nil},
				{"COMPLETE", "09:00:00", "5", "w2", in("srcZ"), in("tab2"), nil, nil},
			},
			pairs: []string{"res < early", "res2 < srcZ"}, strange: []string{"res < after"},
		},
		{
			number: "08", name: "a second end of a run names another input",
			events: []event{
				{"START", "08:00:01", "1", "delta", in("a"), in("out"), nil, nil},
				{"START", "08:00:02", "1", "delta", in("a", "b"), in("out"), nil, nil},
				{"COMPLETE", "08:00:03", "1", "delta", in("a", "b"), in("out"), nil, nil},
				{"COMPLETE", "08:00:04", "1", "delta", in("a", "b", "c"), in("out"), nil, nil},
			},
			pairs: []string{"out < a", "out < b", "out < c"},
		},
		{
			number: "09", name: "tables are renamed, altered and dropped",
			events: []event{
				{"COMPLETE", "08:00:01", "1", "mk", in("src"), in("old_name"), nil, nil},
				{"COMPLETE", "08:00:02", "2", "rename", nil, in("new_name"), lifecycle("RENAME", map[string]any{
					"previousIdentifier": map[string]any{"namespace": namespace + "-09", "name": "old_name"}}), nil},
				{"COMPLETE", "08:00:03", "3", "use", in("new_name"), in("after_rename"), nil, nil},
				{"COMPLETE", "08:00:04", "4", "mk", in("src"), in("tbl"), nil, nil},
				{"COMPLETE", "08:00:05", "5", "alter", nil, in("tbl"), lifecycle("ALTER", nil), nil},
				{"COMPLETE", "08:00:06", "6", "use", in("tbl"), in("after_alter"), nil, nil},
				{"COMPLETE", "08:00:07", "7", "mk", in("src"), in("tt"), nil, nil},
				{"COMPLETE", "08:00:08", "8", "drop", nil, in("tt"), lifecycle("DROP", nil), nil},
				{"COMPLETE", "08:00:09", "9", "use", in("tt"), in("after_drop"), nil, nil},
			},
			pairs: []string{"after_rename < src", "after_alter < src"}, strange: []string{"after_drop < src"},
		},
		{
			number: "10", name: "a stream never ends",
			events: []event{
				{"START", "08:00:01", "1", "flink", in("topic"), in("sink"), nil, streaming},
				{"RUNNING", "08:00:02", "1", "flink", in("topic"), in("sink"), nil, streaming},
				{"COMPLETE", "08:00:04", "2", "reader", in("sink"), in("final"), nil, nil},
			},
			pairs: []string{"final < topic"},
		},
		{
			number: "18", name: "a partition is written again",
			events: []event{
				{"COMPLETE", "08:00:01", "1", "daily", in("x"), in("part"), versioned("2026-03-01"), nil},
				{"COMPLETE", "08:00:02", "2", "daily", in("x", "late_rows"), in("part"), versioned("2026-03-01"), nil},
			},
			pairs: []string{"part < x", "part < late_rows"},
		},
		{
			number: "19", name: "a job is described without a run",
			events: []event{{"", "11:00:00", "", "sj", in("si"), in("so"), nil, nil}},
			pairs:  []string{"so < si"},
		},
	}
}

// Each story has been told wrongly by someone's lineage: cut off, joined to what came later, or refused. The stories are
// told as written here, and as in the files of the folder "ml" in the one that PEDIGREE_CASES names, if it names one.
func TestRunsAreJoinedAsTheirSendersExpect(t *testing.T) {
	own := "story-" + uuid.NewString()[:8]
	for _, c := range runCases(own) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var lines [][]byte
			for _, e := range c.events {
				lines = append(lines, e.json(t, own+"-"+c.number, own))
			}
			c.check(t, lines, own+"-"+c.number)
		})
	}
	folder := os.Getenv("PEDIGREE_CASES")
	if folder == "" {
		return
	}
	for _, c := range runCases("") {
		t.Run("of a folder/"+c.name, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join(folder, "ml", c.number+"-*.ndjson"))
			require.NoError(t, err)
			require.Len(t, files, 1)
			text, err := os.ReadFile(files[0])
			require.NoError(t, err)
			lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
			var first struct{ Job struct{ Namespace string } }
			require.NoError(t, json.Unmarshal(lines[0], &first))
			if c.number == "06" { // the file's writers read nothing
				c.pairs, c.strange = []string{"res2 < srcZ"}, nil
			}
			c.check(t, lines, first.Job.Namespace)
		})
	}
}

// check tells the story to the lab and asks what came from what.
func (c runCase) check(t *testing.T, lines [][]byte, namespace string) {
	lab := as(t, "lab")
	for _, line := range lines {
		answer, err := lab.Do(t.Context(), client.Call{Method: http.MethodPost, Path: "/api/v1/lineage", Body: line})
		require.NoError(t, err)
		require.Equal(t, http.StatusCreated, answer.Status)
	}
	for _, line := range lines {
		var e struct {
			EventType string
			Run       struct{ RunID string }
		}
		require.NoError(t, json.Unmarshal(line, &e))
		if e.EventType == "COMPLETE" {
			r := awaitRun(t, lab, e.Run.RunID)
			require.Equal(t, "recorded", r.State, "%+v", r.Problems)
		}
	}
	for _, pair := range c.pairs {
		to, from, _ := strings.Cut(pair, " < ")
		awaits(t, pair, func() bool { return cameFrom(t, lab, namespace, to, from) })
	}
	for _, pair := range c.strange {
		to, from, _ := strings.Cut(pair, " < ")
		assert.False(t, cameFrom(t, lab, namespace, to, from), pair)
	}
}

// cameFrom tells whether a version of one dataset has a version of another among its ancestors.
func cameFrom(t *testing.T, gateway *client.Client, namespace, to, from string) bool {
	t.Helper()
	name := func(n string) string {
		return openlineage.ArtifactName(openlineage.Identity{Namespace: namespace, Name: n})
	}
	for _, kind := range []string{"dataset", "model"} {
		var versions struct{ Items []struct{ Ref string } }
		path := "/v1/artifacts/" + kind + "/lab/" + name(to)
		if gateway.Get(t.Context(), path, url.Values{"pageSize": {"100"}}, &versions) != nil {
			continue
		}
		for _, v := range versions.Items {
			var answer json.RawMessage
			get(t, gateway, "/v1/lineage", url.Values{"node": {v.Ref}, "direction": {"ancestors"}}, &answer)
			if strings.Contains(string(answer), "dataset/lab/"+name(from)+"@") {
				return true
			}
		}
	}
	return false
}

func (e event) json(t *testing.T, namespace, runs string) []byte {
	facets := func(given map[string]any) map[string]any {
		all := map[string]any{}
		for name, facet := range given {
			f := map[string]any{"_producer": "https://p.example", "_schemaURL": "https://p.example/s.json"}
			for k, v := range facet.(map[string]any) {
				f[k] = v
			}
			all[name] = f
		}
		return all
	}
	datasets := func(names []string, given map[string]any) []any {
		list := []any{}
		for _, n := range names {
			of, name, found := strings.Cut(n, "|")
			if !found {
				of, name = namespace, n
			}
			d := map[string]any{"namespace": of, "name": name}
			if given != nil {
				d["facets"] = facets(given)
			}
			list = append(list, d)
		}
		return list
	}
	m := map[string]any{
		"eventTime": "2026-03-02T" + e.at + "Z", "producer": "https://p.example",
		"job":    map[string]any{"namespace": namespace, "name": e.job, "facets": facets(e.jobFacets)},
		"inputs": datasets(e.in, nil), "outputs": datasets(e.out, e.facets),
	}
	kind := "JobEvent"
	if e.run != "" {
		kind = "RunEvent"
		m["eventType"] = e.kind
		m["run"] = map[string]any{"runId": uuid.NewSHA1(uuid.Nil, fmt.Append(nil, namespace, runs, e.run)).String()}
	}
	m["schemaURL"] = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/" + kind
	text, err := json.Marshal(m)
	require.NoError(t, err)
	return text
}
