package gateway

import (
	"os/exec"
	"slices"
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
	assert.NotContains(t, imported(t, "gateway/pages"), module+"gateway/api")
}

// What the domain knows must not depend on how somebody asks.
func TestTheDomainKnowsNoHTTP(t *testing.T) {
	for _, name := range []string{"intake", "witness", "draft", "journey", "lineage", "sensor"} {
		for _, other := range imported(t, "gateway/"+name) {
			direct := strings.HasPrefix(other, module+"gateway/api") || strings.HasPrefix(other, module+"gateway/pages") || strings.HasPrefix(other, "github.com/gin-gonic/")
			assert.False(t, direct, "gateway/%s imports %s", name, other)
		}
		text, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{join .Imports \"\\n\"}}", module+"gateway/"+name).Output()
		require.NoError(t, err)
		assert.False(t, slices.Contains(strings.Fields(string(text)), "net/http"), "gateway/%s imports net/http", name)
	}
}
