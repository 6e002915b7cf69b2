// Package card recognises and reads the documents that describe artifact versions: Croissant metadata, model and
// dataset cards in Markdown, and CycloneDX bills of materials. [Read] accepts any of them; [Compare] checks a card
// against the files that an artifact was registered with.
//
// The ledger keeps a card byte for byte. What this package finds in a card is never stored; the card is read again each
// time.
package card

import (
	"fmt"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/formats/croissant"
	"github.com/pedigree-ledger/pedigree/gateway/formats/mlbom"
	"github.com/pedigree-ledger/pedigree/gateway/formats/modelcard"
	"github.com/pedigree-ledger/pedigree/gateway/formats/tree"
)

// Media types of cards, without parameters.
const (
	JSONLD    = "application/ld+json"
	Markdown  = "text/markdown"
	CycloneDX = "application/vnd.cyclonedx+json"
)

var versions = regexp.MustCompile(`^\d{1,3}\.\d{1,3}$`)

// Read recognises a card and reads it. mediaType may be empty or general, such as application/json. If it names a card
// format, the card must have that format. The result media is the media type under which to store the card. Errors are
// of type *tree.Error and give the line of the fault where it is known.
func Read(mediaType, text string) (d *about.Description, media string, err error) {
	given, params, err := parameters(mediaType)
	if err != nil {
		return nil, "", err
	}
	switch {
	case len(text) > record.MaxCard:
		return nil, "", &tree.Error{
			Message: fmt.Sprintf(
				"the card has %d bytes, more than the %d allowed; register it as a document of its own, and refer to that in a shorter card",
				len(text),
				record.MaxCard,
			),
		}
	case !utf8.ValidString(text):
		return nil, "", &tree.Error{Message: "the card is not UTF-8 text"}
	case strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")) == "":
		return nil, "", &tree.Error{Message: "the card is empty"}
	}
	if given == Markdown || given == "" && !isJSON(text) {
		if err := isPage(text); err != nil {
			return nil, "", err
		}
		d, err = modelcard.Read(text)
		return d, Markdown, err
	}
	doc, err := tree.JSON(text)
	if err != nil {
		return nil, "", err
	}
	if version, ok := mlbom.Is(doc); ok && given != JSONLD {
		if v := params["version"]; v != "" && v != version {
			return nil, "", &tree.Error{
				Message: fmt.Sprintf("the media type says version %s, but the bill says %q", about.Brief(v),
					about.Brief(version)),
			}
		}
		media = CycloneDX
		if versions.MatchString(version) {
			media += "; version=" + version
		}
		d, err = mlbom.Read(text)
		return d, media, err
	}
	if _, version, ok := croissant.Find(doc); ok && given != CycloneDX {
		media = JSONLD
		if version != "" {
			media += `; profile="` + croissant.Conforms + version + `"`
		}
		d, err = croissant.Read(text)
		return d, media, err
	}
	return nil, "", &tree.Error{
		Line:    1,
		Message: `the JSON is neither Croissant metadata ("@context" and "@type": "sc:Dataset") nor a CycloneDX bill ("bomFormat": "CycloneDX"), or it doesn't match its media type`,
	}
}

// Describe reads a card that is on the ledger. It returns nil if there is no card or if the card can't be read.
func Describe(c record.Card) *about.Description {
	if c.Text == "" {
		return nil
	}
	d, _, err := Read(c.MediaType, c.Text)
	if err != nil {
		return nil
	}
	return d
}

// parameters parses a media type. For a general type, which doesn't name a card format, media is empty.
func parameters(mediaType string) (media string, params map[string]string, err error) {
	if mediaType == "" {
		return "", nil, nil
	}
	media, params, err = mime.ParseMediaType(mediaType)
	if err != nil {
		return "", nil, &tree.Error{Message: fmt.Sprintf("%q is not a media type", about.Brief(mediaType))}
	}
	switch media {
	case JSONLD, CycloneDX, Markdown:
		return media, params, nil
	case "text/x-markdown":
		return Markdown, params, nil
	case "application/json", "text/plain", "application/octet-stream":
		return "", params, nil
	}
	return "", nil, &tree.Error{
		Message: fmt.Sprintf(
			"%q is not a media type of a card; use %s (Croissant), %s (model and dataset cards) or %s (ML-BOM), or leave it out to have the card recognised",
			about.Brief(mediaType),
			JSONLD,
			Markdown,
			CycloneDX,
		),
	}
}

func isJSON(text string) bool {
	text = strings.TrimLeft(strings.TrimPrefix(text, "\ufeff"), " \t\r\n")
	return strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
}

// isPage refuses a text that begins like an HTML page or an XML document, whatever its media type.
func isPage(text string) error {
	start := strings.ToLower(strings.TrimLeft(strings.TrimPrefix(text, "\ufeff"), " \t\r\n"))
	for prefix, what := range map[string]string{"<!doctype": "an HTML page", "<html": "an HTML page", "<?xml": "XML",
		"<bom": "XML"} {
		if strings.HasPrefix(start, prefix) {
			return &tree.Error{
				Line:    1,
				Message: "this is " + what + "; a card is Markdown with a YAML block, Croissant metadata or a CycloneDX bill in JSON",
			}
		}
	}
	if strings.ContainsRune(text, 0) {
		return &tree.Error{Message: "the text has null characters in it; a card is plain text"}
	}
	return nil
}
