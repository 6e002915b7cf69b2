package epcis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

func object(t *testing.T, text string) *canonical.Value {
	t.Helper()
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	require.NoError(t, err, text)
	return &v
}

func TestEachMemberOfAnEventIsLookedAt(t *testing.T) {
	const typo, right = `"https://id.gs1.org/01/09520001200015/21/1"`, `"https://id.gs1.org/01/09520001200014/21/1"`
	const place, wrongPlace = `"https://id.gs1.org/414/9520001000010"`, `"https://id.gs1.org/414/9520001000011"`
	for name, c := range map[string]struct{ event, code, pointer string }{
		"an item":             {`{"epcList":[` + right + `,` + typo + `]}`, CodeWrongCheckDigit, "/epcList/1"},
		"a child":             {`{"childEPCs":[` + typo + `]}`, CodeWrongCheckDigit, "/childEPCs/0"},
		"an input":            {`{"inputEPCList":[` + typo + `]}`, CodeWrongCheckDigit, "/inputEPCList/0"},
		"an output":           {`{"outputEPCList":[` + typo + `]}`, CodeWrongCheckDigit, "/outputEPCList/0"},
		"a parent":            {`{"parentID":"https://id.gs1.org/00/095200010000000011"}`, CodeWrongCheckDigit, "/parentID"},
		"a class":             {`{"childQuantityList":[{"epcClass":` + typo + `}]}`, CodeWrongCheckDigit, "/childQuantityList/0/epcClass"},
		"a place":             {`{"readPoint":{"id":` + wrongPlace + `}}`, CodeWrongCheckDigit, "/readPoint/id"},
		"a business location": {`{"bizLocation":{"id":` + wrongPlace + `}}`, CodeWrongCheckDigit, "/bizLocation/id"},
		"a source":            {`{"sourceList":[{"source":` + wrongPlace + `}]}`, CodeWrongCheckDigit, "/sourceList/0/source"},
		"a destination":       {`{"destinationList":[{"destination":` + wrongPlace + `}]}`, CodeWrongCheckDigit, "/destinationList/0/destination"},
		"a key of no such form": {`{"inputQuantityList":[{"epcClass":"https://id.gs1.org/01/09520001200014/10/` +
			strings.Repeat("L", 21) + `"}]}`, CodeNotAKey, "/inputQuantityList/0/epcClass"},
		"a key behind another": {`{"epcList":["https://id.gs1.org/01/09520001200014/414/9520001000010"]}`, CodeNotAKey, "/epcList/0"},
		"a unit":               {`{"outputQuantityList":[{"epcClass":` + right + `,"uom":"KGG"}]}`, CodeUnknownUnit, "/outputQuantityList/0/uom"},
		"a quantity":           {`{"quantityList":[{"epcClass":` + right + `,"quantity":-0.5}]}`, CodeNegative, "/quantityList/0/quantity"},
		"a sensor's unit": {`{"sensorElementList":[{"sensorReport":[{"uom":"CEL"},{"uom":"C"}]}]}`, CodeUnknownUnit,
			"/sensorElementList/0/sensorReport/1/uom"},
		"a lot in the ilmd": {`{"ilmd":{"ex:more":[{"cbvmda:lotNumber":"` + strings.Repeat("L", 21) + `"}]}}`, CodeNotALot,
			"/ilmd/ex:more/0/cbvmda:lotNumber"},
		"a lot inside of an extension": {`{"ex:kde":[{"ex:lotNumber":"A"}]}`, CodeLotNotJoined, "/ex:kde/0/ex:lotNumber"},
		"a supplier's lot":             {`{"ilmd":{"ex:supplierLotNumber":"A"}}`, CodeLotNotJoined, "/ilmd/ex:supplierLotNumber"},
		"a lot used":                   {`{"ex:input_batch_id":7}`, CodeLotNotJoined, "/ex:input_batch_id"},
		"a lot in an extension":        {`{"ex:lotNumber":["A","Ü"]}`, CodeNotALot, "/ex:lotNumber/1"},
	} {
		t.Run(name, func(t *testing.T) {
			found := Warnings(object(t, c.event), 9)
			require.Len(t, found, 1)
			assert.Equal(t, [2]string{c.code, c.pointer}, [2]string{found[0].Code, found[0].Pointer})
			assert.NotEmpty(t, found[0].Detail)
		})
	}
	assert.Empty(t, Warnings(object(t, `{"epcList":[`+right+`],"readPoint":{"id":`+place+`},"ilmd":{"cbvmda:lotNumber":"L-1%","ex:lotSize":9,
		"ex:pilotId":"A","ex:inputLot":{}},"ex:allotment":"A",
		"quantityList":[{"epcClass":"urn:epc:class:lgtin:9520001.012345.L","quantity":1,"uom":"KGM"}]}`), 9))
	assert.Len(t, Warnings(object(t, `{"epcList":[`+typo+`,`+typo+`,`+typo+`]}`), 2), 2, "they are bounded")
}

func TestLotsBeyondTheBoundsAreNotLeftOutInSilence(t *testing.T) {
	lots := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`"L%d"`, i), `"L0"`)
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	deep := func(n int) string {
		return strings.Repeat(`{"ex:in":`, n) + `{"ex:lot":"A"}` + strings.Repeat("}", n)
	}
	items := strings.Repeat(`"x:1",`, mostOfLots/mostLots) + `"x:1"`
	for name, c := range map[string]struct{ event, pointer string }{
		"as many lots as may be":   {`{"ilmd":{"ex:lot":` + lots(mostLots) + `}}`, ""},
		"one lot more":             {`{"ilmd":{"ex:lot":` + lots(mostLots+1) + `}}`, fmt.Sprintf("/ilmd/ex:lot/%d", 2*mostLots)},
		"in two members":           {`{"ilmd":{"ex:lot":` + lots(mostLots) + `},"ex:lotCode":"M"}`, "/ilmd/ex:lot/126"},
		"as deep as may be":        {`{"ilmd":` + deep(deepestLot) + `}`, ""},
		"deeper":                   {`{"ilmd":` + deep(deepestLot+1) + `}`, "/ilmd" + strings.Repeat("/ex:in", deepestLot+1) + "/ex:lot"},
		"too many things and lots": {`{"epcList":[` + items + `],"ilmd":{"ex:lot":` + lots(mostLots) + `}}`, "/ilmd/ex:lot/126"},
		"no lots":                  {`{"ilmd":{"ex:colour":"red"}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			found := BeyondLots(object(t, c.event))
			if c.pointer == "" {
				assert.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			assert.Equal(t, CodeTooMany, found[0].Code)
			assert.Equal(t, c.pointer, found[0].Pointer)
		})
	}
}
