package epcis

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatAnIdentifierOfASchemeIsMadeOf(t *testing.T) {
	const prefix = "a company prefix of 6 to 12 digits and a reference, with "
	for scheme, want := range map[string]string{
		"sscc":  "17 digits together",
		"sgtin": "13 digits together, and a serial number of at most 20 characters of GS1's set",
		"upui":  "13 digits together, and a serial number of at most 28 characters of GS1's set",
		"grai":  "12 digits together, and a serial number of at most 16 characters of GS1's set",
		"giai":  "at most 30 characters together",
		"itip": "13 digits together, the numbers of the piece and of all pieces with 2 digits each, " +
			"and a serial number of at most 20 characters of GS1's set",
		"cpi":  "at most 30 characters together, and a serial number of at most 12 digits",
		"sgcn": "12 digits together, and a serial number of at most 12 digits",
		"gsrn": "17 digits together",
	} {
		assert.Equal(t, "after "+scheme+" there must be "+prefix+want, Misread("urn:epc:id:"+scheme+":1"))
	}
}

func TestMisreadIdentifiersAtTheEdges(t *testing.T) {
	const host, shop, gtin = "https://id.gs1.org/", "https://shop.example/", "01/09521141123454"
	lot := strings.Repeat("L", longestLot)
	for uri, want := range map[string]string{
		" urn:epc:id:sscc:9521141.0000000017\n":            "",
		" urn:epc:id:x:1\n":                                "EPC has no scheme \"x\"",
		"URN:EPC:":                                         "",
		"URN:EPC:x":                                        "it begins with URN:EPC:, and an EPC URN begins with urn:epc: in small letters",
		"https:///" + gtin:                                 "a host is missing between // and the path",
		"http:///" + gtin:                                  "a host is missing between // and the path",
		"ftp:///" + gtin:                                   "",
		host + gtin + "/22/A/10/L/21/S":                    "",
		host + "10/" + gtin:                                `the qualifier "10" stands there without its value`,
		shop + "shop/" + gtin:                              "",
		shop + "shop/en/10/" + gtin:                        `the qualifier "10" stands there without its value`,
		shop + "10/L/" + gtin:                              `the qualifier "10" stands before the key "01"; qualifiers come after it`,
		shop + gtin + "?10=" + lot + "#part":               "",
		shop + gtin + "?lot=" + lot + "L":                  "the lot in its query has 21 characters, and may have 20 at most",
		shop + gtin + "?21=" + lot + "L":                   "the serial number in its query has 21 characters, and may have 20 at most",
		shop + gtin + "?ser=" + lot + "L":                  "the serial number in its query has 21 characters, and may have 20 at most",
		shop + gtin + "?21=" + lot[1:] + "^":               "the serial number in its query has a character that GS1 doesn't allow there",
		shop + "a/gtin":                                    "",
		shop + "01/12345":                                  "",
		host + "8004/" + lot + "12345678901":               `"` + lot + `12345678901" is no individual asset (GIAI): that has at most 30 characters of GS1's set`,
		host + gtin + "/22/A/10/" + lot + "L":              `the value of the qualifier "10" has 21 characters, and may have 20 at most`,
		host + gtin + "/10/A/10/B":                         `the qualifier "10" stands in the wrong place; the order is variant (22), lot (10), serial number (21)`,
		host + gtin + "/235/A/10":                          `the qualifier "235" stands alone, without others`,
		host + "8010/9521141AB/8011/" + "123456789012/x/y": `"x" is no qualifier of a component (CPID); attributes such as a date or a weight belong in the query of a link`,
	} {
		assert.Equal(t, want, Misread(uri), uri)
	}
}

func TestWhichCheckDigitsAreWrong(t *testing.T) {
	for thing, want := range map[string]string{
		"01/09521141123454": "", "01/09521141123453": "4", "01/09521141123453/21/S": "4", "8004/9521141A": "", "x/1": "",
		"8006/095211411234530102/21/S": "4", "414/9521141000015/254/7": "4",
	} {
		should, wrong := WrongCheckDigit(digitalLink + thing)
		assert.Equal(t, want != "", wrong, thing)
		if wrong {
			assert.Equal(t, want, string(should), thing)
		}
	}
}
