package epcis

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAWrongCheckDigitIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		thing  string
		should string // "" if the digit is right, or there is none
	}{
		"of a GTIN with a lot":               {"https://id.gs1.org/01/09520001012359/10/L", "8"},
		"of a GTIN alone":                    {"https://id.gs1.org/01/09520001012359", "8"},
		"of an SSCC":                         {"https://id.gs1.org/00/095200010000000011", "0"},
		"of a GLN":                           {"https://id.gs1.org/414/9520001000011", "0"},
		"of a GRAI with a serial number":     {"https://id.gs1.org/8003/095200010000117", "0"},
		"a right GTIN":                       {"https://id.gs1.org/01/09520001012358/21/7", ""},
		"a right SSCC":                       {"https://id.gs1.org/00/095200010000000010", ""},
		"a right GRAI with a serial number":  {"https://id.gs1.org/8003/095200010000107", ""},
		"a key of free text":                 {"https://id.gs1.org/8004/9520001ABC", ""},
		"a key that is too short":            {"https://id.gs1.org/01/0952", ""},
		"a key with letters":                 {"https://id.gs1.org/01/0952000101235A", ""},
		"what is no Digital Link":            {"urn:epc:id:sgtin:9520001.001235.7", ""},
		"a link of somebody else's":          {"https://example.com/01/09520001012359", ""},
		"the beginning of links, and no key": {"https://id.gs1.org/", ""},
	} {
		t.Run(name, func(t *testing.T) {
			should, wrong := WrongCheckDigit(c.thing)
			assert.Equal(t, c.should != "", wrong)
			if c.should != "" {
				assert.Equal(t, c.should, string(should))
			}
		})
	}
}
