package record

import (
	"encoding/hex"
	"strings"
)

// SignerName returns the name of who signed a transaction, as people read it: the common name in the subject of the
// certificate (RFC 2253), or the whole subject if it has none. An organisation's authority chose the name.
func SignerName(subject string) string {
	for rest := subject; rest != ""; {
		attribute, after := cutAttribute(rest)
		if value, ok := strings.CutPrefix(attribute, "CN="); ok && value != "" {
			return unescape(value)
		}
		rest = after
	}
	return subject
}

// cutAttribute cuts a subject after its first attribute. A backslash takes the comma, plus sign or other character after
// it for itself.
func cutAttribute(text string) (first, rest string) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case ',', '+':
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

func unescape(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' || i+1 == len(value) {
			b.WriteByte(value[i])
			continue
		}
		if i+2 < len(value) {
			if octet, err := hex.DecodeString(value[i+1 : i+3]); err == nil {
				b.Write(octet)
				i += 2
				continue
			}
		}
		i++
		b.WriteByte(value[i])
	}
	return b.String()
}
