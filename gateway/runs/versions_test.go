package runs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func saysVersion(said string) string { return `"version":{"datasetVersion":"` + said + `"}` }

func saysDigest(value string) string {
	return `"pedigree_digest":{"algorithm":"sha-256","value":"` + value + `","coverage":"full"}`
}

var someDigest, otherDigest = strings.Repeat("ab", 32), strings.Repeat("cd", 32)

func TestAnInputIsTheNewestVersionWhenTheRunFirstNamesIt(t *testing.T) {
	f := newFixture(t, Config{})
	f.add(
		ev("one", "START", "", ""), ev("one", "COMPLETE", "", ds("a")),
		ev("two", "START", ds("a"), ""), // before three has written
		ev("three", "START", ds("a"), ""), ev("three", "COMPLETE", ds("a"), ds("a")),
		ev("four", "COMPLETE", ds("a"), ""),
		ev("two", "COMPLETE", ds("a"), ds("b")),
	)
	f.run()
	assert.Equal(t, []string{ref("a", "run-one")}, f.ended("two", Recorded).Used,
		"it is settled by the first event, not the last")
	three := f.ended("three", Recorded)
	assert.Equal(t, []string{ref("a", "run-one")}, three.Used, "what a run reads and writes is two versions")
	assert.Equal(t, []string{ref("a", "run-three")}, refs(three.Generated))
	assert.Equal(t, []string{ref("a", "run-three")}, f.ended("four", Recorded).Used)
	assert.Empty(t, f.ended("four", Recorded).Declared)
}

func TestWhatIsOpenOrHasFailedIsNoVersion(t *testing.T) {
	f := newFixture(t, Config{})
	f.add(
		ev("good", "START", "", ds("a")), ev("good", "COMPLETE", "", ""),
		ev("bad", "START", "", ds("a")), ev("bad", "FAIL", "", ds("a")),
		ev("open", "START", "", ds("a")),
		ev("reader", "COMPLETE", ds("a"), ""),
	)
	f.run()
	assert.Equal(t, []string{ref("a", "run-good")}, f.ended("reader", Recorded).Used)
	assert.Empty(t, f.ended("bad", Recorded).Generated)
}

func TestWhatTheLedgerGotOtherwiseIsKnown(t *testing.T) {
	f := newFixture(t, Config{})
	f.rules.put(indextest.Artifact(t, ref("a", "7")))
	f.rules.put(indextest.Artifact(t, ref("a", "8")))
	f.run()
	f.add(ev("one", "COMPLETE", ds("a"), ds("a"), "03-01T", "02-01T"))
	assert.Equal(t, []string{ref("a", "8")}, f.ended("one", Recorded).Used,
		"what is registered by hand may have been there long before")
	f.add(ev("two", "COMPLETE", ds("a"), "", "03-01T", "02-01T"))
	assert.Equal(t, []string{ref("a", "run-one")}, f.ended("two", Recorded).Used)
	f.rules.put(indextest.Artifact(t, ref("a", "9")))
	f.add(ev("three", "COMPLETE", ds("a"), ""))
	assert.Equal(t, []string{ref("a", "9")}, f.ended("three", Recorded).Used,
		"another gateway has registered one since")
}

func TestAVersionFacetIsTheVersion(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("one", "START", ds("a"), ds("b", saysVersion("3"))),
		ev("one", "RUNNING", ds("a", saysVersion("snapshot 5")), ds("b", saysVersion("4"))),
		ev("one", "COMPLETE", ds("a", saysVersion("6")), ds("b")))
	one := f.ended("one", Recorded)
	spelled := openlineage.Version("snapshot 5")
	assert.Equal(t, []string{ref("a", "6"), ref("a", spelled)}, one.Used, "all that it says of an input")
	assert.Equal(t, []string{ref("b", "3"), ref("b", "4")}, refs(one.Generated), "all that it says of an output")
	assert.Equal(t, one.Used, refs(one.Declared))
	assert.Equal(t, "declared", f.artifact(ref("a", spelled)).Get("digest").Get("coverage").Text)
	in := f.body(one.Activity).Get("metadata").Get("openlineage").Get("inputs").Items[0]
	assert.Equal(t, "6", in.Get("facets").Get("version").Get("datasetVersion").Text, "facets are the last ones")
	f.add(ev("two", "COMPLETE", ds("b", saysVersion("4")), ""))
	assert.Empty(t, f.ended("two", Recorded).Declared, "it is there already")
}

func TestAllVersionsThatOneEventSaysCount(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	both := func(name, one, other string) string { return ds(name, one) + "," + ds(name, other) }
	f.add(ev("one", "COMPLETE", both("a", saysVersion("3"), saysVersion("4")), both("b", saysVersion("5"), saysVersion("6"))),
		ev("two", "COMPLETE", both("c", saysDigest(someDigest), saysDigest(otherDigest)), ""),
		ev("three", "COMPLETE", ds("d", saysVersion("7"))+","+ds("d"), ""))
	one := f.ended("one", Recorded)
	assert.Equal(t, []string{ref("a", "3"), ref("a", "4")}, one.Used)
	assert.Equal(t, []string{ref("b", "5"), ref("b", "6")}, refs(one.Generated))
	assert.Len(t, f.ended("two", Recorded).Used, 2)
	assert.Equal(t, []string{ref("d", "7")}, f.ended("three", Recorded).Used, "the other one says nothing")
}

