package canonical

import (
	"math"
	"strconv"
	"strings"
)

// number turns a JSON number literal into its RFC 8785 form. It reports false
// if that form has another decimal value than the literal.
func number(literal string) (string, bool) {
	if plainInteger(literal) || plainFraction(literal) {
		return literal, true
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil { // beyond every double
		return "", false
	}
	written := ecmaScript(f)
	if written == literal {
		return literal, true
	}
	if !sameDecimal(literal, written) {
		return "", false
	}
	return written, true
}

// plainInteger recognises, without arithmetic, the integers that are their
// own canonical form: up to 15 digits, and no minus before a zero.
func plainInteger(literal string) bool {
	digits := strings.TrimPrefix(literal, "-")
	if len(digits) == 0 || len(digits) > 15 || (digits[0] == '0' && literal != "0") {
		return false
	}
	for i := 0; i < len(digits); i++ {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

// plainFraction recognises, without arithmetic, fractions that are their own
// canonical form: at most 15 characters and six digits after the point, no
// exponent, no zero at the end. No two decimals that short share a double, and
// RFC 8785 writes them without an exponent.
func plainFraction(literal string) bool {
	const exponentsBelow = 6 // digits after the point
	point := strings.IndexByte(literal, '.')
	if point < 0 || len(literal) > 15 || literal[len(literal)-1] == '0' {
		return false
	}
	fraction := literal[point+1:]
	return len(fraction) <= exponentsBelow && strings.IndexByte(fraction, 'e') < 0 && strings.IndexByte(fraction, 'E') < 0
}

// ecmaScript writes a double as ECMAScript's Number::toString does, which
// RFC 8785 section 3.2.2.3 makes the canonical form.
func ecmaScript(f float64) string {
	if f == 0 {
		return "0"
	}
	if a := math.Abs(f); a >= 1e21 || a < 1e-6 {
		s := strconv.FormatFloat(f, 'e', -1, 64)
		// Go writes at least two exponent digits. ECMAScript writes no leading zeros.
		mantissa, exponent, _ := strings.Cut(s, "e")
		sign, digits := exponent[:1], strings.TrimLeft(exponent[1:], "0")
		return mantissa + "e" + sign + digits
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// sameDecimal compares two number literals by their exact decimal values.
func sameDecimal(a, b string) bool {
	an, ad, ae := decimal(a)
	bn, bd, be := decimal(b)
	if ad == "" || bd == "" {
		return ad == bd
	}
	return an == bn && ad == bd && ae == be
}

// decimal splits a literal into its sign, its significant digits without zeros
// at either end, and the power of ten of the last digit. Zero has no digits.
func decimal(literal string) (negative bool, digits string, exponent int) {
	rest, negative := strings.CutPrefix(literal, "-")
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		e, err := strconv.Atoi(strings.TrimPrefix(rest[i+1:], "+"))
		if err != nil {
			return negative, literal, math.MaxInt // beyond every double, so never equal to one
		}
		rest, exponent = rest[:i], e
	}
	whole, fraction, _ := strings.Cut(rest, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	return negative, trimmed, exponent + len(digits) - len(trimmed)
}
