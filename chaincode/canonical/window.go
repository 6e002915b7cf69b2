package canonical

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
)

// place is where a piece begins in the whole text.
type place struct{ offset, line, column int }

var beginning = place{line: 1, column: 1}

// move turns an error in a piece that begins at p into an error in the whole text.
func (p place) move(e *SyntaxError) *SyntaxError {
	if e.Line == 1 {
		e.Column += p.column - 1
	}
	e.Line += p.line - 1
	e.Offset += p.offset
	return e
}

// source is a buffer that moves over a text.
type source struct {
	src   io.Reader
	buf   []byte
	start int   // index in buf of the first byte that isn't used
	err   error // why src gives no more
	at    place // place of buf[start]
}

// window is how much is read at a time.
const window = 64 << 10

func (s *source) rest() []byte { return s.buf[s.start:] }

// ended reports whether src is read to its end, or to an error.
func (s *source) ended() bool { return s.err != nil }

// more reads more of the text into the buffer. It reports false if there is no more, with the error unless that is
// io.EOF.
func (s *source) more() (bool, error) {
	for idle := 0; s.err == nil; idle++ {
		s.makeRoom()
		n, err := s.src.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf, s.err = s.buf[:len(s.buf)+n], err
		if n > 0 {
			return true, nil
		}
		if err == nil && idle == 100 {
			s.err = io.ErrNoProgress
		}
	}
	if s.err == io.EOF {
		return false, nil
	}
	return false, s.err
}

// makeRoom makes room in the buffer for another window. The buffer is at most twice as large as the largest piece that
// was in use at one time, and two windows. It doesn't grow with what was used up, however small the pieces are that the
// source gives.
func (s *source) makeRoom() {
	if cap(s.buf)-len(s.buf) >= window {
		return
	}
	rest := s.rest()
	if s.start < len(rest)+window { // else there is room, once the rest is at the beginning
		s.buf = make([]byte, 0, 2*(len(rest)+window))
	}
	s.buf = append(s.buf[:0], rest...)
	s.start = 0
}

// advance marks n bytes as used.
func (s *source) advance(n int) {
	used := s.buf[s.start : s.start+n]
	s.at.offset += n
	if lines := bytes.Count(used, newline); lines > 0 {
		s.at.line += lines
		s.at.column = n - bytes.LastIndexByte(used, '\n')
	} else {
		s.at.column += n
	}
	s.start += n
}

var newline = []byte{'\n'}

// extent finds the end of the value that begins here without parsing it, and returns its length. If the value isn't
// valid JSON, the end is somewhere behind the first error. If the text ends first, the length is that of the rest.
// If the value has more than most bytes, cut is true and n is most.
func (s *source) extent(most int) (n int, cut bool, err error) {
	depth, quoted, bare := 0, false, false
	for i := 0; ; {
		text := s.rest()
		for ; i < len(text); i++ {
			c := text[i]
			switch {
			case quoted:
				i += quotable(text[i:])
				switch {
				case i == len(text):
					i-- // the loop adds it again
				case text[i] == '\\':
					i++ // skip the character after it, too
				case depth == 0:
					return min(i+1, most), i >= most, nil
				default:
					quoted = false
				}
			case bare && !isWord(c):
				return min(i, most), i > most, nil
			case bare:
			case c == '"':
				quoted = true
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				if depth--; depth <= 0 {
					return min(i+max(0, depth+1), most), i >= most, nil
				}
			case depth == 0 && !isWord(c):
				return i, false, nil // no value begins like that
			case depth == 0:
				bare = true
			}
		}
		if len(text) > most {
			return most, true, nil
		}
		if more, err := s.more(); !more {
			return len(s.rest()), false, err
		}
	}
}

// quotable counts the bytes before the first quote or backslash.
func quotable(text []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(text); i += 8 {
		x := binary.LittleEndian.Uint64(text[i:])
		quote, backslash := x^'"'*ones, x^'\\'*ones // a zero byte marks a hit; higher bytes may be false hits
		if found := ((quote-ones)&^quote | (backslash-ones)&^backslash) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(text) && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

// isWord reports whether c can occur in a number, in true, in false or in null.
func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '+' || c == '.'
}
