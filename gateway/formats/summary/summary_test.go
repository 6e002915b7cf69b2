package summary_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/formats/summary"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

var update = flag.Bool("update", false, "write the golden files anew")

func written(t *testing.T, g *formats.Graph) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, summary.Write(t.Context(), &b, g))
	return b.String()
}

func TestTheSummaryOfAModel(t *testing.T) {
	s := formatstest.New(t)
	text := written(t, s.Graph(formatstest.Model, lineage.Ancestors))
	path := filepath.Join("testdata", "model.html")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
}

// part returns the text between two words of a page.
func part(t *testing.T, text, from, to string) string {
	t.Helper()
	_, after, ok := strings.Cut(text, from)
	require.True(t, ok, from)
	before, _, ok := strings.Cut(after, to)
	require.True(t, ok, to)
	return before
}

func TestEverySourceStandsUnderItsHeading(t *testing.T) {
	s := formatstest.New(t)
	text := written(t, s.Graph(formatstest.Model, lineage.Ancestors))
	for heading, c := range map[string]struct{ next, source, why string }{
		"Publicly available datasets":           {"Private datasets licensed", formatstest.Measurements, "its card has a public address, and the licence CC-BY-4.0 is an open one"},
		"Data crawled and scraped":              {"User data", formatstest.Crawl, "its card says “Crawled” about how it was collected"},
		"Synthetic data":                        {"Other sources of data", formatstest.Synthetic, "a run of the type “generation” made it"},
		"Used by the training run, but not for": {"How to check this", formatstest.Heldout, ""},
		"Steps on the way to the model":         {"Used by the training run", formatstest.Cleaned, "columns whose origin is recorded: celsius"},
		"Model dependencies":                    {"Other versions", formatstest.Base, formatstest.Training + ", code"},
		"Private datasets obtained from other":  {"Data crawled", "None is recorded.", ""},
		"Private datasets licensed by":          {"Private datasets obtained", "None is recorded.", ""},
		"Other sources of data":                 {"Data processing", "None is recorded.", ""},
		"Date of placement on the Union market": {"Recorded on the ledger", "not recorded", ""},
		"Respect of reservations of rights":     {"Removal of illegal content", "robots.txt and TDM reservations were honoured", ""},
		"Removal of illegal content":            {"Other information", "not recorded", ""},
		"Recalled or withdrawn":                 {"sources of data", "logger 7 read three degrees too low", "a site asked for it"},
		"Authorised representative":             {"Model identification", "not recorded", ""},
		"Provider identification":               {"Model identification", "Spoilage Lab (LabMSP)", "https://lab.example/"},
	} {
		t.Run(heading, func(t *testing.T) {
			found := part(t, text, heading, c.next)
			assert.Contains(t, found, c.source)
			assert.Contains(t, found, html.EscapeString(c.why))
		})
	}
	assert.NotContains(t, part(t, text, "List of data sources", "Data processing"), formatstest.Heldout,
		"what was used to evaluate was not used to train")
	assert.NotContains(t, part(t, text, "List of data sources", "Data processing"), formatstest.Users,
		"and what didn't go into the data, neither")
}

// TestHostileTextIsText: anybody can write a description, a reason or a card.
func TestHostileTextIsText(t *testing.T) {
	s := formatstest.New(t)
	text := written(t, s.Graph(formatstest.Model, lineage.Ancestors))
	doc, err := html.Parse(strings.NewReader(text))
	require.NoError(t, err)
	seen := map[string]int{}
	var visit func(*html.Node)
	visit = func(n *html.Node) {
		if n.Type == html.ElementNode {
			seen[n.Data]++
			for _, a := range n.Attr {
				assert.False(t, strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src", "%s %s=%q",
					n.Data, a.Key, a.Val)
				if a.Key == "href" {
					assert.True(t, strings.HasPrefix(a.Val, "#r"), a.Val)
				}
			}
		}
		for c := range n.ChildNodes() {
			visit(c)
		}
	}
	visit(doc)
	assert.Zero(t, seen["script"]+seen["img"]+seen["link"]+seen["iframe"])
	assert.Equal(t, 1, seen["style"])
	for _, said := range []string{"&lt;script&gt;alert(", "&lt;/style&gt;"} {
		assert.True(t, strings.Contains(text, said), "it is said as it is, all the same: %s", said)
	}
}

