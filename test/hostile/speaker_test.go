package hostile

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/network"
)

// asHarborSees is a client of Harbor's gateway, once that has indexed a transaction.
func asHarborSees(t *testing.T, n *network.Network, m *Member, tx string) *client.Client {
	t.Helper()
	c, err := client.Local(n.Dir(), "harbor", network.Auditor)
	require.NoError(t, err)
	require.NoError(t, c.AwaitBlock(within(t, time.Minute), m.await(t, tx).GetHeader().GetNumber()))
	return c
}

// view is what a gateway tells of a record.
type view struct {
	client.View
	Statements []struct{ MSPID, Kind, Stated, Standing string } `json:"statements"`
}

func viewOf(t *testing.T, c *client.Client, id record.ID) view {
	t.Helper()
	var v view
	require.NoError(t, c.Get(t.Context(), client.RecordPath(string(id)), nil, &v))
	return v
}

// flagsOf are the flags of a node in a lineage answer.
func flagsOf(t *testing.T, c *client.Client, node string) []string {
	t.Helper()
	var g client.Graph
	require.NoError(t, c.Get(t.Context(), "/v1/lineage", url.Values{"node": {node}}, &g))
	for _, found := range g.Nodes {
		if found.ID == node {
			return found.Flags
		}
	}
	require.Fail(t, "the lineage lacks its own node", node)
	return nil
}

// TestWhoRepeatsAnEventSpeaksForItsOwnReport has Market record the bytes of an event in which Harbor made something.
// Then Market recalls the event and the thing and withdraws consent, with its own transaction as the witness.
func TestWhoRepeatsAnEventSpeaksForItsOwnReport(t *testing.T) {
	n := shared(t)
	harbor, market := join(t, n, "harbor"), join(t, n, "market")
	item := thing(fresh())
	e := epcisEvent(t, fmt.Sprintf(`"action":"ADD","bizStep":"commissioning","epcList":[%q]`, item))
	own := harbor.submit(t, "Events:Submit", packed(t, e), nil)
	repeated := market.submit(t, "Events:Submit", packed(t, e), nil)

	said := func(kind, node string) *record.Record {
		return statement(t, market.MSPID, kind, node, `{"reason":"Market says so"}`)
	}
	place := record.Place{ID: e.ID, Tx: repeated}
	var last string
	for _, kind := range []string{record.Recall, record.Withdrawal} {
		for _, node := range []string{string(e.ID), item} {
			last = market.submit(t, "Statements:Submit", packed(t, said(kind, node)), map[string]record.Place{node: place})
		}
	}
	for _, kind := range []string{record.Recall, record.Withdrawal} {
		assert.Equal(t, "not_yours", market.refused(t, "Statements:Submit", packed(t, said(kind, string(e.ID))),
			map[string]record.Place{string(e.ID): {ID: e.ID, Tx: own}}), "by Harbor's report")
	}

	c := asHarborSees(t, n, market, last)
	v := viewOf(t, c, e.ID)
	assert.Equal(t, []string{"warned"}, v.Status)
	require.Len(t, v.Statements, 2)
	for _, s := range v.Statements {
		assert.Equal(t, "MarketMSP warning", s.MSPID+" "+s.Kind)
		assert.Equal(t, "own-report", s.Standing)
	}
	assert.Equal(t, []string{"warned"}, flagsOf(t, c, item))
	// Harbor's consent is Harbor's: its report may still be used.
	use := made(t)(record.NewActivity(value(t, fmt.Sprintf(`{"type":"training","used":[{"ref":%q}]}`, e.ID)), harbor.MSPID))
	harbor.submit(t, "Activities:Submit", packed(t, use), map[string]record.Place{string(e.ID): {ID: e.ID, Tx: own}})
	assert.Equal(t, "consent_withdrawn", harbor.refused(t, "Activities:Submit", packed(t, made(t)(record.NewActivity(
		value(t, fmt.Sprintf(`{"type":"training","description":"by Market's report","used":[{"ref":%q}]}`, e.ID)), harbor.MSPID))),
		map[string]record.Place{string(e.ID): place}))
}

// TestNobodyRecordsWhatAnotherIsAboutToSay has Market see Harbor's records while its peer endorses them. Market records
// the same bytes first, and also those bytes without the name of who says it.
func TestNobodyRecordsWhatAnotherIsAboutToSay(t *testing.T) {
	n := shared(t)
	harbor, market := join(t, n, "harbor"), join(t, n, "market")
	seen := observed(t, fresh())
	witness := map[string]record.Place{string(seen.ID): {ID: seen.ID, Tx: harbor.submit(t, "Events:Submit", packed(t, seen), nil)}}
	outdated := func(r *record.Record) canonical.Value {
		return value(t, string(r.Body)).Without("by").With("record", canonical.Str(string(r.Noun)+"/1"))
	}
	finding := statement(t, harbor.MSPID, record.Finding, string(seen.ID), `{"detail":"too warm"}`)
	run := made(t)(record.NewActivity(value(t, fmt.Sprintf(`{"type":"evaluation","used":[{"ref":%q}]}`, seen.ID)), harbor.MSPID))
	dataset := made(t)(record.NewArtifact(value(t, fmt.Sprintf(`{"kind":"dataset","namespace":"harbor","name":"catch","version":"%d",
		"digest":{"algorithm":"sha-256","value":"%064x","coverage":"full"}}`, fresh(), fresh())), harbor.MSPID))
	for _, c := range []struct {
		function string
		pending  *record.Record
		plain    *record.Record
		witness  map[string]record.Place
	}{
		{"Statements:Submit", finding, made(t)(record.NewStatement(outdated(finding), "", nil)), witness},
		{"Activities:Submit", run, made(t)(record.NewActivity(outdated(run), "")), witness},
		{"Artifacts:Submit", dataset, made(t)(record.NewArtifact(outdated(dataset), "")), nil},
	} {
		t.Run(c.function, func(t *testing.T) {
			pending, err := harbor.propose(t.Context(), c.function, packed(t, c.pending), encodedWitnesses(t, c.witness)...)
			require.NoError(t, err)
			assert.Equal(t, "not_yours", market.refused(t, c.function, packed(t, c.pending), c.witness))
			assert.Equal(t, "outdated_version", market.refused(t, c.function, packed(t, c.plain), c.witness))
			harbor.commit(t, pending)
			assert.Equal(t, "not_yours", market.refused(t, c.function, packed(t, c.pending), c.witness), "nor afterwards")
			v := viewOf(t, asHarborSees(t, n, harbor, pending.id), c.pending.ID)
			require.Len(t, v.Recordings, 1)
			assert.Equal(t, "HarborMSP", v.Recordings[0].MSPID)
			if c.pending.Noun == record.NounStatement {
				retraction := statement(t, market.MSPID, record.Retraction, string(c.pending.ID), `{"reason":"never mind"}`)
				assert.Equal(t, "not_yours", market.refused(t, c.function, packed(t, retraction),
					map[string]record.Place{string(c.pending.ID): {ID: c.pending.ID, Tx: pending.id}}))
			}
		})
	}
}

