package runs

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
}

// story is a stream with all that a pipeline tells: where runs interleave, one fails, one trains a model, facets say
// what came from what.
func story(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "story.ndjson"))
	require.NoError(t, err)
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) != "" {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestAStoryIsRecordedToTheLetter(t *testing.T) {
	f := newFixture(t, Config{Linger: time.Hour})
	f.add(story(t)...)
	f.run()
	train := f.ended("0195504c-4c00-7abc-8def-000000000003", Recorded)
	clean := f.ended("0195504c-4c00-7abc-8def-000000000001", Recorded)
	golden(t, "clean.activity.json", pretty(t, f.body(clean.Activity)))
	golden(t, "clean.artifact.json", pretty(t, f.artifact(clean.Generated[0].Ref)))
	golden(t, "train.activity.json", pretty(t, f.body(train.Activity)))
	golden(t, "train.artifact.json", pretty(t, f.artifact(train.Generated[0].Ref)))
	failed := f.ended("0195504c-4c00-7abc-8def-000000000002", Recorded)
	golden(t, "failed.activity.json", pretty(t, f.body(failed.Activity)))
	text, err := json.MarshalIndent(clean.Used, "", "  ")
	require.NoError(t, err)
	golden(t, "clean.used.json", string(text)+"\n")
	assert.Equal(t, 4, f.rules.sent, "one transaction for each run, and for the dataset that was described with its version")
}

func TestTheSameStoryAgainChangesNothing(t *testing.T) {
	f := newFixture(t, Config{Linger: time.Hour})
	f.add(story(t)...)
	f.run()
	f.ended("0195504c-4c00-7abc-8def-000000000003", Recorded)
	f.ended("0195504c-4c00-7abc-8def-000000000002", Recorded)
	before, stats := f.rules.sent, f.store.Stats()
	for i, taken := range f.add(story(t)...) {
		assert.False(t, taken.Late, i)
		assert.True(t, taken.Duplicate || taken.ID == "", i)
	}
	f.close()
	f.open()
	f.run()
	for _, taken := range f.add(story(t)...) {
		assert.True(t, taken.Duplicate || taken.ID == "")
	}
	assert.Equal(t, before, f.rules.sent)
	assert.Equal(t, stats.Runs, f.store.Stats().Runs)
	assert.Zero(t, f.store.Stats().Bytes)
}

func TestARunWithoutDataIsRecordedToo(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("dag", "START", "", ""), ev("dag", "COMPLETE", "", ""))
	r := f.ended("dag", Recorded)
	body := f.body(r.Activity)
	assert.False(t, body.Has("used"))
	assert.False(t, body.Has("generated"))
	assert.Equal(t, "dag", body.Get("metadata").Get("openlineage").Get("run").Get("runId").Text)
}

func TestARunThatFailedUsedItsInputsAndGeneratedNothing(t *testing.T) {
	for _, kind := range []string{"FAIL", "ABORT"} {
		f := newFixture(t, Config{})
		f.run()
		f.add(ev("one", "START", ds("a"), ds("b")), ev("one", kind, "", ds("b"), `"run":{"runId":"one"}`,
			`"run":{"runId":"one","facets":{"errorMessage":{"message":"The disk is full"}}}`))
		r := f.ended("one", Recorded)
		assert.Equal(t, []string{ref("a", "declared")}, r.Used)
		assert.Empty(t, r.Generated)
		body := f.body(r.Activity)
		assert.Equal(t, `{"message":"The disk is full","state":"`+kind+`"}`, string(body.Get("outcome").Bytes()))
		assert.Len(t, body.Get("metadata").Get("openlineage").Get("outputs").Items, 1,
			"what it would have made is told")
	}
}

func TestAnEndWaitsALittleForItsStart(t *testing.T) {
	f := newFixture(t, Config{Linger: time.Hour})
	f.run()
	taken := f.add(ev("one", "COMPLETE", ds("a"), ds("b")))
	assert.Equal(t, Recording, taken[0].State)
	taken = f.add(ev("one", "START", ds("c"), ds("d"), "08:00:00", "07:00:00"))
	assert.False(t, taken[0].Late)
	r := f.ended("one", Recorded)
	assert.Equal(t, []string{ref("a", "declared"), ref("c", "declared")}, r.Used)
	assert.Equal(t, []string{ref("b", "run-one"), ref("d", "run-one")}, refs(r.Generated))
	assert.Equal(t, "2026-03-01T07:00:00Z", f.body(r.Activity).Get("startedAt").Text)

	short := newFixture(t, Config{Linger: time.Millisecond})
	short.run()
	short.add(ev("one", "COMPLETE", "", ds("b")))
	first := short.ended("one", Recorded)
	taken = short.add(ev("one", "START", ds("a"), "", "08:00:00", "07:00:00"))
	assert.True(t, taken[0].Late)
	after := short.ended("one", Recorded)
	assert.Equal(t, first.Activity, after.Activity)
	require.Len(t, after.Extensions, 1, "what it names is added")
	short.comesFrom(ref("b", "run-one"), ref("a", "declared"))
}

