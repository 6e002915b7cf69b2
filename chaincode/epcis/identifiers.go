package epcis

import "strings"

// DigitalLink is the origin of the canonical Digital Link of every thing. What follows is the path of the thing, which
// any host may resolve.
const DigitalLink = "https://id.gs1.org"

// digitalLink is the beginning of every canonical GS1 identifier.
const digitalLink = DigitalLink + "/"

// Thing returns the canonical spelling of a GS1 identifier, a Digital Link below
// https://id.gs1.org/, so that things can be compared as strings. It understands
// EPC URNs (urn:epc:id:…), lot and class URNs (urn:epc:class:…, urn:epc:idpat:…
// with a trailing *), and Digital Links of any host, with numeric or short key
// names:
//
//	urn:epc:id:sgtin:0614141.107346.2017       https://id.gs1.org/01/10614141073464/21/2017
//	urn:epc:class:lgtin:4012345.012345.998877  https://id.gs1.org/01/04012345123456/10/998877
//	https://example.com/gtin/614141073467?x=1  https://id.gs1.org/01/00614141073467
//
// Thing computes the check digit for a URN and leaves that of a link as it is. It
// pads GTINs to 14 digits. It keeps only the finest qualifier of a link, such as
// the serial number rather than the lot, and never the consumer product variant.
// It percent-decodes serial and lot texts and encodes them again in one way.
//
// If the text isn't a GS1 identifier, or has a wrong length, character or
// qualifier, or a qualifier before the key, Thing returns it as it is, without the
// white space around it.
// Thing(Thing(x)) is Thing(x).
func Thing(uri string) string {
	uri = trim(uri)
	var room [128]byte
	canonical, misplaced, ok := appendThing(room[:0], uri)
	if !ok || misplaced || string(canonical) == uri {
		return uri
	}
	return string(canonical)
}

// appendThing appends the canonical spelling of a GS1 identifier. If the text
// isn't one, it reports false and leaves dst as it was. A link may be misplaced:
// see appendLink. Event hashes convert it all the same, because those of recorded
// events must stay what they are.
func appendThing(dst []byte, uri string) (_ []byte, misplaced, ok bool) {
	if rest, ok := strings.CutPrefix(uri, "urn:epc:"); ok {
		dst, ok = appendURN(dst, rest)
		return dst, false, ok
	}
	if len(uri) > 8 && (uri[0] == 'h' || uri[0] == 'H') {
		return appendLink(dst, uri)
	}
	return dst, false, false
}

// key describes one GS1 key and its form in an EPC URN and in a Digital Link.
// Sources: GS1 EPC Tag Data Standard, and section "EPC / Digital Link" of the CBV
// event hash rules.
type key struct {
	scheme    string   // in EPC URNs: urn:epc:id:<scheme>:
	ai        string   // application identifier of the primary key
	short     string   // its name in older Digital Links
	length    int      // number of digits of the key in a link; 0: free text
	indicator bool     // the first digit of the reference goes before the company prefix
	check     bool     // the last digit is a check digit, which URNs don't have
	lead      string   // digits before the key in a link (GRAI: 0)
	pieces    bool     // two digits each for piece and total follow (ITIP)
	text      *charset // characters of a free-text key
	serial    serial   // the part that distinguishes instances
	pattern   bool     // urn:epc:idpat:<scheme>:…* means the class
}

// serial describes the last part of a key in a Digital Link.
type serial struct {
	ai     string // its own application identifier; empty: it is joined to the key
	max    int    // most characters, decoded; 0: the key has no such part
	digits bool
}

