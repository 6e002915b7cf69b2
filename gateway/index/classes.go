package index

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// OfClass lists, in ledger order, the lots and items of each of the nodes that is a class without a lot, such as a
// GTIN. It lists at most so many, and tells which nodes have more. A node that is no such class has none.
func (ix *Index) OfClass(
	ctx context.Context, nodes []int64, snap Snapshot, most int,
) (members map[int64][]Vertex, cut []int64, err error) {
	rows, err := ix.nodes(ctx, sorted(nodes), snap)
	if err != nil {
		return nil, nil, fmt.Errorf("couldn't read classes: %w", err)
	}
	members = map[int64][]Vertex{}
	for _, n := range rows {
		if !n.Kind.IsThing() || epcis.Class(n.Text) != n.Text {
			continue
		}
		var all []Vertex
		for _, prefix := range epcis.Members(n.Text) {
			some, err := ix.instancesOf(ctx, n.Text, prefix, snap, most+1)
			if err != nil {
				return nil, nil, fmt.Errorf("couldn't list the lots and items of %q: %w", n.Text, err)
			}
			all = append(all, some...)
		}
		slices.SortFunc(all, func(a, b Vertex) int { return int(a.ID - b.ID) })
		if len(all) > most {
			all, cut = all[:most], append(cut, n.ID)
		}
		if members[n.ID] = all; len(all) == 0 {
			delete(members, n.ID)
		}
		most -= len(all)
	}
	return members, cut, nil
}

// instancesOf finds the lots and items of a class whose names begin with a prefix.
func (ix *Index) instancesOf(ctx context.Context, class, prefix string, snap Snapshot, most int) ([]Vertex, error) {
	var all []Vertex
	below, args := ix.store.Between(prefix, after(prefix))
	query := `SELECT id, kind, thing FROM node WHERE ` + below + ` AND id <= ? ORDER BY id LIMIT ?`
	err := ix.each(ctx, query, append(args, snap.Last, most), func(rows *sql.Rows) error {
		var v Vertex
		if err := rows.Scan(&v.ID, &v.Kind, &v.Name); err != nil {
			return err
		}
		if slices.Contains(epcis.Classes(v.Name), class) {
			all = append(all, v)
		}
		return nil
	})
	return all, err
}

// ClassesOf finds the nodes of the classes that things are of, such as the GTIN of a lot. Things whose class no record
// names have none.
func (ix *Index) ClassesOf(ctx context.Context, things []int64, snap Snapshot) (map[int64][]Vertex, error) {
	rows, err := ix.nodes(ctx, sorted(things), snap)
	if err != nil {
		return nil, fmt.Errorf("couldn't read things: %w", err)
	}
	names := map[string]projection.Name{}
	for _, n := range rows {
		if !n.Kind.IsThing() {
			continue
		}
		for _, class := range epcis.Classes(n.Text) {
			if _, ok := names[class]; !ok {
				names[class] = projection.NodeName(class)
			}
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	ask := make([]projection.Name, 0, len(names))
	for _, name := range names {
		ask = append(ask, name)
	}
	found, err := ix.nodesByName(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("couldn't look up classes: %w", err)
	}
	all := map[int64][]Vertex{}
	for _, n := range rows {
		if !n.Kind.IsThing() {
			continue
		}
		for _, class := range epcis.Classes(n.Text) {
			if f := found[names[class].Full]; f.id != 0 && f.id <= snap.Last && f.id != n.ID {
				all[n.ID] = append(all[n.ID], Vertex{f.id, f.kind, class})
			}
		}
	}
	return all, nil
}

func sorted(ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}
