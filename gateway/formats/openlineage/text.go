package openlineage

import (
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Parse reads the text of an event, or of an array of events, as JSON. Errors are of type *canonical.SyntaxError.
//
// In lenient mode a number that no double holds exactly, such as the 64-bit id of a snapshot, is kept as a string of
// its digits: JSON has it, clients send it, and a record can't.
func Parse(text []byte, mode Mode, most canonical.Limits) (canonical.Value, error) {
	v, err := canonical.Parse(text, most)
	if err == nil || mode == Strict {
		return v, err
	}
	kept, changed := keepNumbers(text)
	if !changed {
		return v, err
	}
	if most.Bytes == 0 {
		most.Bytes = canonical.DefaultBytes
	}
	most.Bytes += len(kept) - len(text)
	again, second := canonical.Parse(kept, most)
	if second != nil {
		return v, err // whose places are those of the text as it came, unless a number came first
	}
	return again, nil
}

// longest is the number of characters that a number's literal may have, to be kept.
const longest = 400

// keepNumbers puts quotes around numbers that would change as doubles. What isn't JSON stays what it is.
func keepNumbers(text []byte) (kept []byte, changed bool) {
	from := 0
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			i = afterString(text, i)
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(text) && strings.IndexByte("0123456789.eE+-", text[end]) >= 0 {
				end++
			}
			if literal := text[i:end]; len(literal) <= longest && isNumber(literal) && !exact(literal) {
				kept = append(append(append(append(kept, text[from:i]...), '"'), literal...), '"')
				from, changed = end, true
			}
			i = end
		default:
			i++
		}
	}
	return append(kept, text[from:]...), changed
}

// afterString finds the end of a string that begins at a quote.
func afterString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// exact tells whether a number is the same as a double.
func exact(literal []byte) bool {
	_, err := canonical.Parse(literal, canonical.Limits{})
	return err == nil
}

// isNumber tells whether a text is a number by the grammar of JSON.
func isNumber(s []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	if len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' || !digits() {
		return false
	}
	if len(s) > 0 && s[0] == '.' {
		if s = s[1:]; !digits() {
			return false
		}
	}
	if len(s) > 0 && (s[0] == 'e' || s[0] == 'E') {
		if s = s[1:]; len(s) > 0 && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(s) == 0
}
