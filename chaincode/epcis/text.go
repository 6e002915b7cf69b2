package epcis

import (
	"net/netip"
	"strings"
)

// trim removes white space from both ends, as the hash rules do with every value.
func trim(s string) string {
	if s == "" || s[0] > ' ' && s[0] < 0x80 && s[len(s)-1] > ' ' && s[len(s)-1] < 0x80 {
		return s
	}
	return strings.TrimSpace(s)
}

// plainURIChars are the characters that RFC 3986 allows in a URI after its
// scheme. The #, the % with its two digits, and the brackets of IPv6 hosts are
// handled separately.
var plainURIChars = *charsetOf(digits + capital + small + "-._~:/?@!$&'()*+,;=")

// IsURI reports whether a text, without the white space around it, is an absolute URI, as identifiers of events are.
func IsURI(text string) bool { return isURI(trim(text)) }

// isURI reports whether s is an absolute URI of RFC 3986: a scheme, a colon, and
// only characters that a URI may have. A compact name such as example:myField
// is also one.
func isURI(s string) bool {
	colon := strings.IndexByte(s, ':')
	if colon <= 0 || !isLetter(s[0]) {
		return false
	}
	for i := 1; i < colon; i++ {
		if b := s[i]; !isLetter(b) && (b < '0' || b > '9') && b != '+' && b != '-' && b != '.' {
			return false
		}
	}
	rest := s[colon+1:]
	if authority, ok := strings.CutPrefix(rest, "//"); ok {
		end := 0
		for end < len(authority) && authority[end] != '/' && authority[end] != '?' && authority[end] != '#' {
			end++
		}
		if !isAuthority(authority[:end]) {
			return false
		}
		rest = authority[end:]
	}
	hash := false
	for i := 0; i < len(rest); i++ {
		switch b := rest[i]; {
		case plainURIChars[b]:
		case b == '%' && i+2 < len(rest) && unhex(rest[i+1]) <= 15 && unhex(rest[i+2]) <= 15:
			i += 2
		case b == '#' && !hash:
			hash = true
		default:
			return false
		}
	}
	return true
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

// hostChars are the characters of a host name or an IPv4 address. Percent-encoding
// isn't among them, because no host name in use needs it.
var hostChars = charsetOf(digits + capital + small + "-._~!$&'()*+,;=")

func isAuthority(s string) bool {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		for i := range at {
			if !hostChars.has(s[i]) && s[i] != ':' {
				return false
			}
		}
		s = s[at+1:]
	}
	port := ""
	if literal, ok := strings.CutPrefix(s, "["); ok {
		host, after, ok := strings.Cut(literal, "]")
		address, err := netip.ParseAddr(host)
		if !ok || err != nil || !address.Is6() || address.Zone() != "" || after != "" && after[0] != ':' {
			return false
		}
		port = strings.TrimPrefix(after, ":")
	} else {
		host, after, _ := strings.Cut(s, ":")
		for i := range len(host) {
			if !hostChars.has(host[i]) {
				return false
			}
		}
		port = after
	}
	return allDigits(port)
}

// longestNumber is the most plain digits of a number, so that a text such as
// "1e999999999" doesn't fill the memory. It is enough for every IEEE double.
const longestNumber = 400

// appendNumber appends the exact decimal form of a number, without exponent, plus
// sign and needless zeros. The text must be a finite decimal: digits with an
// optional sign, point and exponent. If it isn't, or if its plain form would be
// longer than longestNumber, appendNumber reports false and leaves dst as it was.
func appendNumber(dst []byte, text string) ([]byte, bool) {
	rest, negative := text, false
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		negative = rest[0] == '-'
		rest = rest[1:]
	}
	whole := rest[:leadingDigits(rest)]
	rest = rest[len(whole):]
	fraction := ""
	if rest != "" && rest[0] == '.' {
		fraction = rest[1 : 1+leadingDigits(rest[1:])]
		rest = rest[1+len(fraction):]
	}
	if whole == "" && fraction == "" {
		return dst, false
	}
	exponent := 0
	if rest != "" {
		var ok bool
		if exponent, ok = parseExponent(rest); !ok {
			return dst, false
		}
	}

	for whole != "" && whole[0] == '0' {
		whole = whole[1:]
	}
	for fraction != "" && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if whole == "" && fraction == "" {
		return append(dst, '0'), true
	}
	if exponent == 0 {
		if len(whole)+len(fraction) > longestNumber {
			return dst, false
		}
		if negative {
			dst = append(dst, '-')
		}
		if whole == "" {
			dst = append(dst, '0')
		}
		dst = append(dst, whole...)
		if fraction != "" {
			dst = append(append(dst, '.'), fraction...)
		}
		return dst, true
	}
	return appendShifted(dst, negative, whole+fraction, len(whole)+exponent)
}

// appendShifted appends digits with the decimal point behind as many of them as
// point says. A point that is negative, or beyond the digits, adds zeros.
func appendShifted(dst []byte, negative bool, digits string, point int) ([]byte, bool) {
	for digits[0] == '0' {
		digits = digits[1:]
		point--
	}
	digits = strings.TrimRight(digits, "0")
	if point > longestNumber || len(digits)-point > longestNumber || len(digits) > longestNumber {
		return dst, false
	}
	if negative {
		dst = append(dst, '-')
	}
	if point <= 0 {
		dst = append(dst, '0', '.')
		for ; point < 0; point++ {
			dst = append(dst, '0')
		}
		return append(dst, digits...), true
	}
	for i := range max(point, len(digits)) {
		if i == point {
			dst = append(dst, '.')
		}
		if i < len(digits) {
			dst = append(dst, digits[i])
		} else {
			dst = append(dst, '0')
		}
	}
	return dst, true
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// parseExponent reads e±digits to the end of s. It limits huge exponents to a
// billion.
func parseExponent(s string) (int, bool) {
	if len(s) < 2 || s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	s = s[1:]
	negative := s[0] == '-'
	if negative || s[0] == '+' {
		s = s[1:]
	}
	if s == "" || !allDigits(s) {
		return 0, false
	}
	n := 0
	for i := 0; i < len(s); i++ {
		n = min(n*10+int(s[i]-'0'), 1_000_000_000)
	}
	if negative {
		n = -n
	}
	return n, true
}
