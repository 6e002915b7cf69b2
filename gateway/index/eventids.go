package index

import (
	"context"
	"slices"

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// eventIDs finds events whose eventID another organisation has used first, for another event. An eventID is chosen by
// who sends the event, and the ledger doesn't say whose it is: the first one keeps it, and later ones are told so. Two
// reports of the same content, which have one hash, may have one eventID.
func (d *describer) eventIDs(ctx context.Context) error {
	byHash := map[uint64][]int64{}
	var hashes []uint64
	for id, l := range d.labels {
		if l.Kind != KindEvent || l.EventID == l.Hash || l.Declaration {
			continue
		}
		h := projection.EventHash(l.EventID)
		if byHash[h] == nil {
			hashes = append(hashes, h)
		}
		byHash[h] = append(byHash[h], id)
	}
	if len(hashes) == 0 {
		return nil
	}
	keys, err := d.ix.store.Keys(ctx, hashes)
	if err != nil {
		return err
	}
	earlier := map[int64][]int64{} // by event: nodes before it with the same key
	var others []int64
	for _, k := range keys {
		for _, event := range byHash[k.Hash] {
			if k.ID < event {
				earlier[event] = append(earlier[event], k.ID)
				others = append(others, k.ID)
			}
		}
	}
	if len(others) == 0 {
		return nil
	}
	slices.Sort(others)
	first := newDescriber(d.ix, d.snap, slices.Compact(others))
	if err := first.nodes(ctx); err != nil {
		return err
	}
	for event, ids := range earlier {
		l := d.labels[event]
		slices.Sort(ids)
		for _, id := range ids {
			o := first.labels[id]
			if o == nil || o.Kind != KindEvent || o.EventID != l.EventID || o.Hash == l.Hash {
				continue
			}
			if o.MSPID == l.MSPID {
				break // its own, from before anybody else's
			}
			l.IDOf = o.Name
			break
		}
	}
	return nil
}
