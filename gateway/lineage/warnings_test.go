package lineage_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

func (s *story) warnings(q lineage.Query, names ...string) *lineage.Warnings {
	s.t.Helper()
	q.At = index.Latest
	w, err := lineage.WarningsOf(s.t.Context(), s.index, s.all(names), q)
	require.NoError(s.t, err)
	return w
}

// about are the names of the nodes that warnings are about.
func (s *story) about(list []lineage.Warning) []string {
	names := []string{}
	for _, w := range list {
		names = append(names, s.names[w.Node])
	}
	return names
}

// Of what was made of a product without a word of the lot, a recall of any lot may be a recall.
func TestWhatAThingComesFromWithoutAWordOfTheLotIsTold(t *testing.T) {
	s := newStory(t)
	s.sees("seen", 1, "product")
	s.makes("cooked", 2, []string{"product=5"}, []string{"dish"})
	s.packs("packed", 3, "ADD", "case", "product=5")
	s.makes("cooked of a lot", 4, []string{"lotA"}, []string{"soup"})
	for name, want := range map[string]bool{"dish": true, "case": true, "soup": false, "lotA": false, "product": false} {
		require.Equal(t, want, slices.Contains(s.warnings(lineage.Query{}, name).Unspecific, product), name)
	}
}

func TestWarningsReachWhatComesOfTheirSubjects(t *testing.T) {
	s := newStory(t)
	s.sees("caught", 1, "lotBad")
	s.sees("caught too", 1, "lotFine")
	s.makes("cut", 2, []string{"lotBad"}, []string{"lotMid"})
	s.makes("portioned", 3, []string{"lotMid"}, []string{"lotShelf"})
	s.packs("packed", 4, "ADD", "pallet7", "lotShelf")
	s.packs("packed too", 4, "ADD", "pallet8", "lotFine")
	s.says("Test", "recall", "recall", `{"reason":"listeria"}`, "lotBad")
	s.says("Test", "pallet's", "recall", `{"reason":"warm"}`, "pallet8")

	for name, want := range map[string]struct{ own, behind []string }{
		"lotBad":   {[]string{"lotBad"}, []string{}},
		"lotMid":   {[]string{}, []string{"lotBad"}},
		"lotShelf": {[]string{}, []string{"lotBad"}},
		"pallet7":  {[]string{}, []string{"lotBad"}},
		"lotFine":  {[]string{}, []string{"pallet8"}},
	} {
		w := s.warnings(lineage.Query{}, name)
		require.True(t, w.Known && !w.Cut, name)
		require.Equal(t, want.own, s.about(w.Own), name)
		require.Equal(t, want.behind, s.about(w.Behind), name)
	}

	together := s.warnings(lineage.Query{}, "lotFine", "lotBad")
	require.Equal(t, []string{"lotBad"}, s.about(together.Own), "an item and its lot are asked about together")

	s.says("Test", "taken back", "retraction", `{"reason":"it was another lot"}`, "recall")
	require.Empty(t, s.warnings(lineage.Query{}, "lotShelf").Behind)
}

func TestWarningsBehindADecisionAreFound(t *testing.T) {
	s := newStory(t)
	s.artifact("dataset/lab/consented@1")
	s.artifact("model/lab/grade@1", "dataset/lab/consented@1")
	s.sees("seen", 1, "lotA")
	s.runs("graded", 2, "inference", []string{"model/lab/grade@1"}, nil, []string{"lotA"})
	s.says("Test", "withdrawal", "withdrawal", `{"reason":"consent"}`, "dataset/lab/consented@1")
	w := s.warnings(lineage.Query{}, "lotA")
	require.Equal(t, []string{"dataset/lab/consented@1"}, s.about(w.Behind))
	require.Equal(t, "withdrawal", w.Behind[0].Kind)
}

func TestWarningsSayWhatIsNotKnown(t *testing.T) {
	s := newStory(t)
	s.sees("caught", 1, "lotBad")
	s.makes("cut", 2, []string{"lotBad"}, []string{"lotMid"})
	s.makes("portioned", 3, []string{"lotMid"}, []string{"lotShelf"})
	s.says("Test", "recall", "recall", `{"reason":"listeria"}`, "lotBad")
	s.says("Test", "own", "recall", `{"reason":"listeria"}`, "lotShelf")

	s.name("lotNobodyKnows", thing("lotNobodyKnows"))
	require.Equal(t, &lineage.Warnings{Block: s.ledger.Height()}, s.warnings(lineage.Query{}, "lotNobodyKnows"))
	for why, q := range map[string]lineage.Query{
		"nodes": {Nodes: 3}, "depth": {Depth: 2}, "time": {Budget: 1},
	} {
		w := s.warnings(q, "lotShelf")
		require.True(t, w.Known && w.Cut, why)
		require.Equal(t, []string{"lotShelf"}, s.about(w.Own), why)
		require.Empty(t, w.Behind, why)
	}
}

