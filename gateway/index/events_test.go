package index_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestEventQueries(t *testing.T) {
	l, ix := follow(t)
	for _, event := range []struct{ name, text string }{
		{"ship", `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE","bizStep":"shipping","disposition":"in_transit","eventID":"urn:uuid:00000000-0000-4000-8000-000000000001",
			"epcList":["urn:epc:id:sgtin:9521234.054321.1"],"quantityList":[{"epcClass":"urn:epc:class:lgtin:9521234.054321.LOT7","quantity":5,"uom":"KGM"}],
			"readPoint":{"id":"urn:epc:id:sgln:9521234.00001.0"},"bizLocation":{"id":"urn:epc:id:sgln:9521234.00002.0"},
			"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9521234000013:1"}]}`},
		{"pack", `{"type":"AggregationEvent","eventTime":"2026-03-01T09:00:00.5Z","action":"ADD","bizStep":"packing","parentID":"urn:epc:id:sscc:9521234.0000000001",
			"childEPCs":["urn:epc:id:sgtin:9521234.054321.2"],"childQuantityList":[{"epcClass":"https://id.gs1.org/01/09521234543213/10/LOT8","quantity":1}]}`},
		{"make", `{"type":"TransformationEvent","eventTime":"2026-03-02T08:00:00+02:00","eventTimeZoneOffset":"+02:00","bizStep":"commissioning",
			"inputEPCList":["urn:epc:id:sgtin:9521234.054321.1"],"inputQuantityList":[{"epcClass":"https://id.gs1.org/01/09521234543213/10/LOT7"}],
			"outputEPCList":["urn:epc:id:sgtin:9521234.099999.5"],"outputQuantityList":[{"epcClass":"https://id.gs1.org/01/09521234543213"}]}`},
		{"sell", `{"type":"TransactionEvent","eventTime":"2026-03-03T08:00:00Z","action":"DELETE","bizStep":"https://example.com/steps/auction","parentID":"urn:epc:id:sscc:9521234.0000000002",
			"epcList":["https://example.com/a%20b/21/x"],"bizTransactionList":[{"bizTransaction":"urn:example:deal:1"}]}`},
		{"join", `{"type":"AssociationEvent","eventTime":"2026-03-04T08:00:00Z","action":"OBSERVE","parentID":"urn:epc:id:grai:9521234.55555.987","childEPCs":["urn:epc:id:giai:9521234.12345"]}`},
	} {
		r := indextest.Event(t, event.text)
		l.Put("Harbor", r)
		names[string(r.ID)] = event.name
	}
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339Nano, text)
		require.NoError(t, err)
		return when
	}
	match := func(parameter string, values ...string) index.EventQuery {
		return index.EventQuery{Match: []index.MatchQuery{{Parameter: parameter, Values: values}}}
	}
	for _, test := range []struct {
		name  string
		query index.EventQuery
		want  string
	}{
		{"without parameters all come, in ledger order", index.EventQuery{}, "ship pack make sell join"},
		{"eventType", index.EventQuery{EventTypes: []string{"ObjectEvent", "AssociationEvent"}}, "ship join"},
		{"EQ_action leaves out events without action", index.EventQuery{Actions: []string{"OBSERVE", "ADD"}}, "ship pack join"},
		{"EQ_bizStep as a bare word", index.EventQuery{BizSteps: []string{"shipping"}}, "ship"},
		{"EQ_bizStep as a URN and as a web URI", index.EventQuery{BizSteps: []string{"urn:epcglobal:cbv:bizstep:packing", "https://ref.gs1.org/cbv/BizStep-shipping"}}, "ship pack"},
		{"EQ_bizStep of one's own", index.EventQuery{BizSteps: []string{"https://example.com/steps/auction"}}, "sell"},
		{"EQ_disposition", index.EventQuery{Disposition: []string{"in_transit"}}, "ship"},
		{"GE_eventTime includes the moment", index.EventQuery{EventTimeFrom: at("2026-03-01T09:00:00.5Z")}, "pack make sell join"},
		{"LT_eventTime excludes it", index.EventQuery{EventTimeBefore: at("2026-03-01T10:00:00.5+01:00")}, "ship"},
		{"both, with an offset", index.EventQuery{EventTimeFrom: at("2026-03-02T06:00:00Z"), EventTimeBefore: at("2026-03-02T06:00:01Z")}, "make"},
		{"GE_recordTime is the ledger's", index.EventQuery{RecordTimeFrom: indextest.Start.Add(4 * time.Second)}, "sell join"},
		{"LT_recordTime", index.EventQuery{RecordTimeBefore: indextest.Start.Add(2 * time.Second)}, "ship"},
		{"GE_recordTime of the future", index.EventQuery{RecordTimeFrom: indextest.Start.AddDate(9, 0, 0)}, ""},
		{"EQ_eventID", index.EventQuery{EventIDs: []string{"urn:uuid:00000000-0000-4000-8000-000000000001"}}, "ship"},
		{"MATCH_epc finds epcList, in any spelling", match("MATCH_epc", "https://example.com/gtin/9521234543213/ser/1"), "ship"},
		{"MATCH_epc finds childEPCs", match("MATCH_epc", "urn:epc:id:sgtin:9521234.054321.2"), "pack"},
		{"MATCH_epc leaves out parents, inputs and outputs", match("MATCH_epc", "urn:epc:id:sscc:9521234.0000000001", "urn:epc:id:sgtin:9521234.099999.5"), ""},
		{"MATCH_epc with a pattern of a class", match("MATCH_epc", "urn:epc:idpat:sgtin:9521234.054321.*"), "ship pack"},
		{"MATCH_epc with a pattern of a company", match("MATCH_epc", "urn:epc:idpat:sgtin:9521234.*.*"), "ship pack"},
		{"MATCH_epc with another company's pattern", match("MATCH_epc", "urn:epc:idpat:sgtin:9521235.*.*"), ""},
		{"MATCH_anyEPC finds parents, inputs and outputs", match("MATCH_anyEPC", "urn:epc:id:sscc:9521234.0000000001", "urn:epc:id:sgtin:9521234.099999.5"), "pack make"},
		{"MATCH_anyEPC finds what is no GS1 key", match("MATCH_anyEPC", "https://example.com/a%20b/21/x"), "sell"},
		{"MATCH_anyEPC finds parents of transactions", match("MATCH_anyEPC", "urn:epc:id:sscc:9521234.0000000002"), "sell"},
		{"MATCH_parentID", match("MATCH_parentID", "urn:epc:id:grai:9521234.55555.987"), "join"},
		{"MATCH_inputEPC", match("MATCH_inputEPC", "urn:epc:id:sgtin:9521234.054321.1"), "make"},
		{"MATCH_outputEPC", match("MATCH_outputEPC", "urn:epc:id:sgtin:9521234.054321.1"), ""},
		{"MATCH_epcClass finds a lot in quantityList", match("MATCH_epcClass", "urn:epc:class:lgtin:9521234.054321.LOT7"), "ship"},
		{"MATCH_epcClass finds a lot in childQuantityList", match("MATCH_epcClass", "https://id.gs1.org/01/09521234543213/10/LOT8"), "pack"},
		{"MATCH_epcClass with a pattern finds all lots", match("MATCH_epcClass", "urn:epc:idpat:sgtin:9521234.054321.*"), "ship pack"},
		{"MATCH_inputEPCClass", match("MATCH_inputEPCClass", "https://id.gs1.org/01/09521234543213/10/LOT7"), "make"},
		{"MATCH_outputEPCClass", match("MATCH_outputEPCClass", "https://id.gs1.org/01/09521234543213"), "make"},
		{"MATCH_anyEPCClass", match("MATCH_anyEPCClass", "https://id.gs1.org/01/09521234543213/10/LOT7"), "ship make"},
		{"EQ_readPoint in another spelling", index.EventQuery{ReadPoints: []string{"https://id.gs1.org/414/9521234000013"}}, "ship"},
		{"EQ_bizLocation", index.EventQuery{BizLocations: []string{"urn:epc:id:sgln:9521234.00002.0"}}, "ship"},
		{"EQ_bizTransaction_po", index.EventQuery{BizTransactions: []index.TypedQuery{{Type: "po", Values: []string{"urn:epcglobal:cbv:bt:9521234000013:1"}}}}, "ship"},
		{"EQ_bizTransaction of another type", index.EventQuery{BizTransactions: []index.TypedQuery{{Type: "inv", Values: []string{"urn:epcglobal:cbv:bt:9521234000013:1"}}}}, ""},
		{"EQ_bizTransaction without a type", index.EventQuery{BizTransactions: []index.TypedQuery{{Values: []string{"urn:epcglobal:cbv:bt:9521234000013:1", "urn:example:deal:1"}}}}, "sell"},
		{"all must fit", index.EventQuery{EventTypes: []string{"ObjectEvent"}, BizSteps: []string{"packing"}}, ""},
		{"an empty list is met by nothing", index.EventQuery{BizSteps: []string{}}, ""},
		{"hostile words are words", index.EventQuery{BizSteps: []string{"' OR 1=1 --", "\x00", strings.Repeat("x", 100_000)}}, ""},
		{"hostile things are things", match("MATCH_anyEPC", "%", "_", "'; DROP TABLE link; --", "\xff\xfe"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 100} {
				var found []string
				page := index.Page{Size: size}
				for {
					list, err := ix.Events(t.Context(), test.query, index.Latest, page)
					require.NoError(t, err)
					require.LessOrEqual(t, len(list.Items), size)
					for _, r := range list.Items {
						found = append(found, names[r.ID])
					}
					if page.Token = list.Next; page.Token == "" {
						break
					}
				}
				require.Equal(t, test.want, strings.Join(found, " "), "in pages of %d", size)
			}
		})
	}
}