// TestEveryNumberLeadsToItsRecord: each number in the text is in the list of records, and each record in the list is
// cited.
func TestEveryNumberLeadsToItsRecord(t *testing.T) {
	s := formatstest.New(t)
	text := written(t, s.Graph(formatstest.Model, lineage.Ancestors))
	quoted, listed := map[string]bool{}, map[string]bool{}
	for _, piece := range strings.Split(text, `href="#r`)[1:] {
		quoted[piece[:strings.IndexByte(piece, '"')]] = true
	}
	for _, piece := range strings.Split(text, `<tbody id="r`)[1:] {
		listed[piece[:strings.IndexByte(piece, '"')]] = true
	}
	assert.Equal(t, listed, quoted)
	assert.Greater(t, len(listed), 8)
	for _, id := range []string{s.Run, s.Recall, s.Withdrawal, s.Cleaning, s.Generation, s.Reading} {
		assert.Contains(t, part(t, text, "Records that this document quotes", "</table>"), id)
	}
}

func TestAWalkThatEndedEarlySaysSo(t *testing.T) {
	s := formatstest.New(t)
	g := s.Graph(formatstest.Model, lineage.Ancestors)
	a, err := lineage.Trace(t.Context(), s.Index, lineage.Query{Node: formatstest.Model, Direction: lineage.Ancestors,
		At: g.Answer.Block, Depth: 2})
	require.NoError(t, err)
	require.NotNil(t, a.Truncated)
	g.Answer = a
	assert.Contains(t, part(t, written(t, g), "This is not all", "</section>"), "ended early (depth)")
}

func TestOtherThingsThanModelsHaveNone(t *testing.T) {
	s := formatstest.New(t)
	for _, node := range []string{formatstest.Measurements, formatstest.Lot} {
		var refusal *formats.Refusal
		require.ErrorAs(t, summary.Write(t.Context(), new(bytes.Buffer), s.Graph(node, lineage.Ancestors)), &refusal)
		assert.Contains(t, refusal.Detail, "about a model")
		require.ErrorAs(t, summary.Format.Fits(node, "artifact"), &refusal)
	}
}

// TestAModelOfWhichNothingElseIsKnown: such a model has a summary too, which says what is not recorded.
func TestAModelOfWhichNothingElseIsKnown(t *testing.T) {
	s := formatstest.New(t)
	text := written(t, s.Graph(formatstest.Base, lineage.Ancestors))
	assert.Equal(t, 7, strings.Count(text, "None is recorded."))
	assert.False(t, strings.Contains(text, "Recalled or withdrawn") ||
		strings.Contains(text, "Used by the training run, but not"))
}

func TestAWarningIsNotCalledARecall(t *testing.T) {
	s := formatstest.New(t)
	s.Ledger.Put("Harbor", indextest.StatementBy(t, "Harbor", record.Warning, `{"reason":"a rumour"}`, formatstest.Base))
	text := written(t, s.Graph(formatstest.Base, lineage.Ancestors))
	alerts := part(t, text, `<h2 id="alerts">Warnings</h2>`, "</section>")
	assert.Contains(t, alerts, "<strong>Warning</strong> by HarborMSP")
	assert.Contains(t, alerts, "a rumour")
}

func TestEveryFlagThatWarnsHasAColour(t *testing.T) {
	text, err := os.ReadFile("style.css")
	require.NoError(t, err)
	style := string(text)
	for _, k := range record.StatementKinds {
		if k.Warns {
			assert.Contains(t, style, ".flag-"+k.Flag)
		}
	}
}
