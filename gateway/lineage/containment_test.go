package lineage_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

func TestAClassIsInsideAsLongAsSomethingOfItMayBeLeft(t *testing.T) {
	type report struct{ action, what string }
	for name, c := range map[string]struct {
		reports []report
		inside  bool // when the pallet is read afterwards
	}{
		"as much is taken out as was put in":               {[]report{{"ADD", "lotA=10"}, {"DELETE", "lotA=10"}}, false},
		"more is taken out than was put in":                {[]report{{"ADD", "lotA=10"}, {"DELETE", "lotA=11"}}, false},
		"less is taken out than was put in":                {[]report{{"ADD", "lotA=10"}, {"DELETE", "lotA=9.5"}}, true},
		"it is taken out in parts":                         {[]report{{"ADD", "lotA=10"}, {"DELETE", "lotA=9.5"}, {"DELETE", "lotA=0.5"}}, false},
		"it was put in in parts":                           {[]report{{"ADD", "lotA=10"}, {"ADD", "lotA=5"}, {"DELETE", "lotA=10"}}, true},
		"nobody knows how much was put in":                 {[]report{{"ADD", "lotA"}, {"DELETE", "lotA=10"}}, true},
		"nobody knows how much was put in first":           {[]report{{"ADD", "lotA"}, {"ADD", "lotA=10"}, {"DELETE", "lotA=10"}}, true},
		"nobody knows how much was put in then":            {[]report{{"ADD", "lotA=10"}, {"ADD", "lotA"}, {"DELETE", "lotA=10"}}, true},
		"some was seen, and there may be more":             {[]report{{"OBSERVE", "lotA=10"}, {"DELETE", "lotA=10"}}, true},
		"some was seen that had been counted":              {[]report{{"ADD", "lotA=10"}, {"OBSERVE", "lotA=10"}, {"DELETE", "lotA=10"}}, false},
		"all of it is taken out, however much":             {[]report{{"ADD", "lotA=10"}, {"DELETE", "lotA"}}, false},
		"what nobody counted is taken out as a whole":      {[]report{{"ADD", "lotA"}, {"DELETE", "lotA"}}, false},
		"the pallet is emptied":                            {[]report{{"ADD", "lotA"}, {"DELETE", ""}}, false},
		"what was left by then doesn't count for the next": {[]report{{"ADD", "lotA=10"}, {"DELETE", ""}, {"ADD", "lotA=5"}, {"DELETE", "lotA=5"}}, false},
		"it is put in again":                               {[]report{{"ADD", "lotA=10"}, {"DELETE", "lotA=10"}, {"ADD", "lotA=5"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			for day, r := range c.reports {
				if r.what == "" {
					s.packs(fmt.Sprint("report ", day), day, r.action, "pallet")
				} else {
					s.packs(fmt.Sprint("report ", day), day, r.action, "pallet", r.what)
				}
			}
			s.sees("reading", len(c.reports), "pallet")
			assert.Equal(t, c.inside, slices.Contains(s.up("lotA"), "reading"))
		})
	}
}

func TestWhatHasComeToAnEndIsNotOnTheMove(t *testing.T) {
	const step, disposition = "https://ref.gs1.org/cbv/BizStep-", "https://ref.gs1.org/cbv/Disp-"
	for said, moving := range map[string]bool{
		`"bizStep":"decommissioning"`: false, `"bizStep":"destroying"`: false, `"bizStep":"dispensing"`: false, `"bizStep":"retail_selling"`: false,
		`"bizStep":"shipping"`: true, `"bizStep":"receiving"`: true,
		`"disposition":"destroyed"`: false, `"disposition":"dispensed"`: false, `"disposition":"disposed"`: false, `"disposition":"inactive"`: false,
		`"disposition":"retail_sold"`: false, `"disposition":"in_transit"`: true,
		`"bizStep":"shipping","disposition":"dispensed"`: false, `"bizStep":"dispensing","disposition":"in_transit"`: false,
		`"bizStep":"` + step + `dispensing"`: false, `"disposition":"` + disposition + `dispensed"`: false,
		`"bizStep":"https://example.com/dispensing"`: true, `"disposition":"https://example.com/dispensed"`: true,
		`"action":"OBSERVE"`: true,
	} {
		t.Run(said, func(t *testing.T) {
			s := newStory(t)
			s.makes("filleted", 1, []string{"lotFish"}, []string{"lotFillet"})
			if said[:8] != `"action"` {
				said = `"action":"OBSERVE",` + said
			}
			s.event("last", 2, "ObjectEvent", said+`,"quantityList":[`+classes([]string{"lotFillet"})+`]`)
			im := s.impact(lineage.Query{Node: "lotFish"})
			assert.Equal(t, moving, s.touched(im, "lotFillet").OnTheMove)
		})
	}
}

func TestWhatIsTakenOutWasInside(t *testing.T) {
	s := newStory(t)
	s.packs("unpacked", 2, "DELETE", "pallet", "crateA")
	s.sees("later", 3, "pallet")
	for _, found := range [][]string{s.up("crateA"), s.down("crateA")} {
		assert.Equal(t, these("unpacked", "pallet"), found, "at that moment only")
	}
}
