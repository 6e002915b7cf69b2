package epcis

import (
	"fmt"
	"strconv"
	"strings"
)

// Misread explains why an identifier that is written like a GS1 key isn't read as
// one, or is read as another one than its sender may mean. It returns "" for a
// well-formed key, and for a text that isn't written like one.
func Misread(uri string) string {
	uri = trim(uri)
	if urn, ok := strings.CutPrefix(uri, "urn:epc:"); ok {
		return misreadURN(urn)
	}
	if len(uri) > len("urn:epc:") && strings.EqualFold(uri[:len("urn:epc:")], "urn:epc:") {
		return "it begins with " + uri[:len("urn:epc:")] + ", and an EPC URN begins with urn:epc: in small letters"
	}
	path, ok := linkPath(uri)
	if !ok {
		return misreadHost(uri)
	}
	ours := strings.HasPrefix(uri, digitalLink)
	link := strings.Split(strings.TrimPrefix(path, "/"), "/")
	at, pairs := keyIn(link)
	switch {
	case at >= 0:
		return misreadKey(uri, link[:at], link[at:at+2*pairs])
	case ours || likeLink(link):
		return misreadLink(link)
	}
	return ""
}

// misreadHost tells whether a link has the path of a key, and no host before it.
func misreadHost(uri string) string {
	scheme, path, _ := strings.Cut(uri, ":///")
	if !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return ""
	}
	var room [128]byte
	if _, _, ok := appendLink(room[:0], digitalLink+path); !ok {
		return ""
	}
	return "a host is missing between // and the path"
}

// foreignSchemes are the schemes of EPC URNs for which GS1 has no Digital Link.
var foreignSchemes = map[string]bool{"gid": true, "usdod": true, "adi": true, "bic": true, "imovn": true}

func misreadURN(urn string) string {
	var room [128]byte
	if _, ok := appendURN(room[:0], urn); ok {
		return ""
	}
	kind, rest, _ := strings.Cut(urn, ":")
	scheme, _, _ := strings.Cut(rest, ":")
	switch {
	case kind != "id" && kind != "class" && kind != "idpat":
		return fmt.Sprintf("urn:epc:%s names no thing; urn:epc:id, urn:epc:class and urn:epc:idpat do", quoted(kind))
	case foreignSchemes[scheme]:
		return ""
	case kind == "class" && scheme != lotKey.scheme:
		return "the only class in an EPC URN is urn:epc:class:lgtin"
	case kind != "class" && keyOfScheme(scheme) == nil:
		return fmt.Sprintf("EPC has no scheme %s", quote(scheme))
	case kind == "idpat":
		return "a pattern names things only if a * stands for the serial number and nothing else"
	case kind == "class":
		return "after lgtin there must be a company prefix and an item reference of 13 digits together, and a lot of at " +
			"most 20 characters"
	}
	return keyOfScheme(scheme).urnRule()
}

// urnRule says in a sentence how an EPC URN of the key is made.
func (k *key) urnRule() string {
	rule := fmt.Sprintf("after %s there must be a company prefix of 6 to 12 digits", k.scheme)
	if digits := k.length - len(k.lead); k.length > 0 {
		if k.check {
			digits--
		}
		if k.pieces {
			digits -= 4
		}
		rule += fmt.Sprintf(" and a reference, with %d digits together", digits)
	} else {
		rule += fmt.Sprintf(" and a reference, with at most %d characters together", longestFreeText)
	}
	if k.pieces {
		rule += ", the numbers of the piece and of all pieces with 2 digits each"
	}
	if k.serial.max > 0 {
		what := "characters of GS1's set"
		if k.serial.digits {
			what = "digits"
		}
		rule += fmt.Sprintf(", and a serial number of at most %d %s", k.serial.max, what)
	}
	return rule
}

// keyIn finds the key as appendLink does: the last one that has only its qualifiers after it. It returns -1 if there is
// none.
func keyIn(link []string) (at, pairs int) {
	var room [128]byte
	for pairs = min(len(link)/2, 4); pairs > 0; pairs-- {
		at = len(link) - 2*pairs
		if _, ok := appendPairs(room[:0], link[at:]); ok {
			return at, pairs
		}
	}
	return -1, 0
}

// misreadKey tells what is odd about a link that has a key.
func misreadKey(uri string, before, link []string) string {
	k := keyOfLink(link[0])
	if n := len(before); n > 0 && isQualifier(before[n-1], k.ai) {
		return fmt.Sprintf("the qualifier %s stands there without its value", quote(before[n-1]))
	} else if n > 1 {
		name := before[n-2]
		switch other := keyOfLink(name); {
		case isQualifier(name, k.ai):
			return fmt.Sprintf("the qualifier %s stands before the key %s; qualifiers come after it", quote(name),
				quote(link[0]))
		case other != nil && other.takes(before[n-1]):
			return fmt.Sprintf("it names two keys, %s and %s, of which only the last one counts", quote(name), quote(link[0]))
		}
	}
	return misreadQuery(uri, k)
}

