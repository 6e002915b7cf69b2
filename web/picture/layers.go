package picture

import (
	"cmp"
	"slices"
)

// assignLayers gives each item a layer, so that causes are to the left of their effects.
func (d *drawing) assignLayers() {
	s := &layering{drawing: d, kept: make([]bool, len(d.links))}
	s.breakCycles()
	s.admitWeak()
	s.longestPaths()
	for range 6 {
		if !s.tighten() {
			break
		}
	}
	s.closeGaps()
	for i := range d.links {
		l := &d.links[i]
		l.turned = d.items[l.from].layer > d.items[l.to].layer
	}
}

// layering is the state of assignLayers. The kept links have no cycles, and each of them leads to a later layer.
type layering struct {
	*drawing
	kept    []bool
	out, in [][]int
	order   []int // the items, in an order in which all kept links lead forwards
}

// incidence lists, for each item, the links that fulfil a condition.
func (s *layering) incidence(holds func(i int) bool) (out, in [][]int) {
	out, in = make([][]int, len(s.items)), make([][]int, len(s.items))
	for i, l := range s.links {
		if holds(i) {
			out[l.from] = append(out[l.from], i)
			in[l.to] = append(in[l.to], i)
		}
	}
	return out, in
}

// breakCycles keeps all links of cause and effect except those that close a cycle in a depth-first search.
func (s *layering) breakCycles() {
	out, in := s.incidence(func(i int) bool { return s.links[i].line == causes })
	const fresh, open, done = 0, 1, 2
	state := make([]uint8, len(s.items))
	type frame struct{ item, next int }
	visit := func(root int) {
		if state[root] != fresh {
			return
		}
		state[root] = open
		stack := []frame{{item: root}}
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if f.next == len(out[f.item]) {
				state[f.item] = done
				stack = stack[:len(stack)-1]
				continue
			}
			i := out[f.item][f.next]
			f.next++
			to := s.links[i].to
			s.kept[i] = state[to] != open
			if state[to] == fresh {
				state[to] = open
				stack = append(stack, frame{item: to})
			}
		}
	}
	for i := range s.items { // begin with items without a cause
		if len(in[i]) == 0 {
			visit(i)
		}
	}
	for i := range s.items {
		visit(i)
	}
}

// mostTried is the most weak links on cycles that are tried one by one.
const mostTried = 300

// admitWeak also keeps the observations and containments that close no cycle.
func (s *layering) admitWeak() {
	part := s.components()
	var doubtful []int
	for i, l := range s.links {
		if l.line == causes {
			continue
		}
		if part[l.from] != part[l.to] {
			s.kept[i] = true
		} else if len(doubtful) < mostTried {
			doubtful = append(doubtful, i)
		}
	}
	slices.SortStableFunc(doubtful, func(a, b int) int { return cmp.Compare(s.links[b].line, s.links[a].line) })
	out, _ := s.incidence(func(i int) bool { return s.kept[i] })
	seen := make([]int, len(s.items))
	for round, i := range doubtful {
		if !s.reaches(out, s.links[i].to, s.links[i].from, seen, round+1) {
			s.kept[i] = true
			out[s.links[i].from] = append(out[s.links[i].from], i)
		}
	}
}

func (s *layering) reaches(out [][]int, from, to int, seen []int, round int) bool {
	stack := []int{from}
	seen[from] = round
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if v == to {
			return true
		}
		for _, i := range out[v] {
			if next := s.links[i].to; seen[next] != round {
				seen[next] = round
				stack = append(stack, next)
			}
		}
	}
	return false
}

// components numbers the strongly connected components (Tarjan) of the links of cause and effect that are kept, and
// of all others.
func (s *layering) components() []int {
	out, _ := s.incidence(func(i int) bool { return s.kept[i] || s.links[i].line != causes })
	n := len(s.items)
	index, low, part := make([]int, n), make([]int, n), make([]int, n)
	onStack := make([]bool, n)
	var path []int
	clock, parts := 0, 0
	type frame struct{ item, next int }
	for root := range s.items {
		if index[root] != 0 {
			continue
		}
		stack := []frame{{item: root}}
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			v := f.item
			if f.next == 0 && index[v] == 0 {
				clock++
				index[v], low[v] = clock, clock
				path = append(path, v)
				onStack[v] = true
			}
			if f.next < len(out[v]) {
				to := s.links[out[v][f.next]].to
				f.next++
				if index[to] == 0 {
					stack = append(stack, frame{item: to})
				} else if onStack[to] {
					low[v] = min(low[v], index[to])
				}
				continue
			}
			if low[v] == index[v] {
				for {
					w := path[len(path)-1]
					path = path[:len(path)-1]
					onStack[w], part[w] = false, parts
					if w == v {
						break
					}
				}
				parts++
			}
			stack = stack[:len(stack)-1]
			if len(stack) > 0 {
				parent := stack[len(stack)-1].item
				low[parent] = min(low[parent], low[v])
			}
		}
	}
	return part
}

// longestPaths puts each item as far to the left as the kept links allow.
func (s *layering) longestPaths() {
	s.out, s.in = s.incidence(func(i int) bool { return s.kept[i] })
	waits := make([]int, len(s.items))
	var ready []int
	for i := range s.items {
		if waits[i] = len(s.in[i]); waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		v := ready[0]
		ready = ready[1:]
		s.order = append(s.order, v)
		for _, i := range s.out[v] {
			to := s.links[i].to
			s.items[to].layer = max(s.items[to].layer, s.items[v].layer+1)
			if waits[to]--; waits[to] == 0 {
				ready = append(ready, to)
			}
		}
	}
}

// tighten moves each item to the layer where its lines are shortest, as far as the kept links allow. It reports whether
// anything moved.
func (s *layering) tighten() bool {
	all, into := s.incidence(func(int) bool { return true })
	moved := false
	move := func(v int) {
		first, last := 0, len(s.items)
		var wanted []int
		for _, i := range s.in[v] {
			first = max(first, s.items[s.links[i].from].layer+1)
		}
		for _, i := range s.out[v] {
			last = min(last, s.items[s.links[i].to].layer-1)
		}
		want := func(i, layer int) {
			wanted = append(wanted, layer)
			if s.links[i].line == causes {
				wanted = append(wanted, layer)
			}
		}
		for _, i := range into[v] {
			want(i, s.items[s.links[i].from].layer+1)
		}
		for _, i := range all[v] {
			want(i, s.items[s.links[i].to].layer-1)
		}
		if len(wanted) == 0 || first > last {
			return
		}
		slices.Sort(wanted)
		// Every layer between the two medians is equally good, so take the nearest one.
		low, high := wanted[(len(wanted)-1)/2], wanted[len(wanted)/2]
		best := min(max(min(max(s.items[v].layer, low), high), first), last)
		if best != s.items[v].layer {
			s.items[v].layer, moved = best, true
		}
	}
	for _, v := range slices.Backward(s.order) {
		move(v)
	}
	for _, v := range s.order {
		move(v)
	}
	return moved
}

// closeGaps removes empty layers and numbers the others from 0.
func (s *layering) closeGaps() {
	var used []int
	for i := range s.items {
		used = append(used, s.items[i].layer)
	}
	slices.Sort(used)
	used = slices.Compact(used)
	for i := range s.items {
		s.items[i].layer, _ = slices.BinarySearch(used, s.items[i].layer)
	}
}
