package epcis

import (
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// extensions writes the extension members of an object, sorted.
func (h *hasher) extensions(v *canonical.Value) {
	l := h.begin()
	for i := range v.Members {
		if isExtension(v.Members[i].Name) {
			h.extension(&v.Members[i])
		}
	}
	h.sort(l)
}

// eventExtensions writes the extensions of the event itself, except rdfs:comment.
func (h *hasher) eventExtensions(v *canonical.Value) {
	l := h.begin()
	for i := range v.Members {
		name := v.Members[i].Name
		if !isExtension(name) {
			continue
		}
		if namespace, local, _ := h.ns.expand(name); namespace == rdfsVocabulary && local == "comment" {
			continue
		}
		h.extension(&v.Members[i])
	}
	h.sort(l)
}

// extension writes one extension member into the list around it.
func (h *hasher) extension(m *canonical.Member) {
	namespace, local, ok := h.ns.expand(m.Name)
	if !ok {
		h.fail("no @context declares the prefix of %s", quote(m.Name))
		return
	}
	h.named(namespace, local, &m.Value)
}

// named writes {namespace}local and a value: a scalar after an equals sign, or
// the members of an object, sorted. For an array it writes the name and an item,
// for each item.
func (h *hasher) named(namespace, local string, v *canonical.Value) {
	if len(h.buf) > longestText {
		h.err = errTooLong // many values with a long name or namespace
	}
	if h.err != nil {
		return
	}
	switch v.Kind {
	case canonical.Null:
	case canonical.Array:
		for i := range v.Items {
			h.named(namespace, local, &v.Items[i])
		}
	case canonical.Object:
		from := len(h.buf)
		h.name(namespace, local)
		l := h.begin()
		for i := range v.Members {
			h.inner(&v.Members[i])
		}
		if !h.sort(l) {
			h.buf = h.buf[:from]
		}
		h.end(from)
	default:
		from := len(h.buf)
		h.name(namespace, local)
		if !h.scalar(v) {
			h.buf = h.buf[:from]
		}
		h.end(from)
	}
}

// inner writes a member inside an extension. There, names without a namespace
// are allowed.
func (h *hasher) inner(m *canonical.Member) {
	switch {
	case m.Name == "@context":
	case isExtension(m.Name):
		h.extension(m)
	default:
		h.named("", strings.TrimPrefix(m.Name, "@"), &m.Value)
	}
}

func (h *hasher) name(namespace, local string) {
	if namespace != "" {
		h.buf = append(append(append(h.buf, '{'), namespace...), '}')
	}
	h.write(local)
}

// time writes = and a time in its canonical form.
func (h *hasher) time(v *canonical.Value) bool {
	t, ok := parseTime(trim(v.Text))
	if !ok {
		h.fail("%s is not a time", quote(v.Text))
		return false
	}
	h.buf = appendTime(append(h.buf, '='), t)
	return true
}

// plain writes = and a text without the white space around it.
func (h *hasher) plain(v *canonical.Value) bool {
	h.buf = append(append(h.buf, '='), trim(v.Text)...)
	return v.Text != ""
}

// scalar writes = and a value in its canonical form.
func (h *hasher) scalar(v *canonical.Value) bool { return h.value(v, nil) }

// hashedWord makes the function that writes = and a word as its web URI.
func hashedWord(vocabulary *vocabulary) func(*hasher, *canonical.Value) bool {
	return func(h *hasher, v *canonical.Value) bool { return h.value(v, vocabulary) }
}

// value writes = and a scalar: things as Digital Links, GS1's words as web URIs,
// and everything that can be read as a number in plain digits. It reports false
// for empty text.
func (h *hasher) value(v *canonical.Value, words *vocabulary) bool {
	if v.Kind == canonical.Array || v.Kind == canonical.Object {
		h.fail("%s stands where a single value belongs", kindNoun(v.Kind))
		return false
	}
	s := trim(v.Text)
	if s == "" {
		return false
	}
	h.buf = append(h.buf, '=')
	if b := s[0]; b <= '9' && (b >= '0' || b == '+' || b == '-' || b == '.') {
		if plain, ok := appendNumber(h.buf, s); ok {
			h.buf = plain
			return true
		}
	}
	if strings.IndexByte(s, ':') < 0 {
		if words != nil {
			h.write(words.prefix)
		}
		h.write(s)
		return true
	}
	if thing, _, ok := appendThing(h.buf, s); ok {
		h.buf = thing
		return true
	}
	if rest, ok := strings.CutPrefix(s, "urn:epcglobal:cbv:"); ok {
		if prefix, word, ok := cbvURN(rest); ok {
			h.write(prefix)
			h.write(word)
			return true
		}
	} else if namespace, local, ok := h.ns.curie(s); ok {
		h.write(namespace)
		h.write(local)
		return true
	}
	h.write(s)
	return true
}
