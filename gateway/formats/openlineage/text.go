package openlineage

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Parse reads the text of an event, or of an array of events, as JSON. Errors are of type *canonical.SyntaxError.
//
// In lenient mode a number that no double holds exactly, such as the 64-bit id of a snapshot, is kept as a string of
// its digits: JSON has it, clients send it, and a record can't. Of facets with the same name, and of members inside of
// facets, the last counts, as it does for most readers of JSON: some clients write a facet twice. Any other member that
// stands twice, such as the inputs, has to be the same in every byte, or lineage would be lost without a word.
func Parse(text []byte, mode Mode, most canonical.Limits) (canonical.Value, error) {
	v, err := canonical.Parse(text, most)
	if err == nil || mode == Strict {
		return v, err
	}
	kept, quoted := keepNumbers(text)
	kept, dropped := keepLast(kept)
	if !quoted && !dropped {
		return v, err
	}
	if most.Bytes == 0 {
		most.Bytes = canonical.DefaultBytes
	}
	if len(text) <= most.Bytes {
		most.Bytes = max(most.Bytes, len(kept))
	}
	again, second := canonical.Parse(kept, most)
	if second != nil {
		return v, err // whose places are those of the text as it came, unless a number or a repeated name came first
	}
	return again, nil
}

// Split finds the events in the text of an array of events, at most one more than most. It gives false for anything
// else; what is wrong with that, Parse says.
func Split(text []byte, most int) ([][]byte, bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('[') {
		return nil, false
	}
	var events [][]byte
	for decoder.More() {
		if len(events) > most {
			return events, true
		}
		var event json.RawMessage
		if decoder.Decode(&event) != nil {
			return nil, false
		}
		events = append(events, event)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, false
	}
	_, err := decoder.Token()
	return events, errors.Is(err, io.EOF)
}

// Lines finds the lines of a text that aren't empty, by their numbers, at most one more than most.
func Lines(text []byte, most int) (lines [][]byte, numbers []int) {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if lines, numbers = append(lines, line), append(numbers, number); len(lines) > most {
			break
		}
	}
	return lines, numbers
}

// span is a part of a text, from its first byte up to and without its last.
type span struct{ from, to int }

// facetsOf are the members of an event's objects that hold facets.
var facetsOf = []string{"facets", "inputFacets", "outputFacets"}

// members are those of an object or an array that is being read. Those of an array have no names.
type members struct {
	object bool
	facets bool // facets, or part of one: the last member of a name counts
	named  bool // a name has come, and its value comes next
	names  []string
	starts []int // where the members begin, and at last where the object ends
}

// repeated are the spans of those members whose name comes again later, and which nobody will miss.
func (m *members) repeated(text []byte) []span {
	last := map[string]int{}
	for i, name := range m.names {
		last[name] = i
	}
	member := func(i int) []byte { return bytes.TrimRight(text[m.starts[i]:m.starts[i+1]], ", \t\r\n") }
	var all []span
	for i, name := range m.names {
		if again := last[name]; again != i && (m.facets || bytes.Equal(member(i), member(again))) {
			all = append(all, span{m.starts[i], m.starts[i+1]})
		}
	}
	return all
}

// keepLast leaves out members of an object whose name comes again later in it, if they are facets or part of one, or
// say the same in every byte. What isn't JSON stays what it is.
func keepLast(text []byte) (kept []byte, changed bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	in := &members{}
	open := []*members{in}
	var cuts []span
	for {
		before := int(decoder.InputOffset())
		token, err := decoder.Token()
		if err != nil {
			break
		}
		if name, ok := token.(string); ok && in.object && !in.named {
			in.names, in.named = append(in.names, name), true
			in.starts = append(in.starts, before+bytes.IndexByte(text[before:], '"'))
			continue
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			facets := in.facets || in.named && slices.Contains(facetsOf, in.names[len(in.names)-1])
			in.named = false
			in = &members{object: token == json.Delim('{'), facets: facets}
			open = append(open, in)
		case json.Delim('}'), json.Delim(']'):
			if in.object {
				in.starts = append(in.starts, int(decoder.InputOffset())-1)
				cuts = append(cuts, in.repeated(text)...)
			}
			open = open[:len(open)-1]
			in = open[len(open)-1]
		default:
			in.named = false
		}
	}
	if len(cuts) == 0 {
		return text, false
	}
	slices.SortFunc(cuts, func(a, b span) int { return a.from - b.from })
	from := 0
	for _, cut := range cuts {
		if cut.from >= from { // else it lies in one that is left out already
			kept = append(kept, text[from:cut.from]...)
		}
		from = max(from, cut.to)
	}
	return append(kept, text[from:]...), true
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
