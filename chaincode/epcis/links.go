package epcis

import "strings"

// appendLink converts a GS1 Digital Link of any host. It reports false if the
// web address isn't one.
//
// It finds the key from the end of the path. The path ends with at most four
// pairs of identifier and value: a primary key and its qualifiers in their
// order. The host may have any path before that. If the path before the key ends
// with one of the key's qualifiers, the link is misplaced: it names no GS1 key,
// because the order counts, and it surely doesn't name the key without them.
func appendLink(dst []byte, uri string) (_ []byte, misplaced, ok bool) {
	path, ok := linkPath(uri)
	if !ok {
		return dst, false, false
	}
	var segments [10]string // the last segments of the path, in reverse order
	n := 0
	for n < len(segments) && path != "" {
		slash := strings.LastIndexByte(path, '/')
		segments[n] = path[slash+1:]
		path = path[:slash]
		n++
	}
	for pairs := min(n/2, 4); pairs > 0; pairs-- {
		var link [8]string // in the order of the path
		for i := range pairs * 2 {
			link[i] = segments[pairs*2-1-i]
		}
		if converted, ok := appendPairs(dst, link[:pairs*2]); ok {
			before := pairs*2 + 1
			return converted, before < n && isQualifier(segments[before], keyOfLink(link[0]).ai), true
		}
	}
	return dst, false, false
}

// isQualifier reports whether a segment of a path names a qualifier of a key.
func isQualifier(segment, key string) bool {
	for i := range qualifiers {
		q := &qualifiers[i]
		if (segment == q.ai || segment == q.short && q.short != "") && (key == q.of[0] || key == q.of[1]) {
			return true
		}
	}
	return false
}

// linkPath returns the path of an http or https address, with its leading slash
// and without query and fragment.
func linkPath(uri string) (string, bool) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return "", false
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	slash := strings.IndexByte(rest, '/')
	if slash <= 0 {
		return "", false
	}
	return rest[slash:], true
}

// qualifier is an application identifier that narrows a key in a link.
type qualifier struct {
	ai, short string
	of        [2]string // keys
	max       int
	digits    bool
	alone     bool // not allowed beside another qualifier
	dropped   bool // left out of canonical links: the consumer product variant doesn't identify a thing
}

// qualifiers are in the order in which a link has them.
var qualifiers = [...]qualifier{
	{ai: "22", short: "cpv", of: [2]string{"01", "8006"}, max: 20, dropped: true},
	{ai: "10", short: "lot", of: [2]string{"01", "8006"}, max: 20},
	{ai: "21", short: "ser", of: [2]string{"01", "8006"}, max: 20},
	{ai: "235", of: [2]string{"01"}, max: 28, alone: true},
	{ai: "254", of: [2]string{"414"}, max: 20},
	{ai: "8011", of: [2]string{"8010"}, max: 12, digits: true},
}

// appendPairs converts the segments of a key and its qualifiers.
func appendPairs(dst []byte, link []string) ([]byte, bool) {
	k := keyOfLink(link[0])
	if k == nil {
		return dst, false
	}
	start := len(dst)
	dst = append(append(append(dst, digitalLink...), k.ai...), '/')
	dst, ok := k.appendFromLink(dst, link[1])
	if !ok {
		return dst[:start], false
	}
	finest, next := len(dst), 0
	for i := 2; i < len(link); i += 2 {
		q := -1
		for n := next; n < len(qualifiers); n++ {
			if c := &qualifiers[n]; (link[i] == c.ai || link[i] == c.short && c.short != "") &&
				(k.ai == c.of[0] || k.ai == c.of[1]) {
				q, next = n, n+1
				break
			}
		}
		if q < 0 || qualifiers[q].alone && len(link) > 4 {
			return dst[:start], false
		}
		rule := &qualifiers[q]
		before := len(dst)
		dst = append(append(append(dst[:finest], '/'), rule.ai...), '/')
		if rule.digits {
			ok = link[i+1] != "" && len(link[i+1]) <= rule.max && allDigits(link[i+1])
			dst = append(dst, link[i+1]...)
		} else {
			dst, ok = appendText(dst, link[i+1], charset82, rule.max)
		}
		if !ok {
			return dst[:start], false
		}
		if rule.dropped || rule.ai == "254" && link[i+1] == "0" {
			dst = dst[:before]
		}
	}
	return dst, true
}

