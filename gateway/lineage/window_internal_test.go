package lineage

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The clock of these tests has few moments, so that a set of moments says what a window should be. Moments of equal
// times differ by their ids, which are whole numbers.
const ticks = 12

// tick is a moment: the first six have one time, the others another.
func tick(i int) moment { return moment{int64(i / 6), int64(i)} }

// set has a moment where a window does. Before the clock and after it, it has what the window has at its ends.
type set [ticks + 2]bool

func setOf(w window) (s set) {
	for i := range s {
		s[i] = w.has(tick(i - 1))
	}
	return s
}

// drawSpan draws a span of the clock. Either end may be open.
func drawSpan(r *rapid.T) span {
	from := rapid.IntRange(0, ticks-1).Draw(r, "from")
	s := span{tick(from), tick(rapid.IntRange(from, ticks-1).Draw(r, "to"))}
	switch rapid.IntRange(0, 9).Draw(r, "open") {
	case 0:
		s.from = ever
	case 1:
		s.to = never
	}
	return s
}

// drawWindow draws spans in any order, and the set of what is in one of them.
func drawWindow(r *rapid.T) (window, set) {
	var all []span
	var in set
	for range rapid.IntRange(0, 3).Draw(r, "spans") {
		s := drawSpan(r)
		all = append(all, s)
		for i := range in {
			in[i] = in[i] || s.from.compare(tick(i-1)) <= 0 && s.to.compare(tick(i-1)) >= 0
		}
	}
	return join(all), in
}

func TestWindowsAreSetsOfMoments(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, inA := drawWindow(r)
		b, inB := drawWindow(r)
		s := drawSpan(r)
		inS := setOf(window{s})
		for i, one := range a {
			require.LessOrEqual(r, one.from.compare(one.to), 0)
			require.True(r, i == 0 || a[i-1].to.compare(one.from) < 0, "%v", a)
		}
		require.Equal(r, inA, setOf(a))
		var union, both, gaps, clippedDown, clippedUp set
		meets, first, last := false, ticks+2, -1
		for i := range inA {
			union[i], both[i], gaps[i] = inA[i] || inB[i], inA[i] && inB[i], !inA[i]
			if inA[i] && inS[i] {
				meets, first, last = true, min(first, i), max(last, i)
			}
		}
		for i := range inS {
			clippedDown[i], clippedUp[i] = inS[i] && i >= first, inS[i] && i <= last
		}
		require.Equal(r, union, setOf(a.union(b)), "%v and %v", a, b)
		require.Equal(r, both, setOf(a.intersect(b)), "%v and %v", a, b)
		require.Equal(r, gaps, setOf(a.gaps()), "%v", a)
		require.Equal(r, meets, a.meets(s), "%v and %v", a, s)
		for down, want := range map[bool]set{true: clippedDown, false: clippedUp} {
			clipped, ok := a.clip(s, down)
			require.Equal(r, meets, ok)
			if ok {
				require.Equal(r, want, setOf(window{clipped}), "%v of %v, down: %v", s, a, down)
			}
		}
		require.Equal(r, len(a) > 0 && len(a) == len(b) && a[0] == b[0] && inA == inB || len(a)+len(b) == 0, a.equal(b))
	})
}

func TestTheEndsOfTimeAreInWindowsThatAreOpen(t *testing.T) {
	require.True(t, always().isAlways())
	for _, w := range []window{nil, {{ever, tick(1)}}, {{tick(1), never}}, {{ever, tick(1)}, {tick(2), never}}, instant(ever)} {
		require.False(t, w.isAlways(), "%v", w)
	}
	require.Equal(t, []span{{ever, never}}, window(nil).gaps())
	require.Empty(t, always().gaps())
	require.Equal(t, []span{{ever, tick(0)}, {tick(3), never}}, window{{tick(1), tick(2)}}.gaps())
	require.Equal(t, []span{{tick(3), tick(4)}}, window{{ever, tick(2)}, {tick(5), never}}.gaps())
	require.Equal(t, window{{tick(1), tick(1)}}, instant(tick(1)))
}
