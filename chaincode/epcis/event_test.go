package epcis

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/stretchr/testify/require"
)

func TestDecodeReadsWhatAnEventSays(t *testing.T) {
	var events []*Event
	for _, e := range goldenDocument(t) {
		event, problems := Decode(e.Event, e.Context)
		require.Empty(t, problems)
		events = append(events, event)
	}
	landing, packing, withdrawn, order, filleting := events[0], events[1], events[2], events[3], events[4]

	require.Equal(t, "ObjectEvent", landing.Type)
	require.Equal(t, time.Date(2026, 3, 4, 4, 10, 0, 250_500_000, time.UTC), landing.EventTime)
	require.Equal(t, "+01:00", landing.EventTimeZoneOffset)
	require.Equal(t, "https://ref.gs1.org/cbv/BizStep-commissioning", landing.BizStep)
	require.Equal(t, "https://ref.gs1.org/cbv/Disp-active", landing.Disposition)
	require.Equal(t, "https://id.gs1.org/414/9521141000014", landing.ReadPoint)
	require.Equal(t, "https://id.gs1.org/414/9521141000014/254/cold", landing.BizLocation)
	require.Equal(t, []string{"https://ref.gs1.org/cbv/Disp-completeness_verified"}, landing.PersistentDispositionSet)
	require.Equal(t, []string{"https://ref.gs1.org/cbv/Disp-completeness_inferred"}, landing.PersistentDispositionUnset)
	require.Equal(t, []Mention{
		{Field: "epcList", URI: "https://id.gs1.org/00/095211410000000175", Original: "urn:epc:id:sscc:9521141.0000000017"},
		{Field: "quantityList", URI: "https://id.gs1.org/01/09521141123454/10/L%2F7", Original: "urn:epc:class:lgtin:9521141.012345.L%2F7", Class: true, Quantity: "812.5", UOM: "KGM"},
	}, landing.Mentions)

	require.Equal(t, "https://ref.gs1.org/cbv/BizStep-packing", packing.BizStep)
	require.Equal(t, "urn:uuid:2f6ba7d4-3a35-4a52-8b6b-6b2a1f0f6a01", packing.EventID)
	require.Equal(t, []string{"parentID", "childEPCs", "childEPCs", "childQuantityList"}, mentionFields(packing))
	require.Equal(t, []Typed{
		{"https://ref.gs1.org/cbv/BTT-po", "urn:epcglobal:cbv:bt:9521141000007:77"},
		{"", "https://id.gs1.org/253/952114100005277"},
	}, packing.BizTransactions)
	require.Equal(t, []Typed{{"https://ref.gs1.org/cbv/SDT-owning_party", "https://id.gs1.org/417/9521141000007"}}, packing.Sources)
	require.Equal(t, []Typed{{"https://ref.gs1.org/cbv/SDT-location", "https://id.gs1.org/414/9521141000021"}}, packing.Destinations)

	require.Equal(t, &ErrorDeclaration{
		DeclarationTime: "2026-03-05T00:00:00Z", Reason: "https://ref.gs1.org/cbv/ER-did_not_occur",
		CorrectiveEventIDs: []string{"urn:uuid:2f6ba7d4-3a35-4a52-8b6b-6b2a1f0f6a01"},
	}, withdrawn.ErrorDeclaration)
	require.Equal(t, "DELETE", withdrawn.Action)
	require.Equal(t, "0.0000001", order.Mentions[0].Quantity)
	require.Equal(t, "urn:epc:id:gdti:9521141.00006.1", filleting.TransformationID)
	require.Equal(t, []string{"inputEPCList", "outputEPCList", "outputEPCList", "inputQuantityList", "outputQuantityList"}, mentionFields(filleting))
}

func mentionFields(e *Event) (fields []string) {
	for _, m := range e.Mentions {
		fields = append(fields, m.Field)
	}
	return fields
}

const good = `{"type":"ObjectEvent","eventTime":"2026-03-04T05:10:00Z","eventTimeZoneOffset":"+01:00","action":"OBSERVE","epcList":["urn:x:1"]}`

