package lineage_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// reports records a part of a transformation that is joined by its id.
func (s *story) reports(name string, day int, join, side string, lots ...string) {
	s.split(lots)
	s.event(name, day, "TransformationEvent",
		fmt.Sprintf(`"transformationID":"urn:example:%s","%sQuantityList":[%s]`, join, side, classes(lots)))
}

func TestEachRecordLeadsWhereItMay(t *testing.T) {
	for _, test := range []struct {
		name string
		tell func(*story)
		node string
		up   []string
		down []string
	}{
		{
			name: "an output comes from inputs that were reported apart, in as many events as there were",
			tell: func(s *story) {
				s.reports("fish", 1, "batch", "input", "lotFish")
				s.reports("salt", 2, "batch", "input", "lotSalt")
				s.reports("cans", 3, "batch", "output", "lotCans")
				s.reports("other", 3, "another", "input", "lotOther")
				s.sees("seen", 4, "lotSalt")
			},
			node: "lotCans", up: these("cans", "fish", "lotFish", "salt", "lotSalt"), down: these("cans"),
		},
		{
			name: "the part with the inputs leads down to the outputs, and up to the inputs of all parts",
			tell: func(s *story) {
				s.reports("fish", 1, "batch", "input", "lotFish")
				s.reports("salt", 2, "batch", "input", "lotSalt")
				s.reports("cans", 3, "batch", "output", "lotCans")
			},
			node: "fish", up: these("lotFish", "salt", "lotSalt", "cans"),
			down: these("salt", "cans", "lotCans"),
		},
		{
			name: "an event and what was decided about it",
			tell: func(s *story) {
				s.artifact("model/lab/m@1")
				s.sees("reading", 1, "lotA")
				s.runs("graded", 2, "inference", []string{"model/lab/m@1"}, nil, []string{"reading"})
				s.says("Test", "recall", "recall", `{"reason":"a wrong logger"}`, "reading")
			},
			node: "reading", up: these("lotA", "graded", "model/lab/m@1"), down: these("lotA"),
		},
		{
			name: "a model, the decision about an event that it made, and what was made of that event",
			tell: func(s *story) {
				s.artifact("model/lab/m@1")
				s.sees("reading", 1, "lotA")
				s.runs("graded", 2, "inference", []string{"model/lab/m@1"}, nil, []string{"reading"})
				s.artifact("dataset/lab/graded@1", "reading")
			},
			node: "model/lab/m@1", up: these(), down: these("graded", "reading", "dataset/lab/graded@1"),
		},
		{
			name: "an artifact and what was decided about it",
			tell: func(s *story) {
				s.artifact("model/lab/judge@1")
				s.artifact("model/lab/m@1")
				s.artifact("model/lab/tuned@1", "model/lab/m@1")
				s.runs("judged", 2, "evaluation", []string{"model/lab/judge@1"}, nil, []string{"model/lab/m@1"})
			},
			node: "model/lab/m@1", up: these("judged", "model/lab/judge@1"), down: these("model/lab/tuned@1"),
		},
		{
			name: "a decision leads up to all that it used, whatever its outputs were made of",
			tell: func(s *story) {
				s.artifact("dataset/lab/x@1")
				s.artifact("dataset/lab/y@1")
				s.sees("landed", 0, "lotA")
				s.runs("split", 1, "transformation", []string{"dataset/lab/x@1", "dataset/lab/y@1"},
					[]string{"dataset/lab/ofx@1<dataset/lab/x@1"}, []string{"lotA"})
			},
			node: "lotA", up: these("landed", "split", "dataset/lab/x@1", "dataset/lab/y@1"), down: these("landed"),
		},
		{
			name: "a statement isn't what its subject comes from",
			tell: func(s *story) {
				s.sees("landed", 0, "lotA")
				s.says("Test", "recall", "recall", `{"reason":"listeria"}`, "lotA")
				s.artifact("dataset/lab/recalls@1", "recall")
			},
			node: "lotA", up: these("landed"), down: these("landed"),
		},
		{
			name: "what was made of a statement comes from it, and not from what it speaks about",
			tell: func(s *story) {
				s.sees("landed", 0, "lotA")
				s.says("Test", "recall", "recall", `{"reason":"listeria"}`, "lotA")
				s.artifact("dataset/lab/recalls@1", "recall")
			},
			node: "dataset/lab/recalls@1", up: these("recall"), down: these(),
		},
		{
			name: "a pallet that was used up while it held a lot leads on to what was made of it",
			tell: func(s *story) {
				s.packs("packed", 1, "ADD", "drum", "lotA")
				s.makes("emptied into", 2, []string{"drum"}, []string{"lotSoup"})
				s.packs("unpacked", 3, "DELETE", "drum", "lotA")
				s.makes("shredded", 4, []string{"drum"}, []string{"lotScrap"})
			},
			node: "lotA", up: these("packed", "drum", "unpacked"),
			down: these("packed", "drum", "unpacked", "emptied into", "lotSoup"),
		},
		{
			name: "what a crate was made of is no part of what it held",
			tell: func(s *story) {
				s.makes("built", 1, []string{"lotWood"}, []string{"crate"})
				s.packs("packed", 2, "ADD", "crate", "lotA")
			},
			node: "lotA", up: these("packed", "crate"), down: these("packed", "crate"),
		},
		{
			name: "the lot of an item leads up to no other item of it",
			tell: func(s *story) {
				s.makes("made", 1, []string{"lotRaw"}, []string{"lotA"})
				s.sees("seen", 2, "item1@lotA", "item2@lotA")
			},
			node: "item1", up: these("seen", "lotA", "made", "lotRaw"), down: these("seen"),
		},
		{
			name: "two items that one transformation made aren't made of each other",
			tell: func(s *story) {
				s.makes("made", 1, []string{"lotRaw"}, []string{"item1@lotA", "item2@lotB"})
			},
			node: "lotA", up: these("made", "lotRaw"), down: these("made", "item1"),
		},
		{
			name: "an event with amounts of lots beside items leads up to both",
			tell: func(s *story) {
				s.sees("seen", 1, "item1@lotA", "lotB", "item2")
				s.artifact("dataset/lab/d@1", "seen")
			},
			node: "dataset/lab/d@1", up: these("seen", "item1", "lotA", "lotB", "item2"), down: these(),
		},
		{
			name: "an event that names an amount of a lot beside it leads to the lot",
			tell: func(s *story) { s.commissions("counted", 1, "lotA", "product=5") },
			node: "counted", up: these("lotA", "product"), down: these("lotA", "product"),
		},
		{
			name: "an event that names the items of a lot leads to these, and only upwards to the lot",
			tell: func(s *story) { s.sees("seen", 1, "item1@lotA") },
			node: "seen", up: these("item1", "lotA"), down: these("item1"),
		},
		{
			name: "a purchase order is no thing",
			tell: func(s *story) {
				s.split([]string{"lotA"})
				s.event("ordered", 1, "ObjectEvent", `"action":"OBSERVE","quantityList":[`+classes([]string{"lotA"})+`],
					"bizTransactionList":[{"type":"po","bizTransaction":"urn:example:po:1"}]`)
			},
			node: "ordered", up: these("lotA"), down: these("lotA"),
		},
		{
			name: "of two events at one time, the one that was recorded first came first",
			tell: func(s *story) {
				s.sees("first", 1, "lotA")
				s.sees("second", 1, "lotA")
				s.sees("third", 1, "lotA")
				s.artifact("dataset/lab/d@1", "second")
			},
			node: "dataset/lab/d@1", up: these("second", "lotA", "first"), down: these(),
		},
		{
			name: "of a decision and events at its time, those that were recorded later came later",
			tell: func(s *story) {
				s.artifact("model/lab/m@1")
				s.sees("first", 1, "lotA")
				s.runs("graded", 1, "inference", []string{"model/lab/m@1"}, nil, []string{"lotA"})
				s.sees("third", 1, "lotA")
			},
			node: "model/lab/m@1", up: these(), down: these("graded", "lotA", "third"),
		},
		{
			name: "what else was decided at once is not behind a thing",
			tell: func(s *story) {
				s.artifact("model/lab/m@1")
				s.split([]string{"lotA", "lotB"})
				s.runs("graded", 2, "inference", []string{"model/lab/m@1"}, nil, []string{"lotA", "lotB"})
			},
			node: "lotA", up: these("graded", "model/lab/m@1"), down: these(),
		},
		{
			name: "the lot of an item that only carried something isn't in question",
			tell: func(s *story) {
				s.packs("stowed", 1, "ADD", "pallet", "item1@lotA")
				s.packs("packed", 2, "ADD", "item1", "crate")
				s.makes("cooked", 3, []string{"lotA"}, []string{"lotSoup"})
			},
			node: "crate", up: these("packed", "item1", "pallet"), down: these("packed", "item1", "pallet"),
		},
		{
			name: "a decision about a pallet is not behind what was on it",
			tell: func(s *story) {
				s.artifact("model/lab/m@1")
				s.packs("packed", 1, "ADD", "pallet", "lotA")
				s.runs("graded", 2, "inference", []string{"model/lab/m@1"}, nil, []string{"pallet"})
			},
			node: "lotA", up: these("packed", "pallet"), down: these("packed", "pallet"),
		},
		{
			name: "a carrier that comes to be in question itself leads to all that it held then",
			tell: func(s *story) {
				s.artifact("model/lab/m@1")
				s.artifact("model/lab/tuned@1", "model/lab/m@1")
				s.packs("packed", 1, "ADD", "pallet", "lotA")
				s.packs("packed too", 1, "ADD", "pallet", "lotB")
				s.runs("first", 2, "inference", []string{"model/lab/m@1"}, nil, []string{"lotA"})
				s.runs("second", 3, "inference", []string{"model/lab/tuned@1"}, nil, []string{"pallet"})
				s.makes("soup", 4, []string{"lotB"}, []string{"lotSoup"})
			},
			node: "model/lab/m@1", up: these(),
			down: these("first", "lotA", "pallet", "model/lab/tuned@1", "second", "lotB", "soup", "lotSoup"),
		},
		{
			name: "what a run generated and what was derived are followed to their copies",
			tell: func(s *story) {
				s.artifact("dataset/lab/raw@1")
				s.same("Lab", "model/lab/m@1", bytesX)
				s.runs("train", 2, "training", []string{"dataset/lab/raw@1"}, []string{"model/lab/m@1"}, nil)
				s.same("Lab", "dataset/lab/clean@1", bytesY, "dataset/lab/raw@1")
				s.same("Market", "model/market/copy@1", bytesX)
				s.same("Market", "dataset/market/copy@1", bytesY)
			},
			node: "dataset/lab/raw@1", up: these(),
			down: these("train", "model/lab/m@1", "model/market/copy@1", "dataset/lab/clean@1", "dataset/market/copy@1"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t)
			test.tell(s)
			require.Equal(t, test.up, s.up(test.node), "ancestors")
			require.Equal(t, test.down, s.down(test.node), "descendants")
		})
	}
}

