package epcis

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestThingConvertsEveryKey(t *testing.T) {
	for _, c := range [][2]string{
		{"urn:epc:id:sgtin:0614141.107346.2017", "01/10614141073464/21/2017"},
		{"urn:epc:id:sgtin:4012345.012345.A.b-%2F%22", "01/04012345123456/21/A.b-%2F%22"},
		{"urn:epc:id:upui:4012345.012345.AB12", "01/04012345123456/235/AB12"},
		{"urn:epc:id:sscc:4012345.0000000333", "00/040123450000003338"},
		{"urn:epc:id:sgln:4012345.00011.987", "414/4012345000115/254/987"},
		{"urn:epc:id:sgln:4012345.00011.0", "414/4012345000115"},
		{"urn:epc:id:sgln:401234500011..0", "414/4012345000115"},
		{"urn:epc:id:pgln:4012345.00225", "417/4012345002256"},
		{"urn:epc:id:grai:4012345.66666.87", "8003/0401234566666387"},
		{"urn:epc:id:giai:4012345.AAbb", "8004/4012345AAbb"},
		{"urn:epc:id:gsrn:4012345.9876540000", "8018/401234598765400000"},
		{"urn:epc:id:gsrnp:4012345.0000098765", "8017/401234500000987658"},
		{"urn:epc:id:gdti:4012345.55555.98", "253/401234555555498"},
		{"urn:epc:id:sgcn:4012345.99999.44", "255/401234599999044"},
		{"urn:epc:id:cpi:4012345.ABC.123", "8010/4012345ABC/8011/123"},
		{"urn:epc:id:cpi:4012345.A%2FB%23.123", "8010/4012345A%2FB%23/8011/123"},
		{"urn:epc:id:ginc:4012345.333", "401/4012345333"},
		{"urn:epc:id:gsin:4012345.999987654", "402/40123459999876541"},
		{"urn:epc:id:itip:4012345.012345.01.02.999", "8006/040123451234560102/21/999"},
		{"urn:epc:class:lgtin:4054739.099914.20160711", "01/04054739999148/10/20160711"},
		{"urn:epc:idpat:sgtin:4054739.099914.*", "01/04054739999148"},
		{"urn:epc:idpat:upui:4054739.099914.*", "01/04054739999148"},
		{"urn:epc:idpat:grai:4012345.66666.*", "8003/04012345666663"},
		{"urn:epc:idpat:gdti:4012345.55555.*", "253/4012345555554"},
		{"urn:epc:idpat:sgcn:4012345.99999.*", "255/4012345999990"},
		{"urn:epc:idpat:cpi:4012345.ABC.*", "8010/4012345ABC"},
		{"urn:epc:idpat:itip:4012345.012345.01.02.*", "8006/040123451234560102"},

		{"https://id.gs1.org/01/00614141073467", "01/00614141073467"},
		{"http://example.com/some/path/01/614141073467/10/L1/21/S1?17=261231#x", "01/00614141073467/21/S1"},
		{"https://example.com/gtin/9521141123454/lot/L1", "01/09521141123454/10/L1"},
		{"https://example.com/01/95211416/22/2A/21/S1", "01/00000095211416/21/S1"},
		{"https://example.com/01/95211416/22/2A", "01/00000095211416"},
		{"HTTPS://Example.com:8443/gtin/9521141123454/ser/1", "01/09521141123454/21/1"},
		{"https://example.com/01/09521141123454/235/TPX", "01/09521141123454/235/TPX"},
		{"https://example.com/gln/9521141000014/254/0", "414/9521141000014"},
		{"https://example.com/party/9521141000014", "417/9521141000014"},
		{"https://example.com/cpid/9521141AB/8011/7", "8010/9521141AB/8011/7"},
		{"https://example.com/01/01/09521141123454/21/01", "01/09521141123454/21/01"},
		{"https://example.com/8006/040123451234560102/10/L", "8006/040123451234560102/10/L"},
	} {
		require.Equal(t, digitalLink+c[1], Thing(c[0]), c[0])
		require.Equal(t, digitalLink+c[1], Thing(" "+c[0]+"\n"), "white space around %s", c[0])
	}
}

