package runs

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// texts are the strings of a list, or the refs of its objects.
func textsOf(list canonical.Value) []string {
	all := []string{}
	for _, item := range list.Items {
		if ref := item.Get("ref"); ref.Kind == canonical.String {
			item = ref
		}
		all = append(all, item.Text)
	}
	return all
}

func TestWhatARunMadeOnItsWayIsNoInputOfItAndIsFollowedDown(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("before", "COMPLETE", "", ds("y")))
	f.ended("before", Recorded)
	f.add(ev("one", "COMPLETE", ds("a"), ds("x", from("y"))+","+ds("y", from("z"))+","+ds("z", from("a"))))
	r := f.ended("one", Recorded)
	assert.Equal(t, []string{ref("a", "declared")}, textsOf(f.body(r.Activity).Get("used")))
	assert.Equal(t, []string{ref("z", "run-one"), ref("y", "run-before")},
		textsOf(f.artifact(ref("y", "run-one")).Get("derivedFrom")),
		"nobody says that the table was overwritten")
	assert.Equal(t, []string{ref("y", "run-one")}, textsOf(f.artifact(ref("x", "run-one")).Get("derivedFrom")))

	down, err := lineage.Trace(t.Context(), f.index, lineage.Query{Node: ref("z", "run-one"),
		Direction: lineage.Descendants, At: index.Latest})
	assert.NoError(t, err)
	var reached []string
	for _, n := range down.Nodes {
		reached = append(reached, n.ID)
	}
	assert.Equal(t, []string{ref("z", "run-one"), ref("y", "run-one"), ref("x", "run-one")}, reached,
		"a recall of what was made on the way finds what was made of it")
}

func TestWhatWentIntoEachOtherIsDerivedOneWay(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("one", "COMPLETE", ds("a"), ds("x", from("y", "a"))+","+ds("y", from("x"))))
	f.ended("one", Recorded)
	assert.Equal(t, []string{ref("y", "run-one")}, textsOf(f.artifact(ref("x", "run-one")).Get("derivedFrom")))
	assert.Empty(t, textsOf(f.artifact(ref("y", "run-one")).Get("derivedFrom")))
}

func TestAnOutputByTwoNamesHidesNothingOfWhatItWasMadeOf(t *testing.T) {
	f := newFixture(t, Config{})
	f.run()
	z := ref("z", "1")
	f.add(ev("one", "COMPLETE", ds("a")+","+ds("b"), ds("z", `"version":{"datasetVersion":"1"}`,
		from("a"))+`,{"namespace":"pedigree","name":"`+z+`","facets":{`+from("b")+`}}`))
	made := f.body(f.ended("one", Recorded).Activity).Get("generated")
	assert.Equal(t, `[{"ref":"`+z+`"}]`, string(made.Bytes()), "it is of all that was used")
}
