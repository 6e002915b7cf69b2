package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/formats/card"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// A card comes as its text alone. The gateway recognises what it is, gives it its media type and its hash, and copies
// what it says of description and licence to where the record has room for them and the caller said nothing. The text
// stays as it is.

// warning is something odd about a card that kept nobody from recording it.
type warning struct {
	Ref     string `json:"ref,omitempty"` // the artifact version
	Code    string `json:"code"`
	Detail  string `json:"detail"`
	Pointer string `json:"pointer,omitempty"` // in the card or the event
	Line    int    `json:"line,omitempty"`    // of the card
}

// maxBlurb bounds what is copied into a record's description, in bytes.
const maxBlurb = 1000

// described is an artifact version on its way to the ledger, and what its card says.
type described struct {
	*record.Record
	card *about.Description // nil if it has none
}

// sources are what the record says the artifact was derived from.
func (a described) sources() []string { return slices.Clone(a.Artifact.DerivedFrom) }

// describe makes an artifact's record of what a caller of the organisation by sent.
func describe(body canonical.Value, by string) (described, []record.Problem) {
	body, d, problems := withCard(body)
	if len(problems) > 0 {
		return described{}, problems
	}
	r, problems := record.NewArtifact(body, by)
	if len(problems) > 0 || d == nil {
		return described{r, nil}, problems
	}
	contradictions, odd := card.Compare(d, r.Artifact.Digest, r.Artifact.Manifest)
	for _, p := range contradictions {
		problems = append(problems, record.Problem{Code: p.Code, Pointer: "/card/text", Detail: inCard(p)})
	}
	d.Problems = append(d.Problems, odd...)
	return described{r, d}, problems
}

// inCard says where in the card a problem is.
func inCard(p about.Problem) string {
	if p.Line == 0 {
		return p.Detail
	}
	return fmt.Sprintf("line %d of the card: %s", p.Line, p.Detail)
}

// withCard completes a card, and the members that it can fill. A body that is not of the right form is left to the
// reader of records, which says what is wrong.
func withCard(body canonical.Value) (canonical.Value, *about.Description, []record.Problem) {
	c := body.Get("card")
	text, given := c.Get("text"), c.Get("mediaType")
	switch {
	case c.Kind != canonical.Object || c.Has("mediaType") && given.Kind != canonical.String:
		return body, nil, nil
	case !c.Has("text"): // said here, for the reader would ask for what is filled in as well
		return body, nil, []record.Problem{
			{Code: "missing_field", Pointer: "/card/text", Detail: "text is required: the card itself"},
		}
	case text.Kind != canonical.String:
		return body, nil, []record.Problem{
			{
				Code:    "wrong_type",
				Pointer: "/card/text",
				Detail:  "text must be a JSON string, the card as it is, not a JSON " + text.Kind.String(),
			},
		}
	}
	d, media, err := card.Read(given.Text, text.Text)
	if err != nil {
		code := "bad_card"
		if len(text.Text) > record.MaxCard {
			code = "too_large"
		}
		return body, nil, []record.Problem{
			{Code: code, Pointer: "/card/text", Detail: "the card can't be read: " + err.Error()},
		}
	}
	c = c.With("mediaType", canonical.Str(media))
	if !c.Has("sha256") {
		c = c.With("sha256", canonical.Str(hexSHA256(text.Text)))
	}
	body = body.With("card", c)
	blurb := about.Cut(d.Description, maxBlurb)
	if blurb == "" {
		blurb = about.Cut(d.Title, maxBlurb)
	}
	for name, value := range map[string]string{"description": blurb, "licence": d.Licence()} {
		if value != "" && !body.Has(name) {
			body = body.With(name, canonical.Str(value))
		}
	}
	return body, d, nil
}

func hexSHA256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// warnings are what is odd about an artifact version that is made of sources: that its bytes have another name, and
// what its card says. others are artifact versions that are registered together with it.
func (s *Server) warnings(ctx context.Context, a described, sources []string, others ...string) ([]warning, error) {
	all, err := s.sameBytes(ctx, a)
	if err != nil || a.card == nil {
		return all, err
	}
	ref := a.Artifact.ArtifactRef.String()
	for _, p := range a.card.Problems {
		all = append(all, warning{ref, p.Code, p.Detail, p.Pointer, p.Line})
	}
	odd, err := s.strangers(ctx, ref, a.card, sources, others)
	return append(all, odd...), err
}

// maxLookups bounds how many of the names in one card are looked up.
const maxLookups = 100

