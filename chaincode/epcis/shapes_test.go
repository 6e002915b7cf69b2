package epcis

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

var update = flag.Bool("update", false, "write the golden file anew")

// commonFields are those that every event may have, with as many members as they may have.
const commonFields = `"@context":["https://a.example/",{"ex":"https://ex.example/"}],
	"certificationInfo":["urn:x:1"],
	"errorDeclaration":{"correctiveEventIDs":["urn:x:1"],"declarationTime":"2026-03-04T05:10:00Z","reason":"did_not_occur"},
	"eventID":"urn:x:1","eventTime":"2026-03-04T05:10:00Z","eventTimeZoneOffset":"+01:00","recordTime":"2026-03-04T05:10:00Z",
	"bizLocation":{"id":"urn:x:1"},"bizStep":"packing","bizTransactionList":[{"bizTransaction":"urn:x:1","type":"po"}],
	"destinationList":[{"destination":"urn:x:1","type":"location"}],"disposition":"active","readPoint":{"id":"urn:x:1"},
	"sensorElementList":[{
		"sensorMetadata":{"bizRules":"urn:x:1","dataProcessingMethod":"urn:x:1","deviceID":"urn:x:1","deviceMetadata":"urn:x:1",
			"endTime":"2026-03-04T05:10:00Z","rawData":"urn:x:1","startTime":"2026-03-04T05:10:00Z","time":"2026-03-04T05:10:00Z"},
		"sensorReport":[{"bizRules":"urn:x:1","booleanValue":true,"chemicalSubstance":"urn:x:1","component":"x",
			"coordinateReferenceSystem":"urn:x:1","dataProcessingMethod":"urn:x:1","deviceID":"urn:x:1","deviceMetadata":"urn:x:1",
			"exception":"ALARM_CONDITION","hexBinaryValue":"0f","maxValue":1,"meanValue":1,"microorganism":"urn:x:1","minValue":1,
			"percRank":1,"percValue":1,"rawData":"urn:x:1","sDev":1,"stringValue":"a","time":"2026-03-04T05:10:00Z","type":"Mass",
			"uom":"KGM","uriValue":"urn:x:1","value":1}]}],
	"sourceList":[{"source":"urn:x:1","type":"location"}]`

// fullest are documents and events with every member that EPCIS defines.
var fullest = []struct{ noun, text string }{
	{"document", `{"type":"EPCISDocument","@context":["https://a.example/",{"ex":"https://ex.example/"}],"creationDate":"2026-03-04T05:10:00Z",
		"id":"urn:x:1","instanceIdentifier":"a","receiver":"a","schemaVersion":"2.0","sender":"a","epcisBody":{"eventList":[]},
		"epcisHeader":{"epcisMasterData":{"vocabularyList":[{"type":"urn:x:1","vocabularyElementList":[
			{"id":"urn:x:1","children":["urn:x:1"],"attributes":[{"id":"urn:x:1","attribute":"a"}]}]}]}}}`},
	{"query document", `{"type":"EPCISQueryDocument","@context":["https://a.example/",{"ex":"https://ex.example/"}],
		"creationDate":"2026-03-04T05:10:00Z","id":"urn:x:1","schemaVersion":"2.0","epcisBody":{"queryResults":{
			"queryName":"a","subscriptionID":"a","resultsBody":{"eventList":[],"vocabularyList":[]}}}}`},
	{"object event", `{"type":"ObjectEvent","action":"ADD","epcList":["urn:x:1"],"ilmd":{},
		"persistentDisposition":{"set":["active"],"unset":["active"]},
		"quantityList":[{"epcClass":"urn:x:1","quantity":1,"uom":"KGM"}],` + commonFields + `}`},
	{"aggregation event", `{"type":"AggregationEvent","action":"DELETE","childEPCs":["urn:x:1"],
		"childQuantityList":[{"epcClass":"urn:x:1"}],"parentID":"urn:x:1",` + commonFields + `}`},
	{"transaction event", `{"type":"TransactionEvent","action":"DELETE","epcList":["urn:x:1"],"parentID":"urn:x:1",
		"quantityList":[{"epcClass":"urn:x:1"}],` + commonFields + `}`},
	{"transformation event", `{"type":"TransformationEvent","ilmd":{},"inputEPCList":["urn:x:1"],"outputEPCList":["urn:x:1"],
		"inputQuantityList":[{"epcClass":"urn:x:1"}],"outputQuantityList":[{"epcClass":"urn:x:1"}],
		"persistentDisposition":{"set":["active"]},"transformationID":"urn:x:1",` + commonFields + `}`},
	{"association event", `{"type":"AssociationEvent","action":"DELETE","childEPCs":["urn:x:1"],
		"childQuantityList":[{"epcClass":"urn:x:1"}],"parentID":"urn:x:1",` + commonFields + `}`},
}

// variants yields a value with one change at a time in one of its parts, whose pointer is at.
func variants(v canonical.Value, at string, yield func(change string, changed canonical.Value)) {
	yield("null "+at, canonical.Value{})
	switch v.Kind {
	case canonical.Array:
		yield("empty "+at, canonical.Arr())
		if len(v.Items) > 0 {
			yield("twice "+at, canonical.Arr(v.Items[0], v.Items[0]))
		}
		for i := range v.Items {
			variants(v.Items[i], fmt.Sprint(at, "/", i), func(change string, changed canonical.Value) {
				items := slices.Clone(v.Items)
				items[i] = changed
				yield(change, canonical.Arr(items...))
			})
		}
	case canonical.Object:
		for _, name := range []string{"own", "ex:own"} {
			yield("add "+name+" to "+at, v.With(name, canonical.Str("a")))
		}
		for _, m := range v.Members {
			yield("remove "+at+"/"+m.Name, v.Without(m.Name))
			variants(m.Value, at+"/"+m.Name, func(change string, changed canonical.Value) { yield(change, v.With(m.Name, changed)) })
		}
	}
}

// problemsOf lists the problems of a document or an event.
func problemsOf(v canonical.Value) []Problem {
	if kind := text(&v, "type"); strings.HasSuffix(kind, "Document") {
		_, problems := Document(v)
		return problems
	}
	_, problems := Decode(v, canonical.Value{})
	return problems
}

// TestEveryMemberIsDemandedAsItIsDefined changes the fullest documents and events, one member at a time. A change that is
// not in the golden file is allowed.
func TestEveryMemberIsDemandedAsItIsDefined(t *testing.T) {
	var got strings.Builder
	reported := map[string]bool{}
	for _, f := range fullest {
		v := *object(t, f.text)
		require.Empty(t, problemsOf(v), f.noun)
		variants(v, "", func(change string, changed canonical.Value) {
			for _, p := range problemsOf(changed) {
				// The events have most fields in common.
				line := fmt.Sprintf("%s: %s %s: %s\n", change, p.Code, p.Pointer, p.Detail)
				if !reported[line] {
					reported[line] = true
					fmt.Fprintf(&got, "%s, %s", f.noun, line)
				}
			}
		})
	}
	const golden = "testdata/shapes.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String())
}
