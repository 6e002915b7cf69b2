package epcis

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/stretchr/testify/require"
)

// TestTypesHaveTheirRules lists which combinations of fields make a valid event.
func TestTypesHaveTheirRules(t *testing.T) {
	const epcs, amounts, none = `["urn:x:1"]`, `[{"epcClass":"urn:x:1"}]`, `[]`
	const sensors, place = `[{"sensorReport":[{"type":"Mass"}]}]`, `{"id":"urn:x:place"}`
	const order = `[{"bizTransaction":"urn:x:order"}]`
	for _, c := range []struct {
		says string
		rest string // the members besides type, time and offset
		code string // empty if it is a valid event
	}{
		{"an object event needs things", `"type":"ObjectEvent","action":"ADD"`, CodeNothingHappened},
		{"or a list of things, even an empty one", `"type":"ObjectEvent","action":"ADD","epcList":` + none, ""},
		{"or amounts", `"type":"ObjectEvent","action":"ADD","quantityList":` + amounts, ""},
		{"but not no amounts", `"type":"ObjectEvent","action":"ADD","quantityList":` + none, CodeNothingHappened},
		{"or what sensors say of a place", `"type":"ObjectEvent","action":"OBSERVE","readPoint":` + place + `,"sensorElementList":` + sensors, ""},
		{"but not of no place", `"type":"ObjectEvent","action":"OBSERVE","sensorElementList":` + sensors, CodeNothingHappened},
		{"and not a place without sensors", `"type":"ObjectEvent","action":"OBSERVE","readPoint":` + place, CodeNothingHappened},
		{"things are described when they are added", `"type":"ObjectEvent","action":"ADD","ilmd":{},"epcList":` + epcs, ""},
		{"not when they are taken away", `"type":"ObjectEvent","action":"DELETE","ilmd":{},"epcList":` + epcs, CodeNotAllowed},
		{"nor without an action", `"type":"ObjectEvent","ilmd":{},"epcList":` + epcs, CodeMissingField},
		{"a persistent disposition sets something", `"type":"ObjectEvent","action":"ADD","epcList":` + epcs + `,"persistentDisposition":{"set":["active"]}`, ""},
		{"or unsets it", `"type":"ObjectEvent","action":"ADD","epcList":` + epcs + `,"persistentDisposition":{"unset":["active"]}`, ""},
		{"but never neither", `"type":"ObjectEvent","action":"ADD","epcList":` + epcs + `,"persistentDisposition":{}`, CodeMissingField},
		{"and is an object", `"type":"ObjectEvent","action":"ADD","epcList":` + epcs + `,"persistentDisposition":7`, CodeWrongType},
		{"an aggregation needs children", `"type":"AggregationEvent","action":"ADD","parentID":"urn:x:p"`, CodeNothingHappened},
		{"some of them", `"type":"AggregationEvent","action":"ADD","parentID":"urn:x:p","childEPCs":` + none, CodeNothingHappened},
		{"but no parent", `"type":"AggregationEvent","action":"ADD","childEPCs":` + epcs, ""},
		{"or amounts of children", `"type":"AggregationEvent","action":"OBSERVE","childQuantityList":` + amounts, ""},
		{"unless all are taken out", `"type":"AggregationEvent","action":"DELETE","parentID":"urn:x:p"`, ""},
		{"an aggregation has no persistent disposition", `"type":"AggregationEvent","action":"DELETE","persistentDisposition":{"set":["active"]}`, CodeUnknownField},
		{"an association needs a parent", `"type":"AssociationEvent","action":"ADD","childEPCs":` + epcs, CodeMissingField},
		{"and children", `"type":"AssociationEvent","action":"ADD","parentID":"urn:x:p"`, CodeNothingHappened},
		{"a transaction event needs a transaction", `"type":"TransactionEvent","action":"ADD","epcList":` + epcs, CodeMissingField},
		{"at least one", `"type":"TransactionEvent","action":"ADD","bizTransactionList":[],"epcList":` + epcs, CodeEmptyList},
		{"and things", `"type":"TransactionEvent","action":"ADD","bizTransactionList":` + order, CodeNothingHappened},
		{"unless it is over", `"type":"TransactionEvent","action":"DELETE","bizTransactionList":` + order, ""},
		{"a thing may stand twice there", `"type":"TransactionEvent","action":"ADD","bizTransactionList":` + order + `,"epcList":["urn:x:1","urn:x:1"]`, ""},
		{"a transformation turns something into something", `"type":"TransformationEvent","inputEPCList":` + epcs + `,"outputQuantityList":` + amounts, ""},
		{"or amounts", `"type":"TransformationEvent","inputQuantityList":` + amounts + `,"outputEPCList":` + epcs, ""},
		{"not nothing", `"type":"TransformationEvent","outputEPCList":` + epcs, CodeNothingHappened},
		{"not into nothing", `"type":"TransformationEvent","inputEPCList":` + epcs, CodeNothingHappened},
		{"unless another event has the rest", `"type":"TransformationEvent","transformationID":"urn:x:t","inputEPCList":` + epcs, ""},
		{"which may be the inputs", `"type":"TransformationEvent","transformationID":"urn:x:t","outputEPCList":` + epcs, ""},
		{"but never nothing at all", `"type":"TransformationEvent","transformationID":"urn:x:t"`, CodeNothingHappened},
		{"a transformation has no action", `"type":"TransformationEvent","action":"ADD","inputEPCList":` + epcs + `,"outputEPCList":` + epcs, CodeUnknownField},
		{"an action is needed", `"type":"ObjectEvent","epcList":` + epcs, CodeMissingField},
		{"a source needs a type", `"type":"ObjectEvent","action":"ADD","epcList":` + epcs + `,"sourceList":[{"source":"urn:x:s"}]`, CodeMissingField},
		{"and a destination", `"type":"ObjectEvent","action":"ADD","epcList":` + epcs + `,"destinationList":[{"destination":"urn:x:s"}]`, CodeMissingField},
		{"a place needs an id", `"type":"ObjectEvent","action":"ADD","epcList":` + epcs + `,"readPoint":{}`, CodeMissingField},
		{"a sensor report needs a type", `"type":"ObjectEvent","action":"ADD","epcList":` + epcs + `,"sensorElementList":[{"sensorReport":[{}]}]`, CodeMissingField},
	} {
		_, problems := Decode(parse(t, `{"eventTime":"2026-03-04T05:10:00Z","eventTimeZoneOffset":"+01:00",`+c.rest+`}`), ownContext)
		if c.code == "" {
			require.Empty(t, problems, c.says)
		} else {
			require.Len(t, problems, 1, c.says)
			require.Equal(t, c.code, problems[0].Code, c.says)
		}
	}
}