// A walk makes room for nodes and edges in pieces. This one needs several.
func TestAWideAnswerHasEachNodeAndEachEdgeOnce(t *testing.T) {
	s := newStory(t)
	const n = 1100
	var many []string
	for i := range n {
		many = append(many, fmt.Sprintf("crate%d", i))
	}
	s.packs("packed", 1, "ADD", "ship", many...)
	s.packs("moored", 2, "ADD", "harbor", "ship")
	a := s.trace(lineage.Query{Node: "ship", Direction: lineage.Descendants})
	require.Len(t, a.Nodes, n+4)
	require.Len(t, a.Edges, 2*n+4, "each crate is in the ship, and in the event that says so")
}

// spelledEdges spells an answer's edges, with the names of the story.
func (s *story) spelledEdges(a *lineage.Answer) []string {
	var all []string
	for _, e := range a.Edges {
		all = append(all, fmt.Sprintf("%s %s> %s", s.names[e.From], e.Kind, s.names[e.To]))
	}
	return all
}

func TestEdgesAreInTheOrderOfTheLedgerAndSayWhichRecordTheyAreFrom(t *testing.T) {
	s := newStory(t)
	s.makes("made", 1, []string{"lotRaw"}, []string{"lotA"})
	s.packs("packed", 2, "ADD", "pallet", "lotA")
	s.packs("seen on it", 3, "OBSERVE", "pallet", "lotA")
	s.packs("unpacked", 4, "DELETE", "pallet", "lotA")
	s.packs("packed again", 5, "ADD", "pallet", "lotA")
	a := s.trace(lineage.Query{Node: "lotRaw", Direction: lineage.Descendants})
	require.Equal(t, []string{
		"made output> lotA", "lotRaw input> made", "lotA observed> made", "lotA observed> packed", "lotA observed> seen on it",
		"lotA observed> unpacked", "lotA observed> packed again", "pallet contains> lotA", "pallet contains> lotA",
		"pallet observed> packed", "pallet observed> seen on it", "pallet observed> unpacked", "pallet observed> packed again",
	}, s.spelledEdges(a))
	var begun []string
	for _, e := range a.Edges {
		if e.Kind == lineage.EdgeContains {
			begun = append(begun, s.names[e.Record])
		}
	}
	require.Equal(t, []string{"packed", "packed again"}, begun, "one edge for each time, from the record that it began with")
}

