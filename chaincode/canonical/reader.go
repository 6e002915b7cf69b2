package canonical

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// Reader reads one JSON text that is too long for memory. It hands out the items of some arrays one by one, as text.
// What is left of the text is the outline. At any time, only one item and the outline are in memory.
//
// A Reader doesn't parse the items. Their receiver does so with [Item.Parse], elsewhere or later if it likes. After
// that, every byte of the text has been read as strictly as [Parse] reads. Make a Reader with NewReader.
type Reader struct {
	limits ReaderLimits
	lists  [][]string
	source
	path    []step
	names   []string  // the member names in path
	top     *[]Member // members of the outermost object, as far as read
	values  int       // values of the outline, as far as read
	outline int       // bytes of the outline, as far as read
	each    func(Item) error
}

// ReaderLimits bound what a Reader or Lines holds in memory. A larger piece is a *SizeError. An item has at most
// DefaultValues values.
type ReaderLimits struct {
	Item    int // bytes of one item's text, or of one line's
	Outline int // bytes of the rest
	Values  int // JSON values of the rest
	Depth   int // arrays and objects inside each other
}

// SizeError says that a piece of a text is larger than the limit.
type SizeError struct {
	Pointer string // the value that is too large, or contains the piece
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
	List  int    // index of its array among the lists of the Reader
	Index int    // index in its array; for Lines, the number of the line, from 0
	Text  string // the JSON text, not parsed yet
	at    place
	path  []step // path of its array
	depth int
}

// Pointer is the JSON pointer (RFC 6901) to the item.
func (it Item) Pointer() string {
	p := parser{path: append(slices.Clone(it.path), step{index: it.Index, array: true})}
	return p.pointer()
}

// Parse reads the item. Errors are of type *SyntaxError and count lines and columns from the beginning of the whole
// text.
func (it Item) Parse() (Value, error) { return new(Scratch).ParseItem(it) }

// NewReader makes a reader of the text in src. It hands out the items of the arrays at lists. Each list is a path of
// member names from the outermost object. No list may be a prefix of another.
func NewReader(src io.Reader, l ReaderLimits, lists ...[]string) *Reader {
	return &Reader{limits: l, lists: lists, source: source{src: src, at: beginning}}
}

// Read reads the whole text. It calls each with the items, in order, and returns the outline, in which the arrays at
// the lists are empty. An error is one of each, one of the source other than io.EOF, a *SizeError or a *SyntaxError.
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
	if _, err = r.peek(); err != nil || len(r.rest()) > 0 {
		if err == nil {
			err = r.fail("there is more text after the end of the JSON value")
		}
		return Value{}, err
	}
	return v, nil
}

// Top finds a member of the outermost object among those that have been read so far. Call it while Read runs.
func (r *Reader) Top(name string) (Value, bool) {
	if r.top == nil {
		return Value{}, false
	}
	return Value{Kind: Object, Members: *r.top}.Lookup(name)
}

// peek skips white space and returns the byte that follows, or 0 at the end of the text.
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

// fail makes an error at the present place.
func (r *Reader) fail(format string, args ...any) error {
	p := parser{path: r.path}
	p.fail(format, args...)
	return r.at.move(p.err)
}

// wrong makes an error that says what was expected here.
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

// object reads an object that may contain a list, member by member.
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
	if n == 0 { // no value begins like that
		for len(r.rest()) < utf8.UTFMax {
			if more, err := r.more(); err != nil {
				return Value{}, err
			} else if !more {
				break
			}
		}
		n = min(utf8.UTFMax, len(r.rest()))
	}
	p := parser{
		text:   string(r.rest()[:n]),
		path:   r.path,
		values: r.values,
		limits: Limits{Depth: r.limits.Depth, Values: r.limits.Values}.orDefaults(),
	}
	v := p.value()
	if cut && (p.err == nil || p.err.Offset >= n-utf8.UTFMax*3) {
		return Value{}, &SizeError{
			p.pointer(),
			fmt.Sprintf("what stands around the lists has more than %d bytes", r.limits.Outline),
		}
	}
	if p.err != nil {
		return Value{}, r.at.move(p.err)
	}
	r.values = p.values
	r.outline += p.at
	r.advance(p.at)
	return v, nil
}

// items reads an array and hands out its items.
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

// tooLong makes the error for an item that exceeds the limit. Text holds only its beginning. If that is not JSON, the
// error says so instead.
func (it Item) tooLong(most int) error {
	var syntax *SyntaxError
	if _, err := it.Parse(); errors.As(err, &syntax) && syntax.Offset-it.at.offset < len(it.Text)-utf8.UTFMax*3 {
		return err
	}
	return &SizeError{it.Pointer(), fmt.Sprintf("it has more than the %d bytes allowed", most)}
}

// Lines reads JSON Lines (NDJSON): one JSON text in each line. It skips empty lines.
type Lines struct {
	limits ReaderLimits
	source
}

// NewLines makes a reader of the lines in src. Of the limits it uses Item and Depth.
func NewLines(src io.Reader, l ReaderLimits) *Lines {
	return &Lines{limits: l, source: source{src: src, at: beginning}}
}

// Next returns the next line that isn't empty. After the last line it returns io.EOF. The Pointer of an Item counts
// lines from 0. Other errors are those of the source, *SizeError, or *SyntaxError for a long line that isn't JSON.
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

// line returns the next line with its newline. If the line is longer than the limit, it returns only the beginning.
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
