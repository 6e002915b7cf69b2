package search

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

const (
	// MaxText is the length of the longest text that is searched for, in bytes.
	MaxText = 2048
)

// keys are the application identifiers with which a Digital Link can begin.
var keys = map[string]bool{
	"00":   true,
	"01":   true,
	"253":  true,
	"255":  true,
	"401":  true,
	"402":  true,
	"414":  true,
	"417":  true,
	"8003": true,
	"8004": true,
	"8006": true,
	"8010": true,
	"8013": true,
	"8017": true,
	"8018": true,
}

var (
	// element matches one element of a label in its readable form: (10) A-17.
	element = regexp.MustCompile(`\(\s*([0-9]{2,4})\s*\)\s*([^(]*)`)
	// labelled matches a word that people put before a number.
	labelled = regexp.MustCompile(
		`(?i)\b(?:gtin|ean|upc|sscc|gln|product|article|item|lot|batch|charge|serial|s/?n|no|nr)\b\.?\s*[:#=]?`,
	)
	serial = regexp.MustCompile(`(?i)\b(?:serial|s/?n)\b`)
	spaced = regexp.MustCompile(`^[0-9][0-9 \-\x{00a0}]*[0-9]$`)
)

// Things returns the canonical names of the things that a text could be a spelling of, the likeliest first.
func Things(text string) []string {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > MaxText {
		return nil
	}
	var found []string
	add := func(thing string) {
		parts := epcis.Parts(thing)
		empty := func(p epcis.Part) bool { return p.Value == "" }
		if len(parts) > 0 && !slices.ContainsFunc(parts, empty) && !slices.Contains(found, thing) {
			found = append(found, thing)
		}
	}
	add(epcis.Thing(text))
	if strings.HasPrefix(text, "/") {
		add(epcis.Thing(epcis.DigitalLink + text))
	}
	if _, rest, ok := strings.Cut(text, "/01/"); ok && !strings.Contains(text, "://") { // a host without a scheme
		add(epcis.Thing(epcis.DigitalLink + "/01/" + rest))
	}
	for _, thing := range fromElements(text) {
		add(thing)
	}
	for _, thing := range fromScan(text) {
		add(thing)
	}
	for _, thing := range fromWords(text) {
		add(thing)
	}
	return found
}

// fromElements reads (01)09520001200014(10)A-17.
func fromElements(text string) []string {
	if !strings.HasPrefix(text, "(") {
		return nil
	}
	var pairs [][2]string
	for _, m := range element.FindAllStringSubmatch(text, -1) {
		pairs = append(pairs, [2]string{m[1], strings.TrimSpace(m[2])})
	}
	return links(pairs)
}

// links makes Digital Links from the elements of a label: of the item, if there is a serial number, and of its lot, if
// there is one. For an event may name only the lot.
func links(pairs [][2]string) []string {
	whole := link(pairs)
	lot := link(slices.DeleteFunc(slices.Clone(pairs), func(p [2]string) bool { return p[0] == "21" }))
	if !strings.Contains(lot, "/10/") || lot == whole {
		return []string{whole}
	}
	return []string{whole, lot}
}

// link makes a Digital Link from the elements of a label. It uses the key and the qualifiers, and leaves out elements
// that are no part of a name, such as a date. If the label of a pallet has no key of its own, what it contains (02) is
// the key.
func link(pairs [][2]string) string {
	path, content, lot, number := "", "", "", ""
	for _, p := range pairs {
		ai, value := p[0], p[1]
		switch {
		case ai == "10":
			lot = value
		case ai == "21" || ai == "254":
			number = "/" + ai + "/" + url.PathEscape(value)
		case ai == "02":
			content = "/01/" + url.PathEscape(value)
		case path == "":
			if keys[ai] {
				path = "/" + ai + "/" + url.PathEscape(value)
			}
		}
	}
	if path == "" {
		path = content
	}
	switch {
	case path == "":
		return ""
	case lot != "" && number == "":
		return epcis.Thing(epcis.DigitalLink + path + "/10/" + url.PathEscape(lot))
	}
	return epcis.Thing(epcis.DigitalLink + path + number) // the serial number names the item; the lot isn't needed
}

