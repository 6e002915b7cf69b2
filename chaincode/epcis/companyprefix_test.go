package epcis_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

func TestAKeyBeginsWithItsCompanyPrefix(t *testing.T) {
	for uri, digits := range map[string]string{
		"urn:epc:id:sgtin:9520051.101201.7":              "9520051" + "01201",
		"urn:epc:class:lgtin:9520051.101201.A":           "9520051" + "01201",
		"https://example.com/gtin/614141073467":          "061414107346", // UPC-A, padded to 14 digits
		"urn:epc:id:sscc:9520051.1234567890":             "9520051" + "234567890",
		"urn:epc:id:sgln:9520051.00001.0":                "9520051" + "00001",
		"urn:epc:id:sgln:9520051.00001.dock":             "9520051" + "00001",
		"urn:epc:id:pgln:9520051.00001":                  "9520051" + "00001",
		"urn:epc:id:grai:9520051.12345.400":              "9520051" + "12345",
		"urn:epc:id:giai:9520051.12345400":               "9520051" + "12345400",
		"urn:epc:id:giai:9520051.A12":                    "9520051",
		"urn:epc:id:gdti:9520051.00001.42":               "9520051" + "00001",
		"urn:epc:id:gsrn:9520051.1234567890":             "9520051" + "1234567890",
		"urn:epc:id:itip:9520051.101201.01.02.7":         "9520051" + "01201",
		"urn:epc:id:cpi:9520051.5PQ7.123":                "9520051" + "5",
		"https://id.gs1.org/01/09520051012017/10/A/21/B": "952005101201",
		"https://example.com/crate/7":                    "",
		"https://id.gs1.org/01/0952":                     "",
		"https://id.gs1.org/77/09520051012017":           "",
		"urn:uuid:6e0b2a3e-1f0a-4a52-9d5c-0a1f5f7d2b11":  "",
		"https://id.gs1.org/00/x":                        "",
		"https://id.gs1.org/8004/A1":                     "",
		"https://id.gs1.org/01/0952005101201X":           "",
	} {
		assert.Equal(t, digits, epcis.CompanyDigits(epcis.Thing(uri)), uri)
	}
	assert.Equal(t, []string{"9520", "95200", "952005", "9520051", "95200510", "952005101", "9520051012", "95200510120", "952005101201"},
		epcis.CompanyPrefixes("https://id.gs1.org/01/09520051012017/10/A"))
	assert.Equal(t, []string{"9520", "95200", "952005", "9520051"}, epcis.CompanyPrefixes("https://id.gs1.org/8004/9520051A12"))
	assert.Empty(t, epcis.CompanyPrefixes("https://example.com/crate/7"))
	for text, ok := range map[string]bool{"9520": true, "952005101201": true, "952": false, "9520051012017": false, "95x0": false, "": false} {
		assert.Equal(t, ok, epcis.IsCompanyPrefix(text), text)
	}
}

func TestWhatAnEventDoesToThings(t *testing.T) {
	const item, crate = "https://id.gs1.org/01/09521321000018/21/7", "https://id.gs1.org/00/095200511234567894"
	for name, c := range map[string]struct {
		event           string
		makes, receives bool // of the item, or of the crate if it is the parent
	}{
		"commissioning":      {`"type":"ObjectEvent","action":"ADD","bizStep":"commissioning","epcList":["` + item + `"]`, true, false},
		"an addition":        {`"type":"ObjectEvent","action":"ADD","epcList":["` + item + `"]`, true, false},
		"an observation":     {`"type":"ObjectEvent","action":"OBSERVE","bizStep":"commissioning","epcList":["` + item + `"]`, false, false},
		"receiving":          {`"type":"ObjectEvent","action":"OBSERVE","bizStep":"receiving","epcList":["` + item + `"]`, false, true},
		"accepting":          {`"type":"ObjectEvent","action":"OBSERVE","bizStep":"cbv:BizStep-accepting","epcList":["` + item + `"]`, false, true},
		"an output":          {`"type":"TransformationEvent","outputEPCList":["` + item + `"],"inputEPCList":["urn:epc:id:sgtin:9521321.000001.8"]`, true, false},
		"an input":           {`"type":"TransformationEvent","inputEPCList":["` + item + `"],"outputEPCList":["urn:epc:id:sgtin:9521321.000001.8"]`, false, true},
		"packing into it":    {`"type":"AggregationEvent","action":"ADD","parentID":"` + crate + `","childEPCs":["urn:epc:id:sgtin:9521321.000001.8"]`, true, false},
		"packing it":         {`"type":"AggregationEvent","action":"ADD","parentID":"urn:epc:id:sscc:9521321.0000000001","childEPCs":["` + item + `"]`, false, false},
		"unpacking it":       {`"type":"AggregationEvent","action":"DELETE","parentID":"` + crate + `","childEPCs":["urn:epc:id:sgtin:9521321.000001.8"]`, false, false},
		"fixing a sensor":    {`"type":"AssociationEvent","action":"ADD","parentID":"` + crate + `","childEPCs":["urn:epc:id:giai:9521321.8"]`, false, false},
		"a transaction":      {`"type":"TransactionEvent","action":"ADD","bizTransactionList":[{"bizTransaction":"urn:uuid:6e0b2a3e-1f0a-4a52-9d5c-0a1f5f7d2b11"}],"epcList":["` + item + `"]`, false, false},
		"a declared mistake": {`"type":"ObjectEvent","action":"ADD","bizStep":"receiving","eventID":"urn:uuid:6e0b2a3e-1f0a-4a52-9d5c-0a1f5f7d2b11","errorDeclaration":{"declarationTime":"2026-03-02T06:00:00Z"},"epcList":["` + item + `"]`, false, false},
	} {
		v, err := canonical.Parse([]byte(`{"eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+01:00",`+c.event+`}`), canonical.Limits{})
		require.NoError(t, err, name)
		e, problems := epcis.Decode(v, canonical.Str(epcis.StandardContext))
		require.Empty(t, problems, name)
		made, taken := false, false
		for i := range e.Mentions {
			if uri := e.Mentions[i].URI; uri == item || uri == crate {
				made, taken = made || e.Makes(e.Mentions[i].Field), taken || e.Takes(e.Mentions[i].Field)
			}
		}
		assert.Equal(t, c.makes, made, name)
		assert.Equal(t, c.receives, taken, name)
	}
	assert.True(t, epcis.IsShipping("https://ref.gs1.org/cbv/BizStep-shipping"))
	assert.False(t, epcis.IsShipping("https://ref.gs1.org/cbv/BizStep-receiving"))
}
