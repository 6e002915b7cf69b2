package runs

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// at is an event at another time of its day.
func at(moment, event string) string { return strings.Replace(event, "T08:00:00Z", "T"+moment+"Z", 1) }

// changed says what was done to a dataset.
func changed(word string, more ...string) string {
	return `"lifecycleStateChange":{"lifecycleStateChange":"` + word + `"` + strings.Join(more, "") + `}`
}

func renamedFrom(name string) string {
	return changed("RENAME", `,"previousIdentifier":{"namespace":"n","name":"`+name+`"}`)
}

func TestWritesAddUpUnlessTheyReplace(t *testing.T) {
	for _, c := range []struct {
		name  string
		facet []string
		adds  bool
	}{
		{"nothing is said", nil, true},
		{"another word", []string{changed("APPEND")}, true},
		{"altered", []string{changed("ALTER")}, true},
		{"renamed, and not from what", []string{changed("RENAME")}, true},
		{"overwritten", []string{changed("OVERWRITE")}, false},
		{"overwritten, in small letters", []string{changed("overwrite")}, false},
		{"created", []string{changed("CREATE")}, false},
		{"truncated", []string{changed("TRUNCATE")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, Config{})
			f.run()
			f.add(ev("load_orders_eu", "COMPLETE", ds("orders_eu"), ds("facts")),
				ev("load_orders_us", "START", "", ds("facts", c.facet...)),
				at("08:00:01", ev("load_orders_us", "COMPLETE", ds("orders_us"), ds("facts"))),
				at("08:00:02", ev("train", "COMPLETE", ds("facts"),
					ds("forecast", `"datasetType":{"datasetType":"MODEL"}`))))
			made := f.ended("train", Recorded).Generated[0].Ref
			f.comesFrom(made, ref("orders_us", "declared"))
			if c.adds {
				f.comesFrom(made, ref("orders_eu", "declared"))
				why := f.artifact(ref("facts", "run-load_orders_us")).Get("metadata").Get("openlineage").Get("previous")
				assert.Equal(t, ref("facts", "run-load_orders_eu"), why.Get("ref").Text)
				assert.NotEmpty(t, why.Get("why").Text)
			} else {
				f.doesNotComeFrom(made, ref("orders_eu", "declared"))
			}
		})
	}
}

func TestAnAppendAddsUpThroughWhatTheStoreHasForgotten(t *testing.T) {
	f := newFixture(t, Config{KeepRuns: 1})
	f.run()
	f.add(ev("one", "COMPLETE", ds("a"), ds("facts")))
	f.ended("one", Recorded)
	f.add(ev("other", "COMPLETE", "", ds("x")))
	f.ended("other", Recorded)
	f.store.applyRetention(t.Context(), time.Now())
	_, err := f.store.Get(t.Context(), "LabMSP", "one")
	require.ErrorIs(t, err, ErrNoRun)
	f.add(at("08:00:01", ev("two", "COMPLETE", ds("b"), ds("facts"))))
	f.ended("two", Recorded)
	f.comesFrom(ref("facts", "run-two"), ref("a", "declared"))
}

func TestAnAppendThatComesToLightLateIsJoined(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(at("11:00:00", ev("second", "COMPLETE", ds("b"), ds("facts")+","+ds("log"))))
	f.ended("second", Recorded)
	f.add(at("12:00:00", ev("reader", "COMPLETE", ds("facts"), ds("report"))))
	f.ended("reader", Recorded)
	f.add(at("09:00:00", ev("first", "COMPLETE", ds("a"), ds("facts"))))
	f.ended("first", Recorded)
	second := f.ended("second", Recorded)
	require.Len(t, second.Extensions, 1)
	f.comesFrom(ref("report", "run-reader"), ref("a", "declared"), ref("b", "declared"))
	f.doesNotComeFrom(ref("log", "run-second"), ref("a", "declared"))
	f.doesNotComeFrom(ref("facts", "run-first"), ref("b", "declared"))
	assert.Contains(t, f.body(second.Extensions[0].Activity).Get("metadata").Get("openlineage").Get("reason").Text,
		"come to light")
}

