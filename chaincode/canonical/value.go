// Package canonical reads JSON strictly and writes it in one way only.
//
// Everything that Pedigree hashes or signs is JSON in the canonical form of
// RFC 8785: members sorted by the UTF-16 code units of their names, no white
// space, one spelling for each string and each number. Two organisations that
// hold the same value therefore hold the same bytes.
//
// The package is stricter than encoding/json, because no two readers may
// understand a record differently. It refuses duplicate names, invalid UTF-8,
// lone surrogates and trailing data (RFC 7493, I-JSON). RFC 8785 writes each
// number as an IEEE 754 double, so the package also refuses numbers that a
// double can't keep: 26.0 becomes 26, but 0.12345678901234567890 is an error.
// Send such a number as a string.
//
// [Parse] reads a whole text, and [ParseCanonical] one that must be canonical
// already. A [Scratch] does both for many small texts without allocating memory
// for each. A [Reader] reads a text that is too long for memory, and [Lines]
// reads JSON Lines. All of them give a [Value], whose Bytes are canonical.
package canonical

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind says which of the six JSON types a Value has.
type Kind uint8

// The JSON types. The zero Value is null.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// String names the kind as JSON does, for messages.
func (k Kind) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[k]
}

// Value is one JSON value in canonical form. Don't change a Value once it is
// made: With and Without return copies that share its parts.
type Value struct {
	Kind    Kind
	Text    string   // String: the decoded text. Number: its RFC 8785 literal. Bool: "true" or "false".
	Items   []Value  // Array
	Members []Member // Object: sorted by name, names unique
}

// Member is one name and its value in an object.
type Member struct {
	Name  string
	Value Value
}

// Str makes a string. The text must be valid UTF-8.
func Str(s string) Value { return Value{Kind: String, Text: s} }

// Int makes a number. Its magnitude must not be more than 2^53: Parse refuses
// integers beyond that which no double holds exactly.
func Int(n int64) Value { return Value{Kind: Number, Text: strconv.FormatInt(n, 10)} }

// Flag makes a boolean.
func Flag(b bool) Value { return Value{Kind: Bool, Text: strconv.FormatBool(b)} }

// Arr makes an array.
func Arr(items ...Value) Value { return Value{Kind: Array, Items: items} }

// Obj makes an object. Names must be unique; they are sorted here.
func Obj(members ...Member) Value {
	sorted := slices.Clone(members)
	slices.SortFunc(sorted, func(a, b Member) int { return CompareNames(a.Name, b.Name) })
	return Value{Kind: Object, Members: sorted}
}

// From converts any value that encoding/json can write.
func From(x any) (Value, error) {
	data, err := json.Marshal(x)
	if err != nil {
		return Value{}, fmt.Errorf("couldn't encode a value as JSON: %w", err)
	}
	return Parse(data, Limits{Bytes: len(data) + 1})
}

// Lookup finds a member of an object by name.
func (v Value) Lookup(name string) (Value, bool) {
	for i := range v.Members {
		if v.Members[i].Name == name {
			return v.Members[i].Value, true
		}
	}
	return Value{}, false
}

// Get returns a member of an object, or null if there is none of that name.
func (v Value) Get(name string) Value {
	found, _ := v.Lookup(name)
	return found
}

// Has reports whether an object has a member of that name.
func (v Value) Has(name string) bool {
	_, ok := v.Lookup(name)
	return ok
}

// Int reads a number that is an integer of at most 53 bits.
func (v Value) Int() (int64, bool) {
	if v.Kind != Number {
		return 0, false
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	if err != nil || n > 1<<53 || n < -(1<<53) {
		return 0, false
	}
	return n, true
}

// IsTrue reports whether v is the boolean true.
func (v Value) IsTrue() bool { return v.Kind == Bool && v.Text == "true" }

// With returns a copy of an object in which the member name has the value x.
func (v Value) With(name string, x Value) Value {
	return Value{Kind: Object, Members: v.AppendWith(make([]Member, 0, len(v.Members)+1), name, x)}
}

// AppendWith appends the members of [Value.With] to dst. It saves the new slice that With makes.
func (v Value) AppendWith(dst []Member, name string, x Value) []Member {
	at, found := slices.BinarySearchFunc(v.Members, name, func(m Member, n string) int { return CompareNames(m.Name, n) })
	dst = append(append(dst, v.Members[:at]...), Member{name, x})
	if found {
		at++
	}
	return append(dst, v.Members[at:]...)
}

// Without returns a copy of an object that lacks the member name.
func (v Value) Without(name string) Value {
	members := make([]Member, 0, len(v.Members))
	for _, m := range v.Members {
		if m.Name != name {
			members = append(members, m)
		}
	}
	return Value{Kind: Object, Members: members}
}

// Equal reports whether two values are the same JSON value.
func (v Value) Equal(w Value) bool {
	if v.Kind != w.Kind || v.Text != w.Text || len(v.Items) != len(w.Items) || len(v.Members) != len(w.Members) {
		return false
	}
	for i := range v.Items {
		if !v.Items[i].Equal(w.Items[i]) {
			return false
		}
	}
	for i := range v.Members {
		if v.Members[i].Name != w.Members[i].Name || !v.Members[i].Value.Equal(w.Members[i].Value) {
			return false
		}
	}
	return true
}

// MarshalJSON returns the canonical bytes, so that encoding/json can write a
// struct with a Value in it.
func (v Value) MarshalJSON() ([]byte, error) { return v.Bytes(), nil }

// UnmarshalJSON reads strictly, within the default limits.
func (v *Value) UnmarshalJSON(data []byte) error {
	parsed, err := Parse(data, Limits{})
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

// CompareNames orders member names as RFC 8785 section 3.2.3 does: by UTF-16
// code units. The UTF-8 bytes give the same order, with one exception:
// characters beyond the basic plane come before U+E000 to U+FFFF, because
// UTF-16 writes them as surrogates.
func CompareNames(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	if i == len(a) || i == len(b) {
		return len(a) - len(b)
	}
	x, y := a[i], b[i]
	// 0xEE and 0xEF lead U+E000..U+FFFF; 0xF0 and above lead the supplementary planes.
	if x >= 0xF0 && (y == 0xEE || y == 0xEF) {
		return -1
	}
	if y >= 0xF0 && (x == 0xEE || x == 0xEF) {
		return 1
	}
	return int(x) - int(y)
}

// Pointer makes an RFC 6901 JSON pointer of member names and array indexes.
func Pointer(parts ...any) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteByte('/')
		switch p := p.(type) {
		case int:
			b.WriteString(strconv.Itoa(p))
		case string:
			b.WriteString(pointerEscaper.Replace(p))
		default:
			fmt.Fprint(&b, p)
		}
	}
	return b.String()
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")