func TestProblemsAreUnderstandable(t *testing.T) {
	for _, c := range []struct{ field, value, code, pointer, detail string }{
		{"bizStep", `"shiping"`, CodeUnknownWord, "/bizStep", `bizStep "shiping" is not a CBV business step; did you mean "shipping"?`},
		{"bizStep", `"urn:epcglobal:cbv:bizstep:shipping"`, CodeUnknownWord, "/bizStep", `did you mean "shipping"?`},
		{"bizStep", `"cooking"`, CodeUnknownWord, "/bizStep", `bizStep "cooking" is not a CBV business step`},
		{"bizStep", `7`, CodeWrongType, "/bizStep", `bizStep must be a string, not a number`},
		{"disposition", `"in transit"`, CodeUnknownWord, "/disposition", `did you mean "in_transit"?`},
		{"action", `"Add"`, CodeUnknownWord, "/action", `action must be an action, one of OBSERVE, ADD, DELETE; not "Add"; did you mean "ADD"?`},
		{"bizstep", `"shipping"`, CodeUnknownField, "/bizstep", `"bizstep" is not a field of an ObjectEvent; did you mean "bizStep"?`},
		{"childEPCs", `[]`, CodeUnknownField, "/childEPCs", `"childEPCs" is not a field of an ObjectEvent`},
		{"note", `"x"`, CodeUnknownField, "/note", `like example:note`},
		{"other:note", `"x"`, CodeUndeclaredPrefix, "/other:note", `no @context declares the prefix "other"`},
		{"own:note", `{"a":[{"other:b":1}]}`, CodeUndeclaredPrefix, "/own:note/a/0/other:b", `no @context declares the prefix "other"`},
		{"own:note", `{"@context":{}}`, CodeNestedContext, "/own:note/@context", `declare its prefixes`},
		{"own:no te", `1`, CodeBadURI, "/own:no te", `neither prefix:name nor an absolute URI`},
		{"eventTime", `"2026-02-30T00:00:00Z"`, CodeBadTime, "/eventTime", `not "2026-02-30T00:00:00Z"`},
		{"eventTime", `"0000-01-01T00:00:00Z"`, CodeBadTime, "/eventTime", `a date and time that exists`},
		{"eventTime", `"0001-01-01T00:00:00+00:01"`, CodeBadTime, "/eventTime", ``},
		{"eventTime", `"9999-12-31T23:59:59.9999Z"`, CodeBadTime, "/eventTime", ``},
		{"eventTime", `"2016-12-31T23:59:60Z"`, CodeBadTime, "/eventTime", ``},
		{"eventTime", `"2026-01-01T25:00:00Z"`, CodeBadTime, "/eventTime", ``},
		{"eventTimeZoneOffset", `"+14:30"`, CodeBadOffset, "/eventTimeZoneOffset", `between -14:00 and +14:00`},
		{"epcList", `["urn:x:1","urn:x:1"]`, CodeDuplicateItem, "/epcList/1", `"urn:x:1" stands here twice`},
		{"epcList", `["a b"]`, CodeBadURI, "/epcList/0", `an item of epcList must be an absolute URI`},
		{"quantityList", `[{"epcClass":"urn:x:1","uom":"kilo","quantity":"7"}]`, CodeWrongType, "/quantityList/0/quantity", `quantity must be a number, not a string`},
		{"quantityList", `[{"epcClass":"urn:x:1","uom":"kilo"}]`, CodeBadUnit, "/quantityList/0/uom", `UN/ECE Recommendation 20`},
		{"quantityList", `[{"uom":"KGM"}]`, CodeMissingField, "/quantityList/0/epcClass", `a quantity element must have the field epcClass`},
		{"quantityList", `[{"epcClass":"urn:x:1","own:x":1}]`, CodeUnknownField, "/quantityList/0/own:x", `is not a field of a quantity element`},
		{"ilmd", `{}`, CodeNotAllowed, "/ilmd", `only if its action is ADD`},
		{"persistentDisposition", `{}`, CodeMissingField, "/persistentDisposition", `set, unset or both`},
		{"sensorElementList", `[{"sensorReport":[]}]`, CodeEmptyList, "/sensorElementList/0/sensorReport", `may not be empty`},
		{"sensorElementList", `[{"sensorReport":[{"type":"Temprature"}]}]`, CodeUnknownWord, "/sensorElementList/0/sensorReport/0/type", `did you mean "Temperature"?`},
		{"sensorElementList", `[{"sensorReport":[{"type":"Mass","hexBinaryValue":"xy"}]}]`, CodeBadHex, "/sensorElementList/0/sensorReport/0/hexBinaryValue", ``},
		{"errorDeclaration", `{"reason":"wrong"}`, CodeMissingField, "/errorDeclaration/declarationTime", ``},
		{"type", `"ObjectEvnt"`, CodeUnknownType, "/type", `did you mean "ObjectEvent"?`},
		{"@context", `["https://a.example/","https://a.example/"]`, CodeDuplicateItem, "/@context/1", ``},
		{"a/b~c", `1`, CodeUnknownField, "/a~1b~0c", ``},
	} {
		t.Run(c.field+" "+c.value, func(t *testing.T) {
			event, problems := Decode(parse(t, good).With(c.field, parse(t, c.value)), ownContext)
			require.Nil(t, event)
			require.NotEmpty(t, problems)
			require.Equal(t, c.code, problems[0].Code, "%+v", problems)
			require.Equal(t, c.pointer, problems[0].Pointer)
			require.Contains(t, problems[0].Detail, c.detail)
		})
	}
}