var names = map[string]string{}

func TestQueriesThatCannotBeUnderstood(t *testing.T) {
	_, ix := follow(t)
	for _, test := range []struct {
		name, parameter string
		query           index.EventQuery
	}{
		{"an event type that isn't one", "eventType", index.EventQuery{EventTypes: []string{"FishEvent"}}},
		{"an action that isn't one", "EQ_action", index.EventQuery{Actions: []string{"add"}}},
		{"a parameter that isn't one", "MATCH_fish", index.EventQuery{Match: []index.MatchQuery{{Parameter: "MATCH_fish"}}}},
		{"a wildcard in the middle", "MATCH_epc", index.EventQuery{Match: []index.MatchQuery{{Parameter: "MATCH_epc", Values: []string{"urn:epc:idpat:sgtin:*.054321.1"}}}}},
		{"too many values", "EQ_readPoint", index.EventQuery{ReadPoints: numbers(201)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ix.Events(t.Context(), test.query, index.Latest, index.Page{})
			var query *index.QueryError
			require.ErrorAs(t, err, &query)
			require.Equal(t, test.parameter, query.Parameter)
		})
	}
}

func numbers(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("urn:x:%d", i)
	}
	return all
}

func TestPagesAreOneSnapshotWhileBlocksArrive(t *testing.T) {
	l, ix := follow(t)
	for n := range 10 {
		l.Put("Harbor", indextest.Seen(t, n))
	}
	q := index.EventQuery{BizSteps: []string{"shipping"}}
	page, got := index.Page{Size: 3}, 0
	for n := 100; ; n++ {
		list, err := ix.Events(t.Context(), q, index.Latest, page)
		require.NoError(t, err)
		require.EqualValues(t, 10, list.Block)
		got += len(list.Items)
		if page.Token = list.Next; page.Token == "" {
			break
		}
		l.Put("Market", indextest.Seen(t, n)) // fits the query, and comes too late
	}
	require.Equal(t, 10, got)
	list, err := ix.Events(t.Context(), q, 4, index.Page{})
	require.NoError(t, err)
	require.Len(t, list.Items, 4, "as it was at block 4")
}