// keyOfLink finds a primary key by its application identifier or short name.
func keyOfLink(name string) *key {
	for i := range keys {
		if keys[i].ai == name || keys[i].short == name && name != "" {
			return &keys[i]
		}
	}
	return nil
}

// appendFromLink appends the value of a primary key, checked and padded.
func (k *key) appendFromLink(dst []byte, value string) ([]byte, bool) {
	if k.length == 0 {
		return appendText(dst, value, k.text, longestFreeText)
	}
	if k.ai == "01" && (len(value) == 8 || len(value) == 12 || len(value) == 13) {
		dst = append(dst, "00000000000000"[len(value):]...)
		return append(dst, value...), allDigits(value)
	}
	if len(value) < k.length || !allDigits(value[:k.length]) || !strings.HasPrefix(value, k.lead) {
		return dst, false
	}
	dst = append(dst, value[:k.length]...)
	joined := value[k.length:]
	switch {
	case joined == "":
		return dst, true
	case k.serial.ai != "" || k.serial.max == 0:
		return dst, false
	case k.serial.digits:
		return append(dst, joined...), len(joined) <= k.serial.max && allDigits(joined)
	}
	return appendText(dst, joined, charset82, k.serial.max)
}

// Part is one element of a canonical Digital Link.
type Part struct {
	AI    string // application identifier: "01"
	Title string // the name that people know: "GTIN"
	Value string // decoded text
}

// Parts splits a canonical thing into parts for people to read: the key, then
// its qualifier. If the serial number is joined to the key (GRAI, GDTI, coupon),
// both are one part. There are no parts if the thing isn't a Digital Link.
func Parts(thing string) []Part {
	path, ok := strings.CutPrefix(thing, digitalLink)
	if !ok {
		return nil
	}
	var parts []Part
	for path != "" {
		var ai, value string
		ai, path, _ = strings.Cut(path, "/")
		value, path, _ = strings.Cut(path, "/")
		title, known := titles[ai]
		if !known {
			return nil
		}
		parts = append(parts, Part{AI: ai, Title: title, Value: decoded(value)})
	}
	return parts
}

// titles are the data titles of the GS1 General Specifications, shortened.
var titles = map[string]string{
	"00": "SSCC", "01": "GTIN", "10": "lot", "21": "serial number", "235": "third-party serial number",
	"253": "GDTI", "254": "GLN extension", "255": "coupon (GCN)", "401": "consignment (GINC)", "402": "shipment (GSIN)",
	"414": "location (GLN)", "417": "party (GLN)", "8003": "returnable asset (GRAI)", "8004": "individual asset (GIAI)",
	"8006": "trade item piece (ITIP)", "8010": "component (CPID)", "8011": "component serial number",
	"8017": "service provider (GSRN)", "8018": "service recipient (GSRN)",
}

func decoded(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) && unhex(text[i+1]) <= 15 && unhex(text[i+2]) <= 15 {
			b.WriteByte(unhex(text[i+1])<<4 | unhex(text[i+2]))
			i += 2
		} else {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// Class returns the class of a canonical thing: the GTIN of a serialised item or
// of a lot, the type of a returnable asset, of a document or of a component. The
// class of a class is the class itself. The result is empty for things without a
// class: a logistic unit, a location, anything without a GS1 key.
func Class(thing string) string {
	path, ok := strings.CutPrefix(thing, digitalLink)
	if !ok {
		return ""
	}
	ai, rest, _ := strings.Cut(path, "/")
	k := keyOfLink(ai)
	if k == nil || !k.pattern {
		return ""
	}
	value, _, _ := strings.Cut(rest, "/")
	if k.length > 0 {
		if len(value) < k.length {
			return ""
		}
		value = value[:k.length]
	}
	return thing[:len(digitalLink)+len(ai)+1+len(value)]
}

// Classes returns the classes that a canonical thing is of, apart from itself: that
// of Class and, for a piece of a trade item (ITIP), the trade item too.
func Classes(thing string) []string {
	var all []string
	class := Class(thing)
	if class != "" && class != thing {
		all = append(all, class)
	}
	if piece, ok := strings.CutPrefix(class, digitalLink+"8006/"); ok && len(piece) >= 14 {
		all = append(all, digitalLink+"01/"+piece[:14])
	}
	return all
}

// Members returns the prefixes of all things of which Classes names the class.
func Members(class string) []string {
	all := Below(class)
	if gtin, ok := strings.CutPrefix(class, digitalLink+"01/"); ok {
		all = append(all, digitalLink+"8006/"+gtin)
	}
	return all
}
