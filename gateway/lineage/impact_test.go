package lineage_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

func (s *story) impact(q lineage.Query) *lineage.Impact {
	s.t.Helper()
	if node, ok := s.nodes[q.Node]; ok {
		q.Node = node
	}
	if q.At == 0 {
		q.At = index.Latest
	}
	im, err := lineage.Assess(s.t.Context(), s.index, q)
	require.NoError(s.t, err)
	return im
}

// says records a statement of an organisation.
func (s *story) says(org, name, kind, predicate string, about ...string) string {
	return s.name(name, s.ledger.Put(org, indextest.Statement(s.t, kind, predicate, s.all(about)...)))
}

// touched finds a touched node by its name in the story.
func (s *story) touched(im *lineage.Impact, name string) lineage.Touched {
	s.t.Helper()
	i := slices.IndexFunc(im.Touched, func(t lineage.Touched) bool { return t.ID == s.nodes[name] })
	require.GreaterOrEqual(s.t, i, 0, "%s was not touched", name)
	return im.Touched[i]
}

// path spells why a node was touched.
func (s *story) path(t lineage.Touched) string {
	var words []string
	for _, step := range t.Why {
		if step.Edge != "" {
			arrow := step.Edge + ">"
			if step.Against {
				arrow = "<" + step.Edge
			}
			words = append(words, arrow)
		}
		words = append(words, s.names[step.Node])
	}
	return strings.Join(words, " ")
}

func (s *story) spelled(ids []string) []string {
	names := []string{}
	for _, id := range ids {
		names = append(names, s.names[id])
	}
	return names
}