func TestAnInputOfWhichNothingIsKnownIsDeclaredOnce(t *testing.T) {
	f := newFixture(t, Config{})
	f.add(ev("one", "START", ds("a"), ""), ev("two", "START", ds("a"), ""), ev("one", "COMPLETE", "", ""),
		ev("two", "COMPLETE", "", ""))
	f.run()
	one, two := f.ended("one", Recorded), f.ended("two", Recorded)
	assert.Equal(t, []string{ref("a", "declared")}, one.Used)
	assert.Equal(t, one.Used, two.Used)
	declared := append(refs(one.Declared), refs(two.Declared)...)
	assert.NotEmpty(t, declared, "one of them registers it, or both at the same time, with the same bytes")
	assert.Equal(t, []string{ref("a", "declared")}, slices.Compact(declared))
	a := f.artifact(ref("a", "declared"))
	assert.Equal(t, string(openlineage.DeclaredDigest(openlineage.Identity{Namespace: "n", Name: "a"},
		"declared").Bytes()), string(a.Get("digest").Bytes()))
	assert.Equal(t, `{"openlineage":{"name":"a","namespace":"n"}}`, string(a.Get("metadata").Bytes()))
}

func TestADigestChoosesTheVersionOfAnInput(t *testing.T) {
	f := newFixture(t, Config{})
	f.add(ev("one", "COMPLETE", "", ds("a", saysDigest(someDigest))),
		ev("two", "COMPLETE", "", ds("a", saysDigest(otherDigest))),
		ev("early", "COMPLETE", ds("a", saysDigest(someDigest)), ""))
	f.run()
	assert.Equal(t, []string{ref("a", "run-one")}, f.ended("early", Recorded).Used,
		"while it is on its way to the ledger")
	f.ended("two", Recorded)
	f.add(ev("late", "COMPLETE", ds("a", saysDigest(someDigest)), ""),
		ev("other", "COMPLETE", ds("a", saysDigest(strings.Repeat("ef", 32))), ""))
	assert.Equal(t, []string{ref("a", "run-one")}, f.ended("late", Recorded).Used, "when it is there")
	other := f.ended("other", Recorded)
	assert.Equal(t, []string{ref("a", "sha-256-"+strings.Repeat("ef", 16))}, other.Used,
		"what is none of the known versions is one of its own")
	assert.Equal(t, "full", f.artifact(other.Used[0]).Get("digest").Get("coverage").Text)
	assert.Equal(t, someDigest, f.artifact(ref("a", "run-one")).Get("digest").Get("value").Text)
}

func TestModelsAreModelsWhoeverNamesThem(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("train", "COMPLETE", "", ds("m", `"datasetType":{"datasetType":"MODEL"}`)))
	made := refs(f.ended("train", Recorded).Generated)
	assert.Equal(t, []string{"model" + strings.TrimPrefix(ref("m", "run-train"), "dataset")}, made)
	f.add(ev("use", "COMPLETE", ds("m"), ""), ev("again", "COMPLETE", "", ds("m")),
		ev("exact", "COMPLETE", ds("m", saysVersion("run-train")), ""))
	assert.Equal(t, made, f.ended("use", Recorded).Used)
	assert.True(t, strings.HasPrefix(f.ended("again", Recorded).Generated[0].Ref, "model/"))
	assert.Equal(t, made, f.ended("exact", Recorded).Used)
}

func TestADatasetOfOursIsAnyOrganisationsArtifact(t *testing.T) {
	ours := func(name string, facets ...string) string {
		return strings.Replace(ds(name, facets...), `"n"`, `"pedigree"`, 1)
	}
	f := newFixture(t, Config{})
	f.rules.put(indextest.Artifact(t, "dataset/market/readings@1"))
	f.rules.put(indextest.Artifact(t, "dataset/market/readings@2"))
	f.run()
	f.add(ev("one", "COMPLETE", ours("dataset/market/readings@1"),
		ours("model/lab/spoilage@3", saysDigest(someDigest))),
		ev("two", "COMPLETE", ours("dataset/market/readings", saysVersion("1")), ours("model/lab/spoilage")),
		ev("three", "COMPLETE", ours("dataset/market/readings"), ""))
	one := f.ended("one", Recorded)
	assert.Equal(t, []string{"dataset/market/readings@1"}, one.Used)
	assert.Equal(t, []string{"model/lab/spoilage@3"}, refs(one.Generated))
	assert.Equal(t, []string{"dataset/market/readings@1"}, f.ended("two", Recorded).Used)
	assert.Equal(t, []string{"model/lab/spoilage@run-two"}, refs(f.ended("two", Recorded).Generated))
	assert.Equal(t, []string{"dataset/market/readings@2"}, f.ended("three", Recorded).Used)

	taken := f.tryAs(lab, ev("four", "START", ours("dataset/market/nothing"), ""))
	require.ErrorContains(t, taken[0].Err, "no version of dataset/market/nothing")
	f.add(ev("five", "COMPLETE", ours("dataset/market/readings@9"), ""))
	assert.Equal(t, "unknown_reference", f.ended("five", Failed).Problems[0].Code,
		"what another organisation has isn't ours to declare")
}

