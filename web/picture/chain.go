package picture

import (
	"slices"
	"strconv"
)

// longChain is the least number of items between the ends of a chain that is folded.
const longChain = 6

// chain is a run of items, each the only effect of the one before.
type chain struct {
	key    string
	inside []int // what is folded: all items except the ends, and what is connected with them alone
	trunk  int   // the number of those that are in the run itself
}

// collapse folds the middles of long chains.
func (d *drawing) collapse(o Options) {
	open := o.Unfolded
	if d.full {
		open = nil
	}
	owner := make([]int, len(d.items))
	for i := range owner {
		owner[i] = i
	}
	gone := make([]bool, len(d.items))
	for _, c := range d.chains(open) {
		first := &d.items[c.inside[0]]
		nodes := []int{}
		for _, i := range c.inside {
			nodes = append(nodes, d.items[i].nodes...)
			owner[i], gone[i] = c.inside[0], i != c.inside[0]
		}
		slices.Sort(nodes)
		*first = item{
			nodes: nodes,
			main:  len(nodes),
			key:   c.key,
			chain: true,
			look:  folded,
			lane:  first.lane,
			mark:  first.mark,
		}
	}
	place, kept := make([]int, len(d.items)), d.items[:0:0]
	for i := range d.items {
		if place[i] = len(kept); !gone[i] {
			kept = append(kept, d.items[i])
		}
	}
	links := d.links[:0]
	for _, l := range d.links {
		l.from, l.to = place[owner[l.from]], place[owner[l.to]]
		if l.from != l.to {
			links = append(links, l)
		}
	}
	d.items, d.links = kept, links
	d.mergeLinks()
}

// chains finds the long chains, without the parts that are unfolded.
func (d *drawing) chains(open map[string]int) []chain {
	edges := make([]edge, len(d.links))
	for i, l := range d.links {
		edges[i] = edge{l.from, l.to, l.line}
	}
	out, in := incidence(len(d.items), edges)
	leaf := func(i int) bool {
		return i > 0 && len(out[i])+len(in[i]) == 1 && d.items[i].mark <= approved
	}
	// The only cause and the only effect of each item, if there is one of each; -1 otherwise.
	before, after := make([]int, len(d.items)), make([]int, len(d.items))
	only := func(list []int, other func(int) int) int {
		found := -1
		for _, e := range list {
			switch v := other(e); {
			case leaf(v):
			case found >= 0 || edges[e].line != causes:
				return -1
			default:
				found = v
			}
		}
		return found
	}
	runs := make([]bool, len(d.items))
	for i := range d.items {
		before[i] = only(in[i], func(e int) int { return edges[e].from })
		after[i] = only(out[i], func(e int) int { return edges[e].to })
		runs[i] = i > 0 && before[i] >= 0 && after[i] >= 0 && !d.items[i].isFold()
	}
	same := func(i, j int) bool { return d.items[i].lane == d.items[j].lane && d.items[i].mark == d.items[j].mark }
	var found []chain
	for i := range d.items {
		if !runs[i] || runs[before[i]] && same(i, before[i]) {
			continue
		}
		run := []int{i}
		for j := after[i]; runs[j] && same(i, j) && j != i; j = after[j] {
			run = append(run, j)
		}
		if len(run) < longChain+2 {
			continue
		}
		c := chain{key: brief("chain " + d.g.nodes[d.items[i].nodes[0]].ID + strconv.Itoa(len(run)))}
		middle := run[min(1+open[c.key], len(run)-1) : len(run)-1]
		if c.trunk = len(middle); c.trunk < 2 {
			continue
		}
		for _, j := range middle {
			c.inside = append(c.inside, j)
			for _, e := range out[j] {
				if leaf(edges[e].to) {
					c.inside = append(c.inside, edges[e].to)
				}
			}
			for _, e := range in[j] {
				if leaf(edges[e].from) {
					c.inside = append(c.inside, edges[e].from)
				}
			}
		}
		found = append(found, c)
	}
	return found
}
