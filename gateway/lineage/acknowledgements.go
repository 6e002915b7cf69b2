package lineage

import (
	"context"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// acknowledgements finds who has acknowledged the recalls, and who of those they reach has not. An acknowledgement
// covers what its recall reached when it was made: nobody can know of what is recorded later.
func (a *assessment) acknowledgements(ctx context.Context) error {
	nodes := make([]int64, len(a.found))
	for i, f := range a.found {
		nodes[i] = f.recall.ID
	}
	statuses, err := a.links.graph.Statuses(ctx, nodes, a.links.snap)
	if err != nil {
		return err
	}
	covered := make([]map[string]map[int]bool, len(a.found)) // by recall and organisation: places
	for i, f := range a.found {
		r := &a.impact.Notices[i]
		covered[i] = map[string]map[int]bool{}
		for _, c := range claimsOf(statuses[nodes[i]]) {
			if c.Kind != record.Acknowledgement || c.Retracted {
				continue
			}
			if len(r.Acknowledged) == mostAcknowledgements {
				a.cut("recalls")
				break
			}
			said, places, err := a.acknowledgement(ctx, f, c)
			if err != nil {
				return err
			}
			r.Acknowledged = append(r.Acknowledged, said)
			if covered[i][c.MSPID] == nil {
				covered[i][c.MSPID] = map[int]bool{}
			}
			for _, place := range places {
				covered[i][c.MSPID][place] = true
			}
		}
		for _, place := range f.places {
			of := a.impact.Touched[place].MSPID
			if of != r.MSPID && !covered[i][of][place] && !slices.Contains(r.Missing, of) {
				r.Missing = append(r.Missing, of)
			}
		}
		slices.Sort(r.Missing)
	}
	a.acknowledge(covered)
	return nil
}

// acknowledgement reads an acknowledgement of a recall, and finds the places of the touched nodes that it covers.
func (a *assessment) acknowledgement(
	ctx context.Context, f reach, c index.Claim,
) (Acknowledgement, []int, error) {
	s, of, err := a.links.statement(ctx, c.ID)
	if err != nil {
		return Acknowledgement{}, nil, err
	}
	at := of.Recording
	// The same words may have been recorded again, for what was reached since.
	again, err := a.links.graph.Recordings(ctx, c.ID, a.links.snap.Block)
	if err != nil {
		return Acknowledgement{}, nil, err
	}
	for _, r := range again {
		if r.MSPID == c.MSPID && r.Block > at.Block {
			at = r
		}
	}
	places, err := a.covers(ctx, f, at.Block)
	return Acknowledgement{
		ID: c.ID, MSPID: c.MSPID, Action: s.Predicate.Get("action").Text, Block: at.Block, Recorded: at.Time,
		Covers: len(places),
	}, places, err
}

// covers lists the places of the touched nodes that a recall reached already as of a block.
func (a *assessment) covers(ctx context.Context, f reach, block uint64) ([]int, error) {
	snap, err := a.links.graph.Snapshot(ctx, block)
	if err != nil {
		return nil, err
	}
	if f.newest <= snap.Last {
		return f.places, nil // nothing has joined since
	}
	key := walkBack{f.recall.ID, block}
	if places, ok := a.back[key]; ok {
		return places, nil
	}
	if len(a.back) == mostWalksBack {
		a.cut("recalls")
		return nil, nil
	}
	w, err := a.walkFrom(ctx, f.recall, newLinks(a.links.graph, snap))
	if err != nil {
		return nil, err
	}
	var places []int
	for _, place := range f.places {
		if v := w.visits[a.ids[place]]; v != nil && v.onItsOwn() {
			places = append(places, place)
		}
	}
	if a.back == nil {
		a.back = map[walkBack][]int{}
	}
	a.back[key] = places
	return places, nil
}

// walkBack is a walk from a recall as of a block.
type walkBack struct {
	recall int64
	block  uint64
}

// acknowledge tells each touched node who has acknowledged all that reaches it.
func (a *assessment) acknowledge(covered []map[string]map[int]bool) {
	first := make([]bool, len(a.impact.Touched)) // whether a recall was seen that reaches the node
	for i, f := range a.found {
		for _, place := range f.places {
			t := &a.impact.Touched[place]
			if !first[place] {
				first[place] = true
				for mspID, places := range covered[i] {
					if places[place] {
						t.Acknowledged = append(t.Acknowledged, mspID)
					}
				}
				slices.Sort(t.Acknowledged)
				continue
			}
			t.Acknowledged = slices.DeleteFunc(t.Acknowledged, func(mspID string) bool { return !covered[i][mspID][place] })
		}
	}
}