func (k *key) takes(value string) bool {
	var room [64]byte
	_, ok := k.appendFromLink(room[:0], value)
	return ok
}

// misreadQuery tells which lot or serial number in the query of a link can't be one.
func misreadQuery(uri string, k *key) string {
	if k.ai != "01" && k.ai != "8006" {
		return ""
	}
	_, query, _ := strings.Cut(uri, "?")
	query, _, _ = strings.Cut(query, "#")
	for _, q := range [...]struct{ ai, short string }{{"10", "lot"}, {"21", "ser"}} {
		if value := inQuery(query, q.ai, q.short); value != "" && qualified("", q.ai, value) == "" {
			return fmt.Sprintf("the %s in its query %s", titles[q.ai], textRule(value, longestLot))
		}
	}
	return ""
}

// likeLink reports whether a path is written like a GS1 Digital Link: it has the name of a key, and digits after it.
func likeLink(link []string) bool {
	for i := range len(link) - 1 {
		if keyOfLink(link[i]) != nil && leadingDigits(link[i+1]) >= 6 {
			return true
		}
	}
	return false
}

// misreadLink tells why a path that is written like a link has no key.
func misreadLink(link []string) string {
	for i := range link {
		k := keyOfLink(link[i])
		if k == nil {
			continue
		}
		if i+1 == len(link) || link[i+1] == "" {
			return fmt.Sprintf("%s has no value", quote(link[i]))
		}
		if !k.takes(link[i+1]) {
			return fmt.Sprintf("%s is no %s: %s", quote(link[i+1]), titles[k.ai], k.linkRule())
		}
		return k.misreadQualifiers(link[i+2:])
	}
	return "it begins with no key that GS1 defines, such as 01 for a GTIN or 00 for an SSCC"
}

// linkRule says in a sentence what the value of the key is made of.
func (k *key) linkRule() string {
	switch {
	case k.ai == "01":
		return "that has 14 digits, or 8, 12 or 13 without the zeros before them"
	case k.length == 0:
		return fmt.Sprintf("that has at most %d characters of GS1's set", longestFreeText)
	case k.serial.ai == "" && k.serial.max > 0:
		return fmt.Sprintf("that has %d digits, and a serial number of at most %d characters behind them", k.length,
			k.serial.max)
	}
	return fmt.Sprintf("that has %d digits", k.length)
}

// misreadQualifiers tells what is wrong with what comes after the key.
func (k *key) misreadQualifiers(rest []string) string {
	last := -1
	for i := 0; i < len(rest); i += 2 {
		name := rest[i]
		at := k.qualifier(name)
		switch {
		case name == "" && i == len(rest)-1:
			return "a slash stands at its end"
		case at < 0:
			return fmt.Sprintf("%s is no qualifier of a %s; attributes such as a date or a weight belong in the query of "+
				"a link", quote(name), titles[k.ai])
		case i+1 == len(rest) || rest[i+1] == "":
			return fmt.Sprintf("the qualifier %s has no value", quote(name))
		case at <= last:
			return fmt.Sprintf("the qualifier %s stands in the wrong place; the order is variant (22), lot (10), serial "+
				"number (21)", quote(name))
		}
		q := &qualifiers[at]
		if q.alone && len(rest) > 2 {
			return fmt.Sprintf("the qualifier %s stands alone, without others", quote(name))
		}
		if why := q.refuses(rest[i+1]); why != "" {
			return fmt.Sprintf("the value of the qualifier %s %s", quote(name), why)
		}
		last = at
	}
	return "it has more qualifiers than a key can have"
}

// qualifier finds a qualifier of the key among qualifiers. It returns -1 if there is none of that name.
func (k *key) qualifier(name string) int {
	for i := range qualifiers {
		q := &qualifiers[i]
		if (name == q.ai || name == q.short && name != "") && (k.ai == q.of[0] || k.ai == q.of[1]) {
			return i
		}
	}
	return -1
}

// refuses says why a text can't be the value of a qualifier. It returns "" if it can.
func (q *qualifier) refuses(value string) string {
	if q.digits {
		if len(value) > q.max || !allDigits(value) {
			return fmt.Sprintf("must have at most %d digits", q.max)
		}
		return ""
	}
	if _, ok := appendText(nil, value, charset82, q.max); ok {
		return ""
	}
	return textRule(value, q.max)
}

// textRule says what is wrong with a text of GS1's set of characters.
func textRule(value string, most int) string {
	if n := len(decoded(value)); n > most {
		return fmt.Sprintf("has %d characters, and may have %d at most", n, most)
	}
	return "has a character that GS1 doesn't allow there"
}

func quoted(text string) string { return strings.Trim(strconv.Quote(text), `"`) }
