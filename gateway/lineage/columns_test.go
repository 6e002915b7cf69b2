package lineage_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// withColumns is the story of three tables made of each other, and of what says nothing of columns.
func withColumns(t testing.TB) *story {
	s := newStory(t)
	s.sees("reading", 1, "lotA")
	s.artifact("dataset/lab/raw@1", "reading")
	s.artifact("dataset/lab/places@1")
	run := func(name, text string) {
		s.put(name, indextest.Activity(t, text))
	}
	run("clean", fmt.Sprintf(`{"type":"transformation","used":[{"ref":%q},{"ref":"dataset/lab/places@1"}],"generated":[{"ref":"dataset/lab/clean@1","columns":{
		"celsius":[{"ref":%q,"column":"temp","transformations":[{"type":"DIRECT","subtype":"IDENTITY"}]}],
		"place":[{"ref":"dataset/lab/places@1","column":"name"},{"ref":%[1]q,"column":"gln"}], "version":[]}}]}`, s.nodes["dataset/lab/raw@1 record"], s.nodes["dataset/lab/raw@1 record"]))
	run("sum", `{"type":"transformation","used":[{"ref":"dataset/lab/clean@1"}],"generated":[{"ref":"dataset/lab/sums@1","columns":{"mean":[{"ref":"dataset/lab/clean@1","column":"celsius"}],"by":[{"ref":"dataset/lab/clean@1","column":"place"}]}}]}`)
	run("train", `{"type":"training","used":[{"ref":"dataset/lab/sums@1"}],"generated":[{"ref":"model/lab/m@1"}]}`)
	run("else", `{"type":"training","used":[{"ref":"dataset/lab/sums@1"},{"ref":"dataset/lab/places@1"}],"generated":[{"ref":"model/lab/else@1","from":["dataset/lab/places@1"]}]}`)
	s.name("dataset/lab/sums@1", "dataset/lab/sums@1")
	s.artifact("dataset/lab/copy@1", "dataset/lab/sums@1")
	return s
}

func (s *story) columns(node, column string, d lineage.Direction) *lineage.ColumnAnswer {
	s.t.Helper()
	a, err := lineage.TraceColumns(s.t.Context(), s.index, lineage.Query{Node: node, Direction: d, At: index.Latest}, column)
	require.NoError(s.t, err)
	return a
}

// told spells a column answer: its columns with their depths, its edges, its ends.
func (s *story) told(a *lineage.ColumnAnswer) (columns, edges, ends []string) {
	spell := func(c lineage.ColumnName) string {
		return strings.TrimSuffix(strings.TrimPrefix(c.Node, "dataset/lab/"), "@1") + "." + c.Column
	}
	for _, c := range a.Columns {
		columns = append(columns, fmt.Sprintf("%d %s", c.Depth, spell(c.ColumnName)))
	}
	for _, e := range a.Edges {
		edges = append(edges, spell(e.From)+" > "+spell(e.To)+" by "+s.names[e.Record])
	}
	for _, e := range a.Ends {
		ends = append(ends, fmt.Sprintf("%s %s at %s %s", spell(e.ColumnName), e.Why, s.names[e.Record], e.Other))
	}
	return columns, edges, ends
}

