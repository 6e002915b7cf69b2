package search

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// story is a small ledger with something of everything, and what some of it is called.
func story(t *testing.T) (ix *index.Index, event, recall, tx string, hash string) {
	l := indextest.New(t)
	ix = indextest.Open(t)
	l.Put("Harbor", indextest.Member(t, `{"mspId":"HarborMSP","name":"Harbor","namespaces":["harbor"]}`))
	e := indextest.Event(t, `{"type":"ObjectEvent","eventID":"urn:uuid:5a1c2b5e-0000-4000-8000-000000000001","eventTime":"2026-03-01T08:00:00Z","action":"ADD","bizStep":"commissioning",
		"epcList":["urn:epc:id:sgtin:9520001.020001.17"],"quantityList":[{"epcClass":"urn:epc:class:lgtin:9520001.020001.FILLET-A"}],"readPoint":{"id":"urn:epc:id:sgln:9520001.00001.0"}}`)
	l.Put("Harbor", e, indextest.Artifact(t, "dataset/harbor/readings@1", string(e.ID)), indextest.Artifact(t, "dataset/harbor/readings@2"), indextest.Artifact(t, "model/harbor/forecast@1"))
	recall = l.Put("Harbor", indextest.Statement(t, record.Recall, `{"reason":"warm"}`, string(e.ID)))
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	return ix, string(e.ID), recall, l.Blocks[2].Transactions[0].ID, e.Event.Hash
}

func TestAnyIdentifierFindsWhatItNames(t *testing.T) {
	ix, event, recall, tx, hash := story(t)
	a, err := ix.Artifact(t.Context(), "model/harbor/forecast@1", index.Latest)
	require.NoError(t, err)
	for text, want := range map[string][]string{
		"(01)09520001200014(10)FILLET-A":       {lot},
		"(01)09520001200014(10)FILLET-A(21)99": {lot},
		"9520001200014":                        {item, lot},
		"fillet-a":                             {lot},
		"lot FILLET-A":                         {lot},
		"17":                                   {item},
		event:                                  {event},
		strings.TrimPrefix(event, "ni:///sha-256;"): {event},
		hash: {event},
		"urn:uuid:5a1c2b5e-0000-4000-8000-000000000001": {event},
		tx:                          {"transaction " + tx},
		"dataset/harbor/readings@1": {"dataset/harbor/readings@1"},
		"dataset/harbor/readings":   {"dataset/harbor/readings"},
		"harbor/readings":           {"dataset/harbor/readings"},
		"readings":                  {"dataset/harbor/readings"},
		"readings@2":                {"dataset/harbor/readings@2"},
		a.Digest.Value:              nil, // see below
		"HARBORMSP":                 {"organisation HarborMSP"},
		"harbor":                    {"dataset/harbor/readings", "model/harbor/forecast", "organisation HarborMSP"},
		"recalls":                   {recall},
	} {
		found, err := Search(t.Context(), ix, text)
		require.NoError(t, err, text)
		var names []string
		for _, h := range found.Hits {
			name := h.Node
			if h.Transaction != "" {
				name = "transaction " + h.Transaction
			}
			if h.Organisation != "" {
				name = "organisation " + h.Organisation
			}
			assert.NotEmpty(t, h.Why, text)
			names = append(names, name)
		}
		if want == nil {
			assert.Contains(t, names, a.Ref, text)
			continue
		}
		assert.Equal(t, want, names, text)
		assert.False(t, found.Some, text)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	ix, event, _, _, _ := story(t)
	for _, text := range []string{
		"", "nothing", "(01)09520001200014(10)FILLET-B", "FILLET", "dataset/harbor/readings@3", "dataset//readings", "/", "@", "a/b/c/d", strings.Repeat("a", 5000), "\x00\xff",
		event + "0", "ni:///sha-256;" + strings.Repeat("0", 64), strings.Repeat("f", 64), "'; DROP TABLE node; --", "%", "*",
	} {
		found, err := Search(t.Context(), ix, text)
		require.NoError(t, err, text)
		assert.Empty(t, found.Hits, "%q", text)
	}
}
