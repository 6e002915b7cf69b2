package intake

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// The CBV event hash is no proof that two events say the same: it takes number-like text for numbers, so the lots "007"
// and "7" are one to it, it cuts times to milliseconds, and it leaves certificates out. An event that is dropped as a
// duplicate would take what it says with it. So events count as the same only if their contents are, too.

// content is the digest of what an event says.
type content [sha256.Size]byte

// contentOf computes it. Two events have the same content if they differ at most in the order of members, in the order
// of lists that EPCIS says are unordered, in the spelling of GS1 identifiers and times in fields of the standard, and
// in eventID and recordTime. In doubt they are different: then both are recorded.
func contentOf(event *canonical.Value) content {
	w := contents.Get().(*contentWriter)
	w.buf = w.event(w.buf[:0], event)
	sum := sha256.Sum256(w.buf)
	if cap(w.buf) <= largestKeptContent {
		contents.Put(w)
	}
	return sum
}

type contentWriter struct{ buf []byte }

const largestKeptContent = 1 << 20

var contents = sync.Pool{New: func() any { return &contentWriter{buf: make([]byte, 0, 4096)} }}

// unordered are the lists of an event whose order means nothing (EPCIS 2.0, section 7.4).
var unordered = map[string]bool{
	"epcList": true, "childEPCs": true, "inputEPCList": true, "outputEPCList": true,
	"quantityList": true, "childQuantityList": true, "inputQuantityList": true, "outputQuantityList": true,
	"bizTransactionList": true, "sourceList": true, "destinationList": true,
	"set": true, "unset": true, "correctiveEventIDs": true,
}

// identifiers and times are the fields of the standard whose text can be spelled in several ways.
var (
	identifiers = map[string]bool{
		"epcList": true, "childEPCs": true, "inputEPCList": true, "outputEPCList": true, "parentID": true,
		"epcClass": true, "id": true, "source": true, "destination": true, "bizTransaction": true, "transformationID": true,
	}
	times = map[string]bool{"eventTime": true, "declarationTime": true}
)

// event writes the members of the event itself.
func (w *contentWriter) event(dst []byte, v *canonical.Value) []byte {
	dst = append(dst, '{')
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "@context", "eventID", "recordTime":
		case "ilmd", "sensorElementList", "certificationInfo":
			dst = v.Members[i].Value.Append(appendName(dst, m.Name))
		default:
			dst = w.member(dst, m)
		}
	}
	return append(dst, '}')
}

// member writes a member of the event or of one of its objects. What is not of the standard it writes as it is.
func (w *contentWriter) member(dst []byte, m *canonical.Member) []byte {
	dst = appendName(dst, m.Name)
	if strings.Contains(m.Name, ":") {
		return m.Value.Append(dst)
	}
	return w.value(dst, m.Name, &m.Value)
}

func (w *contentWriter) value(dst []byte, field string, v *canonical.Value) []byte {
	switch v.Kind {
	case canonical.Array:
		return w.list(dst, field, v.Items)
	case canonical.Object:
		dst = append(dst, '{')
		for i := range v.Members {
			dst = w.member(dst, &v.Members[i])
		}
		return append(dst, '}')
	case canonical.String:
		switch {
		case identifiers[field]:
			return canonical.Str(identity(v.Text)).Append(dst)
		case times[field]:
			return canonical.Str(instant(v.Text)).Append(dst)
		}
	}
	return v.Append(dst)
}

// list writes the items of a list, sorted if their order means nothing.
func (w *contentWriter) list(dst []byte, field string, items []canonical.Value) []byte {
	dst = append(dst, '[')
	if !unordered[field] || len(items) < 2 {
		for i := range items {
			dst = append(w.value(dst, field, &items[i]), ',')
		}
		return append(dst, ']')
	}
	from := len(dst)
	ends := make([]int, len(items))
	for i := range items {
		dst = w.value(dst, field, &items[i])
		ends[i] = len(dst)
	}
	text := bytes.Clone(dst[from:])
	texts := make([][]byte, len(items))
	at := from
	for i, end := range ends {
		texts[i], at = text[at-from:end-from], end
	}
	slices.SortFunc(texts, bytes.Compare)
	dst = dst[:from]
	for _, t := range texts {
		dst = append(append(dst, t...), ',')
	}
	return append(dst, ']')
}

func appendName(dst []byte, name string) []byte {
	return append(canonical.Str(name).Append(dst), ':')
}

// identity is the one spelling of a GS1 identifier, if that leaves nothing of it out. The one spelling of a link has
// only its finest qualifier, so a link with a lot and a serial stays as it is.
func identity(text string) string {
	thing := epcis.Thing(text)
	if !strings.HasPrefix(text, "urn:") && (strings.Count(text, "/") != strings.Count(thing, "/") || strings.ContainsAny(text, "?#")) {
		return text
	}
	return thing
}

// instant is a time in UTC, if it has no more digits than can be compared.
func instant(text string) string {
	t, err := time.Parse(time.RFC3339Nano, text)
	if _, fraction, ok := strings.Cut(text, "."); err != nil || ok && len(fraction) > len("123456789+00:00") {
		return text
	}
	return t.UTC().Format(time.RFC3339Nano)
}
