// Package catalogue lists the formats in which a gateway tells lineage. The routes, the command line and the
// documentation take them from here.
package catalogue

import (
	"context"
	"io"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/formats/cyclonedx"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/formats/prov"
	"github.com/pedigree-ledger/pedigree/gateway/formats/slsa"
	"github.com/pedigree-ledger/pedigree/gateway/formats/summary"
)

// Formats are all formats, the preferred one first.
var Formats = []formats.Format{
	{Name: "json", MediaType: "application/json", Extension: ".json", About: "nodes and edges, as the gateway has them"},
	{Name: "csv", MediaType: "text/csv", Extension: ".csv", About: "the nodes as a table, for spreadsheets",
		Write: func(_ context.Context, out io.Writer, g *formats.Graph) error { return g.Answer.WriteCSV(out) }},
	{Name: "dot", MediaType: "text/vnd.graphviz", Extension: ".dot", About: "a picture, for Graphviz",
		Write: func(_ context.Context, out io.Writer, g *formats.Graph) error { return g.Answer.WriteDOT(out) }},
	prov.Format,
	cyclonedx.Format,
	slsa.Format,
	openlineage.Format,
	summary.Format,
}

// ByName finds a format by its name.
func ByName(name string) (formats.Format, bool) {
	for _, f := range Formats {
		if f.Name == name {
			return f, true
		}
	}
	return formats.Format{}, false
}

// ByMediaType finds a format by its media type.
func ByMediaType(media string) (formats.Format, bool) {
	for _, f := range Formats {
		if f.MediaType == media {
			return f, true
		}
	}
	return formats.Format{}, false
}

// Names lists the names, as in a sentence.
func Names() string {
	names := make([]string, len(Formats))
	for i, f := range Formats {
		names[i] = f.Name
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
