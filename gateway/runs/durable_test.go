package runs

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

func TestARunThatWasOnItsWayIsRecordedOnceByTheNextProcess(t *testing.T) {
	t.Run("before the ledger had it", func(t *testing.T) {
		f := newFixture(t, Config{})
		f.rules.change(func(r *rules) { r.gate = make(chan struct{}) })
		f.run()
		f.add(ev("one", "START", ds("a"), ""), ev("one", "COMPLETE", "", ds("b")), ev("two", "COMPLETE", ds("b"), ""))
		f.recording("one")
		f.close()
		f.rules.change(func(r *rules) { r.gate = nil })
		f.open()
		f.run()
		assert.Equal(t, []string{ref("b", "run-one")}, f.ended("two", Recorded).Used)
		f.ended("one", Recorded)
		assert.Equal(t, 2, f.rules.sent)
	})
	t.Run("after the ledger had it", func(t *testing.T) {
		f := newFixture(t, Config{})
		f.rules.change(func(r *rules) { r.lose = errors.New("the answer is lost") })
		f.run()
		f.add(ev("one", "START", ds("a"), ""), ev("one", "COMPLETE", "", ds("b")))
		awaits(t, func() bool {
			r, err := f.store.Get(t.Context(), "LabMSP", "one")
			require.NoError(t, err)
			return r.Waiting == "the answer is lost"
		})
		f.close()
		f.rules.change(func(r *rules) { r.lose = nil })
		f.open()
		f.run()
		r := f.ended("one", Recorded)
		assert.Equal(t, []string{ref("b", "run-one")}, refs(r.Generated))
		assert.NotEmpty(t, r.Transaction)
		assert.Equal(t, 1, f.rules.sent)
	})
	t.Run("before its records were made", func(t *testing.T) {
		f := newFixture(t, Config{})
		f.add(ev("one", "START", ds("a"), ""), ev("one", "COMPLETE", "", ds("b")))
		f.close()
		f.rules.put(indextest.Artifact(t, ref("a", "9"))) // which comes too late to be what the run used
		f.open()
		f.run()
		assert.Equal(t, []string{ref("a", "declared")}, f.ended("one", Recorded).Used)
	})
}

// recording waits until the records of a run are made.
func (f *fixture) recording(run string) {
	f.t.Helper()
	awaits(f.t, func() bool {
		var state int
		require.NoError(f.t, f.store.db.file.Read.QueryRow("SELECT state FROM run WHERE run = ?", run).Scan(&state))
		return state == stateRecording
	})
}

func awaits(t testing.TB, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		require.True(t, time.Now().Before(deadline), "the condition never held")
		<-tick.C
	}
}

func TestTwoProcessesCantHaveOneFolder(t *testing.T) {
	f := newFixture(t, Config{})
	_, err := Open(f.cfg, IndexedBy(f.index, func() bool { return true }))
	require.ErrorContains(t, err, "used by another process")
}

func TestARunThatClaimsWhatAnotherMadeIsRecordedWithTheReason(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("one", "COMPLETE", "", ds("a", saysVersion("1"), saysDigest(someDigest))))
	f.ended("one", Recorded)
	f.add(ev("two", "COMPLETE", "", ds("a", saysVersion("1"), saysDigest(otherDigest))),
		ev("three", "COMPLETE", "", ds("a", saysVersion("1"))))
	two, three := f.ended("two", Recorded), f.ended("three", Recorded)
	require.Len(t, two.LeftOut, 1)
	assert.Equal(t, "version_exists", two.LeftOut[0].Code)
	assert.Contains(t, two.LeftOut[0].Detail, "is registered with other content")
	assert.NotEmpty(t, two.LeftOut[0].Existing)
	assert.Empty(t, two.Generated, "the run is recorded, and not that it has made what is something else")
	assert.Equal(t, "already_generated", three.Adjusted[0].Code)
	assert.Equal(t, []string{ref("a", "1")}, refs(three.Generated), "it has written the same version again")
	f.add(ev("four", "COMPLETE", ds("a"), ""))
	assert.Equal(t, []string{ref("a", "1")}, f.ended("four", Recorded).Used)
	stats := f.store.Stats()
	assert.Equal(t, map[State]int{Running: 0, Recording: 0, Recorded: 4, Failed: 0, Expired: 0}, stats.Runs)
	assert.Zero(t, stats.Bytes)
}

