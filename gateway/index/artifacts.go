package index

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Artifact is an artifact version with the record that first described it.
type Artifact struct {
	Ref       string        `json:"ref"` // kind/namespace/name@version
	Kind      string        `json:"kind"`
	Namespace string        `json:"namespace"`
	Name      string        `json:"name"`
	Version   string        `json:"version"`
	Digest    record.Digest `json:"digest"`
	Record
}

// ArtifactFilter chooses artifact versions; empty fields choose all.
type ArtifactFilter struct {
	Kind, Namespace, Name, Version string
	Digest                         string // hexadecimal, whatever the algorithm
	MSPID                          string // who recorded it first
}

// Artifact finds an artifact version by its name. Several records may describe it, all with the same digest; the
// answer has the first.
func (ix *Index) Artifact(ctx context.Context, ref string, at uint64) (*Artifact, error) {
	r, err := record.ParseArtifactRef(ref)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrNotFound)
	}
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	v, err := ix.Find(ctx, r.String(), snap)
	if err != nil {
		return nil, err
	}
	// It is looked up by its node, because there may be very many versions of one name.
	s := selection{
		head:  artifactColumns + `artifact a JOIN node n ON n.id = a.record`,
		where: where{parts: []string{"a.node = ?", "a.record <= ?"}, args: []any{v.ID, snap.Last}},
		order: "a.record",
	}
	list, err := listOf(ctx, ix, pageStart{snap: snap, size: 1}, s, scanArtifact, setArtifact)
	if err != nil {
		return nil, err
	}
	if len(list.Items) == 0 {
		return nil, fmt.Errorf("artifact %s: %w", ref, ErrNotFound)
	}
	return &list.Items[0], nil
}

// ArtifactVersions lists the versions of kind/namespace/name, the oldest first.
func (ix *Index) ArtifactVersions(ctx context.Context, series string, at uint64, page Page) (List[Artifact], error) {
	parts := strings.Split(series, "/")
	if len(parts) != 3 {
		return List[Artifact]{}, fmt.Errorf("%q is not the name of an artifact, such as dataset/lab/readings: %w",
			record.Brief(series), ErrNotFound)
	}
	return ix.Artifacts(ctx, ArtifactFilter{Kind: parts[0], Namespace: parts[1], Name: parts[2]}, at, page)
}

// Artifacts lists artifact versions in the order in which they were recorded.
func (ix *Index) Artifacts(ctx context.Context, f ArtifactFilter, at uint64, page Page) (List[Artifact], error) {
	p, err := ix.begin(ctx, "artifacts", f, at, page)
	if err != nil {
		return List[Artifact]{}, err
	}
	w := where{parts: []string{"a.record > ?", "a.record <= ?", firstOfVersion}, args: []any{p.after, p.snap.Last}}
	for _, c := range []struct{ column, value string }{
		{"a.kind", f.Kind}, {"a.namespace", f.Namespace}, {"a.name", f.Name}, {"a.version", f.Version},
		{"a.digest", strings.ToLower(f.Digest)},
	} {
		if c.value != "" {
			w.add(c.column+" = ?", c.value)
		}
	}
	from := `artifact a JOIN node n ON n.id = a.record`
	if f.MSPID != "" {
		from += ` JOIN tx t ON t.id = n.tx JOIN creator c ON c.id = t.creator`
		w.add("c.msp = ?", f.MSPID)
	}
	s := selection{head: artifactColumns + from, where: w, order: "a.record"}
	return listOf(ctx, ix, p, s, scanArtifact, setArtifact)
}

const artifactColumns = `SELECT ` + locationColumns +
	`, a.kind, a.namespace, a.name, a.version, a.algorithm, a.digest, a.coverage FROM `

// firstOfVersion leaves out artifact records that describe a version which an earlier record describes.
const firstOfVersion = "NOT EXISTS (SELECT 1 FROM artifact b WHERE b.node = a.node AND b.record < a.record)"

func setArtifact(a *Artifact, r Record) { a.Record = r }

// scanArtifact reads a row of artifactColumns.
func scanArtifact(rows *sql.Rows, l *location) (a Artifact, err error) {
	err = rows.Scan(append(l.fields(), &a.Kind, &a.Namespace, &a.Name, &a.Version,
		&a.Digest.Algorithm, &a.Digest.Value, &a.Digest.Coverage)...)
	a.Ref = record.ArtifactRef{Kind: a.Kind, Namespace: a.Namespace, Name: a.Name, Version: a.Version}.String()
	return a, err
}

// listOf makes a page of items, each of which has a record. One query asks for one item more than the page holds.
func listOf[T any](
	ctx context.Context, ix *Index, p pageStart, s selection,
	scan func(*sql.Rows, *location) (T, error), set func(*T, Record),
) (List[T], error) {
	list := List[T]{Block: p.snap.Block, Items: []T{}}
	var places []location
	err := s.each(ctx, ix, p.size+1, func(rows *sql.Rows) error {
		var l location
		item, err := scan(rows, &l)
		if err != nil {
			return err
		}
		places = append(places, l)
		list.Items = append(list.Items, item)
		return nil
	})
	if err != nil {
		return list, fmt.Errorf("couldn't list records: %w", err)
	}
	more := len(places) > p.size
	places = places[:min(len(places), p.size)]
	list.Items = list.Items[:len(places)]
	if len(places) == 0 {
		return list, nil
	}
	records, err := ix.fetchAll(ctx, places)
	if err != nil {
		return list, err
	}
	for i, r := range records {
		set(&list.Items[i], r)
	}
	list.Next, err = p.next(places[len(places)-1].id, more)
	return list, err
}
