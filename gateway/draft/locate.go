package draft

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// position of a value in a text.
type position struct{ line, column int } // from 1; the column in characters

// locate finds where values stand in a JSON text, which is well-formed. A pointer to what isn't there, such as a member that is
// missing, leads to what it would stand in. A member is found at its name.
func locate(text []byte, pointers []string) map[string]position {
	wanted := make(map[string]bool, len(pointers))
	for _, p := range pointers {
		for ; !wanted[p]; p = p[:strings.LastIndexByte(p, '/')] {
			wanted[p] = true
			if p == "" {
				break
			}
		}
	}
	w := &walker{text: text, decoder: json.NewDecoder(bytes.NewReader(text)), wanted: wanted, offsets: make(map[string]int, len(wanted))}
	w.decoder.UseNumber()
	w.value("")
	at := make(map[string]position, len(pointers))
	lines := lineStarts(text)
	for _, p := range pointers {
		found := p
		for {
			if _, ok := w.offsets[found]; ok || found == "" {
				break
			}
			found = found[:strings.LastIndexByte(found, '/')]
		}
		at[p] = lines.position(text, w.offsets[found])
	}
	return at
}

// walker goes through a text and notes where the wanted values begin.
type walker struct {
	text    []byte
	decoder *json.Decoder
	wanted  map[string]bool
	offsets map[string]int
}

// next is where the next token begins.
func (w *walker) next() int {
	at := int(w.decoder.InputOffset())
	for at < len(w.text) && strings.IndexByte(" \t\r\n,:", w.text[at]) >= 0 {
		at++
	}
	return at
}

// value goes through one value. Errors end the walk: who asks has parsed the text before.
func (w *walker) value(pointer string) bool {
	if _, known := w.offsets[pointer]; w.wanted[pointer] && !known {
		w.offsets[pointer] = w.next()
	}
	token, err := w.decoder.Token()
	if err != nil {
		return false
	}
	delimiter, _ := token.(json.Delim)
	for i := 0; delimiter == '[' && w.decoder.More(); i++ {
		if !w.value(pointer + "/" + strconv.Itoa(i)) {
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
		inner := pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(text)
		if w.wanted[inner] {
			w.offsets[inner] = at
		}
		if !w.value(inner) {
			return false
		}
	}
	if delimiter != 0 {
		_, err = w.decoder.Token()
	}
	return err == nil
}

// starts are the offsets at which lines begin.
type starts []int

func lineStarts(text []byte) starts {
	list := starts{0}
	for i, b := range text {
		if b == '\n' {
			list = append(list, i+1)
		}
	}
	return list
}

func (s starts) position(text []byte, offset int) position {
	low, high := 0, len(s)
	for high-low > 1 {
		if middle := (low + high) / 2; s[middle] <= offset {
			low = middle
		} else {
			high = middle
		}
	}
	return position{low + 1, utf8.RuneCount(text[s[low]:min(offset, len(text))]) + 1}
}
