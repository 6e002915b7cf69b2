package proof

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

const things = "https://id.gs1.org/01/09521234543213/10/"

// supplyChain is a catch A that was processed, in two reports of one transformation, into B and C. B was packed in P,
// of which a run decided. The first report was declared an error, and the declaration was recalled.
func supplyChain(t *testing.T) map[string]*Proved {
	event := func(rest string) string {
		return `{"eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+01:00",` + strings.ReplaceAll(rest, "@", things) + `}`
	}
	quantities := func(names ...string) string {
		var all []string
		for _, name := range names {
			all = append(all, `{"epcClass":"@`+name+`","quantity":1}`)
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	const id = `"eventID":"urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8"`
	return proved(t, dataset("x"),
		[2]string{"catch", event(`"type":"ObjectEvent","action":"ADD","quantityList":` + quantities("A"))},
		[2]string{"made", event(`"type":"TransformationEvent",` + id + `,"transformationID":"urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a9",` +
			`"inputQuantityList":` + quantities("A", "Salt") + `,"outputQuantityList":` + quantities("B"))},
		[2]string{"rest", event(`"type":"TransformationEvent","transformationID":"urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a9",` +
			`"inputQuantityList":` + quantities("A") + `,"outputQuantityList":` + quantities("C"))},
		[2]string{"packed", event(`"type":"AggregationEvent","action":"ADD","parentID":"https://id.gs1.org/00/095212340000000014","childQuantityList":` + quantities("B"))},
		[2]string{"wrong", event(`"type":"TransformationEvent",` + id + `,"errorDeclaration":{"declarationTime":"2026-03-02T06:00:00Z"},` +
			`"inputQuantityList":` + quantities("Pepper") + `,"outputQuantityList":` + quantities("D"))},
		[2]string{"decision", `{"type":"inference","used":[{"ref":"dataset/lab/x@1"}],"about":["https://id.gs1.org/00/095212340000000014"]}`},
		[2]string{"recall", `{"kind":"finding","subject":["$made"],"predicate":{"detail":"warm"}}`},
		[2]string{"answer", `{"kind":"acknowledgement","subject":["$recall"],"predicate":{"action":"thrown away"}}`},
	)
}

func TestATraceGoesThroughEventsFromCauseToEffect(t *testing.T) {
	records := supplyChain(t)
	a, b, c, salt := things+"A", things+"B", things+"C", things+"Salt"
	const pallet, declared = "https://id.gs1.org/00/095212340000000014", "event:urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8"
	for _, test := range []struct {
		name, node, direction string
		records               string
		open                  []string // nodes that the proof has no record of, where it is accepted
		reason                Reason
	}{
		{"down from the catch", a, Descendants, "catch made rest packed", []string{c}, ""},
		{"down, without what lies between", a, Descendants, "catch packed", nil, BrokenTrace},
		{"up to the catch", b, Ancestors, "made rest catch", []string{salt}, ""},
		{"up, without the event that made it", b, Ancestors, "catch", nil, BrokenTrace},
		{"up, with what became of it", b, Ancestors, "packed made catch", []string{salt}, ""},
		{"up, with what was made of the cause", a, Ancestors, "catch made", nil, ""},
		{"up, with a run that used the node", "dataset/lab/x@1", Ancestors, "x decision", nil, BrokenTrace},
		{"up from what was decided about", pallet, Ancestors, "decision x packed made catch", []string{salt}, ""},
		{"up from an output of the same transformation", c, Ancestors, "rest made catch", []string{salt}, ""},
		{"up to several causes without records", b, Ancestors, "made", []string{a, salt}, ""},
		{"from an event by its id", "$made", Descendants, "made packed rest", []string{c}, ""},
		{"from an event by the id that it gives itself", declared, Ancestors, "made catch", []string{salt}, ""},
		{"with the declaration of an error", b, Ancestors, "made catch wrong", []string{salt}, ""},
		{"with the declaration of another's error", c, Ancestors, "rest catch wrong", nil, BrokenTrace},
		{"with a recall of an event", b, Ancestors, "made catch recall", []string{salt}, ""},
		{"with an answer to a recall", b, Ancestors, "answer made catch recall", []string{salt}, ""},
		{"down, with a recall and its answer", a, Descendants, "answer recall catch made rest packed", []string{c}, ""},
		{"down, with an answer to a recall that is missing", a, Descendants, "answer catch made rest packed", nil, BrokenTrace},
		{"with an answer to a recall that is missing", b, Ancestors, "made catch answer", nil, BrokenTrace},
		{"with a recall of something else", a, Ancestors, "catch recall", nil, BrokenTrace},
		{"of a thing that nobody knows", things + "Z", Ancestors, "catch", nil, BrokenTrace},
	} {
		t.Run(test.name, func(t *testing.T) {
			node := test.node
			if name, ok := strings.CutPrefix(node, "$"); ok {
				node = string(records[name].ID)
			}
			var in []*Proved
			for _, name := range strings.Fields(test.records) {
				in = append(in, records[name])
			}
			for range 5 { // whatever order the maps have
				got, err := (&Trace{Node: node, Direction: test.direction}).check(in)
				require.Equal(t, test.reason, ReasonOf(err), "%v", err)
				if err == nil {
					assert.Equal(t, &ProvedTrace{Node: node, Direction: test.direction, Open: test.open}, got)
				}
			}
		})
	}
}

func TestATraceThatWasCutTellsWhatItLeadsTo(t *testing.T) {
	records := proved(t, dataset("x"),
		[2]string{"run", `{"type":"training","used":[{"ref":"dataset/lab/x@1"},{"ref":"dataset/lab/w@1"},{"ref":"$x"}]}`})
	run := records["run"]
	_, err := (&Trace{Node: string(run.ID), Direction: Ancestors}).check([]*Proved{run})
	assert.Equal(t, BrokenTrace, ReasonOf(err))
	got, err := (&Trace{Node: string(run.ID), Direction: Ancestors, Cut: true}).check([]*Proved{run, records["x"]})
	require.NoError(t, err)
	assert.Equal(t, &ProvedTrace{Node: string(run.ID), Direction: Ancestors, Cut: true, Open: []string{"dataset/lab/w@1"}}, got)
}

func TestATraceIsOfRecordsThatCanBeUnderstood(t *testing.T) {
	records := proved(t, dataset("x"))
	unknown := &Proved{Attested: Attested{ID: record.Sum([]byte("{}")), Noun: "artifact", Record: []byte(`{"record":"artifact/99"}`)}}
	_, err := (&Trace{Node: "dataset/lab/x@1", Direction: Ancestors}).check([]*Proved{records["x"], unknown})
	assert.Equal(t, BrokenTrace, ReasonOf(err))
	assert.ErrorContains(t, err, "can't be understood")
}

func TestAnArtifactVersionMayBeWantedByTheIdOfItsRecord(t *testing.T) {
	records := proved(t, dataset("x"), dataset("y"), [2]string{"run", `{"type":"training","used":[{"ref":"dataset/lab/x@1"}]}`})
	all := []*Proved{records["run"], records["y"], records["x"]}
	made := &Trace{Node: "dataset/lab/x@1", Direction: Ancestors}
	for name, reason := range map[string]Reason{"x": "", "y": WrongTrace, "run": WrongTrace} {
		assert.Equal(t, reason, ReasonOf(made.fits(&Trace{Node: string(records[name].ID)}, all)), name)
	}
	assert.Equal(t, WrongTrace, ReasonOf(made.fits(&Trace{Node: string(records["x"].ID)}, all[:2])), "its record wasn't proved")
	broken := *records["x"]
	broken.Record = []byte(fmt.Sprintf(`{"record":"artifact/99","name":%q}`, "x"))
	assert.Equal(t, WrongTrace, ReasonOf(made.fits(&Trace{Node: string(broken.ID)}, []*Proved{&broken})), "its record can't be read")
}

func TestATraceGoesThroughARunThatTellsOfOneOutput(t *testing.T) {
	records := proved(t, dataset("x"), dataset("y"), dataset("ofx"),
		[2]string{"run", `{"type":"transformation","used":[{"ref":"dataset/lab/x@1"},{"ref":"dataset/lab/y@1"}],` +
			`"generated":[{"ref":"dataset/lab/ofx@1","from":["dataset/lab/x@1"]}]}`})
	up := &Trace{Node: "dataset/lab/ofx@1", Direction: Ancestors}
	_, err := up.check([]*Proved{records["ofx"], records["run"], records["x"]})
	require.NoError(t, err)
	_, err = up.check([]*Proved{records["ofx"], records["run"], records["x"], records["y"]})
	assert.Equal(t, BrokenTrace, ReasonOf(err))
}

func TestOnlyARefusalTellsWhereItHappened(t *testing.T) {
	assert.NoError(t, At(nil, "block 7"))
	assert.Equal(t, io.EOF, At(io.EOF, "block 7"))
}