func TestWhatComesAfterTheEndAddsWhatItNames(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("one", "START", ds("a"), ""), ev("one", "COMPLETE", "", ds("out")))
	before := f.ended("one", Recorded)
	taken := f.add(ev("one", "OTHER", ds("a"), ds("out")))
	assert.Equal(t, Taken{ID: "one", State: Recording, Late: true}, taken[0])
	assert.Empty(t, f.ended("one", Recorded).Extensions, "it names nothing that the ledger doesn't have")
	f.add(ev("one", "COMPLETE", ds("a")+","+ds("b"), ds("out")+","+ds("second"), "08:00:00", "08:00:04"))
	after := f.ended("one", Recorded)
	assert.Equal(t, before.Activity, after.Activity)
	require.Len(t, after.Extensions, 1)
	assert.Equal(t, []string{ref("a", "declared"), ref("b", "declared")}, after.Used)
	assert.Equal(t, []string{ref("out", "run-one"), ref("second", "run-one")}, refs(after.Generated))
	f.comesFrom(ref("out", "run-one"), ref("a", "declared"), ref("b", "declared"))
	f.comesFrom(ref("second", "run-one"), ref("a", "declared"), ref("b", "declared"))

	f.add(ev("one", "FAIL", "", "", "08:00:00", "08:00:09"))
	failed := f.ended("one", Recorded)
	require.Len(t, failed.Extensions, 2, "that it failed in the end is something new")
	assert.Equal(t, "FAIL", f.body(failed.Extensions[1].Activity).Get("outcome").Get("state").Text)
	assert.Len(t, failed.LateEvents, 3)
	assert.Equal(t, Event{"OTHER", "2026-03-01T08:00:00Z"}, failed.LateEvents[0])
	assert.True(t, f.add(ev("one", "OTHER", ds("a"), ds("out")))[0].Duplicate)
	assert.Zero(t, f.store.Stats().Bytes)
}

func TestOfManyLateEventsAFewAreShown(t *testing.T) {
	f := newFixture(t, Config{})
	f.add(ev("one", "START", "", ""), ev("one", "COMPLETE", "", ds("b")))
	var late []string
	for i := range maxLate + 5 {
		late = append(late, ev("one", "OTHER", ds(fmt.Sprint("late", i)), ""))
	}
	f.add(late...)
	f.run()
	r := f.ended("one", Recorded)
	assert.Equal(t, maxLate+5, r.Late)
	assert.Len(t, r.LateEvents, maxLate)
	assert.Len(t, r.Used, maxLate+5)
}

func TestRunsOfTwoOrganisationsHaveNothingToDoWithEachOther(t *testing.T) {
	f := newFixture(t, Config{})
	market := Caller{Name: "submitter", MSPID: "MarketMSP"}
	f.add(ev("one", "START", "", ds("a")))
	require.NoError(t, f.tryAs(market, ev("one", "START", "", ds("b")))[0].Err)
	f.add(ev("one", "COMPLETE", "", ""))
	f.run()
	assert.Equal(t, []string{ref("a", "run-one")}, refs(f.ended("one", Recorded).Generated))
	theirs, err := f.store.Get(t.Context(), "MarketMSP", "one")
	require.NoError(t, err)
	assert.Equal(t, Running, theirs.State)
	list, _, err := f.store.List(t.Context(), Filter{MSPID: "MarketMSP"}, 0, 10)
	require.NoError(t, err)
	assert.Len(t, list, 1)
}

func TestARunIsSignedByTheIdentityOfWhoEndedIt(t *testing.T) {
	f := newFixture(t, Config{})
	robot := Caller{Name: "robot-7", Signer: "submitter", MSPID: "LabMSP"}
	f.add(ev("one", "START", "", ""))
	require.NoError(t, f.tryAs(robot, ev("one", "COMPLETE", "", ds("a")))[0].Err)
	f.run()
	f.ended("one", Recorded)
	assert.Equal(t, []string{"robot-7 by submitter"}, f.rules.signed)
}