func TestThingLeavesAloneWhatDoesNotFit(t *testing.T) {
	for _, uri := range []string{
		"", "salmon", "urn:uuid:2f6ba7d4-3a35-4a52-8b6b-6b2a1f0f6a01", "geo:50.9,6.9", "example:01/09521141123454",
		"urn:epc:", "urn:epc:id", "urn:epc:id:sgtin", "urn:epc:id:sgtin:", "urn:epc:id:gid:95100000.12345.400", "urn:epc:id:adi:W81X9C.3KL984PX1.2WMA52",
		"urn:epc:id:sgtin:0614141.107346", "urn:epc:id:sgtin:0614141.107346.", "urn:epc:id:sgtin:061414.107346.1", "urn:epc:id:sgtin:0614141.10734x.1",
		"urn:epc:id:sgtin:06141.10734612.1", "urn:epc:id:sgtin:0614141107346..1", "urn:epc:id:sgtin:0614141.107346.123456789012345678901",
		"urn:epc:id:sgtin:0614141.107346.a%2", "urn:epc:id:sgtin:0614141.107346.a%zz", "urn:epc:id:sgtin:0614141.107346.a%20b",
		"urn:epc:id:sscc:4012345.0000000333.1", "urn:epc:id:sgcn:4012345.99999.4x", "urn:epc:id:sgcn:4012345.99999.",
		"urn:epc:id:itip:4012345.012345.1.02.999", "urn:epc:id:itip:4012345.012345.01", "urn:epc:class:sgtin:0614141.107346.1",
		"urn:epc:idpat:sgtin:0614141.*.*", "urn:epc:idpat:sscc:4012345.*", "urn:epc:idpat:sgtin:0614141.107346.12", "urn:epc:id:giai:4012345.",
		"https://id.gs1.org/", "https://id.gs1.org", "https:///01/09521141123454", "ftp://id.gs1.org/01/09521141123454",
		"https://id.gs1.org/01/97803", "https://id.gs1.org/99/123", "https://id.gs1.org/01/09521141123454/99/x", "https://id.gs1.org/8006/04012345123456",
		"https://id.gs1.org/01/09521141123454/", "https://id.gs1.org/01/09521141123454/21/", "https://id.gs1.org/01/09521141123454/21/1/10/2",
		"https://id.gs1.org/01/09521141123454/10/1/235/2", "https://id.gs1.org/00/04012345000000333", "https://id.gs1.org/414/9521141000014/21/1",
		"https://id.gs1.org/253/95211410000141234567890123456x8", "https://id.gs1.org/8003/14012345666663", "https://id.gs1.org/01/09521141123454/21/a%zz",
	} {
		require.Equal(t, uri, Thing(uri))
	}
}

func TestEqualThingsAreEqualStrings(t *testing.T) {
	for _, same := range [][]string{
		{"urn:epc:id:sgtin:9521141.012345.a%2fb", "urn:epc:id:sgtin:9521141.012345.a%2Fb", "https://example.com/01/09521141123454/21/a%2fb", "http://id.gs1.org/gtin/9521141123454/ser/%61%2Fb"},
		{"urn:epc:id:sgtin:9521141.012345.a(1)", "https://example.com/01/09521141123454/21/a%281%29", "https://example.com/01/09521141123454/21/a(1)"},
		{"urn:epc:id:sgtin:9521141.012345.a%26b", "https://example.com/01/09521141123454/21/a&b"},
		{"urn:epc:class:lgtin:9521141.012345.L%2F7", "https://example.com/01/9521141123454/lot/L%2f7"},
		{"urn:epc:id:sgln:9521141.00001.0", "https://example.com/gln/9521141000014", "https://example.com/414/9521141000014/254/0"},
	} {
		for _, other := range same[1:] {
			require.Equal(t, Thing(same[0]), Thing(other))
		}
		require.True(t, strings.HasPrefix(Thing(same[0]), digitalLink), same[0])
	}
}

func TestPublishedCheckDigits(t *testing.T) {
	for _, c := range []struct{ digits, check string }{
		{"629104150021", "3"}, {"03600029145", "2"}, {"7351353", "7"}, {"000000000000", "0"},
	} {
		require.Equal(t, c.check, string(CheckDigit(c.digits)), c.digits)
	}
}