func TestATimeInAContainerThatDidNotMatterHasNoEdge(t *testing.T) {
	s := newStory(t)
	s.packs("packed", 1, "ADD", "pallet", "lotA")
	s.packs("unpacked", 2, "DELETE", "pallet", "lotA")
	s.sees("reading", 3, "lotA")
	s.packs("packed again", 4, "ADD", "pallet", "lotA")
	s.artifact("dataset/lab/d@1", "reading")
	a := s.trace(lineage.Query{Node: "dataset/lab/d@1", Direction: lineage.Ancestors})
	require.Equal(t, []string{"reading", "lotA", "packed", "pallet", "unpacked"}, s.spelled(nodeIDs(a))[1:])
	require.Contains(t, a.Edges, lineage.Edge{From: thing("pallet"), To: thing("lotA"), Kind: lineage.EdgeContains,
		Record: s.nodes["packed"]})
	require.NotContains(t, s.spelledEdges(a), "pallet observed> packed again")
	for _, e := range a.Edges {
		require.NotEqual(t, s.nodes["packed again"], e.Record)
	}
}

func nodeIDs(a *lineage.Answer) []string {
	var all []string
	for _, n := range a.Nodes {
		all = append(all, n.ID)
	}
	return all
}

func TestALimitInTheWayOfAContainerLeavesOutItsEdge(t *testing.T) {
	s := newStory(t)
	s.packs("packed", 1, "ADD", "pallet", "lotA")
	s.packs("loaded", 2, "ADD", "truck", "pallet")
	for _, test := range []struct {
		query lineage.Query
		nodes []string
	}{
		{lineage.Query{Node: "lotA", Direction: lineage.Descendants, Depth: 1}, these("packed", "pallet")},
		{lineage.Query{Node: "truck", Direction: lineage.Descendants, Depth: 1}, these("loaded", "pallet")},
		{lineage.Query{Node: "lotA", Direction: lineage.Ancestors, Nodes: 2}, these("packed")},
	} {
		a := s.trace(test.query)
		require.Equal(t, test.nodes, s.found(a))
		require.NotNil(t, a.Truncated)
	}
}

