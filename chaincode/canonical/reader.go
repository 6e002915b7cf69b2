package canonical

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// Reader reads one JSON text that is too long to be in memory as a whole: the items of some of its arrays are handed out one
// by one, as text, and what is left is the outline. It is as strict as Parse about every byte, once each item has been
// parsed by its receiver ([Item.Parse], which may be done elsewhere and later).
//
// What is in memory at a time is one item and the outline. Make it with NewReader.
type Reader struct {
	limits ReaderLimits
	lists  [][]string
	source
	path    []step
	names   []string  // of the objects on the way, those that are being read member by member
	top     *[]Member // of the outermost object
	values  int       // of the outline so far
	outline int       // bytes of it so far
	each    func(Item) error
}

// ReaderLimits bound what a Reader or Lines holds; pieces that are larger are a *SizeError. An item has at most DefaultValues
// values.
type ReaderLimits struct {
	Item    int // bytes of one item's text, or of one line's
	Outline int // bytes of the rest
	Values  int // JSON values of the rest
	Depth   int // arrays and objects inside each other
}

// SizeError says that a piece of a text is larger than may be.
type SizeError struct {
	Pointer string // what it lies in
	Message string
}

func (e *SizeError) Error() string {
	if e.Pointer == "" {
		return e.Message
	}
	return e.Pointer + ": " + e.Message
}

// Item is one item of an array that a Reader hands out, or one line of Lines.
type Item struct {
	List  int    // which of the lists
	Index int    // in its array; for Lines, the number of the line, from 0
	Text  string // as it stands there
	at    place
	path  []step // of the array
	depth int
}

// Pointer is where the item stands (RFC 6901).
func (it Item) Pointer() string {
	p := parser{path: append(slices.Clone(it.path), step{index: it.Index, array: true})}
	return p.pointer()
}

// Parse reads the item. Errors are of type *SyntaxError and count lines and columns from the beginning of the whole text.
func (it Item) Parse() (Value, error) { return new(Scratch).ParseItem(it) }

// NewReader makes a reader of the text that src gives. The arrays at lists, each a path of member names from the top,
// are those whose items are handed out. No list may be the beginning of another.
func NewReader(src io.Reader, l ReaderLimits, lists ...[]string) *Reader {
	return &Reader{limits: l, lists: lists, source: source{src: src, at: beginning}}
}

// Read reads all of the text and returns its outline, in which the arrays at the lists are empty. It gives the items to each,
// in order. Errors are those of each, those of the source except for io.EOF, *SizeError, or *SyntaxError.
func (r *Reader) Read(each func(Item) error) (Value, error) {
	r.each = each
	c, err := r.peek()
	if err != nil {
		return Value{}, err
	}
	var v Value
	if c == '{' {
		v, err = r.object()
	} else {
		v, err = r.whole()
	}
	if err != nil {
		return Value{}, err
	}
	if c, err = r.peek(); err != nil || c != 0 || len(r.rest()) > 0 {
		if err == nil {
			err = r.fail("there is more text after the end of the JSON value")
		}
		return Value{}, err
	}
	return v, nil
}

// Top finds a member of the outermost object, among those that have been read so far.
func (r *Reader) Top(name string) (Value, bool) {
	if r.top == nil {
		return Value{}, false
	}
	return Value{Kind: Object, Members: *r.top}.Lookup(name)
}

// peek skips white space and shows what follows: 0 at the end of the text.
func (r *Reader) peek() (byte, error) {
	for {
		text := r.rest()
		n := 0
		for n < len(text) && (text[n] == ' ' || text[n] == '\n' || text[n] == '\r' || text[n] == '\t') {
			n++
		}
		r.advance(n)
		if n < len(text) {
			return text[n], nil
		}
		if more, err := r.more(); !more {
			return 0, err
		}
	}
}

// fail makes an error of the present place.
func (r *Reader) fail(format string, args ...any) error {
	p := parser{path: r.path}
	p.fail(format, args...)
	return r.at.move(p.err)
}

// wrong says that something else should stand here.
func (r *Reader) wrong(inside, wanted string) error {
	if len(r.rest()) == 0 {
		return r.fail("the text ends inside %s", inside)
	}
	for !utf8.FullRune(r.rest()) {
		if more, err := r.more(); !more {
			if err != nil {
				return err
			}
			break
		}
	}
	return r.fail("%s should stand here, not %s", wanted, quoteRune(string(r.rest()[:min(utf8.UTFMax, len(r.rest()))])))
}

// object reads an object on the way to a list, member by member.
func (r *Reader) object() (Value, error) {
	var members []Member
	if r.top == nil {
		r.top = &members
	}
	seen := make(map[string]bool)
	r.advance(1)
	for first := true; ; first = false {
		c, err := r.peek()
		if err != nil {
			return Value{}, err
		}
		if c == '}' && first {
			break
		}
		if c != '"' {
			return Value{}, r.fail("a member name in double quotes should stand here")
		}
		at := r.at
		quoted, err := r.whole()
		if err != nil {
			return Value{}, err
		}
		name := quoted.Text
		if seen[name] {
			r.at = at
			return Value{}, r.fail("the member name %q stands twice in one object", name)
		}
		seen[name] = true
		v, err := r.member(name)
		if err != nil {
			return Value{}, err
		}
		members = append(members, Member{name, v})
		if c, err = r.peek(); err != nil {
			return Value{}, err
		}
		if c == '}' {
			break
		}
		if c != ',' {
			return Value{}, r.wrong("an object", "a comma or }")
		}
		r.advance(1)
	}
	r.advance(1)
	return Obj(members...), nil
}

