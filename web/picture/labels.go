package picture

import (
	"strings"
	"time"
	"unicode"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// look says how a kind of node is drawn and what people call it.
type look struct {
	symbol       string // the shape and the picture in it
	class        string // the class that gives the colours
	one, several string
}

var (
	items      = &look{"item", "thing", "item", "items"}
	lots       = &look{"lot", "thing", "lot", "lots"}
	units      = &look{"unit", "thing", "logistic unit", "logistic units"}
	places     = &look{"place", "thing", "place", "places"}
	assets     = &look{"asset", "thing", "asset", "assets"}
	classes    = &look{"class", "class", "product", "products"}
	events     = &look{"event", "event", "event", "events"}
	datasets   = &look{"dataset", "dataset", "dataset", "datasets"}
	models     = &look{"model", "model", "model", "models"}
	programs   = &look{"code", "code", "code base", "code bases"}
	documents  = &look{"document", "document", "document", "documents"}
	runs       = &look{"run", "activity", "run", "runs"}
	statements = &look{"statement", "statement", "statement", "statements"}
	unknown    = &look{"unknown", "unknown", "record", "records"}

	eventLooks = map[string]*look{
		"TransformationEvent": {"transformation", "event", "transformation", "transformations"},
		"AggregationEvent":    {"aggregation", "event", "aggregation", "aggregations"},
		"AssociationEvent":    {"aggregation", "event", "association", "associations"},
		"TransactionEvent":    {"transaction", "event", "transaction", "transactions"},
	}
	activityLooks = map[string]*look{
		"training": {
			"training",
			"activity",
			"training run",
			"training runs",
		}, "fine-tuning": {"training", "activity", "fine-tuning run", "fine-tuning runs"},
		"evaluation": {
			"evaluation",
			"activity",
			"evaluation",
			"evaluations",
		}, "inference": {"decision", "activity", "decision", "decisions"},
		"transformation": {
			"run",
			"activity",
			"transformation run",
			"transformation runs",
		}, "labelling": {"run", "activity", "labelling run", "labelling runs"},
		"generation": {"run", "activity", "generation run", "generation runs"},
	}
	artifactLooks = map[string]*look{"dataset": datasets, "model": models, "code": programs, "document": documents}
	folded        = &look{"fold", "fold", "group", "groups"}
)

func lookOf(n *lineage.Node) *look {
	switch n.Kind {
	case "thing", "class":
		return thingLook(n)
	case "event":
		if l, ok := eventLooks[n.Type]; ok {
			return l
		}
		return events
	case "artifact":
		kind, _, _ := strings.Cut(n.ID, "/")
		if l, ok := artifactLooks[kind]; ok {
			return l
		}
	case "activity":
		if l, ok := activityLooks[n.Type]; ok {
			return l
		}
		return runs
	case "statement":
		return statements
	}
	return unknown
}

func thingLook(n *lineage.Node) *look {
	parts := epcis.Parts(n.ID)
	switch {
	case len(parts) == 0:
		return assets
	case parts[0].AI == "00":
		return units
	case parts[0].AI == "414" || parts[0].AI == "417":
		return places
	case parts[0].AI != "01" && parts[0].AI != "8006" && parts[0].AI != "8010":
		return assets
	case len(parts) == 1:
		return classes
	case parts[1].AI == "10":
		return lots
	}
	return items
}

// label returns two short lines for a node: its name, and what else distinguishes it.
func label(n *lineage.Node) (title, sub string) {
	switch n.Kind {
	case "thing", "class":
		return thingLabel(n.ID)
	case "artifact":
		kind, rest, _ := strings.Cut(n.ID, "/")
		namespace, name, found := strings.Cut(rest, "/")
		if !found {
			return clean(n.ID), ""
		}
		return clean(name), clean(kind + " · " + namespace)
	case "event":
		title = word(n.BizStep)
		if title == "" {
			title = word(strings.TrimSuffix(n.Type, "Event"))
		}
		return orElse(title, "event"), moment(n.Time)
	case "activity":
		title = orElse(word(n.Type), "run")
		if n.Type == "inference" {
			title = "decision"
		}
		return title, moment(n.Time)
	case "statement":
		return orElse(word(n.Type), "statement"), moment(n.Recorded)
	}
	return clean(shortID(n.ID)), clean(n.Kind)
}

func thingLabel(id string) (title, sub string) {
	parts := epcis.Parts(id)
	if len(parts) == 0 {
		return clean(lastOf(id)), clean(id)
	}
	key, last := parts[0], parts[len(parts)-1]
	switch {
	case key.AI == "00":
		return "SSCC " + ending(key.Value, 8), key.Value
	case len(parts) == 1:
		return key.Title + " " + ending(clean(key.Value), 14), "all lots and items"
	case last.AI == "10":
		return "Lot " + clean(last.Value), key.Title + " " + clean(key.Value)
	}
	return "Item " + clean(last.Value), key.Title + " " + clean(key.Value)
}

// ending returns the end of a long number, which says more than its beginning.
func ending(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "…" + s[len(s)-n:]
}

func lastOf(uri string) string {
	if i := strings.LastIndexAny(strings.TrimRight(uri, "/"), "/:#"); i >= 0 && i+1 < len(uri) {
		return uri[i+1:]
	}
	return uri
}

func shortID(id string) string {
	if digest, ok := strings.CutPrefix(id, "ni:///sha-256;"); ok && len(digest) > 12 {
		return digest[:12] + "…"
	}
	return id
}

// word returns the last part of a word of the CBV, or of a type, as people write it.
func word(uri string) string {
	const steps = "https://ref.gs1.org/cbv/BizStep-"
	w, ok := strings.CutPrefix(uri, steps)
	if !ok {
		w = lastOf(uri)
	}
	return clean(strings.ReplaceAll(w, "_", " "))
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2 Jan 2006, 15:04")
}

// longest is the most characters of a text that are shown. The pages about nodes show the whole text.
const longest = 300

// clean shortens very long text and removes characters that aren't printable.
func clean(s string) string {
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest]) + "…"
	}
	return printable(s)
}

