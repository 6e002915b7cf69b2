package canonical

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Limits bound what one document may cost. A zero field means its default.
type Limits struct {
	Bytes  int // length of the text
	Depth  int // arrays and objects inside each other
	Values int // values of all kinds in the whole document
}

// The defaults are the limits of one record.
const (
	DefaultBytes  = 1 << 20
	DefaultDepth  = 32
	DefaultValues = 200_000
)

func (l Limits) orDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = DefaultBytes
	}
	if l.Depth == 0 {
		l.Depth = DefaultDepth
	}
	if l.Values == 0 {
		l.Values = DefaultValues
	}
	return l
}

// SyntaxError says where a text is not valid JSON, exceeds a limit, or isn't canonical.
type SyntaxError struct {
	Offset  int    // bytes before the place
	Line    int    // counted from 1
	Column  int    // in bytes, counted from 1
	Pointer string // JSON pointer (RFC 6901) to the value that contains the place
	Message string
}

func (e *SyntaxError) Error() string {
	at := ""
	if e.Pointer != "" {
		at = " in " + e.Pointer
	}
	return fmt.Sprintf("line %d, column %d%s: %s", e.Line, e.Column, at, e.Message)
}

// Parse reads one JSON text. Its errors are of type *SyntaxError.
func Parse(data []byte, l Limits) (Value, error) {
	l = l.orDefaults()
	if len(data) > l.Bytes {
		return Value{}, oversize(data, l)
	}
	p := parsers.Get().(*parser)
	defer p.release()
	p.start(string(data), l, nil)
	return p.parse()
}

// ParseCanonical reads one JSON text and refuses it unless it is canonical. Who
// hashes a text must know that its value has no second spelling.
func ParseCanonical(data []byte, l Limits) (Value, error) {
	l = l.orDefaults()
	if len(data) > l.Bytes {
		return Value{}, oversize(data, l)
	}
	p := parsers.Get().(*parser)
	defer p.release()
	return p.parseCanonical(string(data), l, nil)
}

// parseCanonical reads a canonical text in one pass. If the text isn't canonical,
// a second pass finds out why: the text may not even be JSON.
func (p *parser) parseCanonical(text string, l Limits, r *room) (Value, error) {
	p.start(text, l, r)
	p.canonical = true
	if v, err := p.parse(); err == nil {
		return v, nil
	}
	p.start(text, l, nil)
	v, err := p.parse()
	if err != nil {
		return Value{}, err
	}
	again := v.Append(make([]byte, 0, len(text)))
	if string(again) == text {
		return v, nil
	}
	at := 0
	for at < len(again) && at < len(text) && again[at] == text[at] {
		at++
	}
	line, column := position(text, at)
	return Value{}, &SyntaxError{
		Offset:  at,
		Line:    line,
		Column:  column,
		Message: "the JSON is valid but not in canonical form (RFC 8785)",
	}
}

type parser struct {
	text   string
	at     int
	limits Limits
	values int
	path   []step // from the outermost value to the present one
	err    *SyntaxError

	canonical bool // refuse whatever isn't in canonical form

	// The members and items of objects and arrays that are still open are on these
	// stacks. When an object or array ends, its members or items move to room.
	openMembers []Member
	openItems   []Value
	order       []int // sorts the members of the object that is ending
	room        *room // nil: each object and array gets new memory
}

// parsers holds parsers for reuse, because their stacks are worth keeping.
var parsers = sync.Pool{New: func() any { return new(parser) }}

// start prepares the parser for a text. It empties the stacks, on which an error may have left something.
func (p *parser) start(text string, l Limits, r *room) {
	*p = parser{
		text:        text,
		limits:      l,
		room:        r,
		path:        p.path[:0],
		openMembers: p.openMembers[:0],
		openItems:   p.openItems[:0],
		order:       p.order[:0],
	}
}

// release gives the parser back for reuse, unless its stacks have grown large.
func (p *parser) release() {
	p.start("", Limits{}, nil)
	if cap(p.openMembers) <= mostKept && cap(p.openItems) <= mostKept {
		parsers.Put(p)
	}
}

// mostKept is the largest capacity of a stack that is kept for the next text.
const mostKept = 1024

// parse reads the whole text.
func (p *parser) parse() (Value, error) {
	p.space()
	v := p.value()
	if p.err == nil {
		p.space()
		if p.at < len(p.text) {
			p.fail("there is more text after the end of the JSON value")
		}
	}
	if p.err != nil {
		return Value{}, p.err
	}
	return v, nil
}

