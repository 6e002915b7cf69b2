package lineage_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// chain makes lot 0 into lot 1 into … lot n.
func chain(s *story, n int) {
	for i := range n {
		s.makes(fmt.Sprintf("step%d", i), i, []string{fmt.Sprintf("lot%d", i)}, []string{fmt.Sprintf("lot%d", i+1)})
	}
}

func TestAnswersSayWhenAndWhereTheyWereCut(t *testing.T) {
	s := newStory(t)
	chain(s, 5)
	for _, test := range []struct {
		name     string
		query    lineage.Query
		nodes    int
		reasons  []string
		frontier []string
	}{
		{"by depth", lineage.Query{Depth: 3}, 4, []string{"depth"}, []string{"step1"}},
		{"by depth at the very end: nothing is missing", lineage.Query{Depth: 10}, 11, nil, nil},
		{"by size", lineage.Query{Nodes: 6}, 6, []string{"nodes"}, []string{"step2"}},
		{"by size that just suffices", lineage.Query{Nodes: 11}, 11, nil, nil},
		{"by time", lineage.Query{Budget: time.Nanosecond}, 1, []string{"time"}, []string{"lot0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.query.Node, test.query.Direction = "lot0", lineage.Descendants
			a := s.trace(test.query)
			require.Len(t, a.Nodes, test.nodes)
			if test.reasons == nil {
				require.Nil(t, a.Truncated)
				return
			}
			require.NotNil(t, a.Truncated)
			require.Equal(t, test.reasons, a.Truncated.Reasons)
			var frontier []string
			for _, node := range a.Truncated.Frontier {
				frontier = append(frontier, s.names[node])
			}
			require.Equal(t, test.frontier, frontier)
			known := map[string]bool{}
			for _, n := range a.Nodes {
				known[n.ID] = true
			}
			for _, e := range a.Edges {
				require.True(t, known[e.From] && known[e.To], "edges stay among the nodes")
			}
		})
	}
}

func TestAnAnswerAtAHeightIsAsItWasThen(t *testing.T) {
	s := newStory(t)
	chain(s, 1)
	before := s.trace(lineage.Query{Node: "lot0", Direction: lineage.Descendants})
	then := s.ledger.Height()
	chain(s, 3)
	s.put("recall", indextest.Statement(t, "recall", `{"reason":"listeria"}`, thing("lot0")))
	after := s.trace(lineage.Query{Node: "lot0", Direction: lineage.Descendants, At: then})
	require.Equal(t, before, after, "byte for byte, statuses and all")
	require.NotEqual(t, before, s.trace(lineage.Query{Node: "lot0", Direction: lineage.Descendants}))
	_, err := lineage.Trace(t.Context(), s.index, lineage.Query{Node: thing("lot3"), Direction: lineage.Ancestors, At: then})
	var unknown *lineage.UnknownNodeError
	require.ErrorAs(t, err, &unknown, "lot3 was not known then")
	_, err = lineage.Trace(t.Context(), s.index, lineage.Query{Node: thing("lot0"), Direction: lineage.Ancestors, At: 99})
	var future *index.FutureError
	require.ErrorAs(t, err, &future)
}

func TestBadQuestions(t *testing.T) {
	s := newStory(t)
	for _, node := range []string{"", "unknown", "ni:///sha-256;" + strings.Repeat("0", 64), "dataset/lab/none@1", "'; DROP TABLE node; --", strings.Repeat("x", 1<<20), "\x00\xff"} {
		_, err := lineage.Trace(t.Context(), s.index, lineage.Query{Node: node, Direction: lineage.Ancestors, At: index.Latest})
		var unknown *lineage.UnknownNodeError
		require.ErrorAs(t, err, &unknown, "%.40q", node)
		require.Equal(t, &lineage.UnknownNodeError{Node: node, Block: s.ledger.Height()}, unknown)
	}
	_, err := lineage.Trace(t.Context(), s.index, lineage.Query{Node: "x", Direction: "sideways", At: index.Latest})
	require.ErrorContains(t, err, "not a direction")
	chain(s, 1)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = lineage.Trace(ended, s.index, lineage.Query{Node: thing("lot0"), Direction: lineage.Descendants, At: index.Latest})
	require.ErrorIs(t, err, context.Canceled)
}

