package api

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

// The table of docs/rest.md names every route, who may use it, and none that isn't there.
func TestTheGuideHasEveryRoute(t *testing.T) {
	guide, err := os.ReadFile("../../docs/rest.md")
	require.NoError(t, err)
	table, _, found := strings.Cut(string(guide), "\n## ")
	require.True(t, found)
	written, beside := map[string]string{}, map[string]bool{}
	route := regexp.MustCompile("`([A-Z]+ /[^`]*)`")
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) == 3 && route.MatchString(cells[0]) {
			written[strings.Trim(cells[0], "`")] = cells[1]
			for _, other := range route.FindAllStringSubmatch(cells[2], -1) {
				written[other[1]] = cells[1]
			}
		}
	}
	for _, o := range newFixture(t).server.Description.Operations {
		who := "all"
		switch {
		case len(o.Roles) == 0:
			who = "anyone"
		case len(o.Roles) < len(access.Roles):
			who = string(o.Roles[0])
			for _, role := range o.Roles[1:] {
				who += ", " + string(role)
			}
		}
		name := o.Method + " " + o.Path
		if o.Method == http.MethodGet && strings.HasPrefix(o.Path, "/{key}") {
			continue // the text below the table tells of these
		}
		assert.Equal(t, who, written[name], name)
		beside[name] = true
	}
	for name := range written {
		assert.True(t, beside[name], "there is no route %s", name)
	}
}
