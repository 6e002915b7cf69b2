package epcis

import (
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// check checks one value and reports its problems to the checker.
type check func(c *checker, v *canonical.Value)

// field is one member that an object may have.
type field struct {
	name     string
	check    check
	required bool
}

// others says what to do with members that a shape doesn't list.
type others uint8

const (
	noOthers   others = iota // refuse them
	extensions               // they must be extensions, under a name with a declared prefix or a full URI
	anyOthers                // accept them unchecked
)

// shape describes the objects of one kind. Fields are in the order of their
// names, like the members of a canonical object, so that one pass over both
// checks an object.
type shape struct {
	noun   string // for messages: "a quantity element"
	fields []field
	others others
}

// object checks an object against a shape.
func (c *checker) object(v *canonical.Value, s *shape) {
	if v.Kind != canonical.Object {
		c.wrongType(v, "an object")
		return
	}
	next := 0
	for i := range v.Members {
		if c.full() {
			return
		}
		m := &v.Members[i]
		for next < len(s.fields) && s.fields[next].name < m.Name {
			c.absent(s, &s.fields[next])
			next++
		}
		c.member(m.Name)
		switch {
		case next < len(s.fields) && s.fields[next].name == m.Name:
			s.fields[next].check(c, &m.Value)
			next++
		case s.others == noOthers:
			c.add(CodeUnknownField, "%s is not a field of %s%s", quote(m.Name), s.noun, didYouMean(m.Name, s.names()))
		case s.others == extensions:
			c.extension(s, m)
		}
		c.up()
	}
	for ; next < len(s.fields); next++ {
		c.absent(s, &s.fields[next])
	}
}

func (c *checker) absent(s *shape, f *field) {
	if f.required {
		c.member(f.name)
		c.add(CodeMissingField, "%s must have the field %s", s.noun, f.name)
		c.up()
	}
}

func (s *shape) names() []string {
	names := make([]string, len(s.fields))
	for i := range s.fields {
		names[i] = s.fields[i].name
	}
	return names
}

// extension checks a member that the shape doesn't list.
func (c *checker) extension(s *shape, m *canonical.Member) {
	if !strings.Contains(m.Name, ":") {
		c.add(
			CodeUnknownField,
			"%s is not a field of %s%s (a field of your own needs a prefix that @context declares, like example:%s)",
			quote(m.Name),
			s.noun,
			didYouMean(m.Name, s.names()),
			strings.TrimLeft(m.Name, "@_"),
		)
		return
	}
	if !isURI(m.Name) {
		c.add(CodeBadURI, "the field name %s is neither prefix:name nor an absolute URI", quote(m.Name))
		return
	}
	c.extensionName(m.Name)
	c.extensionValue(&m.Value, 0)
}

// extensionName checks that the prefix of a compact name is declared.
func (c *checker) extensionName(name string) {
	if _, _, ok := c.ns.expand(name); !ok {
		prefix, _, _ := strings.Cut(name, ":")
		c.add(
			CodeUndeclaredPrefix,
			"no @context declares the prefix %s of %s; add {%s: \"https://…\"} to the document's @context (contexts named by address are not fetched)",
			quote(prefix),
			quote(name),
			quote(prefix),
		)
	}
}

// extensionValue checks the inside of an extension. It may contain anything, as
// long as no @context in it can change the meaning of its names.
func (c *checker) extensionValue(v *canonical.Value, depth int) {
	if depth > deepestExtension {
		c.add(CodeTooMany, "extensions may be nested %d levels deep at most", deepestExtension)
		return
	}
	switch v.Kind {
	case canonical.Array:
		for i := range v.Items {
			if k := v.Items[i].Kind; k == canonical.Array || k == canonical.Object {
				c.item(i)
				c.extensionValue(&v.Items[i], depth+1)
				c.up()
			}
		}
	case canonical.Object:
		for i := range v.Members {
			if c.full() {
				return
			}
			m := &v.Members[i]
			c.member(m.Name)
			if m.Name == "@context" {
				c.add(
					CodeNestedContext,
					"an extension may not have an @context of its own; declare its prefixes in the @context of the event or the document",
				)
			} else if strings.Contains(m.Name, ":") {
				c.extensionName(m.Name)
			}
			c.extensionValue(&m.Value, depth+1)
			c.up()
		}
	}
}

// shaped makes the check that a value is an object of a shape.
func shaped(s *shape) check { return func(c *checker, v *canonical.Value) { c.object(v, s) } }

// Demands on a list.
const (
	distinct = 1 << iota // no item twice
	nonempty             // at least one item
)

// listOf makes the check that a value is an array of items that pass a check.
func listOf(item check, demands int) check {
	return func(c *checker, v *canonical.Value) {
		if v.Kind != canonical.Array {
			c.wrongType(v, "an array")
			return
		}
		if demands&nonempty != 0 && len(v.Items) == 0 {
			c.add(CodeEmptyList, "%s may not be empty; leave it out instead", c.place())
		}
		for i := range v.Items {
			if c.full() {
				return
			}
			c.item(i)
			item(c, &v.Items[i])
			c.up()
		}
		if demands&distinct != 0 {
			c.distinct(v.Items)
		}
	}
}

// distinct reports strings that occur twice in a list.
func (c *checker) distinct(items []canonical.Value) {
	const few = 16 // comparing few items with each other is quicker than a map
	var seen map[string]struct{}
	if len(items) > few {
		seen = make(map[string]struct{}, len(items))
	}
	for i := range items {
		if items[i].Kind != canonical.String {
			continue
		}
		text, twice := items[i].Text, false
		if seen != nil {
			_, twice = seen[text]
			seen[text] = struct{}{}
		} else {
			for j := range i {
				twice = twice || items[j].Kind == canonical.String && items[j].Text == text
			}
		}
		if twice {
			c.item(i)
			c.add(CodeDuplicateItem, "%s stands here twice", quote(text))
			c.up()
		}
	}
}

// isString reports whether a value is a string, and adds a problem if it isn't.
func (c *checker) isString(v *canonical.Value) bool {
	if v.Kind != canonical.String {
		c.wrongType(v, "a string")
		return false
	}
	return true
}

func anyText(c *checker, v *canonical.Value) { c.isString(v) }

func uri(c *checker, v *canonical.Value) {
	if c.isString(v) && !isURI(v.Text) {
		c.add(
			CodeBadURI,
			"%s must be an absolute URI, like https://id.gs1.org/01/… or urn:epc:…, without spaces; not %s",
			c.place(),
			quote(v.Text),
		)
	}
}

func dateTime(c *checker, v *canonical.Value) {
	if !c.isString(v) {
		return
	}
	if _, ok := parseTime(v.Text); !ok {
		c.add(
			CodeBadTime,
			"%s must be a date and time that exists, with its offset from UTC, like 2026-04-17T09:26:42.000-04:00; not %s",
			c.place(),
			quote(v.Text),
		)
	}
}

func zoneOffset(c *checker, v *canonical.Value) {
	if c.isString(v) && !isZoneOffset(v.Text) {
		c.add(
			CodeBadOffset,
			"%s must be an offset from UTC between -14:00 and +14:00, like +02:00; not %s",
			c.place(),
			quote(v.Text),
		)
	}
}

func decimal(c *checker, v *canonical.Value) {
	if v.Kind != canonical.Number {
		c.wrongType(v, "a number")
	}
}

func boolean(c *checker, v *canonical.Value) {
	if v.Kind != canonical.Bool {
		c.wrongType(v, "true or false")
	}
}

var unitChars = charsetOf(capital + digits)

func unit(c *checker, v *canonical.Value) {
	if !c.isString(v) {
		return
	}
	good := len(v.Text) == 2 || len(v.Text) == 3
	for i := 0; i < len(v.Text); i++ {
		good = good && unitChars.has(v.Text[i])
	}
	if !good {
		c.add(CodeBadUnit, "%s must be a unit code of UN/ECE Recommendation 20, like KGM; not %s", c.place(), quote(v.Text))
	}
}

func hexBinary(c *checker, v *canonical.Value) {
	if !c.isString(v) {
		return
	}
	good := v.Text != ""
	for i := 0; i < len(v.Text); i++ {
		good = good && unhex(v.Text[i]) <= 15
	}
	if !good {
		c.add(CodeBadHex, "%s must be hexadecimal digits; not %s", c.place(), quote(v.Text))
	}
}

// version checks that a value consists of numbers with points between them, such as 2.0.
func version(c *checker, v *canonical.Value) {
	if !c.isString(v) {
		return
	}
	for rest := v.Text; ; {
		n := leadingDigits(rest)
		if n > 0 && n == len(rest) {
			return
		}
		if n == 0 || rest[n] != '.' {
			c.add(CodeBadVersion, "%s must be digits and points, like 2.0; not %s", c.place(), quote(v.Text))
			return
		}
		rest = rest[n+1:]
	}
}

// oneOf makes the check that a value is one of the choices.
func oneOf(noun string, choices ...string) check {
	return func(c *checker, v *canonical.Value) {
		if !c.isString(v) {
			return
		}
		for _, choice := range choices {
			if v.Text == choice {
				return
			}
		}
		c.add(
			CodeUnknownWord,
			"%s must be %s, one of %s; not %s%s",
			c.place(),
			noun,
			strings.Join(choices, ", "),
			quote(v.Text),
			didYouMean(v.Text, choices),
		)
	}
}

// word makes the check that a value is a word of a vocabulary, or a URI that
// isn't a barred spelling of one.
func word(vocabulary *vocabulary) check {
	return func(c *checker, v *canonical.Value) {
		if !c.isString(v) {
			return
		}
		if _, ok := vocabulary.uris[v.Text]; ok {
			return
		}
		if !strings.Contains(v.Text, ":") {
			c.add(
				CodeUnknownWord,
				"%s %s is not %s%s",
				c.place(),
				quote(v.Text),
				vocabulary.noun,
				didYouMean(v.Text, vocabulary.words),
			)
			return
		}
		for _, barred := range vocabulary.barred {
			if strings.HasPrefix(v.Text, barred) {
				last := v.Text[strings.LastIndexAny(v.Text, ":/-")+1:]
				c.add(CodeUnknownWord, "%s %s is spelled as in earlier versions of the standard; EPCIS 2.0 has bare words%s",
					c.place(), quote(v.Text), didYouMean(last, vocabulary.words))
				return
			}
		}
		if !isURI(v.Text) {
			c.add(CodeBadURI, "%s must be %s or an absolute URI; not %s", c.place(), vocabulary.noun, quote(v.Text))
		}
	}
}

// uriOrURIs checks a field that takes one URI or several.
func uriOrURIs(c *checker, v *canonical.Value) {
	if v.Kind != canonical.Array {
		uri(c, v)
		return
	}
	for i := range v.Items {
		c.item(i)
		uri(c, &v.Items[i])
		c.up()
	}
}

// mergedContext checks an @context: an address, an object, or a list of both. It
// may be the merged @context of a document and an event.
func mergedContext(c *checker, v *canonical.Value) {
	switch v.Kind {
	case canonical.String:
		uri(c, v)
	case canonical.Array:
		if len(v.Items) > mostContextParts {
			c.add(CodeTooMany, "@context may have %d parts at most", mostContextParts)
			return
		}
		names := 0
		for i := range v.Items {
			c.item(i)
			switch item := &v.Items[i]; item.Kind {
			case canonical.Object:
				names += len(item.Members)
			case canonical.String:
				uri(c, item)
			default:
				c.wrongType(item, "an address or an object")
			}
			c.up()
		}
		c.contextNames(names)
	case canonical.Object:
		c.contextNames(len(v.Members))
	default:
		c.wrongType(v, "an address, an object or an array of both")
	}
}

func (c *checker) contextNames(n int) {
	if n > mostContextNames {
		c.add(CodeTooMany, "@context may declare %d names at most", mostContextNames)
	}
}

// sentContext checks an @context as its sender wrote it. No part may occur
// twice.
func sentContext(c *checker, v *canonical.Value) {
	mergedContext(c, v)
	if len(v.Items) > mostContextParts || c.full() {
		return
	}
	for i := range v.Items {
		for j := range i {
			if v.Items[i].Equal(v.Items[j]) {
				c.item(i)
				c.add(CodeDuplicateItem, "this part of @context stands here twice")
				c.up()
				break
			}
		}
	}
}
