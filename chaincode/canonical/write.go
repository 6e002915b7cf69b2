package canonical

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// Bytes returns the canonical bytes of v.
func (v Value) Bytes() []byte { return v.Append(nil) }

// Append appends the canonical bytes of v to dst (RFC 8785).
func (v Value) Append(dst []byte) []byte {
	switch v.Kind {
	case Null:
		return append(dst, "null"...)
	case String:
		return appendString(dst, v.Text)
	case Array:
		dst = append(dst, '[')
		for i := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v.Items[i].Append(dst)
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		for i := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, v.Members[i].Name)
			dst = append(dst, ':')
			dst = v.Members[i].Value.Append(dst)
		}
		return append(dst, '}')
	default:
		return append(dst, v.Text...)
	}
}

// appendString writes a string as RFC 8785 section 3.2.2.2 does: it uses the
// shortest escape where one is needed, and writes everything else as it is.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		n := plain(s)
		for n < len(s) && s[n] >= utf8.RuneSelf {
			n += 1 + plain(s[n+1:])
		}
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"')
		}
		dst = appendEscape(dst, s[n])
		s = s[n+1:]
	}
}

// canonicalEscape reports whether the character r needs an escape and escape is
// the canonical one.
func canonicalEscape(escape string, r rune) bool {
	return (r < ' ' || r == '"' || r == '\\') && string(appendEscape(nil, byte(r))) == escape
}

// appendEscape writes the escape of a character that needs one.
func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
