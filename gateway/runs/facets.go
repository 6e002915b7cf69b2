package runs

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// maxFacetBytes bounds what is kept for a job or a dataset between its runs.
const maxFacetBytes = 1 << 20

// addFacets keeps the facets of a job or a dataset for what comes later.
func (s *Store) addFacets(tx *sqlitefile.Tx, caller Caller, a *arrival) error {
	e := a.event
	if e.Kind == openlineage.DatasetEvent {
		return keepFacets(tx, caller.MSPID, "dataset", e.Dataset.Identity, e.Dataset.Facets)
	}
	if err := keepFacets(tx, caller.MSPID, "job", e.Job.Identity, e.Job.Facets); err != nil {
		return err
	}
	for _, list := range [][]openlineage.Dataset{e.Inputs, e.Outputs} {
		for _, d := range list {
			facets := d.Facets
			for _, ofOneVersion := range []string{"version", "pedigree_digest", "lineage", "columnLineage"} {
				facets = facets.Without(ofOneVersion)
			}
			if err := keepFacets(tx, caller.MSPID, "dataset", d.Identity, facets); err != nil {
				return err
			}
		}
	}
	return nil
}

func keepFacets(tx *sqlitefile.Tx, msp, kind string, i openlineage.Identity, facets canonical.Value) error {
	if len(facets.Members) == 0 {
		return nil
	}
	kept, err := readFacets(tx, msp, kind, i)
	if err != nil {
		return err
	}
	merged := openlineage.Merge(kept, facets)
	if merged.Kind != canonical.Object {
		return nil
	}
	body := merged.Bytes()
	if len(body) > maxFacetBytes {
		return &LimitError{
			fmt.Sprintf(
				"the facets of the %s %s would have %d bytes, more than the %d that are kept between runs",
				kind,
				i,
				len(body),
				maxFacetBytes,
			),
		}
	}
	_, err = tx.Exec(
		"INSERT OR REPLACE INTO facets VALUES (?,?,?,?,?,?)",
		msp,
		kind,
		i.Namespace,
		i.Name,
		body,
		time.Now().UnixMilli(),
	)
	return stored(err)
}

type querier interface {
	QueryRow(query string, args ...any) *sql.Row
}

func readFacets(tx querier, msp, kind string, i openlineage.Identity) (canonical.Value, error) {
	var body []byte
	err := tx.QueryRow("SELECT body FROM facets WHERE msp = ? AND kind = ? AND namespace = ? AND name = ?", msp, kind,
		i.Namespace, i.Name).
		Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return canonical.Value{}, nil
	}
	if err != nil {
		return canonical.Value{}, stored(err)
	}
	v, err := canonical.Parse(body, bodyLimits)
	return v, stored(err)
}

// bodyLimits are those of what was read before.
var bodyLimits = canonical.Limits{
	Bytes:  4 * openlineage.MaxBytes,
	Depth:  openlineage.MaxDepth,
	Values: openlineage.MaxValues,
}
