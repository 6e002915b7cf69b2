package epcis

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// What an event does decides who may speak for a thing.
func TestDeeds(t *testing.T) {
	const step = "https://ref.gs1.org/cbv/BizStep-"
	for name, want := range map[string]struct{ ships, receives bool }{
		"shipping": {ships: true}, "departing": {ships: true}, "consigning": {ships: true},
		"receiving": {receives: true}, "accepting": {receives: true}, "arriving": {}, "storing": {}, "": {},
	} {
		assert.Equal(t, want.ships, IsShipping(step+name), name)
		assert.Equal(t, want.receives, IsReceiving(step+name), name)
		e := &Event{BizStep: step + name}
		for _, field := range []string{"epcList", "quantityList", "childEPCs", "parentID", "outputEPCList"} {
			assert.Equal(t, want.receives, e.Takes(field), "%s %s", name, field)
		}
		for _, field := range []string{"inputEPCList", "inputQuantityList"} {
			assert.True(t, e.Takes(field), "%s %s", name, field)
			assert.False(t, e.Makes(field), "%s %s", name, field)
		}
		e.ErrorDeclaration = new(ErrorDeclaration)
		assert.False(t, e.Takes("inputEPCList"), "it declares an error")
	}
	made := func(kind, action, field string) bool { return (&Event{Type: kind, Action: action}).Makes(field) }
	for _, field := range []string{"epcList", "quantityList"} {
		assert.True(t, made("ObjectEvent", "ADD", field))
		assert.False(t, made("ObjectEvent", "OBSERVE", field))
		assert.False(t, made("TransactionEvent", "ADD", field))
	}
	for _, field := range []string{"outputEPCList", "outputQuantityList"} {
		assert.True(t, made("TransformationEvent", "", field))
	}
	assert.True(t, made("AggregationEvent", "ADD", "parentID"))
	assert.False(t, made("AggregationEvent", "OBSERVE", "parentID"))
	assert.False(t, made("AssociationEvent", "ADD", "parentID"))
	assert.False(t, made("AggregationEvent", "ADD", "childEPCs"))
	assert.False(t, (&Event{Type: "ObjectEvent", Action: "ADD", ErrorDeclaration: new(ErrorDeclaration)}).Makes("epcList"))
}

