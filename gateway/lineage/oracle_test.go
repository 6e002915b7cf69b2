package lineage_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The oracle knows the rules of the package comment and nothing of how a walk
// goes: it has all records in memory, counts time in records, and applies the
// rules to everything until nothing changes.

// moments is a set of ranks: points in time, each that of one fact.
type moments map[int]bool

type state struct {
	self, held                           moments
	always                               bool
	standsIn                             bool // of a lot: for an item of it
	attached, naming, consumed, produced bool
	entire                               bool            // of a run: whatever it used and made
	opened                               map[string]bool // of a run: only what goes through these inputs
}

// inside lists the spans in which a child was in a parent.
func (w *world) inside(child, parent string) []moments {
	var spans []moments
	var open moments
	left, counted := 0, true
	for rank, i := range w.order {
		f := w.facts[i]
		if open != nil {
			open[rank] = true
		}
		if f.kind != "packs" || f.parent != parent {
			continue
		}
		mine, amount := false, ""
		for _, c := range f.children {
			name, number, _ := strings.Cut(c, "=")
			if name == child {
				mine, amount = true, number
			}
		}
		number, err := strconv.Atoi(amount)
		lot := isClass(child)
		switch {
		case mine && f.action != "DELETE":
			if open == nil {
				open, left, counted = moments{rank: true}, 0, f.action == "ADD"
				spans = append(spans, open)
			}
			if f.action == "ADD" {
				left += number
				counted = counted && err == nil
			}
		case mine && lot && err == nil && open != nil:
			left -= number
			if counted && left <= 0 {
				open = nil
			}
		case mine && open == nil:
			spans = append(spans, moments{rank: true})
		case mine, f.action == "DELETE" && len(f.children) == 0:
			open = nil
		}
	}
	return spans
}

func overlap(a moments, s state) moments {
	both := moments{}
	for m := range a {
		if s.always || s.self[m] {
			both[m] = true
		}
	}
	return both
}

// walk answers which nodes a walk comes to. Records are "#" and their place.
func (w *world) walk(start string, down bool) []string {
	nodes := slices.Sorted(maps.Keys(w.states(start, down)))
	return append([]string{}, nodes...)
}

// inQuestion answers which nodes something puts in question. A lot that only stands in for an item of it isn't.
func (w *world) inQuestion(start string) []string {
	states := w.states(start, true)
	maps.DeleteFunc(states, func(_ string, s *state) bool {
		return s.standsIn && !s.always && len(s.self)+len(s.held) == 0
	})
	return slices.Sorted(maps.Keys(states))
}

// states are the nodes that a walk comes to, without its start, and what it knows of them.
func (w *world) states(start string, down bool) map[string]*state {
	states := map[string]*state{}
	changed := false
	reach := func(node string, s state) {
		have, ok := states[node]
		if !ok {
			have = &state{self: moments{}, held: moments{}, opened: map[string]bool{}}
			states[node], changed = have, true
		}
		for m := range s.self {
			changed, have.self[m] = changed || !have.self[m], true
		}
		for m := range s.held {
			changed, have.held[m] = changed || !have.held[m], true
		}
		for input := range s.opened {
			changed, have.opened[input] = changed || !have.opened[input], true
		}
		for _, flag := range []struct {
			have *bool
			set  bool
		}{{&have.always, s.always}, {&have.attached, s.attached}, {&have.naming, s.naming}, {&have.consumed, s.consumed}, {&have.produced, s.produced}, {&have.entire, s.entire}, {&have.standsIn, s.standsIn}} {
			changed, *flag.have = changed || flag.set && !*flag.have, *flag.have || flag.set
		}
	}
	reach(start, state{always: true, attached: true, naming: true, consumed: down, produced: !down, entire: true})
	for again := true; again; again = changed {
		changed = false
		for node, s := range states {
			if i, ok := strings.CutPrefix(node, "#"); ok {
				place, _ := strconv.Atoi(i)
				w.fromRecord(place, *s, down, reach)
			} else if strings.Contains(node, "/") {
				w.fromArtifact(node, down, reach)
			} else {
				w.fromThing(node, *s, down, reach)
			}
		}
	}
	delete(states, start)
	return states
}

func (w *world) things() []string {
	all := map[string]bool{}
	for _, f := range w.facts {
		if f.parent != "" {
			all[f.parent] = true
		}
		for _, c := range f.children {
			name, _, _ := strings.Cut(c, "=")
			all[name] = true
		}
	}
	var list []string
	for name := range all {
		list = append(list, name)
	}
	return list
}

