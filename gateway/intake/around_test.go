package intake

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// with adds members to a document.
func with(members, doc string) string { return `{` + members + `,` + doc[1:] }

func TestWhatTheLedgerDoesNotKeepOfADocumentIsAWarning(t *testing.T) {
	header := `"epcisHeader":{"epcisMasterData":{"vocabularyList":[]},"ex:y":1}`
	context := `"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"ex":"https://x.example/"}]`
	extended := strings.Replace(document(observed("1")), gs1Context, context, 1)
	for name, c := range map[string]struct {
		text string
		want []string // pointers
	}{
		"master data":                        {with(header, extended), []string{"/epcisHeader/epcisMasterData", "/epcisHeader/ex:y"}},
		"who sent it and to whom":            {with(`"sender":"a","receiver":"b"`, document(observed("1"))), []string{"/receiver", "/sender"}},
		"an extension of the document":       {with(`"ex:note":"n"`, extended), []string{"/ex:note"}},
		"a member that EPCIS doesn't define": {with(`"_comment":"mapping notes"`, document(observed("1"))), []string{"/_comment"}},
		"an id that is a blank node":         {with(`"id":"_:document1"`, document(observed("1"))), []string{"/id"}},
		"an id that is a URI":                {with(`"id":"urn:x:1"`, document(observed("1"))), nil},
		"a byte order mark":                  {"\ufeff" + document(observed("1")), nil},
		"nothing but events":                 {document(observed("1")), nil},
		"what stands beside the events":      {strings.Replace(extended, `"eventList"`, `"ex:note":"n","eventList"`, 1), []string{"/epcisBody/ex:note"}},
		"master data in answers to a query": {
			`{` + context + `,"type":"EPCISQueryDocument","epcisBody":{"ex:a":1,"queryResults":{"queryName":"q","ex:b":{},"resultsBody":` +
				`{"vocabularyList":[],"ex:c":[],"eventList":[` + observed("1") + `]}}}}`,
			[]string{"/epcisBody/ex:a", "/epcisBody/queryResults/ex:b",
				"/epcisBody/queryResults/resultsBody/ex:c", "/epcisBody/queryResults/resultsBody/vocabularyList"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			job, err := newFixture(t).read(capture.Rollback, 10, whole(c.text))
			require.NoError(t, err)
			assert.Equal(t, 1, job.Total)
			var got []string
			for _, w := range job.Warnings.List {
				assert.Equal(t, CodeNotKept, w.Code)
				got = append(got, w.Pointer)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestAHeaderLineIsWarnedOfToo(t *testing.T) {
	header := `{"_comment":"x",` + gs1Context +
		`,"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T09:00:00Z"}`
	job, err := newFixture(t).read(capture.Rollback, 10, lines("\ufeff"+header, observed("1")))
	require.NoError(t, err)
	require.Len(t, job.Warnings.List, 1)
	assert.Equal(t, "/0/_comment", job.Warnings.List[0].Pointer)
}

func TestATimeThatHasNotComeIsAWarning(t *testing.T) {
	tomorrow := time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339)
	job, err := newFixture(t).read(capture.Rollback, 10,
		whole(document(observed("2"), strings.Replace(observed("1"), "2026-03-01T08:00:00Z", tomorrow, 1))))
	require.NoError(t, err)
	require.Len(t, job.Warnings.List, 1)
	w := job.Warnings.List[0]
	assert.Equal(t, []string{CodeFuture, "/epcisBody/eventList/1/eventTime"}, []string{w.Code, w.Pointer})
	assert.Contains(t, w.Detail, "in the future")
}

func TestTheHashOfAnotherEventIsAWarning(t *testing.T) {
	withID := func(serial, id string) string { return observed(serial, `,"eventID":"`+id+`"`) }
	checked := func(event string) record.Problem {
		job, err := newFixture(t).read(capture.Rollback, 10, whole(document(event)))
		require.NoError(t, err)
		require.Len(t, job.Warnings.List, 1)
		return job.Warnings.List[0]
	}
	w := checked(withID("1", "ni:///sha-256;"+strings.Repeat("0", 64)+"?ver=CBV2.0"))
	assert.Equal(t, []string{CodeHashDiffers, "/epcisBody/eventList/0/eventID"}, []string{w.Code, w.Pointer})
	own := regexp.MustCompile(`ni:\S+`).FindString(w.Detail)
	assert.Equal(t, CodeHashDiffers, checked(withID("2", own)).Code)
	for _, id := range []string{own, strings.Replace(own, "CBV2.0", "CBV2.1", 1)} {
		job, err := newFixture(t).read(capture.Rollback, 10, whole(document(withID("1", id))))
		require.NoError(t, err)
		assert.Empty(t, job.Warnings.List)
	}
}

func TestAWrongCheckDigitIsAWarning(t *testing.T) {
	mistyped := strings.Replace(observed("1"), "09520051010106", "09520051010100", 1)
	job, err := newFixture(t).read(capture.Rollback, 10, whole(document(observed("2"), mistyped)))
	require.NoError(t, err)
	assert.Zero(t, job.Rejected)
	require.Len(t, job.Warnings.List, 1)
	w := job.Warnings.List[0]
	assert.Equal(t, epcis.CodeWrongCheckDigit, w.Code)
	assert.Equal(t, "/epcisBody/eventList/1/epcList/0", w.Pointer)
	assert.Contains(t, w.Detail, "should be 6")
}

func TestWhatIsOddAboutAnEventIsAWarning(t *testing.T) {
	f := newFixture(t)
	long := strings.Repeat("L", 21)
	text := document(strings.Replace(observed("1"), "/21/1", "/10/"+long, 1), strings.Replace(packed("OBSERVE", ""), "10}", `10,"uom":"KGG"}`, 1))
	job, err := f.read(capture.Rollback, 10, whole(text))
	require.NoError(t, err)
	var got []string
	for _, w := range job.Warnings.List {
		got = append(got, w.Code+" "+w.Pointer)
	}
	assert.Equal(t, []string{
		epcis.CodeNotAKey + " /epcisBody/eventList/0/epcList/0",
		epcis.CodeUnknownUnit + " /epcisBody/eventList/1/childQuantityList/0/uom",
	}, got)
}

func TestAllFaultsOfAnEventAreToldAtOnce(t *testing.T) {
	event := strings.Replace(strings.Replace(packed("ADD", ""), ":10}", ":0}", 1), "2026-03-01T08:00:00Z", "noon", 1)
	_, err := newFixture(t).read(capture.Rollback, 10, whole(document(event)))
	var refusal *Refusal
	require.ErrorAs(t, err, &refusal)
	var got []string
	for _, p := range refusal.Problems {
		got = append(got, strings.TrimPrefix(p.Pointer, "/epcisBody/eventList/0"))
	}
	assert.Equal(t, []string{"/parentID", "/childQuantityList/0/quantity", "/eventTime"}, got)
}

func packed(action, more string) string {
	return `{"type":"AggregationEvent","eventTime":"2026-03-01T08:00:00Z","eventTimeZoneOffset":"+00:00","action":"` +
		action + `",` + more + `"childQuantityList":[{"epcClass":"https://id.gs1.org/01/09520051010106/10/P","quantity":10}]}`
}

func TestRulesOfTheStandardThatItsSchemaLacksHold(t *testing.T) {
	parent := `"parentID":"https://id.gs1.org/00/195200500000000017",`
	redefining := strings.Replace(document(observed("1")), gs1Context,
		`"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"epcList":"https://else.example/o"}]`, 1)
	own := `,"@context":{"type":"https://else.example/t"}`
	manyLots := `"L0"`
	for i := range 64 {
		manyLots += fmt.Sprintf(`,"L%d"`, i+1)
	}
	for name, c := range map[string]struct{ text, code, pointer string }{
		"packing in nothing":        {document(packed("ADD", "")), epcis.CodeMissingField, "/epcisBody/eventList/0/parentID"},
		"unpacking from nothing":    {document(packed("DELETE", "")), epcis.CodeMissingField, "/epcisBody/eventList/0/parentID"},
		"packing nothing":           {document(strings.Replace(packed("ADD", parent), ":10}", ":0}", 1)), epcis.CodeNotAllowed, "/epcisBody/eventList/0/childQuantityList/0/quantity"},
		"packing less than nothing": {document(strings.Replace(packed("ADD", parent), ":10}", ":-2}", 1)), epcis.CodeNotAllowed, "/epcisBody/eventList/0/childQuantityList/0/quantity"},
		"more lots than are read": {document(observed("1", `,"@context":{"ex":"https://else.example/"},"ex:lot":[`+manyLots+`]`)),
			epcis.CodeTooMany, "/epcisBody/eventList/0/ex:lot/64"},
		"a context with other meanings":         {redefining, epcis.CodeNotAllowed, "/@context"},
		"an event's context with other meaning": {document(observed("1", own)), epcis.CodeNotAllowed, "/epcisBody/eventList/0/@context"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newFixture(t).read(capture.Rollback, 10, whole(c.text))
			var refusal *Refusal
			require.ErrorAs(t, err, &refusal)
			assert.Equal(t, c.code, refusal.Problems[0].Code)
			assert.Equal(t, c.pointer, refusal.Problems[0].Pointer)
		})
	}
	for name, text := range map[string]string{
		"seen with others, in nothing": document(packed("OBSERVE", "")), "packed in a pallet": document(packed("ADD", parent)),
	} {
		t.Run(name, func(t *testing.T) {
			job, err := newFixture(t).read(capture.Rollback, 10, whole(text))
			require.NoError(t, err)
			assert.Equal(t, 1, job.Total)
		})
	}
}

func TestAnErrorDeclarationRepeatsTheEventThatItWithdraws(t *testing.T) {
	id, declaration := `,"eventID":"urn:x:1"`, `,"errorDeclaration":{"declarationTime":"2026-03-02T08:00:00Z"}`
	inDocument := func(event string) string { return `{` + gs1Context + `,` + event[1:] }
	for name, c := range map[string]struct {
		by, declares string
		refused      bool
	}{
		"the same event":                      {"Lab", observed("1", id, declaration), false},
		"another event":                       {"Lab", observed("2", id, declaration), true},
		"another's event, in one's own words": {"Harbor", observed("2", id, declaration), false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			recorded := f.ledger.Put(c.by, indextest.Event(t, inDocument(observed("1", id))))
			_, err := f.read(capture.Rollback, 10, whole(document(c.declares)))
			if !c.refused {
				require.NoError(t, err)
				return
			}
			var refusal *Refusal
			require.ErrorAs(t, err, &refusal)
			assert.Equal(t, CodeDeclarationDiffers, refusal.Problems[0].Code)
			assert.Equal(t, recorded, refusal.Problems[0].Existing)
		})
	}
}

func TestAnEventThatComesAloneKeepsTheRulesOfADocument(t *testing.T) {
	context := `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"epcList":"https://else.example/o"}],`
	for name, c := range map[string]struct{ event, code, pointer string }{
		"a context with other meanings": {context + observed("1")[1:], epcis.CodeNotAllowed, "/@context"},
		"packing in nothing":            {`{` + gs1Context + `,` + packed("ADD", "")[1:], epcis.CodeMissingField, "/parentID"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			events, found := epcis.Document(mustParse(t, c.event))
			require.Empty(t, found)
			_, _, _, err := Single(t.Context(), f.index, "LabMSP", events[0])
			var refusal *Refusal
			require.ErrorAs(t, err, &refusal)
			assert.Equal(t, c.code, refusal.Problems[0].Code)
			assert.Equal(t, c.pointer, refusal.Problems[0].Pointer)
		})
	}
}
