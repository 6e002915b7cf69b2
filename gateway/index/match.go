package index

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// fewThings is how many things a search may begin with.
const fewThings = 1000

// match finds events by the things they name: exact ones by their URI, and
// patterns by ranges of URIs. If few things fit, the search goes from them to
// their events. If many do, so do many events, and it goes from event to
// event, in order, through a sieve.
func (w *where) match(ctx context.Context, ix *Index, m MatchQuery, p place) (*sieve, error) {
	var things []string
	var args []any
	for _, v := range m.Values {
		pattern, _ := epcis.ParsePattern(v)
		for _, exact := range pattern.Exact {
			// The least text that is greater follows at once.
			condition, between := ix.db.between(exact, exact+"\x00")
			things, args = append(things, condition), append(args, between...)
		}
		for _, prefix := range pattern.Prefixes {
			condition, between := ix.db.between(prefix, after(prefix))
			things, args = append(things, condition), append(args, between...)
		}
	}
	if len(things) == 0 {
		w.only([]int64{})
		return nil, nil
	}
	fit := "(" + strings.Join(things, " OR ") + ")"
	var nodes []int64
	err := ix.each(ctx, "SELECT id FROM node WHERE "+fit+" LIMIT ?", append(slices.Clone(args), fewThings+1), func(rows *sql.Rows) error {
		var id int64
		defer func() { nodes = append(nodes, id) }()
		return rows.Scan(&id)
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't look up the things of %s: %w", m.Parameter, err)
	}
	if len(nodes) > fewThings {
		return &sieve{matchRoles[m.Parameter], fit, args}, nil
	}
	return nil, w.naming(ctx, ix, nodes, matchRoles[m.Parameter], p)
}

// sieve lets events through that name, in one of some roles, a thing that fits.
type sieve struct {
	roles []Role
	fit   string
	args  []any
}

// sift chooses from events.
func (s *sieve) sift(ctx context.Context, ix *Index, events []location, snap Snapshot) ([]location, error) {
	ids := make([]int64, len(events))
	for i, e := range events {
		ids[i] = e.id
	}
	links, err := ix.LinksOf(ctx, ids, snap)
	if err != nil {
		return nil, err
	}
	links = slices.DeleteFunc(links, func(l Link) bool { return !slices.Contains(s.roles, l.Role) })
	nodes := make([]int64, len(links))
	for i, l := range links {
		nodes[i] = l.Node
	}
	slices.Sort(nodes)
	fitting := map[int64]bool{}
	err = ix.batches(ctx, "SELECT id FROM node WHERE id IN ", slices.Compact(nodes), " AND "+s.fit, s.args, func(rows *sql.Rows) error {
		var id int64
		defer func() { fitting[id] = true }()
		return rows.Scan(&id)
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't look up the things of events: %w", err)
	}
	through := map[int64]bool{}
	for _, l := range links {
		if fitting[l.Node] {
			through[l.Record] = true
		}
	}
	return slices.DeleteFunc(events, func(e location) bool { return !through[e.id] }), nil
}

// sifted makes a page of those events of a selection that all sieves let through.
func (ix *Index) sifted(ctx context.Context, p place, s selection, sieves []sieve) (List[Record], error) {
	var through []location
	limit := p.size + 1
	for len(through) <= p.size {
		some, err := ix.locations(ctx, s, limit)
		if err != nil {
			return List[Record]{}, err
		}
		full := len(some) == limit
		if full {
			s.where.add("e.id > ?", some[len(some)-1].id)
			limit = min(2*limit, MaxPage)
		}
		for i := range sieves {
			if some, err = sieves[i].sift(ctx, ix, some, p.snap); err != nil {
				return List[Record]{}, err
			}
		}
		through = append(through, some...)
		if !full {
			break
		}
	}
	return ix.recordsAt(ctx, p, through)
}

// after is the least text that is greater than all that begin with prefix.
// Prefixes end in an ASCII character.
func after(prefix string) string {
	return prefix[:len(prefix)-1] + string(rune(prefix[len(prefix)-1]+1))
}
