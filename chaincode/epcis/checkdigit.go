package epcis

import "strings"

// checked are the GS1 keys of Digital Links whose last digit is a check digit, by their application identifiers: how
// many digits a key has, with the check digit (GS1 General Specifications, section 7.9). A serial number may follow.
var checked = map[string]int{
	"00": 18, "01": 14, "253": 13, "255": 13, "402": 17, "414": 13, "417": 13, "8003": 14, "8017": 18, "8018": 18,
}

// WrongCheckDigit reports whether the key of a canonical thing ends in another check digit than it should, and in which
// it should. A thing with a wrong one is kept as it is, and is another thing than the one that was meant.
func WrongCheckDigit(thing string) (should byte, wrong bool) {
	path, ok := strings.CutPrefix(thing, digitalLink)
	if !ok {
		return 0, false
	}
	ai, key, _ := strings.Cut(path, "/")
	length, ok := checked[ai]
	if !ok || len(key) < length {
		return 0, false
	}
	key = key[:length]
	for i := range len(key) {
		if key[i] < '0' || key[i] > '9' {
			return 0, false
		}
	}
	should = CheckDigit(key[:length-1])
	return should, should != key[length-1]
}
