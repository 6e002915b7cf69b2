package gateway

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/pedigree-ledger/pedigree/"

// imported lists what a package imports, and what those import.
func imported(t *testing.T, name string) []string {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+name).Output()
	require.NoError(t, err)
	return strings.Fields(string(text))
}

func TestTheFacesOfTheGatewayDoNotHoldEachOther(t *testing.T) {
	assert.NotContains(t, imported(t, "gateway/api"), module+"gateway/pages")
	assert.NotContains(t, imported(t, "gateway/api"), module+"web")
	assert.NotContains(t, imported(t, "gateway/pages"), module+"gateway/api")
}

// What the domain knows must not depend on how somebody asks. It doesn't reach HTTP by itself nor through another
// package of this module.
func TestTheDomainKnowsNoHTTP(t *testing.T) {
	const format = `{{.ImportPath}} {{join .Imports " "}}`
	for _, name := range []string{"intake", "witness", "draft", "journey", "lineage", "sensor"} {
		text, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, module+"gateway/"+name).Output()
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			if !strings.HasPrefix(words[0], module) {
				continue // what others import is their own affair
			}
			for _, other := range words[1:] {
				speaks := other == "net/http" || strings.HasPrefix(other, "github.com/gin-gonic/") ||
					strings.HasPrefix(other, module+"gateway/api") || strings.HasPrefix(other, module+"gateway/pages")
				assert.False(t, speaks, "gateway/%s reaches %s, which imports %s", name, words[0], other)
			}
		}
	}
}
