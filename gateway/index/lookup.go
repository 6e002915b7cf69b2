package index

import (
	"fmt"
	"slices"
)

// lookUp finds, with few queries, the ids of all names that a block's records
// have or mention and that are in the database already.
func (w *batch) lookUp(parcels [][]parcel) error {
	w.asked = emptied(w.asked)
	asked := w.asked
	var hashes []uint64
	ask := func(n name) (unknown bool) {
		if n.full == "" {
			return false
		}
		if _, ok := w.found[n.full]; ok {
			return false // of an earlier block of the batch
		}
		if n.full[0] == spaceRecord {
			// The cache has none.
		} else if id, ok := w.ix.names.get(n.full); ok {
			// Held for the whole batch: the cache may forget it meanwhile.
			w.found[n.full] = found{id, n.kind}
			return false
		}
		if !asked[n.full] && w.db.may(n.hash) {
			asked[n.full] = true
			hashes = append(hashes, n.hash)
		}
		return true
	}
	for _, packs := range parcels {
		for _, p := range packs {
			for i := range p.entries {
				askAll(&p.entries[i], ask)
			}
		}
	}
	slices.Sort(hashes)
	var ids []int64
	if err := w.db.pairs(hashes, func(p pair) { ids = append(ids, p.id) }); err != nil {
		return err
	}
	return w.find(ids, asked)
}

func askAll(e *entry, ask func(name) bool) {
	ask(e.self)
	for _, l := range e.links {
		ask(l.node)
		if l.node.kind == KindMissing {
			ask(ghost(l.node))
		}
	}
	if e.event != nil && ask(e.event.shape.name) {
		for _, word := range e.event.shape.words {
			ask(word)
		}
	}
}

// find reads nodes, in the order of their ids, and notes those that were asked
// for: others may share a hash.
func (w *batch) find(ids []int64, asked map[string]bool) error {
	slices.Sort(ids)
	err := w.db.nodes(slices.Compact(ids), func(id int64, kind Kind, text string) {
		if full := string(rune(spaceOf(kind))) + text; asked[full] {
			w.found[full] = found{id, kind}
		}
	})
	if err != nil {
		return fmt.Errorf("couldn't look up nodes: %w", err)
	}
	return nil
}