func TestNodesTellWhoRecordedThemAndWhatIsSaidOfThem(t *testing.T) {
	s := newStory(t)
	s.sees("reading", 1, "lotA")
	s.artifact("dataset/lab/d@1", "reading")
	s.put("withdrawal", indextest.Statement(t, "withdrawal", `{"reason":"consent ended"}`, "dataset/lab/d@1"))
	s.put("correction", indextest.Event(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-02T06:00:00Z","action":"OBSERVE","quantityList":[{"epcClass":%q}],"eventID":"urn:uuid:%s"}`, thing("lotA"), uuid("right"))))
	s.put("declaration", indextest.Event(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-02T06:00:00Z","action":"OBSERVE","epcList":[],"quantityList":[{"epcClass":%q}],"eventID":"urn:uuid:%s",
		"errorDeclaration":{"declarationTime":"2026-03-03T00:00:00Z","reason":"incorrect_data","correctiveEventIDs":["urn:uuid:%s"]}}`, thing("lotA"), uuid("reading"), uuid("right"))))
	a := s.trace(lineage.Query{Node: "lotA", Direction: lineage.Descendants})
	by := map[string]lineage.Node{}
	for _, n := range a.Nodes {
		by[s.names[n.ID]] = n
	}
	reading := by["reading"]
	require.Equal(t, "HarborMSP", reading.MSPID)
	require.Equal(t, "ObjectEvent", reading.Type)
	require.Equal(t, "OBSERVE", reading.Action)
	require.EqualValues(t, 1, reading.Block)
	require.Equal(t, indextest.Start.AddDate(0, 0, 1), reading.Time)
	require.Equal(t, []string{lineage.FlagError}, reading.Flags)
	require.Equal(t, []string{"urn:uuid:" + uuid("right")}, reading.Errors[0].Corrective)
	require.Equal(t, s.nodes["declaration"], reading.Errors[0].Event)
	require.Equal(t, "HarborMSP", reading.Errors[0].MSPID)
	require.Equal(t, []string{lineage.FlagDeclaration}, by["declaration"].Flags)
	require.Equal(t, []string{"withdrawn"}, by["dataset/lab/d@1"].Flags)
	require.Equal(t, "withdrawal", by["dataset/lab/d@1"].Claims[0].Kind)
	require.True(t, strings.HasPrefix(by["dataset/lab/d@1"].Digest, "sha-256:"))
	require.Equal(t, "class", by["lotA"].Kind)

	before := s.trace(lineage.Query{Node: "lotA", Direction: lineage.Descendants, At: s.ledger.Height() - 1})
	require.NotContains(t, before.Nodes[1].Flags, lineage.FlagError, "not yet declared an error")
}

func TestAnArtifactIsFoundByItsRecordIDToo(t *testing.T) {
	s := newStory(t)
	s.artifact("dataset/lab/d@1")
	record := s.nodes["dataset/lab/d@1 record"]
	s.put("e record", indextest.Artifact(t, "dataset/lab/e@1", record))
	s.name("dataset/lab/e@1", "dataset/lab/e@1")
	require.Equal(t, these("dataset/lab/e@1"), s.down("dataset/lab/d@1"))
	a := s.trace(lineage.Query{Node: record, Direction: lineage.Descendants})
	require.Equal(t, "dataset/lab/d@1", a.Node)
	require.Equal(t, these("dataset/lab/e@1"), s.found(a))
	require.Equal(t, []lineage.Edge{{From: "dataset/lab/d@1", To: "dataset/lab/e@1", Kind: lineage.EdgeDerived, Record: s.nodes["e record"]}}, a.Edges)
}

func TestImpactTellsWhatIsStillOnTheMove(t *testing.T) {
	s := newStory(t)
	s.makes("fillets", 1, []string{"lotFish"}, []string{"lotSold", "lotShipped", "lotEaten", "lotGone"})
	s.event("sold", 2, "ObjectEvent", `"action":"OBSERVE","bizStep":"retail_selling","quantityList":[`+classes([]string{"lotSold"})+`]`)
	s.event("gone", 2, "ObjectEvent", `"action":"DELETE","disposition":"destroyed","quantityList":[`+classes([]string{"lotGone"})+`]`)
	s.makes("soup", 3, []string{"lotEaten"}, []string{"lotSoup"})
	s.ledger.Put("Market", indextest.Event(t, `{"type":"ObjectEvent","eventTime":"2026-03-04T06:00:00Z","action":"OBSERVE","bizStep":"shipping","disposition":"in_transit","quantityList":[`+classes([]string{"lotShipped"})+`]}`))
	s.put("recall", indextest.Statement(t, "recall", `{"reason":"listeria"}`, thing("lotShipped")))

	im, err := lineage.Assess(t.Context(), s.index, lineage.Query{Node: thing("lotFish"), At: index.Latest})
	require.NoError(t, err)
	moving := map[string]lineage.Moving{}
	for _, m := range im.OnTheMove {
		moving[s.names[m.ID]] = m
	}
	require.Len(t, moving, 2)
	require.Equal(t, []string{thing("lotFish"), s.nodes["fillets"], thing("lotShipped")}, moving["lotShipped"].Why)
	require.Equal(t, "MarketMSP", moving["lotShipped"].MSPID)
	require.Equal(t, "https://ref.gs1.org/cbv/BizStep-shipping", moving["lotShipped"].BizStep)
	require.Equal(t, []string{"recalled"}, moving["lotShipped"].Flags)
	require.Len(t, moving["lotSoup"].Why, 5)

	require.Len(t, im.Organisations, 2)
	require.Equal(t, "HarborMSP", im.Organisations[0].MSPID)
	require.Len(t, im.Organisations[0].Kinds["class"], 5)
	require.Len(t, im.Organisations[1].Kinds["event"], 1)
	require.Equal(t, 10, im.Total)
	require.Nil(t, im.Truncated)
}

func TestFormats(t *testing.T) {
	s := newStory(t)
	s.packs("packed", 1, "ADD", "pallet", "lotA")
	s.name("hostile", `https://example.com/"];x[label="`)
	s.event("odd", 2, "ObjectEvent", `"action":"OBSERVE","epcList":["https://example.com/%22%5Cn=cmd"]`)
	a := s.trace(lineage.Query{Node: "lotA", Direction: lineage.Descendants})
	a.Nodes[0].ID, a.Nodes[1].Type = "=HYPERLINK(\"x\")\"\\", "a\"];\nb -> c [label=\""
	a.Edges[0].From = a.Nodes[0].ID

	var table bytes.Buffer
	require.NoError(t, a.WriteCSV(&table))
	rows, err := csv.NewReader(&table).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, len(a.Nodes)+1)
	require.Equal(t, "'=HYPERLINK(\"x\")\"\\", rows[1][0], "no formula")

	var dot bytes.Buffer
	require.NoError(t, a.WriteDOT(&dot))
	lines := strings.Split(strings.TrimSpace(dot.String()), "\n")
	require.Len(t, lines, 3+len(a.Nodes)+len(a.Edges), "one line each, whatever the texts: %s", dot.String())
	require.Contains(t, dot.String(), `\"];\nb -> c [label=\"`)
	require.Contains(t, dot.String(), "style=dashed", "carriers")

	text, err := json.Marshal(a)
	require.NoError(t, err)
	require.NotContains(t, string(text), "null", "lists are lists even when empty")
}

func TestAnAnswerAsATableAndAsAPicture(t *testing.T) {
	long := "https://example.com/" + strings.Repeat("a", 40)
	a := &lineage.Answer{
		Nodes: []lineage.Node{
			{ID: "https://id.gs1.org/01/09521234543213", Kind: "class", Block: 12, Carrier: true},
			{
				ID: "ni:///sha-256;0123456789abcdef", Kind: "event", Type: "ObjectEvent", Flags: []string{"recalled"},
				BizStep: "https://ref.gs1.org/cbv/BizStep-shipping", Time: indextest.Start.UTC(),
			},
			{ID: "ni:///sha-256;0123456789ab", Kind: "else"},
			{ID: long, Kind: "thing"},
			{ID: long + "b", Kind: "thing"},
		},
		Edges: []lineage.Edge{{From: "ni:///sha-256;0123456789ab", To: long, Kind: lineage.EdgeInput}},
	}
	var dot, table bytes.Buffer
	require.NoError(t, a.WriteDOT(&dot))
	var lines []string
	for line := range strings.Lines(dot.String()) {
		_, label, found := strings.Cut(strings.TrimSpace(line), "label=")
		if found {
			lines = append(lines, label)
		}
	}
	at := indextest.Start.UTC().Format(time.RFC3339Nano)
	require.Equal(t, []string{
		`"01/09521234543213"];`, `"0123456789ab\nObjectEvent\nshipping\n` + at + `\nrecalled"];`, `"ni:///sha-256;0123456789ab"];`,
		`"` + long + `"];`, `"` + long + `…"];`, `"input"];`,
	}, lines)
	require.Contains(t, dot.String(), "  n2 [shape=plaintext, label=")
	require.Contains(t, dot.String(), "  n2 -> n3 [")
	require.Equal(t, 1, strings.Count(dot.String(), "style=dashed"))

	require.NoError(t, a.WriteCSV(&table))
	rows, err := csv.NewReader(&table).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"https://id.gs1.org/01/09521234543213", "class", "0", "true", "", "12", "", "", "", ""}, rows[1][:10])
	require.Equal(t, at, rows[2][9])
}

// brokenPipe takes nothing.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }

func TestATableThatCannotBeWrittenIsAnError(t *testing.T) {
	a := &lineage.Answer{Nodes: []lineage.Node{{ID: "a"}}}
	require.ErrorIs(t, a.WriteCSV(brokenPipe{}), errBroken)
	require.ErrorIs(t, a.WriteDOT(brokenPipe{}), errBroken)
	require.ErrorIs(t, new(lineage.Impact).WriteCSV(brokenPipe{}), errBroken)
	require.ErrorIs(t, new(lineage.ColumnAnswer).WriteCSV(brokenPipe{}), errBroken)
}