// Of several ways to a node that are equally short, the one over what came first to the ledger is told.
func TestTheWayOverWhatWasFirstOnTheLedgerIsTold(t *testing.T) {
	s := newStory(t)
	s.artifact("dataset/lab/raw@1")
	var parts []string
	for i := range 12 {
		parts = append(parts, fmt.Sprintf("dataset/lab/part%d@1", i))
		s.artifact(parts[i], "dataset/lab/raw@1")
	}
	s.artifact("dataset/lab/whole@1", parts...)
	for range 4 {
		im := s.impact(lineage.Query{Node: "dataset/lab/raw@1"})
		require.Equal(t, "dataset/lab/raw@1 derivedFrom> dataset/lab/part0@1 derivedFrom> dataset/lab/whole@1",
			s.path(s.touched(im, "dataset/lab/whole@1")))
	}
}

// A pallet that the walk knows as a carrier is put in question by decisions. What it leads to then is told by the first
// of these, and not by the way on which the walk came to it before.
func TestAWayThatOpensLaterIsTold(t *testing.T) {
	s := newStory(t)
	s.artifact("model/lab/m@1")
	s.artifact("model/lab/m@2", "model/lab/m@1")
	s.artifact("model/lab/m@3", "model/lab/m@2")
	s.packs("packed", 1, "ADD", "pallet", "lotA", "lotB")
	s.runs("early", 2, "inference", []string{"model/lab/m@1"}, nil, []string{"lotA"})
	s.runs("first", 3, "inference", []string{"model/lab/m@3"}, nil, []string{"pallet"})
	s.runs("second", 4, "inference", []string{"model/lab/m@3"}, nil, []string{"pallet"})
	im := s.impact(lineage.Query{Node: "model/lab/m@1"})
	require.Equal(t, "model/lab/m@1 used> early about> lotA <contains pallet", s.path(s.touched(im, "pallet")))
	require.Equal(t, "model/lab/m@1 derivedFrom> model/lab/m@2 derivedFrom> model/lab/m@3 used> first about> pallet"+
		" contains> lotB", s.path(s.touched(im, "lotB")))
}