func TestAVersionThatSomebodyRegistersMeanwhileIsNoReasonToFail(t *testing.T) {
	f := newFixture(t, Config{})
	f.rules.change(func(r *rules) {
		r.before = func() { f.rules.put(indextest.Artifact(t, ref("a", "declared"))) }
	})
	f.run()
	f.add(ev("one", "COMPLETE", ds("a"), ds("b")))
	r := f.ended("one", Recorded)
	assert.Equal(t, []string{ref("a", "declared")}, r.Used)
	assert.Empty(t, r.Declared, "it was there already")
}

func TestWhatDependsOnARunThatFailedSaysSoAndCanBeMended(t *testing.T) {
	f := newFixture(t, Config{})
	gate := make(chan struct{})
	f.rules.change(func(r *rules) { r.gate = gate; r.generator[ref("a", "run-one")] = "somebody" })
	f.run()
	f.add(ev("one", "COMPLETE", "", ds("a")), ev("two", "COMPLETE", ds("a"), ""))
	close(gate)
	assert.Equal(t, "already_generated", f.ended("one", Failed).Problems[0].Code)
	two := f.ended("two", Recorded)
	assert.Empty(t, two.Used)
	assert.Contains(t, two.LeftOut[0].Detail, "is what run one was to generate")

	f.rules.change(func(r *rules) { delete(r.generator, ref("a", "run-one")) })
	assert.Equal(t, Taken{ID: "one", State: Recording, Duplicate: true}, f.add(ev("one", "COMPLETE", "", ds("a")))[0])
	f.ended("one", Recorded)
	f.add(ev("two", "COMPLETE", ds("a"), ""))
	assert.Equal(t, []string{ref("a", "run-one")}, f.ended("two", Recorded).Used)
	assert.Zero(t, f.store.Stats().Bytes)
}

func TestWhatARunReadsAndWritesInOneVersionIsRecordedAsRead(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("one", "COMPLETE", ds("a", saysVersion("1")), ds("a", saysVersion("1"))))
	r := f.ended("one", Recorded)
	assert.Equal(t, "cycle", r.LeftOut[0].Code)
	assert.Equal(t, []string{ref("a", "1")}, r.Used)
	assert.Empty(t, r.Generated)
}

func TestRunsThatNeverEndAreRecordedAsTheyAre(t *testing.T) {
	f := newFixture(t, Config{Expire: time.Hour})
	f.run()
	f.add(ev("one", "START", ds("a"), ds("b")))
	f.store.applyRetention(t.Context(), time.Now().Add(59*time.Minute))
	assert.Equal(t, 1, f.store.Stats().Runs[Running])
	f.store.applyRetention(t.Context(), time.Now().Add(61*time.Minute))
	r := f.ended("one", Recorded)
	assert.Equal(t, []string{ref("a", "declared")}, r.Used)
	assert.Empty(t, r.Generated, "nobody has said that it is complete")
	assert.Equal(t, "UNFINISHED", f.body(r.Activity).Get("outcome").Get("state").Text)
	assert.Equal(t, 1, f.store.Stats().Expired)
	assert.Equal(t, 0, f.store.Stats().Bytes)

	assert.True(t, f.add(ev("one", "COMPLETE", ds("c"), ""))[0].Late)
	r = f.ended("one", Recorded)
	assert.Equal(t, []string{ref("a", "declared"), ref("c", "declared")}, r.Used)
	assert.Equal(t, []string{ref("b", "run-one")}, refs(r.Generated))
	f.store.applyRetention(t.Context(), time.Now().Add(32*24*time.Hour))
	_, err := f.store.Get(t.Context(), "LabMSP", "one")
	require.ErrorIs(t, err, ErrNoRun)
}

