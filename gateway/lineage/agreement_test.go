package lineage_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

func TestWalksAgreeWithTheOracle(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &world{}
		for range rapid.IntRange(1, 14).Draw(r, "facts") {
			w.facts = append(w.facts, drawFact(r, w))
		}
		w.settle()
		s := newStory(t)
		w.tell(s)
		for _, name := range slices.Sorted(maps.Keys(s.nodes)) {
			if strings.HasSuffix(name, " record") {
				continue
			}
			for _, down := range []bool{false, true} {
				direction := lineage.Ancestors
				if down {
					direction = lineage.Descendants
				}
				a := s.trace(lineage.Query{Node: name, Direction: direction})
				require.Nil(r, a.Truncated)
				require.Equal(r, w.walk(name, down), s.found(a), "%s of %s in %+v", direction, name, w.facts)
			}
		}
	})
}
