package picture

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// family is a dataset made of so many readings of one thing, and as many models made of it.
func family(readings int) *answer {
	a := newAnswer(7)
	set := a.artifact("dataset/lab/all@1", 0)
	thing := lineage.Node{ID: "https://id.gs1.org/00/095200010000000652", Kind: "thing", MSPID: "HarborMSP", Depth: 2}
	unit := ""
	for i := range readings {
		event := a.event("MarketMSP", "transporting", "ObjectEvent", 1, i)
		a.edge(event, set, lineage.EdgeDerived)
		if unit == "" {
			unit = a.node(thing)
		}
		a.edge(unit, event, lineage.EdgeObserved)
	}
	return a
}

// titles are the first lines of all rows.
func titles(p *Picture) []string {
	var all []string
	for _, r := range p.Rows {
		all = append(all, r.Title)
	}
	return all
}

func TestSiblingsBeyondAFewAreOneNode(t *testing.T) {
	small := Options{Whole: 1}
	for n, want := range map[int][]string{
		3:  {"all@1", "transporting", "transporting", "transporting", "SSCC …00000652"},
		4:  {"all@1", "transporting", "transporting", "transporting", "transporting", "SSCC …00000652"},
		5:  {"all@1", "transporting", "transporting", "transporting", "2 more events", "SSCC …00000652"},
		99: {"all@1", "transporting", "transporting", "transporting", "96 more events", "SSCC …00000652"},
	} {
		assert.Equal(t, want, titles(Draw(&family(n).Answer, small)), "%d readings", n)
	}
	assert.Len(t, Draw(&family(30).Answer, Options{}).Rows, 32, "small answers are drawn whole")
}

// unfold follows the link of the first fold.
func unfold(t *testing.T, a *lineage.Answer, o Options) (*Picture, Options) {
	t.Helper()
	for _, row := range Draw(a, o).Rows {
		if row.Count > 1 {
			key, extra := "", 0
			_, err := fmt.Sscanf(strings.ReplaceAll(row.Link, ".", " "), "/lineage?unfold=%s %d", &key, &extra)
			require.NoError(t, err, row.Link)
			o.Unfolded = map[string]int{key: extra}
			return Draw(a, o), o
		}
	}
	t.Fatal("nothing is folded")
	return nil, o
}

func TestAFoldOpensStepByStep(t *testing.T) {
	a := &family(99).Answer
	p, o := unfold(t, a, links(Options{}))
	assert.Equal(t, 3+BranchStep+2, p.Drawn, "each of them leads on to the dataset and to the thing")
	assert.Contains(t, titles(p), "84 more events")
	for range 7 {
		p, o = unfold(t, a, o)
	}
	assert.Equal(t, 101, p.Drawn)
	assert.Zero(t, p.Folds)
}

func TestAFoldOfLeavesOpensWider(t *testing.T) {
	a := newAnswer(1)
	lot := a.thing("https://id.gs1.org/01/09520001200014/10/A", "HarborMSP", 0)
	for i := range 99 {
		a.edge(lot, a.event("MarketMSP", "shipping", "ObjectEvent", 1, i), lineage.EdgeObserved)
	}
	p, _ := unfold(t, &a.Answer, links(Options{}))
	assert.Equal(t, 1+3+Step, p.Drawn)
}

func TestUnfoldingEndsWhereThePictureWouldBeTooBig(t *testing.T) {
	a := &family(2000).Answer
	_, o := unfold(t, a, links(Options{}))
	for key := range o.Unfolded {
		o.Unfolded[key] = 1000
	}
	p := Draw(a, o)
	assert.True(t, p.Full)
	assert.Equal(t, 5, p.Drawn)
	assert.Contains(t, titles(p), "1997 more events")
}

func TestWhatHangsOnFoldedNodesIsFoldedWithItsLike(t *testing.T) {
	a := newAnswer(3)
	set := a.artifact("dataset/lab/all@1", 0)
	for i := range 12 {
		run := a.run("training", 1, i)
		model := a.artifact(fmt.Sprintf("model/lab/m%02d@1", i), 2)
		a.edge(set, run, lineage.EdgeUsed)
		a.edge(run, model, lineage.EdgeGenerated)
	}
	p := Draw(&a.Answer, Options{Whole: 1})
	assert.Equal(t, []string{"all@1", "training", "training", "training", "9 more training runs", "m00@1", "m01@1", "m02@1", "9 models"}, titles(p))
	for _, r := range p.Rows {
		if r.Title == "9 models" {
			assert.Equal(t, "9 more training runs", r.From[0].Title)
		}
	}
}

func TestMarkedNodesAreNotFoldedWithOthers(t *testing.T) {
	a := family(99)
	a.Nodes[50].Flags = []string{"recalled"}
	p := Draw(&a.Answer, Options{})
	states := ""
	for _, r := range p.Rows {
		states += r.Title + " " + r.State + "\n"
	}
	assert.Contains(t, states, "transporting recalled\n")
	assert.Contains(t, states, "95 more events \n")
}

