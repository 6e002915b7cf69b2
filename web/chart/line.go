package chart

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// The numbers of colours, dashes and markers. They have no common divisor, so that lines of one colour differ in
// dashes or markers.
const (
	hues    = 6
	dashes  = 4
	markers = 5
)

// each is the most readings of a line on which every reading has a marker. On other lines the markers are apart pixels
// apart.
const (
	each  = 48
	apart = 90
)

// symbol draws a short piece of the nth line, for the legend.
func symbol(n int) template.HTML {
	var b strings.Builder
	fmt.Fprintf(
		&b,
		`<svg class="key" viewBox="0 0 36 14" width="36" height="14" aria-hidden="true" focusable="false">%s<path class="line" d="M1 7H35"/><path class="mark" d="`,
		opening(n),
	)
	mark(&b, n, 18, 7)
	b.WriteString(`"/></g></svg>`)
	return template.HTML(b.String())
}

func opening(n int) string {
	return fmt.Sprintf(`<g class="hue-%d dash-%d">`, n%hues, n%dashes)
}

// mark appends the marker of the nth line to a path.
func mark(b *strings.Builder, n int, x, y float64) {
	const r = 3.5
	switch n % markers {
	case 0: // circle
		fmt.Fprintf(b, "M%s %sa%[3]g %[3]g 0 1 1 0 .1z", short(x-r), short(y), r)
	case 1: // square
		fmt.Fprintf(b, "M%s %sh%[3]gv%[3]gh-%[3]gz", short(x-r), short(y-r), 2*r)
	case 2: // triangle
		fmt.Fprintf(b, "M%s %sl%g %gh-%gz", short(x), short(y-r-.5), r+.5, 2*r, 2*r+1)
	case 3: // diamond
		fmt.Fprintf(b, "M%s %sl%[3]g %[3]gl-%[3]g %[3]gl-%[3]g -%[3]gz", short(x), short(y-r-1), r+1)
	case 4: // pentagon that stands on its head
		fmt.Fprintf(b, "M%s %sl-%g -%gh%gz", short(x), short(y+r+.5), r+.5, 2*r, 2*r+1)
	}
}

// point is one end of a reading that is drawn.
type point struct {
	reading int
	value   float64
}

// points returns the points of a line: all readings if there are few, or else the lowest and the highest of each
// column.
func (v *canvas) points(l line, most int) []point {
	var list []point
	add := func(i int, value float64) {
		if n := len(list); n == 0 || list[n-1] != (point{i, value}) {
			list = append(list, point{i, value})
		}
	}
	both := func(low, high int) {
		if low <= high {
			add(low, l.readings[low].Low)
			add(high, l.readings[high].High)
			return
		}
		add(high, l.readings[high].High)
		add(low, l.readings[low].Low)
	}
	if len(l.readings) <= most {
		for i := range l.readings {
			both(i, i)
		}
		return list
	}
	column := func(i int) int {
		x := (v.when(l.readings[i].Time) - v.left) / (v.width - v.right - v.left)
		return int(x * float64(most/2))
	}
	for i := 0; i < len(l.readings); {
		at, low, high := column(i), i, i
		for i++; i < len(l.readings) && column(i) == at; i++ {
			if l.readings[i].Low < l.readings[low].Low {
				low = i
			}
			if l.readings[i].High > l.readings[high].High {
				high = i
			}
		}
		both(low, high)
	}
	return list
}

// line draws the nth line.
func (v *canvas) line(n int, l line, most int) {
	points := v.points(l, most)
	var good, recalled, marks, crosses strings.Builder
	single := len(l.readings) <= each
	lastMark, lastCross := -apart*2.0, -apart*2.0
	previous := -1
	for k, p := range points {
		x, y := v.when(l.readings[p.reading].Time), v.y.at(p.value)
		r := l.readings[p.reading]
		begins := k == 0 || l.silences[p.reading] != l.silences[previous]
		path := &good
		if !begins && (r.Recalled || l.readings[previous].Recalled) {
			path = &recalled
		}
		if !begins {
			b := points[k-1]
			piece(path, v.when(l.readings[b.reading].Time), v.y.at(b.value), x, y)
		} else if k == len(points)-1 || l.silences[points[k+1].reading] != l.silences[p.reading] {
			mark(&marks, n, x, y) // alone between silences: there is no line to see
		}
		if r.Recalled && (single || x-lastCross >= 14) {
			fmt.Fprintf(&crosses, "M%s %sl7 7m0 -7l-7 7", short(x-3.5), short(y-3.5))
			lastCross = x
		}
		if single && !r.Recalled || x-lastMark >= apart {
			mark(&marks, n, x, y)
			lastMark = x
		}
		previous = p.reading
	}
	fmt.Fprintf(v, `%s<title>%s</title>`, opening(n), html.EscapeString(l.name))
	for _, p := range []struct {
		class string
		path  *strings.Builder
	}{{"line", &good}, {"line recalled", &recalled}, {"mark", &marks}, {"cross", &crosses}} {
		if p.path.Len() > 0 {
			fmt.Fprintf(v, `<path class="%s" d="%s"/>`, p.class, p.path)
		}
	}
	v.WriteString(`</g>`)
}

// piece appends a straight piece to a path. If the path already ends where the piece begins, it continues the path.
func piece(path *strings.Builder, fromX, fromY, toX, toY float64) {
	from, to := short(fromX)+" "+short(fromY), short(toX)+" "+short(toY)
	if text := path.String(); strings.HasSuffix(text, "L"+from) || strings.HasSuffix(text, "M"+from) {
		path.WriteString("L" + to)
		return
	}
	path.WriteString("M" + from + "L" + to)
}
