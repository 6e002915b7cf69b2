package epcis

import "strings"

// digitalLink is how every canonical GS1 identifier begins.
const digitalLink = "https://id.gs1.org/"

// Thing gives a GS1 identifier its one canonical spelling, a Digital Link
// below https://id.gs1.org/, so that things can be compared as strings. It
// understands EPC URNs (urn:epc:id:…), lot and class URNs (urn:epc:class:…,
// urn:epc:idpat:… with a trailing *), and Digital Links of any host, with
// numeric or short key names:
//
//	urn:epc:id:sgtin:0614141.107346.2017       https://id.gs1.org/01/10614141073464/21/2017
//	urn:epc:class:lgtin:4012345.012345.998877  https://id.gs1.org/01/04012345123456/10/998877
//	https://example.com/gtin/614141073467?x=1  https://id.gs1.org/01/00614141073467
//
// Check digits are computed for URNs and taken as they are in links. GTINs are
// padded to 14 digits; of a link's qualifiers the finest level stays (a serial
// number rather than a lot, the consumer product variant never). Serial and lot
// texts are percent-decoded and encoded again in one way.
//
// Anything else, and whatever looks like a GS1 identifier but has a wrong
// length, character or qualifier, comes back as it was, without the white
// space around it. Thing(Thing(x)) is Thing(x).
func Thing(uri string) string {
	uri = trim(uri)
	var room [128]byte
	canonical, ok := appendThing(room[:0], uri)
	if !ok || string(canonical) == uri {
		return uri
	}
	return string(canonical)
}

// appendThing appends the canonical spelling of a GS1 identifier, or reports
// that the text is none and leaves dst as it was.
func appendThing(dst []byte, uri string) ([]byte, bool) {
	if rest, ok := strings.CutPrefix(uri, "urn:epc:"); ok {
		return appendURN(dst, rest)
	}
	if len(uri) > 8 && (uri[0] == 'h' || uri[0] == 'H') {
		return appendLink(dst, uri)
	}
	return dst, false
}

// key describes one GS1 key: how it stands in an EPC URN and in a Digital
// Link. Source: GS1 EPC Tag Data Standard, and section "EPC / Digital Link" of
// the CBV event hash rules.
type key struct {
	scheme    string   // in EPC URNs: urn:epc:id:<scheme>:
	ai        string   // application identifier of the primary key
	short     string   // what older Digital Links call it
	length    int      // digits of the key in a link, all of them; 0: free text
	indicator bool     // the first digit of the reference goes before the company prefix
	check     bool     // the last digit is a check digit, which URNs leave out
	lead      string   // digits before the key in a link (GRAI: 0)
	pieces    bool     // two digits each for piece and total follow (ITIP)
	text      *charset // of free text keys
	serial    serial   // what tells instances apart
	pattern   bool     // urn:epc:idpat:<scheme>:…* stands for the class
}

// serial says how the last part of a key stands in a Digital Link.
type serial struct {
	ai     string // its own application identifier; empty: joined to the key
	max    int    // characters, decoded; 0: the key has no such part
	digits bool
}

// keys in the order of their application identifiers. Two schemes share 01:
// a link tells them apart by its qualifier.
var keys = [...]key{
	{scheme: "sscc", ai: "00", short: "sscc", length: 18, indicator: true, check: true},
	{scheme: "sgtin", ai: "01", short: "gtin", length: 14, indicator: true, check: true, serial: serial{"21", 20, false}, pattern: true},
	{scheme: "upui", ai: "01", length: 14, indicator: true, check: true, serial: serial{"235", 28, false}, pattern: true},
	{scheme: "gdti", ai: "253", short: "gdti", length: 13, check: true, serial: serial{"", 17, false}, pattern: true},
	{scheme: "sgcn", ai: "255", short: "gcn", length: 13, check: true, serial: serial{"", 12, true}, pattern: true},
	{scheme: "ginc", ai: "401", short: "ginc", text: charset82},
	{scheme: "gsin", ai: "402", short: "gsin", length: 17, check: true},
	{scheme: "sgln", ai: "414", short: "gln", length: 13, check: true, serial: serial{"254", 20, false}},
	{scheme: "pgln", ai: "417", short: "party", length: 13, check: true},
	{scheme: "grai", ai: "8003", short: "grai", length: 14, check: true, lead: "0", serial: serial{"", 16, false}, pattern: true},
	{scheme: "giai", ai: "8004", short: "giai", text: charset82},
	{scheme: "itip", ai: "8006", short: "itip", length: 18, indicator: true, check: true, pieces: true, serial: serial{"21", 20, false}, pattern: true},
	{scheme: "cpi", ai: "8010", short: "cpid", text: charset39, serial: serial{"8011", 12, true}, pattern: true},
	{scheme: "gsrnp", ai: "8017", short: "gsrnp", length: 18, check: true},
	{scheme: "gsrn", ai: "8018", short: "gsrn", length: 18, check: true},
}

// lots: urn:epc:class:lgtin is the only scheme that ends in a lot.
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

// appendURN converts what follows "urn:epc:".
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
	} else if rest != "" {
		ok = false
	}
	if !ok {
		return dst[:start], false
	}
	return dst, true
}

// appendFromURN appends the key itself: company prefix and reference, and for
// ITIPs the piece and total. It returns what follows the next dot.
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
	} else {
		rest = ""
	}
	if k.length == 0 {
		start := len(dst)
		dst, ok = appendText(append(dst, prefix...), reference, k.text, longestFreeText-len(prefix))
		return dst, rest, ok && len(dst) > start+len(prefix)
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

// appendSerial appends the part that tells instances apart, under its
// application identifier if it has one of its own. A GLN extension of exactly
// 0 means that there is none.
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

// CheckDigit computes the GS1 modulo 10 check digit (GS1 General Specifications, 7.9) that belongs after the digits of
// a GTIN, an SSCC or a GLN. The text has digits only.
func CheckDigit[T string | []byte](digits T) byte {
	sum, weight := 0, 3
	for i := len(digits) - 1; i >= 0; i-- {
		sum += int(digits[i]-'0') * weight
		weight = 4 - weight
	}
	return byte('0' + (10-sum%10)%10)
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

// The character sets of the GS1 General Specifications, section 7.11, and
// which of their characters stand in a canonical link as themselves. The
// latter are the ones that EPC URNs write plainly, so that a well-formed URN
// keeps its serial text.
var (
	charset82 = charsetOf(digits + capital + small + `!"%&'()*+,-./:;<=>?_`)
	charset39 = charsetOf(digits + capital + `#-/`)
	plain     = charsetOf(digits + capital + small + `!'()*+,-.:;=_`)
)

// appendText appends a serial, lot or reference text of 1 to most characters:
// decoded, checked, and percent-encoded in one way.
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

// unhex reads one hexadecimal digit; 255 if it is none.
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