func TestTheMiddleOfALongChainIsOneNode(t *testing.T) {
	a := newAnswer(5)
	before := a.artifact("dataset/lab/step@0", 0)
	for i := range 30 {
		run := a.run("transformation", 2*i+1, i)
		next := a.artifact(fmt.Sprintf("dataset/lab/step@%d", i+1), 2*i+2)
		a.edge(before, run, lineage.EdgeUsed)
		a.edge(run, next, lineage.EdgeGenerated)
		before = next
	}
	o := links(Options{})
	p := Draw(&a.Answer, o)
	require.Equal(t, []string{"step@0", "transformation", "56 steps", "step@29", "transformation", "step@30"}, append(titles(p)[:3], last(titles(p), 3)...))
	assert.Equal(t, "1–2 Mar 2026", p.Rows[2].Sub)
	p, _ = unfold(t, &a.Answer, o)
	assert.Contains(t, titles(p), "16 steps")
}

func last(s []string, n int) []string { return s[len(s)-min(n, len(s)):] }

func TestThatAnEventNamesWhatItMadeIsNotDrawnTwice(t *testing.T) {
	a := newAnswer(1)
	event := a.event("LabMSP", "commissioning", "ObjectEvent", 0, 0)
	thing := a.thing("https://id.gs1.org/01/09520001200014/10/A", "LabMSP", 1)
	a.edge(event, thing, lineage.EdgeOutput)
	a.edge(thing, event, lineage.EdgeObserved)
	p := Draw(&a.Answer, Options{})
	assert.Equal(t, []Ref{{1, "Lot A", "led to"}}, p.Rows[0].To)
	assert.Empty(t, p.Rows[0].From)
}

func TestWhatCameOfSomethingRecalledIsAffected(t *testing.T) {
	for name, c := range map[string]struct {
		flags []string
		kind  string
		then  string
		want  string
	}{
		"made of it":                        {[]string{"recalled"}, lineage.EdgeUsed, "", "affected"},
		"made of what consent is withdrawn": {[]string{"withdrawn"}, lineage.EdgeUsed, "", "affected"},
		"held by it":                        {[]string{"recalled"}, lineage.EdgeContains, "", "affected"},
		"made of what was approved":         {[]string{"approved"}, lineage.EdgeUsed, "", ""},
		"only observed it":                  {[]string{"recalled"}, lineage.EdgeObserved, "", ""},
		"observed it, and something came of the observation": {[]string{"recalled"}, lineage.EdgeObserved, lineage.EdgeDerived, "affected"},
	} {
		a := newAnswer(1)
		first := a.node(lineage.Node{ID: "dataset/lab/a@1", Kind: "artifact", MSPID: "LabMSP", Flags: c.flags})
		second := a.event("LabMSP", "inspecting", "ObjectEvent", 1, 0)
		a.edge(first, second, c.kind)
		if c.then != "" {
			a.edge(second, a.artifact("dataset/lab/b@1", 2), c.then)
		}
		p := Draw(&a.Answer, Options{})
		assert.Equal(t, c.want, p.Rows[1].State, name)
	}
}

func TestWhatARecalledEventObservedIsAffectedAndWhatWasInIt(t *testing.T) {
	a := newAnswer(1)
	reading := a.event("MarketMSP", "transporting", "ObjectEvent", 0, 0)
	a.Nodes[0].Flags = []string{"recalled"}
	other := a.event("MarketMSP", "transporting", "ObjectEvent", 2, 1)
	set := a.artifact("dataset/lab/other@1", 3)
	pallet := a.thing("https://id.gs1.org/00/095200010000000652", "HarborMSP", 1)
	lot := a.thing("https://id.gs1.org/01/09520001200014/10/A", "HarborMSP", 2)
	a.edge(pallet, reading, lineage.EdgeObserved)
	a.edge(pallet, other, lineage.EdgeObserved)
	a.edge(pallet, lot, lineage.EdgeContains)
	a.edge(other, set, lineage.EdgeDerived)
	states := map[string]string{}
	for _, r := range Draw(&a.Answer, Options{}).Rows {
		states[r.ID] = r.State
	}
	assert.Equal(t, map[string]string{reading: "recalled", pallet: "affected", lot: "affected", other: "", set: ""}, states,
		"what another event observed of the pallet is another matter")
}

