package openlineage_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

var update = flag.Bool("update", false, "write the golden files anew")

func exported(t *testing.T, g *formats.Graph) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, openlineage.Export(t.Context(), &b, g))
	return b.Bytes()
}

// read reads the lines as whoever imports them does, as strictly as the specification.
func read(t *testing.T, text []byte) []*openlineage.Event {
	t.Helper()
	var events []*openlineage.Event
	for line := range bytes.Lines(text) {
		v, err := canonical.Parse(line, canonical.Limits{})
		require.NoError(t, err)
		e, problems := openlineage.Read(v, openlineage.Strict)
		require.Empty(t, problems, string(line))
		events = append(events, e)
	}
	return events
}

func TestTheEventsOfAModelWithEverythingAroundIt(t *testing.T) {
	s := formatstest.New(t)
	text := exported(t, s.Graph(formatstest.Model))
	path := filepath.Join("testdata", "model.ndjson")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(path, text, 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(text))
	assert.Equal(t, text, exported(t, s.Graph(formatstest.Model)), "as often as one asks")
}

func TestEveryNodeGivesEventsThatTheSpecificationAllows(t *testing.T) {
	s := formatstest.New(t)
	schema := officialSchema(t)
	for _, node := range []string{
		formatstest.Lot, formatstest.Measurements, formatstest.Cleaned, formatstest.Model, formatstest.Alone,
		formatstest.Users, s.Packing, s.Reading, s.Cleaning, s.Failed, s.Run, s.Decision,
	} {
		text := exported(t, s.Graph(node))
		events := read(t, text)
		require.NotEmpty(t, events, node)
		open := map[string]bool{}
		for i, e := range events {
			if e.Kind == openlineage.RunEvent {
				assert.Equal(t, e.Type != "START", open[e.Run.ID], "a run begins with its START: line %d of %s", i,
					node)
				open[e.Run.ID] = !e.Ends()
			}
			if schema != nil {
				v, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Value.Bytes()))
				require.NoError(t, err)
				require.NoError(t, schema.Validate(v), "%s", e.Value.Bytes())
			}
		}
	}
}

// officialSchema is that of OpenLineage 2-0-2, where it lies beside the repository.
func officialSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "shared", "data", "schema", "OpenLineage.json")
	if _, err := os.Stat(path); err != nil {
		t.Log("the official schema isn't here; the events are held to our own reader alone")
		return nil
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(path)
	require.NoError(t, err)
	return schema
}

func TestWhatCameFromOpenLineageKeepsItsNames(t *testing.T) {
	s := formatstest.New(t)
	var end *openlineage.Event
	for _, e := range read(t, exported(t, s.Graph(formatstest.Cleaned, lineage.Ancestors))) {
		if e.Ends() && e.Run.ID == "7d1b6b2e-8f0a-4a43-9c0e-7a64c2b3f001" {
			end = e
		}
	}
	require.NotNil(t, end, "the run has the id that it came with")
	assert.Equal(t, openlineage.Identity{Namespace: "lab-airflow", Name: "clean.temperatures"}, end.Job.Identity)
	require.Len(t, end.Inputs, 2)
	assert.Equal(t, openlineage.Identity{Namespace: "s3://market-cold-chain", Name: "temperatures/2026-02.csv"},
		end.Inputs[0].Identity)
	assert.Equal(t, "2026-02", openlineage.VersionIn(end.Inputs[0].Facets))
	assert.Equal(t, openlineage.Identity{Namespace: "pedigree", Name: formatstest.Users}, end.Inputs[1].Identity,
		"no event told of this one")
	out := end.Outputs[0]
	assert.Equal(t, openlineage.Identity{Namespace: "s3://lab", Name: "clean/temperatures"}, out.Identity)
	assert.Equal(t, "double", out.Facets.Get("schema").Get("fields").Items[0].Get("type").Text, "facets stay")
	assert.Equal(t, "1000", out.Own.Get("outputStatistics").Get("rowCount").Text)
	derived := openlineage.DerivationIn(out.Facets)
	assert.True(t, derived.Explicit)
	assert.Equal(t, []openlineage.Identity{end.Inputs[0].Identity, end.Inputs[0].Identity}, derived.Sources(),
		"of one input and not of both, and one of its columns")
	assert.Equal(t, "celsius", derived.Fields[0].Name)
	assert.Equal(t, "temp", derived.Fields[0].Inputs[0].Field)
	assert.Equal(t, "LabMSP", end.Run.Facets.Get("pedigree_ledger").Get("mspId").Text,
		"who recorded it is the ledger's word, whatever facets came")
	assert.NotEmpty(t, end.Run.Facets.Get("nominalTime").Get("_producer").Text)
}

func TestAFailedRunFailsAgain(t *testing.T) {
	s := formatstest.New(t)
	events := read(t, exported(t, s.Graph(s.Failed)))
	var end *openlineage.Event
	for _, e := range events {
		if e.Ends() && e.Run.ID == "7d1b6b2e-8f0a-4a43-9c0e-7a64c2b3f000" {
			end = e
		}
	}
	require.NotNil(t, end)
	assert.Equal(t, "FAIL", end.Type)
	require.Len(t, end.Outputs, 1)
	assert.Equal(t, "clean/temperatures", end.Outputs[0].Name, "what it would have made")
	assert.False(t, end.Outputs[0].Facets.Has("pedigree_ledger"), "and didn't")
}

func TestWhatIsNotRecordedBecomesNoEvent(t *testing.T) {
	s := formatstest.New(t)
	g := s.Graph(s.Recall, lineage.Ancestors)
	require.Error(t, openlineage.Format.Fits(s.Recall, g.Start().Kind))
	err := openlineage.Export(t.Context(), new(bytes.Buffer), g)
	require.Error(t, err)
	assert.True(t, strings.HasPrefix(err.Error(), "no event"), err)
}

func TestEventsOfOneTransformationAreOneRun(t *testing.T) {
	s := formatstest.New(t)
	first, second := s.Transformation(t)
	runs := map[string][]string{}
	for _, e := range read(t, exported(t, s.Graph(first))) {
		runs[e.Run.ID] = append(runs[e.Run.ID], e.Type)
	}
	found := false
	for _, types := range runs {
		found = found || assert.ObjectsAreEqual([]string{"START", "RUNNING", "COMPLETE"}, types)
	}
	assert.True(t, found, "%v: the last of them, %s, completes it", runs, second)
}

func TestASourceThatCannotBeReadIsStillNamed(t *testing.T) {
	s := formatstest.New(t)
	ref, unreadable := s.Unreadable(t)
	events := read(t, exported(t, s.Graph(ref)))
	require.Len(t, events, 1)
	assert.Equal(t, []openlineage.Identity{{Namespace: "pedigree-record", Name: unreadable}},
		openlineage.DerivationIn(events[0].Dataset.Facets).Sources())
}
