// Package cyclonedxtest holds bills of materials against CycloneDX's own schema.
package cyclonedxtest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

const base = "http://cyclonedx.org/schema/"

// Valid returns a function that fails the test for a bill that isn't valid. The test is skipped where the schemas aren't
// in folder: they are CycloneDX's, and no part of this module.
func Valid(t *testing.T, folder string) func(name string, bill []byte) {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range []string{"spdx.schema.json", "jsf-0.82.schema.json", "bom-1.6.schema.json"} {
		file, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			t.Skipf("the schemas of CycloneDX are not here: %v", err)
		}
		doc, err := jsonschema.UnmarshalJSON(file)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		require.NoError(t, c.AddResource(base+name, doc))
	}
	schema, err := c.Compile(base + "bom-1.6.schema.json")
	require.NoError(t, err)
	require.Error(t, schema.Validate(map[string]any{"bomFormat": "CycloneDX", "specVersion": "1.6", "nonsense": true}),
		"the schema is asked at all")
	return func(name string, bill []byte) {
		t.Helper()
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(bill))
		require.NoError(t, err)
		require.NoError(t, schema.Validate(doc), "%s: %s", name, bill)
	}
}
