package test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
)

// toldRun is a run as /v1/runs shows it.
type toldRun struct {
	RunID, State, Activity, Tx, EventType string
	Used                                  []string
	Generated, Declared                   []struct{ Ref, ID string }
	Problems, Notes                       []struct{ Code, Detail, Pointer string }
	Late                                  int
}

func runOf(t *testing.T, gateway *client.Client, id string) toldRun {
	t.Helper()
	var r toldRun
	require.NoError(t, gateway.Get(t.Context(), "/v1/runs/"+url.PathEscape(id), nil, &r))
	return r
}

func awaitRun(t *testing.T, gateway *client.Client, id string) toldRun {
	t.Helper()
	var r toldRun
	awaits(t, "run "+id+" to be over", func() bool {
		r = runOf(t, gateway, id)
		return r.State != "recording"
	})
	return r
}

// sent has those parts of an event that a test works with.
type sent struct {
	EventType       string
	Run             struct{ RunID string }
	Inputs, Outputs []struct{ Namespace, Name string }
}

// TestAnAirflowStreamIsRecordedExactly sends a real stream, and works out independently what must be on the ledger
// afterwards.
func TestAnAirflowStreamIsRecordedExactly(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "openlineage", "airflow.ndjson"))
	if err != nil {
		t.Skip("the stream is not here: ", err)
	}
	harbor := as(t, "harbor")
	newest := map[string]string{} // version of each dataset
	want := map[string]toldRun{}
	ref := func(d struct{ Namespace, Name string }, version string) string {
		return "dataset/harbor/" + openlineage.ArtifactName(openlineage.Identity{Namespace: d.Namespace, Name: d.Name}) + "@" + version
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, lines, 32)
	edges, chained := 0, 0
	for _, line := range lines {
		answer, err := harbor.Do(t.Context(), client.Call{Method: http.MethodPost, Path: "/api/v1/lineage", Body: []byte(line)})
		require.NoError(t, err)
		require.Equal(t, http.StatusCreated, answer.Status)
		var e sent
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		if e.EventType != "COMPLETE" {
			require.Empty(t, e.Inputs, "the stream names its data when a run ends")
			continue
		}
		r := toldRun{RunID: e.Run.RunID}
		for _, d := range e.Inputs {
			version := newest[d.Namespace+" "+d.Name]
			if version == "" {
				version = "declared"
				newest[d.Namespace+" "+d.Name] = version
				r.Declared = append(r.Declared, struct{ Ref, ID string }{Ref: ref(d, version)})
			} else if version != "declared" {
				chained++
			}
			r.Used = append(r.Used, ref(d, version))
		}
		for _, d := range e.Outputs {
			newest[d.Namespace+" "+d.Name] = "run-" + e.Run.RunID
			r.Generated = append(r.Generated, struct{ Ref, ID string }{Ref: ref(d, "run-"+e.Run.RunID)})
		}
		edges += len(e.Inputs) + len(e.Outputs)
		want[e.Run.RunID] = r
	}
	require.Len(t, want, 16)
	require.Equal(t, 24, edges)
	require.Equal(t, 11, chained, "inputs that are what an earlier run of the stream has written")

	for id, w := range want {
		r := awaitRun(t, harbor, id)
		require.Equal(t, "recorded", r.State, "%+v", r.Problems)
		assert.Equal(t, w.Used, r.Used, id)
		for _, v := range append(w.Generated, w.Declared...) {
			assert.Contains(t, refsOf(append(r.Generated, r.Declared...)), v.Ref, id)
		}
		assert.Len(t, r.Generated, len(w.Generated))
		assert.Len(t, r.Declared, len(w.Declared))
		var activity struct {
			Record struct {
				Type            string
				Used, Generated []struct {
					Ref     string
					Columns map[string][]struct{ Ref, Column string }
				}
				Metadata struct{ OpenLineage map[string]any }
			}
			Recordings []struct{ MSPID, Tx string }
		}
		require.NoError(t, harbor.Get(t.Context(), "/v1/activities/"+url.PathEscape(r.Activity), nil, &activity))
		assert.Equal(t, "transformation", activity.Record.Type)
		assert.Len(t, activity.Record.Used, len(w.Used))
		assert.Len(t, activity.Record.Generated, len(w.Generated))
		own := 0 // another organisation that is told of the same run records the same, if it names no data
		for _, recording := range activity.Recordings {
			if recording.MSPID == "HarborMSP" {
				own++
			}
		}
		assert.Equal(t, 1, own, "once")
		assert.Equal(t, id, activity.Record.Metadata.OpenLineage["run"].(map[string]any)["runId"])
		for _, g := range r.Generated {
			var version struct{ Recordings []struct{ Tx string } }
			require.NoError(t, harbor.Get(t.Context(), "/v1/records/"+url.PathEscape(g.ID), nil, &version))
			assert.Equal(t, r.Tx, version.Recordings[0].Tx, "a run and what it generated are one transaction")
		}
		for _, g := range activity.Record.Generated {
			for column, sources := range g.Columns {
				for _, source := range sources {
					assert.Equal(t, column, source.Column, "this stream copies its columns")
					assert.Contains(t, w.Used, source.Ref)
				}
			}
			if strings.Contains(g.Ref, "mock-project") {
				assert.Len(t, g.Columns, 4)
			}
		}
	}
	height := heightOf(t, harbor)
	for _, line := range lines {
		var taken struct{ Duplicate bool }
		_, err := harbor.Post(t.Context(), "/api/v1/lineage?mode=strict", rawJSON(line), &taken)
		require.NoError(t, err)
		require.True(t, taken.Duplicate)
	}
	assert.Equal(t, height, heightOf(t, harbor), "the stream again changes nothing")
}