func TestRunsAreListedPageByPageAndByState(t *testing.T) {
	f := newFixture(t, Config{})
	for i := range 7 {
		f.add(ev(fmt.Sprint("open", i), "START", "", ""))
	}
	f.add(ev("done", "START", "", ""), ev("done", "COMPLETE", "", ""))
	f.run()
	f.ended("done", Recorded)
	var seen []string
	for after := int64(0); ; {
		list, next, err := f.store.List(t.Context(), Filter{State: Running}, after, 3)
		require.NoError(t, err)
		for _, r := range list {
			seen = append(seen, r.ID)
		}
		if after = next; next == 0 {
			break
		}
	}
	assert.Equal(t, []string{"open6", "open5", "open4", "open3", "open2", "open1", "open0"}, seen)
	for state, n := range map[State]int{Recorded: 1, Recording: 0, Failed: 0, Expired: 0, "": 8} {
		list, _, err := f.store.List(t.Context(), Filter{State: state}, 0, 100)
		require.NoError(t, err)
		assert.Len(t, list, n, state)
	}
	list, _, err := f.store.List(t.Context(), Filter{Job: "nothing"}, 0, 100)
	require.NoError(t, err)
	assert.Empty(t, list)
}

func TestDatasetAndJobEventsAreKeptForWhatComesLater(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	static := func(text string) string {
		return `{"eventTime":"2026-03-01T08:00:00Z","producer":"p",` + text + `}`
	}
	taken := f.add(
		static(`"dataset":`+ds("a", `"documentation":{"description":"Readings"}`,
			`"ownership":{"owners":[{"name":"plant"}]}`)),
		static(`"job":{"namespace":"plant","name":"job","facets":{"ownership":{"owners":[{"name":"team"}]},"pedigree_activity":{"type":"labelling"}}},"outputs":[`+ds("b", `"documentation":{"description":"B"}`)+`]`),
	)
	assert.Equal(t, []Taken{{}, {}}, taken, "no run is behind them")
	f.add(ev("one", "COMPLETE", "", ds("a", `"ownership":{"owners":[{"name":"lab"}]}`)+","+ds("b")))
	r := f.ended("one", Recorded)
	a := f.artifact(ref("a", "run-one"))
	assert.Equal(t, "Readings", a.Get("description").Text)
	assert.Equal(t, "lab", a.Get("metadata").Get("openlineage").Get("facets").Get("ownership").Get("owners").Items[0].Get("name").Text, "the run's own word counts for more")
	assert.Equal(t, "B", f.artifact(ref("b", "run-one")).Get("description").Text)
	body := f.body(r.Activity)
	assert.Equal(t, "labelling", body.Get("type").Text)
	assert.True(t, body.Get("metadata").Get("openlineage").Get("job").Get("facets").Has("ownership"))
}

func TestWhatAJobIsMeantToDoIsNotWhatARunDid(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(`{"eventTime":"2026-03-01T08:00:00Z","producer":"p","job":{"namespace":"plant","name":"job","facets":{"lineage":{"entries":[{"type":"DATASET","namespace":"n","name":"x","inputs":[{"type":"DATASET","namespace":"n","name":"never"}]}]}}},"outputs":[`+ds("x", from("never"))+`]}`,
		ev("one", "COMPLETE", ds("a"), ds("x")))
	r := f.ended("one", Recorded)
	body := f.body(r.Activity)
	assert.Equal(t, []string{ref("a", "declared")}, r.Used)
	assert.False(t, body.Get("generated").Items[0].Has("from"), "so it was made of all that the run used")
	assert.True(t, body.Get("metadata").Get("openlineage").Get("job").Get("facets").Has("lineage"), "but it is told")
}

func TestADatasetEventWithAVersionRegistersIt(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	event := func(facets ...string) string {
		return `{"eventTime":"2026-03-01T08:00:00Z","producer":"p","dataset":` + ds("a", facets...) + `}`
	}
	f.rules.put(indextest.Artifact(t, ref("src", "1")))
	taken := f.add(event(saysVersion("7"), saysDigest(someDigest),
		`"lineage":{"inputs":[{"namespace":"n","name":"src","type":"DATASET"}]}`))
	r := f.ended(taken[0].ID, Recorded)
	assert.Equal(t, "dataset", r.Kind)
	assert.Empty(t, r.Activity)
	assert.Equal(t, []string{ref("a", "7")}, refs(r.Generated))
	a := f.artifact(ref("a", "7"))
	assert.Equal(t, someDigest, a.Get("digest").Get("value").Text)
	assert.Equal(t, `["`+ref("src", "1")+`"]`, string(a.Get("derivedFrom").Bytes()))
	f.add(ev("one", "COMPLETE", ds("a"), ""))
	assert.Equal(t, []string{ref("a", "7")}, f.ended("one", Recorded).Used)

	taken = f.add(event(saysVersion("7"), `"documentation":{"description":"again"}`))
	assert.Empty(t, f.ended(taken[0].ID, Recorded).Generated, "it is there, and nothing is said against it")
	taken = f.add(event(saysVersion("7"), saysDigest(otherDigest)))
	assert.Equal(t, "version_exists", f.ended(taken[0].ID, Failed).Problems[0].Code)
	taken = f.add(event(saysDigest(otherDigest)))
	assert.Regexp(t, `@event-[0-9a-f]{16}$`, f.ended(taken[0].ID, Recorded).Generated[0].Ref)
}