// known lists the lots, the items and the product that any fact names.
func (w *world) known() map[string]bool {
	all := map[string]bool{}
	for _, f := range w.facts {
		names := slices.Concat(f.things(), f.about, f.names)
		for lot := range f.lotsBeside() {
			names = append(names, lot)
		}
		for _, name := range names {
			if name == "product" || strings.HasPrefix(name, "lot") || isItem(name) {
				all[name] = true
			}
		}
	}
	return all
}

// fromClass goes between the product, its lots and its items.
func (w *world) fromClass(node string, s state, down bool, reach func(string, state)) {
	mattered := s.always || len(s.self) > 0
	known := w.known()
	switch {
	case node == "product" && down && s.always:
		for name := range known {
			if name != "product" {
				reach(name, state{always: true})
			}
		}
	case known[node] && node != "product" && known["product"] && !down && mattered:
		reach("product", state{})
	}
	for _, f := range w.facts {
		for _, o := range f.ofLots() {
			switch {
			case !mattered || !isItem(o.thing):
			case o.lot == node && down:
				reach(o.thing, state{self: s.self, always: s.always})
			case o.thing == node && !down:
				reach(o.lot, state{self: s.self, always: s.always})
			case o.thing == node && slices.ContainsFunc(w.facts, func(f fact) bool { return slices.Contains(f.inputs, o.lot) }):
				reach(o.lot, state{standsIn: true})
			}
		}
	}
}

func (w *world) fromThing(node string, s state, down bool, reach func(string, state)) {
	w.fromClass(node, s, down, reach)
	mattered := s.always || len(s.self) > 0
	var loads []moments
	for _, child := range w.things() {
		if child == node || !mattered {
			continue
		}
		for _, span := range w.inside(child, node) {
			loads = append(loads, span)
			if both := overlap(span, s); len(both) > 0 {
				reach(child, state{self: both})
			}
		}
	}
	loaded := func(rank int) bool {
		return slices.ContainsFunc(loads, func(load moments) bool { return load[rank] })
	}
	// together says whether a container had one load at both moments, or none from
	// one to the other.
	together := func(a, b int) bool {
		if loaded(a) {
			return slices.ContainsFunc(loads, func(load moments) bool { return load[a] && load[b] })
		}
		for m := min(a, b); m <= max(a, b); m++ {
			if loaded(m) {
				return false
			}
		}
		return true
	}
	observed := func(rank int) bool {
		if s.always {
			return true
		}
		for m := range s.self {
			if (down && rank >= m || !down && rank <= m) && together(m, rank) {
				return true
			}
		}
		return false
	}
	for _, parent := range w.things() {
		if parent == node {
			continue
		}
		for _, span := range w.inside(node, parent) {
			held := moments{}
			for m := range span {
				if observed(m) || s.held[m] {
					held[m] = true
				}
			}
			if len(held) > 0 {
				reach(parent, state{held: held})
			}
		}
	}
	for i, f := range w.facts {
		id, rank := fmt.Sprintf("#%d", i), w.rank[i]
		if f.isRun() && !down && slices.Contains(f.about, node) && observed(rank) {
			reach(id, state{entire: true})
		}
		names := slices.Contains(f.names, node) && f.kind == "sees" || f.parent == node
		for _, c := range f.children {
			name, _, _ := strings.Cut(c, "=")
			names = names || name == node
		}
		produced, beside := f.lotsBeside()[node]
		names = names || beside
		if f.kind == "makes" {
			if slices.Contains(f.inputs, node) && down && (mattered || s.held[rank] || s.standsIn) {
				reach(id, state{attached: true, consumed: true})
			}
			made := slices.Contains(f.outputs, node) || produced
			if made && !down && mattered {
				reach(id, state{attached: true, produced: true})
			}
			names = made && down || beside && !produced
		}
		if names && (observed(rank) || s.held[rank]) {
			reach(id, state{attached: true})
		}
	}
}

// uses goes from a source to what was made with it.
func (w *world) uses(node string, reach func(string, state)) {
	for i, f := range w.facts {
		if !slices.Contains(f.names, node) {
			continue
		}
		switch {
		case f.kind == "artifact":
			reach(f.name, state{})
		case f.isRun():
			reach(fmt.Sprintf("#%d", i), state{opened: map[string]bool{node: true}})
		}
	}
}