func TestColumnsAreWalkedAsRunsTellThem(t *testing.T) {
	s := withColumns(t)
	columns, edges, ends := s.told(s.columns("dataset/lab/sums@1", "mean", lineage.Ancestors))
	require.Equal(t, []string{"0 sums.mean", "1 clean.celsius", "2 raw.temp"}, columns)
	require.Equal(t, []string{"clean.celsius > sums.mean by sum", "raw.temp > clean.celsius by clean"}, edges)
	require.Equal(t, []string{"raw.temp derived at dataset/lab/raw@1 record "}, ends, "from here on there are events")

	columns, _, ends = s.told(s.columns("dataset/lab/sums@1", "by", lineage.Ancestors))
	require.Equal(t, []string{"0 sums.by", "1 clean.place", "2 places.name", "2 raw.gln"}, columns)
	require.Len(t, ends, 1, "places come from nowhere, and that is no want of words")

	a := s.columns("dataset/lab/raw@1", "temp", lineage.Descendants)
	columns, edges, ends = s.told(a)
	require.Equal(t, []string{"0 raw.temp", "1 clean.celsius", "2 sums.mean"}, columns)
	require.Equal(t, []string{"raw.temp > clean.celsius by clean", "clean.celsius > sums.mean by sum"}, edges)
	require.Equal(t, []string{"sums.mean silent at train model/lab/m@1", "sums.mean derived at dataset/lab/copy@1 record dataset/lab/copy@1"}, ends, "the other model was not made of it")
	require.JSONEq(t, `[{"type":"DIRECT","subtype":"IDENTITY"}]`, string(a.Edges[0].Transformations))
	require.Nil(t, a.Edges[1].Transformations)
	require.Nil(t, a.Truncated)

	columns, _, ends = s.told(s.columns("dataset/lab/clean@1", "version", lineage.Ancestors))
	require.Equal(t, []string{"0 clean.version"}, columns, "made of no column, as the run tells")
	require.Empty(t, ends)

	both := lineage.JoinColumns(s.columns("dataset/lab/clean@1", "celsius", lineage.Ancestors), s.columns("dataset/lab/clean@1", "celsius", lineage.Descendants))
	columns, edges, ends = s.told(both)
	require.Equal(t, []string{"0 clean.celsius", "1 raw.temp", "1 sums.mean"}, columns)
	require.Len(t, edges, 2)
	require.Len(t, ends, 3)
	require.Equal(t, lineage.Descendants, both.Columns[2].Direction)

	s.says("Harbor", "recall", "recall", `{"reason":"a wrong logger"}`, "dataset/lab/raw@1")
	require.Equal(t, []string{"recalled"}, s.columns("dataset/lab/sums@1", "mean", lineage.Ancestors).Columns[2].Flags)

	var text bytes.Buffer
	require.NoError(t, a.WriteCSV(&text))
	rows, err := csv.NewReader(&text).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+2+2)
	require.Equal(t, []string{"dataset/lab/raw@1", "temp", "dataset/lab/clean@1", "celsius", s.nodes["clean"], `[{"subtype":"IDENTITY","type":"DIRECT"}]`, ""}, rows[1])
}

func TestColumnsThatNobodyKnows(t *testing.T) {
	s := withColumns(t)
	for _, test := range []struct {
		node, column string
		known        []string
	}{
		{"dataset/lab/clean@1", "colour", []string{"celsius", "place", "version"}},
		{"dataset/lab/raw@1", "colour", []string{"gln", "temp"}},
		{"dataset/lab/raw@1", "", []string{"gln", "temp"}},
		{"model/lab/m@1", "celsius", []string{}},
		{"dataset/lab/copy@1", "mean", []string{}},
	} {
		_, err := lineage.TraceColumns(t.Context(), s.index, lineage.Query{Node: test.node, Direction: lineage.Ancestors, At: index.Latest}, test.column)
		var unknown *lineage.UnknownColumnError
		require.ErrorAs(t, err, &unknown, "%s of %s", test.column, test.node)
		require.ElementsMatch(t, test.known, unknown.Known)
		require.NotEmpty(t, err.Error())
	}
	_, err := lineage.TraceColumns(t.Context(), s.index, lineage.Query{Node: "dataset/lab/clean@1", Direction: lineage.Ancestors, At: 3}, "celsius")
	var missing *lineage.UnknownNodeError
	require.ErrorAs(t, err, &missing, "it wasn't there yet")
	_, err = lineage.TraceColumns(t.Context(), s.index, lineage.Query{Node: "dataset/lab/clean@1", Direction: "sideways", At: index.Latest}, "celsius")
	require.ErrorContains(t, err, "not a direction")
}

func TestAWalkOverColumnsSaysWhereItWasCut(t *testing.T) {
	s := withColumns(t)
	for _, test := range []struct {
		q      lineage.Query
		reason string
		nodes  int
	}{{lineage.Query{Depth: 1}, "depth", 2}, {lineage.Query{Nodes: 2}, "nodes", 2}, {lineage.Query{Budget: 1}, "time", 1}} {
		test.q.Node, test.q.Direction, test.q.At = "dataset/lab/raw@1", lineage.Descendants, index.Latest
		a, err := lineage.TraceColumns(t.Context(), s.index, test.q, "temp")
		require.NoError(t, err)
		require.NotNil(t, a.Truncated)
		require.Equal(t, []string{test.reason}, a.Truncated.Reasons)
		require.Len(t, a.Columns, test.nodes)
		require.Len(t, a.Truncated.Frontier, 1)
	}
}

