package epcis

// The lengths that a GS1 Company Prefix may have, in digits.
const (
	ShortestPrefix = 4
	LongestPrefix  = 12
)

// IsCompanyPrefix reports whether a text may be a GS1 Company Prefix.
func IsCompanyPrefix(text string) bool {
	return len(text) >= ShortestPrefix && len(text) <= LongestPrefix && allDigits(text)
}

// CompanyDigits returns those digits of a thing's GS1 key that begin with the
// company prefix of whoever issued the key. The key itself doesn't say how long
// the prefix is. The thing has its canonical spelling; see [Thing]. If it has no
// GS1 key, the answer is empty.
//
// In a GTIN, an SSCC and an ITIP, the first digit goes before the prefix. In a
// GRAI, it is a zero that means nothing. A check digit is no part of the answer.
func CompanyDigits(thing string) string {
	k, value := keyOfThing(thing)
	if k == nil {
		return ""
	}
	if k.length == 0 {
		end := 0
		for end < len(value) && allDigits(value[end:end+1]) {
			end++
		}
		return value[:end]
	}
	digits := k.digits(value)
	if digits == "" {
		return ""
	}
	digits = digits[len(k.lead):]
	if k.check {
		digits = digits[:len(digits)-1]
	}
	if k.indicator {
		digits = digits[1:]
	}
	return digits
}

// CompanyPrefixes returns every text that may be the company prefix of a thing,
// the shortest first.
func CompanyPrefixes(thing string) []string {
	digits := CompanyDigits(thing)
	var all []string
	for n := ShortestPrefix; n <= min(len(digits), LongestPrefix); n++ {
		all = append(all, digits[:n])
	}
	return all
}
