package openlineage

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// officialSchema compiles the specification's own schema, where it is present.
func officialSchema(t *testing.T) *jsonschema.Schema {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "data", "schema", "OpenLineage.json"))
	if err != nil {
		t.Skip("the specification's schema is not here: ", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("openlineage.json", doc))
	schema, err := c.Compile("openlineage.json")
	require.NoError(t, err)
	return schema
}

// replacements are what a mutation may put in the place of a value.
var replacements = []string{`null`, `1`, `true`, `""`, `"x"`, `"a b"`, `"a:b"`, `{}`, `[]`, `[{}]`, `{"x":{}}`,
	`{"x":null}`, `"2026-03-01T08:00:00"`, `"2026-03-01T08:00:00Z"`, `"START"`,
	`"0195504c-4c00-7abc-8def-0123456789ab"`,
	`{"namespace":"a","name":"b"}`, `{"runId":"0195504c-4c00-7abc-8def-0123456789ab"}`,
	`{"_producer":"a:b","_schemaURL":"a:b","_deleted":true}`,
	`{"x":{"_producer":"a:b","_schemaURL":"a:b","_deleted":1}}`, `[{"namespace":"a","name":"b"}]`}

// mutate changes one place of a value, taken at random: replaces, removes or adds.
func mutate(v canonical.Value, random *rand.Rand) canonical.Value {
	replacement := func() canonical.Value {
		text := replacements[random.IntN(len(replacements))]
		r, err := canonical.Parse([]byte(text), canonical.Limits{})
		if err != nil {
			panic(err)
		}
		return r
	}
	switch {
	case v.Kind == canonical.Object && len(v.Members) > 0 && random.IntN(8) > 0:
		m := v.Members[random.IntN(len(v.Members))]
		switch random.IntN(10) {
		case 0:
			return v.Without(m.Name)
		case 1:
			return v.With([]string{"dataset", "run", "job", "inputs", "facets", "_deleted", "name"}[random.IntN(7)],
				replacement())
		}
		return v.With(m.Name, mutate(m.Value, random))
	case v.Kind == canonical.Array && len(v.Items) > 0 && random.IntN(8) > 0:
		items := append([]canonical.Value(nil), v.Items...)
		i := random.IntN(len(items))
		items[i] = mutate(items[i], random)
		return canonical.Arr(items...)
	}
	return replacement()
}

func TestStrictIsWhatTheSpecificationsSchemaSays(t *testing.T) {
	schema := officialSchema(t)
	random := rand.New(rand.NewPCG(1, 2))
	// Without facets of which more is known here than there.
	plain := strings.Replace(complete, `"version":`, `"storage":`, 1)
	seeds := []string{plain,
		`{"eventTime":"2026-03-01T08:05:00Z","producer":"a:b","schemaURL":"a:b#/$defs/DatasetEvent","dataset":{"namespace":"a","name":"b","facets":{"x":{"_producer":"a:b","_schemaURL":"a:b","_deleted":true}}}}`,
		`{"eventTime":"2026-03-01T08:05:00Z","producer":"a:b","schemaURL":"a:b","job":{"namespace":"a","name":"b"},"inputs":[{"namespace":"a","name":"b"}],"outputs":[]}`}
	agreed := map[bool]int{}
	for range 60_000 {
		v, err := canonical.Parse([]byte(seeds[random.IntN(len(seeds))]), canonical.Limits{})
		require.NoError(t, err)
		for range 1 + random.IntN(3) {
			v = mutate(v, random)
		}
		text := v.Bytes()
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		require.NoError(t, err)
		refused := schema.Validate(instance)
		_, problems := Read(v, Strict)
		if (refused == nil) != (len(problems) == 0) {
			t.Fatalf("the schema says %v and we say %v of %s", refused, problems, text)
		}
		agreed[refused == nil]++
	}
	require.Greater(t, agreed[true], 1000, "of good events")
	require.Greater(t, agreed[false], 1000, "of bad events")
}

func TestStrictTakesWhatAirflowSends(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "data", "openlineage", "airflow.ndjson"))
	if err != nil {
		t.Skip("the stream is not here: ", err)
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		v, err := Parse(bytes.TrimSpace(line), Strict, canonical.Limits{})
		require.NoError(t, err, fmt.Sprint("line ", n))
		e, problems := Read(v, Strict)
		require.Empty(t, problems, "line %d", n)
		require.Equal(t, RunEvent, e.Kind)
	}
	require.Equal(t, 32, n)
}
