package chart

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// size of a picture, in CSS pixels.
type size struct {
	name          string // class
	width, height float64
	left, right   float64 // margins
	top, bottom   float64
	across, up    int     // approximate numbers of ticks
	share         float64 // share of the points
}

var (
	wide   = size{"wide", 760, 320, 52, 16, 20, 44, 8, 6, 1}
	narrow = size{"narrow", 352, 280, 46, 10, 20, 44, 4, 5, 0.5}
)

// canvas is a picture being drawn.
type canvas struct {
	strings.Builder
	Chart
	size
	x     scale // of seconds since the origin
	y     scale
	start time.Time
}

// picture draws the chart in one size.
func (c Chart) picture(lines []line, d *Drawing, s size) template.HTML {
	v := &canvas{Chart: c, size: s, start: d.From}
	v.fit(lines, d)
	fmt.Fprintf(
		v,
		`<svg class="chart %s" viewBox="0 0 %s %s" role="img" aria-label="%s">`,
		s.name,
		short(s.width),
		short(s.height),
		html.EscapeString(c.summary(lines, d)),
	)
	v.beyond()
	v.shade(d.Excursions)
	v.axes(d)
	v.limits()
	for i, l := range lines {
		v.line(i, l, max(24, int(float64(v.Points)*v.share)/len(lines)))
	}
	v.peaks(d.Excursions)
	v.WriteString(`</svg>`)
	return template.HTML(v.String())
}

// summary says in a sentence what the picture shows.
func (c Chart) summary(lines []line, d *Drawing) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range d.Rows {
		low, high = min(low, r.Lowest.Value), max(high, r.Highest.Value)
	}
	text := fmt.Sprintf(
		"%s of %s from %s to %s %s, between %s and %s",
		c.Title,
		plural(len(lines), "device"),
		d.From.In(c.Zone).
			Format("2 Jan 2006 15:04"),
		d.To.In(c.Zone).Format("2 Jan 2006 15:04"),
		d.Zone,
		c.value(low),
		c.value(high),
	)
	switch n := len(d.Excursions); {
	case n > 0:
		text += fmt.Sprintf("; %s. The table says the same.", plural(n, "excursion"))
	default:
		text += "; no excursion. The table says the same."
	}
	return text
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// fit finds ranges of the axes that include all readings and all limits.
func (v *canvas) fit(lines []line, d *Drawing) {
	from, to := 0.0, d.To.Sub(d.From).Seconds()
	if to == 0 {
		from, to = -1800, 1800
	}
	v.x = scale{from, to, v.left, v.width - v.right}
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range d.Rows {
		low, high = min(low, r.Lowest.Value), max(high, r.Highest.Value)
	}
	for _, l := range v.Limits {
		if l.Low != nil {
			low, high = min(low, *l.Low), max(high, *l.Low)
		}
		if l.High != nil {
			low, high = min(low, *l.High), max(high, *l.High)
		}
	}
	room := 0.08 * (high - low)
	if greatest := max(math.Abs(low), math.Abs(high)); high-low <= 1e-9*greatest {
		room = max(0.5, 1e-6*greatest)
	}
	v.y = scale{low - room, high + room, v.height - v.bottom, v.top}
}

func (v *canvas) when(t time.Time) float64 { return v.x.at(t.Sub(v.start).Seconds()) }

// short writes a coordinate.
func short(x float64) string {
	text := strconv.FormatFloat(x, 'f', 1, 64)
	return strings.TrimSuffix(text, ".0")
}

// axes draws the lines and labels of both axes.
func (v *canvas) axes(d *Drawing) {
	right, bottom := v.width-v.right, v.height-v.bottom
	v.WriteString(`<g class="axis">`)
	for _, y := range ticks(v.y.from, v.y.to, v.up) {
		at := short(v.y.at(y))
		fmt.Fprintf(
			v,
			`<path class="grid" d="M%s %sH%s"/><text x="%s" y="%s" dy=".32em" class="end">%s</text>`,
			short(v.left),
			at,
			short(right),
			short(v.left-6),
			at,
			number(y),
		)
	}
	if v.Unit != "" {
		fmt.Fprintf(v, `<text x="%s" y="12" class="end">%s</text>`, short(v.left-6), html.EscapeString(v.Unit))
	}
	from, to := v.start.Add(time.Duration(v.x.from*float64(time.Second))), d.To
	if v.x.from < 0 {
		to = v.start.Add(time.Duration(v.x.to * float64(time.Second)))
	}
	for _, m := range moments(from, to, v.Zone, v.across) {
		x := short(v.when(m.at))
		fmt.Fprintf(
			v,
			`<path class="tick" d="M%s %sv5"/><text x="%s" y="%s" class="middle">%s</text>`,
			x,
			short(bottom),
			x,
			short(bottom+18),
			m.label,
		)
		if m.date != "" {
			fmt.Fprintf(v, `<text x="%s" y="%s" class="middle date">%s</text>`, x, short(bottom+34), m.date)
		}
	}
	fmt.Fprintf(v, `<path class="base" d="M%s %sH%s"/></g>`, short(v.left), short(bottom), short(right))
}

