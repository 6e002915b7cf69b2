package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Vertex is a node of the lineage graph: a thing, an artifact version or a record.
type Vertex struct {
	ID   int64 // of the index; the same in every index of this ledger
	Kind Kind
	Name string // URI, artifact version, or record id
}

// Link says that a record names a node in a role. All edges of the graph are
// made of links.
type Link struct {
	Record int64
	Role   Role
	Node   int64
	Time   int64  // when it happened by the record's word, in microseconds since 1970
	Amount string // of classes in packing events: "quantity unit", several joined by ;
}

// Find finds a node by the name that record.ParseNode gives it. An artifact's
// record id leads to its version. A node that is unknown, as of the snapshot, is
// the zero Vertex and no error.
func (ix *Index) Find(ctx context.Context, node string, snap Snapshot) (Vertex, error) {
	n := nodeName(node)
	v := Vertex{Name: node}
	var err error
	switch {
	case n.kind.IsThing():
		err = ix.row(ctx, `SELECT id, kind FROM node WHERE thing = ? AND id <= ?`, node, snap.Last).Scan(&v.ID, &v.Kind)
	case n.kind == KindMissing:
		err = ix.row(ctx, `SELECT id, kind FROM node WHERE hash = ? AND digest = ? AND id <= ?`, n.hash, []byte(n.text()), snap.Last).Scan(&v.ID, &v.Kind)
		if errors.Is(err, sql.ErrNoRows) {
			g := ghost(n)
			err = ix.row(ctx, `SELECT id, kind FROM node WHERE hash = ? AND kind = ? AND name = ? AND id <= ?`, g.hash, g.kind, g.text(), snap.Last).Scan(&v.ID, &v.Kind)
		}
	default:
		err = ix.row(ctx, `SELECT id, kind FROM node WHERE hash = ? AND kind = ? AND name = ? AND id <= ?`, n.hash, n.kind, node, snap.Last).Scan(&v.ID, &v.Kind)
	}
	if err == nil && v.Kind == KindArtifactRecord {
		v.Kind = KindArtifact
		err = ix.row(ctx, `SELECT v.id, v.name FROM artifact a JOIN node v ON v.id = a.node WHERE a.record = ?`, v.ID).Scan(&v.ID, &v.Name)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return Vertex{}, nil
	}
	if err != nil {
		return Vertex{}, fmt.Errorf("couldn't look up %q: %w", record.Brief(node), err)
	}
	return v, nil
}

// LinksTo lists the links that name one of the nodes, by node and ledger order.
func (ix *Index) LinksTo(ctx context.Context, nodes []int64, snap Snapshot) ([]Link, error) {
	return ix.links(ctx, `node`, ` ORDER BY node, record, role`, nodes, snap)
}

// LinksOf lists the links of the records, by ledger order and role.
func (ix *Index) LinksOf(ctx context.Context, records []int64, snap Snapshot) ([]Link, error) {
	return ix.links(ctx, `record`, ` ORDER BY record, role, node`, records, snap)
}

func (ix *Index) links(ctx context.Context, by, order string, ids []int64, snap Snapshot) ([]Link, error) {
	query, rest := `SELECT record, role, node, time, amount FROM link WHERE `+by+` IN `, ` AND record <= ?`+order
	read := func(ids []int64) (all []Link, err error) {
		err = ix.batches(ctx, query, ids, rest, []any{snap.Last}, func(rows *sql.Rows) error {
			var l Link
			var amount sql.RawBytes
			if err := rows.Scan(&l.Record, &l.Role, &l.Node, &l.Time, &amount); err != nil {
				return err
			}
			l.Amount = string(amount)
			all = append(all, l)
			return nil
		})
		return all, err
	}
	all, err := shared(ids, read)
	if err != nil {
		return nil, fmt.Errorf("couldn't read links: %w", err)
	}
	return all, nil
}

// shared divides much work among the processors, and joins the results in order.
func shared[T any](ids []int64, work func([]int64) ([]T, error)) ([]T, error) {
	const worthIt = 512
	share := max(worthIt, (len(ids)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	if len(ids) <= share {
		return work(ids)
	}
	parts := (len(ids) + share - 1) / share
	results, problems := make([][]T, parts), make([]error, parts)
	var wait sync.WaitGroup
	for i := range parts {
		wait.Go(func() { results[i], problems[i] = work(ids[i*share : min((i+1)*share, len(ids))]) })
	}
	wait.Wait()
	return slices.Concat(results...), errors.Join(problems...)
}

// Things lists the things and classes below a class, such as all lots and
// serials of a GTIN, by URI.
func (ix *Index) Things(ctx context.Context, class string, at uint64, page Page) (List[string], error) {
	p, err := ix.begin(ctx, "things", class, at, page)
	if err != nil {
		return List[string]{}, err
	}
	list := List[string]{Block: p.snap.Block, Items: []string{}}
	var last int64
	prefix := strings.TrimSuffix(class, "/") + "/"
	err = ix.each(ctx, `SELECT id, thing FROM node WHERE thing >= ? AND thing < ? AND id > ? AND id <= ? ORDER BY id LIMIT ?`, []any{prefix, after(prefix), p.after, p.snap.Last, p.size + 1}, func(rows *sql.Rows) error {
		var id int64
		var thing string
		if err := rows.Scan(&id, &thing); err != nil {
			return err
		}
		if len(list.Items) < p.size {
			last = id
		}
		list.Items = append(list.Items, thing)
		return nil
	})
	if err != nil {
		return list, fmt.Errorf("couldn't list the things of %q: %w", record.Brief(class), err)
	}
	more := len(list.Items) > p.size
	list.Items = list.Items[:min(len(list.Items), p.size)]
	list.Next, err = p.next(last, more)
	return list, err
}

// Kinds tells the kinds of nodes.
func (ix *Index) Kinds(ctx context.Context, ids []int64) (map[int64]Kind, error) {
	kinds := make(map[int64]Kind, len(ids))
	err := ix.batches(ctx, `SELECT id, kind FROM node WHERE id IN `, ids, "", nil, func(rows *sql.Rows) error {
		var id int64
		var kind Kind
		defer func() { kinds[id] = kind }()
		return rows.Scan(&id, &kind)
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't read the kinds of nodes: %w", err)
	}
	return kinds, nil
}

// Names tells the record ids of records.
func (ix *Index) Names(ctx context.Context, records []int64) (map[int64]string, error) {
	names := make(map[int64]string, len(records))
	err := ix.batches(ctx, `SELECT id, digest FROM node WHERE digest IS NOT NULL AND id IN `, records, "", nil, func(rows *sql.Rows) error {
		var id int64
		var digest sql.RawBytes
		if err := rows.Scan(&id, &digest); err != nil {
			return err
		}
		names[id] = recordID(digest)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't read the ids of records: %w", err)
	}
	return names, nil
}
