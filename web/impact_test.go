package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func init() {
	touched := Touched{
		Node: hostile, Kind: hostile, Title: hostile, Sub: hostile, Word: hostile, MSPID: hostile, Flags: []string{hostile}, Recalled: true, Reached: 2, OnTheMove: true,
		Last: hostile, Waiting: true, Acknowledged: []string{hostile}, Why: []Hop{{"", hostile, hostile, 0}, {hostile, hostile, hostile, 3}},
	}
	pages["impact"] = &Impact{
		Frame: framed(), Asked: hostile, Of: hostile, At: hostile, Fault: hostile, Done: hostile, Found: true, Node: hostile, Title: hostile, Sub: hostile, Word: hostile,
		Flags: []string{hostile}, Shown: time.Unix(0, 0), Total: 2, OnTheMove: 1, Tiles: []Tile{{1, hostile}}, Columns: []Tile{{1, hostile}},
		Recalls: []ImpactRecall{{
			ID: hostile, Kind: hostile, MSPID: hostile, Reason: hostile, Instructions: hostile, Recorded: time.Unix(0, 0), Touched: 1,
			Acknowledged: []Acknowledged{{hostile, hostile, hostile, time.Unix(0, 0), 1}}, Missing: []string{hostile}, Owed: true,
		}},
		Things: []Touched{touched}, Others: []Touched{touched}, MoreThings: 3, MoreOthers: 4, ByOrganisation: []ImpactOrganisation{{hostile, []int{1}, 1, 1, 1}},
		Cut: []string{hostile}, Table: "/impact/csv?" + hostile, Picture: "/lineage?" + hostile,
	}
}

func TestAcknowledgedIsGoodNewsOnlyIfAllHaveAndAllWasWalked(t *testing.T) {
	p, err := Load()
	require.NoError(t, err)
	const good = `<span class="badge good">`
	page := func(change func(*Impact)) string {
		t.Helper()
		im := &Impact{
			Frame: framed(), Found: true, Whole: true, Total: 2,
			Things:         []Touched{{Node: "a", Reached: 1, Answered: true}},
			Recalls:        []ImpactRecall{{ID: "r", Kind: "recall", Touched: 2, Acknowledged: []Acknowledged{{MSPID: "LabMSP"}}}},
			ByOrganisation: []ImpactOrganisation{{MSPID: "LabMSP"}},
		}
		change(im)
		body, err := p.Render("impact", im)
		require.NoError(t, err)
		return string(body)
	}
	all := page(func(*Impact) {})
	assert.Contains(t, all, good+"acknowledged</span>")
	assert.Contains(t, all, good+"yes</span>")
	assert.NotContains(t, page(func(im *Impact) { im.Whole = false; im.Recalls = nil }), good)
	assert.NotContains(t, page(func(im *Impact) {
		im.Things[0].Answered, im.Things[0].Waiting = false, true
		im.Recalls[0].Missing, im.ByOrganisation[0].Owes = []string{"MarketMSP"}, 1
	}), good)
	since := page(func(im *Impact) {
		im.Things, im.ByOrganisation, im.Recalls[0].Acknowledged[0].Since = nil, nil, 1
	})
	assert.NotContains(t, since, good)
	assert.Contains(t, since, "acknowledged before 1 more was reached")
}