func TestATransformationOfNothingIsToldWhatItLacks(t *testing.T) {
	for rest, want := range map[string]string{
		``:                              "inputs and outputs, or a transformationID that joins it",
		`,"transformationID":"urn:x:t"`: "must have inputs or outputs",
	} {
		_, problems := Decode(parse(t, `{"type":"TransformationEvent","eventTime":"2026-03-04T05:10:00Z","eventTimeZoneOffset":"+01:00"`+rest+`}`), ownContext)
		require.Len(t, problems, 1)
		require.Contains(t, problems[0].Detail, want)
	}
}

func TestAnEventIsAnObject(t *testing.T) {
	for text, noun := range map[string]string{"7": "a number", "[]": "an array", `"x"`: "a string", "null": "null"} {
		_, problems := Decode(parse(t, text), ownContext)
		require.Len(t, problems, 1, text)
		require.Equal(t, CodeWrongType, problems[0].Code, text)
		_, problems = Decode(parse(t, text), canonical.Value{})
		require.Len(t, problems, 1, text)
		_, err := HashID(parse(t, text), ownContext, CBV20)
		require.EqualError(t, err, "couldn't hash an event: it is "+noun+", not an object")
	}
}

func TestFieldsStandInOrder(t *testing.T) {
	shapes := []*shape{&quantityShape, &bizTransactionShape, &sourceShape, &destinationShape, &placeShape, &persistentDispositionShape,
		&errorDeclarationShape, &sensorMetadataShape, &sensorReportShape, &sensorElementShape, &documentShape, &queryDocumentShape}
	for i := range eventTypes {
		shapes = append(shapes, &eventTypes[i].shape)
	}
	for _, s := range shapes {
		require.IsIncreasing(t, s.names(), "the walk along two sorted lists relies on it: %s", s.noun)
	}
}

// TestWordsAreThoseOfTheSchema compares the vocabularies word by word.
func TestWordsAreThoseOfTheSchema(t *testing.T) {
	require.Equal(t, []int{41, 33, 13, 3, 2, 14, 72, 2}, []int{len(bizSteps.words), len(dispositions.words), len(bizTransactionTypes.words),
		len(sourceTypes.words), len(errorReasons.words), len(components.words), len(measurementTypes.words), len(sensorExceptions.words)})
	data, err := os.ReadFile(filepath.Join(trials(t, "schema"), "EPCIS-JSON-Schema.json"))
	require.NoError(t, err)
	var schema struct {
		Definitions map[string]struct{ AnyOf []struct{ Enum []string } }
	}
	require.NoError(t, json.Unmarshal(data, &schema))
	for name, v := range map[string]*vocabulary{
		"bizStep": bizSteps, "disposition": dispositions, "bizTransaction-type": bizTransactionTypes, "source-dest-type": sourceTypes,
		"error-reason": errorReasons, "component": components, "measurementType": measurementTypes, "sensorAlertType": sensorExceptions,
	} {
		var words []string
		for _, either := range schema.Definitions[name].AnyOf {
			words = append(words, either.Enum...)
		}
		require.ElementsMatch(t, words, v.words, name)
	}
}