func TestAColumnEndsWhereNobodySaysWhatItWasMadeOf(t *testing.T) {
	s := withColumns(t)
	s.put("mixed", indextest.Activity(t, `{"type":"transformation","used":[{"ref":"dataset/lab/sums@1"},{"ref":"dataset/lab/copy@1"}],
		"generated":[
			{"ref":"dataset/lab/left@1","columns":{"x":[{"ref":"dataset/lab/sums@1","column":"mean"}],"z":[{"ref":"dataset/lab/copy@1","column":"mean"}]}},
			{"ref":"dataset/lab/right@1","columns":{"y":[{"ref":"dataset/lab/sums@1","column":"nowhere"}]}}]}`))
	s.put("judge", indextest.Activity(t, fmt.Sprintf(`{"type":"inference","used":[{"ref":"dataset/lab/right@1"}],"about":[%q]}`, thing("lotA"))))
	s.put("read right", indextest.Activity(t, `{"type":"transformation","used":[{"ref":"dataset/lab/right@1"}],
		"generated":[{"ref":"dataset/lab/last@1","columns":{"y":[{"ref":"dataset/lab/right@1","column":"y"}]}}]}`))

	columns, edges, ends := s.told(s.columns("dataset/lab/right@1", "y", lineage.Ancestors))
	require.Equal(t, []string{"0 right.y", "1 sums.nowhere"}, columns)
	require.Equal(t, []string{"sums.nowhere > right.y by mixed"}, edges)
	require.Equal(t, []string{"sums.nowhere undefined at sum "}, ends, "the run tells of other columns")

	columns, _, ends = s.told(s.columns("dataset/lab/right@1", "y", lineage.Descendants))
	require.Equal(t, []string{"0 right.y", "1 last.y"}, columns)
	require.Equal(t, []string{"right.y silent at judge "}, ends, "a run without outputs tells of no columns")

	columns, _, _ = s.told(s.columns("dataset/lab/sums@1", "mean", lineage.Descendants))
	require.Equal(t, []string{"0 sums.mean", "1 left.x"}, columns, "left.z was made of the copy's column of that name")
	for _, test := range []struct {
		node, column string
		known        []string
	}{
		{"dataset/lab/left@1", "y", []string{"x", "z"}},
		{"dataset/lab/right@1", "x", []string{"y"}},
		{"dataset/lab/copy@1", "nowhere", []string{"mean"}},
		{"dataset/lab/places@1", "temp", []string{"name"}},
	} {
		_, err := lineage.TraceColumns(t.Context(), s.index, lineage.Query{Node: test.node, Direction: lineage.Ancestors, At: index.Latest}, test.column)
		var unknown *lineage.UnknownColumnError
		require.ErrorAs(t, err, &unknown)
		require.Equal(t, test.known, unknown.Known, test.node)
		require.Equal(t, &lineage.UnknownColumnError{Node: test.node, Column: test.column, Known: test.known, Block: s.ledger.Height()}, unknown)
	}
	a := s.columns("dataset/lab/sums@1", "mean", lineage.Descendants)
	require.Equal(t, "dataset/lab/sums@1", a.Node)
	require.Equal(t, s.ledger.Height(), a.Block)
	require.Equal(t, "HarborMSP", a.Columns[1].MSPID)
}

func TestAnErrorNamesAHundredColumnsAtMost(t *testing.T) {
	s := newStory(t)
	var columns []string
	for i := range 120 {
		columns = append(columns, fmt.Sprintf(`"c%03d":[]`, i))
	}
	s.put("wide", indextest.Activity(t, `{"type":"transformation","used":[],"generated":[{"ref":"dataset/lab/wide@1","columns":{`+strings.Join(columns, ",")+`}}]}`))
	_, err := lineage.TraceColumns(t.Context(), s.index, lineage.Query{Node: "dataset/lab/wide@1", Direction: lineage.Ancestors, At: index.Latest}, "none")
	var unknown *lineage.UnknownColumnError
	require.ErrorAs(t, err, &unknown)
	require.Len(t, unknown.Known, 100)
	require.Equal(t, []string{"c000", "c099"}, []string{unknown.Known[0], unknown.Known[99]})
}