func TestClassOfAThing(t *testing.T) {
	for thing, class := range map[string]string{
		"01/09521141123454/21/1":         "01/09521141123454",
		"01/09521141123454/10/1":         "01/09521141123454",
		"01/09521141123454":              "01/09521141123454",
		"8003/0401234566666387":          "8003/04012345666663",
		"253/401234555555498":            "253/4012345555554",
		"8010/4012345ABC/8011/123":       "8010/4012345ABC",
		"8006/040123451234560102/21/999": "8006/040123451234560102",
		"00/040123450000003338":          "",
		"414/4012345000115/254/987":      "",
		"8004/4012345AAbb":               "",
	} {
		if class != "" {
			class = digitalLink + class
		}
		require.Equal(t, class, Class(digitalLink+thing), thing)
	}
	require.Empty(t, Class("urn:uuid:2f6ba7d4-3a35-4a52-8b6b-6b2a1f0f6a01"))
}

func TestPartsAreReadable(t *testing.T) {
	require.Equal(t, []Part{{"01", "GTIN", "09521141123454"}, {"10", "lot", "L/7"}}, Parts(Thing("urn:epc:class:lgtin:9521141.012345.L%2F7")))
	require.Equal(t, []Part{{"00", "SSCC", "040123450000003338"}}, Parts(digitalLink+"00/040123450000003338"))
	require.Nil(t, Parts("urn:uuid:2f6ba7d4"))
	require.Nil(t, Parts(digitalLink+"99/1"))
	for _, k := range keys {
		require.Contains(t, titles, k.ai)
	}
}

func TestPatternsMatch(t *testing.T) {
	const item, lot, gtin = "01/09521141123454/21/1", "01/09521141123454/10/L", "01/09521141123454"
	for _, c := range []struct {
		pattern string
		yes, no []string
	}{
		{"urn:epc:id:sgtin:9521141.012345.1", []string{item}, []string{item + "2", lot, gtin}},
		{"https://example.com/gtin/9521141123454/ser/1", []string{item}, []string{lot, gtin}},
		{"urn:epc:idpat:sgtin:9521141.012345.*", []string{item, lot, gtin}, []string{"01/09521141123461/21/1", "01/09521141123454/235/x"}},
		{"https://id.gs1.org/01/09521141123454", []string{item, lot, gtin}, []string{"01/09521141123461"}},
		{"https://id.gs1.org/01/09521141123454/21/*", []string{item}, []string{lot, gtin}},
		{"https://example.com/gtin/9521141123454/lot/*", []string{lot}, []string{item, gtin}},
		{"urn:epc:class:lgtin:9521141.012345.*", []string{lot}, []string{item, gtin}},
		{"urn:epc:idpat:sgtin:9521141.*.*", []string{item, lot, gtin, "01/19521141123451/21/1"}, []string{"01/09521142123453/21/1", "00/095211410000000017"}},
		{"urn:epc:idpat:sgtin:*.*.*", []string{item, gtin}, []string{"00/095211410000000017"}},
		{"urn:epc:idpat:sscc:9521141.*", []string{"00/095211410000000017"}, []string{"00/095211420000000017", item}},
		{"urn:epc:idpat:grai:9521141.00003.*", []string{"8003/09521141000038AB"}, []string{"8003/09521141000045AB"}},
		{"urn:epc:idpat:giai:9521141.*", []string{"8004/9521141KNIFE"}, []string{"8004/9521142KNIFE"}},
		{"urn:epc:id:sgln:9521141.00001.0", []string{"414/9521141000014"}, []string{"414/9521141000014/254/cold"}},
		{"urn:epc:idpat:sgln:9521141.00001.*", []string{"414/9521141000014/254/cold", "414/9521141000014"}, []string{"414/9521141000021"}},
		{"urn:epc:idpat:cpi:9521141.AB.*", []string{"8010/9521141AB/8011/7"}, []string{"8010/9521141ABC/8011/7"}},
		{"urn:epc:idpat:itip:9521141.012345.01.02.*", []string{"8006/095211411234540102/21/7"}, []string{"8006/095211411234540202/21/7"}},
	} {
		p, ok := ParsePattern(c.pattern)
		require.True(t, ok, c.pattern)
		for _, thing := range c.yes {
			require.True(t, p.Match(digitalLink+thing), "%s should match %s: %+v", c.pattern, thing, p)
		}
		for _, thing := range c.no {
			require.False(t, p.Match(digitalLink+thing), "%s shouldn't match %s: %+v", c.pattern, thing, p)
		}
	}
	p, ok := ParsePattern("urn:uuid:2f6ba7d4")
	require.True(t, ok)
	require.True(t, p.Match("urn:uuid:2f6ba7d4"))
	require.False(t, p.Match("urn:uuid:2f6ba7d4-1"))
}