func TestVersionsAreNotGuessedWhileTheIndexIsBehind(t *testing.T) {
	f := newFixture(t, Config{})
	f.ready = false
	taken := f.tryAs(lab, ev("one", "COMPLETE", ds("a"), ""), ev("two", "COMPLETE", ds("a", saysVersion("1")), ds("b")),
		ev("three", "COMPLETE", ds("b"), ""))
	require.ErrorIs(t, taken[0].Err, ErrNotReady)
	require.NoError(t, taken[1].Err, "a version that is said needs no guess")
	require.NoError(t, taken[2].Err, "neither does what was generated here")
	_, err := f.store.Get(t.Context(), "LabMSP", "one")
	require.ErrorIs(t, err, ErrNoRun, "what is refused leaves nothing behind")

	f.rules.put(indextest.Artifact(t, ref("c", "1")))
	taken = f.tryAs(lab, ev("four", "COMPLETE", ds("c"), ""))
	require.ErrorIs(t, taken[0].Err, ErrNotReady,
		"a newer version than the index has may be in the blocks that it lacks")
	f.ready = true
	f.add(ev("four", "COMPLETE", ds("c"), ""))
	f.run()
	assert.Equal(t, []string{ref("c", "1")}, f.ended("four", Recorded).Used)
	f.ended("three", Recorded)
}

// Events often bear the times of a clock that is coarser than the runs are short. Of events of one time, those that
// arrived first came first.
func TestOfOneTimeWhatArrivedFirstCameFirst(t *testing.T) {
	chain := func(run string) []string {
		return []string{ev(run, "START", ds("t"), ""), ev(run, "COMPLETE", "", ds("t"))}
	}
	first, second, third := ref("t", "run-r1"), ref("t", "run-r2"), ref("t", "run-r3")
	check := func(t *testing.T, f *fixture) {
		t.Helper()
		for _, run := range []string{"r1", "r2", "r3"} {
			f.ended(run, Recorded)
		}
		f.doesNotComeFrom(first, second, third)
		f.comesFrom(second, first)
		f.doesNotComeFrom(second, third)
		f.comesFrom(third, first, second)
	}
	t.Run("while nothing is recorded yet", func(t *testing.T) {
		f := newFixture(t, Config{})
		f.add(slices.Concat(chain("r1"), chain("r2"), chain("r3"))...)
		f.run()
		f.settled()
		check(t, f)
	})
	t.Run("and each is recorded before the next", func(t *testing.T) {
		f := newFixture(t, Config{})
		f.run()
		for _, run := range []string{"r1", "r2", "r3"} {
			f.add(chain(run)...)
			f.settled()
		}
		check(t, f)
	})
	t.Run("and a start comes late", func(t *testing.T) {
		f := newFixture(t, Config{})
		one, two := chain("r1"), chain("r2")
		f.add(one[1], two[0], two[1], one[0])
		f.add(chain("r3")...)
		f.run()
		f.settled()
		check(t, f)
	})
}

func TestAVersionThatNoRunIsKnownToHaveWrittenIsNoted(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("writer", "COMPLETE", ds("s"), ds("a")))
	f.ended("writer", Recorded)
	f.add(ev("reader", "COMPLETE", ds("a", saysVersion("99")), ds("b")))
	reader := f.ended("reader", Recorded)
	assert.Equal(t, []string{ref("a", "99")}, reader.Used)
	require.Len(t, reader.Adjusted, 1)
	assert.Equal(t, "unknown_version", reader.Adjusted[0].Code)
	assert.Equal(t, ref("a", "99"), reader.Adjusted[0].Ref)
	gate := make(chan struct{}) // the index doesn't have the other version before the reader's records are made
	f.rules.change(func(r *rules) { r.gate = gate })
	f.add(ev("w2", "COMPLETE", ds("s"), ds("d", saysVersion("1"))), ev("r2", "COMPLETE", ds("d", saysVersion("99")), ds("e")))
	require.Eventually(t, func() bool {
		var made int
		row := f.store.db.file.Read.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM run WHERE state = ?", stateRecording)
		require.NoError(t, row.Scan(&made))
		return made == 2
	}, 10*time.Second, time.Millisecond)
	close(gate)
	assert.Len(t, f.ended("r2", Recorded).Adjusted, 1, "the other version comes in the same request")
	f.add(ev("first", "COMPLETE", ds("new", saysVersion("1")), ds("c")))
	assert.Empty(t, f.ended("first", Recorded).Adjusted, "there is no other version that may be meant")
}
