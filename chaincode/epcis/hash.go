package epcis

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Version is a version of the event hash rules.
type Version uint8

const (
	CBV20 Version = iota // Core Business Vocabulary 2.0, ratified; Pedigree uses this one
	CBV21                // draft of 2.1; it writes the extensions of inner objects inside these
)

// How an event hash id of CBV 2.0 begins and ends. Between them are 64 lower-case hexadecimal digits.
const (
	HashScheme  = "ni:///sha-256;"
	HashVersion = "?ver=CBV2.0"
)

// HashID computes the event hash id of the Core Business Vocabulary, section
// 8.9: ni:///sha-256;<64 hex digits>?ver=CBV2.0. Two events with the same
// meaning have the same id. The order of their members and the spelling of
// things don't matter, and eventID, recordTime, errorDeclaration and
// certificationInfo don't count.
//
// The context is the @context of the document, which may be merged with that of
// the event. HashID doesn't check the event. It fails if it finds something that
// it can't hash: a value of the wrong kind, an invalid time, or an extension
// without a namespace.
func HashID(event, context canonical.Value, version Version) (string, error) {
	if event.Kind != canonical.Object {
		return "", fmt.Errorf("couldn't hash an event: it is %s, not an object", kindNoun(event.Kind))
	}
	return hashID(&event, namespaces{document: &context, event: find(&event, "@context")}, version)
}

func hashID(event *canonical.Value, ns namespaces, version Version) (string, error) {
	h := hashers.Get().(*hasher)
	defer h.release()
	h.ns, h.version = ns, version
	h.event(event)
	if h.err != nil {
		return "", fmt.Errorf("couldn't hash an event: %w", h.err)
	}
	sum := sha256.Sum256(h.buf)
	var id [len(HashScheme) + 2*sha256.Size + len(HashVersion)]byte
	copy(id[:], HashScheme)
	hex.Encode(id[len(HashScheme):], sum[:])
	copy(id[len(HashScheme)+2*sha256.Size:], HashVersion)
	id[len(id)-1] += byte(version)
	return string(id[:]), nil
}

// hasher builds the text to be hashed in one buffer. It writes lists in their
// own order and then sorts them in place, by the spans of their members.
type hasher struct {
	ns      namespaces
	version Version
	buf     []byte
	spans   []span // a stack, because lists can contain lists
	err     error
}

type span struct{ from, to int }

var hashers = sync.Pool{New: func() any { return &hasher{buf: make([]byte, 0, 4096)} }}

const largestKeptBuffer = 1 << 20

// longestText is the most bytes of text to be hashed. The text has the full name
// of every value, so it can be many times as long as the event.
const longestText = 8 << 20

var errTooLong = fmt.Errorf(
	"with the names of its extensions written in full it has more than %d bytes; shorten the names and namespaces",
	longestText,
)

func (h *hasher) release() {
	if cap(h.buf) > largestKeptBuffer {
		return
	}
	h.ns, h.buf, h.spans, h.err = namespaces{}, h.buf[:0], h.spans[:0], nil
	hashers.Put(h)
}

func (h *hasher) fail(format string, args ...any) {
	if h.err == nil {
		h.err = fmt.Errorf(format, args...)
	}
}

func (h *hasher) write(s string) { h.buf = append(h.buf, s...) }

// listing is a list that is being written: where it begins in the buffer, and
// where its spans begin on the stack.
type listing struct{ from, spans int }

func (h *hasher) begin() listing { return listing{len(h.buf), len(h.spans)} }

// end ends a member of a list that began at from. It leaves out a member that is
// empty.
func (h *hasher) end(from int) {
	if len(h.buf) > from {
		h.spans = append(h.spans, span{from, len(h.buf)})
	}
}

// sort sorts the members of a list by their bytes and reports whether there are
// any.
func (h *hasher) sort(l listing) bool {
	members := h.spans[l.spans:]
	h.spans = h.spans[:l.spans]
	order := func(a, b span) int { return bytes.Compare(h.buf[a.from:a.to], h.buf[b.from:b.to]) }
	if len(members) < 2 || slices.IsSortedFunc(members, order) {
		return len(members) > 0
	}
	slices.SortFunc(members, order)
	end := len(h.buf)
	for _, m := range members {
		h.buf = append(h.buf, h.buf[m.from:m.to]...)
	}
	copy(h.buf[l.from:end], h.buf[end:])
	h.buf = h.buf[:end]
	return true
}

// hashedField is a field of an object and the function that writes its value
// after its name.
type hashedField struct {
	name  string
	value func(h *hasher, v *canonical.Value) bool // false: there is nothing to write
}

// hashedFields are the fields of one kind of object, in the order in which they
// are hashed.
type hashedFields struct {
	list     []hashedField
	byLength [longestField + 1][]int // by length of name: indexes in list; few names have the same length
}

const (
	longestField = len("coordinateReferenceSystem")
	mostFields   = 32 // more than any kind of object has
)

func inOrder(list []hashedField) *hashedFields {
	f := &hashedFields{list: list}
	for i := range list {
		n := len(list[i].name)
		f.byLength[n] = append(f.byLength[n], i)
	}
	return f
}

