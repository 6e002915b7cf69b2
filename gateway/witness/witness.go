// Package witness finds, for records that are about to be submitted, where on the ledger lies what they refer to.
//
// The chaincode looks a witness up by its exact key instead of searching the ledger for what a record names. A witness
// is only a hint: a wrong one proves nothing, and the chaincode refuses it.
package witness

import (
	"context"
	"errors"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// witness finds a place on the ledger that shows a node to exist: a recording of a record, or of an event about a
// thing, by the organisation if it has one, else the first. An artifact version is looked for and has no place.
func (f *Finder) witness(ctx context.Context, node, mspID string) (record.Place, bool, error) {
	_, kind, err := record.ParseNode(node)
	if err != nil {
		return record.Place{}, false, nil
	}
	switch kind {
	case record.NodeArtifact:
		_, err := f.Index.Artifact(ctx, node, index.Latest)
		if errors.Is(err, index.ErrNotFound) {
			return record.Place{}, false, nil
		}
		return record.Place{}, err == nil, err
	case record.NodeRecord:
		place, err := f.recordingBy(ctx, node, mspID)
		if errors.Is(err, index.ErrNotFound) {
			return record.Place{}, false, nil
		}
		return place, err == nil, err
	}
	return f.eventAbout(ctx, node, mspID)
}

// recordingBy finds the organisation's own recording of a record, or else the first one.
func (f *Finder) recordingBy(ctx context.Context, id, mspID string) (record.Place, error) {
	all, err := f.Index.Recordings(ctx, id, index.Latest)
	if err != nil {
		return record.Place{}, err
	}
	best := all[0]
	for _, r := range all {
		if r.MSPID == mspID {
			best = r
			break
		}
	}
	return record.Place{ID: record.ID(id), Tx: best.TxID}, nil
}

// mostWitnesses bounds how many events about a thing are looked through for one of the organisation's own.
const mostWitnesses = 1000

// eventAbout finds an event that names a thing.
func (f *Finder) eventAbout(ctx context.Context, thing, mspID string) (record.Place, bool, error) {
	snap, err := f.Index.Snapshot(ctx, index.Latest)
	if err != nil {
		return record.Place{}, false, err
	}
	v, err := f.Index.Find(ctx, thing, snap)
	if err != nil || v.ID == 0 {
		return record.Place{}, false, err
	}
	links, err := f.Index.LinksTo(ctx, []int64{v.ID}, snap)
	if err != nil {
		return record.Place{}, false, err
	}
	var events []int64
	for _, l := range links {
		if l.Role.Mentions() && len(events) < mostWitnesses {
			events = append(events, l.Record)
		}
	}
	if len(events) == 0 {
		return record.Place{}, false, nil
	}
	labels, err := f.Index.Describe(ctx, events, snap)
	if err != nil {
		return record.Place{}, false, err
	}
	best := labels[events[0]]
	for _, e := range events {
		if l := labels[e]; l != nil && l.MSPID == mspID {
			best = l
			break
		}
	}
	if best == nil {
		return record.Place{}, false, nil
	}
	if mspID != "" && best.MSPID != mspID {
		// The organisation may have recorded one of them after another did.
		if place, ok, err := f.corroborated(ctx, events, labels, mspID); err != nil || ok {
			return place, ok, err
		}
	}
	return record.Place{ID: record.ID(best.Name), Tx: best.TxID}, true, nil
}

// mostCorroborated bounds how many events are asked for later recordings.
const mostCorroborated = 50

func (f *Finder) corroborated(
	ctx context.Context,
	events []int64,
	labels map[int64]*index.Label,
	mspID string,
) (record.Place, bool, error) {
	for _, e := range events[:min(len(events), mostCorroborated)] {
		all, err := f.Index.Recordings(ctx, labels[e].Name, index.Latest)
		if err != nil {
			return record.Place{}, false, err
		}
		for _, r := range all {
			if r.MSPID == mspID {
				return record.Place{ID: record.ID(labels[e].Name), Tx: r.TxID}, true, nil
			}
		}
	}
	return record.Place{}, false, nil
}