// Parts that all led to each other would have a million edges if there were a thousand.
func TestTheFirstPartOfATransformationLeadsToTheOthersAndTheyToIt(t *testing.T) {
	s := newStory(t)
	const n = 40
	for i := range n {
		s.reports(fmt.Sprintf("part%d", i), i, "batch", "input", fmt.Sprintf("lot%d", i))
	}
	s.reports("out", n, "batch", "output", "lotOut")
	for node, d := range map[string]lineage.Direction{"lot7": lineage.Descendants, "lotOut": lineage.Ancestors} {
		a := s.trace(lineage.Query{Node: node, Direction: d})
		parts := 0
		for _, e := range a.Edges {
			if e.Kind == lineage.EdgeContinues {
				parts++
			}
		}
		require.Equal(t, 2*n, parts, node)
		require.Contains(t, s.found(a), "part30")
	}
}

func TestACarrierIsOnlyACarrierUntilItIsInQuestionItself(t *testing.T) {
	s := newStory(t)
	s.artifact("model/lab/m@1")
	s.packs("packed", 1, "ADD", "pallet", "lotA")
	s.packs("loaded", 1, "ADD", "truck", "pallet")
	s.runs("graded", 2, "inference", []string{"model/lab/m@1"}, nil, []string{"lotA", "pallet"})
	a := s.trace(lineage.Query{Node: "model/lab/m@1", Direction: lineage.Descendants})
	for _, n := range a.Nodes {
		require.Equal(t, s.names[n.ID] == "truck", n.Carrier, s.names[n.ID])
	}
	require.Contains(t, s.spelledEdges(a), "pallet contains> lotA")
}

func TestEdgesLeadFromCauseToEffectInBothDirections(t *testing.T) {
	s := newStory(t)
	s.reports("fish", 1, "batch", "input", "lotFish")
	s.reports("cans", 2, "batch", "output", "lotCans")
	s.artifact("dataset/lab/raw@1", "fish")
	s.artifact("model/lab/m@1")
	s.runs("train", 3, "training", []string{"dataset/lab/raw@1"}, []string{"model/lab/m@1"}, nil)
	s.runs("graded", 4, "inference", []string{"model/lab/m@1"}, nil, []string{"lotCans"})
	s.says("Test", "recall", "recall", `{"reason":"bones"}`, "model/lab/m@1")
	for _, test := range []struct {
		query lineage.Query
		edges []string
	}{
		{lineage.Query{Node: "lotFish", Direction: lineage.Descendants}, []string{
			"lotFish input> fish", "fish continues> cans", "cans continues> fish", "fish derivedFrom> dataset/lab/raw@1",
			"cans output> lotCans",
			"lotCans observed> cans", "dataset/lab/raw@1 used> train", "model/lab/m@1 used> graded",
			"train generated> model/lab/m@1", "graded about> lotCans",
		}},
		{lineage.Query{Node: "lotCans", Direction: lineage.Ancestors}, []string{
			"lotFish input> fish", "fish continues> cans", "cans continues> fish", "fish derivedFrom> dataset/lab/raw@1",
			"cans output> lotCans",
			"dataset/lab/raw@1 used> train", "model/lab/m@1 used> graded", "train generated> model/lab/m@1",
			"graded about> lotCans",
		}},
		{lineage.Query{Node: "recall", Direction: lineage.Descendants, Depth: 2}, []string{
			"model/lab/m@1 used> graded", "recall subject> model/lab/m@1",
		}},
	} {
		require.ElementsMatch(t, test.edges, s.spelledEdges(s.trace(test.query)))
	}
}