// fields writes those of the fields that an object has.
func (h *hasher) fields(v *canonical.Value, f *hashedFields) {
	var values [mostFields]*canonical.Value
	for i := range v.Members {
		m := &v.Members[i]
		if len(m.Name) > longestField || m.Value.Kind == canonical.Null {
			continue
		}
		for _, at := range f.byLength[len(m.Name)] {
			if f.list[at].name == m.Name {
				values[at] = &m.Value
			}
		}
	}
	for i := range f.list {
		if values[i] != nil {
			h.field(f.list[i].name, values[i], f.list[i].value)
		}
	}
}

// hashedEvent has the order of section 2 of the hash rules.
var hashedEvent = inOrder([]hashedField{
	{"eventTime", (*hasher).time},
	{"eventTimeZoneOffset", (*hasher).plain},
	{"epcList", epcs},
	{"parentID", (*hasher).scalar},
	{"inputEPCList", epcs},
	{"childEPCs", epcs},
	{"quantityList", quantityElements},
	{"childQuantityList", quantityElements},
	{"inputQuantityList", quantityElements},
	{"outputEPCList", epcs},
	{"outputQuantityList", quantityElements},
	{"action", (*hasher).scalar},
	{"transformationID", (*hasher).scalar},
	{"bizStep", hashedWord(bizSteps)},
	{"disposition", hashedWord(dispositions)},
	{"persistentDisposition", persistent},
	{"readPoint", place},
	{"bizLocation", place},
	{"bizTransactionList", typedList("bizTransaction", bizTransactionTypes)},
	{"sourceList", typedList("source", sourceTypes)},
	{"destinationList", typedList("destination", sourceTypes)},
	{"sensorElementList", sensorElements},
	{"ilmd", ilmd},
})

func (h *hasher) event(v *canonical.Value) {
	kind := find(v, "type")
	if kind == nil || kind.Kind != canonical.String {
		h.fail("it has no type")
		return
	}
	h.write("eventType=")
	h.write(trim(kind.Text))
	h.fields(v, hashedEvent)
	if h.version == CBV20 {
		h.innerExtensions(v)
	}
	h.eventExtensions(v)
}

// field writes a name and its value. If there is no value to write, it writes
// nothing.
func (h *hasher) field(name string, v *canonical.Value, value func(*hasher, *canonical.Value) bool) {
	from := len(h.buf)
	h.write(name)
	if !value(h, v) {
		h.buf = h.buf[:from]
	}
}

// fieldOf writes a member of an object, if it is there.
func (h *hasher) fieldOf(object *canonical.Value, name string, value func(*hasher, *canonical.Value) bool) {
	if v := find(object, name); v != nil {
		h.field(name, v, value)
	}
}

// list writes the items of an array, sorted.
func (h *hasher) list(v *canonical.Value, member func(*hasher, *canonical.Value)) bool {
	if v.Kind != canonical.Array {
		h.fail("%s stands where an array belongs", kindNoun(v.Kind))
		return false
	}
	l := h.begin()
	for i := range v.Items {
		from := len(h.buf)
		member(h, &v.Items[i])
		h.end(from)
	}
	return h.sort(l)
}

func epcs(h *hasher, v *canonical.Value) bool {
	return h.list(v, func(h *hasher, v *canonical.Value) { h.field("epc", v, (*hasher).scalar) })
}

func quantityElements(h *hasher, v *canonical.Value) bool {
	return h.list(v, func(h *hasher, v *canonical.Value) {
		h.field("quantityElement", v, func(h *hasher, v *canonical.Value) bool {
			from := len(h.buf)
			h.fieldOf(v, "epcClass", (*hasher).scalar)
			h.fieldOf(v, "quantity", (*hasher).scalar)
			h.fieldOf(v, "uom", (*hasher).scalar)
			return len(h.buf) > from
		})
	})
}

func persistent(h *hasher, v *canonical.Value) bool {
	from := len(h.buf)
	for _, name := range [...]string{"set", "unset"} {
		if list := find(v, name); list != nil {
			h.list(list, func(h *hasher, v *canonical.Value) { h.field(name, v, hashedDisposition) })
		}
	}
	return len(h.buf) > from
}

var hashedDisposition = hashedWord(dispositions)

func typedList(id string, types *vocabulary) func(*hasher, *canonical.Value) bool {
	hashedType := hashedWord(types)
	return func(h *hasher, v *canonical.Value) bool {
		return h.list(v, func(h *hasher, v *canonical.Value) {
			h.fieldOf(v, "type", hashedType)
			h.fieldOf(v, id, (*hasher).scalar)
		})
	}
}

func place(h *hasher, v *canonical.Value) bool {
	from := len(h.buf)
	h.fieldOf(v, "id", (*hasher).scalar)
	h.extensionsInPlace(v)
	return len(h.buf) > from
}

func ilmd(h *hasher, v *canonical.Value) bool {
	from := len(h.buf)
	h.extensions(v)
	return len(h.buf) > from
}

func isExtension(name string) bool { return strings.Contains(name, ":") }
