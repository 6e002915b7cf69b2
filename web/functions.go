package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// functions are the functions that templates can call.
func (p *Pages) functions() template.FuncMap {
	return template.FuncMap{
		"style":    func() string { return p.sheet },
		"script":   p.script,
		"icon":     icon,
		"kind":     KindOf,
		"node":     NodeKind,
		"spans":    spans,
		"day":      func(t time.Time) string { return t.UTC().Format("2 January 2006") },
		"moment":   func(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04") },
		"stamp":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"brief":    Brief,
		"signer":   record.SignerName,
		"flagWord": flagWord,
		"flagOf":   flagOf,
		"warns":    record.Warns,
		"title":    kindTitle,
		"path":     url.PathEscape,
		"query":    url.QueryEscape,
		"href":     Href,
		"lineage":  func(node string) string { return "/lineage?node=" + url.QueryEscape(node) },
		"impact":   func(node string) string { return "/impact?node=" + url.QueryEscape(node) },
		"count":    count,
		"size":     size,
		"plural":   plural,
		"dict":     dict,
		"pretty":   Pretty,
		"refs":     refs,
	}
}

// script returns the path of the script with a name.
func (p *Pages) script(name string) (string, error) {
	file, ok := p.scripts[name]
	if !ok {
		return "", fmt.Errorf("there is no script %q", name)
	}
	return file, nil
}

// Href returns the path of the page about a node.
func Href(node string) string {
	switch {
	case strings.HasPrefix(node, epcis.DigitalLink+"/"):
		return node[len(epcis.DigitalLink):]
	case strings.HasPrefix(node, "ni:///"):
		return "/records/" + url.PathEscape(node)
	}
	for _, k := range Kinds {
		if rest, ok := strings.CutPrefix(node, k.Slug+"/"); ok {
			return "/artifacts/" + k.Slug + "/" + rest
		}
	}
	return "/search?q=" + url.QueryEscape(node)
}

// Brief shortens an identifier but keeps the part that distinguishes it. It keeps the first digits of a hash, shows
// what the code of a thing says, and keeps the beginning and the end of other long names.
func Brief(id string) string {
	if hash, ok := strings.CutPrefix(id, "ni:///sha-256;"); ok && len(hash) > 12 {
		return hash[:12] + "…"
	}
	if parts := epcis.Parts(id); len(parts) > 0 {
		return thingName(parts)
	}
	if len(id) == 64 && strings.Trim(id, "0123456789abcdef") == "" {
		return id[:12] + "…"
	}
	if runes := []rune(id); len(runes) > 48 {
		return string(runes[:28]) + "…" + string(runes[len(runes)-16:])
	}
	return id
}

// thingName writes the parts of a thing's code, the finest part first: lot A-17 of 09520001200014.
func thingName(parts []epcis.Part) string {
	name := ""
	for i, part := range parts {
		title := part.Title + " "
		if part.AI == "21" {
			title = "serial "
		}
		if i == 0 && len(parts) > 1 {
			title = "" // the finer part explains it
		}
		if name != "" {
			name = " of " + name
		}
		name = title + part.Value + name
	}
	return name
}

// span is a piece of text. Some pieces are code.
type span struct {
	Text string
	Code bool
}

// spans splits a text at its backticks. If their number is odd, it leaves the text as it is.
func spans(text string) []span {
	pieces := strings.Split(text, "`")
	if len(pieces)%2 == 0 {
		return []span{{Text: text}}
	}
	list := make([]span, len(pieces))
	for i, piece := range pieces {
		list[i] = span{Text: piece, Code: i%2 == 1}
	}
	return list
}

// count writes a whole number with narrow spaces between thousands.
func count(n any) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// size writes a number of bytes.
func size(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB"}
	value, unit := float64(n), 0
	for value >= 1000 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.3g %s", value, units[unit])
}

// flagWord is a flag in words for people.
func flagWord(flag string) string { return strings.ReplaceAll(flag, "-", " ") }

// flagOf is the flag that statements of a kind leave, as the beginning of a line. Kinds without a flag have their
// title.
func flagOf(kind string) string {
	k, _ := record.StatementKindOf(kind)
	word := flagWord(cmp.Or(k.Flag, k.Title, kind))
	first, size := utf8.DecodeRuneInString(word)
	return string(unicode.ToUpper(first)) + word[size:]
}

// kindTitle is the title of a kind of statement, inside a sentence.
func kindTitle(kind string) string {
	k, _ := record.StatementKindOf(kind)
	return strings.ToLower(cmp.Or(k.Title, kind))
}

// plural chooses the word for a number.
func plural(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}

// dict makes a map of names and values in turn, for a template that needs several values.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict wants names and values in turn")
	}
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict wants a name at %d", i)
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// Pretty writes JSON with line breaks and indents.
func Pretty(text []byte) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(json.RawMessage(text)); err != nil {
		return string(text)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