// aWrongLogger is the story of two loggers, of which one is wrong.
func aWrongLogger(t testing.TB) *story {
	s := newStory(t)
	s.packs("packed", 1, "ADD", "pallet7", "lotA")
	s.packs("packed too", 1, "ADD", "pallet8", "lotB")
	s.sees("reading7", 2, "pallet7")
	s.sees("reading8", 2, "pallet8")
	s.artifact("dataset/lab/seven@1", "reading7")
	s.artifact("dataset/lab/eight@1", "reading8")
	for _, ref := range []string{"model/lab/base@1", "model/lab/tuned@1", "model/lab/other@1"} {
		s.artifact(ref)
	}
	s.runs("train", 3, "training", []string{"dataset/lab/seven@1", "dataset/lab/eight@1"}, []string{"model/lab/base@1<dataset/lab/seven@1", "model/lab/other@1<dataset/lab/eight@1"}, nil)
	s.runs("tune", 4, "fine-tuning", []string{"model/lab/base@1"}, []string{"model/lab/tuned@1"}, nil)
	s.split([]string{"lotC", "lotD"})
	s.runs("decide C", 5, "inference", []string{"model/lab/tuned@1"}, nil, []string{"lotC"})
	s.runs("decide D", 5, "inference", []string{"model/lab/other@1"}, nil, []string{"lotD"})
	s.name("C shipped", s.ledger.Put("Market", indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-07T06:00:00Z","action":"OBSERVE","bizStep":"shipping","quantityList":[`+classes([]string{"lotC"})+`]}`)))
	s.says("Harbor", "recall7", "recall", `{"reason":"logger 7 was wrong","instructions":"hold the lots"}`, "reading7")
	return s
}

func TestAnImpactOfARecallTellsWhatItTouchedWhyAndWhoKnows(t *testing.T) {
	s := aWrongLogger(t)
	im := s.impact(lineage.Query{Node: "recall7"})
	require.Equal(t, s.nodes["recall7"], im.Node)
	require.Equal(t, 1, im.Starts)
	require.Nil(t, im.Truncated)
	var names []string
	for _, touched := range im.Touched {
		names = append(names, s.names[touched.ID])
	}
	require.ElementsMatch(t, []string{"reading7", "pallet7", "lotA", "dataset/lab/seven@1", "train", "model/lab/base@1", "tune", "model/lab/tuned@1", "decide C", "lotC", "C shipped"}, names, "nothing of logger 8")
	require.Equal(t, 11, im.Total)
	require.Equal(t, map[string]int{"event": 2, "thing": 2, "class": 1, "artifact": 3, "activity": 3}, im.Kinds)

	lotC := s.touched(im, "lotC")
	require.Equal(t, "recall7 subject> reading7 derivedFrom> dataset/lab/seven@1 used> train generated> model/lab/base@1 used> tune generated> model/lab/tuned@1 used> decide C about> lotC", s.path(lotC))
	require.Equal(t, 8, lotC.Depth)
	require.Equal(t, "lot lotC of 09521234543213", lotC.Name)
	require.True(t, lotC.OnTheMove)
	require.Equal(t, []string{s.nodes["recall7"]}, lotC.Notices)
	require.Empty(t, lotC.Acknowledged)
	require.Empty(t, lotC.Recalled, "it is not recalled itself")
	require.Equal(t, "HarborMSP", s.touched(im, "reading7").Recalled[0].MSPID)

	require.Len(t, im.Notices, 1)
	r := im.Notices[0]
	require.Equal(t, "logger 7 was wrong", r.Reason)
	require.Equal(t, "hold the lots", r.Instructions)
	require.Equal(t, []string{s.nodes["reading7"]}, r.Subjects)
	require.Equal(t, "HarborMSP", r.MSPID)
	require.Equal(t, 11, r.Touched)
	require.Equal(t, []string{"MarketMSP"}, r.Missing, "Harbor has made it")
	require.Equal(t, []string{"MarketMSP"}, []string{im.Organisations[1].MSPID})
	require.Equal(t, []string{r.ID}, im.Organisations[1].Unacknowledged)
	require.Empty(t, im.Organisations[0].Unacknowledged)
	require.Equal(t, 1, im.Organisations[0].Recalled)
	require.Equal(t, []int{10, 1}, []int{im.Organisations[0].Total, im.Organisations[1].Total})
	require.Equal(t, len(im.OnTheMove), im.Organisations[0].OnTheMove+im.Organisations[1].OnTheMove)
	require.NotZero(t, im.Organisations[0].OnTheMove)
	then := s.ledger.Height()

	s.says("Market", "market knows", "acknowledgement", `{"action":"the lots are on hold"}`, "recall7")
	s.says("Lab", "lab knows", "acknowledgement", `{}`, "recall7")
	after := s.impact(lineage.Query{Node: "recall7"})
	r = after.Notices[0]
	require.Empty(t, r.Missing)
	require.Len(t, r.Acknowledged, 2)
	require.Equal(t, "MarketMSP", r.Acknowledged[0].MSPID)
	require.Equal(t, "the lots are on hold", r.Acknowledged[0].Action)
	require.Equal(t, then+1, r.Acknowledged[0].Block)
	require.Equal(t, []string{"LabMSP", "MarketMSP"}, s.touched(after, "lotC").Acknowledged)
	require.Empty(t, after.Organisations[1].Unacknowledged)
	require.Equal(t, im, s.impact(lineage.Query{Node: "recall7", At: then}), "as it was before")

	s.says("Market", "market doubts", "retraction", `{"reason":"too early"}`, "market knows")
	require.Equal(t, []string{"MarketMSP"}, s.impact(lineage.Query{Node: "recall7"}).Notices[0].Missing)
	s.says("Harbor", "it was right", "retraction", `{"reason":"logger 7 was right"}`, "recall7")
	require.Empty(t, s.impact(lineage.Query{Node: "recall7"}).Notices, "a recall that was taken back stands no more")
	require.Empty(t, s.touched(s.impact(lineage.Query{Node: "reading7"}), "lotC").Notices)
}

func TestAnImpactThatIsCutNeverSaysThatARecallDoesNotReach(t *testing.T) {
	s := newStory(t)
	s.artifact("dataset/lab/source@1")
	s.artifact("dataset/lab/d@1", "dataset/lab/source@1")
	s.artifact("model/lab/a@1", "dataset/lab/d@1")
	s.artifact("model/lab/b@1", "model/lab/a@1")
	s.artifact("model/lab/c@1", "model/lab/b@1")
	s.says("Lab", "recall", "recall", `{"reason":"poisoned"}`, "dataset/lab/source@1")
	for depth := 1; depth <= 3; depth++ {
		im := s.impact(lineage.Query{Node: "dataset/lab/d@1", Depth: depth})
		require.Len(t, im.Touched, depth)
		require.Len(t, im.Notices, 1)
		require.Equal(t, depth, im.Notices[0].Touched, "the recall is further away than the depth")
		if depth < 3 {
			require.Equal(t, []string{"depth"}, im.Truncated.Reasons)
			require.Equal(t, []string{im.Touched[depth-1].ID}, im.Truncated.Frontier)
		} else {
			require.Nil(t, im.Truncated)
		}
	}
	few := s.impact(lineage.Query{Node: "dataset/lab/d@1", Nodes: 2})
	require.Contains(t, few.Truncated.Reasons, "recalls", "the walk from the recall was cut as well")
}

func TestAnImpactSaysThatThereAreMoreRecallsThanItTells(t *testing.T) {
	s := newStory(t)
	s.artifact("dataset/lab/d@1")
	for _, org := range []string{"Market", "Harbor", "Carrier"} {
		s.ledger.Put(org, indextest.Artifact(t, "model/"+strings.ToLower(org)+"/m@1", "dataset/lab/d@1"))
	}
	for i := range 50 {
		s.says("Lab", fmt.Sprint("recall ", i), "recall", fmt.Sprintf(`{"reason":"reason %d"}`, i), "dataset/lab/d@1")
	}
	im := s.impact(lineage.Query{Node: "dataset/lab/d@1"})
	require.Len(t, im.Notices, 50)
	require.Nil(t, im.Truncated)
	require.Equal(t, []string{"CarrierMSP", "HarborMSP", "MarketMSP"}, im.Notices[0].Missing)
	s.says("Lab", "one more", "recall", `{"reason":"one more"}`, "dataset/lab/d@1")
	im = s.impact(lineage.Query{Node: "dataset/lab/d@1"})
	require.Len(t, im.Notices, 50)
	require.Equal(t, []string{"recalls"}, im.Truncated.Reasons)
	require.Equal(t, "reason 0", im.Notices[0].Reason, "the first are told")
}

func TestAnAcknowledgementCoversWhatTheRecallReachedWhenItWasMade(t *testing.T) {
	s := newStory(t)
	s.artifact("dataset/lab/d@1")
	s.ledger.Put("Market", indextest.Artifact(t, "model/market/first@1", "dataset/lab/d@1"))
	s.name("model/market/first@1", "model/market/first@1")
	s.says("Harbor", "recall", "recall", `{"reason":"poisoned"}`, "dataset/lab/d@1")
	s.says("Market", "known", "acknowledgement", `{"action":"stopped"}`, "recall")
	s.says("Test", "known, too", "acknowledgement", `{}`, "recall")
	im := s.impact(lineage.Query{Node: "dataset/lab/d@1"})
	require.Empty(t, im.Notices[0].Missing)
	require.Equal(t, 1, im.Notices[0].Acknowledged[0].Covers)
	require.Equal(t, []string{"MarketMSP", "TestMSP"}, s.touched(im, "model/market/first@1").Acknowledged)

	s.ledger.Put("Market", indextest.Artifact(t, "model/market/second@1", "dataset/lab/d@1"))
	s.name("model/market/second@1", "model/market/second@1")
	for _, node := range []string{"dataset/lab/d@1", "recall"} {
		im = s.impact(lineage.Query{Node: node})
		require.Equal(t, []string{"MarketMSP"}, im.Notices[0].Missing, node)
		require.Less(t, im.Notices[0].Acknowledged[0].Covers, im.Notices[0].Touched)
		require.Equal(t, []string{"MarketMSP", "TestMSP"}, s.touched(im, "model/market/first@1").Acknowledged)
		require.Empty(t, s.touched(im, "model/market/second@1").Acknowledged)
	}
	s.says("Market", "still known", "acknowledgement", `{"action":"stopped the second, too"}`, "recall")
	im = s.impact(lineage.Query{Node: "dataset/lab/d@1"})
	require.Empty(t, im.Notices[0].Missing)
	require.Equal(t, []string{"MarketMSP"}, s.touched(im, "model/market/second@1").Acknowledged)
	require.Len(t, im.Notices[0].Acknowledged, 3)

	s.ledger.Put("Market", indextest.Artifact(t, "model/market/third@1", "dataset/lab/d@1"))
	require.Equal(t, []string{"MarketMSP"}, s.impact(lineage.Query{Node: "dataset/lab/d@1"}).Notices[0].Missing)
	s.says("Market", "again", "acknowledgement", `{"action":"stopped"}`, "recall")
	im = s.impact(lineage.Query{Node: "dataset/lab/d@1"})
	require.Empty(t, im.Notices[0].Missing, "the same words may be recorded again")
}

func TestAnImpactTellsOfRecallsAboveAndBesideIt(t *testing.T) {
	s := aWrongLogger(t)
	s.says("Lab", "base recalled", "recall", `{"reason":"trained badly"}`, "model/lab/base@1")
	s.says("Harbor", "withdrawn", "withdrawal", `{"reason":"consent ended"}`, "dataset/lab/eight@1")
	im := s.impact(lineage.Query{Node: "model/lab/tuned@1"})
	require.Equal(t, []string{"recall7", "base recalled"}, s.spelled(s.touched(im, "lotC").Notices), "both lie above")
	require.Len(t, im.Notices, 2)
	im = s.impact(lineage.Query{Node: "dataset/lab/seven@1"})
	require.Equal(t, []string{"recall7"}, s.spelled(s.touched(im, "model/lab/base@1").Notices[:1]))
	require.Equal(t, []string{"recall7"}, s.spelled(s.touched(im, "train").Notices), "a recall of the model doesn't reach the run that made it")
	im = s.impact(lineage.Query{Node: "train"})
	require.Equal(t, []string{"recall7", "base recalled"}, s.spelled(s.touched(im, "model/lab/tuned@1").Notices))
	require.Equal(t, []string{"withdrawn"}, s.spelled(s.touched(im, "model/lab/other@1").Notices), "what the model was made of counts, not what the run used")
	require.Equal(t, "withdrawal", im.Notices[slices.IndexFunc(im.Notices, func(r lineage.Notice) bool { return r.ID == s.nodes["withdrawn"] })].Kind)
}

func TestAPathThroughARunGoesOverAnInputThatTheOutputWasMadeOf(t *testing.T) {
	s := newStory(t)
	s.sees("reading", 1, "lotA")
	s.artifact("dataset/lab/x@1", "reading")
	s.artifact("dataset/lab/y0@1", "reading")
	s.artifact("dataset/lab/y@1", "dataset/lab/y0@1")
	s.artifact("dataset/lab/ofy@1")
	s.runs("split", 2, "transformation", []string{"dataset/lab/x@1", "dataset/lab/y@1"}, []string{"dataset/lab/ofx@1<dataset/lab/x@1", "dataset/lab/ofy@1<dataset/lab/y@1"}, nil)
	im := s.impact(lineage.Query{Node: "reading"})
	require.Equal(t, "reading derivedFrom> dataset/lab/y0@1 derivedFrom> dataset/lab/y@1 used> split generated> dataset/lab/ofy@1", s.path(s.touched(im, "dataset/lab/ofy@1")))
	require.Equal(t, "reading derivedFrom> dataset/lab/x@1 used> split", s.path(s.touched(im, "split")))
}

func TestAnImpactOfAnOrganisationBeginsAtAllThatItMadeAndDid(t *testing.T) {
	s := newStory(t)
	s.sees("reading", 1, "lotA")
	s.name("dataset/lab/d@1", "dataset/lab/d@1")
	s.ledger.Put("Lab", indextest.Artifact(t, "dataset/lab/d@1", s.nodes["reading"]))
	s.name("model/lab/m@1", "model/lab/m@1")
	s.name("train", s.ledger.Put("Lab", indextest.Artifact(t, "model/lab/m@1"), indextest.Activity(t, `{"type":"training","used":[{"ref":"dataset/lab/d@1"}],"generated":[{"ref":"model/lab/m@1"}]}`)))
	s.name("market seen", s.ledger.Put("Market", indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-07T06:00:00Z","action":"OBSERVE","quantityList":[`+classes([]string{"lotC"})+`]}`)))
	s.split([]string{"lotC"})
	s.name("decide", s.ledger.Put("Harbor", indextest.Activity(t, fmt.Sprintf(`{"type":"inference","used":[{"ref":"model/lab/m@1"}],"about":[%q]}`, thing("lotC")))))
	s.says("Lab", "approves", "approval", `{}`, "market seen")

	im := s.impact(lineage.Query{Organisation: "LabMSP"})
	require.Empty(t, im.Node)
	require.Equal(t, "LabMSP", im.Organisation)
	require.Equal(t, 3, im.Starts, "dataset, model and run; what it said of others touches nothing")
	require.Equal(t, "model/lab/m@1 used> decide about> lotC", s.path(s.touched(im, "lotC")))
	require.Equal(t, 3, im.Total, "what it recorded itself was not touched by it")
	require.Nil(t, im.Truncated)

	im = s.impact(lineage.Query{Organisation: "LabMSP", Nodes: 2})
	require.Equal(t, 1, im.Starts)
	require.Equal(t, []string{"starts"}, slices.DeleteFunc(im.Truncated.Reasons, func(reason string) bool { return reason == "nodes" || reason == "recalls" }))

	for _, q := range []lineage.Query{{Organisation: "NobodyMSP", At: index.Latest}, {Organisation: "LabMSP", At: 1}} {
		_, err := lineage.Assess(t.Context(), s.index, q)
		var unknown *lineage.UnknownOrganisationError
		require.ErrorAs(t, err, &unknown)
	}
	for _, q := range []lineage.Query{{At: index.Latest}, {Node: "x", Organisation: "LabMSP", At: index.Latest}} {
		_, err := lineage.Assess(t.Context(), s.index, q)
		require.ErrorContains(t, err, "give one of them")
	}
}

func TestAVeryLongPathIsToldByItsEnds(t *testing.T) {
	s := newStory(t)
	chain(s, 20)
	im := s.impact(lineage.Query{Node: "lot0"})
	last := s.touched(im, "lot20")
	require.Equal(t, 40, last.Depth)
	require.Len(t, last.Why, 24)
	require.Equal(t, "lot0", s.names[last.Why[0].Node])
	require.Equal(t, "lot20", s.names[last.Why[23].Node])
	told := 0
	for _, step := range last.Why {
		told += 1 + step.Omitted
	}
	require.Equal(t, last.Depth+1, told)
	require.Len(t, s.touched(im, "lot5").Why, 11, "a short one is told whole")
}

// Whatever the world is like: a path is one of edges of the graph, as long as its node is deep, and goes through a run
// only as the run says; and what recalls reach is what their own walks come to.
func TestImpactsAgreeWithWalks(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &world{}
		for range rapid.IntRange(1, 14).Draw(r, "facts") {
			w.facts = append(w.facts, drawFact(r, w))
		}
		w.settle()
		s := newStory(t)
		w.tell(s)
		var recalls []string
		for i, name := range s.recallable() {
			if rapid.IntRange(0, 3).Draw(r, "recalled") == 0 {
				recall := fmt.Sprintf("recall %d", i)
				s.says("Harbor", recall, "recall", fmt.Sprintf(`{"reason":%q}`, recall), name)
				recalls = append(recalls, recall)
			}
		}
		reached := map[string][]string{}
		for _, recall := range recalls {
			for _, n := range s.trace(lineage.Query{Node: recall, Direction: lineage.Descendants}).Nodes[1:] {
				if !n.Carrier {
					reached[s.names[n.ID]] = append(reached[s.names[n.ID]], s.nodes[recall])
				}
			}
		}
		for _, start := range append(s.recallable(), recalls...) {
			s.checkImpact(r, w, start, reached)
		}
	})
}

// recallable are the nodes of a story that a statement may be about, by name.
func (s *story) recallable() []string {
	var all []string
	for name := range s.nodes {
		if !strings.HasSuffix(name, " record") && !strings.HasPrefix(name, "recall ") {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

func (s *story) checkImpact(r *rapid.T, w *world, start string, reached map[string][]string) {
	im := s.impact(lineage.Query{Node: start})
	a := s.trace(lineage.Query{Node: start, Direction: lineage.Descendants})
	edges := map[lineage.Edge]bool{}
	for _, e := range a.Edges {
		edges[lineage.Edge{From: e.From, To: e.To, Kind: e.Kind}] = true
	}
	above := s.up(start)
	for _, touched := range im.Touched {
		require.Len(r, touched.Why, touched.Depth+1)
		require.Equal(r, im.Node, touched.Why[0].Node)
		require.Equal(r, touched.ID, touched.Why[touched.Depth].Node)
		for i, step := range touched.Why[1:] {
			e := lineage.Edge{From: touched.Why[i].Node, To: step.Node, Kind: step.Edge}
			if step.Against {
				e.From, e.To = e.To, e.From
			}
			require.True(r, edges[e], "%s of %s isn't there: %s", e.Kind, start, s.path(touched))
			if step.Edge == lineage.EdgeGenerated && i > 0 && touched.Why[i].Edge == lineage.EdgeUsed {
				var place int
				_, err := fmt.Sscanf(s.names[touched.Why[i].Node], "#%d", &place)
				require.NoError(r, err)
				require.Contains(r, w.facts[place].madeOf(s.names[step.Node]), s.names[touched.Why[i-1].Node], "%s", s.path(touched))
			}
		}
		// Recalls are looked for at the nodes of the answer and above the start.
		for _, recall := range im.Notices {
			require.Equal(r, slices.Contains(reached[s.names[touched.ID]], recall.ID), slices.Contains(touched.Notices, recall.ID), "%s and %s, from %s", recall.Reason, s.names[touched.ID], start)
		}
		for _, id := range reached[s.names[touched.ID]] {
			for _, subject := range s.subjects(id) {
				if slices.Contains(above, subject) || subject == start {
					require.Contains(r, touched.Notices, id)
				}
			}
		}
	}
	require.Equal(r, len(im.Touched), im.Total)
}

// subjects are the names of what a recall of the story is about.
func (s *story) subjects(id string) []string {
	var number int
	if _, err := fmt.Sscanf(s.names[id], "recall %d", &number); err != nil {
		return nil
	}
	return []string{s.recallable()[number]}
}

func TestAnImpactIsATableForPeople(t *testing.T) {
	s := aWrongLogger(t)
	s.says("Market", "market knows", "acknowledgement", `{"action":"the lots are on hold"}`, "recall7")
	s.says("Harbor", "second", "recall", `{"reason":"=1+1"}`, "lotC")
	s.event("odd", 9, "ObjectEvent", `"action":"OBSERVE","epcList":["https://example.com/unit/pallet7"],"bizStep":"https://example.com/=cmd"`)
	im := s.impact(lineage.Query{Node: "recall7"})
	var text bytes.Buffer
	require.NoError(t, im.WriteCSV(&text))
	require.True(t, utf8.Valid(text.Bytes()))
	require.Equal(t, strings.Count(text.String(), "\n"), strings.Count(text.String(), "\r\n"), "RFC 4180")
	rows, err := csv.NewReader(&text).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, im.Total+1)
	require.True(t, slices.IsSortedFunc(rows[1:], func(a, b []string) int { return strings.Compare(a[0], b[0]) }), "by organisation")
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	row := rows[slices.IndexFunc(rows, func(row []string) bool { return row[column["node"]] == thing("lotC") })]
	get := func(name string) string { return row[column[name]] }
	require.Equal(t, "HarborMSP", get("organisation"))
	require.Equal(t, "lot lotC of 09521234543213", get("name"))
	require.Equal(t, "8", get("depth"))
	require.Equal(t, "yes", get("on the move"))
	require.Equal(t, "recalled", get("flags"))
	require.Equal(t, fmt.Sprintf("recall by HarborMSP in block %d", s.ledger.Height()-1), get("recalled"))
	require.Contains(t, get("reached by recalls"), "logger 7 was wrong")
	require.Empty(t, get("acknowledged by"), "Market has acknowledged one of two")
	require.Equal(t, "recall by Harbor → is about Object, 2026-03-03 06:00 → went into dataset lab/seven, version 1 → was used by training, 2026-03-04 06:00 → generated model lab/base, version 1"+
		" → was used by fine-tuning, 2026-03-05 06:00 → generated model lab/tuned, version 1 → was used by inference, 2026-03-06 06:00 → decided about lot lotC of 09521234543213", get("why"))
	row = rows[slices.IndexFunc(rows, func(row []string) bool { return row[column["organisation"]] == "MarketMSP" })]
	require.Equal(t, "MarketMSP", get("not acknowledged by"), "of the second recall")
	row = rows[slices.IndexFunc(rows, func(row []string) bool { return row[column["node"]] == s.nodes["odd"] })]
	require.Equal(t, "'=cmd, 2026-03-10 06:00", get("name"), "no formula")
	row = rows[slices.IndexFunc(rows, func(row []string) bool { return row[column["node"]] == thing("lotA") })]
	require.Contains(t, get("why"), "→ names ")
	require.Contains(t, get("why"), "→ held lot lotA of 09521234543213")
	require.Equal(t, "MarketMSP", get("acknowledged by"))
}

func TestNodesHaveNamesForPeople(t *testing.T) {
	for want, n := range map[string]lineage.Node{
		"lot A of 09520001020001":           {Kind: "class", ID: "https://id.gs1.org/01/09520001020001/10/A"},
		"serial number 7 of 09520001020001": {Kind: "thing", ID: "https://id.gs1.org/01/09520001020001/21/7"},
		"GTIN 09520001020001":               {Kind: "class", ID: "https://id.gs1.org/01/09520001020001"},
		"SSCC 095200010000000001":           {Kind: "thing", ID: "https://id.gs1.org/00/095200010000000001"},
		"https://example.com/unit/1":        {Kind: "thing", ID: "https://example.com/unit/1"},
		"model lab/spoilage, version A":     {Kind: "artifact", ID: "model/lab/spoilage@A"},
		"Transformation":                    {Kind: "event", Type: "TransformationEvent"},
		"retail selling":                    {Kind: "event", Type: "ObjectEvent", BizStep: "https://ref.gs1.org/cbv/BizStep-retail_selling"},
		"inference, 2026-03-01 06:00":       {Kind: "activity", Type: "inference", Time: indextest.Start},
		"recall by Market":                  {Kind: "statement", Type: "recall", MSPID: "MarketMSP"},
		"0123456789ab":                      {Kind: "missing", ID: "ni:///sha-256;0123456789ab" + strings.Repeat("0", 52)},
	} {
		require.Equal(t, want, n.Name())
	}
}
