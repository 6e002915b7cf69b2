package index

import (
	"slices"
	"strconv"
	"strings"
)

// An activity may say of an output which of its inputs it was made of. Then the
// amounts of its links tell it, in numbers: an input's link has its places in
// the record's list of inputs, an output's the places of those it was made of.
// Both are spelled as "=" and spans of places, such as =0-2,7; so = alone is an
// output that was made of nothing. Links of an activity that says it of no
// output have no amounts, and neither has an output of which it isn't said.

// Flow tells which inputs of its activity a link stands for, by their places in
// the record: of an input its own, of an output those it was made of. said is
// false where the activity doesn't say so: then every output that it doesn't say it of
// was made of every input.
func (l Link) Flow() (places []int, said bool) {
	text, said := strings.CutPrefix(l.Amount, "=")
	if !said || l.Role != RoleUsed && l.Role != RoleGenerated {
		return nil, false
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isSpan := strings.Cut(part, "-")
		from, err := strconv.Atoi(first)
		to := from
		if isSpan && err == nil {
			to, err = strconv.Atoi(last)
		}
		if err != nil || to >= from+mostPlaces {
			continue // a damaged index, or the empty list
		}
		for place := from; place <= to; place++ {
			places = append(places, place)
		}
	}
	return places, true
}

// mostPlaces bounds one span; records have fewer inputs.
const mostPlaces = 1 << 20

// flow spells places.
func flow(places []int) string {
	places = slices.Clone(places)
	slices.Sort(places)
	places = slices.Compact(places)
	text := []byte{'='}
	for i := 0; i < len(places); {
		n := i + 1
		for n < len(places) && places[n] == places[n-1]+1 {
			n++
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(places[i]), 10)
		if n > i+1 {
			text = strconv.AppendInt(append(text, '-'), int64(places[n-1]), 10)
		}
		i = n
	}
	return string(text)
}

// joinFlows makes one link of those of an input that a record names twice, as an artifact
// version and by its record's id. Links are sorted by record, role and node.
func joinFlows(links []Link) []Link {
	kept := links[:0]
	for _, l := range links {
		last := len(kept) - 1
		if last < 0 || kept[last].Record != l.Record || kept[last].Role != l.Role || kept[last].Node != l.Node {
			kept = append(kept, l)
			continue
		}
		if places, said := l.Flow(); said {
			before, _ := kept[last].Flow()
			kept[last].Amount = flow(append(before, places...))
		}
	}
	return kept
}
