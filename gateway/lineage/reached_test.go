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

// What an impact says a recall reaches, the pages of these things must not call free of recalls. The one asks
// downwards, the others upwards.
func TestWhatARecallReachesHasItAsAWarning(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &world{}
		for range rapid.IntRange(1, 14).Draw(r, "facts") {
			w.facts = append(w.facts, drawFact(r, w))
		}
		w.settle()
		s := newStory(t)
		w.tell(s)
		nodes := slices.DeleteFunc(slices.Sorted(maps.Keys(s.nodes)), func(name string) bool {
			var place int
			_, err := fmt.Sscanf(name, "#%d", &place)
			return strings.HasSuffix(name, " record") || err == nil && w.facts[place].kind == "says"
		})
		for _, subject := range rapid.SliceOfNDistinct(rapid.SampledFrom(nodes), 1, 3, rapid.ID[string]).Draw(r, "subjects") {
			name := "warning of " + subject
			warning := s.says("Test", name, "recall", fmt.Sprintf(`{"reason":%q}`, name), subject)
			for _, touched := range s.impact(lineage.Query{Node: warning}).Touched {
				if name := s.names[touched.ID]; strings.HasPrefix(name, "#") {
					continue // records have no page without a token
				}
				found := s.warnings(lineage.Query{}, s.names[touched.ID])
				about := s.about(slices.Concat(found.Own, found.Behind))
				require.Contains(r, about, subject, "of %s in %+v", s.names[touched.ID], w.facts)
			}
		}
	})
}
