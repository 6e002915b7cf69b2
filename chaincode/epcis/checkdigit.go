package epcis

import "strings"

// CheckDigit computes the GS1 modulo 10 check digit (GS1 General Specifications, 7.9) that belongs after the digits of
// a GTIN, an SSCC or a GLN. The text has digits only.
func CheckDigit[T string | []byte](digits T) byte {
	sum, weight := 0, 3
	for i := len(digits) - 1; i >= 0; i-- {
		sum += int(digits[i]-'0') * weight
		weight = 4 - weight
	}
	return byte('0' + (10-sum%10)%10)
}

// Mistyped reports whether the last of some digits is another check digit than it should be, and which it should be.
// The text has digits only, at least one.
func Mistyped(digits string) (should byte, wrong bool) {
	last := len(digits) - 1
	should = CheckDigit(digits[:last])
	return should, should != digits[last]
}

// WrongCheckDigit reports whether the key of a canonical thing ends in another check digit than it should, and in which
// it should. A thing with a wrong one is kept as it is, and is another thing than the one that was meant.
func WrongCheckDigit(thing string) (should byte, wrong bool) {
	k, value := keyOfThing(thing)
	if k == nil || !k.check {
		return 0, false
	}
	digits := k.digits(value)
	if digits == "" {
		return 0, false
	}
	return Mistyped(digits)
}

// keyOfThing finds the GS1 key of a canonical thing, and its value. The key is nil if the thing has none.
func keyOfThing(thing string) (*key, string) {
	rest, ok := strings.CutPrefix(thing, digitalLink)
	if !ok {
		return nil, ""
	}
	ai, value, _ := strings.Cut(rest, "/")
	value, _, _ = strings.Cut(value, "/")
	return keyOfLink(ai), value
}

// digits returns the digits at the beginning of a value of the key, with the check digit, and without the numbers of
// piece and total of an ITIP. It returns "" for a key of free text, and for a value that is none of the key.
func (k *key) digits(value string) string {
	if k.length == 0 || len(value) < k.length || !allDigits(value[:k.length]) {
		return ""
	}
	if k.pieces {
		return value[:k.length-4]
	}
	return value[:k.length]
}