func refsOf(list []struct{ Ref, ID string }) (refs []string) {
	for _, v := range list {
		refs = append(refs, v.Ref)
	}
	return refs
}

func heightOf(t *testing.T, gateway *client.Client) (height uint64) {
	t.Helper()
	var status struct{ Height uint64 }
	require.NoError(t, gateway.Get(t.Context(), "/v1/status", nil, &status))
	return status.Height
}

// TestAPipelineTellsItsStory sends a stream of our own as official clients do, and asks the ledger where the model
// comes from.
func TestAPipelineTellsItsStory(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "gateway", "runs", "testdata", "story.ndjson"))
	require.NoError(t, err)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = io.WriteString(w, "["+strings.Join(strings.Split(strings.TrimSpace(string(text)), "\n"), ",")+"]")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	lab := as(t, "lab")
	answer, err := lab.Do(t.Context(), client.Call{Method: http.MethodPost, Path: "/api/v1/lineage/batch", Type: "application/json; charset=utf-8", Body: packed.Bytes(),
		Header: http.Header{"Content-Encoding": {"gzip"}, "User-Agent": {"openlineage-python/1.40.0"}}})
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, answer.Status)
	const id = "0195504c-4c00-7abc-8def-00000000000"
	clean, failed, train := awaitRun(t, lab, id+"1"), awaitRun(t, lab, id+"2"), awaitRun(t, lab, id+"3")
	require.Equal(t, [3]string{"recorded", "recorded", "recorded"}, [3]string{clean.State, failed.State, train.State}, "%v %v %v", clean.Problems, failed.Problems, train.Problems)
	assert.Empty(t, failed.Generated)
	assert.Equal(t, []string{clean.Generated[0].Ref}, train.Used)
	require.True(t, strings.HasPrefix(train.Generated[0].Ref, "model/lab/spoilage-"))

	var graph struct {
		Nodes []struct{ Node, ID, Ref string }
	}
	answer, err = lab.Do(t.Context(), client.Call{Method: http.MethodGet, Path: "/v1/lineage", Query: url.Values{"node": {train.Generated[0].Ref}, "direction": {"ancestors"}}})
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(answer.Body, &graph))
	for _, source := range clean.Used {
		assert.Contains(t, string(answer.Body), source, "the model comes from what the table was made of")
	}
	assert.NotContains(t, string(answer.Body), clean.Generated[1].Ref, "and not from what was made beside it")

	t.Run("a run that says it made what another made is recorded, with a note", func(t *testing.T) {
		_, err := lab.Do(t.Context(), client.Call{Method: http.MethodPost, Path: "/api/v1/lineage?wait=30", Body: []byte(
			`{"eventType":"COMPLETE","eventTime":"2026-03-01T10:00:00Z","producer":"p","run":{"runId":"again"},"job":{"namespace":"plant","name":"steal"},"outputs":[{"namespace":"pedigree","name":"` + train.Generated[0].Ref + `"}]}`)})
		require.NoError(t, err)
		again := runOf(t, lab, "again")
		assert.Equal(t, "recorded", again.State)
		require.Len(t, again.Notes, 1)
		assert.Contains(t, again.Notes[0].Detail, "was generated by")
	})
	t.Run("the data of another organisation is used by its name", func(t *testing.T) {
		var taken struct {
			State string
			Run   toldRun
		}
		market := as(t, "market")
		require.NoError(t, market.AwaitBlock(t.Context(), heightOf(t, lab)-1))
		_, err := market.Post(t.Context(), "/api/v1/lineage?wait=30", rawJSON(
			`{"eventType":"COMPLETE","eventTime":"2026-03-01T11:00:00Z","producer":"p","run":{"runId":"shelf life"},"job":{"namespace":"shop","name":"predict","facets":{"jobType":{"jobType":"INFERENCE"}}},"inputs":[{"namespace":"pedigree","name":"`+train.Generated[0].Ref+`"}],"outputs":[{"namespace":"db","name":"shelf life"}]}`), &taken)
		require.NoError(t, err)
		require.Equal(t, "recorded", taken.State)
		assert.Equal(t, train.Generated[0].Ref, taken.Run.Used[0])
		assert.True(t, strings.HasPrefix(taken.Run.Generated[0].Ref, "dataset/market/shelf-life-"))
	})
}

