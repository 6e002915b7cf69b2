package picture

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type point struct{ x, y float64 }

// crossings counts how often straight lines cross each other within, not at their ends.
func crossings(lines [][]point) (n int) {
	type piece struct {
		a, b point
		line int
	}
	var pieces []piece
	for i, l := range lines {
		for k := range l[1:] {
			pieces = append(pieces, piece{l[k], l[k+1], i})
		}
	}
	side := func(a, b, c point) float64 { return (b.x-a.x)*(c.y-a.y) - (b.y-a.y)*(c.x-a.x) }
	for i, p := range pieces {
		for _, q := range pieces[i+1:] {
			if p.line != q.line && math.Max(p.a.x, p.b.x) >= math.Min(q.a.x, q.b.x) && math.Max(q.a.x, q.b.x) >= math.Min(p.a.x, p.b.x) &&
				side(p.a, p.b, q.a)*side(p.a, p.b, q.b) < -1e-6 && side(q.a, q.b, p.a)*side(q.a, q.b, p.b) < -1e-6 {
				n++
			}
		}
	}
	return n
}

// ours are the crossings of our lines, seen as straight from bend to bend.
func ours(d *drawing) int {
	var lines [][]point
	for _, l := range d.links {
		var line []point
		for _, t := range l.path {
			line = append(line, point{float64(d.dots[t].layer) * pitch, d.dots[t].y})
		}
		if line != nil {
			lines = append(lines, line)
		}
	}
	return crossings(lines)
}

// graphviz draws the same links with dot, which knows nothing of lanes.
func graphviz(t *testing.T, dot string, d *drawing) int {
	t.Helper()
	var in bytes.Buffer
	fmt.Fprintln(&in, "digraph { rankdir=LR; splines=polyline; node [shape=point]")
	for _, l := range d.links {
		fmt.Fprintf(&in, "n%d -> n%d\n", l.from, l.to)
	}
	fmt.Fprintln(&in, "}")
	cmd := exec.CommandContext(t.Context(), dot, "-Tplain")
	cmd.Stdin = &in
	out, err := cmd.Output()
	require.NoError(t, err)
	var lines [][]point
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		f := strings.Fields(s.Text())
		if f[0] != "edge" {
			continue
		}
		n, err := strconv.Atoi(f[3])
		require.NoError(t, err)
		var line []point
		for i := range n {
			x, err := strconv.ParseFloat(f[4+2*i], 64)
			require.NoError(t, err)
			y, err := strconv.ParseFloat(f[5+2*i], 64)
			require.NoError(t, err)
			if p := (point{x, y}); len(line) == 0 || line[len(line)-1] != p {
				line = append(line, p)
			}
		}
		lines = append(lines, line)
	}
	return crossings(lines)
}

func TestNotManyMoreLinesCrossThanGraphvizLetsCross(t *testing.T) {
	dot, err := exec.LookPath("dot")
	if err != nil {
		t.Skip("Graphviz is not installed: on Debian, apt-get install graphviz")
	}
	total, theirs := 0, 0
	for seed := range uint64(24) {
		a := tangle(seed, 12+int(seed)*2, 14+int(seed)*2)
		for i := range a.Nodes {
			a.Nodes[i].MSPID = "LabMSP" // one lane: dot has none
		}
		d := laidOut(a, everything)
		total += ours(d)
		theirs += graphviz(t, dot, d)
	}
	for _, n := range []int{60, 150} {
		a := recall(n)
		for i := range a.Nodes {
			a.Nodes[i].MSPID = "LabMSP"
		}
		d := laidOut(a, everything)
		total += ours(d)
		theirs += graphviz(t, dot, d)
	}
	t.Logf("%d crossings, Graphviz has %d", total, theirs)
	require.LessOrEqual(t, total, theirs*5/4+10)
}