// strangers are the artifact versions that a card names as what the artifact was made of, and that are not among what
// the ledger will say it was made of.
func (s *Server) strangers(
	ctx context.Context,
	ref string,
	d *about.Description,
	sources, others []string,
) ([]warning, error) {
	var all []warning
	seen := map[string]bool{ref: true}
	for _, source := range d.Sources() {
		if source.Ref == "" || source.Role == about.RoleEvaluation || seen[source.Ref] ||
			slices.Contains(sources, source.Ref) {
			continue
		}
		if seen[source.Ref] = true; len(seen) > maxLookups {
			break
		}
		other, err := "", error(nil)
		if !slices.Contains(others, source.Ref) {
			other, err = s.otherName(ctx, source.Ref)
		}
		switch {
		case errors.Is(err, index.ErrNotFound):
			all = append(
				all,
				warning{
					ref,
					"source_unknown",
					fmt.Sprintf("the card names %s, which is not on the ledger", source.Ref),
					source.Pointer,
					source.Line,
				},
			)
		case err != nil:
			return nil, err
		case other != ref && !slices.Contains(sources, other):
			all = append(
				all,
				warning{
					ref,
					"source_not_named",
					fmt.Sprintf(
						"the card names %s, which is not among what the ledger says %s is made of: its derivedFrom, and what the run used that generated it",
						source.Ref,
						ref,
					),
					source.Pointer,
					source.Line,
				},
			)
		}
	}
	return all, nil
}

// otherName is the record id of an artifact version, and the name of the one that a record describes.
func (s *Server) otherName(ctx context.Context, name string) (string, error) {
	if _, err := record.ParseArtifactRef(name); err == nil {
		a, err := s.Index.Artifact(ctx, name, index.Latest)
		if err != nil {
			return "", err
		}
		return a.ID, nil
	}
	r, err := s.Index.Record(ctx, name, index.Latest)
	if err != nil || r.Noun != record.NounArtifact {
		return "", err
	}
	return refOf(r.Body), nil
}

// aboutArtifact reads the card in an artifact's body; nil if it has none that can be read.
func aboutArtifact(body []byte) *about.Description {
	v, err := canonical.Parse(body, canonical.Limits{})
	if err != nil {
		return nil
	}
	return card.Describe(cardIn(v))
}

func cardIn(artifact canonical.Value) record.Card {
	c := artifact.Get("card")
	return record.Card{MediaType: c.Get("mediaType").Text, SHA256: c.Get("sha256").Text, Text: c.Get("text").Text}
}

// artifactCard answers with the very bytes of a card.
func (s *Server) artifactCard(c *call) error {
	ref := c.artifact()
	a, err := s.Index.Artifact(c.Request.Context(), ref.String(), c.at())
	if err != nil {
		return err
	}
	v, err := canonical.Parse(a.Body, canonical.Limits{})
	if err != nil {
		return fmt.Errorf("couldn't read record %s: %w", a.ID, err)
	}
	found := cardIn(v)
	if found.Text == "" {
		return problem.New(problem.NotFound, "%s was registered without a card", record.Brief(ref.String()))
	}
	media, extension := servedAs(found.MediaType)
	// The text is anybody's. It is for saving and for programs, never for a browser to show as a page of this gateway.
	c.Header(
		"Content-Disposition",
		mime.FormatMediaType("attachment", map[string]string{"filename": ref.Name + "-" + ref.Version + extension}),
	)
	c.Header("Content-Security-Policy", "default-src 'none'; sandbox")
	c.Header("Cache-Control", "private, max-age=31536000, immutable")
	c.Header("ETag", `"`+found.SHA256+`"`)
	c.send(http.StatusOK, media, []byte(found.Text))
	return nil
}

// servedAs is the media type that a card is served as: its own, if that is one of a card, for the ledger keeps any that
// a caller gives.
func servedAs(mediaType string) (media, extension string) {
	base, params, err := mime.ParseMediaType(mediaType)
	extension, known := map[string]string{card.JSONLD: ".jsonld", card.Markdown: ".md",
		card.CycloneDX: ".cdx.json"}[base]
	if err != nil || !known {
		return "application/octet-stream", ".bin"
	}
	if media = mime.FormatMediaType(base, params); media == "" {
		media = base
	}
	if strings.HasPrefix(media, "text/") {
		media = mime.FormatMediaType(base, map[string]string{"charset": "utf-8"})
	}
	return media, extension
}
