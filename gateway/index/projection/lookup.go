package projection

import (
	"fmt"
	"slices"
)

// lookUp finds the nodes of earlier blocks that a portion's records are or mention, with few queries.
func (b *Batch) lookUp(p portion) error {
	b.asked = emptied(b.asked)
	var hashes []uint64
	ask := func(n Name) (unknown bool) {
		if n.Full == "" {
			return false
		}
		if _, ok := b.found[n.Full]; ok {
			return false
		}
		if n.Full[0] != spaceRecord { // the cache has no records
			if id, ok := b.names.Get(n.Full); ok {
				// Kept for the whole batch, because the cache may forget it before the name is needed.
				b.found[n.Full] = foundNode{id, n.Kind}
				return false
			}
		}
		if !b.asked[n.Full] && b.tables.MayHaveKey(n.Hash) {
			b.asked[n.Full] = true
			hashes = append(hashes, n.Hash)
		}
		return true
	}
	for _, packs := range p.packs {
		for _, pack := range packs {
			for i := range pack.entries {
				askAll(&pack.entries[i], ask)
			}
		}
	}
	slices.Sort(hashes)
	var ids []int64
	if err := b.tables.Keys(hashes, func(k Key) { ids = append(ids, k.ID) }); err != nil {
		return err
	}
	return b.find(ids)
}

// askAll asks for all names that are needed to write an entry.
func askAll(e *entry, ask func(Name) bool) {
	ask(e.self)
	for _, m := range e.mentions {
		ask(m.node)
		if m.node.Kind == KindMissing {
			ask(MissingName(m.node))
		}
	}
	if e.event != nil && ask(e.event.shape.name) {
		for _, word := range e.event.shape.words {
			ask(word)
		}
	}
}

// find reads nodes and keeps those whose names were asked for. Others only share a hash with one of them.
func (b *Batch) find(ids []int64) error {
	slices.Sort(ids)
	err := b.tables.Nodes(slices.Compact(ids), func(id int64, kind Kind, name string) {
		if full := FullName(kind, name); b.asked[full] {
			b.found[full] = foundNode{id, kind}
		}
	})
	if err != nil {
		return fmt.Errorf("couldn't look up nodes: %w", err)
	}
	return nil
}
