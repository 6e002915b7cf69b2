package lineage

import (
	"slices"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// mode says how a walk came to an event, which decides where it leads. Without any of these, it came to the event as an
// observation, which leads to what was derived from it.
type mode uint8

const (
	through mode = 1 << iota // by an input, or upwards by an output: to the other side of the transformation
	naming                   // to the things that the event names

	// Of a lot: it stands in for an item of it, so that the walk goes to those who used up the lot. In a broad walk
	// upwards: it was used up, so that the walk goes to its items.
	standin

	// Of a class, in a broad walk upwards: what puts all of it in question counts.
	entirely
)

// arrival is how the walk came to a node: from which, which it had come to in
// a way of its own, and over which edge. Arrivals are a path back to a start.
type arrival struct {
	at      *visit
	before  *arrival // nil for a start
	depth   int      // edges from the start
	kind    edgeKind
	against bool // the edge leads to the node before
}

// visit is a node that the walk came to, and what it knows of it so far.
type visit struct {
	id   int64
	kind index.Kind
	self window // of a thing: when it mattered
	// Of a thing: when it carried something that mattered. In a broad walk upwards: the moments at which it would put
	// something in question that matters, if it mattered itself at that moment, but not if it only carried what does.
	held  window
	mode  mode // of an event; of a lot whether it stands in
	fresh bool // not expanded since it was made, its mode grew or more of its inputs opened

	// The first arrival is on a shortest path. The latest is the first of those in the level that
	// made it grow last, so it is the reason why the walk goes further than before.
	first          arrival
	latest, coming *arrival

	// Of an activity: the arrival by which all that it used and made is in question, nil if there is
	// none, and arrivals by single inputs (or, upwards, by outputs that were made of these), by their
	// places. There are places only if the activity says what its outputs were made of.
	entire *arrival
	opened map[int]*arrival

	// Spans that were added in the level under way. They are joined to the windows
	// all at once, as a thing may be reached ten thousand times in one level.
	moreSelf, moreHeld []span
}

// grows tells whether anything came to the node in the level under way, which may have been known.
func (v *visit) grows() bool { return v.fresh || len(v.moreSelf) > 0 || len(v.moreHeld) > 0 }

// settle takes in what the last level added, and says whether that was anything.
func (v *visit) settle() bool {
	grown := v.fresh
	v.fresh = false
	defer func() {
		if grown && v.coming != nil {
			v.latest = v.coming
		}
		v.coming = nil
	}()
	for _, w := range []struct {
		have *window
		more *[]span
	}{{&v.self, &v.moreSelf}, {&v.held, &v.moreHeld}} {
		if len(*w.more) == 0 {
			continue
		}
		joined := join(append(slices.Clone(*w.have), *w.more...))
		grown = grown || !joined.equal(*w.have)
		*w.have, *w.more = joined, nil
	}
	return grown
}

// open notes by which of its inputs an activity is in question.
func (v *visit) open(f found, by func() *arrival) {
	if !f.partly {
		if v.entire == nil {
			v.entire, v.fresh = by(), true
		}
		return
	}
	var a *arrival
	for _, place := range f.through {
		if v.opened[place] != nil {
			continue
		}
		if a == nil {
			a = by()
		}
		if v.opened == nil {
			v.opened = map[int]*arrival{}
		}
		v.opened[place], v.fresh = a, true
	}
}

// through is the arrival at an activity from which the walk goes on over a link to
// an input or an output, nil if it doesn't go on there.
func (v *visit) through(l index.Link) *arrival {
	places, said := l.Flow.Inputs()
	if !said {
		return &v.first
	}
	for _, place := range places {
		if a := v.opened[place]; a != nil {
			return a
		}
	}
	return v.entire
}

// isNamedOnly tells whether a node is a class that the walk came to upwards from a lot or an item: the walk ends there.
func (v *visit) isNamedOnly() bool {
	return v.kind.IsThing() && len(v.self) == 0 && len(v.held) == 0 && v.mode == 0
}

// onItsOwn tells whether a node is in question itself, and not only as the carrier of what is, or the lot of an item.
func (v *visit) onItsOwn() bool { return len(v.held) == 0 && v.mode&standin == 0 || len(v.self) > 0 }
