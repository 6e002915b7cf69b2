package sensor

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// units are how people write the commonest codes of UN/ECE Recommendation 20.
var units = map[string]string{
	"CEL": "°C", "FAH": "°F", "KEL": "K", "P1": "%", "59": "ppm", "PAL": "Pa", "A97": "hPa", "KPA": "kPa", "BAR": "bar", "LUX": "lx",
	"MTR": "m", "MTS": "m/s", "MSK": "m/s²", "KGM": "kg", "GRM": "g", "LTR": "l", "VLT": "V", "AMP": "A", "WTT": "W", "KWH": "kWh",
	"HTZ": "Hz", "DD": "°", "SEC": "s", "MIN": "min", "HUR": "h", "23": "g/cm³", "KMH": "km/h", "2N": "dB", "Q30": "pH",
}

// Unit writes a unit for people. A code that it doesn't know stays as it is.
func Unit(code string) string {
	if unit, ok := units[code]; ok {
		return unit
	}
	return code
}

// kelvins are the units of temperature: a value of them is so many kelvins times factor, and offset.
var kelvins = map[string]struct{ factor, offset float64 }{
	"KEL": {1, 0}, "CEL": {1, 273.15}, "FAH": {5.0 / 9, 459.67 * 5 / 9},
}

// Convert gives a value in another unit; false if there is no way from the one to the other.
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

// Group is what was measured of one kind, in one unit.
type Group struct {
	Type, Unit string
	Readings   []Reading // all in the unit, whatever they were sent in
	Converted  int       // how many were sent in another one
	Limits     []Limit   // by their place in the list that was given, in the unit
	Sources    []int     // of each limit, that place
}

// Groups puts readings together that belong on one chart: those of one type whose units can be converted into each
// other, in the unit that most of them have. Temperatures come first, then what there is most of. Limits go with the
// readings that they are about.
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
				r.Low, _ = Convert(r.Low, r.Unit, g.Unit) // of one dimension
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

// Title writes a type of reading for people: "RelativeHumidity" is "Relative humidity".
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

// Device writes the name of a device for people: what tells it from others of its maker.
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
