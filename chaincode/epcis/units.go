package epcis

import (
	_ "embed"
	"strings"
	"sync"
)

// unitCodes has the codes of UN/ECE Recommendation 20, revision 17, and those of Recommendation 21, with
// an X before them, for packages.
//
//go:embed units.txt
var unitCodes string

var units = sync.OnceValue(func() map[string]bool {
	known := make(map[string]bool)
	for _, code := range strings.Fields(unitCodes) {
		known[code] = true
	}
	return known
})

// IsUnit reports whether a text is a code of UN/ECE Recommendation 20. Decode
// doesn't ask: the recommendation gets a new revision each year, and a ledger is
// for longer.
func IsUnit(code string) bool { return units()[code] }

// LikeUnit suggests a code for a text that isn't one, as the end of a sentence. It
// returns "" if it knows none.
func LikeUnit(text string) string {
	code := strings.ToUpper(trim(text))
	if known, ok := usualUnits[code]; ok {
		code = known
	} else if packing := "X" + code; !IsUnit(code) && IsUnit(packing) {
		code = packing // Recommendation 21 took the names of packages over from Recommendation 20
	}
	if !IsUnit(code) {
		return ""
	}
	return "; did you mean " + quote(code) + "?"
}

// usualUnits are the units that people write most often in other words, in capital letters.
var usualUnits = map[string]string{
	"KG": "KGM", "KGS": "KGM", "KILO": "KGM", "KILOS": "KGM", "KILOGRAM": "KGM", "KILOGRAMS": "KGM",
	"G": "GRM", "GR": "GRM", "GRAM": "GRM", "GRAMS": "GRM", "T": "TNE", "TON": "TNE", "TONNE": "TNE", "TONNES": "TNE",
	"LB": "LBR", "LBS": "LBR", "POUND": "LBR", "POUNDS": "LBR", "OZ": "ONZ", "OUNCE": "ONZ",
	"L": "LTR", "LITRE": "LTR", "LITER": "LTR", "LITRES": "LTR", "LITERS": "LTR", "ML": "MLT", "HL": "HLT", "GAL": "GLL",
	"M": "MTR", "METRE": "MTR", "METER": "MTR", "CM": "CMT", "MM": "MMT", "KM": "KMT", "M2": "MTK", "M3": "MTQ",
	"PC": "H87", "PCS": "H87", "PCE": "H87", "PIECE": "H87", "PIECES": "H87", "EACH": "EA", "UNIT": "C62", "UNITS": "C62",
	"DOZEN": "DZN", "C": "CEL", "°C": "CEL", "F": "FAH", "°F": "FAH", "%": "P1",
}