// printable removes control characters, direction marks and invalid UTF-8. They could make a label look like another
// one.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// organisation makes the name of an organisation from its MSP id.
func organisation(mspID string) string {
	if name := strings.TrimSuffix(mspID, "MSP"); name != "" {
		return clean(name)
	}
	return clean(mspID)
}

// widths are the widths of characters in hundredths of an em, in a semi-bold sans-serif typeface. They are a little
// larger than in most typefaces.
var widths = func() (w [128]int) {
	for c := range w {
		switch {
		case strings.ContainsRune("iljI.,:;'|!", rune(c)):
			w[c] = 30
		case strings.ContainsRune("ftr()[]{}/\\- ", rune(c)):
			w[c] = 38
		case strings.ContainsRune("mwMW@%", rune(c)):
			w[c] = 92
		case c >= 'A' && c <= 'Z':
			w[c] = 69
		default:
			w[c] = 58
		}
	}
	return w
}()

// measure estimates how wide a text is, in pixels.
func measure(s string, size float64) float64 {
	sum := 0
	for _, r := range s {
		switch {
		case r < 128:
			sum += widths[r]
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana):
			sum += 100
		default:
			sum += 66
		}
	}
	return float64(sum) * size / 100
}

// fit shortens a text until it fits into room pixels. If the text is a name with a short version, it keeps the version.
func fit(s string, size, room float64) string {
	if measure(s, size) <= room {
		return s
	}
	tail := ""
	if at := strings.LastIndexByte(s, '@'); at > 0 && measure(s[at:], size) < room/2 {
		s, tail = s[:at], s[at:]
	}
	runes := []rune(s)
	for len(runes) > 1 && measure(string(runes)+"…"+tail, size) > room {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…" + tail
}
