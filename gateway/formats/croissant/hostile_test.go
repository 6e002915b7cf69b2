package croissant

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsNoCroissantIsRefused(t *testing.T) {
	for _, test := range []struct{ name, text, message string }{
		{"another type", `{"@context": "https://schema.org/", "@type": "Person", "name": "x"}`, "no node of"},
		{"no context", `{"@type": "sc:Dataset"}`, "no node of"},
		{"a word that the context gives another meaning", `{"@context": {"Dataset": "https://evil.example/Person"}, "@type": "Dataset"}`, "no node of"},
		{"a list", `[]`, "no node of"},
		{"a name twice", "{\"@context\": {},\n\"@type\": \"sc:Dataset\",\n\"license\": \"mit\", \"license\": \"x\"}", `line 3: "license" stands twice`},
		{"broken JSON", "{\n\"@context\": }", "line 2: it is not JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Read(test.text)
			require.ErrorContains(t, err, test.message)
		})
	}
}

func TestNamesMeanWhatTheContextSays(t *testing.T) {
	for _, test := range []struct{ name, context string }{
		{"as in the standard context", `{"@vocab": "https://schema.org/", "sc": "https://schema.org/"}`},
		{"by address only", `"https://schema.org/"`},
		{"through other prefixes", `{"sc": "http://schema.org/", "ml": "https://mlcommons.org/croissant/"}`},
		{"through several contexts", `["https://schema.org/", {"conformsTo": {"@id": "http://purl.org/dc/terms/conformsTo"}}]`},
		{"in circles", `{"name": "name", "license": "license", "a": "a:b"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := Read(`{"@context": ` + test.context + `, "@type": "sc:Dataset", "name": "x", "license": "CC-BY-4.0", "conformsTo": "http://mlcommons.org/croissant/1.1"}`)
			require.NoError(t, err)
			require.Equal(t, "x", d.Title)
			require.Equal(t, "1.1", d.FormatVersion)
			require.Equal(t, "CC-BY-4.0", d.Licence())
		})
	}
	d, err := Read(`{"@context": {"license": "https://evil.example/license"}, "@type": "sc:Dataset", "name": "x", "license": "CC-BY-4.0"}`)
	require.NoError(t, err)
	require.Empty(t, d.Licences, "a context may say that license isn't a licence")
}

func TestADatasetIsFoundInAGraph(t *testing.T) {
	d, err := Read(`{"@context": {}, "@graph": [{"@type": "sc:Person", "name": "p"}, {"@type": ["sc:Thing", "sc:Dataset"], "name": "d"}]}`)
	require.NoError(t, err)
	require.Equal(t, "d", d.Title)
}

// The cost of a card is bounded: the number of its values is limited, and each name is looked up only once.
func TestManyNamesAreRead(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"@context": {}, "@type": "sc:Dataset"`)
	for i := range 40_000 {
		fmt.Fprintf(&b, `,"n%d":0`, i)
	}
	b.WriteString("}")
	_, err := Read(b.String())
	require.NoError(t, err)
}
