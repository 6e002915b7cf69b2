package text

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

// Warnings prints the warnings about cards.
func Warnings(w io.Writer, warnings []client.Warning) {
	for _, odd := range warnings {
		of, where := "the card of ", ""
		if strings.HasPrefix(odd.Code, "same_bytes") {
			of = ""
		}
		if odd.Line > 0 {
			where = fmt.Sprintf(", line %d", odd.Line)
		}
		fmt.Fprintf(w, "warning: %s%s%s: %s\n", of, terminal.Plain(odd.Ref), where, terminal.Plain(odd.Detail))
	}
}

// mostLines is the greatest number of lines that each list of a card gets.
const mostLines = 12

// description prints a summary of a card.
func description(w io.Writer, d *about.Description) {
	if d == nil {
		return
	}
	shown := map[string]int{}
	line := func(name, text string) {
		if text = strings.Join(strings.Fields(text), " "); text == "" {
			return
		}
		if shown[name]++; shown[name] <= mostLines {
			fmt.Fprintf(w, "  %-11s %s\n", name, terminal.Plain(about.Cut(text, 400)))
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
		line(
			"use",
			strings.Join(append([]string{strings.TrimSpace(t.Kind + " " + t.Code + " " + t.Text)}, t.Constraints...),
				"; "),
		)
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

// withoutCard replaces the text of a record's card with the length of that text.
func withoutCard(text json.RawMessage) json.RawMessage {
	var body, card map[string]json.RawMessage
	var content string
	if json.Unmarshal(text, &body) != nil || json.Unmarshal(body["card"], &card) != nil ||
		json.Unmarshal(card["text"], &content) != nil {
		return text
	}
	card["text"] = spelled(fmt.Sprintf("… %d bytes; show --card prints them", len(content)))
	body["card"] = spelled(card)
	return spelled(body)
}

// spelled encodes a value as JSON, without the escapes that only HTML needs.
func spelled(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return json.RawMessage("null") // can't happen: strings, and JSON that was decoded, can be encoded
	}
	return bytes.TrimSpace(b.Bytes())
}
