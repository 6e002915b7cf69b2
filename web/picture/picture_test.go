package picture

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

var update = flag.Bool("update", false, "write the golden files anew")

// laidOut is a drawing on its way to a picture, everything but written.
func laidOut(a *lineage.Answer, o Options) *drawing {
	o = o.withDefaults()
	d := read(a, o).fold(o)
	d.collapse(o)
	d.assignLayers()
	d.assignLanes()
	d.route()
	d.reduceCrossings()
	d.place()
	return d
}

// everything is drawn with these.
var everything = Options{Whole: 1 << 20}

func links(o Options) Options {
	o.Link = func(n *lineage.Node) string { return "/x/" + n.ID }
	o.Unfold = func(key string, extra int) string { return fmt.Sprintf("/lineage?unfold=%s.%d", key, extra) }
	return o
}

// graphs are answers of all sorts.
func graphs() map[string]*lineage.Answer {
	all := map[string]*lineage.Answer{
		"one node": {Node: "model/a/b@1", Nodes: []lineage.Node{{ID: "model/a/b@1", Kind: "artifact", MSPID: "LabMSP"}}},
		"a recall": recall(300), "a big recall": recall(2000),
	}
	for seed := range uint64(40) {
		all[fmt.Sprintf("tangle %d", seed)] = tangle(seed, 2+int(seed*seed)%90, int(seed*7)%160)
	}
	return all
}

func TestCardsDoNotOverlapAndStayInTheirLanes(t *testing.T) {
	for name, a := range graphs() {
		for _, o := range []Options{{}, everything} {
			d := laidOut(a, o)
			for _, layer := range d.layers {
				for i, t2 := range layer {
					dot := d.dots[t2]
					lane := d.lanes[dot.lane]
					half := 0.0
					if dot.item >= 0 {
						half = cardHeight / 2
					}
					require.GreaterOrEqual(t, dot.y-half, lane.top, name)
					require.LessOrEqual(t, dot.y+half, lane.bottom(), name)
					if i > 0 {
						require.GreaterOrEqual(t, dot.y-d.dots[layer[i-1]].y, d.room(layer[i-1], t2)-0.001, name)
					}
				}
			}
			for i := range d.lanes[1:] {
				require.GreaterOrEqual(t, d.lanes[i+1].top, d.lanes[i].bottom(), name)
			}
		}
	}
}

func TestCausesStandToTheLeftOfTheirEffects(t *testing.T) {
	for name, a := range graphs() {
		if strings.HasPrefix(name, "tangle") {
			continue // those have cycles
		}
		d := laidOut(a, everything)
		for _, l := range d.links {
			if l.line == causes {
				require.Less(t, d.items[l.from].layer, d.items[l.to].layer, name)
			}
		}
	}
}

func TestOnlyLinesOfCyclesOfCauseAndEffectGoBack(t *testing.T) {
	for name, a := range graphs() {
		d := laidOut(a, everything)
		reaches := func(from, to int) bool {
			seen := map[int]bool{from: true}
			for queue := []int{from}; len(queue) > 0; queue = queue[1:] {
				for _, l := range d.links {
					if l.from == queue[0] && l.line == causes && !seen[l.to] {
						seen[l.to] = true
						queue = append(queue, l.to)
					}
				}
			}
			return seen[to]
		}
		for _, l := range d.links {
			if l.line == causes && d.items[l.from].layer >= d.items[l.to].layer {
				require.True(t, reaches(l.to, l.from), "%s: %d leads back to %d, which doesn't lead to it", name, l.from, l.to)
			}
		}
	}
}

func TestThePictureDependsNotOnTheOrderOfTheAnswer(t *testing.T) {
	for name, a := range graphs() {
		want := Draw(a, links(Options{}))
		for seed := range uint64(3) {
			got := Draw(shuffled(a, seed), links(Options{}))
			require.Equal(t, string(want.SVG), string(got.SVG), name)
			require.Equal(t, want.Rows, got.Rows, name)
		}
	}
}

