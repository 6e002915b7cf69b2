package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

const cardHelp = "file that describes it: a model or dataset card (README.md), Croissant metadata or a CycloneDX ML-BOM; kept as it is, and description and licence are taken from it if not given"

// readCard reads a card for the body of an artifact. The gateway recognises what it is; only Markdown, which any text might be, is
// told by the file's name.
func readCard(name string) (map[string]any, error) {
	text, err := readFile(os.Stdin, name)
	if err != nil {
		return nil, err
	}
	if len(text) > record.MaxCard {
		return nil, usage("the card %s has %d bytes, more than the %d allowed", name, len(text), record.MaxCard)
	}
	if !utf8.Valid(text) {
		return nil, usage("the card %s is not UTF-8 text", name)
	}
	card := map[string]any{"text": string(text)}
	if strings.EqualFold(filepath.Ext(name), ".md") {
		card["mediaType"] = "text/markdown"
	}
	return card, nil
}

// Warning is something odd about a card.
type Warning struct {
	Ref    string `json:"ref"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Line   int    `json:"line"`
}

func printWarnings(w io.Writer, warnings []Warning) {
	for _, odd := range warnings {
		where := ""
		if odd.Line > 0 {
			where = fmt.Sprintf(", line %d", odd.Line)
		}
		fmt.Fprintf(w, "warning: the card of %s%s: %s\n", plain(odd.Ref), where, plain(odd.Detail))
	}
}

// cardPath is where the card of an artifact version is read.
func cardPath(ref string) (Call, error) {
	if _, err := record.ParseArtifactRef(ref); err != nil {
		return Call{}, failure{err, ExitUsage}
	}
	return Call{Method: http.MethodGet, Path: artifactPath(ref) + "/card", Accept: "*/*"}, nil
}

// mostLines bounds what is shown of each list of a card.
const mostLines = 12

// printAbout shows what a card says, in short.
func printAbout(w io.Writer, d *about.Description) {
	if d == nil {
		return
	}
	shown := map[string]int{}
	line := func(name, text string) {
		if text = strings.Join(strings.Fields(text), " "); text == "" {
			return
		}
		if shown[name]++; shown[name] <= mostLines {
			fmt.Fprintf(w, "  %-11s %s\n", name, plain(about.Cut(text, 400)))
		}
	}
	defer func() {
		for _, name := range slices.Sorted(maps.Keys(shown)) {
			if more := shown[name] - mostLines; more > 0 {
				fmt.Fprintf(w, "  %-11s … and %d more; --json has all\n", name, more)
			}
		}
	}()
	format := d.Format
	if d.FormatVersion != "" {
		format += " " + d.FormatVersion
	}
	line("card", format)
	line("title", d.Title)
	line("says", d.Description)
	for _, l := range d.Licences {
		text := l.SPDX
		if text == "" {
			text = strings.TrimSpace(l.Text + " " + l.URL)
		}
		line("licence", text)
	}
	for _, a := range d.Creators {
		line("by", a.Name)
	}
	line("task", strings.Join(d.Tasks, ", "))
	for _, r := range d.BaseModels {
		line("base model", reference(r, r.Relation))
	}
	for _, r := range d.Datasets {
		line("dataset", reference(r, r.Role))
	}
	for _, t := range d.Usage {
		line("use", strings.Join(append([]string{strings.TrimSpace(t.Kind + " " + t.Code + " " + t.Text)}, t.Constraints...), "; "))
	}
	for _, p := range d.About(about.TopicSensitive) {
		line("sensitive", p.Text)
	}
	for _, m := range d.Metrics {
		line("result", strings.TrimSpace(m.Type+" "+m.Value+" "+m.Dataset+" "+m.Slice))
	}
	for _, p := range d.Problems {
		line("odd", p.Detail)
	}
}

func reference(r about.Reference, as string) string {
	text := r.Name
	if r.Ref != "" && r.Ref != r.Name {
		text += " " + r.Ref
	}
	if r.Ref == "" && r.URL != "" && r.URL != r.Name {
		text += " " + r.URL
	}
	if as != "" {
		text += " (" + as + ")"
	}
	return text
}

// withoutCard is a record as people are shown it: instead of the card's text, how long that is.
func withoutCard(text json.RawMessage) json.RawMessage {
	var body, card map[string]json.RawMessage
	var content string
	if json.Unmarshal(text, &body) != nil || json.Unmarshal(body["card"], &card) != nil || json.Unmarshal(card["text"], &content) != nil {
		return text
	}
	card["text"] = spelled(fmt.Sprintf("… %d bytes; show --card prints them", len(content)))
	body["card"] = spelled(card)
	return spelled(body)
}

// spelled is a value as JSON, without the escapes that only HTML needs.
func spelled(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return json.RawMessage("null") // of texts, and of JSON that was read, there is none that can't be written
	}
	return bytes.TrimSpace(b.Bytes())
}