// TestKillsLoseNoRun kills a gateway again and again while a chain of runs, told by several senders at once, goes
// through it. Each run uses what the one before has made, so a version that was lost, made twice or guessed
// differently would show.
func TestKillsLoseNoRun(t *testing.T) {
	const chains, length = 3, 14
	market := as(t, "market")
	send := func(body string) {
		awaits(t, "an event to be acknowledged", func() bool {
			_, err := market.Do(t.Context(), client.Call{Method: http.MethodPost, Path: "/api/v1/lineage", Body: []byte(body)})
			return err == nil
		})
	}
	name := func(chain, i int) string { return fmt.Sprintf("killed-%d-%d", chain, i) }
	ended := make(chan struct{}, chains*length)
	var senders sync.WaitGroup
	for chain := range chains {
		senders.Go(func() {
			told := 0
			defer func() {
				for range length - told { // of a sender that gave up, so that nobody waits for it
					ended <- struct{}{}
				}
			}()
			for i := range length {
				event := func(kind, more string) string {
					return fmt.Sprintf(`{"eventType":%q,"eventTime":"2026-03-01T10:00:00Z","producer":"p","run":{"runId":%q},"job":{"namespace":"plant","name":"chain"}%s}`, kind, name(chain, i), more)
				}
				table := fmt.Sprintf(`[{"namespace":"kills","name":"table %d"}]`, chain)
				send(event("START", `,"inputs":`+table))
				send(event("COMPLETE", `,"outputs":`+table))
				ended <- struct{}{}
				told++
			}
		})
	}
	for kills := 0; kills < 4; kills++ {
		for range chains * length / 6 {
			<-ended
		}
		pid := 0
		for _, p := range status(t, dir).Processes {
			if p.Name == "market-gateway" {
				pid = p.PID
			}
		}
		require.NotZero(t, pid)
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		awaits(t, "the gateway to run again", func() bool {
			for _, p := range status(t, dir).Processes {
				if p.Name == "market-gateway" {
					return p.PID != pid && p.PID != 0
				}
			}
			return false
		})
	}
	senders.Wait()
	awaits(t, "the gateway to answer", func() bool { return market.Get(t.Context(), "/v1/status", nil, nil) == nil })
	for chain := range chains {
		series := "dataset/market/" + openlineage.ArtifactName(openlineage.Identity{Namespace: "kills", Name: fmt.Sprint("table ", chain)})
		before := "declared"
		for i := range length {
			r := awaitRun(t, market, name(chain, i))
			require.Equal(t, "recorded", r.State, "%+v", r.Problems)
			assert.Equal(t, []string{series + "@" + before}, r.Used)
			before = "run-" + name(chain, i)
			var list struct{ Items []struct{ ID string } }
			require.NoError(t, market.Get(t.Context(), "/v1/activities", url.Values{"generated": {series + "@" + before}}, &list))
			require.Len(t, list.Items, 1, "recorded once")
			assert.Equal(t, r.Activity, list.Items[0].ID)
		}
		var versions struct{ Items []struct{ Ref string } }
		require.NoError(t, market.Get(t.Context(), "/v1/"+strings.Replace(series, "dataset/", "artifacts/dataset/", 1), url.Values{"pageSize": {"100"}}, &versions))
		assert.Len(t, versions.Items, length+1, "no version but those")
	}
}