// keys are in the order of their application identifiers. Two schemes have 01.
// The qualifier of a link distinguishes them.
var keys = [...]key{
	{scheme: "sscc", ai: "00", short: "sscc", length: 18, indicator: true, check: true},
	{
		scheme:    "sgtin",
		ai:        "01",
		short:     "gtin",
		length:    14,
		indicator: true,
		check:     true,
		serial:    serial{"21", 20, false},
		pattern:   true,
	},
	{scheme: "upui", ai: "01", length: 14, indicator: true, check: true, serial: serial{"235", 28, false}, pattern: true},
	{scheme: "gdti", ai: "253", short: "gdti", length: 13, check: true, serial: serial{"", 17, false}, pattern: true},
	{scheme: "sgcn", ai: "255", short: "gcn", length: 13, check: true, serial: serial{"", 12, true}, pattern: true},
	{scheme: "ginc", ai: "401", short: "ginc", text: charset82},
	{scheme: "gsin", ai: "402", short: "gsin", length: 17, check: true},
	{scheme: "sgln", ai: "414", short: "gln", length: 13, check: true, serial: serial{"254", 20, false}},
	{scheme: "pgln", ai: "417", short: "party", length: 13, check: true},
	{
		scheme:  "grai",
		ai:      "8003",
		short:   "grai",
		length:  14,
		check:   true,
		lead:    "0",
		serial:  serial{"", 16, false},
		pattern: true,
	},
	{scheme: "giai", ai: "8004", short: "giai", text: charset82},
	{
		scheme:    "itip",
		ai:        "8006",
		short:     "itip",
		length:    18,
		indicator: true,
		check:     true,
		pieces:    true,
		serial:    serial{"21", 20, false},
		pattern:   true,
	},
	{scheme: "cpi", ai: "8010", short: "cpid", text: charset39, serial: serial{"8011", 12, true}, pattern: true},
	{scheme: "gsrnp", ai: "8017", short: "gsrnp", length: 18, check: true},
	{scheme: "gsrn", ai: "8018", short: "gsrn", length: 18, check: true},
}

// lotKey is for urn:epc:class:lgtin, the only scheme that ends in a lot.
var lotKey = key{scheme: "lgtin", ai: "01", length: 14, indicator: true, check: true, serial: serial{"10", 20, false}}

const longestFreeText = 30 // characters of GIAI, GINC and CPID

func keyOfScheme(scheme string) *key {
	for i := range keys {
		if keys[i].scheme == scheme {
			return &keys[i]
		}
	}
	return nil
}

// appendURN converts the part of an EPC URN after "urn:epc:".
func appendURN(dst []byte, urn string) ([]byte, bool) {
	kind, rest, _ := strings.Cut(urn, ":")
	scheme, rest, ok := strings.Cut(rest, ":")
	if !ok {
		return dst, false
	}
	var k *key
	class := false
	switch kind {
	case "id":
		k = keyOfScheme(scheme)
	case "class":
		if scheme == lotKey.scheme {
			k = &lotKey
		}
	case "idpat":
		if k = keyOfScheme(scheme); k != nil && k.pattern {
			rest, class = strings.CutSuffix(rest, ".*")
		}
		if !class {
			return dst, false
		}
	}
	if k == nil {
		return dst, false
	}
	start := len(dst)
	dst = append(append(append(dst, digitalLink...), k.ai...), '/')
	dst, rest, ok = k.appendFromURN(dst, rest, k.serial.max == 0 || class)
	if ok && k.serial.max > 0 && !class {
		dst, ok = k.appendSerial(dst, rest)
	}
	if !ok {
		return dst[:start], false
	}
	return dst, true
}