func TestURIs(t *testing.T) {
	for _, uri := range []string{"urn:x:1", "a:", "example:myField", "https://id.gs1.org/01/1?x=1#y", "geo:50.9,6.9", "https://user:pw@host:8443/p", "https://[2001:db8::1]:80/",
		"ni:///sha-256;ab?ver=CBV2.0", "https://a.example/%C3%A4", "http://h:/"} {
		require.True(t, isURI(uri), uri)
	}
	for _, uri := range []string{"", ":", "x", "//a/b", "1a:b", "a b:c", "urn:x y", "urn:x\n", "urn:x%", "urn:x%4", "urn:x%zz", "https://a#b#c", "https://a.example/ä", "https://h:8o/",
		"https://[::1/", "https://[::1]x/", "https://[1.2.3.4]/", "https://[fe80::1%25eth0]/", "https://a<b>/", `urn:a\b`, "urn:[x]", "https://%41/", "https://u[@h/"} {
		require.False(t, isURI(uri), uri)
	}
}

func TestTimesThatNeverWere(t *testing.T) {
	for _, s := range []string{"2024-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2026-12-31T23:59:59.999999999999+14:00", "2026-01-01t00:00:00z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"} {
		_, ok := parseTime(s)
		require.True(t, ok, s)
	}
	for _, s := range []string{"1900-02-29T00:00:00Z", "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+00:60",
		"2026-01-01T00:00:00+0100", "2026-01-01 00:00:00Z", "20260101T000000Z", "2026-01-01", "", "2026-01-01T00:00:00ZZ", "+026-01-01T00:00:00Z", "2026-1 -01T00:00:00Z"} {
		_, ok := parseTime(s)
		require.False(t, ok, s)
	}
}

func TestTheDeclarationsOfAnEventWin(t *testing.T) {
	doc := parse(t, `{"@context":["https://a.example/",{"own":"https://document.example/","cbvmda":"urn:epcglobal:cbv:mda:"}],"type":"EPCISDocument","schemaVersion":"2.0",
		"creationDate":"2026-01-01T00:00:00Z","epcisBody":{"eventList":[{"@context":{"own":{"@id":"https://event.example/"},"gs1":"https://gs1.org/voc/"}}]}}`)
	events, problems := Document(doc)
	require.Empty(t, problems)
	for _, ns := range []namespaces{{document: &events[0].Context}, {document: ptr(doc.Get("@context")), event: ptr(events[0].Event.Get("@context"))}} {
		for name, want := range map[string]string{
			"own:x": "https://event.example/|x", "cbvmda:x": "urn:epcglobal:cbv:mda:|x", "gs1:x": "https://ref.gs1.org/voc/|x", "cbv:x": "https://ref.gs1.org/cbv/|x",
			"https://own.example/a/b": "https://own.example/a/|b", "urn:own:terms:b": "urn:own:terms:|b", "xsd:int": "http://www.w3.org/2001/XMLSchema#|int",
		} {
			namespace, local, ok := ns.expand(name)
			require.True(t, ok, name)
			require.Equal(t, want, namespace+"|"+local)
		}
		for _, name := range []string{"x", "other:x", "@id"} {
			_, _, ok := ns.expand(name)
			require.False(t, ok, name)
		}
	}
	require.True(t, strings.HasSuffix(string(events[0].Context.Bytes()), `{"gs1":"https://gs1.org/voc/","own":{"@id":"https://event.example/"}}]`))
}

func ptr(v canonical.Value) *canonical.Value { return &v }

func TestInnerNamesMayBeBare(t *testing.T) {
	hash := func(extension string) string {
		id, err := HashID(parse(t, good).With("gs1:masterDataAvailableFor", parse(t, extension)), ownContext, CBV20)
		require.NoError(t, err)
		return id
	}
	require.Equal(t, hash(`{"@id":"urn:x:1","gs1:name":"a"}`), hash(`{"id":"urn:x:1","gs1:name":"a"}`))
	require.NotEqual(t, hash(`{"id":"urn:x:1"}`), hash(`{"id":"urn:x:2"}`))
	require.Equal(t, hash(`{}`), hash(`[null,"",{"gs1:name":""}]`), "nothing is hashed as nothing")
}