func TestVersionsAreChosenByTheTimeOfTheEvents(t *testing.T) {
	write := func(run, moment string) string {
		return at(moment, ev(run, "COMPLETE", "", ds("tab", changed("OVERWRITE"))))
	}
	reads := []string{at("09:30:00", ev("r", "START", ds("tab"), "")),
		at("10:00:00", ev("r", "COMPLETE", ds("tab"), ds("res")))}
	for name, order := range map[string][]string{
		"the reader last":                  {write("nine", "09:00:00"), write("eleven", "11:00:00"), reads[0], reads[1]},
		"the reader first":                 {reads[0], reads[1], write("eleven", "11:00:00"), write("nine", "09:00:00")},
		"the reader between":               {write("eleven", "11:00:00"), reads[0], reads[1], write("nine", "09:00:00")},
		"its start after its end":          {write("nine", "09:00:00"), write("half", "09:45:00"), reads[1], reads[0]},
		"a version of its time comes late": {write("eight", "08:00:00"), write("eleven", "11:00:00"), reads[0], reads[1], write("nine", "09:00:00")},
	} {
		for _, oneByOne := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				f := newFixture(t, Config{})
				f.run()
				if !oneByOne {
					f.add(order...)
				}
				for _, event := range order {
					if oneByOne {
						f.add(event)
						f.settled()
					}
				}
				f.ended("r", Recorded)
				f.settled()
				f.comesFrom(ref("res", "run-r"), ref("tab", "run-nine"))
				f.doesNotComeFrom(ref("res", "run-r"), ref("tab", "run-eleven"))
				if !oneByOne {
					f.doesNotComeFrom(ref("res", "run-r"), ref("tab", "run-half"), ref("tab", "run-eight"),
						ref("tab", "declared"))
				}
			})
		}
	}
}

func TestVersionsOfTheLedgerAreChosenByTime(t *testing.T) {
	f := newFixture(t, Config{KeepRuns: 1})
	f.run()
	for _, hour := range []string{"09:00:00", "11:00:00"} {
		f.add(at(hour, ev("write-"+hour[:2], "COMPLETE", "", ds("tab", changed("OVERWRITE")))))
		f.ended("write-"+hour[:2], Recorded)
	}
	f.add(ev("other", "COMPLETE", "", ds("x")))
	f.ended("other", Recorded)
	f.store.applyRetention(t.Context(), time.Now())
	f.add(at("10:00:00", ev("r", "COMPLETE", ds("tab"), ds("res"))))
	assert.Equal(t, []string{ref("tab", "run-write-09")}, f.ended("r", Recorded).Used)
}

func TestASymlinkIsAnotherNameOfADataset(t *testing.T) {
	hive := `{"namespace":"hive://metastore:9083","name":"db.orders","facets":{}}`
	lake := `{"namespace":"s3://warehouse","name":"/db.db/orders","facets":{"symlinks":{"identifiers":[` +
		`{"namespace":"hive://metastore:9083","name":"db.orders","type":"TABLE"}]}}}`
	write := ev("write", "COMPLETE", ds("src"), lake)
	read := at("08:00:05", ev("read", "COMPLETE", hive, ds("out")))
	readWithSymlink := at("08:00:05", ev("read", "COMPLETE", lake, ds("out")))
	writeByTable := ev("write", "COMPLETE", ds("src"), hive)
	for name, order := range map[string][]string{
		"the writer knows the name":                    {write, read},
		"the writer comes after the reader":            {read, write},
		"the reader knows the name":                    {writeByTable, readWithSymlink},
		"the reader knows the name and comes first":    {readWithSymlink, writeByTable},
		"a job tells the name before":                  {jobThatNames(lake), ev("write", "COMPLETE", ds("src"), plain(lake)), read},
		"a job tells the name after both are recorded": {ev("write", "COMPLETE", ds("src"), plain(lake)), read, jobThatNames(lake)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Config{})
			f.run()
			for _, event := range order {
				f.add(event)
				f.settled()
			}
			f.comesFrom(ref("out", "run-read"), ref("src", "declared"))
		})
	}
}

// plain is a dataset without its facets.
func plain(dataset string) string { return dataset[:strings.Index(dataset, `,"facets"`)] + "}" }

func jobThatNames(dataset string) string {
	return `{"eventTime":"2026-03-01T07:00:00Z","producer":"p","dataset":` + dataset + `}`
}

