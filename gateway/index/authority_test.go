package index_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

const (
	lotA   = "https://id.gs1.org/01/09520001020001/10/A"
	pallet = "https://id.gs1.org/00/095200010000000010"
)

// said are the claims about a node, as organisation, what it counts as and with what standing.
func said(t *testing.T, ix *index.Index, node string, at uint64) (claims, flags []string) {
	t.Helper()
	s, err := ix.Status(t.Context(), node, at)
	require.NoError(t, err)
	for _, c := range s.Claims {
		text := fmt.Sprintf("%s %s %s", c.MSPID, c.Kind, c.Standing)
		if c.Stated != "" {
			text += ", stated as " + c.Stated
		}
		claims = append(claims, text)
	}
	return claims, s.Flags
}

func lotEvent(t *testing.T, action, bizStep string, hour int) *record.Record {
	return indextest.Event(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-01T%02d:00:00Z","action":%q,"bizStep":%q,
		"quantityList":[{"epcClass":%q}]}`, hour, action, bizStep, lotA))
}

func recallBy(t *testing.T, org, node string, n int) *record.Record {
	return indextest.StatementBy(t, org, record.Recall, fmt.Sprintf(`{"reason":"reason %d"}`, n), node)
}

func TestARecallIsJudgedByWhatWasOnTheLedger(t *testing.T) {
	l, ix := follow(t)
	l.Put("Stranger", recallBy(t, "Stranger", lotA, 0)) // the chaincode refuses this: no event names the lot
	made := lotEvent(t, "ADD", "commissioning", 6)
	l.Put("Harbor", made)
	l.Put("Stranger", made) // repeats it
	l.Put("Stranger", recallBy(t, "Stranger", lotA, 1))
	l.Put("Lab", lotEvent(t, "ADD", "commissioning", 7)) // a second commissioning
	l.Put("Lab", recallBy(t, "Lab", lotA, 2))
	l.Put("Market", lotEvent(t, "OBSERVE", "receiving", 8)) // before anybody has shipped it
	l.Put("Market", recallBy(t, "Market", lotA, 3))
	l.Put("Stranger", lotEvent(t, "OBSERVE", "shipping", 9)) // by one that doesn't hold it
	l.Put("Market", lotEvent(t, "OBSERVE", "receiving", 10))
	l.Put("Market", recallBy(t, "Market", lotA, 4))
	before := l.Height()
	l.Put("Harbor", lotEvent(t, "OBSERVE", "shipping", 11))
	l.Put("Market", lotEvent(t, "OBSERVE", "receiving", 12))
	l.Put("Market", recallBy(t, "Market", lotA, 5))
	l.Put("Stranger", recallBy(t, "Stranger", lotA, 6))
	l.Put("Harbor", recallBy(t, "Harbor", lotA, 7))
	l.Put("Harbor", indextest.StatementBy(t, "Harbor", record.Withdrawal, `{"reason":"x"}`, lotA))
	l.Put("Stranger", indextest.StatementBy(t, "Stranger", record.Withdrawal, `{"reason":"x"}`, lotA))
	l.Put("Stranger", indextest.StatementBy(t, "Stranger", record.Licence, `{"licence":"MIT"}`, lotA))
	l.Put("Stranger", indextest.StatementBy(t, "Stranger", record.Warning, `{"reason":"x"}`, lotA))
	l.Put("Harbor", lotEvent(t, "OBSERVE", "shipping", 13))
	claims, flags := said(t, ix, lotA, index.Latest)
	assert.Equal(t, []string{
		"StrangerMSP warning none, stated as recall",
		"StrangerMSP warning none, stated as recall",
		"LabMSP warning none, stated as recall",
		"MarketMSP warning none, stated as recall",
		"MarketMSP warning none, stated as recall",
		"MarketMSP recall holder",
		"StrangerMSP warning none, stated as recall",
		"HarborMSP recall maker",
		"HarborMSP withdrawal maker",
		"StrangerMSP warning none, stated as withdrawal",
		"StrangerMSP finding none, stated as licence",
		"StrangerMSP warning ",
	}, claims)
	assert.Equal(t, []string{"finding", "recalled", "warned", "withdrawn"}, flags)
	claims, flags = said(t, ix, lotA, before)
	assert.Len(t, claims, 5)
	assert.Equal(t, []string{"warned"}, flags)
}

func TestWhoUsesUpWhatComesFromOutsideHoldsIt(t *testing.T) {
	l, ix := follow(t)
	l.Put("Stranger", lotEvent(t, "OBSERVE", "holding", 5))
	l.Put("Harbor", indextest.Event(t, fmt.Sprintf(`{"type":"TransformationEvent","eventTime":"2026-03-01T06:00:00Z",
		"inputQuantityList":[{"epcClass":%q}],"outputQuantityList":[{"epcClass":"https://id.gs1.org/01/09521321000008/10/B"}]}`, lotA)))
	l.Put("Lab", indextest.Event(t, fmt.Sprintf(`{"type":"TransformationEvent","eventTime":"2026-03-01T07:00:00Z",
		"inputQuantityList":[{"epcClass":%q}],"outputQuantityList":[{"epcClass":"https://id.gs1.org/01/09521321000008/10/C"}]}`, lotA)))
	for i, org := range []string{"Stranger", "Harbor", "Lab"} {
		l.Put(org, recallBy(t, org, lotA, i))
	}
	claims, _ := said(t, ix, lotA, index.Latest)
	assert.Equal(t, []string{
		"StrangerMSP warning none, stated as recall", "HarborMSP recall holder",
		"LabMSP warning none, stated as recall", // nothing was shipped to it
	}, claims)
}

func TestThingsAreMadeInThreeWays(t *testing.T) {
	for name, c := range map[string]struct {
		event, thing string
	}{
		"commissioning":    {`"type":"ObjectEvent","action":"ADD","epcList":["urn:epc:id:sscc:9520001.0000000001"]`, pallet},
		"a transformation": {`"type":"TransformationEvent","inputQuantityList":[{"epcClass":"urn:epc:class:lgtin:9520001.010001.X"}],"outputQuantityList":[{"epcClass":"` + lotA + `"}]`, lotA},
		"a packing":        {`"type":"AggregationEvent","action":"ADD","parentID":"` + pallet + `","childQuantityList":[{"epcClass":"` + lotA + `"}]`, pallet},
	} {
		l, ix := follow(t)
		l.Put("Lab", indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T05:00:00Z","action":"OBSERVE","epcList":["`+pallet+`"],"quantityList":[{"epcClass":"`+lotA+`"}]}`))
		l.Put("Lab", indextest.Event(t, `{"type":"AssociationEvent","eventTime":"2026-03-01T05:00:00Z","action":"ADD","parentID":"`+pallet+`","childEPCs":["urn:epc:id:giai:9520001.7"]}`))
		l.Put("Lab", indextest.Event(t, `{"type":"ObjectEvent","eventID":"urn:uuid:6e0b2a3e-1f0a-4a52-9d5c-0a1f5f7d2b11","eventTime":"2026-03-01T05:00:00Z","action":"ADD","epcList":["`+pallet+`"],"quantityList":[{"epcClass":"`+lotA+`"}],"errorDeclaration":{"declarationTime":"2026-03-02T06:00:00Z"}}`))
		l.Put("Harbor", indextest.Event(t, `{"eventTime":"2026-03-01T06:00:00Z",`+c.event+`}`))
		l.Put("Harbor", recallBy(t, "Harbor", c.thing, 1))
		l.Put("Lab", recallBy(t, "Lab", c.thing, 2))
		claims, _ := said(t, ix, c.thing, index.Latest)
		assert.Equal(t, []string{"HarborMSP recall maker", "LabMSP warning none, stated as recall"}, claims, name)
	}
}

