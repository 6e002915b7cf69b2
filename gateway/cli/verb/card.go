package verb

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
)

const cardHelp = "file that describes the version: a model or dataset card (README.md), Croissant metadata or a CycloneDX " +
	"ML-BOM; the record keeps it unchanged, and takes the description and licence from it unless you give them"

// readCard reads a card for the body of an artifact. The gateway recognises the format of a card by its text. Markdown
// is the exception, as any text could be Markdown: the file's name decides.
func readCard(stdin io.Reader, name string) (map[string]any, error) {
	text, err := input.File(stdin, name, record.MaxCard)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(text) {
		return nil, exit.Usagef("the card %s is not UTF-8 text", name)
	}
	card := map[string]any{"text": string(text)}
	if strings.EqualFold(filepath.Ext(name), ".md") {
		card["mediaType"] = "text/markdown"
	}
	return card, nil
}

// cardPath returns the call that reads the card of an artifact version.
func cardPath(ref string) (client.Call, error) {
	if _, err := record.ParseArtifactRef(ref); err != nil {
		return client.Call{}, exit.With(exit.Usage, err)
	}
	return client.Call{Method: http.MethodGet, Path: client.ArtifactPath(ref) + "/card", Accept: "*/*"}, nil
}
