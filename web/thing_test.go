package web

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/web/chart"
)

// hostileThing is the page about a thing, full of hostile text.
func hostileThing() *Thing {
	h, now := hostile, time.Unix(0, 0)
	step := Step{
		Word: h, Type: h, Action: h, Disposition: h, Role: "made", Time: now, Place: Place{h, h}, Carrier: h, Quantity: h, Measured: []string{h}, By: h, Also: []string{h},
		Record: h, Flags: []string{h},
	}
	family := Family{Things: []Relative{{h, h, []string{h}}}, Artifacts: []Relative{{h, h, []string{h}}}, ThingCount: 2, ArtifactCount: 2, Organisations: []string{h}, Cut: true}
	limit := 1.0
	drawing := chart.Chart{Title: h, Unit: h, Limits: []chart.Limit{{High: &limit}}, Series: []chart.Series{{Name: h, Readings: []chart.Reading{{Time: now, Low: 1, High: 2, Recalled: true}}}}}.Draw()
	return &Thing{
		Frame: framed(), URI: h, Path: "/" + h, Parts: []Part{{h, h}}, CheckDigit: h, Recalls: []Recall{{h, false, h, h, h, now, h}}, Address: h, Linkset: "/x",
		ProofName: h, ProofCommands: h, SignedIn: true, Known: []string{h},
		Story: &Story{
			Steps: 9, Organisations: []string{h}, Now: &step, Affected: []Affected{{[]Named{{h, h}}, 1, h, h, h, h, now, h}},
			Days:  []Day{{now, []Stage{{First: step, Last: step, Count: 1}, {First: step, Last: step, Count: 9, Steps: []Step{step}, More: 8, Summary: h, Recalled: 1}}}},
			Pager: Pager{1, 2, 3, "/x", "/y"}, Made: family, Became: family, Carriers: []string{h}, Held: family.Things, MoreHeld: 1, Unread: 3,
			Charts:    []Chart{{drawing, h, h, h, 1, []Source{{h, h, h}}, []Listed{{now, h, h, h, true, true}}}},
			Decisions: []Decision{{h, h, []Fact{{h, h}}, []string{h}, []string{h}, h, now, h, []Named{{h, h}}, 1}},
			Claims:    []Claim{{h, h, h, now, []Fact{{h, h}}, true, true}}, MoreClaims: 1, Errors: []Mistake{{h, h, h, h, now, h, []string{h}}},
			Seal: &Seal{Records: 1, Organisations: []string{h}, OfAll: 3, Steps: []Check{{h, h}}, File: "/" + h},
		},
	}
}

func TestTheTimesOfAStageSayTheirZone(t *testing.T) {
	oslo := time.FixedZone("", 3600)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, oslo)
	for name, c := range map[string]struct {
		last time.Time
		want string
	}{
		"on one day only the times are told":              {noon.Add(6 * time.Hour), "12:00 to 18:00 +01:00"},
		"over two days the days are told, too":            {noon.Add(24 * time.Hour), "1 Mar 12:00 to 2 Mar 12:00 +01:00"},
		"times of two zones are told in that of the last": {noon.Add(time.Hour).UTC(), "11:00 to 12:00 +00:00"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, Stage{First: Step{Time: noon}, Last: Step{Time: c.last}}.Span())
		})
	}
}

func TestThatNoRecallIsKnownIsGoodNewsOnlyOfAThingThatIsRecordedAndNotAffected(t *testing.T) {
	p, err := Load()
	require.NoError(t, err)
	const calm = `<section class="card calm"><p>No recall`
	for name, c := range map[string]struct {
		story *Story
		calm  bool
	}{
		"recorded, and nothing behind it is recalled": {&Story{}, true},
		"recorded, and made of what is recalled":      {&Story{Affected: []Affected{{Reason: "warm"}}}, false},
		"not recorded":                                {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := p.Render("thing", &Thing{Frame: framed(), SignedIn: true, Story: c.story})
			require.NoError(t, err)
			assert.Contains(t, string(body), "No recall is on the ledger")
			assert.Equal(t, c.calm, strings.Contains(string(body), calm))
		})
	}
}
