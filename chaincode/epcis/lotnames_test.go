package epcis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

func TestHowLongTheNameOfALotMayBe(t *testing.T) {
	lot := func(n int) string { return "lot" + strings.Repeat("_", n-len("lot")) }
	assert.True(t, namesLot("x:"+lot(longestName)))
	assert.False(t, namesLot("x:"+lot(longestName+1)))
	assert.True(t, namesLot("x:BATCH"))
	assert.True(t, namesLot("x:batche"))
	last := func(n int) string { return strings.Repeat("a", n-len("Lot")) + "Lot" }
	assert.True(t, endsAsLot("x:"+last(longestName)))
	assert.False(t, endsAsLot("x:"+last(longestName+1)))
	assert.True(t, endsAsLot("x:aLotNumber"))
}

func TestAThingIsOfALotOnce(t *testing.T) {
	const link, other = digitalLink + "01/09521141123454/10/L/21/S", digitalLink + "01/09521141123454/10/L/21/T"
	e := eventWith(t, "TransactionEvent", `"action":"ADD","bizTransactionList":[{"bizTransaction":"urn:x:1"}],"epcList":["`+
		link+`","`+other+`","`+link+`"],"recordTime":"2026-03-01T09:00:00Z"`)
	assert.Equal(t, []OfLot{
		{digitalLink + "01/09521141123454/10/L", digitalLink + "01/09521141123454/21/S", "epcList"},
		{digitalLink + "01/09521141123454/10/L", digitalLink + "01/09521141123454/21/T", "epcList"},
	}, e.OfLots)
	assert.Equal(t, "2026-03-01T09:00:00Z", e.RecordTime)
	e = eventWith(t, "ObjectEvent", `"action":"ADD","epcList":["`+digitalLink+`01/09521141123454/21/S?10=L#lot"]`)
	assert.Equal(t, []OfLot{{digitalLink + "01/09521141123454/10/L", digitalLink + "01/09521141123454/21/S", "epcList"}}, e.OfLots)
	e = eventWith(t, "AggregationEvent", `"action":"DELETE","parentID":"urn:epc:id:sscc:9521141.0000000017"`)
	assert.Equal(t, []Mention{{Field: "parentID", URI: digitalLink + "00/095211410000000175", Original: "urn:epc:id:sscc:9521141.0000000017"}}, e.Mentions)

	almost := make([]OfLot, mostOfLots-1)
	two := []Mention{{URI: "urn:x:1", Field: "epcList"}, {URI: "urn:x:2", Field: "epcList"}}
	assert.Len(t, appendOfLot(almost, two, func(string) string { return "urn:x:lot" }), mostOfLots)
}

