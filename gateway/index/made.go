package index

import (
	"context"
	"database/sql"
	"fmt"
)

// Made lists the events, activities and artifact versions of which an
// organisation was the first to make a record, by its MSP id, at most so many of them: the
// newest, newest first. more tells that there are others. Statements are left out, for
// what is said of a node neither makes nor changes it.
func (ix *Index) Made(ctx context.Context, mspID string, snap Snapshot, most int) (made []Vertex, more bool, err error) {
	var ids, artifacts []int64
	kinds := map[int64]Kind{}
	// The ids of a transaction follow those handed out before it. A transaction has them in one piece, so that no index
	// of nodes by transactions is needed.
	err = ix.each(ctx, `SELECT n.id, n.kind FROM tx t CROSS JOIN creator c CROSS JOIN node n
		WHERE c.id = t.creator AND c.msp = ? AND n.id > t.before AND n.id <= COALESCE((SELECT x.before FROM tx x WHERE x.id = t.id + 1), ?) AND n.id <= ?
		AND n.kind IN (?, ?, ?) ORDER BY t.id DESC, n.id DESC LIMIT ?`,
		[]any{mspID, snap.Last, snap.Last, KindEvent, KindArtifactRecord, KindActivity, most + 1}, func(rows *sql.Rows) error {
			var id int64
			var kind Kind
			if err := rows.Scan(&id, &kind); err != nil {
				return err
			}
			ids, kinds[id] = append(ids, id), kind
			if kind == KindArtifactRecord {
				artifacts = append(artifacts, id)
			}
			return nil
		})
	if err != nil {
		return nil, false, fmt.Errorf("couldn't list what %s recorded: %w", mspID, err)
	}
	versions := map[int64]int64{}
	err = ix.batches(ctx, `SELECT record, node FROM artifact WHERE record IN `, artifacts, "", nil, func(rows *sql.Rows) error {
		var record, node int64
		defer func() { versions[record] = node }()
		return rows.Scan(&record, &node)
	})
	if err != nil {
		return nil, false, fmt.Errorf("couldn't list what %s recorded: %w", mspID, err)
	}
	if more = len(ids) > most; more {
		ids = ids[:most]
	}
	seen := map[int64]bool{}
	for _, id := range ids {
		v := Vertex{ID: id, Kind: kinds[id]}
		if v.Kind == KindArtifactRecord {
			v = Vertex{ID: versions[id], Kind: KindArtifact}
		}
		if !seen[v.ID] {
			seen[v.ID] = true
			made = append(made, v)
		}
	}
	return made, more, nil
}
