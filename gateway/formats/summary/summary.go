// Package summary writes an HTML document that tells people what a model was trained with. It follows the European
// Union's template for the public summary of training content of general-purpose AI models (AI Act, article 53(1)(d)).
// [Write] writes it.
//
// Everything in the document is from the ledger. Each statement has the number of the record that it is from, and the
// last page lists these records with the organisations that recorded them. What a card says is marked as the claim of
// the card's author. What nobody recorded is shown as not recorded; nothing is guessed. The rules in category.go decide
// under which heading a source of data is listed, and the document names the rule that applied.
//
// The document is complete in one file, without scripts, fonts or images. It is made for printing on A4 and for reading
// on a screen.
package summary

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

var (
	//go:embed style.css
	style string
	//go:embed page.html
	pageText string

	page = template.Must(template.New("summary").Parse(pageText))
)

// policy is a Content-Security-Policy that lets a browser show the document and nothing more. It holds also when the
// document is opened from a file.
var policy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(
		sum[:],
	) + "'; base-uri 'none'; form-action 'none'"
}()

// Format is the summary of a model's training content.
var Format = formats.Format{
	Name: "summary", MediaType: "text/html", Extension: ".html",
	About: "what a model was trained with, for people: HTML that prints well",
	Kinds: []string{
		"artifact",
	}, Only: models, Direction: lineage.Ancestors, Policy: policy + "; frame-ancestors 'none'", Write: Write,
}

func models(node string) error {
	if ref, err := record.ParseArtifactRef(node); err != nil || ref.Kind != "model" {
		return formats.Refuse("a training-data summary is about a model, but %q is not a model", record.Brief(node))
	}
	return nil
}

// Write writes the summary of the model at which a graph starts.
func Write(ctx context.Context, out io.Writer, g *formats.Graph) error {
	if err := models(g.Answer.Node); err != nil {
		return err
	}
	s := newSources(ctx, g)
	if err := s.gather(); err != nil {
		return err
	}
	d, err := s.document()
	if err != nil {
		return err
	}
	d.Style, d.Policy = template.CSS(style), policy //nolint:gosec // our own file
	var b bytes.Buffer
	if err := page.Execute(&b, d); err != nil {
		return fmt.Errorf("couldn't write a summary: %w", err)
	}
	_, err = out.Write(b.Bytes())
	return err
}
