package card

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../" + name)
	require.NoError(t, err)
	return string(text)
}

func TestCardsAreRecognised(t *testing.T) {
	model, data := read(t, "modelcard/testdata/model.md"), read(t, "modelcard/testdata/dataset.md")
	croissant, bill := read(t, "croissant/testdata/temperatures.json"), read(t, "mlbom/testdata/model.json")
	for _, test := range []struct{ name, given, text, media, format string }{
		{"a model card", "", model, "text/markdown", about.ModelCard},
		{"a model card by its type", "text/markdown; charset=utf-8", model, "text/markdown", about.ModelCard},
		{"a dataset card", "text/plain", data, "text/markdown", about.DatasetCard},
		{"Croissant", "", croissant, `application/ld+json; profile="http://mlcommons.org/croissant/1.1"`, about.Croissant},
		{"Croissant after a byte order mark", "application/json", "\ufeff" + croissant, `application/ld+json; profile="http://mlcommons.org/croissant/1.1"`, about.Croissant},
		{"Croissant that doesn't say its version", "application/ld+json", `{"@context": {}, "@type": "sc:Dataset", "name": "x"}`, "application/ld+json", about.Croissant},
		{"a bill", "", bill, "application/vnd.cyclonedx+json; version=1.6", about.CycloneDX},
		{"a bill by its type", "application/vnd.cyclonedx+json; version=1.6", bill, "application/vnd.cyclonedx+json; version=1.6", about.CycloneDX},
		{"a bill of an odd version", "", `{"bomFormat": "CycloneDX", "specVersion": "1.6; x=\"y\""}`, "application/vnd.cyclonedx+json", about.CycloneDX},
		{"JSON in Markdown", "text/markdown", "{}\n", "text/markdown", about.ModelCard},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, media, err := Read(test.given, test.text)
			require.NoError(t, err)
			require.Equal(t, test.media, media)
			require.Equal(t, test.format, d.Format)
			require.Equal(t, d, Describe(record.Card{MediaType: media, Text: test.text}),
				"what is read from the ledger is what was read before")
		})
	}
}

func TestWhatIsNoCardIsRefused(t *testing.T) {
	bill := read(t, "mlbom/testdata/model.json")
	for _, test := range []struct{ name, given, text, message string }{
		{"nothing", "", " \n", "empty"},
		{"too much", "", strings.Repeat("x", record.MaxCard+1), "393217 bytes, more than the 393216 allowed"},
		{"another encoding", "", "caf\xe9", "not UTF-8"},
		{"a page", "", "<!DOCTYPE html><script>alert(1)</script>", "an HTML page"},
		{"a page called a card", "text/markdown", "\n <HTML>", "an HTML page"},
		{"a bill in XML", "", `<?xml version="1.0"?><bom/>`, "XML"},
		{"null characters", "", "PK\x00\x00", "null characters"},
		{"some JSON", "", `{"name": "x"}`, "neither Croissant metadata"},
		{"a page by its type", "text/html", "# x", "not a media type of a card"},
		{"no type", "text", "# x", "not a media type of a card"},
		{"a bad type", "a/b;;;=", "# x", "not a media type"},
		{"a bill called Croissant", "application/ld+json", bill, "neither Croissant metadata"},
		{"a bill of another version than said", "application/vnd.cyclonedx+json; version=1.5", bill, "says version 1.5"},
		{"Markdown called a bill", "application/vnd.cyclonedx+json", "# x", "not JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := Read(test.given, test.text)
			require.ErrorContains(t, err, test.message)
		})
	}
	require.Nil(t, Describe(record.Card{}))
	require.Nil(t, Describe(record.Card{MediaType: "text/html", Text: "<html>"}),
		"the ledger may have cards of formats that this program doesn't know")
}

func FuzzRead(f *testing.F) {
	f.Add("", "---\nlicense: mit\n---\n# x\n")
	f.Add("application/json", `{"bomFormat": "CycloneDX"}`)
	f.Fuzz(func(t *testing.T, media, text string) {
		d, kept, err := Read(media, text)
		if err != nil {
			return
		}
		again, same, err := Read(kept, text)
		require.NoError(t, err)
		require.Equal(t, kept, same, "the type that a card is kept under is its own")
		require.Equal(t, d, again)
	})
}
