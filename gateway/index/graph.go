package index

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Vertex is a node of the lineage graph: a thing, an artifact version or a record.
type Vertex struct {
	ID   int64 // of the index; the same in every index of this ledger
	Kind Kind
	Name string // URI, artifact version, or record id
}

// Find finds a node by the name that record.ParseNode gives it. The id of an artifact's record leads to the artifact
// version. A node that is unknown, as of the snapshot, is the zero Vertex and no error.
func (ix *Index) Find(ctx context.Context, node string, snap Snapshot) (Vertex, error) {
	found, err := ix.findAll(ctx, []string{node}, snap)
	if err != nil {
		return Vertex{}, fmt.Errorf("couldn't look up %q: %w", record.Brief(node), err)
	}
	return found[node], nil
}

// findAll finds many nodes as Find does, by their names. It leaves out those that are unknown.
func (ix *Index) findAll(ctx context.Context, nodes []string, snap Snapshot) (map[string]Vertex, error) {
	ask := make([]projection.Name, 0, 2*len(nodes))
	names := func(node string) []projection.Name {
		n := projection.NodeName(node)
		if n.Kind == KindMissing {
			return []projection.Name{n, projection.MissingName(n)}
		}
		return []projection.Name{n}
	}
	for _, node := range nodes {
		ask = append(ask, names(node)...)
	}
	all, err := ix.nodesByName(ctx, ask)
	if err != nil {
		return nil, err
	}
	found := make(map[string]Vertex, len(nodes))
	records := map[int64]string{} // of artifacts, by their ids: the name that was asked for
	for _, node := range nodes {
		for _, n := range names(node) {
			if f := all[n.Full]; f.id != 0 && f.id <= snap.Last {
				found[node] = Vertex{ID: f.id, Kind: f.kind, Name: node}
				if f.kind == KindArtifactRecord {
					records[f.id] = node
				}
				break
			}
		}
	}
	if len(records) == 0 {
		return found, nil
	}
	const query = `SELECT a.record, v.id, v.name FROM artifact a JOIN node v ON v.id = a.node WHERE a.record IN `
	err = ix.batches(ctx, query, slices.Sorted(maps.Keys(records)), "", nil, func(rows *sql.Rows) error {
		var id int64
		v := Vertex{Kind: KindArtifact}
		err := rows.Scan(&id, &v.ID, &v.Name)
		found[records[id]] = v
		return err
	})
	return found, err
}

type foundNode struct {
	id   int64
	kind Kind
}

// nodesByName finds nodes; the result is by their full names.
func (ix *Index) nodesByName(ctx context.Context, names []projection.Name) (map[string]foundNode, error) {
	asked := make(map[string]bool, len(names))
	hashes := make([]uint64, 0, len(names))
	for _, n := range names {
		asked[n.Full] = true
		hashes = append(hashes, n.Hash)
	}
	all := make(map[string]foundNode, len(names))
	ids, err := ix.candidates(ctx, hashes)
	if err != nil {
		return nil, err
	}
	const query = `SELECT id, kind, COALESCE(thing, name), digest FROM node WHERE id IN `
	err = ix.batches(ctx, query, ids, "", nil, func(rows *sql.Rows) error {
		var f foundNode
		var text, digest sql.RawBytes
		if err := rows.Scan(&f.id, &f.kind, &text, &digest); err != nil {
			return err
		}
		if full := projection.FullName(f.kind, string(text)+string(digest)); asked[full] {
			all[full] = f
		}
		return nil
	})
	return all, err
}

