package canonical

import (
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string whose opening quote is at p.at. A string without escapes is
// a slice of the document, so most strings aren't copied.
func (p *parser) str() string {
	start := p.at + 1
	i := start + plain(p.text[start:])
	if i < len(p.text) && p.text[i] == '"' {
		p.at = i + 1
		return p.text[start:i]
	}
	return p.slowStr(start, i)
}

// plain counts the bytes at the beginning of s that are ASCII and need no escape.
func plain(s string) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// The top bit of a byte in special is set if the byte isn't ASCII, is below a space, or is a quote or a
		// backslash. Only the lowest set bit is reliable, because a subtraction can borrow from higher bytes.
		quote, backslash := x^'"'*ones, x^'\\'*ones
		if special := (x | (x - ' '*ones) | (quote - ones) | (backslash - ones)) & tops; special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
	}
	for i < len(s) && s[i] >= ' ' && s[i] < utf8.RuneSelf && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}

func (p *parser) slowStr(start, i int) string {
	var b []byte // the text so far, once an escape makes it differ from the document
	clean := start
	for i < len(p.text) {
		c := p.text[i]
		switch {
		case c == '"':
			p.at = i + 1
			if b == nil {
				return p.text[start:i]
			}
			return string(append(b, p.text[clean:i]...))
		case c < 0x20:
			p.at = i
			p.fail("the control character 0x%02x must be escaped in a string", c)
			return ""
		case c == '\\':
			b = append(b, p.text[clean:i]...)
			r, size := p.escape(i)
			if p.err != nil {
				return ""
			}
			if p.canonical && !canonicalEscape(p.text[i:i+size], r) {
				p.fail("the escape isn't the one of the canonical form")
				return ""
			}
			b = utf8.AppendRune(b, r)
			i += size
			clean = i
		case c >= utf8.RuneSelf:
			_, size := utf8.DecodeRuneInString(p.text[i:])
			if size == 1 { // only what isn't UTF-8 is so short
				p.at = i
				p.fail("byte 0x%02x is not valid UTF-8", c)
				return ""
			}
			i += size
		default:
			i++
		}
	}
	p.at = len(p.text)
	p.fail("the text ends inside a string")
	return ""
}

// escape reads the escape sequence at i and says how long it is.
func (p *parser) escape(i int) (rune, int) {
	if i+1 >= len(p.text) {
		p.at = i
		p.fail("the text ends inside a string")
		return 0, 0
	}
	if r, ok := shortEscapes[p.text[i+1]]; ok {
		return r, 2
	}
	if p.text[i+1] != 'u' {
		p.at = i
		p.fail("\\%c is not a JSON escape", p.text[i+1])
		return 0, 0
	}
	first, ok := hex4(p.text[i+2:])
	if !ok {
		p.at = i
		p.fail("\\u must be followed by four hexadecimal digits")
		return 0, 0
	}
	if !utf16.IsSurrogate(first) {
		return first, 6
	}
	if strings.HasPrefix(p.text[i+6:], `\u`) {
		if second, ok := hex4(p.text[i+8:]); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, 12
			}
		}
	}
	p.at = i
	p.fail("\\u%04x is half of a surrogate pair; the other half is missing", first)
	return 0, 0
}

var shortEscapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for i := 0; i < 4; i++ {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
