package lineage

import (
	"cmp"
	"math"
	"slices"
)

// moment is a point on the clock of events: their time and, for equal times,
// their place on the ledger.
type moment struct{ time, id int64 }

var (
	ever  = moment{math.MinInt64, math.MinInt64}
	never = moment{math.MaxInt64, math.MaxInt64}
)

func (m moment) compare(o moment) int {
	return cmp.Or(cmp.Compare(m.time, o.time), cmp.Compare(m.id, o.id))
}

func earlier(a, b moment) moment {
	if a.compare(b) <= 0 {
		return a
	}
	return b
}

func later(a, b moment) moment {
	if a.compare(b) >= 0 {
		return a
	}
	return b
}

// span is a time with both its ends.
type span struct{ from, to moment }

// window is a set of moments: spans in order that do not overlap.
type window []span

func always() window          { return window{{ever, never}} }
func instant(m moment) window { return window{{m, m}} }

func (w window) isAlways() bool {
	return len(w) == 1 && w[0].from == ever && w[0].to == never
}

func (w window) has(m moment) bool {
	i, _ := slices.BinarySearchFunc(w, m, func(s span, m moment) int { return s.to.compare(m) })
	return i < len(w) && w[i].from.compare(m) <= 0
}

// meets says whether a window has any moment of a span.
func (w window) meets(s span) bool {
	i, _ := slices.BinarySearchFunc(w, s.from, func(s span, m moment) int { return s.to.compare(m) })
	return i < len(w) && w[i].from.compare(s.to) <= 0
}

func (w window) union(o window) window {
	switch {
	case len(w) == 0:
		return o
	case len(o) == 0:
		return w
	}
	return join(append(slices.Clone(w), o...))
}

// join makes a window of spans in any order; it takes them over.
func join(spans []span) window {
	if len(spans) < 2 {
		return spans
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(a.from.compare(b.from), a.to.compare(b.to)) })
	joined := spans[:1]
	for _, s := range spans[1:] {
		last := &joined[len(joined)-1]
		if s.from.compare(last.to) <= 0 {
			last.to = later(last.to, s.to)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

func (w window) intersect(o window) window {
	var common window
	for i, j := 0, 0; i < len(w) && j < len(o); {
		s := span{later(w[i].from, o[j].from), earlier(w[i].to, o[j].to)}
		if s.from.compare(s.to) <= 0 {
			common = append(common, s)
		}
		if w[i].to.compare(o[j].to) < 0 {
			i++
		} else {
			j++
		}
	}
	return common
}

// gaps are the spans between those of a window, before and after it.
func (w window) gaps() []span {
	if len(w) == 0 {
		return always()
	}
	var all []span
	from := ever
	for _, s := range w {
		if from.compare(s.from) < 0 {
			all = append(all, span{from, moment{s.from.time, s.from.id - 1}})
		}
		from = moment{s.to.time, s.to.id + 1}
	}
	if w[len(w)-1].to != never {
		all = append(all, span{from, never})
	}
	return all
}

// clip is the part of a span from the first moment that is in the window on
// (down), or up to the last; false if there is none.
func (w window) clip(s span, down bool) (span, bool) {
	if !w.meets(s) {
		return s, false
	}
	if down {
		i, _ := slices.BinarySearchFunc(w, s.from, func(s span, m moment) int { return s.to.compare(m) })
		s.from = later(s.from, w[i].from)
		return s, true
	}
	i, exact := slices.BinarySearchFunc(w, s.to, func(s span, m moment) int { return s.from.compare(m) })
	if !exact {
		i-- // the last that begins before the end
	}
	s.to = earlier(s.to, w[i].to)
	return s, true
}

func (w window) equal(o window) bool { return slices.Equal(w, o) }
