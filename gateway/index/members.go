package index

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// Member is an organisation with the newest record in which it introduced itself.
type Member struct {
	MSPID      string   `json:"mspId"`
	Name       string   `json:"name"`
	Namespaces []string `json:"namespaces"` // all that it has claimed, sorted
	Record
}

// Namespace is a namespace of artifacts and whose it is.
type Namespace struct {
	Name  string `json:"name"`
	MSPID string `json:"mspId"`
	Since uint64 `json:"since"` // the block of the claim
}

// Members lists the organisations that have introduced themselves, by MSP id.
func (ix *Index) Members(ctx context.Context, at uint64) ([]Member, error) {
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	const newest = "NOT EXISTS (SELECT 1 FROM member o WHERE o.msp = m.msp AND o.record > m.record AND o.record <= ?)"
	s := selection{
		head:  `SELECT ` + locationColumns + `, m.msp, m.name FROM member m JOIN node n ON n.id = m.record`,
		where: where{parts: []string{"m.record <= ?", newest}, args: []any{snap.Last, snap.Last}},
		order: "m.msp",
	}
	all := pageStart{snap: snap, size: MaxPage}
	list, err := listOf(ctx, ix, all, s, func(rows *sql.Rows, l *location) (m Member, err error) {
		err = rows.Scan(append(l.fields(), &m.MSPID, &m.Name)...)
		m.Namespaces = []string{}
		return m, err
	}, func(m *Member, r Record) { id := m.MSPID; m.Record = r; m.MSPID = id })
	if err != nil {
		return nil, err
	}
	namespaces, err := ix.Namespaces(ctx, at)
	if err != nil {
		return nil, err
	}
	for _, n := range namespaces {
		for i := range list.Items {
			if list.Items[i].MSPID == n.MSPID {
				list.Items[i].Namespaces = append(list.Items[i].Namespaces, n.Name)
			}
		}
	}
	return list.Items, nil
}

// Namespaces lists all namespaces by name, each with who claimed it first.
func (ix *Index) Namespaces(ctx context.Context, at uint64) ([]Namespace, error) {
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	all := []Namespace{}
	const query = `SELECT s.name, s.msp, t.block FROM namespace s JOIN node n ON n.id = s.record JOIN tx t ON t.id = n.tx
		WHERE s.record <= ? AND NOT EXISTS (SELECT 1 FROM namespace o WHERE o.name = s.name AND o.record < s.record)`
	err = ix.each(ctx, query, []any{snap.Last}, func(rows *sql.Rows) error {
		var n Namespace
		if err := rows.Scan(&n.Name, &n.MSPID, &n.Since); err != nil {
			return err
		}
		all = append(all, n)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't list namespaces: %w", err)
	}
	slices.SortFunc(all, func(a, b Namespace) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}