// appendFromURN appends the key itself: company prefix and reference, and for an
// ITIP the piece and total. It returns the rest of the URN after the next dot.
// If last is true, nothing may follow the key, and there is no rest to read.
func (k *key) appendFromURN(dst []byte, urn string, last bool) (_ []byte, rest string, ok bool) {
	prefix, rest, ok := strings.Cut(urn, ".")
	if !ok || len(prefix) < 6 || len(prefix) > 12 || !allDigits(prefix) {
		return dst, "", false
	}
	reference := rest
	if !last || k.pieces {
		if reference, rest, ok = strings.Cut(rest, "."); !ok {
			return dst, "", false
		}
	}
	if k.length == 0 {
		dst, ok = appendText(append(dst, prefix...), reference, k.text, longestFreeText-len(prefix))
		return dst, rest, ok
	}
	digits := k.length - len(k.lead)
	if k.check {
		digits--
	}
	if k.pieces {
		digits -= 4
	}
	if len(prefix)+len(reference) != digits || !allDigits(reference) || k.indicator && reference == "" {
		return dst, "", false
	}
	dst = append(dst, k.lead...)
	start := len(dst)
	if k.indicator {
		dst = append(append(append(dst, reference[0]), prefix...), reference[1:]...)
	} else {
		dst = append(append(dst, prefix...), reference...)
	}
	if k.check {
		dst = append(dst, CheckDigit(dst[start:]))
	}
	if k.pieces {
		for n := range 2 {
			var part string
			if n == 1 && last {
				part, rest = rest, ""
			} else if part, rest, ok = strings.Cut(rest, "."); !ok {
				return dst, "", false
			}
			if len(part) != 2 || !allDigits(part) {
				return dst, "", false
			}
			dst = append(dst, part...)
		}
	}
	return dst, rest, true
}

// appendSerial appends the part that distinguishes instances, after its
// application identifier if it has one. A GLN extension of 0 means that there is
// no extension.
func (k *key) appendSerial(dst []byte, text string) ([]byte, bool) {
	if k.serial.ai == "254" && text == "0" {
		return dst, true
	}
	if k.serial.ai != "" {
		dst = append(append(append(dst, '/'), k.serial.ai...), '/')
	}
	if text == "" {
		return dst, false
	}
	if k.serial.digits {
		return append(dst, text...), len(text) <= k.serial.max && allDigits(text)
	}
	return appendText(dst, text, charset82, k.serial.max)
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// charset is a set of ASCII characters, such as one of GS1's encodable sets.
type charset [256]bool

func charsetOf(chars string) *charset {
	var c charset
	for i := 0; i < len(chars); i++ {
		c[chars[i]] = true
	}
	return &c
}

func (c *charset) has(b byte) bool { return c[b] }

const (
	digits  = "0123456789"
	capital = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	small   = "abcdefghijklmnopqrstuvwxyz"
)

// charset82 and charset39 are the character sets of the GS1 General
// Specifications, section 7.11. A canonical link contains the characters in
// plain as they are and percent-encodes the others. EPC URNs do the same, so the
// serial text of a well-formed URN doesn't change.
var (
	charset82 = charsetOf(digits + capital + small + `!"%&'()*+,-./:;<=>?_`)
	charset39 = charsetOf(digits + capital + `#-/`)
	plain     = charsetOf(digits + capital + small + `!'()*+,-.:;=_`)
)

// appendText appends a serial, lot or reference text of 1 to most characters. It
// decodes and checks the text and percent-encodes it in one way.
func appendText(dst []byte, text string, allowed *charset, most int) ([]byte, bool) {
	n := 0
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b == '%' {
			if i+2 >= len(text) {
				return dst, false
			}
			high, low := unhex(text[i+1]), unhex(text[i+2])
			if high > 15 || low > 15 {
				return dst, false
			}
			b = high<<4 | low
			i += 2
		}
		if n++; n > most || !allowed.has(b) {
			return dst, false
		}
		if plain.has(b) {
			dst = append(dst, b)
		} else {
			const hex = "0123456789ABCDEF"
			dst = append(dst, '%', hex[b>>4], hex[b&15])
		}
	}
	return dst, n > 0
}

// unhex reads one hexadecimal digit. It returns 255 if b isn't one.
func unhex(b byte) byte {
	switch {
	case b >= '0' && b <= '9':
		return b - '0'
	case b >= 'a' && b <= 'f':
		return b - 'a' + 10
	case b >= 'A' && b <= 'F':
		return b - 'A' + 10
	}
	return 255
}