func TestPageTokensBelongToTheirQuery(t *testing.T) {
	l, ix := follow(t)
	for n := range 5 {
		l.Put("Harbor", indextest.Seen(t, n))
	}
	list, err := ix.Events(t.Context(), index.EventQuery{BizSteps: []string{"shipping", "packing"}}, index.Latest,
		index.Page{Size: 2})
	require.NoError(t, err)
	token := list.Next
	_, err = ix.Events(t.Context(), index.EventQuery{BizSteps: []string{"packing",
		"urn:epcglobal:cbv:bizstep:shipping"}}, index.Latest, index.Page{Token: token})
	require.NoError(t, err, "the same query in other words")
	for _, test := range []struct {
		name, token string
		query       index.EventQuery
		at          uint64
	}{
		{"of another query", token, index.EventQuery{}, index.Latest},
		{"of another block", token, index.EventQuery{BizSteps: []string{"shipping", "packing"}}, 2},
		{"cut short", token[:len(token)-2], index.EventQuery{}, index.Latest},
		{"made up", "!!", index.EventQuery{}, index.Latest},
		{"of another shape", base64.RawURLEncoding.EncodeToString([]byte(`{"q":"x","l":1,"b":1,"z":1}`)), index.EventQuery{}, index.Latest},
		{"with a negative place", base64.RawURLEncoding.EncodeToString([]byte(`{"q":"x","l":-1,"b":1}`)), index.EventQuery{}, index.Latest},
		{"very long", strings.Repeat("A", 1<<20), index.EventQuery{}, index.Latest},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ix.Events(t.Context(), test.query, test.at, index.Page{Token: test.token})
			require.True(t, is[*index.TokenError](err), "%v", err)
		})
	}
	_, err = ix.Records(t.Context(), index.RecordFilter{}, index.Latest, index.Page{Token: token})
	require.True(t, is[*index.TokenError](err), "of another list")
}