func TestAllProblemsAreReportedUpToABound(t *testing.T) {
	_, problems := Decode(parse(t, `{"type":"AggregationEvent","bizStep":"x","uom":1}`), ownContext)
	var got []string
	for _, p := range problems {
		got = append(got, p.Code+" "+p.Pointer)
	}
	require.Equal(t, []string{
		"missing_field /action", "unknown_word /bizStep", "missing_field /eventTime", "missing_field /eventTimeZoneOffset", "unknown_field /uom", "nothing_happened ",
	}, got)

	many := make([]canonical.Value, 100_000)
	for i := range many {
		many[i] = canonical.Int(int64(i))
	}
	_, problems = Decode(parse(t, good).With("epcList", canonical.Arr(many...)), ownContext)
	require.Len(t, problems, maxProblems)
	_, problems = Decode(parse(t, good).With("bizStep", canonical.Str(strings.Repeat("é", 100_000))), ownContext)
	require.Len(t, problems, 1)
	require.Less(t, len(problems[0].Detail), 300)
}

func TestHostileShapesAreRefused(t *testing.T) {
	deep := canonical.Int(1)
	for range 10_000 {
		deep = canonical.Arr(deep)
	}
	_, problems := Decode(parse(t, good).With("own:deep", deep), ownContext)
	require.Len(t, problems, 1)
	require.Equal(t, CodeTooMany, problems[0].Code)

	parts := make([]canonical.Value, 1000)
	for i := range parts {
		parts[i] = canonical.Str(fmt.Sprintf("https://a.example/%d", i))
	}
	_, problems = Decode(parse(t, good), canonical.Arr(parts...))
	require.Equal(t, CodeTooMany, problems[0].Code)

	for _, event := range []string{`null`, `7`, `"event"`, `[]`, `{}`, `{"type":null}`, `{"type":["ObjectEvent"]}`} {
		_, problems := Decode(parse(t, event), ownContext)
		require.NotEmpty(t, problems, event)
	}
	_, problems = Decode(parse(t, good), canonical.Value{})
	require.Equal(t, []Problem{{CodeMissingField, "/@context", `an event that stands alone must have an @context, like "` + StandardContext + `"`}}, problems)
}

func TestTheNumberOfAValueIsExact(t *testing.T) {
	for text, plain := range map[string]string{
		"23.0": "23", "0123": "123", "+5": "5", "-0": "0", "0.10": "0.1", ".5": "0.5", "5.": "5", "1e+21": "1000000000000000000000", "1E3": "1000",
		"1.5e-7": "0.00000015", "12.340e1": "123.4", "-12.34e-1": "-1.234", "0e99": "0", "00.0": "0", "9007199254740993": "9007199254740993",
		"0.1000000000000000000000000000000000000000000000001": "0.1000000000000000000000000000000000000000000000001", "100e-2": "1", "0.001e2": "0.1",
	} {
		got, ok := appendNumber(nil, text)
		require.True(t, ok, text)
		require.Equal(t, plain, string(got), text)
	}
	for _, text := range []string{"", "+", ".", "e5", "1e", "1e+", "1_000", "0x10", "1,5", "Infinity", "nan", "1.2.3", "1e999999999", "1e-99999999999999999999", "１２"} {
		_, ok := appendNumber(nil, text)
		require.False(t, ok, text)
	}
}