// member reads the colon and the value of a member.
func (r *Reader) member(name string) (Value, error) {
	r.path, r.names = append(r.path, step{name: name}), append(r.names, name)
	defer func() { r.path, r.names = r.path[:len(r.path)-1], r.names[:len(r.names)-1] }()
	c, err := r.peek()
	if err != nil {
		return Value{}, err
	}
	if c != ':' {
		return Value{}, r.fail("a colon should follow the member name")
	}
	r.advance(1)
	if c, err = r.peek(); err != nil {
		return Value{}, err
	}
	for i, list := range r.lists {
		if len(list) < len(r.names) || !slices.Equal(list[:len(r.names)], r.names) {
			continue
		}
		switch {
		case c == '[' && len(list) == len(r.names):
			return Value{Kind: Array}, r.items(i)
		case c == '{' && len(list) > len(r.names):
			return r.object()
		}
	}
	return r.whole()
}

// whole reads a value that belongs to the outline.
func (r *Reader) whole() (Value, error) {
	n, cut, err := r.extent(r.limits.Outline - r.outline)
	if err != nil {
		return Value{}, err
	}
	p := parser{text: string(r.rest()[:n]), path: r.path, values: r.values, limits: Limits{Depth: r.limits.Depth, Values: r.limits.Values}.orDefaults()}
	v := p.value()
	if cut && (p.err == nil || p.err.Offset >= n-utf8.UTFMax*3) {
		return Value{}, &SizeError{p.pointer(), fmt.Sprintf("what stands around the lists has more than %d bytes", r.limits.Outline)}
	}
	if p.err != nil {
		return Value{}, r.at.move(p.err)
	}
	r.values = p.values
	r.outline += p.at
	r.advance(p.at)
	return v, nil
}

// items hands out the items of an array.
func (r *Reader) items(list int) error {
	if len(r.path) >= r.limits.Depth {
		return r.fail("values are nested more than %d deep", r.limits.Depth)
	}
	r.advance(1)
	path := slices.Clone(r.path)
	for i := 0; ; i++ {
		c, err := r.peek()
		if err != nil {
			return err
		}
		if c == ']' && i == 0 {
			break
		}
		n, cut, err := r.extent(r.limits.Item)
		if err != nil {
			return err
		}
		it := Item{List: list, Index: i, Text: string(r.rest()[:n]), at: r.at, path: path, depth: r.limits.Depth}
		if cut {
			return it.tooLong(r.limits.Item)
		}
		if n == 0 || r.ended() {
			if _, err := it.Parse(); err != nil {
				return err
			}
		}
		if err := r.each(it); err != nil {
			return err
		}
		r.advance(n)
		if c, err = r.peek(); err != nil {
			return err
		}
		if c == ']' {
			break
		}
		if c != ',' {
			return r.wrong("an array", "a comma or ]")
		}
		r.advance(1)
	}
	r.advance(1)
	return nil
}

// tooLong says that the item, of which only the beginning is there, has no end, unless it isn't JSON in the first place.
func (it Item) tooLong(most int) error {
	var syntax *SyntaxError
	if it.Text == "" {
		return &SizeError{it.Pointer(), fmt.Sprintf("it has more than the %d bytes allowed", most)}
	}
	if _, err := it.Parse(); errors.As(err, &syntax) && syntax.Offset-it.at.offset < len(it.Text)-utf8.UTFMax*3 {
		return err
	}
	return &SizeError{it.Pointer(), fmt.Sprintf("it has more than the %d bytes allowed", most)}
}

// Lines reads JSON texts that stand in one line each (NDJSON). Empty lines are passed over.
type Lines struct {
	limits ReaderLimits
	source
}

// NewLines makes a reader of the lines that src gives. Of the limits, Item and Depth count.
func NewLines(src io.Reader, l ReaderLimits) *Lines {
	return &Lines{limits: l, source: source{src: src, at: beginning}}
}

// Next gives the next line that isn't empty, and io.EOF after the last. Its Pointer counts lines from 0. Other errors are
// those of the source, or of type *SizeError.
func (l *Lines) Next() (Item, error) {
	for {
		text, err := l.line()
		if err != nil {
			return Item{}, err
		}
		it := Item{Index: l.at.line - 1, at: l.at, depth: l.limits.Depth}
		if len(text) > l.limits.Item {
			it.Text = string(bytes.TrimLeft(text[:l.limits.Item], " \t\r\n"))
			it.at.offset, it.at.column = it.at.offset+l.limits.Item-len(it.Text), it.at.column+l.limits.Item-len(it.Text)
			return Item{}, it.tooLong(l.limits.Item)
		}
		trimmed := bytes.TrimLeft(text, " \t\r\n")
		l.advance(len(text) - len(trimmed))
		if len(trimmed) == 0 {
			continue
		}
		it.at, it.Text = l.at, string(bytes.TrimRight(trimmed, " \t\r\n"))
		l.advance(len(trimmed))
		return it, nil
	}
}

// line shows the next line with its end, or what there is of it once it is longer than allowed.
func (l *Lines) line() ([]byte, error) {
	seen := 0
	for {
		text := l.rest()
		if n := bytes.IndexByte(text[seen:], '\n'); n >= 0 {
			return text[:seen+n+1], nil
		}
		if seen = len(text); seen > l.limits.Item {
			return text, nil
		}
		if more, err := l.more(); !more {
			if err == nil && seen == 0 {
				err = io.EOF
			}
			return text, err
		}
	}
}
