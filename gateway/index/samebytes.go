package index

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Twin says that an artifact version has the same digest as another one, so that both are the same bytes.
type Twin struct {
	Node, Other int64 // artifact versions
	Record      int64 // describes the one of them that was registered later
}

// digestsAtOnce is how many digests one query looks for.
const digestsAtOnce = 200

// Twins finds artifact versions that have the same digest as others. Of a digest that many have, the version that was
// registered first is the twin of all others, and they are not twins of each other: so a digest of n versions makes n-1
// pairs. The digest of no bytes at all makes none.
func (ix *Index) Twins(ctx context.Context, artifacts []int64, snap Snapshot) ([]Twin, error) {
	artifacts = slices.Clone(artifacts)
	slices.Sort(artifacts)
	artifacts = slices.Compact(artifacts)
	asked := make(map[int64]bool, len(artifacts))
	for _, id := range artifacts {
		asked[id] = true
	}
	digests := map[record.Digest]bool{}
	const own = `SELECT a.record, a.algorithm, a.digest FROM artifact a WHERE a.node IN `
	err := ix.batches(ctx, own, artifacts, "", nil, func(rows *sql.Rows) error {
		var id int64
		var d record.Digest
		if err := rows.Scan(&id, &d.Algorithm, &d.Value); err != nil {
			return err
		}
		if id <= snap.Last && !d.OfNothing() {
			digests[d] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't read digests: %w", err)
	}
	var values []string
	for d := range digests {
		values = append(values, d.Value)
	}
	slices.Sort(values)
	first := map[record.Digest]int64{}
	var twins []Twin
	for some := range slices.Chunk(slices.Compact(values), digestsAtOnce) {
		query := `SELECT a.record, a.node, a.algorithm, a.digest FROM artifact a WHERE a.digest IN (?` +
			strings.Repeat(", ?", len(some)-1) + `) AND a.record <= ? ORDER BY a.record`
		args := make([]any, 0, len(some)+1)
		for _, value := range some {
			args = append(args, value)
		}
		seen := map[int64]bool{}
		err := ix.each(ctx, query, append(args, snap.Last), func(rows *sql.Rows) error {
			var v struct{ record, node int64 }
			var d record.Digest
			if err := rows.Scan(&v.record, &v.node, &d.Algorithm, &d.Value); err != nil {
				return err
			}
			if !digests[d] || seen[v.node] { // several records may describe a version
				return nil
			}
			seen[v.node] = true
			original := first[d]
			if original == 0 {
				first[d] = v.node
				return nil
			}
			if asked[original] {
				twins = append(twins, Twin{original, v.node, v.record})
			}
			if asked[v.node] {
				twins = append(twins, Twin{v.node, original, v.record})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("couldn't look for digests: %w", err)
		}
	}
	slices.SortFunc(twins, func(a, b Twin) int {
		if a.Node != b.Node {
			return int(a.Node - b.Node)
		}
		return int(a.Other - b.Other)
	})
	return twins, nil
}
