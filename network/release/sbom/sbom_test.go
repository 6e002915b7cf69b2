package sbom

import (
	"bytes"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"runtime/debug"
)

func TestTheBillHasTheModulesOfAProgram(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	write := func() []byte {
		var written bytes.Buffer
		require.NoError(t, Write(&written, "sample", "v1", time.Unix(1_700_000_000, 0),
			Program{Name: "test", Version: "v1", Path: self, SHA256: "00"}))
		return written.Bytes()
	}
	first := write()
	assert.Equal(t, string(first), string(write()), "the same each time")

	bom := cyclonedx.NewBOM()
	require.NoError(t, cyclonedx.NewBOMDecoder(bytes.NewReader(first), cyclonedx.BOMFileFormatJSON).Decode(bom))
	assert.Equal(t, cyclonedx.SpecVersion1_6, bom.SpecVersion)
	assert.Equal(t, "2023-11-14T22:13:20Z", bom.Metadata.Timestamp)
	refs := map[string]bool{bom.Metadata.Component.BOMRef: true}
	for _, c := range *bom.Components {
		assert.False(t, refs[c.BOMRef], "twice: %s", c.BOMRef)
		refs[c.BOMRef] = true
	}
	assert.True(t, refs["pkg:golang/std@"+runtime.Version()])
	assert.True(t, refs["program:test"])
	for _, d := range *bom.Dependencies {
		assert.True(t, refs[d.Ref])
		for _, on := range *d.Dependencies {
			assert.True(t, refs[on], on)
		}
	}
}

func TestModules(t *testing.T) {
	for want, m := range map[string]debug.Module{
		"pkg:golang/example.com/a/v2@v2.0.0%2Bincompatible": {Path: "example.com/a/v2", Version: "v2.0.0+incompatible"},
		"pkg:golang/example.com/fork@v1.1.0": {Path: "example.com/a", Version: "v1.0.0",
			Replace: &debug.Module{Path: "example.com/fork", Version: "v1.1.0"}},
		"pkg:golang/example.com/a@v1.0.0?changed=true": {Path: "example.com/a", Version: "v1.0.0",
			Replace: &debug.Module{Path: "./a"}},
	} {
		assert.Equal(t, want, library(m).BOMRef)
	}
}
