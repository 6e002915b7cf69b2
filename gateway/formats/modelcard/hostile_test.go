package modelcard

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

func TestCardsThatCantBeReadAreRefusedWithTheLine(t *testing.T) {
	for _, test := range []struct{ name, text, message string }{
		{"a block that doesn't end", "---\nlicense: mit\n", "line 1: the YAML block that begins here doesn't end"},
		{"a block that is a list", "---\n- mit\n---\n", "line 2: the YAML block of a card must be an object"},
		{"a licence twice", "---\nlicense: mit\nlanguage: en\nlicense: gpl-3.0\n---\n", `line 4: "license" stands twice`},
		{"broken YAML", "\n\n---\nlicense: [mit\n---\n# x\n", "line 5: it is not YAML: while parsing a flow sequence from line 4 on"},
		{"many laughs", "---\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n---\n", "more than 50000 values"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Read(test.text)
			require.ErrorContains(t, err, test.message)
		})
	}
}

func TestOddCardsAreRead(t *testing.T) {
	for _, test := range []struct {
		name, text string
		check      func(*testing.T, *about.Description)
	}{
		{"without metadata", "# Spoilage\n\nDays left.\n", func(t *testing.T, d *about.Description) {
			require.Equal(t, "Spoilage", d.Title)
			require.Equal(t, "Days left.", d.Description)
			require.Equal(t, "no_metadata", d.Problems[0].Code)
		}},
		{"from another system, with a byte order mark", "\ufeff---\r\nlicense: mit\r\n---\r\n# A\r\n", func(t *testing.T, d *about.Description) {
			require.Equal(t, "MIT", d.Licence())
			require.Equal(t, "A", d.Title)
		}},
		{"of two licences, which means one or both", "---\nlicense: [mit, apache-2.0]\n---\n", func(t *testing.T, d *about.Description) {
			require.Len(t, d.Licences, 2)
			require.Empty(t, d.Licence())
		}},
		{"with names that are no texts", "---\n1: 2\nno: yes\nlicense: mit\n---\n", func(t *testing.T, d *about.Description) { require.Equal(t, "MIT", d.Licence()) }},
		{"with everything of another type", "---\nlicense: {a: b}\ndatasets: {name: x}\nbase_model: 3\nmodel-index: oops\nlanguage: [[en]]\ntags: {}\nco2_eq_emissions: []\n---\n", func(t *testing.T, d *about.Description) {
			require.Equal(t, "x", d.Datasets[0].Name)
			require.Equal(t, "3", d.BaseModels[0].Name)
			require.Empty(t, d.Licences)
		}},
		{"with markup, which is text", "---\nlicense: mit\n---\n# <img src=x onerror=alert(1)>\n\nHello <script>alert(1)</script>\n", func(t *testing.T, d *about.Description) {
			require.Equal(t, "<img src=x onerror=alert(1)>", d.Title)
			require.Equal(t, "Hello <script>alert(1)</script>", d.Description)
		}},
		{"with a comment that doesn't end", "# A\n\nB\n<!-- " + strings.Repeat("x", 100), func(t *testing.T, d *about.Description) { require.Equal(t, "B", d.Description) }},
		{"of one endless paragraph, which takes no longer than any other", strings.Repeat("a\n", 190_000), func(t *testing.T, d *about.Description) { require.LessOrEqual(t, len(d.Description), about.MaxText) }},
		{"that says what may be mined", "---\ntraining_mining:\n  entries:\n    cawg.ai_training: {use: notAllowed}\n    cawg.data_mining: {use: constrained, constraint_info: research}\n    cawg.ai_inference: {use: constrained}\n---\n", func(t *testing.T, d *about.Description) {
			require.Equal(t, []about.Term{
				{Scheme: "CAWG", Kind: "notAllowed", Code: "cawg.ai_training"}, {Scheme: "CAWG", Kind: "constrained", Code: "cawg.data_mining", Text: "research"},
				{Scheme: "CAWG", Kind: "notAllowed", Code: "cawg.ai_inference"},
			}, d.Usage)
		}},
		{"that is long", "# A\n\n" + strings.Repeat("ø", about.MaxText), func(t *testing.T, d *about.Description) {
			require.LessOrEqual(t, len(d.Description), about.MaxText)
			require.True(t, strings.HasSuffix(d.Description, "ø…"))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := Read(test.text)
			require.NoError(t, err)
			test.check(t, d)
		})
	}
}