func TestEachNodeIsDrawnOrCountedInAFold(t *testing.T) {
	for name, a := range graphs() {
		for _, target := range []int{5, 30, 150} {
			d := laidOut(a, Options{Target: target, Whole: 1})
			count := map[int]int{}
			for _, it := range d.items {
				for _, v := range it.nodes {
					count[v]++
				}
				require.Equal(t, it.isFold(), it.key != "", name)
				if !it.isFold() {
					require.Len(t, it.nodes, 1, name)
				}
			}
			require.Len(t, count, len(d.g.nodes), name)
			for v, n := range count {
				require.Equal(t, 1, n, "%s: node %d", name, v)
			}
			p := Draw(a, Options{Target: target, Whole: 1})
			sum := 0
			for _, row := range p.Rows {
				sum += row.Count
			}
			require.Equal(t, p.Nodes, sum, name)
			require.Equal(t, p.Drawn+p.Folds, len(p.Rows), name)
		}
	}
}

func TestPicturesStaySmall(t *testing.T) {
	for _, n := range []int{300, 2000, 10_000} {
		p := Draw(recall(n), links(Options{}))
		assert.LessOrEqual(t, len(p.Rows), DefaultTarget, "%d nodes", n)
		assert.Greater(t, len(p.Rows), 20, "%d nodes", n)
		assert.Less(t, len(p.SVG), 80_000, "%d nodes", n)
	}
	wide := newAnswer(1)
	start := wide.artifact("dataset/lab/all@1", 0)
	for i := range 3000 {
		wide.edge(start, wide.node(lineage.Node{Kind: "artifact", ID: fmt.Sprintf("document/lab/d%d@1", i), MSPID: fmt.Sprintf("Org%dMSP", i%4), Depth: 1 + i%90}), lineage.EdgeDerived)
	}
	p := Draw(&wide.Answer, Options{})
	assert.True(t, p.Coarse)
	assert.LessOrEqual(t, len(p.Rows), DefaultTarget)
}

// texts are all the texts of an SVG, which must be well-formed.
func texts(t *testing.T, svg string) (texts []string, attributes map[string]bool) {
	t.Helper()
	attributes = map[string]bool{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts, attributes
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.CharData:
			texts = append(texts, string(token))
		case xml.StartElement:
			require.NotContains(t, []string{"script", "style", "foreignObject", "image", "animate", "set"}, token.Name.Local)
			for _, a := range token.Attr {
				attributes[a.Name.Local] = true
				if a.Name.Local == "href" {
					require.True(t, strings.HasPrefix(a.Value, "#") || strings.HasPrefix(a.Value, "/"), a.Value)
				}
			}
		}
	}
}

func TestHostileTextIsShownAsText(t *testing.T) {
	const hostile = `"></text><script>alert('1')</script>&amp;`
	a := newAnswer(1)
	start := a.node(lineage.Node{ID: "model/lab/" + hostile + "@1", Kind: "artifact", MSPID: hostile})
	for _, n := range []lineage.Node{
		{ID: "https://id.gs1.org/01/09520001200014/10/%22%3E%3Cscript%3E", Kind: "class"},
		{ID: "javascript:alert(1)", Kind: "thing"},
		{ID: hostile, Kind: "missing"},
		{ID: "//evil.example/", Kind: "thing"},
		{Kind: "event", Type: hostile, BizStep: hostile},
		{Kind: "activity", Type: hostile},
		{Kind: "statement", Type: "a\x00b\u202ecod.exe", Flags: []string{hostile}},
		{ID: "model/lab/x\xff@1", Kind: "artifact", MSPID: "LabMSP"},
	} {
		n.Depth = 1
		a.edge(start, a.node(n), lineage.EdgeUsed)
	}
	p := Draw(&a.Answer, Options{Link: func(n *lineage.Node) string { return n.ID }, Unfold: func(string, int) string { return "//evil.example/" }})
	for _, part := range []string{string(p.SVG), string(p.Gutter)} {
		found, attributes := texts(t, part)
		assert.NotContains(t, part, "<script")
		assert.False(t, attributes["style"])
		assert.False(t, attributes["onclick"])
		assert.NotContains(t, strings.Join(found, ""), "\u202e", "what turns the direction of writing around")
		for _, text := range found {
			assert.NotContains(t, text, "\x00")
		}
	}
	found, _ := texts(t, string(p.SVG))
	assert.Contains(t, strings.Join(found, "\n"), `"></text><script>`)
	for _, row := range p.Rows {
		assert.Empty(t, row.Link, "a link elsewhere is no link")
	}
}