func TestTheOwnerOfACompanyPrefixAnswersForItsThings(t *testing.T) {
	l, ix := follow(t)
	member := func(org string) string {
		return l.Put(org, indextest.Member(t, fmt.Sprintf(`{"mspId":"%sMSP","name":%q,"record":"member/2"}`, org, org)))
	}
	harbor, _, _, _ := member("Harbor"), member("Market"), member("Lab"), member("Carrier")
	l.Put("Carrier", lotEvent(t, "ADD", "commissioning", 6)) // on its own, or before Harbor
	l.Put("Carrier", recallBy(t, "Carrier", lotA, 1))
	claim := l.Put("Harbor", indextest.StatementBy(t, "Harbor", record.Prefix, `{"prefix":"9520001"}`, harbor))
	l.Put("Harbor", recallBy(t, "Harbor", lotA, 2))
	l.Put("Market", indextest.StatementBy(t, "Market", record.Approval, `{}`, claim))
	l.Put("Harbor", recallBy(t, "Harbor", lotA, 3))
	prefixes, err := ix.Prefixes(t.Context(), index.Latest)
	require.NoError(t, err)
	assert.Equal(t, []index.Prefix{{Prefix: "9520001", MSPID: "HarborMSP", Claim: claim,
		ApprovedBy: []string{"MarketMSP"}}}, prefixes)
	back := l.Put("Lab", indextest.StatementBy(t, "Lab", record.Approval, `{"note":"hasty"}`, claim))
	counted := l.Height()
	l.Put("Harbor", recallBy(t, "Harbor", lotA, 4))
	l.Put("Lab", indextest.StatementBy(t, "Lab", record.Retraction, `{"reason":"hasty"}`, back)) // too late
	l.Put("Harbor", recallBy(t, "Harbor", "https://id.gs1.org/00/095200010000000027", 5))
	l.Put("Carrier", recallBy(t, "Carrier", lotA, 6))
	l.Put("Harbor", lotEvent(t, "OBSERVE", "shipping", 7))
	l.Put("Market", lotEvent(t, "OBSERVE", "accepting", 8))
	l.Put("Market", recallBy(t, "Market", lotA, 7))
	l.Put("Harbor", indextest.StatementBy(t, "Harbor", record.Retraction, `{"reason":"sold"}`, claim))
	l.Put("Harbor", recallBy(t, "Harbor", lotA, 8))
	claims, _ := said(t, ix, lotA, index.Latest)
	assert.Equal(t, []string{
		"CarrierMSP recall maker",
		"HarborMSP warning none, stated as recall",
		"HarborMSP warning none, stated as recall",
		"HarborMSP recall owner",
		"CarrierMSP warning none, stated as recall",
		"MarketMSP recall holder",
		"HarborMSP warning none, stated as recall",
	}, claims)
	claims, _ = said(t, ix, "https://id.gs1.org/00/095200010000000027", index.Latest)
	assert.Equal(t, []string{"HarborMSP recall owner"}, claims)
	prefixes, err = ix.Prefixes(t.Context(), index.Latest)
	require.NoError(t, err)
	assert.Empty(t, prefixes, "it was retracted")
	prefixes, err = ix.Prefixes(t.Context(), counted)
	require.NoError(t, err)
	assert.Equal(t, []index.Prefix{{Prefix: "9520001", MSPID: "HarborMSP", Claim: claim, InForce: true,
		ApprovedBy: []string{"MarketMSP", "LabMSP"}}}, prefixes)
}

