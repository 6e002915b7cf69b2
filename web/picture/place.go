package picture

import (
	"math"
	"slices"
)

// Sizes and distances in the picture, in pixels.
const (
	cardWidth, cardHeight = 176, 44
	columnGap             = 60 // between cards of neighbouring layers
	cardGap               = 18 // between cards of one layer
	bendGap               = 14 // beside a passing line
	lanePad               = 20 // above and below the content of a lane
	margin                = 14
	pitch                 = cardWidth + columnGap
)

// room is the least distance between the middles of two dots, one above the other.
func (d *drawing) room(above, below int) float64 {
	half := func(t int) float64 {
		if d.dots[t].item >= 0 {
			return cardHeight / 2
		}
		return 0
	}
	gap := float64(cardGap)
	if d.dots[above].item < 0 || d.dots[below].item < 0 {
		gap = bendGap
	}
	return half(above) + gap + half(below)
}

// place sets the heights of all dots, lane by lane. A lane is as high as its fullest layer. Lines are as straight as
// there is room for.
func (d *drawing) place() {
	stacks := make([][][]int, len(d.lanes)) // by lane, then by layer
	for _, layer := range d.layers {
		for first := 0; first < len(layer); {
			end := first
			lane := d.dots[layer[first]].lane
			for end < len(layer) && d.dots[layer[end]].lane == lane {
				end++
			}
			stacks[lane] = append(stacks[lane], layer[first:end])
			first = end
		}
	}
	heights := make([]float64, len(d.lanes))
	top := float64(margin)
	for i := range d.lanes {
		for _, stack := range stacks[i] {
			heights[i] = max(heights[i], d.pile(stack, top+lanePad+cardHeight/2))
		}
		d.lanes[i].top = top
		d.lanes[i].height = heights[i] + cardHeight + 2*lanePad
		top += d.lanes[i].height
	}
	d.height = top + margin
	d.width = float64(len(d.layers))*pitch - columnGap + 2*margin
	d.straighten(stacks)
}

// pile puts the dots of a stack under each other from y on, and returns how far apart the first and the last are.
func (d *drawing) pile(stack []int, y float64) float64 {
	first := y
	for i, t := range stack {
		if i > 0 {
			y += d.room(stack[i-1], t)
		}
		d.dots[t].y = y
	}
	return y - first
}

// pull is a force that moves a dot to the height of another.
type pull struct {
	other  int
	weight float64
}

// straighten moves the dots towards those they are connected with, within their lanes and without changing their order.
func (d *drawing) straighten(stacks [][][]int) {
	pulls := make([][]pull, len(d.dots))
	for _, g := range d.segments {
		weight := 1.0
		switch bends := b2i(d.dots[g.left].item < 0) + b2i(d.dots[g.right].item < 0); {
		case bends == 2:
			weight = 8
		case bends == 1:
			weight = 2
		}
		if g.line != causes {
			weight /= 3
		}
		pulls[g.left] = append(pulls[g.left], pull{g.right, weight})
		pulls[g.right] = append(pulls[g.right], pull{g.left, weight})
	}
	for round := range 40 {
		for lane := range stacks {
			low := d.lanes[lane].top + lanePad + cardHeight/2
			high := low + d.lanes[lane].height - 2*lanePad - cardHeight
			for i := range stacks[lane] {
				if round%2 == 1 {
					i = len(stacks[lane]) - 1 - i
				}
				d.settle(stacks[lane][i], pulls, low, high)
			}
		}
	}
	for range 2 {
		d.flatten()
	}
}

// flatten makes lines that pass several layers as level as their neighbours allow.
func (d *drawing) flatten() {
	place := make([]int, len(d.dots))
	for _, layer := range d.layers {
		for i, t := range layer {
			place[t] = i
		}
	}
	// free returns the heights between which a bend can be.
	free := func(t int) (low, high float64) {
		dot := d.dots[t]
		low = d.lanes[dot.lane].top + bendGap/2
		high = d.lanes[dot.lane].bottom() - bendGap/2
		layer := d.layers[dot.layer]
		if i := place[t]; i > 0 {
			low = max(low, d.dots[layer[i-1]].y+d.room(layer[i-1], t))
		}
		if i := place[t]; i+1 < len(layer) {
			high = min(high, d.dots[layer[i+1]].y-d.room(t, layer[i+1]))
		}
		return low, high
	}
	for _, l := range d.links {
		if len(l.path) < 3 {
			continue
		}
		bends := l.path[1 : len(l.path)-1]
		before := d.dots[l.path[0]].y
		for len(bends) > 0 {
			low, high := free(bends[0])
			n := 1
			for ; n < len(bends); n++ {
				nextLow, nextHigh := free(bends[n])
				if max(low, nextLow) > min(high, nextHigh) {
					break
				}
				low, high = max(low, nextLow), min(high, nextHigh)
			}
			if low > high {
				low, high = d.dots[bends[0]].y, d.dots[bends[0]].y
			}
			wanted := before
			if n == len(bends) {
				// The whole rest of the line is level with one of its ends, the nearer one.
				after := d.dots[l.path[len(l.path)-1]].y
				if math.Abs(min(max(after, low), high)-after) <= math.Abs(min(max(before, low), high)-before) {
					wanted = after
				}
			}
			before = min(max(wanted, low), high)
			for _, t := range bends[:n] {
				d.dots[t].y = before
			}
			bends = bends[n:]
		}
	}
}

// settle moves the dots of a stack to where the pulls on them are in balance, as far as their order, the room between
// them and the ends of the lane allow. It finds the heights with the least squared distance from the wanted ones
// (pool adjacent violators).
func (d *drawing) settle(stack []int, pulls [][]pull, low, high float64) {
	type block struct {
		sum, weight float64
		dots        int
	}
	offsets := make([]float64, len(stack))
	var blocks []block
	for i, t := range stack {
		if i > 0 {
			offsets[i] = offsets[i-1] + d.room(stack[i-1], t)
		}
		b := block{dots: 1}
		for _, p := range pulls[t] {
			b.sum += p.weight * (d.dots[p.other].y - offsets[i])
			b.weight += p.weight
		}
		if b.weight == 0 {
			b.weight = 0.01 // it stays where it is, unless others need the room
			b.sum = b.weight * (d.dots[t].y - offsets[i])
		}
		blocks = append(blocks, b)
		for n := len(blocks); n > 1 && blocks[n-2].sum/blocks[n-2].weight > blocks[n-1].sum/blocks[n-1].weight; n-- {
			blocks[n-2].sum += blocks[n-1].sum
			blocks[n-2].weight += blocks[n-1].weight
			blocks[n-2].dots += blocks[n-1].dots
			blocks = blocks[:n-1]
		}
	}
	last := offsets[len(offsets)-1]
	i := 0
	for _, b := range blocks {
		y := min(max(b.sum/b.weight, low), high-last)
		for range b.dots {
			d.dots[stack[i]].y = y + offsets[i]
			i++
		}
	}
}

// bottom is the height at which a lane ends.
func (b band) bottom() float64 { return b.top + b.height }

// beside returns where the cards of a link within one layer begin, and which of them is above.
func (d *drawing) beside(l link) (x float64, above, below int) {
	above, below = l.from, l.to
	if d.dots[above].y > d.dots[below].y {
		above, below = below, above
	}
	return margin + float64(d.items[above].layer)*pitch, above, below
}

// neighbours reports whether two dots of a layer are next to each other.
func (d *drawing) neighbours(above, below int) bool {
	layer := d.layers[d.dots[above].layer]
	return slices.Index(layer, above)+1 == slices.Index(layer, below)
}
