package lineage_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// commissions records items, with a lot in the ilmd.
func (s *story) commissions(name string, day int, lot string, things ...string) string {
	instances, amounts := s.split(things)
	s.name(lot, thing(lot))
	return s.event(name, day, "ObjectEvent", fmt.Sprintf(`"action":"ADD","epcList":[%s],"quantityList":[%s],"ilmd":{"cbvmda:lotNumber":%q}`,
		quote(instances), classes(amounts), lot))
}

func TestALotLeadsToItsItems(t *testing.T) {
	for name, tell := range map[string]func(*story){
		"named in one link":  func(s *story) { s.sees("seen", 2, "item1@lotA") },
		"named in the ilmd":  func(s *story) { s.commissions("seen", 2, "lotA", "item1") },
		"packed with a link": func(s *story) { s.packs("seen", 2, "ADD", "case", "item1@lotA") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.makes("made", 1, []string{"lotRaw"}, []string{"lotA"})
			tell(s)
			s.packs("packed", 3, "ADD", "pallet", "item1")
			s.makes("cooked", 4, []string{"item1"}, []string{"lotSoup"})
			downwards := []string{"made", "lotA", "seen", "item1", "packed", "pallet", "cooked", "lotSoup"}
			if name == "packed with a link" {
				downwards = append(downwards, "case")
			}
			require.Equal(t, these(downwards...), s.down("lotRaw"))
			require.Equal(t, these("cooked", "item1", "seen", "lotA", "made", "lotRaw"), intersect(s.up("lotSoup"), "cooked", "item1", "seen", "lotA", "made", "lotRaw"))
		})
	}
}

// intersect keeps the names that are among others.
func intersect(found []string, wanted ...string) []string {
	kept := []string{}
	for _, name := range found {
		for _, w := range wanted {
			if name == w {
				kept = append(kept, name)
			}
		}
	}
	return kept
}

func TestAnItemIsMadeOfWhatItsLotIsMadeOf(t *testing.T) {
	s := newStory(t)
	s.makes("made", 1, []string{"lotRaw"}, []string{"lotA"})
	s.sees("seen", 2, "item1@lotA", "item2@lotB")
	require.Equal(t, these("seen", "lotA", "made", "lotRaw"), s.up("item1"))
	require.Equal(t, these("seen", "lotB"), s.up("item2"))
	require.Equal(t, these("seen"), s.down("item1"), "nothing was made of its lot, and the other items have nothing to do with it")
}

func TestALotThatWasUsedUpStandsForItsItems(t *testing.T) {
	s := newStory(t)
	s.sees("seen", 1, "item1@lotA", "item2@lotA")
	s.makes("cooked", 2, []string{"lotA=5"}, []string{"lotSoup"})
	require.Equal(t, these("seen", "lotA", "cooked", "lotSoup"), s.down("item1"))
	a := s.trace(lineage.Query{Node: "item1", Direction: lineage.Descendants})
	for _, n := range a.Nodes {
		require.Equal(t, n.ID == thing("lotA"), n.Carrier, n.ID)
	}
}

func TestAnAmountOfAProductIsOfTheLotThatTheEventNames(t *testing.T) {
	s := newStory(t)
	s.name("lotA", thing("lotA"))
	s.split([]string{"product", "lotRaw"})
	s.event("made", 1, "TransformationEvent", fmt.Sprintf(`"inputQuantityList":[%s],"outputQuantityList":[%s],"ilmd":{"cbvmda:lotNumber":"lotA"}`,
		classes([]string{"lotRaw"}), classes([]string{"product=5"})))
	require.Equal(t, these("made", "lotRaw", "product"), s.up("lotA"))
	require.Contains(t, s.down("lotRaw"), "lotA")
}

// An event may name a product with a lot in the query of its link, or with a lot in an extension. It has done to the lot
// what it did to the product.
func TestWhatIsDoneToAnAmountOfALotIsDoneToTheLot(t *testing.T) {
	const query, extension = "lot in the query", "lot in an extension"
	for _, way := range []string{query, extension} {
		t.Run(way, func(t *testing.T) {
			s := newStory(t)
			amount := func(quantity string) string {
				class, beside := product, `,"cbvmda:lotNumber":"lotA"`
				if way == query {
					class, beside = class+"?10=lotA", ""
				}
				return fmt.Sprintf(`[{"epcClass":%q%s}]%s`, class, quantity, beside)
			}
			pack := func(name string, day int, action, parent, quantity string) {
				s.name(parent, thing(parent))
				s.event(name, day, "AggregationEvent", fmt.Sprintf(`"action":%q,"parentID":%q,"childQuantityList":%s`, action,
					thing(parent), amount(quantity)))
			}
			s.makes("made", 1, []string{"lotRaw"}, []string{"lotA"})
			pack("packed", 2, "ADD", "case", `,"quantity":5`)
			pack("unpacked", 3, "DELETE", "case", `,"quantity":5`)
			s.packs("loaded", 4, "ADD", "pallet", "case")
			pack("packed again", 5, "ADD", "box", `,"quantity":5`)
			pack("some unpacked", 6, "DELETE", "box", `,"quantity":3`)
			s.packs("loaded again", 7, "ADD", "truck", "box")
			downwards := []string{"made", "lotA", "packed", "case", "unpacked", "packed again", "box", "some unpacked",
				"loaded again", "truck"}
			if way == query { // an extension speaks of what came of a transformation
				s.name("dish", thing("dish"))
				s.event("cooked", 8, "TransformationEvent", fmt.Sprintf(`"inputQuantityList":%s,"outputEPCList":[%q]`, amount(""),
					thing("dish")))
				downwards = append(downwards, "cooked", "dish")
			}
			require.ElementsMatch(t, downwards, s.down("lotRaw"))
		})
	}
}

