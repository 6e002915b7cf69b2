// Package terminal writes output for people. It makes untrusted text safe for a terminal, shows progress on one line,
// formats numbers and prints JSON.
package terminal

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Plain makes untrusted text safe for a terminal. It escapes control characters, which could move the cursor or hide
// text, and characters that change the direction of writing. Bytes that aren't UTF-8 become U+FFFD.
func Plain(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, control) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if control(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// PlainLines is Plain for text of several lines. It keeps the line breaks.
func PlainLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = Plain(lines[i])
	}
	return strings.Join(lines, "\n")
}

// control tells whether a terminal obeys a character instead of showing it.
func control(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0: // C0, delete, C1
		return true
	case r == 0x061c, r >= 0x200e && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // direction
		return true
	}
	return r == 0x2028 || r == 0x2029 // line and paragraph separators
}
