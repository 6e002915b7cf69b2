package index

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// fewThings is how many things a search may go out from.
const fewThings = 1000

// match limits events to those that name a thing: an exact one by its URI, a pattern by a range of URIs. If few things
// fit, their events are found from them. If many fit, so do many events; then match returns a filter, through which
// all events go in their order.
func (w *where) match(ctx context.Context, ix *Index, m MatchQuery, p pageStart) (*thingFilter, error) {
	var things []string
	var args []any
	for _, v := range m.Values {
		pattern, _ := epcis.ParsePattern(v)
		for _, exact := range pattern.Exact {
			// The smallest text that is greater.
			condition, between := ix.store.Between(exact, exact+"\x00")
			things, args = append(things, condition), append(args, between...)
		}
		for _, prefix := range pattern.Prefixes {
			condition, between := ix.store.Between(prefix, after(prefix))
			things, args = append(things, condition), append(args, between...)
		}
	}
	if len(things) == 0 {
		w.only([]int64{})
		return nil, nil
	}
	fit := "(" + strings.Join(things, " OR ") + ")"
	var nodes []int64
	query := "SELECT id FROM node WHERE " + fit + " LIMIT ?"
	err := ix.each(ctx, query, append(slices.Clone(args), fewThings+1), func(rows *sql.Rows) error {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		nodes = append(nodes, id)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't look up the things of %s: %w", m.Parameter, err)
	}
	if len(nodes) > fewThings {
		return &thingFilter{matchRoles[m.Parameter], fit, args}, nil
	}
	return nil, w.naming(ctx, ix, nodes, matchRoles[m.Parameter], p)
}

// thingFilter chooses events that name, in one of some roles, a thing that fits.
type thingFilter struct {
	roles []Role
	fit   string // the condition on things, and its arguments
	args  []any
}

func (t *thingFilter) choose(ctx context.Context, ix *Index, events []location, snap Snapshot) ([]location, error) {
	ids := make([]int64, len(events))
	for i, e := range events {
		ids[i] = e.id
	}
	links, err := ix.LinksOf(ctx, ids, snap)
	if err != nil {
		return nil, err
	}
	links = slices.DeleteFunc(links, func(l Link) bool { return !slices.Contains(t.roles, l.Role) })
	nodes := make([]int64, len(links))
	for i, l := range links {
		nodes[i] = l.Node
	}
	slices.Sort(nodes)
	fitting := map[int64]bool{}
	const query = "SELECT id FROM node WHERE id IN "
	err = ix.batches(ctx, query, slices.Compact(nodes), " AND "+t.fit, t.args, func(rows *sql.Rows) error {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		fitting[id] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't look up the things of events: %w", err)
	}
	chosen := map[int64]bool{}
	for _, l := range links {
		if fitting[l.Node] {
			chosen[l.Record] = true
		}
	}
	return slices.DeleteFunc(events, func(e location) bool { return !chosen[e.id] }), nil
}

// filteredPage makes a page of the events of a selection that all filters choose.
func (ix *Index) filteredPage(
	ctx context.Context, p pageStart, s selection, filters []thingFilter,
) (List[Record], error) {
	var chosen []location
	limit := p.size + 1
	for len(chosen) <= p.size {
		some, err := ix.locations(ctx, s, limit)
		if err != nil {
			return List[Record]{}, err
		}
		full := len(some) == limit
		if full {
			s.where.add("e.id > ?", some[len(some)-1].id)
			limit = min(2*limit, MaxPage)
		}
		for i := range filters {
			if some, err = filters[i].choose(ctx, ix, some, p.snap); err != nil {
				return List[Record]{}, err
			}
		}
		chosen = append(chosen, some...)
		if !full {
			break
		}
	}
	return ix.recordsAt(ctx, p, chosen)
}

// after is the smallest text that is greater than all texts with a prefix, which ends in an ASCII character.
func after(prefix string) string {
	return prefix[:len(prefix)-1] + string(rune(prefix[len(prefix)-1]+1))
}