func TestWhatIsRenamedOrAlteredKeepsItsLineage(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("make", "COMPLETE", ds("src"), ds("stage")),
		at("08:00:01", ev("rename", "COMPLETE", "", ds("orders", renamedFrom("stage")))),
		at("08:00:02", ev("alter", "COMPLETE", "", ds("orders", changed("ALTER")))),
		at("08:00:03", ev("use", "COMPLETE", ds("orders"), ds("report"))),
		at("08:00:04", ev("stale", "COMPLETE", ds("stage"), ds("none"))))
	f.ended("use", Recorded)
	f.comesFrom(ref("report", "run-use"), ref("src", "declared"), ref("stage", "run-make"))
	assert.Equal(t, []string{ref("stage", "declared")}, f.ended("stale", Recorded).Used,
		"there is nothing of that name any more")

	t.Run("the new name of another one is not what that was before", func(t *testing.T) {
		f := newFixture(t, Config{})
		f.run()
		f.add(ev("old", "COMPLETE", ds("a"), ds("orders")), ev("new", "COMPLETE", ds("b"), ds("orders_new")),
			at("08:00:01", ev("swap", "COMPLETE", "", ds("orders_old", renamedFrom("orders")))),
			at("08:00:02", ev("swap2", "COMPLETE", "", ds("orders", renamedFrom("orders_new")))),
			at("08:00:03", ev("use", "COMPLETE", ds("orders"), ds("report"))))
		f.ended("use", Recorded)
		f.comesFrom(ref("report", "run-use"), ref("b", "declared"))
		f.doesNotComeFrom(ref("report", "run-use"), ref("a", "declared"))
		f.settled()
		f.comesFrom(ref("orders_old", "run-swap"), ref("a", "declared"))
	})
	t.Run("what was there before the name is told of late", func(t *testing.T) {
		f := newFixture(t, Config{})
		f.run()
		f.add(at("08:00:01", ev("rename", "COMPLETE", "", ds("orders", renamedFrom("stage")))))
		f.settled()
		f.add(ev("make", "COMPLETE", ds("src"), ds("stage")))
		f.settled()
		f.comesFrom(ref("orders", "run-rename"), ref("src", "declared"))
	})
}

func TestNothingReadsWhatWasDropped(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("make", "COMPLETE", ds("src"), ds("tmp")),
		at("08:00:01", ev("drop", "COMPLETE", "", ds("tmp", changed("DROP")))),
		at("08:00:02", ev("use", "COMPLETE", ds("tmp"), ds("out"))),
		at("08:00:03", ev("again", "COMPLETE", ds("other"), ds("tmp"))),
		at("08:00:04", ev("use2", "COMPLETE", ds("tmp"), ds("out2"))))
	drop := f.ended("drop", Recorded)
	assert.NotEmpty(t, drop.Activity)
	assert.Empty(t, drop.Generated, "that something was dropped makes no version")
	assert.Equal(t, []string{ref("tmp", "declared")}, f.ended("use", Recorded).Used)
	f.ended("use2", Recorded)
	f.settled()
	f.doesNotComeFrom(ref("out", "run-use"), ref("src", "declared"))
	f.comesFrom(ref("out2", "run-use2"), ref("other", "declared"))
	f.doesNotComeFrom(ref("out2", "run-use2"), ref("src", "declared"))
}

func TestARunThatReadsBeforeItsProducerIsHeardOfIsJoined(t *testing.T) {
	for _, wait := range []bool{false, true} {
		f := newFixture(t, Config{})
		f.run()
		f.add(at("10:00:00", ev("read", "COMPLETE", ds("tab"), ds("res"))))
		if wait {
			f.ended("read", Recorded)
		}
		f.add(at("09:00:00", ev("write", "COMPLETE", ds("src"), ds("tab"))))
		f.ended("write", Recorded)
		f.settled()
		f.comesFrom(ref("res", "run-read"), ref("src", "declared"), ref("tab", "run-write"))
		f.add(at("11:00:00", ev("later", "COMPLETE", ds("src2"), ds("tab"))))
		f.settled()
		f.doesNotComeFrom(ref("res", "run-read"), ref("src2", "declared"))
	}
}

