package epcis

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

func TestTermsOfEPCISHaveOneMeaning(t *testing.T) {
	for name, c := range map[string]struct {
		context string
		want    []string
	}{
		"a list that becomes another":         {`["https://x.example/c", {"epcList": "https://else.example/o"}]`, []string{"epcList"}},
		"a type that becomes another":         {`{"type": "https://else.example/type", "ex": "https://x.example/"}`, []string{"type"}},
		"a term that is taken away":           {`{"parentID": null}`, []string{"parentID"}},
		"a term of sensor reports":            {`{"uom": {"@id": "https://else.example/uom"}}`, []string{"uom"}},
		"a type of events":                    {`{"ObjectEvent": "https://else.example/Other"}`, []string{"ObjectEvent"}},
		"two of them":                         {`[{"action": "https://e.example/a"}, {"bizStep": "https://e.example/b"}]`, []string{"action", "bizStep"}},
		"the meaning that it has anyway":      {`{"type": "@type", "id": "@id", "epcList": {"@id": "epcis:epcList", "@type": "@id"}}`, nil},
		"the type as an id":                   {`{"type": "@id"}`, []string{"type"}},
		"a prefix of one's own":               {`[{"ex": "https://x.example/"}]`, nil},
		"the address of a context alone":      {`"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"`, nil},
		"a context inside of another's terms": {`{"@vocab": "https://x.example/"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := canonical.Parse([]byte(c.context), canonical.Limits{})
			require.NoError(t, err)
			assert.Equal(t, c.want, Redefined(v))
		})
	}
}
