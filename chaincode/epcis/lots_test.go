package epcis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// eventWith decodes an event from the fields that follow its type and times.
func eventWith(t *testing.T, kind, rest string) *Event {
	t.Helper()
	text := fmt.Sprintf(`{"@context":[%q,{"ex":"https://ns.example.com/x/"}],"type":%q,"eventTime":"2026-03-01T08:00:00Z",`+
		`"eventTimeZoneOffset":"+00:00",%s}`, StandardContext, kind, rest)
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	require.NoError(t, err, text)
	e, problems := Decode(v, canonical.Value{})
	require.Empty(t, problems, text)
	return e
}

func TestAnItemIsJoinedToTheLotThatItsLinkNames(t *testing.T) {
	const lot, item = digitalLink + "01/09521141123454/10/L-1", digitalLink + "01/09521141123454/21/S1"
	for _, link := range []string{
		"https://id.gs1.org/01/09521141123454/10/L-1/21/S1",
		"https://id.gs1.org/01/9521141123454/10/L-1/21/S1",
		"https://id.gs1.org/01/09521141123454/22/2A/10/L-1/21/S1",
		"http://shop.example.com/some/path/01/09521141123454/10/L-1/21/S1?17=271231&3103=000195#top",
		"https://example.com/gtin/9521141123454/lot/L%2D1/ser/S1",
		"https://id.gs1.org/01/09521141123454/21/S1?10=L-1",
		"https://id.gs1.org/01/09521141123454/21/S1?17=271231&lot=L-1&linkType=all",
		"https://id.gs1.org/01/09521141123454/10/L-1?21=S1",
		"https://id.gs1.org/01/09521141123454?10=L-1&21=S1",
	} {
		e := eventWith(t, "ObjectEvent", fmt.Sprintf(`"action":"OBSERVE","epcList":[%q]`, link))
		require.Equal(t, []OfLot{{lot, item, "epcList"}}, e.OfLots, link)
		require.True(t, e.OfLots[0].IsItem())
	}
	for _, link := range []string{
		"https://id.gs1.org/01/09521141123454/21/S1",
		"https://id.gs1.org/01/09521141123454/21/10",
		"https://id.gs1.org/01/09521141123454/10/L-1",
		"https://id.gs1.org/01/09521141123454/21/S1?17=271231#10=L-1",
		"https://id.gs1.org/01/09521141123454/21/S1?10=" + strings.Repeat("L", 21),
		"https://id.gs1.org/414/9521141000014/254/10?10=L-1",
		"urn:epc:id:sgtin:9521141.012345.S1",
	} {
		require.Empty(t, eventWith(t, "ObjectEvent", fmt.Sprintf(`"action":"OBSERVE","epcList":[%q]`, link)).OfLots, link)
	}
	for text, lot := range map[string]string{
		"/10/21/21/S":   "01/09521141123454/10/21",
		"/10/L/21/21":   "01/09521141123454/10/L",
		"/10/10/21/10":  "01/09521141123454/10/10",
		"/10/ser/21/S1": "01/09521141123454/10/ser",
	} {
		e := eventWith(t, "ObjectEvent", fmt.Sprintf(`"action":"OBSERVE","epcList":["https://id.gs1.org/01/09521141123454%s"]`, text))
		require.Len(t, e.OfLots, 1, text)
		require.Equal(t, digitalLink+lot, e.OfLots[0].Lot, text)
	}
}