func TestADigestIsJoinedWhenItsVersionIsHeardOf(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(at("10:00:00", ev("read", "COMPLETE", ds("tab", saysDigest(someDigest)), ds("res"))))
	f.ended("read", Recorded)
	f.add(at("09:00:00", ev("write", "COMPLETE", ds("src"), ds("tab", saysDigest(someDigest)))))
	f.ended("write", Recorded)
	f.settled()
	f.comesFrom(ref("res", "run-read"), ref("src", "declared"))
}

func TestAPartitionThatIsWrittenAgainHasAllThatWentIntoIt(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	day := saysVersion("2026-03-01")
	f.add(ev("daily", "COMPLETE", ds("rows"), ds("part", day)),
		at("09:00:00", ev("rerun", "COMPLETE", ds("rows")+","+ds("late_rows"), ds("part", day)+","+ds("log"))))
	rerun := f.ended("rerun", Recorded)
	require.Len(t, rerun.Adjusted, 1)
	assert.Equal(t, "already_generated", rerun.Adjusted[0].Code)
	f.comesFrom(ref("part", "2026-03-01"), ref("late_rows", "declared"), ref("rows", "declared"))
	f.comesFrom(ref("log", "run-rerun"), ref("late_rows", "declared"))
	body := f.body(rerun.Activity)
	assert.Equal(t, string(f.ended("daily", Recorded).Activity), body.Get("extends").Items[0].Text)
}

// streaming is an event of a job that its jobType facet calls a stream.
func streaming(event string) string {
	return strings.Replace(event, `"name":"job"`,
		`"name":"job","facets":{"jobType":{"processingType":"STREAMING","integration":"FLINK"}}`, 1)
}

func TestAStreamIsRecordedInSteps(t *testing.T) {
	for name, event := range map[string]func(string) string{
		"its jobType says that it is one":            streaming,
		"it is running, and nobody calls it a batch": func(event string) string { return event },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Config{})
			f.run()
			f.add(event(ev("flink", "START", ds("clicks"), ds("sink"))),
				event(at("08:00:01", ev("flink", "RUNNING", ds("clicks"), ds("sink")))),
				at("08:00:02", ev("read", "COMPLETE", ds("sink"), ds("final"))))
			f.ended("read", Recorded)
			f.settled()
			f.comesFrom(ref("final", "run-read"), ref("clicks", "declared"), ref("sink", "run-flink"))
			open, err := f.store.Get(t.Context(), "LabMSP", "flink")
			require.NoError(t, err)
			assert.Equal(t, Running, open.State)
			assert.NotEmpty(t, open.Activity)

			sent := f.rules.sent
			f.add(event(at("08:00:03", ev("flink", "RUNNING", ds("clicks"), ds("sink")))))
			f.settled()
			assert.Equal(t, sent, f.rules.sent, "that it goes on is nothing new")
			f.add(event(at("08:00:04", ev("flink", "RUNNING", ds("clicks")+","+ds("views"),
				ds("sink")+","+ds("alerts")))))
			f.settled()
			f.comesFrom(ref("sink", "run-flink"), ref("views", "declared"))
			f.comesFrom(ref("alerts", "run-flink"), ref("views", "declared"), ref("clicks", "declared"))
			f.add(event(at("08:00:05", ev("flink", "COMPLETE", "", ""))))
			done := f.ended("flink", Recorded)
			assert.Len(t, done.Extensions, 2, "views, and that it has ended")
			assert.Zero(t, f.store.Stats().Bytes)
		})
	}
}

func TestABatchIsNoVersionWhileItRuns(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	batch := func(event string) string { return strings.Replace(streaming(event), "STREAMING", "BATCH", 1) }
	f.add(batch(ev("spark", "START", ds("a"), ds("b"))), batch(ev("spark", "RUNNING", ds("a"), ds("b"))),
		at("08:00:01", ev("read", "COMPLETE", ds("b"), "")))
	assert.Equal(t, []string{ref("b", "declared")}, f.ended("read", Recorded).Used)
}

func TestAStreamReadsWhatIsWrittenWhileItRuns(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(streaming(ev("score", "START", ds("model_table")+","+ds("clicks"), ds("scores"))))
	f.settled()
	f.add(at("08:10:00", ev("train", "COMPLETE", ds("training_set"), ds("model_table", changed("OVERWRITE")))))
	f.settled()
	f.doesNotComeFrom(ref("scores", "run-score"), ref("training_set", "declared"))
	f.add(streaming(at("09:00:00", ev("score", "RUNNING", ds("model_table")+","+ds("clicks"), ds("scores")))))
	f.settled()
	f.comesFrom(ref("scores", "run-score"), ref("training_set", "declared"))
	f.add(at("08:20:00", ev("train2", "COMPLETE", ds("second_set"), ds("model_table", changed("OVERWRITE")))))
	f.settled()
	f.comesFrom(ref("scores", "run-score"), ref("second_set", "declared"))
}

