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

const cardHelp = "file that describes it: a model or dataset card (README.md), Croissant metadata or a CycloneDX ML-BOM; kept as it is, and description and licence are taken from it if not given"

// readCard reads a card for the body of an artifact. The gateway recognises what it is; only Markdown, which any text might be, is
// told by the file's name.
func readCard(stdin io.Reader, name string) (map[string]any, error) {
	text, err := input.File(stdin, name)
	if err != nil {
		return nil, err
	}
	if len(text) > record.MaxCard {
		return nil, exit.Usagef("the card %s has %d bytes, more than the %d allowed", name, len(text), record.MaxCard)
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

// cardPath is where the card of an artifact version is read.
func cardPath(ref string) (client.Call, error) {
	if _, err := record.ParseArtifactRef(ref); err != nil {
		return client.Call{}, exit.With(exit.Usage, err)
	}
	return client.Call{Method: http.MethodGet, Path: client.ArtifactPath(ref) + "/card", Accept: "*/*"}, nil
}
