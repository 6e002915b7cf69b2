package sensor

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// units has the usual symbols for the most common codes of UN/ECE Recommendation 20.
var units = map[string]string{
	"CEL": "°C", "FAH": "°F", "KEL": "K", "P1": "%", "59": "ppm", "PAL": "Pa", "A97": "hPa", "KPA": "kPa", "BAR": "bar",
	"LUX": "lx",
	"MTR": "m", "MTS": "m/s", "MSK": "m/s²", "KGM": "kg", "GRM": "g", "LTR": "l", "VLT": "V", "AMP": "A", "WTT": "W",
	"KWH": "kWh",
	"HTZ": "Hz", "DD": "°", "SEC": "s", "MIN": "min", "HUR": "h", "23": "g/cm³", "KMH": "km/h", "2N": "dB", "Q30": "pH",
}

// Unit returns the usual symbol of a unit, or the code itself if it doesn't know one.
func Unit(code string) string {
	if unit, ok := units[code]; ok {
		return unit
	}
	return code
}

// kelvins has the units of temperature. A value in a unit, times factor, plus offset, is the temperature in kelvins.
var kelvins = map[string]struct{ factor, offset float64 }{
	"KEL": {1, 0}, "CEL": {1, 273.15}, "FAH": {5.0 / 9, 459.67 * 5 / 9},
}

// Convert converts a value to another unit. It returns false if the units can't be converted into each other.
func Convert(x float64, from, to string) (float64, bool) {
	if from == to {
		return x, true
	}
	a, known := kelvins[from]
	b, also := kelvins[to]
	if !known || !also {
		return x, false
	}
	return (x*a.factor + a.offset - b.offset) / b.factor, true
}

// Group has the readings of one type, in one unit.
type Group struct {
	Type, Unit string
	Readings   []Reading // converted to Unit where they were sent in another one
	Converted  int       // how many readings were converted
	Limits     []Limit   // converted to Unit, in the order in which they were given
	Sources    []int     // for each limit, its position in the list that was given
}

// Groups puts readings together that belong on one chart. A group has the readings of one type whose units can be
// converted into each other, in the unit that most of them have, and the limits for them. Temperatures come first. The
// other groups follow by their number of readings, the largest first.
func Groups(readings []Reading, limits []Limit) []Group {
	dimension := func(kind, unit string) string {
		if _, ok := kelvins[unit]; ok {
			unit = "KEL"
		}
		return kind + "\x00" + unit
	}
	by := map[string][]Reading{}
	for _, r := range readings {
		key := dimension(r.Type, r.Unit)
		by[key] = append(by[key], r)
	}
	var groups []Group
	for _, key := range slices.Sorted(maps.Keys(by)) {
		g := Group{Type: by[key][0].Type, Unit: commonest(by[key])}
		for _, r := range by[key] {
			if r.Unit != g.Unit {
				r.Low, _ = Convert(r.Low, r.Unit, g.Unit) // always succeeds within a dimension
				r.High, _ = Convert(r.High, r.Unit, g.Unit)
				g.Converted++
			}
			g.Readings = append(g.Readings, r)
		}
		for i, l := range limits {
			if dimension(l.Type, l.Unit) != key {
				continue
			}
			for _, x := range []**float64{&l.Low, &l.High} {
				if *x != nil {
					y, _ := Convert(**x, l.Unit, g.Unit)
					*x = &y
				}
			}
			l.Unit = g.Unit
			g.Limits, g.Sources = append(g.Limits, l), append(g.Sources, i)
		}
		groups = append(groups, g)
	}
	slices.SortStableFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(len(b.Readings), len(a.Readings)))
	})
	return groups
}

func rank(g Group) int {
	if g.Type == "Temperature" {
		return 0
	}
	return 1
}

func commonest(readings []Reading) string {
	count := map[string]int{}
	for _, r := range readings {
		count[r.Unit]++
	}
	best := ""
	for _, unit := range slices.Sorted(maps.Keys(count)) {
		if count[unit] > count[best] {
			best = unit
		}
	}
	return best
}

// Title returns a type of reading in readable form: "RelativeHumidity" becomes "Relative humidity".
func Title(kind string) string {
	if kind == "" {
		return "Reading"
	}
	var b strings.Builder
	runes := []rune(kind)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && unicode.IsLower(runes[i-1]) {
			b.WriteByte(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return strings.ReplaceAll(b.String(), "_", " ")
}

// Device returns the short name of a device: the part of its id that tells it from its maker's other devices.
func Device(id string) string {
	switch {
	case id == "":
		return "unnamed device"
	case strings.HasPrefix(id, "urn:epc:id:giai:"), strings.HasPrefix(id, "urn:epc:id:grai:"):
		parts := strings.SplitN(strings.TrimPrefix(id, "urn:epc:id:"), ".", 2)
		if len(parts) == 2 {
			return parts[1]
		}
	case strings.HasPrefix(id, "http"):
		if last, err := url.PathUnescape(id[strings.LastIndexByte(id, '/')+1:]); err == nil && last != "" {
			return last
		}
	}
	return id
}