func TestAFailedChildOfARunThatCompletedHasReadAndNotWritten(t *testing.T) {
	child := func(event string) string {
		return strings.Replace(event, `"run":{"runId":"child"}`, `"run":{"runId":"child","facets":{"parent":{"run":{"runId":"dbt"},"job":{"namespace":"plant","name":"dbt"}}}}`, 1)
	}
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("dbt", "START", "", ""), child(ev("child", "START", ds("raw"), ds("stg"))),
		child(at("08:00:01", ev("child", "FAIL", ds("raw"), ds("stg")))),
		at("08:00:02", ev("dbt", "COMPLETE", "", "")), at("08:00:03", ev("read", "COMPLETE", ds("stg"), ds("out"))))
	assert.Equal(t, []string{ref("raw", "declared")}, f.ended("child", Recorded).Used)
	assert.Empty(t, f.ended("child", Recorded).Generated)
	assert.Empty(t, f.ended("dbt", Recorded).Generated)
	assert.Equal(t, []string{ref("stg", "declared")}, f.ended("read", Recorded).Used)

	f.add(child(at("08:00:05", ev("child", "COMPLETE", ds("raw"), ds("stg")))))
	assert.Equal(t, []string{ref("stg", "run-child")}, refs(f.ended("child", Recorded).Generated),
		"it was tried again, and completed")
	f.comesFrom(ref("stg", "run-child"), ref("raw", "declared"))
}

func TestWhatOneFailureOfARunNamesIsNotComplete(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("app", "START", ds("a"), ""), at("08:00:01", ev("app", "FAIL", ds("b"), ds("half"))),
		at("08:00:02", ev("app", "COMPLETE", ds("a"), ds("whole"))))
	f.ended("app", Recorded)
	f.settled()
	r := f.ended("app", Recorded)
	assert.Equal(t, []string{ref("whole", "run-app")}, refs(r.Generated))
	f.comesFrom(ref("whole", "run-app"), ref("a", "declared"), ref("b", "declared"))
}

// meant is a job event.
func meant(job, inputs, outputs string) string {
	return `{"eventTime":"2026-03-01T07:00:00Z","producer":"p","job":{"namespace":"plant","name":"` + job +
		`"},"inputs":[` + inputs + `],"outputs":[` + outputs + `]}`
}

func TestWhatAJobIsMeantToDoIsLineage(t *testing.T) {
	orders := [][]string{
		{meant("copy", ds("si"), ds("so")), meant("sum", ds("so"), ds("total")), ev("read", "COMPLETE", ds("total"), ds("report"))},
		{ev("read", "COMPLETE", ds("total"), ds("report")), meant("sum", ds("so"), ds("total")), meant("copy", ds("si"), ds("so"))},
	}
	for _, order := range orders {
		f := newFixture(t, Config{})
		f.run()
		for _, event := range order {
			taken := f.add(event)
			require.NotEmpty(t, taken[0].ID)
			f.settled()
		}
		f.comesFrom(ref("so", "declared"), ref("si", "declared"))
		f.comesFrom(ref("report", "run-read"), ref("si", "declared"))
		r, err := f.store.Get(t.Context(), "LabMSP", f.add(order[len(order)-1])[0].ID)
		require.NoError(t, err)
		if r.Kind == "job" {
			assert.False(t, f.body(r.Activity).Get("metadata").Get("openlineage").Has("run"))
			assert.False(t, f.body(r.Activity).Has("endedAt"))
		}
		sent := f.rules.sent
		f.add(strings.Replace(meant("copy", ds("si"), ds("so")), "07:00", "07:30", 1))
		f.settled()
		assert.Equal(t, sent, f.rules.sent, "the same said again is nothing new")
		f.add(meant("copy", ds("si")+","+ds("si2"), ds("so")), meant("other", ds("sx"), ds("so")))
		f.settled()
		f.comesFrom(ref("report", "run-read"), ref("si2", "declared"), ref("sx", "declared"))
	}
}