func TestAProductLeadsToItsLotsAndItems(t *testing.T) {
	s := newStory(t)
	s.sees("catalogue", 1, "product")
	s.makes("cooked", 2, []string{"lotA"}, []string{"dish"})
	s.sees("sold", 3, "item1")
	s.put("recall", indextest.Statement(t, "recall", `{"reason":"all of it"}`, product))
	require.Equal(t, these("catalogue", "lotA", "cooked", "dish", "item1", "sold"), s.down("product"))
	require.Equal(t, these("product", "catalogue", "lotA", "cooked", "dish", "item1", "sold"), s.down("recall"))
	require.Equal(t, these("cooked", "lotA", "product"), s.up("dish"))
	require.Equal(t, these("cooked", "dish"), s.down("lotA"), "a lot says nothing of the others")

	a := s.trace(lineage.Query{Node: "product", Direction: lineage.Descendants})
	require.Contains(t, a.Edges, lineage.Edge{From: product, To: thing("lotA"), Kind: lineage.EdgeMember, Record: s.nodes["cooked"]})

	impact, err := lineage.Assess(t.Context(), s.index, lineage.Query{Node: thing("lotA"), At: index.Latest})
	require.NoError(t, err)
	require.Len(t, impact.Notices, 1, "the recall of the product is one of the lot, too")
	require.Equal(t, s.nodes["recall"], impact.Notices[0].ID)
}

func TestALotSeenAgainDoesNotLeadToItsProduct(t *testing.T) {
	s := newStory(t)
	s.packs("packed", 1, "ADD", "pallet", "product=5")
	s.packs("unpacked", 2, "DELETE", "pallet", "product=5")
	s.sees("other", 3, "lotA")
	require.Equal(t, these("packed", "unpacked", "product"), s.down("pallet"),
		"what the pallet held of the product is not all of it")
}

func TestAProductOfManyLotsIsCutAndSaysSo(t *testing.T) {
	s := newStory(t)
	s.sees("catalogue", 1, "product")
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprintf("lot%d", i))
	}
	s.sees("stock", 2, many...)
	a := s.trace(lineage.Query{Node: "product", Direction: lineage.Descendants, Nodes: 12})
	require.Len(t, a.Nodes, 12)
	require.NotNil(t, a.Truncated)
	require.Equal(t, []string{"nodes"}, a.Truncated.Reasons)
	require.Contains(t, a.Truncated.Frontier, product)
	a = s.trace(lineage.Query{Node: "product", Direction: lineage.Descendants, Nodes: 33})
	require.Nil(t, a.Truncated)
}

func TestEachItemOfAnEventIsOfItsOwnLot(t *testing.T) {
	s := newStory(t)
	s.sees("seen", 1, "item1@lotA", "item2@lotB")
	require.Equal(t, these("seen", "item1"), s.down("lotA"))
	require.Equal(t, these("seen", "item2"), s.down("lotB"))
	require.NotContains(t, s.up("item1"), "lotB")
	require.NotContains(t, s.up("item2"), "lotA")
}

func TestWhatHappensToAnItemDoesNotHappenToItsLot(t *testing.T) {
	s := newStory(t)
	s.makes("made", 1, []string{"lotRaw"}, []string{"lotA"})
	s.split([]string{"item1@lotA"})
	s.event("destroyed", 2, "ObjectEvent", fmt.Sprintf(`"action":"OBSERVE","bizStep":"destroying","epcList":[%q]`, thing("item1@lotA")))
	s.sees("seen before", 1, "item1")
	im := s.impact(lineage.Query{Node: "lotRaw"})
	require.True(t, s.touched(im, "lotA").OnTheMove)
	require.False(t, s.touched(im, "item1").OnTheMove, "the last event counts, not the one that was recorded last")
}

func TestAProductWhoseLotsFillTheAnswerSaysThatThereAreMore(t *testing.T) {
	s := newStory(t)
	for i := range 5 {
		s.sees(fmt.Sprint("seen ", i), 1, fmt.Sprint("lot", i))
	}
	s.name("product", product)
	s.says("Test", "recall", "recall", `{"reason":"listeria"}`, "product")
	a := s.trace(lineage.Query{Node: "recall", Direction: lineage.Descendants, Nodes: 6})
	require.Len(t, a.Nodes, 6)
	require.Contains(t, a.Truncated.Frontier, product, "four of five lots have room")
	a = s.trace(lineage.Query{Node: "recall", Direction: lineage.Descendants, Nodes: 7})
	require.NotContains(t, a.Truncated.Frontier, product, "all lots have room, and their events have none")
}