func TestPatternsWithMisplacedWildcardsAreRefused(t *testing.T) {
	for _, pattern := range []string{
		"urn:epc:idpat:sgtin:*.012345.1", "urn:epc:idpat:sgtin:9521141.*.1", "urn:epc:idpat:sgtin:9521141.*", "urn:epc:idpat:sgtin:95.*.*",
		"urn:epc:idpat:nothing:9521141.*.*", "urn:epc:idpat:sgtin:9521141.01234.*", "https://example.com/salmon/*", "https://id.gs1.org/01/*", "/*",
	} {
		_, ok := ParsePattern(pattern)
		require.False(t, ok, pattern)
	}
}

func TestAQualifierBeforeTheKeyMakesNoGS1Key(t *testing.T) {
	for _, link := range []string{
		"https://id.gs1.org/21/2018/01/09521141123454",
		"https://id.gs1.org/10/L-1/01/09521141123454",
		"https://id.gs1.org/10/L-1/01/09521141123454/21/S1",
		"https://example.com/ser/2018/gtin/9521141123454",
		"https://example.com/path/22/2A/10/L/21/S/01/09521141123454",
		"https://id.gs1.org/254/7/414/9521141000014",
	} {
		require.Equal(t, link, Thing(link))
		require.Empty(t, Class(Thing(link)))
		p, ok := ParsePattern(link)
		require.True(t, ok)
		require.Equal(t, Pattern{Exact: []string{link}}, p, "it is none of the other serial numbers")
	}
	_, ok := ParsePattern("https://id.gs1.org/10/L-1/01/09521141123454/21/*")
	require.False(t, ok)
	for _, link := range []string{
		"https://example.com/21/01/09521141123454", "https://example.com/en/v10/products/01/09521141123454",
		"https://example.com/254/7/01/09521141123454",
	} {
		require.Equal(t, digitalLink+"01/09521141123454", Thing(link), "what stands in a path is no qualifier of this key")
	}
}

func TestThingIsItsOwnCanonicalForm(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"01", "21", "10", "22", "235", "00", "414", "254", "8003", "8004", "8006", "8010", "8011", "gtin", "lot", "ser", "09521141123454", "9521141123454",
		"040123450000003338", "95211416", "a%2Fb", "%41", "0", "x", "", "https://example.com", "urn:epc:id:sgtin:", "9521141.012345.", "?", "#", "*", "%",
	})
	rapid.Check(t, func(t *rapid.T) {
		separator := rapid.SampledFrom([]string{"/", "", "."}).Draw(t, "separator")
		once := Thing(strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), separator))
		require.Equal(t, once, Thing(once))
	})
}

func FuzzThing(f *testing.F) {
	for _, seed := range []string{
		"urn:epc:id:sgtin:0614141.107346.2017", "urn:epc:id:itip:4012345.012345.01.02.999", "urn:epc:idpat:cpi:4012345.ABC.*",
		"https://example.com/gtin/9521141123454/cpv/1/lot/a%2fb/ser/%41?x#y", "https://id.gs1.org/414/9521141000014/254/0", "urn:epc:idpat:sgtin:9521141.*.*",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		once := Thing(uri)
		if Thing(once) != once {
			t.Fatalf("Thing(%q) is %q, and of that %q", uri, once, Thing(once))
		}
		if p, ok := ParsePattern(uri); ok && len(p.Exact) > 0 && !p.Match(p.Exact[0]) {
			t.Fatalf("%q doesn't match its own %q", uri, p.Exact[0])
		}
		if class := Class(once); class != "" && (!strings.HasPrefix(once, class) || Class(class) != class) {
			t.Fatalf("the class of %q is %q", once, class)
		}
		for _, part := range Parts(once) {
			if part.Title == "" {
				t.Fatalf("%q has a part without title", once)
			}
		}
	})
}