const someStatement = "ni:///sha-256;00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

func TestARunThatUsedWithdrawnDataIsABreach(t *testing.T) {
	f := newFixture(t, Config{})
	f.rules.put(indextest.Artifact(t, ref("faces", "1")))
	f.rules.change(func(r *rules) { r.withdrawn[ref("faces", "1")] = someStatement })
	f.run()
	f.add(ev("train", "COMPLETE", ds("faces", saysVersion("1"))+","+ds("other"), ds("m")))
	r := f.ended("train", Recorded)
	assert.Equal(t, []Breach{{ref("faces", "1"), someStatement}}, r.Breaches)
	assert.Equal(t, `[{"ref":"`+ref("faces", "1")+`","statement":"`+someStatement+`"}]`,
		string(f.body(r.Activity).Get("breach").Bytes()))
	f.comesFrom(ref("m", "run-train"), ref("faces", "1"), ref("other", "declared"))
}

func TestAnAppendToWithdrawnDataIsABreach(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("one", "COMPLETE", ds("a"), ds("facts")))
	f.ended("one", Recorded)
	f.rules.change(func(r *rules) { r.withdrawn[ref("facts", "run-one")] = someStatement })
	f.add(at("09:00:00", ev("two", "COMPLETE", ds("b"), ds("facts")+","+ds("log"))))
	r := f.ended("two", Recorded)
	assert.Equal(t, []Breach{{ref("facts", "run-one"), someStatement}}, r.Breaches)
	f.comesFrom(ref("facts", "run-two"), ref("a", "declared"), ref("b", "declared"))
	f.doesNotComeFrom(ref("log", "run-two"), ref("a", "declared"))
}

func TestAVersionThatADatasetEventDerivesFromWithdrawnDataIsABreach(t *testing.T) {
	f := newFixture(t, Config{})
	f.rules.put(indextest.Artifact(t, ref("faces", "1")))
	f.rules.put(indextest.Artifact(t, ref("fine", "1")))
	f.rules.change(func(r *rules) { r.withdrawn[ref("faces", "1")] = someStatement })
	f.run()
	taken := f.add(`{"eventTime":"2026-03-01T08:00:00Z","producer":"p","dataset":` + ds("a", saysVersion("7"),
		`"lineage":{"inputs":[{"namespace":"n","name":"faces","type":"DATASET"},{"namespace":"n","name":"fine","type":"DATASET"}]}`) + `}`)
	r := f.ended(taken[0].ID, Recorded)
	assert.Equal(t, []string{ref("a", "7")}, refs(r.Generated))
	assert.Equal(t, []Breach{{ref("faces", "1"), someStatement}}, r.Breaches)
	assert.False(t, f.artifact(ref("a", "7")).Has("derivedFrom"))
	body := f.body(r.Activity)
	assert.Equal(t, `[{"ref":"`+ref("faces", "1")+`","statement":"`+someStatement+`"}]`, string(body.Get("breach").Bytes()))
	assert.Equal(t, "2026-03-01T08:00:00Z", body.Get("endedAt").Text)
	f.comesFrom(ref("a", "7"), ref("faces", "1"), ref("fine", "1"))
}

// Whoever fills a partition again writes a version that later ones were made of.
func TestAPartitionThatIsWrittenAgainIsRecordedWithWhatIsNew(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	partition := func(version string) string {
		return ds("t", `"version":{"datasetVersion":"`+version+`"}`)
	}
	f.add(at("08:00:00", ev("one", "COMPLETE", ds("a"), partition("1"))))
	f.ended("one", Recorded)
	f.add(at("09:00:00", ev("two", "COMPLETE", ds("b"), partition("2"))))
	f.ended("two", Recorded)
	f.comesFrom(ref("t", "2"), ref("t", "1"), ref("b", "declared"))
	f.add(at("10:00:00", ev("again", "COMPLETE", ds("c"), partition("1"))))
	r := f.ended("again", Recorded)
	require.Len(t, r.LeftOut, 1)
	assert.Equal(t, "circular_lineage", r.LeftOut[0].Code)
	f.comesFrom(ref("t", "1"), ref("a", "declared"), ref("c", "declared"))
	f.comesFrom(ref("t", "2"), ref("c", "declared"))
}