// fixedLengths are the lengths of the values that need no separator behind them, by the first two digits of their
// application identifiers (GS1 General Specifications, 7.8.5), with the rest of the identifiers.
var fixedLengths = map[string]int{
	"00": 18, "01": 14, "02": 14, "03": 14, "04": 16, "11": 6, "12": 6, "13": 6, "14": 6, "15": 6, "16": 6, "17": 6,
	"18": 6, "19": 6, "20": 2, "31": 8, "32": 8, "33": 8, "34": 8, "35": 8, "36": 8, "41": 14,
}

// fromScan reads what a scanner types: elements without brackets. A group separator ends what has no fixed length, such
// as a lot or serial number. Spaces around elements are ignored.
func fromScan(text string) []string {
	text = strings.TrimPrefix(text, "]C1")
	text = strings.TrimPrefix(text, "]d2")
	if len(text) < 2 || text[0] != '0' || text[1] < '0' || text[1] > '2' {
		return nil
	}
	var pairs [][2]string
	for rest := text; rest != ""; {
		if len(rest) < 2 || !digits(rest[:2]) {
			return nil
		}
		ai := rest[:2]
		rest = strings.TrimLeft(rest[2:], " ")
		length, fixed := fixedLengths[ai]
		if !fixed {
			length = strings.IndexByte(rest+"\x1d", '\x1d')
		}
		if len(rest) < length || fixed && !digits(rest[:length]) {
			return nil
		}
		pairs = append(pairs, [2]string{ai, strings.TrimSpace(rest[:length])})
		rest = strings.Trim(rest[length:], " \x1d")
	}
	return links(pairs)
}

// fromWords reads texts such as "GTIN 09520001200014, lot A-17" and shorter ones: a number as long as a key, and at
// most one more word.
func fromWords(text string) []string {
	number := serial.MatchString(text)
	if spaced.MatchString(text) {
		text = strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(text)
	}
	words := strings.FieldsFunc(
		labelled.ReplaceAllString(text, " "),
		func(r rune) bool { return r == ' ' || r == ',' || r == ';' || r == '\t' || r == '\u00a0' },
	)
	if len(words) == 1 {
		if key, rest, ok := strings.Cut(words[0], "/"); ok && digits(key) { // 09520001200014/A-17
			words = []string{key, rest}
		}
	}
	if len(words) == 0 || len(words) > 2 {
		return nil
	}
	at := slices.IndexFunc(
		words,
		func(w string) bool { return digits(w) && slices.Contains([]int{8, 12, 13, 14, 18}, len(w)) },
	)
	if at < 0 {
		return nil
	}
	key := words[at]
	if _, wrong := WrongCheckDigit(key); wrong {
		return nil
	}
	if len(words) == 1 {
		switch len(key) {
		case 18:
			return []string{link([][2]string{{"00", key}})}
		case 13:
			return []string{link([][2]string{{"01", "0" + key}}), link([][2]string{{"414", key}})}
		}
		return []string{link([][2]string{{"01", gtin(key)}})}
	}
	if len(key) == 18 {
		return nil
	}
	lot, item := [2]string{"10", words[1-at]}, [2]string{"21", words[1-at]}
	if number {
		lot, item = item, lot
	}
	return []string{link([][2]string{{"01", gtin(key)}, lot}), link([][2]string{{"01", gtin(key)}, item})}
}

// gtin pads a GTIN with zeros to 14 digits.
func gtin(key string) string { return strings.Repeat("0", max(0, 14-len(key))) + key }

func digits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// WrongCheckDigit reports whether a text is a GTIN, SSCC or GLN with a wrong check digit, and what the right one is.
func WrongCheckDigit(text string) (should byte, wrong bool) {
	text = labelled.ReplaceAllString(strings.TrimSpace(text), " ")
	text = strings.NewReplacer(" ", "", "-", "", "(01)", "", "(00)", "", "(414)", "").Replace(text)
	text, _, _ = strings.Cut(text, "(")
	if !digits(text) || !slices.Contains([]int{8, 12, 13, 14, 18}, len(text)) {
		return 0, false
	}
	return epcis.Mistyped(text)
}
