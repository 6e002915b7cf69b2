package epcis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// TestEachFaultIsReportedOnce lists all problems of a field, in the form "code pointer".
func TestEachFaultIsReportedOnce(t *testing.T) {
	const amount, report = `[{"epcClass":"urn:x:1","uom":`, `[{"sensorReport":[{"type":"Mass","hexBinaryValue":`
	const wrongItem = "wrong_type /epcList/"
	for _, c := range []struct {
		field, value string
		want         []string
	}{
		{"eventTime", `7`, []string{"wrong_type /eventTime"}},
		{"eventTimeZoneOffset", `7`, []string{"wrong_type /eventTimeZoneOffset"}},
		{"action", `7`, []string{"wrong_type /action"}},
		{"bizStep", `7`, []string{"wrong_type /bizStep"}},
		{"sensorElementList", `[{"sensorReport":7}]`, []string{"wrong_type /sensorElementList/0/sensorReport"}},
		{"epcList", `7`, []string{"wrong_type /epcList"}},
		{"epcList", `[7,7]`, []string{wrongItem + "0", wrongItem + "1"}},
		{"epcList", `[7,"7"]`, []string{wrongItem + "0", "bad_uri /epcList/1"}},
		{"epcList", `["urn:x:1","urn:x:2","urn:x:1"]`, []string{"duplicate_item /epcList/2"}},
		{"epcList", `["urn:x:1","urn:x:2","urn:x:3"]`, nil},
		{"epcList", `[7,7` + numbered(16) + `]`, []string{wrongItem + "0", wrongItem + "1"}},
		{"epcList", `["urn:x:1"` + numbered(16) + `]`, []string{"duplicate_item /epcList/1"}},
		{"certificationInfo", `7`, []string{"wrong_type /certificationInfo"}},
		{"certificationInfo", `"a b"`, []string{"bad_uri /certificationInfo"}},
		{"certificationInfo", `["urn:x:1","a b"]`, []string{"bad_uri /certificationInfo/1"}},
		{"quantityList", amount + `7}]`, []string{"wrong_type /quantityList/0/uom"}},
		{"quantityList", amount + `"EA"}]`, nil},
		{"quantityList", amount + `"C62"}]`, nil},
		{"quantityList", amount + `"kGM"}]`, []string{"bad_unit /quantityList/0/uom"}},
		{"quantityList", amount + `"kgm"}]`, []string{"bad_unit /quantityList/0/uom"}},
		{"quantityList", amount + `"K"}]`, []string{"bad_unit /quantityList/0/uom"}},
		{"quantityList", amount + `"KGMM"}]`, []string{"bad_unit /quantityList/0/uom"}},
		{"sensorElementList", report + `true}]}]`, []string{"wrong_type /sensorElementList/0/sensorReport/0/hexBinaryValue"}},
		{"sensorElementList", report + `"xA"}]}]`, []string{"bad_hex /sensorElementList/0/sensorReport/0/hexBinaryValue"}},
		{"sensorElementList", report + `""}]}]`, []string{"bad_hex /sensorElementList/0/sensorReport/0/hexBinaryValue"}},
		{"sensorElementList", report + `"0aF9"}]}]`, nil},
		{"@context", `["urn:x:1"` + strings.Repeat(`,"urn:x:1"`, mostContextParts) + `]`, []string{"too_many /@context"}},
	} {
		_, problems := Decode(parse(t, good).With(c.field, parse(t, c.value)), ownContext)
		var got []string
		for _, p := range problems {
			got = append(got, p.Code+" "+p.Pointer)
		}
		assert.Equal(t, c.want, got, "%s %s", c.field, c.value)
	}
}

// numbered lists the things urn:x:1 to urn:x:n, each after a comma.
func numbered(n int) string {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, `,"urn:x:%d"`, i+1)
	}
	return list.String()
}

func TestAWordThatIsLikeNoneIsNotGuessed(t *testing.T) {
	_, problems := Decode(parse(t, good).With("bizStep", canonical.Str("cooking")), ownContext)
	require.Len(t, problems, 1)
	assert.Equal(t, `bizStep "cooking" is not a CBV business step`, problems[0].Detail)
}

