package draft

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// position of a value in a text.
type position struct{ line, column int } // from 1; the column in characters

// locate finds where values stand in a JSON text, which is well-formed. A pointer to what isn't there, such as a member
// that is missing, leads to what it would stand in. A member is found at its name. Its work grows with the text and the
// pointers, not with one times the other: a document of a thousand events may be one line.
func locate(text []byte, pointers []string) map[string]position {
	root := &wanted{}
	leaves := make(map[string]*wanted, len(pointers))
	for _, p := range pointers {
		leaves[p] = root.want(p)
	}
	w := &walker{text: text, decoder: json.NewDecoder(bytes.NewReader(text))}
	w.decoder.UseNumber()
	root.note(w.next())
	w.value(root)
	offsets := make([]int, 0, len(leaves))
	for _, leaf := range leaves {
		offsets = append(offsets, leaf.offset())
	}
	places := positions(text, offsets)
	at := make(map[string]position, len(leaves))
	for p, leaf := range leaves {
		at[p] = places[leaf.offset()]
	}
	return at
}

// wanted is a value whose place is looked for, or one that such a value stands in.
type wanted struct {
	in    *wanted // nil if it is the whole
	inner map[string]*wanted
	found bool
	at    int
}

// want adds what a pointer leads to.
func (w *wanted) want(pointer string) *wanted {
	for _, name := range strings.Split(pointer, "/")[1:] { // the whole is "", any other begins with a slash
		name = unescape.Replace(name)
		if w.inner == nil {
			w.inner = map[string]*wanted{}
		}
		if w.inner[name] == nil {
			w.inner[name] = &wanted{in: w}
		}
		w = w.inner[name]
	}
	return w
}

// unescape takes back what RFC 6901 does to names.
var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// note says where it begins. The first place counts.
func (w *wanted) note(at int) {
	if w != nil && !w.found {
		w.found, w.at = true, at
	}
}

// offset is where it begins or, if it isn't there, what it would stand in.
func (w *wanted) offset() int {
	for !w.found && w.in != nil {
		w = w.in
	}
	return w.at
}

// walker goes through a text and notes where the wanted values begin.
type walker struct {
	text    []byte
	decoder *json.Decoder
}

// next is where the next token begins.
func (w *walker) next() int {
	at := int(w.decoder.InputOffset())
	for at < len(w.text) && strings.IndexByte(" \t\r\n,:", w.text[at]) >= 0 {
		at++
	}
	return at
}

// value goes through one value; nothing in it is looked for if want is nil. Errors end the walk: who asks has parsed
// the text before.
func (w *walker) value(want *wanted) bool {
	token, err := w.decoder.Token()
	if err != nil {
		return false
	}
	var inner map[string]*wanted
	if want != nil {
		inner = want.inner
	}
	delimiter, _ := token.(json.Delim)
	for i := 0; delimiter == '[' && w.decoder.More(); i++ {
		var one *wanted
		if inner != nil {
			one = inner[strconv.Itoa(i)]
		}
		one.note(w.next())
		if !w.value(one) {
			return false
		}
	}
	for delimiter == '{' && w.decoder.More() {
		at := w.next()
		name, err := w.decoder.Token()
		if err != nil {
			return false
		}
		text, _ := name.(string)
		inner[text].note(at)
		if !w.value(inner[text]) {
			return false
		}
	}
	if delimiter != 0 {
		_, err = w.decoder.Token()
	}
	return err == nil
}

// positions are those of offsets.
func positions(text []byte, offsets []int) map[int]position {
	slices.Sort(offsets)
	at := make(map[int]position, len(offsets))
	here, read := position{1, 1}, 0
	for _, offset := range offsets {
		offset = min(offset, len(text))
		piece := text[read:offset]
		if last := bytes.LastIndexByte(piece, '\n'); last >= 0 {
			here.line += bytes.Count(piece, []byte("\n"))
			here.column, piece = 1, piece[last+1:]
		}
		here.column += utf8.RuneCount(piece)
		at[offset], read = here, offset
	}
	return at
}
