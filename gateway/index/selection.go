package index

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// where collects the conditions of a query. An empty list that isn't nil is met by nothing.
type where struct {
	parts []string
	args  []any
	// ids, if not nil, limits what the query may find. It is sorted.
	ids []int64
}

func (w *where) add(condition string, args ...any) {
	w.parts = append(w.parts, condition)
	w.args = append(w.args, args...)
}

// only limits the query to ids, which are sorted.
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
func (w *where) naming(ctx context.Context, ix *Index, nodes []int64, roles []Role, p pageStart) error {
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

// each calls f with the rows, at most limit.
func (s *selection) each(ctx context.Context, ix *Index, limit int, f func(*sql.Rows) error) error {
	run := func(parts []string, args []any) error {
		query := s.head
		if len(parts) > 0 {
			query += " WHERE " + strings.Join(parts, " AND ")
		}
		query += " ORDER BY " + s.order + " LIMIT ?"
		return ix.each(ctx, query, append(slices.Clip(args), limit), func(rows *sql.Rows) error {
			limit--
			return f(rows)
		})
	}
	if s.where.ids == nil {
		return run(s.where.parts, s.where.args)
	}
	for ids := range slices.Chunk(s.where.ids, MostAmong) {
		if limit == 0 {
			break
		}
		condition, args := ix.store.Among(s.order, ids)
		err := run(append(slices.Clip(s.where.parts), condition), append(slices.Clip(s.where.args), args...))
		if err != nil {
			return err
		}
	}
	return nil
}