// beyond shades the areas beyond the limits: above the lowest upper limit and below the highest lower limit.
func (v *canvas) beyond() {
	upper, lower := math.Inf(1), math.Inf(-1)
	for _, l := range v.Limits {
		if l.High != nil {
			upper = min(upper, *l.High)
		}
		if l.Low != nil {
			lower = max(lower, *l.Low)
		}
	}
	right, bottom := v.width-v.right, v.height-v.bottom
	if !math.IsInf(upper, 0) {
		fmt.Fprintf(
			v,
			`<path class="beyond" d="M%s %sH%sV%sH%sZ"/>`,
			short(v.left),
			short(v.top),
			short(right),
			short(v.y.at(upper)),
			short(v.left),
		)
	}
	if !math.IsInf(lower, 0) {
		fmt.Fprintf(
			v,
			`<path class="beyond" d="M%s %sH%sV%sH%sZ"/>`,
			short(v.left),
			short(v.y.at(lower)),
			short(right),
			short(bottom),
			short(v.left),
		)
	}
}

// limits draws the limits themselves, each with its value.
func (v *canvas) limits() {
	right := v.width - v.right
	draw := func(x float64, up bool) {
		y := v.y.at(x)
		label := y - 5
		if !up {
			label = y + 13
		}
		fmt.Fprintf(
			v,
			`<path class="limit" d="M%s %sH%s"/><text class="limit end" x="%s" y="%s">%s</text>`,
			short(v.left),
			short(y),
			short(right),
			short(right-4),
			short(label),
			html.EscapeString("limit "+v.value(x)),
		)
	}
	seen := map[float64]bool{}
	for _, l := range v.Limits {
		for i, x := range []*float64{l.High, l.Low} {
			if x != nil && !seen[*x] && len(seen) < 6 {
				seen[*x] = true
				draw(*x, i == 0)
			}
		}
	}
}

// shade shades the periods of excursions. It joins those that touch each other.
func (v *canvas) shade(list []Excursion) {
	const least = 4.0
	type span struct{ from, to float64 }
	var spans []span
	for _, e := range list {
		from, to := v.when(e.From), v.when(e.To)
		if to-from < least {
			middle := (from + to) / 2
			from, to = middle-least/2, middle+least/2
		}
		spans = append(spans, span{from, to})
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	for i := 0; i < len(spans); {
		s := spans[i]
		for i++; i < len(spans) && spans[i].from <= s.to; i++ {
			s.to = max(s.to, spans[i].to)
		}
		fmt.Fprintf(
			v,
			`<path class="excursion" d="M%s %sH%sV%sH%sZ"/>`,
			short(s.from),
			short(v.top),
			short(s.to),
			short(v.height-v.bottom),
			short(s.from),
		)
	}
}

// peaks marks the worst reading of each excursion. If there isn't room for all, it marks the worst ones.
func (v *canvas) peaks(list []Excursion) {
	const apart, most = 12, 40
	var taken [][2]float64
	for _, e := range list {
		x, y := v.when(e.at), v.y.at(e.value)
		if len(taken) == most ||
			slices.ContainsFunc(taken, func(p [2]float64) bool { return math.Hypot(p[0]-x, p[1]-y) < apart }) {
			continue
		}
		taken = append(taken, [2]float64{x, y})
		tip, base := y-6, y-15
		if e.Kind[0] == 'b' {
			tip, base = y+6, y+15
		}
		fmt.Fprintf(
			v,
			`<path class="peak" d="M%s %sL%s %sH%sZ"><title>%s</title></path>`,
			short(x),
			short(tip),
			short(x+5),
			short(base),
			short(x-5),
			html.EscapeString(fmt.Sprintf("%s: %s at %s, %s", e.Device, e.Worst, e.at.In(v.Zone).Format("2 Jan 15:04"), e.Kind)),
		)
	}
}