func TestAnApprovalThatWasTakenBackInTimeDoesNotCount(t *testing.T) {
	l, ix := follow(t)
	var own string
	for _, org := range []string{"Market", "Lab", "Carrier", "Harbor"} {
		own = l.Put(org, indextest.Member(t, fmt.Sprintf(`{"mspId":"%sMSP","name":%q,"record":"member/2"}`, org, org)))
	}
	claim := l.Put("Harbor", indextest.StatementBy(t, "Harbor", record.Prefix, `{"prefix":"9520001"}`, own))
	approval := l.Put("Market", indextest.StatementBy(t, "Market", record.Approval, `{}`, claim))
	l.Put("Market", indextest.StatementBy(t, "Market", record.Approval, `{"note":"twice"}`, claim)) // one vote
	l.Put("Stranger", indextest.StatementBy(t, "Stranger", record.Approval, `{}`, claim))           // no member
	l.Put("Market", indextest.StatementBy(t, "Market", record.Retraction, `{"reason":"x"}`, approval))
	counts := func() bool {
		all, err := ix.Prefixes(t.Context(), index.Latest)
		require.NoError(t, err)
		require.Len(t, all, 1)
		return all[0].InForce
	}
	require.False(t, counts())
	l.Put("Lab", indextest.StatementBy(t, "Lab", record.Approval, `{}`, claim))
	require.True(t, counts(), "the second approval of Market stands")
}

