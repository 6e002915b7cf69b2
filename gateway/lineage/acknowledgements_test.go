package lineage_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
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

// Each acknowledgement covers what its own recall reached as of its own block, also when two recalls were acknowledged
// in one block, and one recall twice.
func TestAnAcknowledgementCoversWhatItsOwnRecallReachedAtItsOwnTime(t *testing.T) {
	s := newStory(t)
	s.artifact("dataset/lab/source@1")
	s.artifact("dataset/lab/d1@1", "dataset/lab/source@1")
	s.artifact("dataset/lab/d2@1", "dataset/lab/source@1")
	s.same("Market", "model/market/one@1", "", "dataset/lab/d1@1")
	s.says("Harbor", "recall 1", "recall", `{"reason":"one"}`, "dataset/lab/d1@1")
	s.says("Harbor", "recall 2", "recall", `{"reason":"two"}`, "dataset/lab/d2@1")
	known := func(recall string) *record.Record {
		return indextest.Statement(t, record.Acknowledgement, `{"action":"stopped"}`, s.nodes[recall])
	}
	s.ledger.Put("Market", known("recall 1"), known("recall 2"))
	both := s.ledger.Height()
	s.same("Market", "model/market/two@1", "", "dataset/lab/d1@1")
	s.same("Market", "model/market/other@1", "", "dataset/lab/d2@1")
	s.says("Market", "again", record.Acknowledgement, `{"action":"stopped both"}`, "recall 1")
	again := s.ledger.Height()
	s.same("Market", "model/market/three@1", "", "dataset/lab/d1@1")
	s.same("Market", "model/market/another@1", "", "dataset/lab/d2@1")

	im := s.impact(lineage.Query{Node: "dataset/lab/source@1"})
	type said struct {
		block  uint64
		covers int
	}
	var all [][]said
	for _, r := range im.Notices {
		var list []said
		for _, a := range r.Acknowledged {
			require.Equal(t, "MarketMSP", a.MSPID)
			list = append(list, said{a.Block, a.Covers})
		}
		all = append(all, list)
	}
	require.Equal(t, [][]said{{{both, 2}, {again, 3}}, {{both, 1}}}, all)
	for name, want := range map[string][]string{
		"dataset/lab/d1@1": {"MarketMSP"}, "model/market/one@1": {"MarketMSP"}, "model/market/two@1": {"MarketMSP"},
		"model/market/three@1": nil, "dataset/lab/d2@1": {"MarketMSP"}, "model/market/other@1": nil,
		"model/market/another@1": nil,
	} {
		require.ElementsMatch(t, want, s.touched(im, name).Acknowledged, name)
	}
	require.Equal(t, []string{"MarketMSP"}, im.Notices[0].Missing)
	require.Equal(t, []string{"MarketMSP"}, im.Notices[1].Missing)
}