// step is one member name or one array index on the way to a value.
type step struct {
	name  string
	index int
	array bool
}

func (p *parser) pointer() string {
	parts := make([]any, len(p.path))
	for i, s := range p.path {
		if parts[i] = s.name; s.array {
			parts[i] = s.index
		}
	}
	return Pointer(parts...)
}

func (p *parser) fail(format string, args ...any) Value {
	if p.err == nil {
		line, column := position(p.text, p.at)
		p.err = &SyntaxError{
			Offset:  p.at,
			Line:    line,
			Column:  column,
			Pointer: p.pointer(),
			Message: fmt.Sprintf(format, args...),
		}
	}
	return Value{}
}

func position(text string, at int) (line, column int) {
	at = min(at, len(text))
	before := text[:at]
	return strings.Count(before, "\n") + 1, at - strings.LastIndexByte(before, '\n')
}

// space skips white space. Canonical JSON has none, so there it skips nothing.
func (p *parser) space() {
	for p.at < len(p.text) && p.text[p.at] <= ' ' && !p.canonical {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) value() Value {
	if p.values++; p.values > p.limits.Values {
		return p.fail("there are more than %d values", p.limits.Values)
	}
	if p.at >= len(p.text) {
		return p.fail("the text ends where a value should be")
	}
	switch c := p.text[p.at]; {
	case c == '{':
		return p.object()
	case c == '[':
		return p.array()
	case c == '"':
		s := p.str()
		return Value{Kind: String, Text: s}
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	default:
		return p.word()
	}
}

func (p *parser) word() Value {
	for _, w := range [...]struct {
		text string
		kind Kind
	}{{"true", Bool}, {"false", Bool}, {"null", Null}} {
		if strings.HasPrefix(p.text[p.at:], w.text) {
			p.at += len(w.text)
			if w.kind == Null {
				return Value{}
			}
			return Value{Kind: Bool, Text: w.text}
		}
	}
	return p.fail("%s is not the start of a JSON value%s", quoteRune(p.text[p.at:]), p.foreign())
}

// foreign tells what a text may be whose first characters are no JSON, as the end of a sentence.
func (p *parser) foreign() string {
	rest := p.text[p.at:]
	switch {
	case len(p.path) > 0 || strings.TrimLeft(p.text[:p.at], " \t\r\n") != "":
	case rest[0] == '<':
		return "; this looks like XML or HTML"
	case rest[0] == 0 || strings.HasPrefix(rest, "\xff\xfe") || strings.HasPrefix(rest, "\xfe\xff"):
		return "; this looks like UTF-16 or UTF-32, and JSON is UTF-8"
	case strings.HasPrefix(rest, "\ufeff"):
		return "; this is a byte order mark"
	case strings.HasPrefix(rest, "\x1f\x8b"):
		return "; this looks like gzip"
	}
	return ""
}

func quoteRune(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size < 2 {
		return fmt.Sprintf("byte 0x%02x", s[0])
	}
	return fmt.Sprintf("%q", r)
}

func (p *parser) object() Value {
	if len(p.path) >= p.limits.Depth {
		return p.fail("values are nested more than %d deep", p.limits.Depth)
	}
	p.at++
	bottom := len(p.openMembers)
	sorted := true
	p.space()
	if p.at < len(p.text) && p.text[p.at] == '}' {
		p.at++
		return Value{Kind: Object}
	}
	for {
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != '"' {
			return p.fail("a member name in double quotes should stand here")
		}
		nameAt := p.at
		name := p.str()
		if p.err != nil {
			return Value{}
		}
		p.path = append(p.path, step{name: name})
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != ':' {
			return p.fail("a colon should follow the member name")
		}
		p.at++
		p.space()
		n := len(p.openMembers)
		p.openMembers = append(p.openMembers, Member{Name: name})
		if p.at < len(p.text) && p.text[p.at] == '"' &&
			p.values < p.limits.Values { // the usual case; it saves copying a Value
			p.values++
			m := &p.openMembers[n].Value
			m.Kind, m.Text = String, p.str()
		} else {
			v := p.value()
			p.openMembers[n].Value = v
		}
		if p.err != nil {
			return Value{}
		}
		p.path = p.path[:len(p.path)-1]
		if n > bottom {
			switch c := CompareNames(p.openMembers[n-1].Name, name); {
			case c == 0:
				p.at = nameAt
				return p.fail("the member name %q stands twice in one object", name)
			case c > 0 && p.canonical:
				return p.fail("the members of an object stand in the order of their names")
			case c > 0:
				sorted = false
			}
		}
		p.space()
		if p.at >= len(p.text) {
			return p.fail("the text ends inside an object")
		}
		c := p.text[p.at]
		p.at++
		if c == '}' {
			break
		}
		if c != ',' {
			p.at--
			return p.fail("a comma or } should stand here, not %s", quoteRune(p.text[p.at:]))
		}
	}
	members := p.openMembers[bottom:]
	if !sorted {
		p.sortMembers(members)
		for i := 1; i < len(members); i++ {
			if a, b := &members[p.order[i-1]], &members[p.order[i]]; a.Name == b.Name {
				return p.fail("the member name %q stands twice in one object", a.Name)
			}
		}
		members = p.room.ordered(members, p.order)
	} else {
		members = p.room.members(members)
	}
	p.openMembers = p.openMembers[:bottom]
	return Value{Kind: Object, Members: members}
}

// sortMembers sorts the indexes of members into p.order. It doesn't move the
// members themselves: they are large, and room.ordered copies them once.
func (p *parser) sortMembers(members []Member) {
	p.order = p.order[:0]
	for i := range members {
		p.order = append(p.order, i)
	}
	slices.SortFunc(p.order, func(a, b int) int { return CompareNames(members[a].Name, members[b].Name) })
}

func (p *parser) array() Value {
	if len(p.path) >= p.limits.Depth {
		return p.fail("values are nested more than %d deep", p.limits.Depth)
	}
	p.at++
	bottom := len(p.openItems)
	p.space()
	if p.at < len(p.text) && p.text[p.at] == ']' {
		p.at++
		return Value{Kind: Array}
	}
	for {
		p.space()
		p.path = append(p.path, step{index: len(p.openItems) - bottom, array: true})
		v := p.value()
		if p.err != nil {
			return Value{}
		}
		p.path = p.path[:len(p.path)-1]
		p.openItems = append(p.openItems, v)
		p.space()
		if p.at >= len(p.text) {
			return p.fail("the text ends inside an array")
		}
		c := p.text[p.at]
		p.at++
		if c == ']' {
			items := p.room.items(p.openItems[bottom:])
			p.openItems = p.openItems[:bottom]
			return Value{Kind: Array, Items: items}
		}
		if c != ',' {
			p.at--
			return p.fail("a comma or ] should stand here, not %s", quoteRune(p.text[p.at:]))
		}
	}
}

// number reads a number literal as RFC 8259 defines it and makes it canonical.
func (p *parser) number() Value {
	start, i := p.at, p.at
	digits := func() int {
		from := i
		for i < len(p.text) && p.text[i] >= '0' && p.text[i] <= '9' {
			i++
		}
		return i - from
	}
	if p.text[i] == '-' {
		i++
	}
	switch whole := digits(); {
	case whole == 0:
		return p.fail("a digit should follow the minus sign")
	case whole > 1 && p.text[i-whole] == '0':
		return p.fail("a number has no leading zeros")
	}
	if i < len(p.text) && p.text[i] == '.' {
		i++
		if digits() == 0 {
			return p.fail("a digit should follow the decimal point")
		}
	}
	if i < len(p.text) && (p.text[i] == 'e' || p.text[i] == 'E') {
		i++
		if i < len(p.text) && (p.text[i] == '+' || p.text[i] == '-') {
			i++
		}
		if digits() == 0 {
			return p.fail("a digit should follow the exponent's e")
		}
	}
	if i-start > maxNumberLength {
		return p.fail("a number has more than %d characters", maxNumberLength)
	}
	text, ok := number(p.text[start:i])
	if !ok {
		return p.fail(
			"the number %s cannot be kept exactly (it has more digits or a larger exponent than an IEEE 754 double); send it as a string",
			p.text[start:i],
		)
	}
	if p.canonical && text != p.text[start:i] {
		return p.fail("the number %s is %s in canonical form", p.text[start:i], text)
	}
	p.at = i
	return Value{Kind: Number, Text: text}
}

// maxNumberLength bounds the work for one number, and the length of the message about it.
const maxNumberLength = 400