func TestAnEmptyListSaysNothing(t *testing.T) {
	event := eventWith(t, "ObjectEvent", `"action":"OBSERVE","epcList":["urn:x:1"],"sourceList":[],"bizTransactionList":[]`)
	assert.Nil(t, event.Sources)
	assert.Nil(t, event.BizTransactions)
}

func TestAVersionIsDigitsAndPoints(t *testing.T) {
	for text, want := range map[string][]string{
		`"2.0"`: nil, `"2"`: nil, `"2.0.1"`: nil, `""`: {CodeBadVersion}, `"2."`: {CodeBadVersion}, `".0"`: {CodeBadVersion},
		`"2..0"`: {CodeBadVersion}, `"2x0"`: {CodeBadVersion}, `"2.0x"`: {CodeBadVersion}, `true`: {CodeWrongType},
	} {
		c := new(checker)
		v := parse(t, text)
		version(c, &v)
		var got []string
		for _, p := range c.problems {
			got = append(got, p.Code)
		}
		assert.Equal(t, want, got, text)
	}
}

func TestNamesAreExpandedWithTheirNamespaces(t *testing.T) {
	declared := parse(t, `[{"own":"https://first.example/"},
		{"own":{"@id":"https://own.example/"},"empty":"","none":{},"number":7,
		"urn":"https://ref.gs1.org/voc/","http":"https://ref.gs1.org/voc/","https":"https://ref.gs1.org/voc/"}]`)
	ns := namespaces{document: &declared}
	for name, want := range map[string]string{
		"own:a": "https://own.example/ a", "gs1:a": "https://ref.gs1.org/voc/ a", "cbv:a": "https://ref.gs1.org/cbv/ a",
		"epcis:a": "https://ref.gs1.org/epcis/ a", "cbvmda:a": "urn:epcglobal:cbv:mda a",
		"rdfs:a": "http://www.w3.org/2000/01/rdf-schema# a", "owl:a": "http://www.w3.org/2002/07/owl# a",
		"xsd:a": "http://www.w3.org/2001/XMLSchema# a", "dcterms:a": "http://purl.org/dc/terms/ a",
		"https://x.example/a#b": "https://x.example/a# b",
		"gs1":                   "", "empty:a": "", "none:a": "", "number:a": "", "other:a": "",
	} {
		namespace, local, ok := ns.expand(name)
		assert.Equal(t, want != "", ok, name)
		if ok {
			assert.Equal(t, want, namespace+" "+local)
		}
	}
	for _, value := range []string{"gs1", "gs1://x", "urn:x", "http:x", "https:x", "own:x", "other:x"} {
		_, _, ok := ns.curie(value)
		assert.False(t, ok, value)
	}
	context := canonical.Str("https://a.example/")
	assert.Equal(t, canonical.Value{}, MergeContexts(nil, nil))
	assert.Equal(t, context, MergeContexts(nil, &context))
	assert.Equal(t, context, MergeContexts(&context, nil))
	assert.Equal(t, canonical.Arr(context, context), MergeContexts(&context, &context))
}

