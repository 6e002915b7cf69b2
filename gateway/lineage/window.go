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

// open widens a window to everything after it begins (down) or before it ends.
func (w window) open(down bool) window {
	if len(w) == 0 {
		return nil
	}
	if down {
		return window{{w[0].from, never}}
	}
	return window{{ever, w[len(w)-1].to}}
}

func (w window) equal(o window) bool { return slices.Equal(w, o) }
