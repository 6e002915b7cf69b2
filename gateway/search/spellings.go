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
	add(fromElements(text))
	for _, thing := range fromScan(text) {
		add(thing)
	}
	for _, thing := range fromWords(text) {
		add(thing)
	}
	return found
}

// fromElements reads (01)09520001200014(10)A-17.
func fromElements(text string) string {
	if !strings.HasPrefix(text, "(") {
		return ""
	}
	var pairs [][2]string
	for _, m := range element.FindAllStringSubmatch(text, -1) {
		pairs = append(pairs, [2]string{m[1], strings.TrimSpace(m[2])})
	}
	return link(pairs)
}

// link makes a Digital Link from the elements of a label. It uses the key and the qualifiers, and leaves out elements
// that are no part of a name, such as a date.
func link(pairs [][2]string) string {
	path, lot, number := "", "", ""
	for _, p := range pairs {
		ai, value := p[0], p[1]
		switch {
		case ai == "10":
			lot = value
		case ai == "21" || ai == "254":
			number = "/" + ai + "/" + url.PathEscape(value)
		case path == "":
			if keys[ai] {
				path = "/" + ai + "/" + url.PathEscape(value)
			}
		}
	}
	switch {
	case path == "":
		return ""
	case lot != "" && number == "":
		return epcis.Thing(epcis.DigitalLink + path + "/10/" + url.PathEscape(lot))
	}
	return epcis.Thing(epcis.DigitalLink + path + number) // the serial number names the item; the lot isn't needed
}

// fromScan reads what a scanner types: elements without brackets. A group separator ends a lot or serial number. Spaces
// around elements are ignored.
func fromScan(text string) []string {
	text = strings.TrimPrefix(text, "]C1")
	text = strings.TrimPrefix(text, "]d2")
	var found []string
	for ai, length := range map[string]int{"00": 18, "01": 14} {
		rest, ok := strings.CutPrefix(text, ai)
		if !ok {
			continue
		}
		rest = strings.TrimLeft(rest, " ")
		if len(rest) < length || !digits(rest[:length]) {
			continue
		}
		key, rest := rest[:length], strings.Trim(rest[length:], " \x1d")
		pairs := [][2]string{{ai, key}}
		for rest != "" && (strings.HasPrefix(rest, "10") || strings.HasPrefix(rest, "21")) {
			value, after, _ := strings.Cut(strings.ReplaceAll(rest[2:], "\x1d", " \x1d"), " \x1d")
			pairs = append(pairs, [2]string{rest[:2], strings.TrimSpace(value)})
			rest = strings.TrimSpace(after)
		}
		if rest == "" {
			found = append(found, link(pairs))
		}
	}
	return found
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