func TestAnItemIsJoinedToTheLotThatTheEventNames(t *testing.T) {
	const lot, item, class = "01/09521141123454/10/L-1", "01/09521141123454/21/S1", "01/09521141123454"
	items := `"action":"ADD","epcList":["urn:epc:id:sgtin:9521141.012345.S1","urn:epc:id:sscc:9521141.0000000001"]`
	for _, rest := range []string{
		`"ilmd":{"cbvmda:lotNumber":"L-1"}`,
		`"ilmd":{"cbvmda:lotNumber":" L-1 ","cbvmda:itemExpirationDate":"2027-10-01"}`,
		`"ilmd":{"gs1:hasBatchLotNumber":"L-1"}`,
		`"ilmd":{"ex:product":{"ex:batch-number":{"@value":"L-1"}}}`,
		`"ilmd":{"ex:details":[{"ex:Batch_No":"L-1"}]}`,
		`"ilmd":{"https://ns.example.com/x/lotNumber":["L-1"]}`,
		`"ilmd":{"gs1:hasBatchLotNumber":{"@set":["L-1"]}}`,
		`"ilmd":{"ex:lotNumbers":{"@list":["L-1"]}}`,
		`"ilmd":{"ex:batches":["L-1"]}`,
		`"ilmd":{"ex:lotIdentifier":"L-1"}`,
		`"ilmd":{"ex:productionLotNumber":"L-1"}`,
		`"ex:newTraceabilityLotCode":"L-1"`,
		`"ex:lotNumber":"L-1"`,
		`"cbvmda:lotNumber":"L-1"`,
		`"ex:traceabilityLotCode":"L-1"`,
	} {
		require.Equal(t, []OfLot{{digitalLink + lot, digitalLink + item, "epcList"}}, eventWith(t, "ObjectEvent", items+","+rest).OfLots, rest)
	}
	require.Equal(t, []OfLot{
		{digitalLink + "01/09521141123454/10/A", digitalLink + item, "epcList"},
		{digitalLink + "01/09521141123454/10/17", digitalLink + item, "epcList"},
		{digitalLink + "01/09521141123454/10/50%25", digitalLink + item, "epcList"},
	}, eventWith(t, "ObjectEvent", items+`,"ilmd":{"ex:lot":["A",17,"50%"]}`).OfLots)
	for _, rest := range []string{`"ex:allotment":"L-1"`, `"ilmd":{"ex:lotNumber":{}}`, `"ilmd":{"ex:lotNumber":"Lachs, geräuchert"}`,
		`"ex:note":{"ex:lotNumber":"L-1"}`,
		`"ilmd":{"ex:supplierLotNumber":"L-1"}`} {
		require.Empty(t, eventWith(t, "ObjectEvent", items+","+rest).OfLots, rest)
	}

	made := eventWith(t, "TransformationEvent", `"inputEPCList":["urn:epc:id:sgtin:9521141.012345.S9"],
		"outputEPCList":["urn:epc:id:sgtin:9521141.012345.S1"],
		"outputQuantityList":[{"epcClass":"urn:epc:idpat:sgtin:9521141.012345.*"}],"ilmd":{"cbvmda:lotNumber":"L-1"}`)
	require.Equal(t, []OfLot{{digitalLink + lot, digitalLink + item, "outputEPCList"}, {digitalLink + lot, digitalLink + class, "outputQuantityList"}},
		made.OfLots)
	require.True(t, made.OfLots[0].Produced())
	require.False(t, made.OfLots[1].IsItem(), "an amount of the class is no item")

	whole := eventWith(t, "ObjectEvent", items+`,"ex:tlc":"urn:epc:class:lgtin:4012345.012345.998877"`)
	require.Equal(t, []OfLot{
		{digitalLink + "01/04012345123456/10/998877", digitalLink + item, "epcList"},
		{digitalLink + "01/04012345123456/10/998877", digitalLink + "00/095211410000000014", "epcList"},
	}, whole.OfLots)
}

func TestManyLotsOfOneEventAreBounded(t *testing.T) {
	lots := strings.TrimSuffix(strings.Repeat(`"A",`, 500), ",")
	for i := range 400 {
		lots += fmt.Sprintf(`,"L%d"`, i)
	}
	var items []string
	for i := range 50 {
		items = append(items, fmt.Sprintf(`"urn:epc:id:sgtin:9521141.012345.%d"`, i))
	}
	e := eventWith(t, "ObjectEvent", `"action":"ADD","epcList":[`+strings.Join(items, ",")+`],"ilmd":{"ex:lot":[`+lots+`]}`)
	require.Len(t, e.OfLots, 50*mostLots)
}
