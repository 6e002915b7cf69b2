package lineage

import "slices"

// Join makes one answer of one or two about the same node at the same height. What was reached both ways counts once.
func Join(answers ...*Answer) *Answer {
	joined := *answers[0]
	joined.Nodes, joined.Edges = slices.Clone(joined.Nodes), slices.Clone(joined.Edges)
	for _, a := range answers[1:] {
		seen := map[string]bool{}
		for _, n := range joined.Nodes {
			seen[n.ID] = true
		}
		for _, n := range a.Nodes {
			if !seen[n.ID] {
				joined.Nodes = append(joined.Nodes, n)
			}
		}
		edges := map[Edge]bool{}
		for _, e := range joined.Edges {
			edges[e] = true
		}
		for _, e := range a.Edges {
			if !edges[e] {
				joined.Edges = append(joined.Edges, e)
			}
		}
		joined.Truncated = joinTruncations(joined.Truncated, a.Truncated)
	}
	return &joined
}

func joinTruncations(a, b *Truncation) *Truncation {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	t := Truncation{Reasons: slices.Concat(a.Reasons, b.Reasons), Frontier: slices.Concat(a.Frontier, b.Frontier)}
	slices.Sort(t.Reasons)
	t.Reasons = slices.Compact(t.Reasons)
	slices.Sort(t.Frontier)
	t.Frontier = slices.Compact(t.Frontier)
	return &t
}