// TestAnEventIDStaysWithItsFirstUser has Market use Harbor's event id for another event, and declare Harbor's event an
// error.
func TestAnEventIDStaysWithItsFirstUser(t *testing.T) {
	n := shared(t)
	harbor, market := join(t, n, "harbor"), join(t, n, "market")
	number := fresh()
	id := fmt.Sprintf("urn:uuid:0197f1a2-0000-4000-8000-%012x", number)
	first := epcisEvent(t, fmt.Sprintf(`"eventID":%q,"action":"OBSERVE","epcList":[%q]`, id, thing(number)))
	other := epcisEvent(t, fmt.Sprintf(`"eventID":%q,"action":"OBSERVE","epcList":[%q]`, id, thing(number+1)))
	declaration := epcisEvent(t, fmt.Sprintf(`"eventID":%q,"action":"OBSERVE","epcList":[%q],
		"errorDeclaration":{"declarationTime":"2026-03-02T08:00:00.000Z"}`, id, thing(number)))
	harbor.submit(t, "Events:Submit", packed(t, first), nil)
	market.submit(t, "Events:Submit", packed(t, other), nil)
	c := asHarborSees(t, n, market, market.submit(t, "Events:Submit", packed(t, declaration), nil))

	assert.Equal(t, []string{"disputed"}, viewOf(t, c, first.ID).Status)
	assert.Contains(t, viewOf(t, c, other.ID).Status, "event-id-reused")
	var answer struct {
		EpcisBody struct {
			QueryResults struct {
				ResultsBody struct {
					EventList []struct{ EpcList []string }
				}
			}
		}
	}
	require.NoError(t, c.Get(t.Context(), "/epcis/v2/events", url.Values{"EQ_eventID": {id}}, &answer))
	events := answer.EpcisBody.QueryResults.ResultsBody.EventList
	require.NotEmpty(t, events)
	assert.Equal(t, []string{thing(number)}, events[0].EpcList, "Harbor's comes first")
}

// TestANamespaceIsNoName has Market claim a namespace that looks like an authority's. Nobody can prevent that, so whose
// it is stands beside everything in it.
func TestANamespaceIsNoName(t *testing.T) {
	n := shared(t)
	operator, market := joinAs(t, n, "market", network.Operator), join(t, n, "market")
	namespace := fmt.Sprintf("fda-%d", fresh())
	claim := func(by, namespace string) []byte {
		return packed(t, made(t)(record.NewMember(value(t, fmt.Sprintf(
			`{"record":"member/2","mspId":%q,"name":"FDA","namespaces":[%q]}`, by, namespace)))))
	}
	assert.Equal(t, "namespace_taken", operator.refused(t, "Members:Submit", claim(operator.MSPID, "harbor"), nil))
	assert.Equal(t, "not_yours", operator.refused(t, "Members:Submit", claim("HarborMSP", namespace), nil))
	assert.Equal(t, "not_admin", market.refused(t, "Members:Submit", claim(market.MSPID, namespace), nil))
	operator.submit(t, "Members:Submit", claim(operator.MSPID, namespace), nil)
	ref := "dataset/" + namespace + "/approved@1"
	dataset := made(t)(record.NewArtifact(value(t, fmt.Sprintf(`{"kind":"dataset","namespace":%q,"name":"approved","version":"1",
		"digest":{"algorithm":"sha-256","value":"%064x","coverage":"full"}}`, namespace, fresh())), market.MSPID))
	c := asHarborSees(t, n, market, market.submit(t, "Artifacts:Submit", packed(t, dataset), nil))

	var g client.Graph
	require.NoError(t, c.Get(t.Context(), "/v1/lineage", url.Values{"node": {ref}}, &g))
	require.Len(t, g.Nodes, 1)
	assert.Equal(t, market.MSPID, g.Nodes[0].MSPID)
	assert.Equal(t, market.MSPID, viewOf(t, c, dataset.ID).Recordings[0].MSPID)
	var owners struct {
		Items []struct{ Namespace, MSPID string }
	}
	require.NoError(t, c.Get(t.Context(), "/v1/namespaces", nil, &owners))
	assert.Contains(t, owners.Items, struct{ Namespace, MSPID string }{namespace, market.MSPID})
}