// candidates are the nodes that have a name with one of the hashes, by id. Their names may be others than the
// caller's.
func (ix *Index) candidates(ctx context.Context, hashes []uint64) ([]int64, error) {
	keys, err := ix.store.Keys(ctx, hashes)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// LinksTo lists the links that name one of the nodes, by node and ledger order. The nodes must be sorted by id.
func (ix *Index) LinksTo(ctx context.Context, nodes []int64, snap Snapshot) ([]Link, error) {
	return ix.links(nodes, func(nodes []int64) (all []Link, err error) {
		rows, err := ix.nodes(ctx, nodes, snap)
		if err != nil {
			return nil, err
		}
		for _, n := range rows {
			if n.Kind.IsRecord() {
				continue // its row has the links of the record, not those to it
			}
			if all, err = projection.UnpackLinksTo(all, n.ID, snap.Last, n.Links); err != nil {
				return nil, err
			}
		}
		first := len(all)
		err = ix.store.LaterLinks(ctx, nodes, snap.Last, func(node int64, data []byte) (err error) {
			all, err = projection.UnpackLinksTo(all, node, snap.Last, data)
			return err
		})
		if len(all) > first {
			slices.SortStableFunc(all, func(a, b Link) int { return cmp.Compare(a.Node, b.Node) })
		}
		return all, err
	})
}

// LinksOf lists the links of the records, by ledger order and role. The records must be sorted by id.
func (ix *Index) LinksOf(ctx context.Context, records []int64, snap Snapshot) ([]Link, error) {
	return ix.links(records, func(records []int64) (all []Link, err error) {
		rows, err := ix.nodes(ctx, records, snap)
		if err != nil {
			return nil, err
		}
		for _, n := range rows {
			if !n.Kind.IsRecord() {
				continue
			}
			if all, err = projection.UnpackLinksOf(all, n.ID, n.Time, n.Links); err != nil {
				return nil, err
			}
		}
		return all, nil
	})
}

func (ix *Index) links(ids []int64, read func([]int64) ([]Link, error)) ([]Link, error) {
	all, err := divided(ids, read)
	if err != nil {
		return nil, fmt.Errorf("couldn't read links: %w", err)
	}
	return all, nil
}

// recordsNaming are the records, by id, that name one of the nodes in one of the roles. Their ids are greater than
// after.
func (ix *Index) recordsNaming(
	ctx context.Context, nodes []int64, roles []Role, after int64, snap Snapshot,
) ([]int64, error) {
	slices.Sort(nodes)
	all, err := ix.LinksTo(ctx, slices.Compact(nodes), snap)
	if err != nil {
		return nil, err
	}
	records := []int64{}
	for _, l := range all {
		if l.Record > after && slices.Contains(roles, l.Role) {
			records = append(records, l.Record)
		}
	}
	slices.Sort(records)
	return slices.Compact(records), nil
}

// divided divides much work among the processors, and joins the results in order.
func divided[T any](ids []int64, work func([]int64) ([]T, error)) ([]T, error) {
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

// Things lists the things and classes below a class, such as all lots and serials of a GTIN, in ledger order.
func (ix *Index) Things(ctx context.Context, class string, at uint64, page Page) (List[string], error) {
	p, err := ix.begin(ctx, "things", class, at, page)
	if err != nil {
		return List[string]{}, err
	}
	list := List[string]{Block: p.snap.Block, Items: []string{}}
	var last int64
	prefix := strings.TrimSuffix(class, "/") + "/"
	below, args := ix.store.Between(prefix, after(prefix))
	query := `SELECT id, thing FROM node WHERE ` + below + ` AND id > ? AND id <= ? ORDER BY id LIMIT ?`
	err = ix.each(ctx, query, append(args, p.after, p.snap.Last, p.size+1), func(rows *sql.Rows) error {
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

// Kinds are the kinds of nodes.
func (ix *Index) Kinds(ctx context.Context, ids []int64) (map[int64]Kind, error) {
	kinds := make(map[int64]Kind, len(ids))
	rows, err := ix.nodes(ctx, ids, everything)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the kinds of nodes: %w", err)
	}
	for _, n := range rows {
		kinds[n.ID] = n.Kind
	}
	return kinds, nil
}

// everything is for questions whose answer never changes.
var everything = Snapshot{Last: math.MaxInt64}

// Names are the record ids of records.
func (ix *Index) Names(ctx context.Context, records []int64) (map[int64]string, error) {
	names := make(map[int64]string, len(records))
	rows, err := ix.nodes(ctx, records, everything)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the ids of records: %w", err)
	}
	for _, n := range rows {
		if n.Kind.IsRecord() {
			names[n.ID] = n.name()
		}
	}
	return names, nil
}
