package index

import (
	"context"
	"slices"
)

// mostNode is the length of a node's texts, links included, above which no cache keeps it. Caches count entries, and a
// record may name things whose names are as long as the record may be.
const mostNode = 16 << 10

// nodes reads nodes, whose ids are sorted, in their order. Those that don't exist, as of the snapshot, are left out.
func (ix *Index) nodes(ctx context.Context, ids []int64, snap Snapshot) ([]*Node, error) {
	kept := ix.caches.Load().nodes
	future := func(id int64) bool { return id > snap.Last }
	if slices.ContainsFunc(ids, future) {
		ids = slices.DeleteFunc(slices.Clone(ids), future)
	}
	all, missing := kept.GetAll(ids)
	if len(missing) == 0 {
		return all, nil
	}
	keep := make([]*Node, 0, len(missing))
	err := ix.store.Nodes(ctx, missing, func(n *Node) {
		if len(n.Text)+len(n.Links)+len(n.EventID) <= mostNode {
			keep = append(keep, n)
		} else {
			// The store may have allocated the node together with others, which may be kept.
			alone := *n
			*n, n = Node{}, &alone
		}
		all = append(all, n)
	})
	kept.PutAll(keep, func(n *Node) int64 { return n.ID })
	slices.SortFunc(all, func(a, b *Node) int { return int(a.ID - b.ID) })
	return all, err
}
