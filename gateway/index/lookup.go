package index

import (
	"cmp"
	"fmt"
	"slices"
)

// lookUp finds, with few queries, the ids of all names that a block's records
// have or mention and that are in the database already.
func (w *batch) lookUp(parcels [][]parcel) error {
	asked := map[string]bool{}
	var hashes, things []cell
	ask := func(n name) {
		if n.full == "" || asked[n.full] {
			return
		}
		if _, ok := w.found[n.full]; ok {
			return // of an earlier block of the batch
		}
		if n.full[0] == spaceRecord {
			// The cache has none.
		} else if id, ok := w.ix.names.get(n.full); ok {
			// Held for the whole batch: the cache may forget it meanwhile.
			w.found[n.full] = found{id, n.kind}
			return
		}
		asked[n.full] = true
		if n.kind.IsThing() {
			things = append(things, text(n.text()))
		} else {
			hashes = append(hashes, number(n.hash))
		}
	}
	for _, packs := range parcels {
		for _, p := range packs {
			for i := range p.entries {
				askAll(&p.entries[i], ask)
			}
		}
	}
	const columns = `SELECT id, kind, thing, name, digest FROM node WHERE `
	if err := w.find(columns+"hash = ?", hashes, asked); err != nil {
		return err
	}
	return w.find(columns+"thing = ?", things, asked)
}

func askAll(e *entry, ask func(name)) {
	ask(e.self)
	for _, l := range e.links {
		ask(l.node)
		if l.node.kind == KindMissing {
			ask(ghost(l.node))
		}
	}
	if ev := e.event; ev != nil {
		ask(ev.step)
		ask(ev.disposition)
		ask(ev.readPoint)
		ask(ev.location)
	}
}

// find runs a query of nodes for each key, and notes the nodes that were asked
// for: others may share a number. In the order of the keys, neighbours are found
// on one page.
func (w *batch) find(query string, keys []cell, asked map[string]bool) error {
	find, err := w.ix.db.blocks.statement(query)
	if err != nil {
		return err
	}
	slices.SortFunc(keys, func(a, b cell) int { return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.text, b.text)) })
	for i := range keys {
		if err := find.run(keys[i:i+1], func(row *sqliteStatement) {
			kind := Kind(row.number(1))
			full := string(rune(spaceOf(kind))) + row.text(2) + row.text(3) + row.text(4)
			if asked[full] {
				w.found[full] = found{row.number(0), kind}
			}
		}); err != nil {
			return fmt.Errorf("couldn't look up nodes: %w", err)
		}
	}
	return nil
}
