package index

import (
	"context"
	"database/sql"
	"slices"
)

// stored is a row of the table node. It never changes, so that it can be kept
// between queries.
type stored struct {
	id            int64
	kind          Kind
	tx, line      int64
	at            int64  // of a record
	text          string // the name; the digest of a record
	links         string // packed; see links.go
	shape         int64  // of an event
	hash, eventID string // of an event; eventID is "" if it is the hash
}

// name is what answers call the node.
func (n *stored) name() string {
	if n.kind.IsRecord() {
		return recordID([]byte(n.text))
	}
	return n.text
}

const storedColumns = `kind, tx, line, time, COALESCE(thing, name), digest, links, shape, hash, eventid`

// stored reads nodes in the order of their ids, in which they are asked for. Those
// that don't exist, as of the snapshot, are left out.
func (ix *Index) stored(ctx context.Context, ids []int64, snap Snapshot) ([]*stored, error) {
	kept := ix.caches().nodes
	later := func(id int64) bool { return id > snap.Last }
	if slices.ContainsFunc(ids, later) {
		ids = slices.DeleteFunc(slices.Clone(ids), later)
	}
	all, missing := kept.all(ids)
	if len(missing) == 0 {
		return all, nil
	}
	keep := make([]*stored, 0, len(missing))
	err := ix.db.stored(ctx, missing, func(n *stored) {
		if len(n.text)+len(n.links)+len(n.eventID) <= mostNode {
			keep = append(keep, n)
		} else {
			alone := *n
			*n, n = stored{}, &alone // its neighbours in memory may be kept
		}
		all = append(all, n)
	})
	kept.putAll(keep, func(n *stored) int64 { return n.id })
	slices.SortFunc(all, func(a, b *stored) int { return int(a.id - b.id) })
	return all, err
}

// queryStored reads nodes by a query of their ids and storedColumns.
func queryStored(rows *sql.Rows, err error, each func(*stored)) error {
	if err != nil {
		return err
	}
	return scanAll(rows, func(rows *sql.Rows) error {
		var n stored
		var line, at, shape sql.NullInt64
		var text, digest, links, hash, eventID sql.RawBytes
		if err := rows.Scan(&n.id, &n.kind, &n.tx, &line, &at, &text, &digest, &links, &shape, &hash, &eventID); err != nil {
			return err
		}
		n.line, n.at, n.shape = line.Int64, at.Int64, shape.Int64
		n.text, n.links, n.hash, n.eventID = string(text)+string(digest), string(links), string(hash), string(eventID)
		each(&n)
		return nil
	})
}
