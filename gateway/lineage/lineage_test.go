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

func TestWalks(t *testing.T) {
	for _, test := range []struct {
		name string
		tell func(*story)
		node string
		up   []string
		down []string
	}{
		{
			name: "a transformation leads from inputs to outputs and back",
			tell: func(s *story) { s.makes("fillet", 1, []string{"lotFish", "lotSalt"}, []string{"lotFillet"}) },
			node: "lotFish", up: these(), down: these("fillet", "lotFillet"),
		},
		{
			name: "an output comes from all inputs",
			tell: func(s *story) { s.makes("fillet", 1, []string{"lotFish", "lotSalt"}, []string{"lotFillet"}) },
			node: "lotFillet", up: these("fillet", "lotFish", "lotSalt"), down: these("fillet"),
		},
		{
			name: "two lots on one delivery note are not made of each other",
			tell: func(s *story) { s.sees("shipped", 1, "lotA", "lotB") },
			node: "lotA", up: these("shipped"), down: these("shipped"),
		},
		{
			name: "a dataset made of an observation descends from the things observed",
			tell: func(s *story) {
				s.sees("reading", 1, "lotA", "lotB")
				s.artifact("dataset/lab/temperatures@1", "reading")
				s.runs("training", 2, "training", []string{"dataset/lab/temperatures@1"}, []string{"model/lab/spoilage@1"}, nil)
			},
			node: "lotA", up: these("reading"), down: these("reading", "dataset/lab/temperatures@1", "training", "model/lab/spoilage@1"),
		},
		{
			name: "a model comes from the lots that its data was taken from",
			tell: func(s *story) {
				s.makes("fillet", 0, []string{"lotFish"}, []string{"lotA"})
				s.sees("reading", 1, "lotA", "lotB")
				s.sees("sold", 5, "lotA")
				s.artifact("dataset/lab/temperatures@1", "reading")
				s.runs("training", 2, "training", []string{"dataset/lab/temperatures@1"}, []string{"model/lab/spoilage@1"}, nil)
			},
			node: "model/lab/spoilage@1", up: these("training", "dataset/lab/temperatures@1", "reading", "lotA", "lotB", "fillet", "lotFish"), down: these(),
		},
		{
			name: "a bad model touches the lots it decided about and what was made of them",
			tell: func(s *story) {
				s.artifact("model/lab/spoilage@1")
				s.sees("landed", 0, "lotA")
				s.runs("decision", 1, "inference", []string{"model/lab/spoilage@1"}, nil, []string{"lotA"})
				s.makes("soup", 2, []string{"lotA"}, []string{"lotSoup"})
			},
			node: "model/lab/spoilage@1", up: these(), down: these("decision", "lotA", "soup", "lotSoup"),
		},
		{
			name: "from fish to data to model and back to the same fish ends",
			tell: func(s *story) {
				s.sees("reading", 1, "lotA")
				s.artifact("dataset/lab/temperatures@1", "reading")
				s.runs("training", 2, "training", []string{"dataset/lab/temperatures@1"}, []string{"model/lab/spoilage@1"}, nil)
				s.runs("decision", 3, "inference", []string{"model/lab/spoilage@1"}, nil, []string{"lotA"})
			},
			node: "lotA",
			up:   these("reading", "decision", "model/lab/spoilage@1", "training", "dataset/lab/temperatures@1"),
			down: these("reading", "dataset/lab/temperatures@1", "training", "model/lab/spoilage@1", "decision"),
		},
		{
			name: "what is read on a pallet concerns what was on it then",
			tell: func(s *story) {
				s.packs("packed", 1, "ADD", "pallet", "crateA")
				s.sees("reading", 2, "pallet")
				s.packs("unpacked", 3, "DELETE", "pallet", "crateA")
				s.sees("later", 4, "pallet")
				s.artifact("dataset/lab/first@1", "reading")
				s.artifact("dataset/lab/later@1", "later")
			},
			node: "crateA",
			up:   these("packed", "unpacked", "pallet", "reading"),
			down: these("packed", "unpacked", "pallet", "reading", "dataset/lab/first@1"),
		},
		{
			name: "a pallet used again next week does not connect two lots",
			tell: func(s *story) {
				s.packs("packed1", 1, "ADD", "pallet", "lotA")
				s.sees("reading1", 2, "pallet")
				s.packs("emptied", 3, "DELETE", "pallet")
				s.packs("packed2", 8, "ADD", "pallet", "lotB")
				s.sees("reading2", 9, "pallet")
				s.artifact("dataset/lab/second@1", "reading2")
			},
			node: "dataset/lab/second@1",
			up:   these("reading2", "pallet", "lotB", "packed2"), down: these(),
		},
		{
			name: "an emptied pallet lets go of all children",
			tell: func(s *story) {
				s.packs("packed", 1, "ADD", "pallet", "crateA", "lotB")
				s.packs("emptied", 3, "DELETE", "pallet")
				s.sees("later", 4, "pallet")
			},
			node: "lotB", up: these("packed", "pallet", "emptied"), down: these("packed", "pallet", "emptied"),
		},
		{
			name: "a crate on a pallet in a truck concerns its fish",
			tell: func(s *story) {
				s.packs("crated", 1, "ADD", "crate", "lotA")
				s.packs("stacked", 2, "ADD", "pallet", "crate")
				s.packs("loaded", 3, "ADD", "truck", "pallet")
				s.sees("reading", 4, "truck")
				s.packs("unloaded", 5, "DELETE", "truck", "pallet")
				s.sees("washed", 6, "truck")
				s.artifact("dataset/lab/d@1", "reading")
			},
			node: "dataset/lab/d@1", up: these("reading", "truck", "pallet", "crate", "lotA", "crated", "stacked", "loaded"), down: these(),
		},
		{
			name: "who recalls a pallet recalls what it held",
			tell: func(s *story) {
				s.packs("packed", 1, "ADD", "pallet", "lotA")
				s.packs("unpacked", 2, "DELETE", "pallet", "lotA")
				s.makes("soup", 3, []string{"lotA"}, []string{"lotSoup"})
			},
			node: "pallet", up: these("packed", "unpacked", "lotA"), down: these("packed", "unpacked", "lotA", "soup", "lotSoup"),
		},
		{
			name: "siblings on a pallet are no descendants",
			tell: func(s *story) {
				s.packs("packed", 1, "ADD", "pallet", "crateA", "crateB")
				s.makes("soup", 3, []string{"crateB"}, []string{"lotSoup"})
			},
			node: "crateA", up: these("packed", "pallet"), down: these("packed", "pallet"),
		},
		{
			name: "a partly unpacked lot is still on the pallet",
			tell: func(s *story) {
				s.packs("packed", 1, "ADD", "pallet", "lotA=100")
				s.packs("half", 2, "DELETE", "pallet", "lotA=40")
				s.sees("reading", 3, "pallet")
				s.packs("rest", 4, "DELETE", "pallet", "lotA=60")
				s.sees("later", 5, "pallet")
			},
			node: "lotA", up: these("packed", "half", "pallet", "reading", "rest"), down: these("packed", "half", "pallet", "reading", "rest"),
		},
		{
			name: "an observed pallet holds what was seen on it, without an ADD",
			tell: func(s *story) {
				s.packs("received", 1, "OBSERVE", "pallet", "crateA")
				s.sees("reading", 2, "pallet")
			},
			node: "crateA", up: these("received", "pallet", "reading"), down: these("received", "pallet", "reading"),
		},
		{
			name: "a GTIN without lot leads to its lots, and they not to others",
			tell: func(s *story) {
				s.name("gtin", "https://id.gs1.org/01/09521234543213")
				s.event("counted", 1, "ObjectEvent", `"action":"OBSERVE","quantityList":[{"epcClass":"https://id.gs1.org/01/09521234543213","quantity":3}]`)
				s.sees("seen", 2, "lotA")
			},
			node: "gtin", up: these("counted"), down: these("counted", "lotA", "seen"),
		},
		{
			name: "inputs and outputs reported apart are joined by the transformationID",
			tell: func(s *story) {
				s.split([]string{"lotIn", "lotOut"})
				s.event("inputs", 1, "TransformationEvent", fmt.Sprintf(`"transformationID":"urn:example:batch:1","inputQuantityList":[%s]`, classes([]string{"lotIn"})))
				s.event("outputs", 2, "TransformationEvent", fmt.Sprintf(`"transformationID":"urn:example:batch:1","outputQuantityList":[%s]`, classes([]string{"lotOut"})))
			},
			node: "lotIn", up: these(), down: these("inputs", "outputs", "lotOut"),
		},
		{
			name: "an event leads down to the things it names and up to them",
			tell: func(s *story) {
				s.sees("excursion", 1, "lotA")
				s.makes("soup", 2, []string{"lotA"}, []string{"lotSoup"})
			},
			node: "excursion", up: these("lotA"), down: these("lotA", "soup", "lotSoup"),
		},
		{
			name: "a recall leads to what it is about",
			tell: func(s *story) {
				s.makes("soup", 2, []string{"lotA"}, []string{"lotSoup"})
				s.put("recall", indextest.Statement(s.t, "recall", `{"reason":"listeria"}`, thing("lotA")))
			},
			node: "recall", up: these(), down: these("lotA", "soup", "lotSoup"),
		},
		{
			name: "a recall of an event leads to what the event names and made, as if the walk began there",
			tell: func(s *story) {
				s.packs("packed", 1, "ADD", "pallet", "lotA")
				reading := s.sees("reading", 2, "pallet")
				made := s.makes("soup", 3, []string{"lotB"}, []string{"lotSoup"})
				s.put("recall", indextest.Statement(s.t, "recall", `{"reason":"a wrong logger"}`, reading, made))
			},
			node: "recall", up: these(), down: these("reading", "pallet", "lotA", "soup", "lotSoup"),
		},
		{
			name: "downwards a run leads only to what was made of the input, and to what it decided about",
			tell: func(s *story) {
				s.split([]string{"lotA"})
				for _, ref := range []string{"dataset/lab/x@1", "dataset/lab/y@1"} {
					s.artifact(ref)
				}
				s.runs("split", 1, "transformation", []string{"dataset/lab/x@1", "dataset/lab/y@1"},
					[]string{"dataset/lab/ofx@1<dataset/lab/x@1", "dataset/lab/ofy@1<dataset/lab/y@1", "dataset/lab/ofnone@1<", "dataset/lab/ofall@1"}, []string{"lotA"})
				s.runs("train", 2, "training", []string{"dataset/lab/ofx@1"}, []string{"model/lab/mx@1"}, nil)
			},
			node: "dataset/lab/x@1", up: these(), down: these("split", "dataset/lab/ofx@1", "dataset/lab/ofall@1", "lotA", "train", "model/lab/mx@1"),
		},
		{
			name: "upwards a run leads only to what the output was made of",
			tell: func(s *story) {
				for _, ref := range []string{"dataset/lab/x@1", "dataset/lab/y@1", "dataset/lab/z@1"} {
					s.artifact(ref)
				}
				s.runs("split", 1, "transformation", []string{"dataset/lab/x@1", "dataset/lab/y@1", "dataset/lab/z@1"},
					[]string{"dataset/lab/ofxz@1<dataset/lab/z@1,dataset/lab/x@1", "dataset/lab/ofy@1<dataset/lab/y@1"}, nil)
			},
			node: "dataset/lab/ofxz@1", up: these("split", "dataset/lab/x@1", "dataset/lab/z@1"), down: these(),
		},
		{
			name: "the run itself leads to all that it used and made",
			tell: func(s *story) {
				s.artifact("dataset/lab/x@1")
				s.artifact("dataset/lab/y@1")
				s.runs("split", 1, "transformation", []string{"dataset/lab/x@1", "dataset/lab/y@1"}, []string{"dataset/lab/ofx@1<dataset/lab/x@1", "dataset/lab/ofnone@1<"}, nil)
			},
			node: "split", up: these("dataset/lab/x@1", "dataset/lab/y@1"), down: these("dataset/lab/ofx@1", "dataset/lab/ofnone@1"),
		},
		{
			name: "an input may be named by the id of its record",
			tell: func(s *story) {
				s.artifact("dataset/lab/x@1")
				s.artifact("dataset/lab/y@1")
				s.runs("split", 1, "transformation", []string{"dataset/lab/y@1", "dataset/lab/x@1 record"}, []string{"dataset/lab/ofx@1<dataset/lab/x@1 record", "dataset/lab/ofy@1<dataset/lab/y@1"}, nil)
			},
			node: "dataset/lab/x@1", up: these(), down: these("split", "dataset/lab/ofx@1"),
		},
		{
			name: "a diamond is walked once",
			tell: func(s *story) {
				s.makes("left", 1, []string{"lotA"}, []string{"lotL"})
				s.makes("right", 1, []string{"lotA"}, []string{"lotR"})
				s.makes("mix", 2, []string{"lotL", "lotR"}, []string{"lotZ"})
			},
			node: "lotZ", up: these("mix", "lotL", "lotR", "left", "right", "lotA"), down: these("mix"),
		},
		{
			name: "two lots made of each other end",
			tell: func(s *story) {
				s.makes("forth", 1, []string{"lotA"}, []string{"lotB"})
				s.makes("back", 2, []string{"lotB"}, []string{"lotA"})
			},
			node: "lotA", up: these("back", "lotB", "forth"), down: these("forth", "lotB", "back"),
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

func TestABreachIsAFlagOfItsActivity(t *testing.T) {
	s := newStory(t)
	s.ledger.Put("Lab", indextest.Artifact(t, "dataset/lab/faces@1"), indextest.Artifact(t, "model/lab/m@1"))
	withdrawal := s.ledger.Put("Lab", indextest.Statement(t, record.Withdrawal, `{"reason":"consent"}`, "dataset/lab/faces@1"))
	run := s.ledger.Put("Lab", indextest.Activity(t, fmt.Sprintf(`{"by":"LabMSP","type":"training",
		"used":[{"ref":"dataset/lab/faces@1"}],"generated":[{"ref":"model/lab/m@1"}],
		"breach":[{"ref":"dataset/lab/faces@1","statement":%q}]}`, withdrawal)))
	more := s.ledger.Put("Lab", indextest.Artifact(t, "dataset/lab/late@1"), indextest.Activity(t, fmt.Sprintf(`{"by":"LabMSP",
		"type":"training","used":[{"ref":"dataset/lab/late@1"}],"generated":[{"ref":"model/lab/m@1"}],"extends":[%q]}`, run)))
	up, err := lineage.Trace(t.Context(), s.index, lineage.Query{Node: "model/lab/m@1", Direction: lineage.Ancestors, At: index.Latest})
	require.NoError(t, err)
	flags := map[string][]string{}
	for _, n := range up.Nodes {
		flags[n.ID] = n.Flags
	}
	require.Equal(t, []string{lineage.FlagBreach}, flags[run])
	require.Contains(t, flags, "dataset/lab/late@1", "an activity that extends another adds to what its outputs were made of")
	require.Empty(t, flags[more])
}
