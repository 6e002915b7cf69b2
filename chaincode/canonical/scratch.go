package canonical

import (
	"fmt"
	"unsafe"
)

// Scratch is memory in which one text after the other is read, which makes
// reading many small texts several times cheaper. The zero Scratch is ready. One
// goroutine at a time may use it.
type Scratch struct {
	parser parser
	room   room
}

// Parse is the function of that name, but the Value is good only until the next
// call: then its arrays and objects are overwritten. The texts in it stay as they
// are. Like that function it takes bytes that aren't canonical, too.
func (s *Scratch) Parse(data []byte, l Limits) (Value, error) {
	l = l.orDefaults()
	if len(data) > l.Bytes {
		return Value{}, oversize(data, l)
	}
	s.room.reset()
	s.parser.start(string(data), l, &s.room)
	return s.parser.parse()
}

// ParseCanonical is to ParseCanonical what Parse is to Parse, but for one thing:
// data MUST NOT change while the Value or a text out of it is used, for the
// texts aren't copied.
func (s *Scratch) ParseCanonical(data []byte, l Limits) (Value, error) {
	l = l.orDefaults()
	if len(data) > l.Bytes {
		return Value{}, oversize(data, l)
	}
	s.room.reset()
	return s.parser.parseCanonical(unsafe.String(unsafe.SliceData(data), len(data)), l, &s.room)
}

// ParseItem is the Item's Parse, with a Value that is good only until the next call.
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
				p.path = nil // which was the item's
			}
		}
	}
	if p.err != nil {
		return Value{}, it.at.move(p.err)
	}
	return v, nil
}

func oversize(data []byte, l Limits) *SyntaxError {
	return &SyntaxError{Line: 1, Column: 1, Message: fmt.Sprintf("the text has %d bytes, more than the %d allowed", len(data), l.Bytes)}
}

// room is where the members and items of one text lie.
type room struct {
	ms []Member
	is []Value
}

// members moves the members of an object here. A nil room makes new memory.
func (r *room) members(all []Member) []Member {
	if r == nil {
		return append(make([]Member, 0, len(all)), all...)
	}
	from := len(r.ms)
	// Where the room doesn't suffice, it moves; what was handed out stays where it is.
	r.ms = append(r.ms, all...)
	return r.ms[from:len(r.ms):len(r.ms)]
}

// ordered does the same, and puts them in an order.
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

// items does the same as members for an array.
func (r *room) items(all []Value) []Value {
	if r == nil {
		return append(make([]Value, 0, len(all)), all...)
	}
	from := len(r.is)
	r.is = append(r.is, all...)
	return r.is[from:len(r.is):len(r.is)]
}

// reset makes all room free again, and gives back what one big text needed.
func (r *room) reset() {
	if cap(r.ms) > mostKept {
		r.ms = nil
	}
	if cap(r.is) > mostKept {
		r.is = nil
	}
	r.ms, r.is = r.ms[:0], r.is[:0]
}