func TestDocumentsAreTakenApart(t *testing.T) {
	events := goldenDocument(t)
	require.Equal(t, "/epcisBody/eventList/5", events[5].Pointer)
	require.Len(t, events[0].Context.Items, 2)
	require.Len(t, events[5].Context.Items, 3, "the event's @context comes after the document's")
	require.True(t, events[5].Event.Has("@context"), "the event stays as sent")

	events, problems := Document(readDocument(t, filepath.Join("testdata", "query.jsonld")))
	require.Empty(t, problems)
	require.Equal(t, "/epcisBody/queryResults/resultsBody/eventList/0", events[0].Pointer)

	bare := readDocument(t, filepath.Join("testdata", "event.jsonld"))
	events, problems = Document(bare)
	require.Empty(t, problems)
	require.Equal(t, []DocumentEvent{{Event: bare, Context: bare.Get("@context")}}, events)
}

func TestDocumentProblems(t *testing.T) {
	withEvents := func(events string) string {
		return `{"@context":[],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-01-01T00:00:00Z","epcisBody":{"eventList":` + events + `}}`
	}
	for name, c := range map[string]struct{ doc, want string }{
		"no object":                             {`[]`, "wrong_type "},
		"no type":                               {`{}`, "missing_field /type"},
		"an unknown type":                       {`{"type":"EPCISDocumnet"}`, "unknown_type /type"},
		"an event of no known type":             {`{"type":"own:Event","@context":[]}`, "unknown_type /type"},
		"an event without context":              {good, "missing_field /@context"},
		"no body":                               {`{"@context":[],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-01-01T00:00:00Z"}`, "missing_field /epcisBody"},
		"a body that is a list":                 {strings.Replace(withEvents(`[]`), `{"eventList":[]}`, `[]`, 1), "wrong_type /epcisBody"},
		"a schemaVersion that is a number":      {strings.Replace(withEvents(`[]`), `"2.0"`, `2.0`, 1), "wrong_type /schemaVersion"},
		"a note among the fields":               {strings.Replace(withEvents(`[]`), `"type"`, `"_comment":"x","type"`, 1), "unknown_field /_comment"},
		"two events with one id":                {withEvents(`[{"eventID":"urn:x:1"},{"eventID":"urn:x:2"},{"eventID":"urn:x:1"}]`), "duplicate_event_id /epcisBody/eventList/2/eventID"},
		"an event and its error declaration":    {withEvents(`[{"eventID":"urn:x:1"},{"eventID":"urn:x:1","errorDeclaration":{}}]`), ""},
		"an error declaration before its event": {withEvents(`[{"eventID":"urn:x:1","errorDeclaration":{}},{"eventID":"urn:x:1"}]`), ""},
		"a document without events":             {withEvents(`[]`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := Document(parse(t, c.doc))
			if c.want == "" {
				require.Empty(t, problems)
				return
			}
			require.NotEmpty(t, problems)
			require.Equal(t, c.want, problems[0].Code+" "+problems[0].Pointer)
		})
	}
}

func TestHashIDRefusesWhatItCannotHash(t *testing.T) {
	for _, event := range []string{`[]`, `{}`, `{"type":7}`, `{"type":"ObjectEvent","eventTime":"today"}`, `{"type":"ObjectEvent","epcList":"urn:x:1"}`,
		`{"type":"ObjectEvent","epcList":[{}]}`, `{"type":"ObjectEvent","other:x":1}`, `{"type":"ObjectEvent","sensorElementList":7}`, `{"type":"ObjectEvent","bizStep":[]}`} {
		_, err := HashID(parse(t, event), ownContext, CBV20)
		require.ErrorContains(t, err, "couldn't hash an event", event)
	}
}

