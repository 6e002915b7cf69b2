package lineage

import (
	"context"
	"errors"
	"slices"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Circle finds out whether one of the sources was itself made of the artifact version that they are said to be the
// sources of. It returns the way there, from the artifact to the source, or nil. It looks at what was declared to be
// made of what, not at what decisions were about, and as far as a walk with its limits goes.
//
// The chaincode doesn't ask this, for it would have to search. No two members are hurt by a circle in the lineage of
// what one of them owns, and walks end all the same; it is a mistake that its maker wants to know of.
func Circle(ctx context.Context, g Graph, artifact string, sources []string) ([]string, error) {
	a, err := Trace(ctx, g, Query{Node: artifact, Direction: Descendants, At: index.Latest})
	var unknown *UnknownNodeError
	if errors.As(err, &unknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	next := map[string][]string{}
	for _, e := range a.Edges {
		if e.Kind == EdgeDerived || e.Kind == EdgeUsed || e.Kind == EdgeGenerated {
			next[e.From] = append(next[e.From], e.To)
		}
	}
	from := map[string]string{a.Node: ""}
	for queue := []string{a.Node}; len(queue) > 0; queue = queue[1:] {
		if at := queue[0]; at != a.Node && slices.Contains(sources, at) {
			var way []string
			for ; at != ""; at = from[at] {
				way = append(way, at)
			}
			slices.Reverse(way)
			return way, nil
		}
		for _, to := range next[queue[0]] {
			if _, seen := from[to]; !seen {
				from[to] = queue[0]
				queue = append(queue, to)
			}
		}
	}
	return nil, nil
}
