package projection

import (
	"slices"
	"strconv"
	"strings"
)

// Flow says which inputs of its activity a link stands for. An activity may say of an output which of its inputs it
// was made of. Then its links have flows: that of an input is the input's position in the record's list, and that of
// an output the positions of the inputs it was made of.
//
// An event may say of items which lots they are of. Then the flow of a lot is its number in the event, and the flow of
// an item the numbers of its lots.
//
// A flow is spelled as it is stored: "=" and spans of positions, such as "=0-2,7". So "=" alone is an output that was
// made of nothing. A flow is empty if the activity says nothing: of any output, or of this one.
type Flow string

// mostPositions bounds one span. A record has fewer inputs.
const mostPositions = 1 << 20

// flowOf spells positions.
func flowOf(positions []int) Flow {
	positions = slices.Clone(positions)
	slices.Sort(positions)
	positions = slices.Compact(positions)
	text := []byte{'='}
	for i := 0; i < len(positions); {
		n := i + 1
		for n < len(positions) && positions[n] == positions[n-1]+1 {
			n++
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(positions[i]), 10)
		if n > i+1 {
			text = strconv.AppendInt(append(text, '-'), int64(positions[n-1]), 10)
		}
		i = n
	}
	return Flow(text)
}

// Inputs are the positions of the inputs. If known is false the activity doesn't say, and an output was made of every
// input.
func (f Flow) Inputs() (positions []int, known bool) {
	text, known := strings.CutPrefix(string(f), "=")
	if !known {
		return nil, false
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isSpan := strings.Cut(part, "-")
		from, err := strconv.Atoi(first)
		to := from
		if isSpan && err == nil {
			to, err = strconv.Atoi(last)
		}
		if err != nil || to >= from+mostPositions {
			continue // a damaged index, or the empty list
		}
		for position := from; position <= to; position++ {
			positions = append(positions, position)
		}
	}
	return positions, true
}

// joinFlows makes one link of those of an input that a record names twice: as an artifact version, and by the id of
// the record that describes the version. Links are sorted by record, role and node.
func joinFlows(links []Link) []Link {
	kept := links[:0]
	for _, l := range links {
		last := len(kept) - 1
		if last < 0 || kept[last].Record != l.Record || kept[last].Role != l.Role || kept[last].Node != l.Node {
			kept = append(kept, l)
			continue
		}
		if inputs, known := l.Flow.Inputs(); known {
			before, _ := kept[last].Flow.Inputs()
			kept[last].Flow = flowOf(append(before, inputs...))
		}
	}
	return kept
}