// slowGraph answers about links only when the asker has given up.
type slowGraph struct{ lineage.Graph }

func (g slowGraph) LinksTo(ctx context.Context, _ []int64, _ index.Snapshot) ([]index.Link, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func TestWarningsDoNotWaitForASlowStore(t *testing.T) {
	s := newStory(t)
	s.sees("caught", 1, "lotA")
	w, err := lineage.WarningsOf(
		t.Context(), slowGraph{s.index}, []string{thing("lotA")}, lineage.Query{At: index.Latest, Budget: time.Millisecond},
	)
	require.NoError(t, err)
	require.True(t, w.Known && w.Cut)

	gone, leave := context.WithCancel(t.Context())
	leave()
	_, err = lineage.WarningsOf(
		gone, slowGraph{s.index}, []string{thing("lotA")}, lineage.Query{At: index.Latest, Budget: time.Hour},
	)
	require.Error(t, err, "who asked has left")
}

// A walk for ancestors would find none of these: each cause is later than its effect, or hidden behind a carrier, a lot
// or a product.
func TestWarningsFindWhatAncestorsLeaveOut(t *testing.T) {
	for name, one := range map[string]struct {
		tell  func(s *story)
		thing string
	}{
		"an ingredient that was in question only later, by its clock": {func(s *story) {
			s.makes("cut", 2, []string{"lotIn"}, []string{"lotOut"})
			s.packs("packed", 4, "ADD", "bad", "lotIn")
		}, "lotOut"},
		"a carrier that was made of something": {func(s *story) {
			s.packs("packed", 1, "ADD", "crate", "lotOut")
			s.makes("built", 2, []string{"bad"}, []string{"crate"})
		}, "lotOut"},
		"an item that was used up with its lot": {func(s *story) {
			s.sees("seen", 1, "item1@lotIn")
			s.packs("packed", 1, "ADD", "bad", "item1")
			s.makes("cut", 2, []string{"lotIn"}, []string{"lotOut"})
		}, "lotOut"},
		"a product that was made without a word of the lot": {func(s *story) {
			s.sees("seen", 1, "lotOut")
			s.makes("made", 2, []string{"bad"}, []string{"product"})
		}, "lotOut"},
		"a carrier whose lot was made of something": {func(s *story) {
			s.makes("made", 1, []string{"bad"}, []string{"lotIn"})
			s.sees("seen", 2, "item1@lotIn")
			s.packs("packed", 3, "ADD", "item1", "lotOut")
		}, "lotOut"},
		"a carrier whose product was made of something": {func(s *story) {
			s.makes("made", 1, []string{"bad"}, []string{"product"})
			s.packs("packed", 3, "ADD", "item1", "crate")
		}, "crate"},
		"a decision about a carrier": {func(s *story) {
			s.packs("packed", 1, "ADD", "crate", "lotOut")
			s.artifact("model/lab/bad@1")
			s.name("bad", "model/lab/bad@1")
			s.runs("graded", 2, "inference", []string{"model/lab/bad@1"}, nil, []string{"crate"})
			s.names["model/lab/bad@1"] = "bad"
		}, "lotOut"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			one.tell(s)
			s.says("Test", "recall", "recall", `{"reason":"listeria"}`, "bad")
			require.Equal(t, []string{"bad"}, s.about(s.warnings(lineage.Query{}, one.thing).Behind))
			require.Contains(t, s.down("recall"), one.thing)
		})
	}
}

func TestADecisionAboutACarrierBearsOnWhatItHeldThen(t *testing.T) {
	s := newStory(t)
	s.packs("packed", 1, "ADD", "crate", "lotEarly")
	s.packs("emptied", 2, "DELETE", "crate")
	s.packs("packed again", 3, "ADD", "crate", "lotThen")
	s.packs("emptied again", 5, "DELETE", "crate")
	s.packs("packed last", 6, "ADD", "crate", "lotLate")
	s.artifact("model/lab/m@1")
	s.runs("graded", 4, "inference", []string{"model/lab/m@1"}, nil, []string{"crate"})
	s.says("Test", "recall", "recall", `{"reason":"listeria"}`, "model/lab/m@1")
	for name, behind := range map[string][]string{"lotEarly": {}, "lotThen": {"model/lab/m@1"}, "lotLate": {}} {
		require.Equal(t, behind, s.about(s.warnings(lineage.Query{}, name).Behind), name)
	}
}

func TestAnItemThatWasNotOfTheLotThatWasUsedUpIsNotBehind(t *testing.T) {
	s := newStory(t)
	s.sees("seen", 1, "item1@lotIn", "item2@lotOther")
	s.packs("packed", 2, "ADD", "bad", "item2")
	s.makes("cut", 3, []string{"lotIn"}, []string{"lotOut"})
	s.says("Test", "recall", "recall", `{"reason":"listeria"}`, "bad")
	require.Empty(t, s.warnings(lineage.Query{}, "lotOut").Behind)
	require.NotContains(t, s.down("recall"), "lotOut")
}
