package lineage_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// namesItemsOfLots tells whether a record is an event that names items with their lots. Its recall reaches the items, and
// the pages of their lots have it as a warning, too.
func (w *world) namesItemsOfLots(name string) bool {
	var place int
	_, err := fmt.Sscanf(name, "#%d", &place)
	return err == nil && len(w.facts[place].ofLots()) > 0
}

// What an impact says a recall reaches, the pages of these things must not call free of recalls; and what they call
// affected, the impact reaches or walks through as a carrier. The one asks downwards, the others upwards.
func TestAThingHasAWarningExactlyIfTheRecallReachesIt(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &world{}
		for range rapid.IntRange(1, 14).Draw(r, "facts") {
			w.facts = append(w.facts, drawFact(r, w))
		}
		w.settle()
		s := newStory(t)
		w.tell(s)
		isRecord := func(name string) bool {
			return strings.HasPrefix(name, "#") || strings.HasSuffix(name, " record")
		}
		nodes := slices.Sorted(maps.Keys(s.nodes))
		things := slices.DeleteFunc(slices.Clone(nodes), isRecord)
		nodes = slices.DeleteFunc(nodes, func(name string) bool { // what nobody recalls
			var place int
			_, err := fmt.Sscanf(name, "#%d", &place)
			return strings.HasSuffix(name, " record") || err == nil && w.facts[place].kind == "says"
		})
		for _, subject := range rapid.SliceOfNDistinct(rapid.SampledFrom(nodes), 1, 3, rapid.ID[string]).Draw(r, "subjects") {
			s.says("Test", "warning of "+subject, "recall", `{"reason":"a test"}`, subject)
			walked := s.down("warning of " + subject)
			var touched []string
			for _, one := range s.impact(lineage.Query{Node: "warning of " + subject}).Touched {
				touched = append(touched, s.names[one.ID])
			}
			for _, thing := range things { // records have no page without a token
				found := s.warnings(lineage.Query{}, thing)
				about := s.about(slices.Concat(found.Own, found.Behind))
				if slices.Contains(touched, thing) {
					require.Contains(r, about, subject, "of %s in %+v", thing, w.facts)
				}
				if slices.Contains(about, subject) && !w.namesItemsOfLots(subject) {
					require.Contains(r, walked, thing, "of %s in %+v", thing, w.facts)
				}
			}
		}
	})
}
