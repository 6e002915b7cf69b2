package epcis

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Problem says what is wrong with an event or a document, and where. The Code is
// for programs, and the Detail is for people.
type Problem struct {
	Code    string // one of the Code constants
	Pointer string // JSON pointer (RFC 6901) from the event or document that was checked; "" is the whole
	Detail  string // one sentence
}

// The codes of problems.
const (
	CodeWrongType        = "wrong_type"         // a string where a number belongs
	CodeMissingField     = "missing_field"      // a required field is absent
	CodeUnknownField     = "unknown_field"      // neither a field of the standard nor an extension
	CodeUndeclaredPrefix = "undeclared_prefix"  // an extension whose prefix no @context declares
	CodeNestedContext    = "nested_context"     // an @context inside an extension
	CodeBadURI           = "bad_uri"            // not an absolute URI
	CodeBadTime          = "bad_time"           // not RFC 3339, or a time that never was
	CodeBadOffset        = "bad_offset"         // not an eventTimeZoneOffset
	CodeBadUnit          = "bad_unit"           // not a UN/ECE Recommendation 20 code
	CodeBadHex           = "bad_hex"            // not hexadecimal
	CodeBadVersion       = "bad_version"        // not a schemaVersion
	CodeUnknownWord      = "unknown_word"       // not a word of the field's vocabulary
	CodeUnknownType      = "unknown_type"       // not an event or document type
	CodeDuplicateItem    = "duplicate_item"     // twice in a list of different things
	CodeEmptyList        = "empty_list"         // a list that must not be empty
	CodeNothingHappened  = "nothing_happened"   // no things that the event is about
	CodeNotAllowed       = "not_allowed"        // a field that this event may not have
	CodeDuplicateEventID = "duplicate_event_id" // two events of a document have one eventID
	CodeTooMany          = "too_many"           // more levels or names than anyone can mean
)

// Limits that keep checking cheap and answers readable.
const (
	maxProblems           = 20  // reported for one event or document
	deepestExtension      = 64  // levels inside an extension
	mostContextParts      = 128 // addresses and objects, of document and event together
	mostContextNames      = 500 // names that they declare
	longestQuote          = 80  // bytes of a sender's text in a message
	longestWordToGuessFor = 64  // bytes
)

// checker checks one event or document and collects problems.
type checker struct {
	ns       namespaces
	path     []step
	problems []Problem
}

// step is one level of the path to a value: an index if index isn't negative, or
// else a member name.
type step struct {
	name  string
	index int
}

func (c *checker) member(name string) { c.path = append(c.path, step{name, -1}) }
func (c *checker) item(index int)     { c.path = append(c.path, step{"", index}) }
func (c *checker) up()                { c.path = c.path[:len(c.path)-1] }

// full reports whether there are enough problems for one answer.
func (c *checker) full() bool { return len(c.problems) >= maxProblems }

// add adds a problem at the present place.
func (c *checker) add(code, format string, args ...any) {
	if !c.full() {
		c.problems = append(c.problems, Problem{Code: code, Pointer: c.pointer(), Detail: fmt.Sprintf(format, args...)})
	}
}

func (c *checker) pointer() string {
	parts := make([]any, len(c.path))
	for i, s := range c.path {
		if parts[i] = s.name; s.index >= 0 {
			parts[i] = s.index
		}
	}
	return canonical.Pointer(parts...)
}

// place names the present place for a sentence, by the nearest member name.
func (c *checker) place() string {
	for i := len(c.path) - 1; i >= 0; i-- {
		if s := c.path[i]; s.index < 0 {
			if i < len(c.path)-1 {
				return "an item of " + s.name
			}
			return s.name
		}
	}
	return "this"
}

func (c *checker) wrongType(v *canonical.Value, want string) {
	c.add(CodeWrongType, "%s must be %s, not %s", c.place(), want, kindNoun(v.Kind))
}

func kindNoun(k canonical.Kind) string {
	switch k {
	case canonical.Null:
		return "null"
	case canonical.Array, canonical.Object:
		return "an " + k.String()
	}
	return "a " + k.String()
}

// quote quotes text that somebody sent. It cuts long text.
func quote(s string) string {
	if len(s) > longestQuote {
		end := longestQuote
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		return strconv.Quote(s[:end]) + "…"
	}
	return strconv.Quote(s)
}

// didYouMean suggests the choice that is most like a word, as the end of a
// sentence. It returns "" if none is much like it. Of equally good choices it
// takes the first, so the result is always the same.
func didYouMean(word string, choices []string) string {
	if len(word) > longestWordToGuessFor {
		return ""
	}
	best, distance := "", max(1, len(word)/3)+1
	for _, choice := range choices {
		if d := editDistance(strings.ToLower(word), strings.ToLower(choice)); d < distance {
			best, distance = choice, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + strconv.Quote(best) + "?"
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbours.
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