func TestAMisreadIdentifierIsExplainedInFull(t *testing.T) {
	const host, link = "https://id.gs1.org/", "https://id.gs1.org/01/09520001200014"
	const attributes = "; attributes such as a date or a weight belong in the query of a link"
	long := strings.Repeat("L", 29)
	for uri, want := range map[string]string{
		"https://shop.example/01/123456":               `"123456" is no GTIN: that has 14 digits, or 8, 12 or 13 without the zeros before them`,
		"https://shop.example/orders/123456":           "",
		"https://x.example/01/about/01/09520001200014": "",
		"https://x.example/a/b/01/09520001200014":      "",
		host + "414/9520001000010?10=" + long:          "",
		host + "8006/040123451234560102?10=" + long:    "the lot in its query has 29 characters, and may have 20 at most",
		host + "01":                         `"01" has no value`,
		host + "01/":                        `"01" has no value`,
		host + "00/1":                       `"1" is no SSCC: that has 18 digits`,
		host + "414/12":                     `that has 13 digits`,
		host + "8003/12":                    "that has 14 digits, and a serial number of at most 16 characters behind them",
		link + "//10/L":                     `"" is no qualifier of a GTIN` + attributes,
		link + "/10/L/21":                   `the qualifier "21" has no value`,
		link + "/235/A/10/L":                `the qualifier "235" stands alone, without others`,
		link + "/235/" + long:               `the value of the qualifier "235" has 29 characters, and may have 28 at most`,
		link + "/lot/" + long:               `the value of the qualifier "lot" has 29 characters, and may have 20 at most`,
		host + "00/106141411234567897/10/L": `"10" is no qualifier of a SSCC` + attributes,
		host + "8006/040123451234560102/10/" + long:          `the value of the qualifier "10" has 29 characters, and may have 20 at most`,
		host + "8010/4012345ABC/8011/1234567890123":          `the value of the qualifier "8011" must have at most 12 digits`,
		host + "8010/4012345ABC/8011/A":                      `the value of the qualifier "8011" must have at most 12 digits`,
		"https://id.gs1.org/01/09520001200014/22/A/10/L?x=y": "",
	} {
		if why := Misread(uri); want == "" {
			assert.Empty(t, why, uri)
		} else {
			assert.True(t, strings.HasSuffix(why, want), "%s: %q", uri, why)
		}
	}
}

func TestPatternsWithoutWildcardsAreThings(t *testing.T) {
	for value, want := range map[string]Pattern{
		"":                                     {Exact: []string{""}},
		"urn:epc:idpat:sgtin:9521141.012345.1": {Exact: []string{"urn:epc:idpat:sgtin:9521141.012345.1"}},
		"urn:epc:class:lgtin:9521141.012345.L": {Exact: []string{digitalLink + "01/09521141123454/10/L"}},
		"urn:x.*":                              {Exact: []string{"urn:x.*"}},
	} {
		p, ok := ParsePattern(value)
		require.True(t, ok, value)
		assert.Equal(t, want, p, value)
	}
	for _, value := range []string{
		"urn:epc:idpat:sgtin:9521141.012345.1*", "urn:epc:idpat:sgtin:95211A1.*.*", "urn:epc:idpat:sgtin:9521141952114.*.*",
		"urn:epc:idpat:itip:9521141.012345.*.*.*", "urn:epc:idpat:sgtin:*.*",
	} {
		_, ok := ParsePattern(value)
		assert.False(t, ok, value)
	}
}

func TestLotsAtTheEdges(t *testing.T) {
	const class = digitalLink + "01/09521141123454"
	const lot, item = class + "/10/L-1", class + "/21/S1"
	const piece = digitalLink + "8006/040123451234560102"
	for link, want := range map[string][]OfLot{
		"HTTPS://id.gs1.org/01/09521141123454/10/L-1/21/S1":    {{lot, item, "epcList"}},
		class + "/10/L-1?10=M":                                 nil,
		class + "/21/S1?10=L-1&21=S2":                          {{lot, item, "epcList"}},
		class + "?21=S1":                                       nil,
		"https://id.gs1.org/8006/040123451234560102/10/L/21/S": {{piece + "/10/L", piece + "/21/S", "epcList"}},
	} {
		assert.Equal(t, want, eventWith(t, "ObjectEvent", `"action":"OBSERVE","epcList":["`+link+`"]`).OfLots, link)
	}
	const things = `"action":"ADD","quantityList":[{"epcClass":"urn:epc:class:lgtin:9521141.012345.L-1"}]`
	assert.Empty(t, eventWith(t, "ObjectEvent", things+`,"ex:lot":"M"`).OfLots, "a lot is no part of another")
	itself := eventWith(t, "ObjectEvent", things+`,"ex:tlc":"urn:epc:class:lgtin:9521141.012345.L-1"`)
	assert.Empty(t, itself.OfLots, "nor of itself")
	assert.False(t, IsLot("/10/L"))

	deep := func(levels int) string {
		return `{"ilmd":` + strings.Repeat(`{"ex:a":`, levels) + `{"ex:lot":["A","B"]}` + strings.Repeat("}", levels) + `}`
	}
	event := parse(t, deep(deepestLot))
	assert.Equal(t, []string{"A", "B"}, lotsNamed(&event))
	assert.Empty(t, BeyondLots(&event))
	event = parse(t, deep(deepestLot+1))
	assert.Empty(t, lotsNamed(&event))
	assert.Len(t, BeyondLots(&event), 1, "it is reported once")
	event = parse(t, `{"ilmd":{"ex:lot":`+strings.Repeat("[", deepestLot+1)+`"A"`+strings.Repeat("]", deepestLot+1)+`}}`)
	assert.Empty(t, lotsNamed(&event))
	event = parse(t, `{"lotNumber":"A"}`)
	assert.Empty(t, lotsNamed(&event), "it is no extension")
}

