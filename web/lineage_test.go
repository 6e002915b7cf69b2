package web

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/web/picture"
)

func init() {
	pages["lineage"] = &Lineage{
		Frame: framed(), Asked: hostile, Fault: hostile, Node: hostile, Title: hostile, Sub: hostile, Word: hostile, Flags: []string{hostile}, Direction: hostile,
		Directions: []Choice{{hostile, hostile, true}}, Depths: []Choice{{hostile, hostile, false}}, At: hostile, Picture: hostilePicture(), Lanes: 2, Recalled: 1,
		Causes: "/lineage?" + hostile, Cut: []string{hostile}, Further: "/lineage?" + hostile, Fold: "/lineage?" + hostile, Exports: []Export{{hostile, hostile, "javascript:alert(1)"}},
	}
}

func hostilePicture() *picture.Picture {
	return picture.Draw(&lineage.Answer{Node: hostile, Nodes: []lineage.Node{
		{ID: hostile, Kind: "artifact", MSPID: hostile, Flags: []string{hostile}}, {ID: "b" + hostile, Kind: "event", BizStep: hostile, Depth: 1},
	}, Edges: []lineage.Edge{{From: hostile, To: "b" + hostile, Kind: hostile}}}, picture.Options{Link: func(n *lineage.Node) string { return Href(n.ID) }})
}

func TestTheSummaryOfALineageCountsWhatIsFolded(t *testing.T) {
	for want, l := range map[string]Lineage{
		"1 node, as of block 7.": {Picture: &picture.Picture{Nodes: 1, Drawn: 1}, Lanes: 1, Block: 7},
		"1\u202f200 nodes of 3 organisations, 40 drawn one by one and the others in 1 fold, as of block 7.": {Picture: &picture.Picture{Nodes: 1200, Drawn: 40, Folds: 1}, Lanes: 3, Block: 7},
	} {
		assert.Equal(t, want, l.Summary())
	}
}

func TestARowNamesAFewNeighboursAndCountsTheOthers(t *testing.T) {
	var list []picture.Ref
	for i := range 9 {
		list = append(list, picture.Ref{Title: fmt.Sprint("L", i), How: "led to"})
	}
	assert.Equal(t, "L0, L1, L2, L3, L4, L5, 3 more", refs(list))
	assert.Equal(t, "L0 ×\u202f3, P (held)", refs([]picture.Ref{list[0], list[0], {Title: "P", How: "held"}, list[0]}))
	assert.Equal(t, "P (held)", refs([]picture.Ref{{Title: "P", How: "held"}}))
}

func TestTheFrameOfThePictureHasItsHeightBeforeThePictureIsDrawn(t *testing.T) {
	for height, want := range map[int]string{100: "stage-3", 500: "stage-8", 768: "stage-12", 769: "stage-full"} {
		l := Lineage{Frame: framed(), Picture: &picture.Picture{Height: height}}
		assert.Equal(t, want, l.Height())
		p, err := Load()
		require.NoError(t, err)
		body, err := p.Render("lineage", &l)
		require.NoError(t, err)
		assert.Contains(t, string(body), `class="stage `+want+`"`)
	}
}
