package runs

import (
	"context"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// mostSwept bounds what applying the retention does in one transaction.
const mostSwept = 200

// mostFacets is how many jobs and datasets facets are kept of; the longest untouched go first.
const mostFacets = 100_000

// applyRetention ends runs whose end never came, and forgets what has been kept long enough.
func (s *Store) applyRetention(ctx context.Context, now time.Time) {
	for ctx.Err() == nil {
		n, err := s.expire(now)
		if err != nil {
			s.log.Error("couldn't end runs whose end never came", "error", err)
		}
		if n < mostSwept {
			break
		}
	}
	for ctx.Err() == nil {
		n, err := s.forget(now)
		if err != nil {
			s.log.Error("couldn't forget old runs", "error", err)
		}
		if n < mostSwept {
			break
		}
	}
}

// expired stands for the type of the event that ends a run, of a run whose end never came.
const expired = "EXPIRED"

// expire ends open runs to which nothing has been added for long. What is known of them is recorded.
func (s *Store) expire(now time.Time) (int, error) {
	type gone struct {
		id  int64
		run string
	}
	var list []gone
	err := s.db.change(func(tx *sqlitefile.Tx) error {
		list = list[:0]
		rows, err := tx.Query(
			"SELECT id, run FROM run WHERE state = ? AND updated < ? ORDER BY updated LIMIT ?",
			stateOpen,
			now.Add(-s.cfg.Expire).UnixMilli(),
			mostSwept,
		)
		if err != nil {
			return stored(err)
		}
		for rows.Next() {
			var g gone
			if err := rows.Scan(&g.id, &g.run); err != nil {
				rows.Close()
				return stored(err)
			}
			list = append(list, g)
		}
		if err := rows.Err(); err != nil {
			return stored(err)
		}
		for _, g := range list {
			if err := putInTurn(tx, g.id); err != nil {
				return err
			}
			if _, err := tx.Exec("UPDATE run SET type = ?, started = 1, ended = ?, revision = revision + 1 WHERE id = ?",
				expired, now.UnixMilli(), g.id); err != nil {
				return stored(err)
			}
		}
		return nil
	})
	if err != nil || len(list) == 0 {
		return 0, err
	}
	for _, g := range list {
		s.log.Warn("the end of a run never came; it is recorded without", "run", g.run, "after", s.cfg.Expire)
	}
	s.move(func(c *Counters) { c.Expired += len(list) })
	s.ring()
	return len(list), nil
}

// forget deletes runs that are over and older than they are kept, or more. What they generated last of each artifact is
// on the ledger, and the index tells it from then on.
func (s *Store) forget(now time.Time) (n int, err error) {
	err = s.db.change(func(tx *sqlitefile.Tx) error {
		n = 0
		rows, err := tx.Query(`SELECT id FROM run WHERE state >= ?1 AND ended < ?2
			UNION SELECT * FROM (SELECT id FROM run WHERE state >= ?1 ORDER BY ended DESC LIMIT -1 OFFSET ?3) LIMIT ?4`,
			stateRecorded, now.Add(-s.cfg.Keep).UnixMilli(), s.cfg.KeepRuns, mostSwept)
		if err != nil {
			return stored(err)
		}
		var ids []int64
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				rows.Close()
				return stored(err)
			}
			ids = append(ids, id)
		}
		if err := rows.Err(); err != nil {
			return stored(err)
		}
		for _, id := range ids {
			for _, query := range []string{"DELETE FROM event WHERE run = ?", "DELETE FROM pin WHERE run = ?",
				"DELETE FROM output WHERE run = ? AND change <> 'DROP'", "DELETE FROM run WHERE id = ?"} {
				if _, err := tx.Exec(query, id); err != nil {
					return stored(err)
				}
			}
		}
		n = len(ids)
		_, err = tx.Exec(
			"DELETE FROM facets WHERE updated < COALESCE((SELECT updated FROM facets ORDER BY updated DESC LIMIT 1 OFFSET ?), 0)",
			mostFacets,
		)
		return stored(err)
	})
	return n, err
}
