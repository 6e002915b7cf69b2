package epcis

import "strings"

// Pattern is the meaning of a MATCH_epc or MATCH_epcClass query parameter. It
// matches the canonical things that are in Exact or begin with one of Prefixes,
// so an index can answer it with range scans.
type Pattern struct {
	Exact    []string
	Prefixes []string
}

// ParsePattern reads a query value:
//
//   - An identifier in any spelling that Thing understands matches that thing. A
//     class (a GTIN, urn:epc:idpat:sgtin:4012345.012345.*) also matches its lots
//     and instances. A lot or a GLN matches only itself.
//   - Trailing wildcards in a URN, urn:epc:idpat:sgtin:4012345.*.*, match
//     everything of that company prefix.
//   - A trailing * in a Digital Link, https://id.gs1.org/01/…/21/*, matches every
//     value in its place.
//
// It reports false if a wildcard is in any other place.
func ParsePattern(value string) (Pattern, bool) {
	value = trim(value)
	if rest, ok := strings.CutPrefix(value, "urn:epc:idpat:"); ok && strings.Contains(rest, "*") {
		return patternOfURN(value, rest)
	}
	if rest, ok := strings.CutPrefix(value, "urn:epc:class:lgtin:"); ok && strings.HasSuffix(rest, ".*") {
		return patternOfURN(value, "lgtin:"+rest)
	}
	if link, ok := strings.CutSuffix(value, "/*"); ok {
		return patternOfLink(link)
	}
	thing := Thing(value)
	p := Pattern{Exact: []string{thing}}
	if Class(thing) == thing && thing != "" {
		p.Prefixes = Below(thing)
	}
	return p, true
}

// Below returns the prefixes of the lots and instances of a class.
func Below(class string) []string {
	ai, _, _ := strings.Cut(strings.TrimPrefix(class, digitalLink), "/")
	switch ai {
	case "01", "8006", "8010":
		return []string{class + "/"}
	}
	return []string{class} // the serial number is joined to the class
}

// patternOfURN reads the part of a URN after urn:epc:idpat: if there are wildcards in it.
func patternOfURN(whole, rest string) (Pattern, bool) {
	scheme, rest, _ := strings.Cut(rest, ":")
	k := keyOfScheme(scheme)
	if scheme == lotKey.scheme {
		k = &lotKey
	}
	if k == nil {
		return Pattern{}, false
	}
	fields := strings.Split(rest, ".")
	fixed := 0
	for fixed < len(fields) && fields[fixed] != "*" {
		fixed++
	}
	for _, f := range fields[fixed:] {
		if f != "*" {
			return Pattern{}, false
		}
	}
	if fixed == 0 {
		return Pattern{Prefixes: []string{digitalLink + k.ai + "/"}}, len(fields) == k.fields()
	}
	if len(fields) != k.fields() || len(fields[0]) < 6 || len(fields[0]) > 12 || !allDigits(fields[0]) {
		return Pattern{}, false
	}
	stem := digitalLink + k.ai + "/"
	switch {
	case fixed == 1 && k.indicator:
		var p Pattern
		for d := '0'; d <= '9'; d++ {
			p.Prefixes = append(p.Prefixes, stem+string(d)+fields[0])
		}
		return p, true
	case fixed == 1:
		return Pattern{Prefixes: []string{stem + k.lead + fields[0]}}, true
	case fixed != len(fields)-1:
		return Pattern{}, false
	}
	class, _, ok := k.appendFromURN([]byte(stem), strings.TrimSuffix(rest, ".*"), true)
	if !ok {
		return Pattern{}, false
	}
	p := Pattern{Exact: []string{string(class)}}
	switch {
	case k == &lotKey:
		p = Pattern{Prefixes: []string{string(class) + "/10/"}}
	case k.serial.ai != "":
		p.Prefixes = []string{string(class) + "/" + k.serial.ai + "/"}
		if k.scheme == "sgtin" { // a query for a class includes its lots
			p.Prefixes = append(p.Prefixes, string(class)+"/10/")
		}
	default:
		p.Prefixes = []string{string(class)}
	}
	return p, true
}

// fields is the number of parts, separated by dots, in the URN of a key.
func (k *key) fields() int {
	n := 2
	if k.pieces {
		n += 2
	}
	if k.serial.max > 0 {
		n++
	}
	return n
}

// patternOfLink reads a Digital Link whose final /* has been removed. It tries a
// value in the place of the *.
func patternOfLink(link string) (Pattern, bool) {
	thing, misplaced, ok := appendLink(nil, link+"/1")
	if !ok || misplaced {
		return Pattern{}, false
	}
	prefix, ok := strings.CutSuffix(string(thing), "/1")
	return Pattern{Prefixes: []string{prefix + "/"}}, ok
}

// Match reports whether the pattern matches a canonical thing.
func (p Pattern) Match(thing string) bool {
	for _, exact := range p.Exact {
		if thing == exact {
			return true
		}
	}
	for _, prefix := range p.Prefixes {
		if strings.HasPrefix(thing, prefix) {
			return true
		}
	}
	return false
}