func TestWhatCameOfSomethingRecalledBeforeTheAnswerIsAffected(t *testing.T) {
	up := newAnswer(1)
	set := up.artifact("dataset/lab/a@1", 0)
	up.edge(up.node(lineage.Node{ID: "dataset/lab/raw@1", Kind: "artifact", MSPID: "LabMSP", Depth: 1, Flags: []string{"recalled"}}), set, lineage.EdgeDerived)
	assert.True(t, Affected(&up.Answer))
	down := newAnswer(1)
	down.edge(down.artifact("dataset/lab/a@1", 0), down.artifact("model/lab/b@1", 1), lineage.EdgeDerived)
	assert.False(t, Affected(&down.Answer))
	for _, affected := range []bool{false, true} {
		for _, row := range Draw(&down.Answer, Options{Affected: affected}).Rows {
			assert.Equal(t, affected, row.State == "affected", row.Title)
		}
	}
}

func TestLabelsAreShortAndForPeople(t *testing.T) {
	at := time.Date(2026, 3, 1, 11, 30, 0, 0, time.FixedZone("", 3600))
	for _, c := range []struct {
		node       lineage.Node
		title, sub string
		look       string
	}{
		{lineage.Node{Kind: "class", ID: "https://id.gs1.org/01/09520001200014/10/FILLET-A"}, "Lot FILLET-A", "GTIN 09520001200014", "lot"},
		{lineage.Node{Kind: "thing", ID: "https://id.gs1.org/01/09520001200014/21/17%2F3"}, "Item 17/3", "GTIN 09520001200014", "item"},
		{lineage.Node{Kind: "class", ID: "https://id.gs1.org/01/09520001200014"}, "GTIN 09520001200014", "all lots and items", "class"},
		{lineage.Node{Kind: "thing", ID: "https://id.gs1.org/00/095200010000000652"}, "SSCC …00000652", "095200010000000652", "unit"},
		{lineage.Node{Kind: "thing", ID: "https://id.gs1.org/414/9520001000015"}, "location (GLN) 9520001000015", "all lots and items", "place"},
		{lineage.Node{Kind: "thing", ID: "urn:example:boat:7"}, "7", "urn:example:boat:7", "asset"},
		{lineage.Node{Kind: "artifact", ID: "model/lab/spoilage@A"}, "spoilage@A", "model · lab", "model"},
		{lineage.Node{Kind: "artifact", ID: "code/lab/a/b@1"}, "a/b@1", "code · lab", "code"},
		{lineage.Node{Kind: "event", Type: "ObjectEvent", BizStep: "https://ref.gs1.org/cbv/BizStep-retail_selling", Time: at}, "retail selling", "1 Mar 2026, 10:30", "event"},
		{lineage.Node{Kind: "event", Type: "TransformationEvent"}, "Transformation", "", "transformation"},
		{lineage.Node{Kind: "activity", Type: "inference", Time: at}, "decision", "1 Mar 2026, 10:30", "decision"},
		{lineage.Node{Kind: "activity", Type: "https://example.com/types/audit"}, "audit", "", "run"},
		{lineage.Node{Kind: "statement", Type: "recall", Recorded: at}, "recall", "1 Mar 2026, 10:30", "statement"},
		{lineage.Node{Kind: "missing", ID: "ni:///sha-256;" + strings.Repeat("ab", 32)}, "abababababab…", "missing", "unknown"},
	} {
		title, sub := label(&c.node)
		assert.Equal(t, [3]string{c.title, c.sub, c.look}, [3]string{title, sub, lookOf(&c.node).symbol}, c.node.ID+c.node.Type)
	}
}

func TestLongTextIsShortened(t *testing.T) {
	for text, want := range map[string]string{
		"temperatures@A":                            "temperatures@A",
		"a-very-long-name-of-a-dataset@2026.1":      "a-very-lon…@2026.1",
		"dataset@a-version-that-is-longer-than-all": "dataset@a-versio…",
		"鮭のフィレの温度データセット鮭のフィレの温度":                    "鮭のフィレの温度デ…",
	} {
		got := fit(text, titleSize, textRoom)
		assert.Equal(t, want, got)
		assert.LessOrEqual(t, measure(got, titleSize), float64(textRoom))
	}
}

func FuzzLabels(f *testing.F) {
	for _, s := range []string{"", "model/lab/a@1", "https://id.gs1.org/01/09520001200014/10/%22", "ni:///sha-256;ab", "\xff\u202e", "event", "/@/", "…"} {
		f.Add("artifact", s, "recall", 100.0)
		f.Add("class", s, s, 3.0)
		f.Add("event", s, s, 0.0)
	}
	f.Fuzz(func(t *testing.T, kind, id, kindOf string, room float64) {
		n := &lineage.Node{Kind: kind, ID: id, Type: kindOf, BizStep: id}
		title, sub := label(n)
		for _, s := range []string{title, sub, fit(title, titleSize, room)} {
			require.Equal(t, s, clean(s), "%q", s)
			require.NotContains(t, esc(s), "<")
			require.NotContains(t, esc(s), `"`)
		}
		require.NotNil(t, lookOf(n))
	})
}