func TestThePrehashReadsAsTheRulesSay(t *testing.T) {
	h := &hasher{ns: namespaces{document: &ownContext}}
	event := parse(t, good).With("own:b", parse(t, `"2.50"`)).With("own:a", parse(t, `[2,1]`)).With("epcList", parse(t, `["urn:x:2","urn:epc:id:giai:9521141.K"]`)).
		With("sensorElementList", parse(t, `[{"own:x":{"own:z":1,"own:y":true},"sensorReport":[{"type":"Mass","value":1e21,"uom":"KGM"}]}]`))
	h.event(&event)
	require.NoError(t, h.err)
	require.Equal(t, "eventType=ObjectEvent"+"eventTime=2026-03-04T05:10:00.000Z"+"eventTimeZoneOffset=+01:00"+
		"epcList"+"epc=https://id.gs1.org/8004/9521141K"+"epc=urn:x:2"+"action=OBSERVE"+
		"sensorElement"+"sensorReport"+"type=https://ref.gs1.org/voc/Mass"+"value=1000000000000000000000"+"uom=KGM"+
		"sensorElement"+"{https://own.example/ns/}x"+"{https://own.example/ns/}y=true"+"{https://own.example/ns/}z=1"+
		"{https://own.example/ns/}a=1"+"{https://own.example/ns/}a=2"+"{https://own.example/ns/}b=2.5", string(h.buf))
}

// prehash returns the text of an event that is hashed, without its type.
func prehash(t *testing.T, members string) string {
	h := &hasher{ns: namespaces{document: &ownContext}}
	event := parse(t, `{"type":"ObjectEvent"`+members+`}`)
	h.event(&event)
	require.NoError(t, h.err, members)
	return strings.TrimPrefix(string(h.buf), "eventType=ObjectEvent")
}

func TestEachValueIsHashedInItsOneSpelling(t *testing.T) {
	const name = "{https://own.example/ns/}a="
	for value, want := range map[string]string{
		`".50"`: "0.5", `"-2.50"`: "-2.5", `"+007"`: "7", `"-"`: "-", `".x"`: ".x", `"-7 kg"`: "-7 kg", `" x "`: "x", `true`: "true",
		`"urn:epcglobal:cbv:bizstep:shipping"`: "https://ref.gs1.org/cbv/BizStep-shipping",
		`"urn:epcglobal:cbv:nothing:x"`:        "urn:epcglobal:cbv:nothing:x",
		`"cbv:BizStep-packing"`:                "https://ref.gs1.org/cbv/BizStep-packing",
		`"gs1:Mass"`:                           "https://ref.gs1.org/voc/Mass",
		`"epcis:x"`:                            "https://ref.gs1.org/epcis/x",
		`"own:x"`:                              "own:x",
		`"urn:epc:id:giai:9521141.K"`:          "https://id.gs1.org/8004/9521141K",
	} {
		require.Equal(t, name+want, prehash(t, `,"own:a":`+value), value)
	}
}

func TestOfTheExtensionsOnlyACommentIsNotHashed(t *testing.T) {
	require.Empty(t, prehash(t, `,"rdfs:comment":"x"`))
	require.Equal(t, "{http://www.w3.org/2000/01/rdf-schema#}label=x", prehash(t, `,"rdfs:label":"x"`))
	require.Equal(t, "{https://own.example/ns/}comment=x", prehash(t, `,"own:comment":"x"`))
}

func TestAFieldThatIsNullIsNotHashed(t *testing.T) {
	for _, members := range []string{
		`,"eventTime":null`, `,"epcList":null`, `,"sensorElementList":null`, `,"readPoint":null`, `,"readPoint":{"id":null}`, `,"own:a":null`,
		`,"sensorElementList":[{"sensorMetadata":null,"sensorReport":[{"time":null}]}]`, `,"quantityList":[{"quantity":null}]`,
	} {
		require.Empty(t, prehash(t, members), members)
	}
}

func TestWebURIOfAWord(t *testing.T) {
	for _, c := range [][3]string{
		{"bizStep", "shipping", "https://ref.gs1.org/cbv/BizStep-shipping"},
		{"bizStep", "urn:epcglobal:cbv:bizstep:shipping", "https://ref.gs1.org/cbv/BizStep-shipping"},
		{"disposition", "cbv:Disp-in_transit", "https://ref.gs1.org/cbv/Disp-in_transit"},
		{"bizTransaction", "po", "https://ref.gs1.org/cbv/BTT-po"},
		{"source", "location", "https://ref.gs1.org/cbv/SDT-location"},
		{"bizStep", "own:step", "own:step"},
		{"nothing", " x ", "x"},
	} {
		require.Equal(t, c[2], WebURI(c[0], c[1]))
	}
}