func TestOldRunsAreForgottenAndWhatTheyMadeIsKnown(t *testing.T) {
	f := newFixture(t, Config{KeepRuns: 3})
	f.run()
	for i := range 6 {
		name := fmt.Sprint("run", i)
		f.add(ev(name, "COMPLETE", "", ds("a")))
		f.ended(name, Recorded)
	}
	f.store.applyRetention(t.Context(), time.Now())
	assert.Equal(t, 3, f.store.Stats().Runs[Recorded])
	f.add(ev("reader", "COMPLETE", ds("a"), ""))
	assert.Equal(t, []string{ref("a", "run-run5")}, f.ended("reader", Recorded).Used)
	f.add(ev("run0", "COMPLETE", "", ds("a", saysVersion("run-run5"))))
	assert.Equal(t, "already_generated", f.ended("run0", Recorded).Adjusted[0].Code, "the ledger forgets nothing")
}

func TestThereIsAnEndToWhatIsTaken(t *testing.T) {
	small := Config{OpenRuns: 2, Bytes: 3000, RunBytes: 1500, RunEvents: 3, Datasets: 4, Linger: time.Hour}
	f := newFixture(t, small)
	var limit *LimitError
	var busy *BusyError

	taken := f.tryAs(lab, ev("one", "START", ds("a")+","+ds("b")+","+ds("c")+","+ds("d")+","+ds("e"), ""))
	require.ErrorAs(t, taken[0].Err, &limit)
	assert.Contains(t, limit.Detail, "more than the 4 inputs allowed")
	_, err := f.store.Get(t.Context(), "LabMSP", "one")
	require.ErrorIs(t, err, ErrNoRun, "nothing is half kept")

	f.add(ev("one", "START", "", ""), ev("one", "RUNNING", "", ""), ev("one", "OTHER", "", ""))
	taken = f.tryAs(lab, ev("one", "RUNNING", ds("a"), ""))
	require.ErrorAs(t, taken[0].Err, &limit)
	assert.Contains(t, limit.Detail, "3 events")

	taken = f.tryAs(lab, ev("two", "START", "", ds("a", `"x":{"y":"`+strings.Repeat("z", 2000)+`"}`)))
	require.ErrorAs(t, taken[0].Err, &limit)
	assert.Contains(t, limit.Detail, "1500 bytes")

	f.add(ev("two", "START", "", ""))
	taken = f.tryAs(lab, ev("three", "START", "", ""))
	require.ErrorAs(t, taken[0].Err, &busy)
	assert.Equal(t, 3, busy.Runs)
	require.NoError(t, f.tryAs(Caller{Name: "x", MSPID: "MarketMSP"}, ev("three", "START", "", ""))[0].Err,
		"each organisation has its own room")

	f.add(ev("one", "COMPLETE", "", ""))
	f.run()
	f.ended("one", Recorded)
	f.add(ev("three", "START", "", ""))
}

func TestARunThatFitsNoTransactionIsRecordedInParts(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	var inputs []string
	for i := range record.MaxPackRecords + 1 {
		inputs = append(inputs, ds(fmt.Sprint("in", i)))
	}
	f.add(ev("one", "COMPLETE", strings.Join(inputs, ","), ds("out")))
	r := f.ended("one", Recorded)
	assert.Len(t, r.Used, len(inputs))
	assert.Equal(t, []string{ref("out", "run-one")}, refs(r.Generated))
	require.NotEmpty(t, r.Extensions)
	up := f.ancestors(ref("out", "run-one"))
	for i := range inputs {
		require.Contains(t, up, ref(fmt.Sprint("in", i), "declared"))
	}
}

