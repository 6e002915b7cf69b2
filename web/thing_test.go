package web

import (
	"time"

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
