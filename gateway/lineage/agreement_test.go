package lineage_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
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

// A recall counts as one only if its organisation answers for what it is about; else it is a warning, and whoever asks
// what is behind a thing, or what something touches, is told of a warning and of no recall.
func TestRecallsAgreeWithTheOracle(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		things := rapid.SampledFrom([]string{"u1", "lotA", "lotB", "item1", "product"})
		w := &custodies{about: rapid.SliceOfNDistinct(things, 1, 2, rapid.ID[string]).Draw(r, "things")}
		for range rapid.IntRange(4, 24).Draw(r, "facts") {
			drawCustody(r, w)
		}
		w.settle()
		s := newStory(t)
		w.tell(s)
		about := map[string][]string{} // by node
		counted := map[string]string{} // by recall
		for i, c := range w.who {
			for _, node := range c.recalls {
				kind, standing := w.countsAs(i, node)
				about[node] = append(about[node], fmt.Sprintf("#%d %s %s", i, kind, standing))
				counted[fmt.Sprintf("#%d", i)] = w.counted(i)
			}
		}
		reached := map[string][]string{} // by what recalls are about
		for node := range about {
			reached[node] = w.inQuestion(node)
		}
		for _, name := range slices.Sorted(maps.Keys(s.nodes)) {
			if counted[name] != "" {
				continue
			}
			behind, ancestors := []string{}, w.walk(name, false)
			for node := range about {
				if node != name && (slices.Contains(reached[node], name) || slices.Contains(ancestors, node)) {
					behind = append(behind, about[node]...)
				}
			}
			found := s.warnings(lineage.Query{}, name)
			require.ElementsMatch(r, about[name], s.counted(found.Own), "of %s in %+v", name, w)
			require.ElementsMatch(r, behind, s.counted(found.Behind), "behind %s in %+v", name, w)
			im := s.impact(lineage.Query{Node: name})
			for _, recall := range im.Notices {
				require.Equal(r, counted[s.names[recall.ID]], recall.Kind, "%s in %+v", s.names[recall.ID], w)
			}
			for _, touched := range im.Touched {
				recalled := slices.ContainsFunc(about[s.names[touched.ID]], func(claim string) bool {
					return strings.Contains(claim, " "+record.Recall+" ")
				})
				require.Equal(r, recalled, slices.Contains(touched.Flags, "recalled"), "%s in %+v", s.names[touched.ID], w)
			}
		}
	})
}

// counted lists warnings by the names of their statements, with what they count as, and why.
func (s *story) counted(list []lineage.Warning) []string {
	all := []string{}
	for _, w := range list {
		all = append(all, fmt.Sprintf("%s %s %s", s.names[w.ID], w.Kind, w.Standing))
	}
	return all
}