func TestTimesAtTheEdges(t *testing.T) {
	const good = "2026-03-01T08:09:10Z"
	for at := range good {
		for _, b := range []string{"x", "/", ":", " ", "-"} {
			if text := good[:at] + b + good[at+1:]; text != good {
				_, ok := parseTime(text)
				assert.False(t, ok, text)
			}
		}
		_, ok := parseTime(good[:at])
		assert.False(t, ok, good[:at])
	}
	for text, want := range map[string]bool{
		good: true, "2026-03-01t08:09:10z": true, "0001-01-01T00:00:00Z": true, "0000-12-31T00:00:00Z": false,
		"0000-12-31T23:59:59-00:01": false,
		"2026-00-01T00:00:00Z":      false, "2026-13-01T00:00:00Z": false, "2026-01-00T00:00:00Z": false, "2026-02-29T00:00:00Z": false,
		"2024-02-29T00:00:00Z": true, "2026-04-31T00:00:00Z": false, "2026-01-01T24:00:00Z": false, "2026-01-01T00:60:00Z": false,
		"2026-01-01T23:59:60Z": false, "2026-01-01T23:59:59Z": true, "0001-01-01T00:00:00+00:01": false, "9999-12-31T23:59:59-00:01": false,
		"9999-12-31T23:59:59.9994Z": true, "9999-12-31T23:59:59.9995Z": false, "2026-01-01T00:00:00.Z": false, "2026-01-01T00:00:00.1": false,
	} {
		_, ok := parseTime(text)
		assert.Equal(t, want, ok, text)
	}
	for text, want := range map[string]time.Duration{
		"Z": 0, "z": 0, "+00:00": 0, "-00:00": 0, "+23:59": 23*time.Hour + 59*time.Minute, "-01:30": -90 * time.Minute,
	} {
		got, ok := parseOffset(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "+", "01:00", " 01:00", "+24:00", "+01:60", "+0100", "+01:000", "+01.00", "+x1:00", "+1x:00", "+01:x0", "+01:0x", "ZZ"} {
		_, ok := parseOffset(text)
		assert.False(t, ok, text)
	}
	for text, want := range map[string]bool{"+14:00": true, "-14:00": true, "+14:01": false, "-14:01": false,
		"Z": false, "z": false, "+1400": false, "+01.00": false, "+24:00": false, "abcdef": false} {
		assert.Equal(t, want, isZoneOffset(text), text)
	}
}

func TestCharactersAtTheEdges(t *testing.T) {
	for b := range 256 {
		at := strings.IndexByte("0123456789abcdef", byte(b))
		if at < 0 {
			at = strings.IndexByte("0123456789ABCDEF", byte(b))
		}
		if at < 0 {
			at = 255
		}
		assert.EqualValues(t, at, unhex(byte(b)), "%q", b)
		assert.Equal(t, b < 0x80 && strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", rune(b)), isLetter(byte(b)), "%q", b)
		assert.Equal(t, b >= '0' && b <= '9', allDigits(string([]byte{'0', byte(b), '9'})), "%q", b)
	}
	for text, want := range map[string]string{
		"a": "a", "%41": "A", "%4a%4A": "JJ", "x%41": "xA", "%4": "%4", "%": "%",
		"%g1": "%g1", "%1g": "%1g", "%%41": "%A", "241": "241", "a%41%": "aA%", "x41%20": "x41 ",
	} {
		assert.Equal(t, want, decoded(text), text)
	}
	for text, want := range map[string]string{
		"": "", "a": "a", " a": "a", "a ": "a", "\u00a0a": "a", "a\u00a0": "a", " \n": "", "a\u2003": "a", "\u2003a": "a", "é": "é", "a b": "a b",
	} {
		assert.Equal(t, want, trim(text), "%q", text)
	}
}

func TestURIsAtTheEdges(t *testing.T) {
	for text, want := range map[string]bool{
		"a:": true, "a+-.9:x": true, "a/b:x": false, "a_b:x": false, "1a:x": false, ":x": false, "x": false,
		"a@b:x": false, "a[b:x": false, "a`b:x": false, "a{b:x": false, "Zz:x": true,
		"h://a/b": true, "h://a?q": true, "h://a#f": true, "h://a#f#g": false, "h://a": true, "h://a:80/": true, "h://a:x/": false,
		"h://u:p@a": true, "h://u/p@a": true, "h://u<@a": false, "h://a<": false, "h://[::1]": true, "h://[::1]:80": true, "h://[::1]x": false, "h://[::1]80": false,
		"h://[1.2.3.4]": false, "h://[::1%25e]": false, "h://[::1": false, "h://[x]": false,
		"a:%41": true, "a:%4": false, "a:%": false, "a:%g1": false, "a:%1g": false, "a:241": true, "a:<": false, "a:é": false,
	} {
		assert.Equal(t, want, isURI(text), text)
	}
}

func TestNamesOfLotNumbersAtTheEdges(t *testing.T) {
	for name, want := range map[string]bool{
		"cbvmda:lotNumber": true, "x:LOTNUMBER": true, "x:lot_number": true, "x:lot-number": true, "x:lot.number": true,
		"https://x.example/#lotNumber": true, "https://x.example/lotNumber": true, "x:lotNumbers": true, "x:lo": false, "x:": false,
		"x:slots": false, "x:production": false, "x:allotment": false, "x:supplierLot": false,
		"x:" + strings.Repeat("l", longestName+1): false,
	} {
		assert.Equal(t, want, namesLot(name), name)
	}
}

func TestWordsAtTheEdges(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "a", 1}, {"ab", "ba", 1}, {"ab", "ca", 2}, {"ab", "bc", 2}, {"abc", "acb", 1}, {"abcd", "acbd", 1}, {"kitten", "sitting", 3},
	} {
		assert.Equal(t, c.want, editDistance(c.a, c.b), "%s %s", c.a, c.b)
	}
	exactly := strings.Repeat("x", longestQuote)
	assert.Equal(t, `"`+exactly+`"`, quote(exactly))
	assert.Equal(t, `"`+exactly+`"…`, quote(exactly+"x"))
	assert.Equal(t, `"`+exactly[1:]+`"…`, quote(exactly[1:]+"é"), "no half character")
	assert.Equal(t, `""…`, quote(strings.Repeat("\x80", longestQuote+1)))
}