func TestOfAnEventEachSpeaksForItsOwnReport(t *testing.T) {
	l, ix := follow(t)
	e := lotEvent(t, "OBSERVE", "holding", 6)
	l.Put("Harbor", e)
	l.Put("Market", e)
	l.Put("Market", recallBy(t, "Market", string(e.ID), 1))
	l.Put("Market", indextest.StatementBy(t, "Market", record.Withdrawal, `{"reason":"x"}`, string(e.ID)))
	claims, flags := said(t, ix, string(e.ID), index.Latest)
	assert.Equal(t, []string{"MarketMSP warning own-report, stated as recall",
		"MarketMSP warning own-report, stated as withdrawal"}, claims)
	assert.Equal(t, []string{"warned"}, flags, "never recalled or withdrawn: that is Harbor's word")
	l.Put("Harbor", recallBy(t, "Harbor", string(e.ID), 2))
	claims, flags = said(t, ix, string(e.ID), index.Latest)
	assert.Equal(t, "HarborMSP recall reporter", claims[2])
	assert.Equal(t, []string{"recalled", "warned"}, flags)
}

func TestVersionOneIsNotJudgedAgain(t *testing.T) {
	l, ix := follow(t)
	l.Put("Harbor", lotEvent(t, "ADD", "commissioning", 6))
	l.Put("Market", indextest.Statement(t, record.Recall, `{"reason":"\"record\":\"statement/2\""}`, lotA))
	claims, flags := said(t, ix, lotA, index.Latest)
	assert.Equal(t, []string{"MarketMSP recall "}, claims)
	assert.Equal(t, []string{"recalled"}, flags)
	l.Put("Market", indextest.StatementBy(t, "Market", record.Recall, `{"reason":"\"record\":\"statement/1\""}`, lotA))
	claims, _ = said(t, ix, lotA, index.Latest)
	assert.Equal(t, "MarketMSP warning none, stated as recall", claims[1])
}

func TestAStatementIsWeighedByWhatItIsAbout(t *testing.T) {
	l, ix := follow(t)
	e := lotEvent(t, "ADD", "commissioning", 6)
	l.Put("Harbor", e)
	other := indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T07:00:00Z","action":"ADD","epcList":["`+
		pallet+`"]}`)
	l.Put("Market", other)
	weigh := func(org, kind string, about ...string) index.Weight {
		id := l.Put(org, indextest.StatementBy(t, org, kind, `{"reason":"x"}`, about...))
		r, err := ix.Record(t.Context(), id, index.Latest)
		require.NoError(t, err)
		w, err := ix.Weigh(t.Context(), r)
		require.NoError(t, err)
		return w
	}
	assert.Equal(t, index.Weight{Kind: "recall", Standing: "maker"}, weigh("Harbor", record.Recall, pallet, lotA))
	assert.Equal(t, index.Weight{Kind: "warning", Standing: "none", Stated: "recall"},
		weigh("Lab", record.Recall, pallet, lotA))
	assert.Equal(t, index.Weight{Kind: "recall", Standing: "reporter"}, weigh("Harbor", record.Recall, string(e.ID)))
	assert.Equal(t, index.Weight{Kind: "warning"}, weigh("Lab", record.Warning, pallet))
}
