package picture

import (
	"cmp"
	"slices"
)

// band is the lane of one organisation.
type band struct {
	name        string
	top, height float64
}

// mostPermuted is the most lanes of which all orders are tried.
const mostPermuted = 7

// assignLanes orders the lanes so that lines cross few of them, and numbers the lanes that have items.
func (d *drawing) assignLanes() {
	at := make([]struct{ lane, items, layers int }, len(d.g.lanes))
	for i := range d.items {
		it := &d.items[i]
		at[it.lane].lane = it.lane
		at[it.lane].items++
		at[it.lane].layers += it.layer
	}
	at = slices.DeleteFunc(at, func(l struct{ lane, items, layers int }) bool { return l.items == 0 })
	slices.SortStableFunc(at, func(x, y struct{ lane, items, layers int }) int {
		return cmp.Compare(float64(x.layers)/float64(x.items), float64(y.layers)/float64(y.items))
	})
	first := make([]int, len(d.g.lanes)) // by lane of the graph
	for i, l := range at {
		first[l.lane] = i
	}
	between := make([][]int, len(at))
	for i := range between {
		between[i] = make([]int, len(at))
	}
	for _, l := range d.links {
		a, b := first[d.items[l.from].lane], first[d.items[l.to].lane]
		between[a][b] += 1 + int(l.line)
	}
	rank := bestOrder(between)
	d.lanes = make([]band, len(at))
	for i, l := range at {
		d.lanes[rank[i]].name = d.g.lanes[l.lane]
	}
	for i := range d.items {
		d.items[i].lane = rank[first[d.items[i].lane]]
	}
}

// bestOrder gives each lane a place, so that the lines between them are short. It returns the first of equally good
// orders.
func bestOrder(between [][]int) []int {
	n := len(between)
	rank := make([]int, n)
	for i := range rank {
		rank[i] = i
	}
	if n > mostPermuted {
		return rank
	}
	cost := func() (sum int) {
		for a := range between {
			for b, lines := range between[a] {
				sum += lines * max(rank[a]-rank[b], rank[b]-rank[a])
			}
		}
		return sum
	}
	best, lowest := slices.Clone(rank), cost()
	for next(rank) {
		if c := cost(); c < lowest {
			best, lowest = slices.Clone(rank), c
		}
	}
	return best
}

// next makes the next permutation in lexicographic order.
func next(p []int) bool {
	i := len(p) - 2
	for i >= 0 && p[i] > p[i+1] {
		i--
	}
	if i < 0 {
		return false
	}
	j := len(p) - 1
	for p[j] < p[i] {
		j--
	}
	p[i], p[j] = p[j], p[i]
	slices.Reverse(p[i+1:])
	return true
}