func TestTheSameEventOfTwoOrganisationsIsFoundByItsHash(t *testing.T) {
	l, ix := follow(t)
	const text = `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE","epcList":["urn:epc:id:sgtin:9521234.054321.1"],"eventID":"urn:uuid:%s"}`
	one := indextest.Event(t, fmt.Sprintf(text, "00000000-0000-4000-8000-000000000001"))
	two := indextest.Event(t, fmt.Sprintf(text, "00000000-0000-4000-8000-000000000002"))
	l.Put("Harbor", one)
	l.Put("Market", two)
	found, err := ix.EventsByHash(t.Context(), one.Event.Hash, index.Latest)
	require.NoError(t, err)
	require.Equal(t, []string{string(one.ID), string(two.ID)}, ids(found))
	require.Equal(t, one.Event.Hash, two.Event.Hash)
	found, err = ix.EventsByEventID(t.Context(), "urn:uuid:00000000-0000-4000-8000-000000000002", index.Latest)
	require.NoError(t, err)
	require.Equal(t, []string{string(two.ID)}, ids(found))

	l.Put("Harbor", indextest.Seen(t, 1)) // its eventID is its hash
	hash := indextest.Seen(t, 1).Event.Hash
	found, err = ix.EventsByEventID(t.Context(), hash, index.Latest)
	require.NoError(t, err)
	require.Equal(t, []string{string(indextest.Seen(t, 1).ID)}, ids(found))
}

func TestHostileTextsGoInAndComeOutUnchanged(t *testing.T) {
	l, ix := follow(t)
	for i, text := range []string{
		"https://example.com/a';DROP+TABLE+node;--", "urn:example:%25_%25",
		"urn:example:" + strings.Repeat("a", 100_000), "https://example.com/%F0%9F%90%9F?x=(1)&y=*",
		"https://example.com/\U0001F41F\u202e", "urn:example:\u0000", `urn:example:"\`,
		"https://example.com/' OR '1'='1",
	} {
		v, err := canonical.From(map[string]any{"type": "ObjectEvent", "eventTime": "2026-03-01T08:00:00Z",
			"action": "OBSERVE", "epcList": []any{text},
			"bizTransactionList": []any{map[string]any{"bizTransaction": text}}})
		require.NoError(t, err)
		body := string(v.Bytes())
		r, refused := tryEvent(v)
		if refused {
			continue // so no such text ever gets here
		}
		l.Put("Harbor", r)
		list, err := ix.Events(t.Context(), index.EventQuery{Match: []index.MatchQuery{{Parameter: "MATCH_epc",
			Values: []string{text}}}}, index.Latest, index.Page{})
		require.NoError(t, err, body)
		require.Len(t, list.Items, 1, "%d: %.80s", i, body)
		require.Equal(t, r.Body, list.Items[0].Body)
		list, err = ix.Events(t.Context(), index.EventQuery{BizTransactions: []index.TypedQuery{{Values: []string{text}}}}, index.Latest, index.Page{})
		require.NoError(t, err)
		require.Len(t, list.Items, 1)
	}
	all, err := ix.Events(t.Context(), index.EventQuery{}, index.Latest, index.Page{})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all.Items), 3, "some of these are URIs and get this far")
}

func TestABroadPatternFindsTheSameAsItsThings(t *testing.T) {
	l, ix := follow(t)
	for n := 0; n < 1500; n += 100 {
		var records []*record.Record
		for i := range 100 {
			records = append(records, indextest.Seen(t, n+i))
		}
		l.Put("Harbor", records...)
	}
	for _, test := range []struct {
		parameter string
		want      int
	}{{"MATCH_epc", 1000}, {"MATCH_inputEPC", 0}} {
		q := index.EventQuery{Match: []index.MatchQuery{{Parameter: test.parameter,
			Values: []string{"urn:epc:idpat:sgtin:9521234.054321.*"}}}}
		list, err := ix.Events(t.Context(), q, index.Latest, index.Page{Size: 1000})
		require.NoError(t, err)
		require.Len(t, list.Items, test.want)
		if test.want > 0 {
			list, err = ix.Events(t.Context(), q, index.Latest, index.Page{Size: 1000, Token: list.Next})
			require.NoError(t, err)
			require.Len(t, list.Items, 500)
		}
	}
}

func TestThingsBelowAClass(t *testing.T) {
	l, ix := follow(t)
	l.Put("Harbor", indextest.Seen(t, 1), indextest.Seen(t, 2), indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"OBSERVE","quantityList":[{"epcClass":"urn:epc:class:lgtin:9521234.054321.LOT7"}]}`))
	list, err := ix.Things(t.Context(), "https://id.gs1.org/01/09521234543213", index.Latest, index.Page{Size: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"https://id.gs1.org/01/09521234543213/21/1", "https://id.gs1.org/01/09521234543213/21/2"},
		list.Items)
	list, err = ix.Things(t.Context(), "https://id.gs1.org/01/09521234543213", index.Latest,
		index.Page{Size: 2, Token: list.Next})
	require.NoError(t, err)
	require.Equal(t, []string{"https://id.gs1.org/01/09521234543213/10/LOT7"}, list.Items)
	require.Empty(t, list.Next)
}
