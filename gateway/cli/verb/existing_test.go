package verb

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatDiffersFromARegisteredVersionIsSaid(t *testing.T) {
	digest := func(c string) string {
		return `"digest":{"algorithm":"sha-256","value":"` + strings.Repeat(c, 64) + `","coverage":"full"}`
	}
	files := func(c string) string {
		return `"manifest":{"files":[{"name":"a","size":1,"sha256":"` + strings.Repeat(c, 64) + `"}]}`
	}
	for name, c := range map[string]struct {
		there, here string
		want        []string
	}{
		"nothing":                      {`{` + digest("a") + `}`, `{` + digest("a") + `}`, nil},
		"another spelling":             {`{` + digest("a") + `,"size":10}`, `{"size":1e1,` + digest("a") + `}`, nil},
		"the digest":                   {`{` + digest("a") + `}`, `{` + digest("b") + `}`, []string{"the content is different", "aaaa", "bbbb", "new version"}},
		"a file":                       {`{` + digest("a") + `,` + files("c") + `}`, `{` + digest("b") + `,` + files("d") + `}`, []string{"changed  a"}},
		"a licence":                    {`{` + digest("a") + `,"licence":"MIT"}`, `{` + digest("a") + `}`, []string{"the digest is the same", `licence: registered is "MIT", and this is not given`}},
		"a licence that the card says": {`{` + digest("a") + `,"licence":"MIT","card":{"text":"x","sha256":"y"}}`, `{` + digest("a") + `,"card":{"text":"x"}}`, nil},
		"a card":                       {`{` + digest("a") + `,"card":{"text":"x","sha256":"y"}}`, `{` + digest("a") + `,"card":{"text":"z"}}`, []string{`card: registered is "x", and this is "z"`}},
		"long metadata":                {`{` + digest("a") + `}`, `{` + digest("a") + `,"metadata":{"a":"` + strings.Repeat("x", 200) + `"}}`, []string{"metadata: registered is not given, and this is different"}},
		"a hostile text":               {`{` + digest("a") + `,"description":"\u001b[2J"}`, `{` + digest("a") + `,"description":"x"}`, []string{`\u001b[2J`}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := differs([]byte(c.there), []byte(c.here))
			require.NoError(t, err)
			if c.want == nil {
				assert.Empty(t, got)
			}
			for _, want := range c.want {
				assert.Contains(t, got, want)
			}
			assert.NotContains(t, got, "\x1b")
		})
	}
}