func TestALotBeyondTheBoundsHasItsPlace(t *testing.T) {
	nest := func(before string, n int, inner, after string) string {
		return strings.Repeat(before, n) + inner + strings.Repeat(after, n)
	}
	const a, b = `{"ex:lot":"A"}`, `["A"]`
	for name, c := range map[string]struct{ event, pointer string }{
		"in objects":              {`{"ilmd":{"ex:a":{"ex:b":1},"ex:c":` + nest(`{"ex:d":`, deepestLot, a, "}") + `}}`, "/ilmd/ex:c" + strings.Repeat("/ex:d", deepestLot) + "/ex:lot"},
		"in arrays":               {`{"ilmd":{"ex:a":[[1],[2]],"ex:c":` + nest("[1,", deepestLot, a, "]") + `}}`, "/ilmd/ex:c" + strings.Repeat("/1", deepestLot) + "/ex:lot"},
		"in as many arrays":       {`{"ilmd":{"ex:c":` + nest("[", deepestLot-1, a, "]") + `}}`, ""},
		"in the lot":              {`{"ilmd":{"ex:lot":["B",` + nest("[", deepestLot, `"A"`, "]") + `]}}`, "/ilmd/ex:lot/1" + strings.Repeat("/0", deepestLot)},
		"in the lot, not so deep": {`{"ilmd":{"ex:lot":` + nest("[", deepestLot, `"A"`, "]") + `}}`, ""},
		"behind another value":    {`{"ilmd":{"ex:lot":[{"@value":"B"},` + nest("[", deepestLot, `"A"`, "]") + `]}}`, "/ilmd/ex:lot/1" + strings.Repeat("/0", deepestLot)},
		"in the value of the lot": {`{"ilmd":{"ex:lot":` + nest(`{"@value":`, deepestLot+1, `"A"`, "}") + `}}`, "/ilmd/ex:lot" + strings.Repeat("/@value", deepestLot+1)},
		"and not so deep":         {`{"ilmd":{"ex:lot":` + nest(`{"@value":`, deepestLot, `"A"`, "}") + `}}`, ""},
		"in a lot of the event":   {`{"ex:lot":` + nest("[", deepestLot+1, `"A"`, "]") + `}`, "/ex:lot" + strings.Repeat("/0", deepestLot+1)},
		"not so deep there":       {`{"ex:lot":` + nest("[", deepestLot, `"A"`, "]") + `}`, ""},
	} {
		found := BeyondLots(object(t, c.event))
		if c.pointer == "" {
			assert.Empty(t, found, name)
			continue
		}
		require.Len(t, found, 1, name)
		assert.Equal(t, Problem{CodeTooMany, c.pointer, "a lot is named more than 8 levels deep; name it further up"}, found[0], name)
	}

	event := object(t, `{"ex:lot":`+nest("[", deepestLot, `"A"`, "]")+`}`)
	assert.Equal(t, []string{"A"}, lotsNamed(event), "it isn't beyond the bounds, so it is read")

	// With so many things, as many lots as may be named are just as many as may be joined.
	things := strings.TrimPrefix(strings.Repeat(`,"x:1"`, mostOfLots/mostLots), ",")
	lots := make([]canonical.Value, mostLots)
	for i := range lots {
		lots[i] = canonical.Str(fmt.Sprint("L", i))
	}
	all := object(t, `{"epcList":[`+things+`]}`).With("ex:lot", canonical.Arr(lots...))
	assert.Empty(t, BeyondLots(&all))
	all = all.With("parentID", canonical.Str("x:2"))
	if found := BeyondLots(&all); assert.Len(t, found, 1) {
		assert.Contains(t, found[0].Detail, "an event may join 262144 things to lots at most")
	}
}

func TestLotsThatAreNotReadHaveTheirPlaces(t *testing.T) {
	nest := func(n int) string {
		return strings.Repeat(`{"ex:d":`, n) + `{"ex:supplierLot":"A"}` + strings.Repeat("}", n)
	}
	for name, c := range map[string]struct {
		event string
		want  []string
	}{
		"in extensions": {`{"ex:a":{"ex:lot":"A","ex:b":[{"ex:lot":"B"},{"ex:lot":"C"}],"ex:supplierLot":"D"},"ex:b":{"ex:lot":"E"},"ex:lot":"F"}`,
			[]string{"/ex:a/ex:b/0/ex:lot", "/ex:a/ex:b/1/ex:lot", "/ex:a/ex:lot", "/ex:a/ex:supplierLot", "/ex:b/ex:lot"}},
		"behind the ilmd": {`{"ilmd":{"ex:supplierLot":"A"},"x:a":{"x:lot":"B"}}`, []string{"/ilmd/ex:supplierLot", "/x:a/x:lot"}},
		"in the ilmd":     {`{"ilmd":{"ex:a":{"ex:lot":"A"},"ex:supplierLot":"B"},"lot":"C"}`, []string{"/ilmd/ex:supplierLot"}},
		"deep":            {`{"ex:d":` + nest(deepestLot-1) + `}`, []string{strings.Repeat("/ex:d", deepestLot) + "/ex:supplierLot"}},
		"deeper":          {`{"ex:d":` + nest(deepestLot) + `}`, nil},
		"deep ilmd":       {`{"ilmd":` + nest(deepestLot) + `}`, []string{"/ilmd" + strings.Repeat("/ex:d", deepestLot) + "/ex:supplierLot"}},
		"deeper ilmd":     {`{"ilmd":` + nest(deepestLot+1) + `}`, nil},
		"deep lists":      {`{"ilmd":` + strings.Repeat("[", deepestLot) + `{"ex:supplierLot":"A"}` + strings.Repeat("]", deepestLot) + `}`, []string{"/ilmd" + strings.Repeat("/0", deepestLot) + "/ex:supplierLot"}},
		"deeper lists":    {`{"ilmd":` + strings.Repeat("[", deepestLot+1) + `{"ex:supplierLot":"A"}` + strings.Repeat("]", deepestLot+1) + `}`, nil},
	} {
		var found []string
		unreadLots(object(t, c.event), func(pointer string) { found = append(found, pointer) })
		assert.Equal(t, c.want, found, name)
	}
}