func TestADamagedRunDoesNotKeepTheOthersBack(t *testing.T) {
	f := newFixture(t, Config{})
	f.rules.change(func(r *rules) { r.gate = make(chan struct{}) })
	f.run()
	f.add(ev("one", "START", "", ""), ev("one", "COMPLETE", "", ds("a")))
	f.recording("one")
	f.close()
	f.rules.change(func(r *rules) { r.gate = nil })
	f.open()
	require.NoError(t, f.store.db.change(func(tx *sqlitefile.Tx) error {
		_, err := tx.Exec("UPDATE run SET records = x'00'")
		return err
	}))
	f.add(ev("two", "COMPLETE", "", ds("b")))
	f.run()
	f.ended("two", Recorded)
	assert.Equal(t, "damaged", f.ended("one", Failed).Problems[0].Code)
}

func TestADamagedEventDoesNotKeepTheOthersBack(t *testing.T) {
	f := newFixture(t, Config{})
	f.add(ev("one", "START", "", ""), ev("one", "COMPLETE", "", ds("a")))
	require.NoError(t, f.store.db.change(func(tx *sqlitefile.Tx) error {
		_, err := tx.Exec("UPDATE event SET body = x'00'")
		return err
	}))
	f.add(ev("two", "COMPLETE", "", ds("b")))
	f.run()
	f.ended("two", Recorded)
	assert.Equal(t, "damaged", f.ended("one", Failed).Problems[0].Code)
}

func TestFacetsThatNoRecordHasRoomForAreToldByTheirDigest(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	big := `"plan":{"_producer":"p","text":"` + strings.Repeat("x", 1<<20) + `"}`
	deep := `"deep":` + strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	small := `"schema":{"fields":[{"name":"a"}]}`
	f.add(ev("one", "COMPLETE", ds("a", big, deep, small), ds("b", big, small)))
	r := f.ended("one", Recorded)
	facets := f.body(r.Activity).Get("metadata").Get("openlineage").Get("inputs").Items[0].Get("facets")
	assert.Equal(t, `{"fields":[{"name":"a"}]}`, string(facets.Get("schema").Bytes()))
	assert.Equal(t, "p", facets.Get("plan").Get("_producer").Text)
	assert.Equal(t, "1048603", facets.Get("plan").Get("pedigree_leftOut").Get("bytes").Text)
	assert.Len(t, facets.Get("plan").Get("pedigree_leftOut").Get("sha256").Text, 64)
	assert.True(t, facets.Get("deep").Has("pedigree_leftOut"))
	made := f.artifact(ref("b", "run-one")).Get("metadata").Get("openlineage").Get("facets")
	assert.True(t, made.Get("plan").Has("pedigree_leftOut"))
	assert.True(t, made.Has("schema"))
}

func TestManyRunsAtOnceAreRecordedEachOnce(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	const n = 60
	var events []string
	for i := range n {
		events = append(events, ev(fmt.Sprint("run", i), "START", ds("common"), ""))
	}
	for i := range n {
		events = append(events, ev(fmt.Sprint("run", i), "COMPLETE", ds(fmt.Sprint("chain", i-1)),
			ds(fmt.Sprint("chain", i))))
	}
	f.add(events...)
	for i := range n {
		r := f.ended(fmt.Sprint("run", i), Recorded)
		used := r.Used
		require.Len(t, used, 2)
		for _, d := range refs(r.Declared) {
			require.Contains(t, []string{ref("common", "declared"), ref("chain-1", "declared")}, d,
				"what a run here makes is its to register")
		}
		if i > 0 {
			require.Contains(t, used, ref(fmt.Sprint("chain", i-1), fmt.Sprint("run-run", i-1)))
		}
	}
	assert.Equal(t, n, f.rules.sent)
}

func TestARunThatEndedByAClockThatWasSetBackDoesNotWaitForItsTimeToComeAgain(t *testing.T) {
	f := newFixture(t, Config{})
	f.add(ev("one", "COMPLETE", ds("a"), ds("b")))
	require.NoError(t, f.store.db.change(func(tx *sqlitefile.Tx) error {
		_, err := tx.Exec("UPDATE run SET ended = ?", time.Now().Add(24*time.Hour).UnixMilli())
		return err
	}))
	f.run()
	f.ended("one", Recorded)
}