func TestNamesOfOtherLotsAtTheEdges(t *testing.T) {
	assert.True(t, namesLot("x:gs1Lot"))
	assert.False(t, namesLot("x:lot"+strings.Repeat("_", longestName)))
	assert.False(t, endsAsLot("x:"+strings.Repeat("a", longestName)+"LotNumber"))
	for text, want := range map[string]bool{
		`"A"`: true, `" "`: false, `7`: true, `true`: false, `[]`: false, `{}`: false, `[{}]`: false, `["A"]`: true,
		`[[],"A"]`:        true,
		`{"v":{"w":"A"}}`: true, `{"v":null}`: false,
	} {
		v := parse(t, text)
		assert.Equal(t, want, holdsText(&v), text)
	}
}

func TestNumbersThatAreTooLongStayAsTheyAre(t *testing.T) {
	half := strings.Repeat("7", longestNumber*3/4)
	for _, text := range []string{"1e-999", half + half, half + "." + half, half + "." + half + "e1", "1e999", "+" + half + half, "1ex", "1e+"} {
		assert.Equal(t, text, plainNumber(text))
	}
	exactly := strings.Repeat("7", longestNumber)
	assert.Equal(t, exactly, plainNumber("+"+exactly))
	for _, text := range []string{"a:<41", "a:x<41", "a: 41"} {
		assert.False(t, isURI(text), text)
	}
}

func TestTheThingsOfLotsAreBounded(t *testing.T) {
	full := make([]OfLot, mostOfLots)
	full = appendOfLot(full, []Mention{{URI: "urn:x:1", Field: "epcList"}}, func(string) string { return "urn:x:lot" })
	assert.Len(t, full, mostOfLots)
}

func TestAWarningSaysWhatIsRecorded(t *testing.T) {
	const gtin, own = "https://id.gs1.org/01/09520001200014", "It is recorded as a name of its own"
	for uri, want := range map[string]string{
		"https://id.gs1.org/10/L/01/09520001200014": own,
		gtin + "/10/" + strings.Repeat("L", 21):     own,
		gtin + "/414/9520001000010":                 "is recorded as https://id.gs1.org/414/9520001000010: it names two keys",
	} {
		found := Warnings(object(t, `{"epcList":["`+uri+`"]}`), 9)
		require.Len(t, found, 1, uri)
		assert.Contains(t, found[0].Detail, want)
	}
	for _, event := range []string{
		`{"sensorElementList":[{}]}`, `{"quantityList":[{}]}`, `{"sourceList":[{}]}`, `{"ex:lot":"urn:epc:class:lgtin:9520001.012345.L"}`,
	} {
		assert.Empty(t, Warnings(object(t, event), 9), event)
	}
}

func TestURNsOfWordsBecomeWebURIs(t *testing.T) {
	for urn, want := range map[string]string{
		"bizstep:shipping": "BizStep-shipping", "disp:active": "Disp-active", "btt:po": "BTT-po", "sdt:location": "SDT-location",
		"er:did_not_occur": "ER-did_not_occur", "bt:9521141000007:7": "", "x": "",
	} {
		prefix, word, ok := cbvURN(urn)
		assert.Equal(t, want != "", ok, urn)
		if ok {
			assert.Equal(t, "https://ref.gs1.org/cbv/"+want, prefix+word)
		}
	}
}
