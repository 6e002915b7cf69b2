package capture

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// MostWarnings is how many warnings are kept of a job; the rest is counted.
const MostWarnings = 1000

// Warnings are what is odd about the records of a job. They are taken all the same.
type Warnings struct {
	// List has the first MostWarnings. Their Index counts the records, or is negative if they are about all.
	List []record.Problem
	// Total counts all.
	Total int
}

// Add adds warnings about the record of an index, or about all records if the index is negative.
func (w *Warnings) Add(index int, list []record.Problem) {
	for _, p := range list {
		if w.Total++; len(w.List) < MostWarnings {
			p.Index = index
			w.List = append(w.List, p)
		}
	}
}

// Warn adds warnings about the job as a whole.
func (in *JobWriter) Warn(list ...record.Problem) { in.job.warnings.Add(-1, list) }

func (w *Warnings) insert(tx *sqlitefile.Tx, job string) error {
	if w.Total == 0 {
		return nil
	}
	text, err := json.Marshal(w.List)
	if err != nil {
		return err
	}
	_, err = tx.Exec("INSERT OR REPLACE INTO warnings VALUES (?,?,?)", job, w.Total, string(text))
	return err
}

// Warnings tells what is odd about the records of a job. It is empty for a job that isn't there.
func (q *Queue) Warnings(ctx context.Context, job string) (Warnings, error) {
	var w Warnings
	var text string
	err := q.store.file.Read.QueryRowContext(ctx, "SELECT total, list FROM warnings WHERE job = ?", job).Scan(&w.Total,
		&text)
	if errors.Is(err, sql.ErrNoRows) {
		return Warnings{}, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &w.List)
	}
	if err != nil {
		return Warnings{}, fmt.Errorf("%w: couldn't read the warnings of job %s: %w", ErrStorage, job, err)
	}
	return w, nil
}
