package index

import (
	"context"
	"database/sql"
	"fmt"
)

// lookUp finds, with few queries, the ids of all names that a block's records
// have or mention and that are in the database already.
func (w *batch) lookUp(ctx context.Context, parcels [][]parcel) error {
	asked := map[string]bool{}
	var hashes, things []any
	ask := func(n name) {
		if n.full == "" || asked[n.full] {
			return
		}
		if _, ok := w.found[n.full]; ok {
			return // of an earlier block of the batch
		}
		if id, ok := w.ix.names.get(n.full); ok {
			// Held for the whole batch: the cache may forget it meanwhile.
			w.found[n.full] = found{id, n.kind}
			return
		}
		asked[n.full] = true
		if n.kind.IsThing() {
			things = append(things, n.text())
		} else {
			hashes = append(hashes, n.hash)
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
	if err := w.find(ctx, columns+"hash IN ", hashes, asked); err != nil {
		return err
	}
	return w.find(ctx, columns+"thing IN ", things, asked)
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

// find runs a query of nodes for keys, many at a time, and notes the nodes
// that were asked for: others may share a number.
func (w *batch) find(ctx context.Context, query string, keys []any, asked map[string]bool) error {
	const most = 256
	for len(keys) > 0 {
		n := most
		if len(keys) < most {
			n = 1
		}
		stmt, err := w.ix.known.get(ctx, query+inList(n))
		if err != nil {
			return err
		}
		rows, err := stmt.QueryContext(ctx, keys[:n]...)
		if err != nil {
			return fmt.Errorf("couldn't look up nodes: %w", err)
		}
		err = w.note(rows, asked)
		if err != nil {
			return fmt.Errorf("couldn't look up nodes: %w", err)
		}
		keys = keys[n:]
	}
	return nil
}

func (w *batch) note(rows *sql.Rows, asked map[string]bool) error {
	defer rows.Close()
	for rows.Next() {
		var id int64
		var kind Kind
		var thing, text sql.NullString
		var digest []byte
		if err := rows.Scan(&id, &kind, &thing, &text, &digest); err != nil {
			return err
		}
		full := string(rune(spaceOf(kind))) + thing.String + text.String + string(digest)
		if asked[full] {
			w.found[full] = found{id, kind}
		}
	}
	return rows.Err()
}