func TestIdentifiersAtTheEdges(t *testing.T) {
	for uri, path := range map[string]string{
		"urn:epc:id:sgtin:0614141.107346.0":                         "01/10614141073464/21/0",
		"urn:epc:id:itip:4012345.012345.01.02.987":                  "8006/040123451234560102/21/987",
		"urn:epc:idpat:itip:4012345.012345.01.02.*":                 "8006/040123451234560102",
		"https://x.example/a/b/c/d/e/f/g/h/i/j/k/01/10614141073464": "01/10614141073464",
		"https://x.example//a/414/4012345678901":                    "414/4012345678901",
		"https://x.example/8010/4012345ABC/8011/123456789012":       "8010/4012345ABC/8011/123456789012",
		"https://x.example/255/4012345678901123456789012":           "255/4012345678901123456789012",
	} {
		assert.Equal(t, digitalLink+path, Thing(uri), uri)
		assert.Equal(t, digitalLink+path, Thing(digitalLink+path), uri)
	}
	for _, uri := range []string{
		// Keys without instances have no pattern, and what has no known scheme is no key.
		"urn:epc:idpat:sscc:0614141.1234567890.*", "urn:epc:idpat:sgln:0614141.12345.*", "urn:epc:idpat:giai:0614141.12.*",
		"urn:epc:idpat:xyz:0614141.1.*", "urn:epc:idpat:sgtin:0614141.107346.2017", "urn:epc:id:sgtin", "urn:epc:id",
		// The company prefix has 6 to 12 digits, and a dot after it.
		"urn:epc:id:sscc:061414A.1234567890", "urn:epc:id:giai:06141A1.123", "urn:epc:id:sscc:0614141123456.1234",
		"urn:epc:id:sscc:06141.123456789012", "urn:epc:id:pgln:123456789012",
		// Every part is there, and has the characters and the length of its kind.
		"urn:epc:id:giai:0614141.12^34", "urn:epc:id:giai:0614141.", "urn:epc:id:cpi:0614141.abc.12",
		"urn:epc:id:cpi:0614141.ABC.1234567890123", "urn:epc:id:sgcn:4012345.67890.1234567890123",
		"urn:epc:id:sgtin:0614141.107346", "urn:epc:id:sgtin:0614141.107346.%g1", "urn:epc:id:sgtin:0614141.107346.%1g",
		"urn:epc:idpat:itip:4012345.012345.*", "urn:epc:idpat:itip:4012345.012345.01.*",
		"urn:epc:id:itip:4012345.012345.01.02", "urn:epc:id:itip:4012345.012345.0A.02.1",
		"urn:epc:idpat:itip:4012345.012345.0A.02.*", "urn:epc:idpat:itip:4012345.012345.001.02.*",
		// A link has a scheme of the web, a key with a name, and qualifiers of that key.
		"hxxp://x.example/01/10614141073464", "https://x.example//12345678", "https://x.example/01/10614141073464/254/12",
		"https://x.example/414/4012345678901//5", "https://x.example/21/1/8006/040123451234560102",
		"https://x.example/8010/4012345ABC/8011/", "https://x.example/8010/4012345ABC/8011/12A",
		"https://x.example/8010/4012345ABC/8011/1234567890123",
		"https://x.example/8003/14012345123456", "https://x.example/00/10614141123456789A",
		"https://x.example/00/1061414112345678971",
		"https://x.example/255/40123456789011234567890123", "https://x.example/255/401234567890112A",
	} {
		assert.Equal(t, uri, Thing(uri))
	}
}

func TestOnlyCanonicalThingsHaveKeysAndClasses(t *testing.T) {
	const bare = "01/10614141073460" // a wrong check digit, if it were a link
	_, wrong := WrongCheckDigit(bare)
	assert.False(t, wrong)
	_, wrong = WrongCheckDigit(digitalLink + bare)
	assert.True(t, wrong)
	assert.Empty(t, CompanyDigits(bare))
	assert.Nil(t, Parts(bare))
	assert.Empty(t, Class(bare))
	assert.Empty(t, Class(digitalLink+"01/123"), "too short for a GTIN")
	for path, want := range map[string][]string{
		"01/10614141073464":               nil,
		"01/10614141073464/21/2017":       {digitalLink + "01/10614141073464"},
		"00/106141411234567897":           nil,
		"8006/040123451234560102":         {digitalLink + "01/04012345123456"},
		"8006/040123451234560102/21/987":  {digitalLink + "8006/040123451234560102", digitalLink + "01/04012345123456"},
		"255/4012345678901123456789012":   {digitalLink + "255/4012345678901"},
		"8010/4012345ABC/8011/1234567890": {digitalLink + "8010/4012345ABC"},
	} {
		assert.Equal(t, want, Classes(digitalLink+path), path)
	}
}
