package picture

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// drawing contains the items and links of a graph that are drawn, and their places in the picture.
type drawing struct {
	g      *graph
	items  []item // nodes and folds, in the order of the nodes
	links  []link
	coarse bool
	full   bool

	lanes    []band
	layers   [][]int // the dots of each layer, from top to bottom
	dots     []dot   // first those of the items, then the bends of lines
	segments []segment
	width    float64
	height   float64
}

// item is a node, or several that are folded.
type item struct {
	nodes   []int  // of a fold, first those that it is named for
	main    int    // the number of those; the others are events that only name them
	key     string // of a fold
	rest    int    // of a fold: how many of its kind are drawn beside it
	chain   bool   // the fold is of steps one after another
	look    *look
	lane    int
	mark    mark
	carrier bool
	layer   int
}

func (i *item) isFold() bool { return i.key != "" }

// link connects two items.
type link struct {
	from, to int
	line     line
	count    int   // of edges
	path     []int // dots from left to right; nil if both ends are in one layer
	turned   bool  // the line goes from right to left
}

// manners are the ways to fold, from the one that shows most to the one that shows least.
var manners = []manner{{few: 3}, {few: 2}, {few: 1}, {few: 0}, {few: 0, joined: true}}

// manner is one way to fold.
type manner struct {
	few    int  // number of nodes of each group that are shown
	joined bool // nodes of the same depth are a group, whatever their parents
	deep   int  // if not 0, everything deeper than this is one group
}

// fold draws in the first manner that makes the drawing small enough, and then opens the folds that are unfolded.
func (g *graph) fold(o Options) *drawing {
	if len(g.nodes) <= o.Whole {
		return g.draw(manner{few: len(g.nodes)}, nil)
	}
	m, d := manners[0], (*drawing)(nil)
	for _, m = range manners {
		if d = g.draw(m, nil); d.size() <= o.Target {
			break
		}
	}
	if d.size() > o.Target {
		m.deep = g.reach(d, o.Target)
		d = g.draw(m, nil)
	}
	if len(o.Unfolded) > 0 {
		if opened := g.draw(m, o.Unfolded); opened.size() <= o.Most {
			d = opened
		} else {
			d.full = true
		}
	}
	d.coarse = m.joined || m.deep > 0
	return d
}

// size is the number of items that a drawing has when its chains are folded.
func (d *drawing) size() int {
	inside := 0
	for _, c := range d.chains(nil) {
		inside += len(c.inside) - 1
	}
	return len(d.items) - inside
}

// reach returns the greatest depth up to which there is room for all groups.
func (g *graph) reach(d *drawing, target int) int {
	depth, room := 1, target-len(g.lanes)*2
	perDepth := map[int]int{}
	deepest := 0
	for _, i := range d.items {
		at := g.nodes[i.nodes[0]].Depth
		perDepth[at]++
		deepest = max(deepest, at)
	}
	for at := 0; at <= deepest; at++ {
		if room -= perDepth[at]; room < 0 {
			break
		}
		depth = max(depth, at)
	}
	return depth
}

// draw makes a drawing that is folded in one manner.
func (g *graph) draw(m manner, open map[string]int) *drawing {
	f := folding{
		graph:  g,
		manner: m,
		open:   open,
		owner:  make([]int, len(g.nodes)),
		shown:  make([]bool, len(g.nodes)),
		keys:   map[int]string{},
		groups: map[string]int{},
	}
	d := &drawing{g: g}
	for first := 0; first < len(g.nodes); {
		end := first + 1
		for first > 0 && end < len(g.nodes) && g.nodes[end].Depth == g.nodes[first].Depth {
			end++
		}
		f.level(d, first, end)
		first = end
	}
	// In the order of their first nodes; groups of one level came in the order of theirs.
	order := make([]int, len(d.items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(d.items[a].nodes[0], d.items[b].nodes[0]) })
	sorted := make([]item, len(order))
	place := make([]int, len(order))
	for i, old := range order {
		sorted[i], place[old] = d.items[old], i
	}
	d.items = sorted
	for v, i := range f.owner {
		f.owner[v] = place[i]
	}
	d.connect(f.owner)
	return d
}

