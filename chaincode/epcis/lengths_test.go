package epcis

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPartsOfAnIdentifierHaveALongestText(t *testing.T) {
	const gtin, trade = "https://x.example/01/09521141123454", "https://x.example/8006/040123451234560102"
	for _, c := range []struct {
		before string // of the last part
		one    string // a character of the last part
		most   int    // how often it may stand there
	}{
		{"urn:epc:id:sgtin:9521141.012345.", "A", 20}, {"urn:epc:id:upui:9521141.012345.", "A", 28},
		{"urn:epc:class:lgtin:9521141.012345.", "A", 20}, {"urn:epc:id:gdti:9521141.00002.", "A", 17},
		{"urn:epc:id:sgcn:9521141.00002.", "1", 12}, {"urn:epc:id:sgln:9521141.00002.", "A", 20},
		{"urn:epc:id:grai:9521141.00002.", "A", 16}, {"urn:epc:id:itip:9521141.012345.01.02.", "A", 20},
		{"urn:epc:id:cpi:9521141.AB.", "1", 12}, {"urn:epc:id:giai:9521141.", "A", longestFreeText - 7},
		{"urn:epc:id:ginc:9521141.", "A", longestFreeText - 7},
		{gtin + "/22/", "A", 20}, {gtin + "/10/", "A", 20}, {gtin + "/21/", "A", 20}, {gtin + "/235/", "A", 28},
		{trade + "/22/", "A", 20}, {trade + "/10/", "A", 20}, {trade + "/21/", "A", 20},
		{"https://x.example/414/9521141000014/254/", "A", 20}, {"https://x.example/8010/9521141AB/8011/", "1", 12},
		{"https://x.example/253/9521141000014", "A", 17}, {"https://x.example/255/9521141000014", "1", 12},
		{"https://x.example/8003/09521141000014", "A", 16}, {"https://x.example/8004/", "A", longestFreeText},
		{"https://x.example/401/", "A", longestFreeText},
	} {
		exactly := c.before + strings.Repeat(c.one, c.most)
		assert.True(t, strings.HasPrefix(Thing(exactly), digitalLink), exactly)
		assert.Equal(t, exactly+c.one, Thing(exactly+c.one))
		if c.one == "1" {
			assert.Equal(t, c.before+"A", Thing(c.before+"A"), "it has digits only")
		}
	}
	for _, urn := range []string{"urn:epc:id:sgtin:952114.0123451.1", "urn:epc:id:sgtin:952114112345.0.1"} {
		assert.True(t, strings.HasPrefix(Thing(urn), digitalLink), urn)
	}
	for _, urn := range []string{"urn:epc:id:sgtin:95211.01234511.1", "urn:epc:id:sgtin:9521141123456..1"} {
		assert.Equal(t, urn, Thing(urn))
	}
}

func TestNamesOfKeysInOlderLinks(t *testing.T) {
	for path, want := range map[string]string{
		"sscc/095211410000000175": "00/095211410000000175", "gtin/09521141123454/cpv/A": "01/09521141123454",
		"gdti/9521141000014A": "253/9521141000014A", "gcn/95211410000141": "255/95211410000141",
		"ginc/9521141A": "401/9521141A", "gsin/95211410000000017": "402/95211410000000017",
		"grai/09521141000014A": "8003/09521141000014A", "giai/9521141A": "8004/9521141A",
		"itip/095211411234540102/ser/A": "8006/095211411234540102/21/A", "gsrnp/952114100000000017": "8017/952114100000000017",
		"gsrn/952114100000000017": "8018/952114100000000017",
	} {
		assert.Equal(t, digitalLink+want, Thing("https://x.example/"+path))
	}
}

func TestLinksAtTheEdges(t *testing.T) {
	const gtin = "01/09521141123454"
	assert.Equal(t, digitalLink+gtin, Thing("https://x/"+gtin), "a host may have one letter")
	for _, uri := range []string{"https://?x/" + gtin, "https:///" + gtin, "https://x.example/" + gtin + "/10/A/10/B"} {
		assert.Equal(t, uri, Thing(uri))
	}
	assert.Equal(t, []string{digitalLink + gtin + "/", digitalLink + "8006/09521141123454"}, Members(digitalLink+gtin))
	assert.Equal(t, []string{digitalLink + "8003/09521141000014"}, Members(digitalLink+"8003/09521141000014"))
	p, ok := ParsePattern(" urn:epc:idpat:sgtin:9521141.*.*\n")
	require.True(t, ok)
	var want []string
	for d := range "0123456789" {
		want = append(want, digitalLink+"01/"+"0123456789"[d:d+1]+"9521141")
	}
	assert.Equal(t, want, p.Prefixes)
	for prefix, good := range map[string]bool{"95211": false, "952114": true, "952114112345": true, "9521141123456": false} {
		_, ok := ParsePattern("urn:epc:idpat:sgtin:" + prefix + ".*.*")
		assert.Equal(t, good, ok, prefix)
	}
}

func TestTextsAtTheEdges(t *testing.T) {
	for text, want := range map[string]bool{
		"a0:x": true, "a9:x": true, "a/:x": false, "a::x": true, "a:%41<": false, "a:%41": true, "h://@a": true, "h://u@<a": false, "h://u@a": true,
		"h://[::1]:x": false, "h://[::1]:": true,
	} {
		assert.Equal(t, want, isURI(text), text)
	}
	exactly := strings.Repeat("7", longestNumber)
	for text, want := range map[string]string{
		exactly + "e0": exactly, exactly + "7": "", exactly + "7e0": "", exactly[2:] + ".77": exactly[2:] + ".77", exactly[1:] + ".77": "",
		exactly[1:] + "e1": exactly[1:] + "0", exactly + "e1": "", "7e399": "7" + strings.Repeat("0", 399), "7e400": "",
		"7e-400": "0." + strings.Repeat("0", 399) + "7", "7e-401": "", exactly[1:] + "7.7e-1": "", exactly[1:] + "7e-1": exactly[1:] + ".7",
	} {
		got, ok := appendNumber(nil, text)
		assert.Equal(t, want != "", ok, text)
		assert.Equal(t, want, string(got), text)
	}
}

func TestMonthsHaveTheirDays(t *testing.T) {
	days := []string{"31", "28", "31", "30", "31", "30", "31", "31", "30", "31", "30", "31"}
	for m, last := range days {
		month := "2026-" + string([]byte{byte('0' + (m+1)/10), byte('0' + (m+1)%10)}) + "-"
		_, ok := parseTime(month + last + "T00:00:00Z")
		assert.True(t, ok, month+last)
		after := last[:1] + string(last[1]+1)
		_, ok = parseTime(month + after + "T00:00:00Z")
		assert.False(t, ok, month+after)
	}
	_, ok := parseTime("2024-02-30T00:00:00Z")
	assert.False(t, ok)
	latest, ok := parseTime("9999-12-31T23:59:59.999499999Z")
	assert.True(t, ok)
	assert.Equal(t, "9999-12-31T23:59:59.999Z", string(appendTime(nil, latest)))
}
