// Package catalogue lists the formats in which a gateway exports lineage. The API's routes, the command line and the
// documentation all use this list.
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

// Formats lists all formats, the preferred one first.
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

// ByName returns the format with the given name, and whether there is one.
func ByName(name string) (formats.Format, bool) {
	for _, f := range Formats {
		if f.Name == name {
			return f, true
		}
	}
	return formats.Format{}, false
}

// ByMediaType returns the format with the given media type, and whether there is one.
func ByMediaType(media string) (formats.Format, bool) {
	for _, f := range Formats {
		if f.MediaType == media {
			return f, true
		}
	}
	return formats.Format{}, false
}

// Names returns the names of all formats as a phrase: "json, csv or dot".
func Names() string {
	names := make([]string, len(Formats))
	for i, f := range Formats {
		names[i] = f.Name
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