// connect draws the links between items that the edges between their nodes make.
func (d *drawing) connect(owner []int) {
	d.links = make([]link, 0, len(d.g.edges))
	for _, e := range d.g.edges {
		if from, to := owner[e.from], owner[e.to]; from != to {
			d.links = append(d.links, link{from: from, to: to, line: e.line, count: 1})
		}
	}
	d.mergeLinks()
}

func (d *drawing) mergeLinks() {
	slices.SortStableFunc(d.links, func(x, y link) int {
		return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(x.to, y.to), cmp.Compare(y.line, x.line))
	})
	merged := d.links[:0]
	for _, l := range d.links {
		if n := len(merged); n > 0 && merged[n-1].from == l.from && merged[n-1].to == l.to {
			merged[n-1].count += l.count
			continue
		}
		merged = append(merged, l)
	}
	d.links = merged
}

// folding is the state of draw. It takes the nodes in the order of their depth, so that the parent of a node is already
// shown or folded.
type folding struct {
	*graph
	manner
	open   map[string]int
	owner  []int
	shown  []bool
	keys   map[int]string // of folds, by their items
	groups map[string]int // items of the groups that are open at every level, by their keys
}

// level folds the nodes from first on, up to end, which are of one depth.
func (f *folding) level(d *drawing, first, end int) {
	members := map[string][]int{}
	var order []string
	for v := first; v < end; v++ {
		k, fold := f.group(v)
		if fold >= 0 {
			f.owner[v] = fold
			d.items[fold].nodes = append(d.items[fold].nodes, v)
			continue
		}
		if members[k] == nil {
			order = append(order, k)
		}
		members[k] = append(members[k], v)
	}
	for _, k := range order {
		list := members[k]
		deep := strings.HasPrefix(k, "beyond")
		show := len(list)
		if few := f.fewOf(k); show > few+1 || deep {
			show = min(show, few+f.open[brief(k)])
			if len(list)-show == 1 {
				show++
			}
		}
		for _, v := range list[:show] {
			f.owner[v], f.shown[v] = len(d.items), true
			d.items = append(d.items, f.single(v))
		}
		if rest := list[show:]; len(rest) > 0 {
			f.put(d, k, rest, show, deep)
		}
	}
}

// put makes a fold, or adds nodes to the fold of everything too deep.
func (f *folding) put(d *drawing, k string, rest []int, shown int, deep bool) {
	at, ok := f.groups[k]
	if !ok {
		at = len(d.items)
		i := f.single(rest[0])
		i.nodes, i.key, i.rest = nil, brief(k), shown
		d.items = append(d.items, i)
		if deep {
			f.groups[k] = at
		}
		f.keys[at] = k
	}
	i := &d.items[at]
	for _, v := range rest {
		f.owner[v] = at
		n := &f.nodes[v]
		i.mark, i.carrier = max(i.mark, n.mark), i.carrier && n.Carrier
		if n.look != i.look {
			i.look = unknown
		}
	}
	i.nodes = append(i.nodes, rest...)
	i.main = len(i.nodes)
}

func (f *folding) fewOf(k string) int {
	if strings.HasPrefix(k, "fold") || strings.HasPrefix(k, "beyond") {
		return 0
	}
	return f.few
}

func (f *folding) single(v int) item {
	n := &f.nodes[v]
	return item{nodes: []int{v}, main: 1, look: n.look, lane: n.lane, mark: n.mark, carrier: n.Carrier}
}

