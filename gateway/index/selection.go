package index

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// where collects the conditions of a query. A list that was given but is empty
// is met by nothing.
type where struct {
	parts []string
	args  []any
	// ids, if not nil, are all that the query may find, in order.
	ids []int64
}

func (w *where) add(condition string, args ...any) {
	w.parts = append(w.parts, condition)
	w.args = append(w.args, args...)
}

// only limits the query to ids, which are in order.
func (w *where) only(ids []int64) {
	if ids == nil {
		ids = []int64{}
	}
	if w.ids != nil {
		ids = slices.DeleteFunc(ids, func(id int64) bool {
			_, both := slices.BinarySearch(w.ids, id)
			return !both
		})
	}
	w.ids = ids
}

// naming limits the query to records that name one of the nodes in one of the roles.
func (w *where) naming(ctx context.Context, ix *Index, nodes []int64, roles []Role, p place) error {
	records, err := ix.recordsNaming(ctx, nodes, roles, p.after, p.snap)
	w.only(records)
	return err
}

// selection is a query of rows in order.
type selection struct {
	head  string // SELECT and FROM
	where where
	order string // the column that orders the rows, and that where.ids are of
}

// each hands rows to scan, at most limit.
func (s *selection) each(ctx context.Context, ix *Index, limit int, scan func(*sql.Rows) error) error {
	run := func(parts []string, args []any) error {
		query := s.head
		if len(parts) > 0 {
			query += " WHERE " + strings.Join(parts, " AND ")
		}
		return ix.each(ctx, query+" ORDER BY "+s.order+" LIMIT ?", append(slices.Clip(args), limit), func(rows *sql.Rows) error {
			limit--
			return scan(rows)
		})
	}
	if s.where.ids == nil {
		return run(s.where.parts, s.where.args)
	}
	return chunks(s.where.ids, amongMost, func(ids []int64) error {
		if limit == 0 {
			return nil
		}
		condition, args := ix.db.among(s.order, ids)
		return run(append(slices.Clip(s.where.parts), condition), append(slices.Clip(s.where.args), args...))
	})
}
