package index_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestLatelyTellsWhatEachTransactionRecordedTheNewestFirst(t *testing.T) {
	l, ix := follow(t)
	first := indextest.Seen(t, 1)
	l.Put("Harbor", first, indextest.Seen(t, 2), indextest.Seen(t, 3))
	l.Put("Market", first) // records nothing new
	l.SubmitAs("Market", 11, indextest.Seen(t, 4))
	l.Submit("Lab", indextest.Artifact(t, "dataset/lab/readings@1", string(first.ID)), indextest.Seen(t, 5))
	l.Submit("Lab", indextest.Artifact(t, "dataset/lab/readings@2"))
	l.Cut()
	for range 2 { // the second time from memory
		all, err := ix.LatestTransactions(t.Context(), 10, 2)
		require.NoError(t, err)
		require.Len(t, all, 3)
		assert.Equal(t, "LabMSP", all[0].MSPID)
		assert.Equal(t, map[record.Noun]int{record.NounArtifact: 1}, all[0].NewRecords)
		assert.Equal(t, map[record.Noun]int{record.NounArtifact: 1, record.NounEvent: 1}, all[1].NewRecords)
		assert.Equal(t, map[record.Noun]int{record.NounEvent: 3}, all[2].NewRecords)
		assert.Equal(t, "HarborMSP", all[2].MSPID)
		require.Len(t, all[2].Records, 2, "only a few are shown")
		assert.Equal(t, string(first.ID), all[2].Records[0].ID)
		assert.Equal(t, l.Blocks[1].Transactions[0].ID, all[2].TxID)
	}
	one, err := ix.LatestTransactions(t.Context(), 1, 5)
	require.NoError(t, err)
	require.Len(t, one, 1)
	assert.Equal(t, "LabMSP", one[0].MSPID)
}

func TestRecordsAreCountedByWhoRecordedThemFirstAndNoun(t *testing.T) {
	l, ix := follow(t)
	counts, err := ix.Count(t.Context())
	require.NoError(t, err)
	assert.Empty(t, counts)
	first := indextest.Seen(t, 1)
	l.Put("Harbor", first, indextest.Seen(t, 2))
	before, err := ix.Count(t.Context())
	require.NoError(t, err)
	l.Put("Market", first, indextest.Seen(t, 3))
	l.Put("Harbor", indextest.Statement(t, record.Recall, `{"reason":"warm"}`, string(first.ID)))
	after, err := ix.Count(t.Context())
	require.NoError(t, err)
	assert.Equal(t, index.RecordCounts{"HarborMSP": {record.NounEvent: 2}}, before, "what was told stays as it is")
	assert.Equal(t, index.RecordCounts{"HarborMSP": {record.NounEvent: 2, record.NounStatement: 1},
		"MarketMSP": {record.NounEvent: 1}}, after)

	require.NoError(t, ix.Reset(t.Context()))
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	again, err := ix.Count(t.Context())
	require.NoError(t, err)
	assert.Equal(t, after, again, "an index that was built again counts anew")
}

func TestTheLatestOfAKindComeFirst(t *testing.T) {
	l, ix := follow(t)
	r := indextest.Seen(t, 1)
	l.Put("Harbor", r, indextest.Artifact(t, "dataset/harbor/a@1"), indextest.Artifact(t, "model/harbor/b@1"),
		indextest.Artifact(t, "dataset/harbor/a@2"))
	one := l.Put("Harbor", indextest.Statement(t, record.Recall, `{"reason":"one"}`, string(r.ID)))
	l.Put("Harbor", indextest.Statement(t, record.Finding, `{"detail":"none"}`, string(r.ID)))
	two := l.Put("Harbor", indextest.Statement(t, record.Recall, `{"reason":"two"}`, string(r.ID)))
	recalls, err := ix.LatestStatements(t.Context(), record.Recall, 10)
	require.NoError(t, err)
	require.Len(t, recalls, 2)
	assert.Equal(t, []string{two, one}, []string{recalls[0].ID, recalls[1].ID})
	refs := func(list []index.Artifact) (refs []string) {
		for _, a := range list {
			refs = append(refs, a.Ref)
		}
		return refs
	}
	list, next, err := ix.LatestArtifacts(t.Context(), "", 0, 2)
	require.NoError(t, err)
	assert.Equal(t, []string{"dataset/harbor/a@2", "model/harbor/b@1"}, refs(list))
	list, next, err = ix.LatestArtifacts(t.Context(), "", next, 2)
	require.NoError(t, err)
	assert.Equal(t, []string{"dataset/harbor/a@1"}, refs(list))
	assert.Zero(t, next)
	list, _, err = ix.LatestArtifacts(t.Context(), "dataset", 0, 10)
	require.NoError(t, err)
	assert.Equal(t, []string{"dataset/harbor/a@2", "dataset/harbor/a@1"}, refs(list))
	list, err = ix.LatestVersions(t.Context(), index.ArtifactFilter{Kind: "dataset", Namespace: "harbor", Name: "a"}, 1)
	require.NoError(t, err)
	assert.Equal(t, []string{"dataset/harbor/a@2"}, refs(list))
}

func TestThingsAreFoundByTheirNumbersAlone(t *testing.T) {
	l, ix := follow(t)
	l.Put("Harbor", indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE","bizStep":"shipping","epcList":["urn:epc:id:sgtin:9521234.054321.A17"],
		"quantityList":[{"epcClass":"https://id.gs1.org/01/09521234543213/10/A%2F17"},{"epcClass":"https://id.gs1.org/01/09521234543213/10/a17"},{"epcClass":"https://id.gs1.org/01/09521234543213"}]}`))
	for number, want := range map[string][]string{
		"A/17": {"https://id.gs1.org/01/09521234543213/10/A%2F17"}, "A17": {"https://id.gs1.org/01/09521234543213/10/a17", "https://id.gs1.org/01/09521234543213/21/A17"}, "17": nil, "": nil,
	} {
		things, some, err := ix.ThingsByNumber(t.Context(), number, 5)
		require.NoError(t, err)
		assert.ElementsMatch(t, want, things, number)
		assert.False(t, some)
	}
	_, some, err := ix.ThingsByNumber(t.Context(), "A17", 1)
	require.NoError(t, err)
	assert.True(t, some)
}

func TestOrganisationsKeepTheOrderOfTheirIntroduction(t *testing.T) {
	l, ix := follow(t)
	l.Put("Market", indextest.Member(t, `{"mspId":"MarketMSP","name":"Market","namespaces":["market"]}`))
	l.Put("Harbor", indextest.Member(t, `{"mspId":"HarborMSP","name":"Harbor","namespaces":["harbor"]}`))
	l.Put("Market", indextest.Member(t, `{"mspId":"MarketMSP","name":"The Market","namespaces":["market"]}`))
	all, err := ix.Organisations(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []index.Organisation{{"MarketMSP", "The Market"}, {"HarborMSP", "Harbor"}}, all)
}
