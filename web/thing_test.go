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
		Frame: stale(), URI: h, Path: "/" + h, Parts: []Part{{h, h}}, CheckDigit: h, Recalls: []Recall{{h, h, false, h, h, h, now, h}}, Behind: []string{h, h}, Unsure: true, Below: 2, Address: h, Linkset: "/x",
		ProofName: h, ProofCommands: h, SignedIn: true, Known: references,
		Story: &Story{
			Steps: 9, Organisations: []string{h}, Now: &step, Affected: []Affected{{[]Named{{h, h}}, 1, h, h, h, h, now, h}},
			Days:  []Day{{now, []Stage{{First: step, Last: step, Count: 1}, {First: step, Last: step, Count: 9, Steps: []Step{step}, More: 8, Summary: h, Recalled: 1}}}},
			Pager: Pager{1, 2, 3, "/x", "/y"}, Made: family, Became: family, Carriers: family.Things, Held: family.Things, MoreHeld: 1, Unread: 3,
			Charts:    []Chart{{drawing, h, h, h, 1, []Source{{h, h, h}}, []Listed{{now, h, h, h, true, true}}}},
			Decisions: []Decision{{h, h, []Fact{{h, h}}, []string{h}, []string{h}, h, now, h, []Named{{h, h}}, 1}},
			Claims:    []Claim{{h, h, h, now, []Fact{{h, h}}, true, true}}, MoreClaims: 1, Errors: []Mistake{{h, h, h, h, now, h, []string{h}, false}, {h, h, h, h, now, h, []string{h}, true}},
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

func TestThatNoRecallIsKnownIsSaidOnlyOfWhatWasLookedAtWhole(t *testing.T) {
	p, err := Load()
	require.NoError(t, err)
	const none, calm = "No recall is on the ledger", `<section class="card calm">`
	lot := kindBySlug("lot")
	for name, c := range map[string]struct {
		page       Thing
		none, calm bool
		says       []string
	}{
		"recorded, and nothing behind it is recalled": {page: Thing{Recorded: true}, none: true, calm: true},
		"recorded, with a story":                      {page: Thing{Recorded: true, SignedIn: true, Story: &Story{}}, none: true, calm: true},
		"made of what is recalled": {
			page: Thing{Recorded: true, Behind: []string{"recall"}},
			says: []string{"Affected by a recall of what it comes from", "Don't use, sell or pass on this lot"},
		},
		"decided by what was withdrawn, too": {
			page: Thing{Recorded: true, Behind: []string{"recall", "withdrawal"}},
			says: []string{"Affected by a recall and by a withdrawal of consent of what it comes from"},
		},
		"made of what is recalled, told with names": {
			page: Thing{Recorded: true, SignedIn: true, Behind: []string{"recall"}, Story: &Story{Affected: []Affected{{Kind: "recall", Reason: "warm"}}}},
			says: []string{"Affected by a recall of what it comes from", "warm"},
		},
		"withdrawn itself": {page: Thing{Recorded: true, Recalls: []Recall{{Kind: "withdrawal", Own: true}}}, says: []string{"<h2>Withdrawn</h2>"}},
		"not recorded": {
			says: []string{"Nobody has recorded anything about this lot, so it isn't known whether it is recalled"},
		},
		"with a check digit that is wrong": {
			page: Thing{Recorded: true, CheckDigit: "6"}, says: []string{"it ought to be 6", "A recall of the right code doesn't show here"},
		},
		"from more than was looked at": {
			page: Thing{Recorded: true, Unsure: true}, says: []string{"It isn't known whether a recall reaches this lot"},
		},
		"recalled, and from more than was looked at": {
			page: Thing{Recorded: true, Unsure: true, Behind: []string{"recall"}}, says: []string{"It isn't known whether more recalls reach this lot"},
		},
		"of a gateway that is behind": {
			page: Thing{Recorded: true, Frame: Frame{Stale: "It is behind."}}, says: []string{"It is behind. A recall may be missing here."},
		},
		"a product": {
			page: Thing{Recorded: true, OfManyLots: true}, says: []string{"No recall of this product as a whole is on the ledger"},
		},
		"a product with a recalled lot": {
			page: Thing{Recorded: true, OfManyLots: true, Below: 1}, says: []string{"Lots or items of this product are recalled", "At least 1 lot or item of this product is recalled"},
		},
		"made of a product with a recalled lot": {
			page: Thing{Recorded: true, AnyLot: true}, says: []string{"may come from a recalled lot", "nobody recorded which lot was used"},
		},
		"a product that nobody recorded": {
			page: Thing{OfManyLots: true}, says: []string{"Nobody has recorded anything about this product"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			stale := c.page.Stale
			c.page.Frame, c.page.Kind = framed(), lot
			c.page.Stale = stale
			body, err := p.Render("thing", &c.page)
			require.NoError(t, err)
			html := strings.ReplaceAll(string(body), "&#39;", "'")
			assert.Equal(t, c.none, strings.Contains(html, none))
			assert.Equal(t, c.calm, strings.Contains(html, calm))
			for _, text := range c.says {
				assert.Contains(t, html, text)
			}
		})
	}
}
