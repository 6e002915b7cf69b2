package picture

import (
	"cmp"
	"slices"
)

// dot is a place in a layer: an item, or a bend of a passing line.
type dot struct {
	item  int // -1: a bend
	layer int
	lane  int
	y     float64 // height of its middle
}

// segment is a piece of a line between dots of neighbouring layers.
type segment struct {
	left, right int
	line        line
}

// mostBends bounds the work. If the lines need more bends, lines that span many layers get none.
const (
	mostBends = 20_000
	longSpan  = 8
)

// route splits lines that span several layers into segments, with a bend in each layer between.
func (d *drawing) route() {
	deepest, bends := 0, 0
	for i := range d.items {
		deepest = max(deepest, d.items[i].layer)
		d.dots = append(d.dots, dot{item: i, layer: d.items[i].layer, lane: d.items[i].lane})
	}
	for _, l := range d.links {
		bends += max(0, d.span(l)-1)
	}
	d.layers = make([][]int, deepest+1)
	for i := range d.links {
		l := &d.links[i]
		if d.span(*l) > 0 {
			l.path = d.bend(l, bends > mostBends)
		}
	}
	for i, t := range d.dots {
		d.layers[t.layer] = append(d.layers[t.layer], i)
	}
}

func (d *drawing) span(l link) int {
	a, b := d.items[l.from].layer, d.items[l.to].layer
	return max(a-b, b-a)
}

// bend makes the dots of a line. The line changes to the lane of its end at once, so that it crosses the lanes
// between in one place.
func (d *drawing) bend(l *link, crowded bool) []int {
	from, to := l.from, l.to
	if l.turned {
		from, to = to, from
	}
	path := []int{from}
	if !crowded || d.span(*l) <= longSpan {
		for layer := d.items[from].layer + 1; layer < d.items[to].layer; layer++ {
			path = append(path, len(d.dots))
			d.dots = append(d.dots, dot{item: -1, layer: layer, lane: d.items[to].lane})
		}
	}
	path = append(path, to)
	for i := range path[1:] {
		if d.dots[path[i+1]].layer == d.dots[path[i]].layer+1 {
			d.segments = append(d.segments, segment{path[i], path[i+1], l.line})
		}
	}
	return path
}

// sorter is the state of reduceCrossings.
type sorter struct {
	*drawing
	right, left [][]int // the dots that each dot is connected with, in the next layer and in the one before
	place       []int   // of each dot in its layer
	tree        []int   // for counting
}

// reduceCrossings orders the dots of each layer, lane by lane, so that few lines cross. It sweeps to the right and to
// the left and puts each dot at the mean of those it is connected with, and it exchanges neighbours. It does so from
// several initial orders and keeps the best result.
func (d *drawing) reduceCrossings() {
	s := &sorter{
		drawing: d,
		right:   make([][]int, len(d.dots)),
		left:    make([][]int, len(d.dots)),
		place:   make([]int, len(d.dots)),
	}
	for _, g := range d.segments {
		s.right[g.left] = append(s.right[g.left], g.right)
		s.left[g.right] = append(s.left[g.right], g.left)
	}
	for _, layer := range d.layers {
		slices.SortStableFunc(layer, func(a, b int) int { return cmp.Compare(d.dots[a].lane, d.dots[b].lane) })
		s.number(layer)
	}
	first, second := s.snapshot(), s.inDepth()
	best, fewest := first, s.crossings()
	sweeps, starts := 32, [][][]int{first, second, upended(first), upended(second)}
	if len(d.dots) > 2000 {
		sweeps, starts = 8, starts[:1]
	}
	for _, start := range starts {
		s.restore(start)
		idle := 0
		for sweep := 0; sweep < sweeps && fewest > 0 && idle < 9; sweep++ {
			s.sweep(sweep%2 == 0)
			s.exchange(sweep%4 >= 2)
			if n := s.crossings(); n < fewest {
				best, fewest, idle = s.snapshot(), n, 0
			}
			idle++
		}
	}
	s.restore(best)
}

// restore puts the layers into an order, lane by lane.
func (s *sorter) restore(order [][]int) {
	for i, layer := range order {
		s.layers[i] = slices.Clone(layer)
		slices.SortStableFunc(s.layers[i], func(a, b int) int { return cmp.Compare(s.dots[a].lane, s.dots[b].lane) })
		s.number(s.layers[i])
	}
}

