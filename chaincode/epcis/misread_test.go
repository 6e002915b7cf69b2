package epcis

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAnIdentifierThatIsMisreadSaysWhy(t *testing.T) {
	const link = "https://id.gs1.org/01/09520001200014"
	for name, c := range map[string]struct{ uri, why string }{
		"a lot that is too long":            {link + "/10/" + strings.Repeat("L", 21), `"10" has 21 characters, and may have 20`},
		"a serial that is too long":         {link + "/10/A/21/" + strings.Repeat("9", 22), `"21" has 22 characters`},
		"a character that isn't allowed":    {link + "/10/A%20B", `character that GS1 doesn't allow`},
		"an unknown application identifier": {link + "/3103/000750", `"3103" is no qualifier of a GTIN`},
		"one after a lot":                   {link + "/10/A/17/261231", `"17" is no qualifier`},
		"the serial before the lot":         {link + "/21/S/10/L", `"10" stands in the wrong place`},
		"the lot before the key":            {"https://id.gs1.org/10/L/01/09520001200014", `"10" stands before the key "01"`},
		"on another host, too":              {"https://shop.example/10/L/gtin/09520001200014", `"10" stands before the key "gtin"`},
		"a qualifier without a value":       {link + "/10/", `"10" has no value`},
		"a slash at the end":                {link + "/", "a slash stands at its end"},
		"two keys":                          {link + "/414/9520001000010", `two keys, "01" and "414"`},
		"a GTIN that is too short":          {"https://id.gs1.org/01/952000120", `is no GTIN: that has 14 digits`},
		"a GTIN that is too long":           {"https://id.gs1.org/01/095200012000144/10/L", "is no GTIN"},
		"an SSCC that is too short":         {"https://id.gs1.org/00/09520001200014", "is no SSCC: that has 18 digits"},
		"an unknown key":                    {"https://id.gs1.org/99/1", "begins with no key"},
		"too long a lot in the query":       {link + "?10=" + strings.Repeat("L", 21), "lot in its query has 21 characters"},
		"no host":                           {"https:///01/09520001200014/10/L", "a host is missing"},
		"a URN in capitals":                 {"URN:EPC:ID:SGTIN:9520001.012345.7", "begins with URN:EPC:, and an EPC URN begins with urn:epc:"},
		"a URN that is half in capitals":    {"urn:EPC:class:lgtin:9520001.012345.L", "in small letters"},
		"a short URN":                       {"urn:epc:id:sgtin:9520001.01234.7", "after sgtin"},
		"a URN of a long serial":            {"urn:epc:id:sgtin:9520001.012345." + strings.Repeat("7", 21), "serial number of at most 20"},
		"a URN of an unknown scheme":        {"urn:epc:id:sgtn:9520001.012345.7", `no scheme "sgtn"`},
		"a URN of a tag":                    {"urn:epc:tag:sgtin-96:3.9520001.012345.7", "urn:epc:tag names no thing"},
		"a pattern for several classes":     {"urn:epc:idpat:sgtin:9520001.*.*", "a pattern names things only if"},
		"a lot in a URN that is too long":   {"urn:epc:class:lgtin:9520001.012345." + strings.Repeat("7", 21), "after lgtin"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Contains(t, Misread(c.uri), c.why)
		})
	}
}

func TestWhatIsReadAsItIsMeantIsNotMisread(t *testing.T) {
	for _, uri := range []string{
		"https://id.gs1.org/01/09520001200014", "https://id.gs1.org/01/09520001200014/10/L/21/S", "urn:epc:id:sgtin:9520001.012345.7",
		"https://id.gs1.org/01/09520001200014/22/V/10/L?17=261231", "https://shop.example/a/b/gtin/9520001200014/lot/L",
		"urn:epc:id:gid:9520001.1.1", "urn:epc:idpat:sgtin:9520001.012345.*", "urn:epc:class:lgtin:9520001.012345.L",
		"https://shop.example/01/about", "https://shop.example/orders/10/7", "urn:uuid:5b1e", "tag:x", "https://example.com/", "", "https:///a/b", "urn:epcglobal:cbv:bt:1:2", "URN:EPCglobal:x",
		"https://id.gs1.org/8004/9520001ABC", "https://id.gs1.org/414/9520001000010/254/12", "https://id.gs1.org/01/09520001200014?10=L&21=S",
	} {
		assert.Empty(t, Misread(uri), uri)
	}
}