// group returns the name of the group of similar siblings to which a node belongs. If the node is an event that only
// names folded things, it belongs to their fold. For other nodes, fold is -1.
func (f *folding) group(v int) (name string, fold int) {
	n := &f.nodes[v]
	if f.deep > 0 && n.Depth > f.deep {
		return fmt.Sprintf("beyond %d", n.lane), -1
	}
	step := n.BizStep
	alone := n.Kind == "event" && f.alone(v)
	if alone {
		step = "alone"
	}
	alike := fmt.Sprintf("%d %s %d %d %t %s", n.Depth, n.look.symbol, n.lane, n.mark, n.Carrier, step)
	if f.joined || v == 0 {
		return "all " + alike, -1
	}
	parent, e, forward := f.parent(v)
	switch {
	case parent < 0:
		return "none " + alike, -1
	case f.shown[parent]:
		return fmt.Sprintf("node %s %d %t %s", f.nodes[parent].ID, f.edges[e].line, forward, alike), -1
	case alone && n.mark <= approved:
		return "", f.owner[parent]
	}
	return fmt.Sprintf("fold %s %s", brief(f.keys[f.owner[parent]]), alike), -1
}

// parent returns the neighbour under which a node is grouped: of the neighbours that are less deep, the first one
// that is shown, or else the first one.
func (f *folding) parent(v int) (parent, e int, forward bool) {
	parent, e = -1, -1
	best := func(u, by int, along bool) {
		if f.nodes[u].Depth >= f.nodes[v].Depth {
			return
		}
		if parent < 0 || f.shown[u] && !f.shown[parent] || f.shown[u] == f.shown[parent] && u < parent {
			parent, e, forward = u, by, along
		}
	}
	for _, by := range f.in[v] {
		best(f.edges[by].from, by, true)
	}
	for _, by := range f.out[v] {
		best(f.edges[by].to, by, false)
	}
	return parent, e, forward
}

// brief makes a short key from the name of a group, for addresses. The key stays the same as long as the group has
// the same parent.
func brief(group string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(group)) // never fails
	return strconv.FormatUint(h.Sum64()>>16, 36)
}

// caption gives an item its two lines.
func (d *drawing) caption(i *item) (title, sub string) {
	if !i.isFold() {
		return label(d.g.nodes[i.nodes[0]].Node)
	}
	more, words := "", i.look.several
	if i.rest > 0 {
		more = "more "
	}
	if i.chain {
		words = "steps"
	}
	title = fmt.Sprintf("%d %s%s", i.main, more, words)
	if n := len(i.nodes) - i.main; n > 0 {
		return title, "with " + count(n, "event", "events")
	}
	if when := d.period(i); when != "" {
		return title, when
	}
	one, sub := label(d.g.nodes[i.nodes[0]].Node)
	for _, v := range i.nodes {
		if _, other := label(d.g.nodes[v].Node); other != sub {
			return title, one + " …"
		}
	}
	return title, sub
}

// narrow splits the title of a fold after its number if it is too long for the card.
func narrow(title, sub string) (string, string) {
	number, rest, _ := strings.Cut(title, " ")
	if measure(title, titleSize) <= textRoom || rest == "" {
		return title, sub
	}
	if words, more := strings.CutPrefix(rest, "more "); more {
		return number + " more", strings.TrimSuffix(words+", "+sub, ", ")
	}
	return title, sub
}

func count(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + several
}

// period writes when the first and the last event or run of an item happened.
func (d *drawing) period(i *item) string {
	var from, to time.Time
	for _, v := range i.nodes {
		n := d.g.nodes[v]
		if n.Time.IsZero() || n.Kind != "event" && n.Kind != "activity" {
			continue
		}
		if from.IsZero() || n.Time.Before(from) {
			from = n.Time
		}
		if n.Time.After(to) {
			to = n.Time
		}
	}
	if from.IsZero() {
		return ""
	}
	from, to = from.UTC(), to.UTC()
	switch {
	case from.Format(time.DateOnly) == to.Format(time.DateOnly):
		return from.Format("2 Jan 2006")
	case from.Year() == to.Year() && from.Month() == to.Month():
		return from.Format("2") + "–" + to.Format("2 Jan 2006")
	case from.Year() == to.Year():
		return from.Format("2 Jan") + " – " + to.Format("2 Jan 2006")
	}
	return from.Format("Jan 2006") + " – " + to.Format("Jan 2006")
}