// contains says whether the version that a run has written contains what an earlier one has written in the same table:
// nothing has replaced that.
func (w *world) contains(version, earlier int) bool {
	if earlier >= version || w.facts[version].kind != "writes" || w.facts[earlier].table != w.facts[version].table {
		return false
	}
	return !slices.ContainsFunc(w.facts[earlier+1:version+1], func(f fact) bool {
		return f.table == w.facts[version].table && f.replaces
	})
}

// digest is what a version has in it, or "" if no two versions can be the same by that.
func (w *world) digest(version string) string {
	for _, f := range w.facts {
		if f.name == version && f.digest != nothing {
			return f.digest
		}
	}
	return ""
}

func (w *world) fromArtifact(node string, down bool, reach func(string, state)) {
	for i, f := range w.facts {
		if d := w.digest(node); d != "" && f.digest == d {
			reach(f.name, state{})
		}
		for j, earlier := range w.facts {
			switch {
			case !w.contains(i, j):
			case down && earlier.name == node:
				reach(f.name, state{})
			case !down && f.name == node:
				reach(earlier.name, state{})
			}
		}
	}
	if down {
		w.uses(node, reach)
		return
	}
	for i, f := range w.facts {
		if f.kind == "artifact" && f.name == node {
			for _, source := range f.names {
				reach(source, state{attached: true, naming: true, entire: true})
			}
		}
		if f.isRun() && slices.Contains(f.outputs, node) {
			through := state{opened: map[string]bool{}}
			for _, source := range f.madeOf(node) {
				through.opened[source] = true
			}
			reach(fmt.Sprintf("#%d", i), through)
		}
	}
}

func (w *world) fromRecord(i int, s state, down bool, reach func(string, state)) {
	f, rank := w.facts[i], w.rank[i]
	now := state{self: moments{rank: true}}
	if down {
		w.uses(fmt.Sprintf("#%d", i), reach)
	}
	switch {
	case f.kind == "says":
		for _, subject := range f.names {
			if down {
				reach(subject, state{always: true, attached: true, naming: true, consumed: true, entire: true})
			}
		}
	case f.isRun():
		if !down {
			for _, used := range f.names {
				if s.entire || s.opened[used] {
					reach(used, state{attached: true, naming: true, entire: true})
				}
			}
			return
		}
		for _, generated := range f.outputs {
			_, said := f.from[generated]
			if !said || s.entire || slices.ContainsFunc(f.madeOf(generated), func(source string) bool { return s.opened[source] }) {
				reach(generated, state{})
			}
		}
		for _, about := range f.about {
			reach(about, now)
		}
	case f.kind == "sees":
		if s.naming {
			for _, thing := range f.names {
				reach(thing, now)
			}
			w.amounts(f, func(lot string) { reach(lot, now) })
		}
	case f.kind == "packs":
		if s.naming {
			reach(f.parent, now)
			for _, c := range f.children {
				name, _, _ := strings.Cut(c, "=")
				reach(name, now)
			}
		}
	case f.kind == "makes":
		if down && s.consumed {
			for _, output := range f.outputs {
				reach(output, state{always: true})
			}
			for lot, produced := range f.lotsBeside() {
				if produced {
					reach(lot, state{always: true})
				}
			}
		}
		if !down && (s.produced || s.naming) {
			for _, input := range f.inputs {
				reach(input, now)
			}
		}
		if s.naming {
			for _, output := range f.outputs {
				reach(output, now)
			}
			w.amounts(f, func(lot string) { reach(lot, now) })
		}
		for j, other := range w.facts {
			if j == i || f.join == "" || other.join != f.join {
				continue
			}
			if down && s.consumed {
				reach(fmt.Sprintf("#%d", j), state{attached: true, consumed: true})
			}
			if !down && (s.produced || s.naming) {
				reach(fmt.Sprintf("#%d", j), state{attached: true, produced: true})
			}
		}
	}
}

// amounts calls a function with the lots that a fact names beside amounts of the product, and not beside items.
func (w *world) amounts(f fact, reach func(lot string)) {
	for lot := range f.lotsBeside() {
		if !slices.ContainsFunc(f.ofLots(), func(o ofLot) bool { return o.lot == lot && isItem(o.thing) }) {
			reach(lot)
		}
	}
}