// inDepth is the order in which a depth-first search along the lines finds the dots.
func (s *sorter) inDepth() [][]int {
	order := make([][]int, len(s.layers))
	seen := make([]bool, len(s.dots))
	for root := range s.dots {
		stack := []int{root}
		for len(stack) > 0 {
			t := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[t] {
				continue
			}
			seen[t] = true
			order[s.dots[t].layer] = append(order[s.dots[t].layer], t)
			for _, near := range [][]int{s.left[t], s.right[t]} {
				for _, u := range slices.Backward(near) {
					stack = append(stack, u)
				}
			}
		}
	}
	return order
}

// upended is an order upside down.
func upended(order [][]int) [][]int {
	all := make([][]int, len(order))
	for i, layer := range order {
		all[i] = slices.Clone(layer)
		slices.Reverse(all[i])
	}
	return all
}

func (s *sorter) number(layer []int) {
	for i, t := range layer {
		s.place[t] = i
	}
}

func (s *sorter) snapshot() [][]int {
	all := make([][]int, len(s.layers))
	for i, layer := range s.layers {
		all[i] = slices.Clone(layer)
	}
	return all
}

// sweep goes through the layers in one direction.
func (s *sorter) sweep(rightwards bool) {
	mean := make([]float64, len(s.dots))
	for i := range s.layers {
		near := s.left
		if !rightwards {
			i, near = len(s.layers)-1-i, s.right
		}
		layer := s.layers[i]
		for _, t := range layer {
			mean[t] = -1
			if len(near[t]) > 0 {
				sum := 0
				for _, u := range near[t] {
					sum += s.place[u]
				}
				mean[t] = float64(sum) / float64(len(near[t]))
			}
		}
		// A dot without a connection on this side stays behind the dot before it.
		last := 0.0
		for _, t := range layer {
			if mean[t] < 0 {
				mean[t] = last
			}
			last = mean[t]
		}
		slices.SortStableFunc(layer, func(a, b int) int {
			return cmp.Or(cmp.Compare(s.dots[a].lane, s.dots[b].lane), cmp.Compare(mean[a], mean[b]))
		})
		s.number(layer)
	}
}

// exchange swaps neighbours as long as that removes crossings. If freely is true, it first also swaps neighbours
// where that makes no difference, to get out of a local optimum.
func (s *sorter) exchange(freely bool) {
	for round := range 6 {
		better := false
		for _, layer := range s.layers {
			for i := 0; i+1 < len(layer); i++ {
				a, b := layer[i], layer[i+1]
				if s.dots[a].lane != s.dots[b].lane {
					continue
				}
				now, then := s.between(a, b)
				if then < now || freely && round == 0 && then == now {
					better = better || then < now
					layer[i], layer[i+1] = b, a
					s.place[a], s.place[b] = i+1, i
				}
			}
		}
		if !better && round > 0 {
			return
		}
	}
}

// mostCompared bounds the work for dots with many lines.
const mostCompared = 4096

// between counts the crossings of the lines of two neighbours, in their order and exchanged.
func (s *sorter) between(a, b int) (now, then int) {
	for _, near := range [][][]int{s.left, s.right} {
		if len(near[a])*len(near[b]) > mostCompared {
			continue
		}
		for _, u := range near[a] {
			for _, v := range near[b] {
				switch {
				case s.place[u] > s.place[v]:
					now++
				case s.place[u] < s.place[v]:
					then++
				}
			}
		}
	}
	return now, then
}

// crossings counts all crossings between neighbouring layers.
func (s *sorter) crossings() int {
	total := 0
	var ends []int
	for i, layer := range s.layers {
		if i+1 == len(s.layers) {
			break
		}
		s.tree = append(s.tree[:0], make([]int, len(s.layers[i+1])+1)...)
		count := 0
		for _, t := range layer {
			ends = ends[:0]
			for _, u := range s.right[t] {
				ends = append(ends, s.place[u])
			}
			for _, e := range ends { // those before that end below
				total += count
				for k := e + 1; k > 0; k -= k & -k {
					total -= s.tree[k]
				}
			}
			for _, e := range ends {
				count++
				for k := e + 1; k < len(s.tree); k += k & -k {
					s.tree[k]++
				}
			}
		}
	}
	return total
}
