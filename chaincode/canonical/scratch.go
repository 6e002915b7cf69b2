package canonical

import (
	"fmt"
	"unsafe"
)

// Scratch reads texts one after the other into the same memory. That makes
// reading many small texts several times cheaper. The zero Scratch is ready to
// use, by one goroutine at a time.
type Scratch struct {
	parser parser
	room   room
}

// Parse reads one JSON text like the function [Parse]. The Value is valid only
// until the next call, which overwrites its arrays and objects. The strings in it
// stay valid.
func (s *Scratch) Parse(data []byte, l Limits) (Value, error) {
	l = l.orDefaults()
	if len(data) > l.Bytes {
		return Value{}, oversize(data, l)
	}
	s.room.reset()
	s.parser.start(string(data), l, &s.room)
	return s.parser.parse()
}

// ParseCanonical reads a canonical text like the function [ParseCanonical]. The
// Value is valid only until the next call. Its strings aren't copied: data MUST
// NOT change while the Value, or a string from it, is in use.
func (s *Scratch) ParseCanonical(data []byte, l Limits) (Value, error) {
	l = l.orDefaults()
	if len(data) > l.Bytes {
		return Value{}, oversize(data, l)
	}
	s.room.reset()
	return s.parser.parseCanonical(unsafe.String(unsafe.SliceData(data), len(data)), l, &s.room)
}

// ParseItem reads an item like [Item.Parse]. The Value is valid only until the next call.
func (s *Scratch) ParseItem(it Item) (Value, error) {
	s.room.reset()
	p := &s.parser
	p.start(it.Text, Limits{Depth: it.depth, Values: DefaultValues}.orDefaults(), &s.room)
	p.path = append(append(p.path, it.path...), step{index: it.Index, array: true})
	v := p.value()
	if p.err == nil {
		p.space()
		if p.at < len(p.text) {
			if len(it.path) == 0 {
				p.fail("there is more text after the end of the JSON value")
			} else {
				p.path = it.path
				p.fail("a comma or ] should stand here, not %s", quoteRune(p.text[p.at:]))
				p.path = nil // it.path belongs to the item
			}
		}
	}
	if p.err != nil {
		return Value{}, it.at.move(p.err)
	}
	return v, nil
}

func oversize(data []byte, l Limits) *SyntaxError {
	return &SyntaxError{
		Line:    1,
		Column:  1,
		Message: fmt.Sprintf("the text has %d bytes, more than the %d allowed", len(data), l.Bytes),
	}
}

// room is memory for the members and items of one text.
type room struct {
	ms []Member
	is []Value
}

// members copies the members of an object into the room. A nil room allocates new memory.
func (r *room) members(all []Member) []Member {
	if r == nil {
		return append(make([]Member, 0, len(all)), all...)
	}
	from := len(r.ms)
	// If append must allocate a larger array, slices that were returned earlier keep the old one.
	r.ms = append(r.ms, all...)
	return r.ms[from:len(r.ms):len(r.ms)]
}

// ordered copies the members of an object in the given order of their indexes.
func (r *room) ordered(all []Member, order []int) []Member {
	if r == nil {
		r = &room{ms: make([]Member, 0, len(all))}
	}
	from := len(r.ms)
	for _, i := range order {
		r.ms = append(r.ms, all[i])
	}
	return r.ms[from:len(r.ms):len(r.ms)]
}

// items copies the items of an array into the room. A nil room allocates new memory.
func (r *room) items(all []Value) []Value {
	if r == nil {
		return append(make([]Value, 0, len(all)), all...)
	}
	from := len(r.is)
	r.is = append(r.is, all...)
	return r.is[from:len(r.is):len(r.is)]
}

// reset empties the room. It also frees memory that has grown large.
func (r *room) reset() {
	if cap(r.ms) > mostKept {
		r.ms = nil
	}
	if cap(r.is) > mostKept {
		r.is = nil
	}
	r.ms, r.is = r.ms[:0], r.is[:0]
}
