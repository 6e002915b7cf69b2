package lineage_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// poisoned is the story of a dataset that is recalled, with models that Market made of it.
func poisoned(t testing.TB, models ...string) *story {
	s := newStory(t)
	s.artifact("dataset/lab/d@1")
	s.says("Harbor", "recall", "recall", `{"reason":"poisoned"}`, "dataset/lab/d@1")
	for _, m := range models {
		s.model(m)
	}
	return s
}

func (s *story) model(name string) {
	s.name(name, name)
	s.ledger.Put("Market", indextest.Artifact(s.t, name, "dataset/lab/d@1"))
}

func TestNobodyAcknowledgesForAnother(t *testing.T) {
	s := poisoned(t, "model/market/a@1")
	s.says("Market", "known", "acknowledgement", `{"action":"stopped"}`, "recall")
	s.model("model/market/b@1")
	s.model("model/market/c@1")
	same := s.says("Lab", "the same words", "acknowledgement", `{"action":"stopped"}`, "recall")
	require.Equal(t, s.nodes["known"], same)
	r := s.impact(lineage.Query{Node: "dataset/lab/d@1"}).Notices[0]
	require.Equal(t, []string{"MarketMSP"}, r.Missing, "once, though two models are missing")
	require.Len(t, r.Acknowledged, 1, "version 1 doesn't name who says it, so it is Market's, who said it first")
	require.Equal(t, same, r.Acknowledged[0].ID)
	require.Equal(t, "MarketMSP", r.Acknowledged[0].MSPID)
	require.Equal(t, 1, r.Acknowledged[0].Covers)
}

func TestManyAcknowledgementsAreCutAndTheImpactSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		acknowledged int
		more         bool // a model that the acknowledgements are too old for
		cut          bool
	}{
		"as many as are told":                   {100, false, false},
		"one more":                              {101, false, true},
		"as many as are looked at as of then":   {20, true, false},
		"one more that is looked at as of then": {21, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := poisoned(t, "model/market/a@1")
			for i := range c.acknowledged {
				s.says("Market", fmt.Sprint("known ", i), "acknowledgement", fmt.Sprintf(`{"action":"step %d"}`, i), "recall")
			}
			if c.more {
				s.model("model/market/b@1")
			}
			im := s.impact(lineage.Query{Node: "dataset/lab/d@1"})
			require.Len(t, im.Notices[0].Acknowledged, min(c.acknowledged, 100))
			if !c.cut {
				require.Nil(t, im.Truncated)
			} else {
				require.Equal(t, []string{"recalls"}, im.Truncated.Reasons)
			}
			require.Equal(t, c.more, len(im.Notices[0].Missing) > 0)
		})
	}
}

func TestATouchedNodeIsDescribed(t *testing.T) {
	s := newStory(t)
	s.split([]string{"lotA"})
	s.event("seen", 1, "ObjectEvent", `"action":"OBSERVE","bizStep":"storing","disposition":"in_progress","bizLocation":{"id":"https://example.com/shop"},
		"quantityList":[`+classes([]string{"lotA"})+`]`)
	s.artifact("dataset/lab/d@1", "seen")
	s.runs("train", 3, "training", []string{"dataset/lab/d@1"}, []string{"model/lab/m@1"}, nil)
	s.says("Lab", "recall", "recall", `{"reason":"wrong"}`, "seen")
	im := s.impact(lineage.Query{Node: "recall"})
	require.Equal(t, s.ledger.Height(), im.Block)
	seen, dataset, run := s.touched(im, "seen"), s.touched(im, "dataset/lab/d@1"), s.touched(im, "train")
	require.Equal(t, indextest.Start.AddDate(0, 0, 1).UTC(), seen.Time.UTC())
	require.Equal(t, []string{"https://ref.gs1.org/cbv/BizStep-storing", "https://ref.gs1.org/cbv/Disp-in_progress", "https://example.com/shop"},
		[]string{seen.BizStep, seen.Disposition, seen.BizLocation})
	require.Equal(t, "ObjectEvent", seen.Type)
	require.Equal(t, "training", run.Type)
	require.NotEmpty(t, dataset.Digest)
	for _, m := range s.impact(lineage.Query{Node: "seen"}).OnTheMove {
		require.Equal(t, "HarborMSP", m.MSPID)
	}

	_, err := lineage.Assess(t.Context(), s.index, lineage.Query{Organisation: "NobodyMSP", At: index.Latest})
	var unknown *lineage.UnknownOrganisationError
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, &lineage.UnknownOrganisationError{MSPID: "NobodyMSP", Block: im.Block}, unknown)
}

func TestALotAndItsItemAreJoinedByTheEventThatNamesBoth(t *testing.T) {
	s := newStory(t)
	s.sees("seen", 1, "item1@lotA")
	s.makes("cooked", 2, []string{"lotA"}, []string{"dish"})
	joined := lineage.Edge{From: thing("lotA"), To: thing("item1"), Kind: lineage.EdgeItem, Record: s.nodes["seen"]}
	require.Contains(t, s.trace(lineage.Query{Node: "lotA", Direction: lineage.Descendants}).Edges, joined)
	require.Contains(t, s.trace(lineage.Query{Node: thing("item1"), Direction: lineage.Ancestors}).Edges, joined)
}
