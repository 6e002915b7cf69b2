package proof

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// provedEvent is an event that some receipt proves, out of its JSON without what all have.
func provedEvent(t *testing.T, text string) *Proved {
	t.Helper()
	v, err := canonical.Parse([]byte(`{"eventTime":"2026-03-01T08:00:00Z","eventTimeZoneOffset":"+00:00",`+text+`}`), canonical.Limits{})
	require.NoError(t, err, text)
	r, problems := record.NewEvent(v, canonical.Str(epcis.StandardContext))
	require.Empty(t, problems, text)
	return &Proved{Attested: Attested{ID: r.ID, Noun: string(r.Noun), Record: r.Body}}
}

func TestATraceGoesFromLotsToItemsAndFromProductsToLots(t *testing.T) {
	const product = "https://id.gs1.org/01/09521234543213"
	const made, item = `"type":"TransformationEvent","inputQuantityList":[{"epcClass":"https://id.gs1.org/01/09521234543220/10/RAW"}],
		"outputQuantityList":[{"epcClass":"` + product + `/10/A"}]`, `"type":"ObjectEvent","action":"OBSERVE","epcList":["` + product + `/10/A/21/1"]`
	const other = `"type":"ObjectEvent","action":"OBSERVE","epcList":["` + product + `/21/2"]`
	records := map[string]*Proved{
		"made": provedEvent(t, made), "item": provedEvent(t, item), "other": provedEvent(t, other),
		"cooked": provedEvent(t, `"type":"TransformationEvent","inputEPCList":["`+product+`/21/1"],"outputEPCList":["urn:example:soup"]`),
		"recall": proved(t, [2]string{"recall", `{"kind":"finding","subject":["` + product + `"],"predicate":{"detail":"all of it"}}`})["recall"],
	}
	for _, test := range []struct {
		name, node, direction, records string
		reason                         Reason
	}{
		{"down, from the raw material to the item", "https://id.gs1.org/01/09521234543220/10/RAW", Descendants, "made item cooked", ""},
		{"down, from the lot to the item", product + "/10/A", Descendants, "item cooked", ""},
		{"down, from another lot", product + "/10/B", Descendants, "item", BrokenTrace},
		{"down, from the lot to an item of no lot", product + "/10/A", Descendants, "item other", BrokenTrace},
		{"down, from the product", product, Descendants, "made item other cooked recall", ""},
		{"up, from the item to the raw material", product + "/21/1", Ancestors, "item made", ""},
		{"up, to what is said of the product", "urn:example:soup", Ancestors, "cooked item made recall", ""},
		{"up, from one item to another", product + "/21/1", Ancestors, "item other", BrokenTrace},
	} {
		t.Run(test.name, func(t *testing.T) {
			var in []*Proved
			for _, name := range strings.Fields(test.records) {
				in = append(in, records[name])
			}
			_, err := (&Trace{Node: test.node, Direction: test.direction}).check(in)
			require.Equal(t, test.reason, ReasonOf(err), "%v", err)
		})
	}
}
