package accept

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestACallerGetsTheTypeItPrefers(t *testing.T) {
	types := []string{"application/json", "application/ld+json", "text/csv"}
	for _, c := range []struct{ name, header, want string }{
		{"no wish", "", "application/json"},
		{"blanks", "  ", "application/json"},
		{"anything", "*/*", "application/json"},
		{"anything of a type", "text/*", "text/csv"},
		{"the higher quality", "text/csv;q=0.5, application/ld+json;q=0.6", "application/ld+json"},
		{"equal qualities", "text/csv, application/json", "application/json"},
		{"a refusal", "application/json;q=0, text/html", ""},
		{"a refusal beside anything", "application/json;q=0, */*", "application/ld+json"},
		{"a refusal after anything", "*/*;q=0.1, application/json;q=0.0", "application/ld+json"},
		{"anything refused", "*/*;q=0", ""},
		{"the specific range goes first", "application/*;q=0.9, application/json;q=0.1", "application/ld+json"},
		{"the specific range goes first, in either order", "application/json;q=0.1, */*;q=0.2, text/*;q=0", "application/ld+json"},
		{"capital letters", "TEXT/CSV;Q=0.5, application/json;q=0.4", "text/csv"},
		{"tabs", "text/csv\t;\tq=0.2 , application/json;q=0.1", "text/csv"},
		{"parameters", `text/csv; charset=utf-8; q=0.3, application/json; q=0.2`, "text/csv"},
		{"a browser", "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "application/json"},
		{"nothing that there is", "application/xml", ""},
		{"a quality above one", "text/csv;q=2, application/json;q=0.1", "application/json"},
		{"a quality below zero", "text/csv;q=-1, application/json;q=0.1", "application/json"},
		{"a quality in words", "text/csv;q=high, application/json;q=0.1", "application/json"},
		{"a quality that is not a number", "text/csv;q=NaN, application/json;q=0.1", "application/json"},
		{"nonsense beside sense", "garbage, text/csv", "text/csv"},
		{"empty ranges", "text/csv,,application/json;q=0.1,", "text/csv"},
		{"nothing but nonsense", ";;;,/,text/,*/csv", ""},
		{"more ranges than are read", strings.Repeat("text/html,", mostRanges) + "text/csv", ""},
		{"as many ranges as are read", strings.Repeat("text/html,", mostRanges-1) + "text/csv", "text/csv"},
	} {
		assert.Equal(t, c.want, Preferred(c.header, types), c.name)
	}
	assert.Empty(t, Preferred("*/*", nil), "a route that answers with nothing")
	assert.Empty(t, Preferred("", nil))
}