func TestAWholeIDIsThereHoweverLongItIs(t *testing.T) {
	id := "urn:example:" + strings.Repeat("long", 400)
	p := Draw(&lineage.Answer{Node: id, Nodes: []lineage.Node{{ID: id, Kind: "thing"}}}, Options{})
	assert.Contains(t, string(p.SVG), id+"</title>")
	assert.Equal(t, id, p.Rows[0].ID)
	assert.Less(t, len(p.Rows[0].Title), 1000)
}

func TestThePictureIsWhatItWas(t *testing.T) {
	for name, a := range map[string]*lineage.Answer{"recall": recall(30), "tangle": tangle(6, 14, 18)} {
		p := Draw(a, links(Options{}))
		got := strings.ReplaceAll(string(p.SVG), "><", ">\n<") + "\n"
		file := filepath.Join("testdata", name+".svg")
		if *update {
			require.NoError(t, os.MkdirAll("testdata", 0o755))
			require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, string(want), got, name)
	}
}

func TestTheTableSaysWhatThePictureSays(t *testing.T) {
	p := Draw(recall(60), links(everything))
	for _, row := range p.Rows {
		if row.Mark == 0 {
			assert.Empty(t, row.From)
			assert.Equal(t, "recalled", row.State)
		} else {
			require.NotEmpty(t, row.From, row.Title)
		}
		assert.Contains(t, string(p.SVG), fmt.Sprintf(`id="n%d"`, row.Mark))
		for _, ref := range row.To {
			assert.Contains(t, string(p.SVG), fmt.Sprintf(`data-e="%d-%d"`, row.Mark, ref.Mark))
			back := p.Rows[ref.Mark].From
			assert.True(t, slices.ContainsFunc(back, func(r Ref) bool { return r.Mark == row.Mark && r.How == ref.How && r.Title == row.Title }))
		}
	}
	lines := bytes.Count([]byte(p.SVG), []byte("data-e="))
	refs := 0
	for _, row := range p.Rows {
		refs += len(row.To)
	}
	assert.Equal(t, lines, refs)
}

func TestLinesPassBetweenCardsNotThroughThem(t *testing.T) {
	for name, a := range graphs() {
		d := laidOut(a, Options{})
		for _, l := range d.links {
			if len(l.path) < 3 {
				continue
			}
			for _, bend := range l.path[1 : len(l.path)-1] {
				for _, other := range d.layers[d.dots[bend].layer] {
					if d.dots[other].item >= 0 {
						require.Greater(t, math.Abs(d.dots[other].y-d.dots[bend].y), cardHeight/2+2.0, name)
					}
				}
			}
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	for _, n := range []int{300, 2000, 10_000} {
		a := recall(n)
		b.Run(fmt.Sprintf("folded/%d", n), func(b *testing.B) {
			for b.Loop() {
				Draw(a, links(Options{}))
			}
		})
		if n <= 2000 {
			b.Run(fmt.Sprintf("unfolded/%d", n), func(b *testing.B) {
				for b.Loop() {
					Draw(a, links(everything))
				}
			})
		}
	}
}
