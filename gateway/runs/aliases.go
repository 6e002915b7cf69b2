package runs

import (
	"database/sql"
	"errors"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// mostNames bounds the names of one dataset. Names beyond that are not joined.
const mostNames = 1000

// rowsQuerier is what reads rows: a transaction, or the readers.
type rowsQuerier interface {
	querier
	Query(query string, args ...any) (*sql.Rows, error)
}

// namesOf lists the artifacts that are the same dataset as one: itself, and those that symlinks facets have told of.
func namesOf(db rowsQuerier, series string) ([]string, error) {
	rows, err := db.Query(
		"SELECT b.series FROM alias a JOIN alias b ON b.dataset = a.dataset WHERE a.series = ? ORDER BY b.series", series,
	)
	if err != nil {
		return nil, stored(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, stored(err)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		names = []string{series}
	}
	return names, stored(rows.Err())
}

// learnNames notes the other names that an event has for its datasets. What has been read by one name and written by
// another is joined then.
func (s *Store) learnNames(tx *sqlitefile.Tx, e *openlineage.Event) error {
	for _, list := range [][]openlineage.Dataset{e.Inputs, e.Outputs, {e.Dataset}} {
		for _, d := range list {
			others := openlineage.SymlinksIn(d.Facets)
			if len(others) == 0 || d.Name == "" {
				continue
			}
			name := artifact(openlineage.PlaceOf(d.Identity, d.Facets, s.cfg.Namespace))
			for _, i := range others {
				other := artifact(openlineage.PlaceOf(i, canonical.Value{}, s.cfg.Namespace))
				if err := s.sameDataset(tx, name, other); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// sameDataset notes that two artifacts are one dataset.
func (s *Store) sameDataset(tx *sqlitefile.Tx, a, b string) error {
	ours, err := namesOf(tx, a)
	if err != nil || slices.Contains(ours, b) {
		return err
	}
	theirs, err := namesOf(tx, b)
	if err != nil {
		return err
	}
	if len(ours)+len(theirs) > mostNames {
		s.log.Warn("a dataset has more names than are joined", "name", a, "other", b, "most", mostNames)
		return nil
	}
	var number int64
	err = tx.QueryRow("SELECT dataset FROM alias WHERE series IN (?, ?) ORDER BY dataset LIMIT 1", a, b).Scan(&number)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.QueryRow("SELECT COALESCE(MAX(dataset), 0) + 1 FROM alias").Scan(&number)
	}
	if err != nil {
		return stored(err)
	}
	for _, name := range slices.Concat(ours, theirs) {
		if _, err := tx.Exec("INSERT OR REPLACE INTO alias VALUES (?, ?)", name, number); err != nil {
			return stored(err)
		}
	}
	return s.joinAll(tx, slices.Concat(ours, theirs))
}
