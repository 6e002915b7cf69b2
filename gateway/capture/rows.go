package capture

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// The states of a job's row.
const (
	rowOpen     = 0
	rowRunning  = 1
	rowFinished = 2
)

// partRow is a part on its way into the database.
type partRow struct {
	id        int64
	job       string
	first, n  int
	bytes     int
	entries   []byte
	outcomes  []*outcome
	finished  bool
	pack      []byte // nil if nothing of it is pending
	witnesses []byte

	digests [][sha256.Size]byte
	packed  []int // the items whose records are in the pack, in order
}

func (r *partRow) insert(tx *sqlitefile.Tx) error {
	outcomes, err := json.Marshal(encodeOutcomes(r.outcomes))
	if err != nil {
		return err
	}
	result, err := tx.Exec("INSERT INTO part (job, first, n, bytes, entries, outcomes, finished) VALUES (?,?,?,?,?,?,?)",
		r.job, r.first, r.n, r.bytes, r.entries, string(outcomes), r.finished)
	if err != nil {
		return err
	}
	if r.id, err = result.LastInsertId(); err != nil || r.pack == nil {
		return err
	}
	_, err = tx.Exec("INSERT INTO pack VALUES (?,?,?)", r.id, r.pack, r.witnesses)
	return err
}

func insertJob(tx *sqlitefile.Tx, j *job, state int, finished time.Time) error {
	_, err := tx.Exec(
		"INSERT OR REPLACE INTO job VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		j.id,
		j.owner,
		j.identity,
		j.mspID,
		j.function,
		string(j.behaviour),
		j.private,
		state,
		j.created.UnixMilli(),
		millis(finished),
		j.total,
		j.recorded,
		j.duplicate,
		j.rejected,
	)
	return err
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// deleteJob removes a job and all that belongs to it.
func deleteJob(tx *sqlitefile.Tx, id string) error {
	for _, q := range []string{
		"DELETE FROM pack WHERE part IN (SELECT id FROM part WHERE job = ?)",
		"DELETE FROM part WHERE job = ?",
		"DELETE FROM warnings WHERE job = ?",
		"DELETE FROM job WHERE id = ?",
	} {
		if _, err := tx.Exec(q, id); err != nil {
			return err
		}
	}
	return nil
}

// memberRow is how a member of a batch lies in the database.
type memberRow struct {
	Part  int64 `json:"part"`
	Items []int `json:"items"`
}

func saveBatch(tx *sqlitefile.Tx, id string, attempt int, txID string, sent time.Time, members []memberRow) error {
	text, err := json.Marshal(members)
	if err != nil {
		return err
	}
	_, err = tx.Exec("INSERT OR REPLACE INTO batch VALUES (?,?,?,?,?)", id, attempt, txID, sent.UnixMilli(),
		string(text))
	return err
}

// packOf reads the records of a part, packed as they came, and its witnesses.
func (s *store) packOf(ctx context.Context, part int64) (body, witnesses []byte, err error) {
	err = s.file.Read.QueryRowContext(ctx, "SELECT body, witnesses FROM pack WHERE part = ?", part).Scan(&body,
		&witnesses)
	if err != nil {
		return nil, nil, fmt.Errorf("couldn't read the records of part %d: %w", part, s.failed(err))
	}
	return body, witnesses, nil
}

const jobColumns = "id, owner, function, behaviour, created, finished, total, recorded, duplicate, rejected, " +
	"COALESCE((SELECT total FROM warnings WHERE warnings.job = job.id), 0)"

func scanJob(row interface{ Scan(...any) error }) (Job, error) {
	var j Job
	var created, finished int64
	err := row.Scan(
		&j.ID,
		&j.Owner,
		&j.Function,
		&j.Behaviour,
		&created,
		&finished,
		&j.Total,
		&j.Recorded,
		&j.Duplicate,
		&j.Rejected,
		&j.Warnings.Total,
	)
	j.CreatedAt, j.FinishedAt = fromMillis(created), fromMillis(finished)
	return j, err
}

// Job tells the state of a job. An error that matches ErrNoJob means that there is none of this id, or none any more.
func (q *Queue) Job(ctx context.Context, id string) (Job, error) {
	j, err := scanJob(q.store.file.Read.QueryRowContext(ctx,
		"SELECT "+jobColumns+" FROM job WHERE id = ? AND state > 0", id))
	if errors.Is(err, sql.ErrNoRows) {
		return Job{}, fmt.Errorf("%w: %.80q", ErrNoJob, id)
	}
	if err != nil {
		return Job{}, fmt.Errorf("%w: %w", ErrStorage, err)
	}
	j.Waiting = q.whyWaiting(id)
	return j, nil
}

// Jobs lists jobs, newest first, those of one owner or, if owner is empty, all. It begins after the job whose id is
// after, or at the newest. next is the id to go on after, empty at the end. Jobs of Record are not listed.
func (q *Queue) Jobs(ctx context.Context, owner, after string, limit int) (jobs []Job, next string, err error) {
	where, args := []string{"state > 0", "private = 0"}, []any{}
	if owner != "" {
		where, args = append(where, "owner = ?"), append(args, owner)
	}
	if after != "" {
		where, args = append(where, "id < ?"), append(args, after)
	}
	rows, err := q.store.file.Read.QueryContext(ctx, "SELECT "+jobColumns+" FROM job WHERE "+strings.Join(where,
		" AND ")+
		" ORDER BY id DESC LIMIT ?", append(args, limit+1)...)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrStorage, err)
	}
	defer rows.Close()
	for rows.Next() {
		j, err := scanJob(rows)
		if err != nil {
			return nil, "", fmt.Errorf("%w: %w", ErrStorage, err)
		}
		if len(jobs) == limit {
			return jobs, jobs[limit-1].ID, rows.Err()
		}
		j.Waiting = q.whyWaiting(j.ID)
		jobs = append(jobs, j)
	}
	return jobs, "", rows.Err()
}

// Results tells what became of the records of a job, in the order of the request, from the one of index from. next is
// the index to go on from, negative at the end. If only is not empty, results of other states are left out.
func (q *Queue) Results(
	ctx context.Context,
	id string,
	from, limit int,
	only State,
) (results []Result, next int, err error) {
	if _, err := q.Job(ctx, id); err != nil {
		return nil, -1, err
	}
	rows, err := q.store.file.Read.QueryContext(
		ctx,
		"SELECT first, n, entries, outcomes FROM part WHERE job = ? AND first + n > ? ORDER BY first",
		id,
		from,
	)
	if err != nil {
		return nil, -1, fmt.Errorf("%w: %w", ErrStorage, err)
	}
	defer rows.Close()
	for rows.Next() {
		var first, n int
		var packed []byte
		var text string
		if err := rows.Scan(&first, &n, &packed, &text); err != nil {
			return nil, -1, fmt.Errorf("%w: %w", ErrStorage, err)
		}
		list, err := resultsOf(first, n, packed, text)
		if err != nil {
			return nil, -1, fmt.Errorf("%w: the results of job %s can't be read: %w", ErrStorage, id, err)
		}
		for _, r := range list {
			if r.Index < from || only != "" && r.State != only {
				continue
			}
			if len(results) == limit {
				return results, r.Index, nil
			}
			results = append(results, r)
		}
	}
	return results, -1, rows.Err()
}

func resultsOf(first, n int, packed []byte, text string) ([]Result, error) {
	entries, err := decodeEntries(packed, n)
	if err != nil {
		return nil, err
	}
	var runs []run
	if err := json.Unmarshal([]byte(text), &runs); err != nil {
		return nil, err
	}
	return makeResults(first, entries, decodeOutcomes(runs, n)), nil
}

func makeResults(first int, entries []entry, outcomes []*outcome) []Result {
	list := make([]Result, len(entries))
	for i, e := range entries {
		r := Result{Index: first + i, State: Pending, EventID: e.event}
		if e.known {
			r.RecordID = record.IDOf(e.digest)
		}
		if o := outcomes[i]; o != nil {
			r.State, r.TransactionID, r.Block = o.State, o.Tx, o.Block
			if o.Existing != "" {
				r.RecordID = o.Existing
			}
			for _, p := range o.Problems {
				p.Index = r.Index
				r.Problems = append(r.Problems, p)
			}
		}
		list[i] = r
	}
	return list
}

// forget deletes finished jobs that are older than keep or more than keepJobs, a bounded number at a time. It tells
// whether there may be more.
func (s *store) forget(keep time.Duration, keepJobs int) (more bool, err error) {
	const most = 200
	var ids []string
	collect := func(query string, args ...any) error {
		rows, err := s.file.Read.Query(query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return rows.Err()
	}
	if err := collect("SELECT id FROM job WHERE state = 2 AND finished < ? ORDER BY finished LIMIT ?",
		time.Now().Add(-keep).UnixMilli(), most); err != nil {
		return false, err
	}
	if len(ids) == 0 {
		if err := collect("SELECT id FROM job WHERE state = 2 ORDER BY finished DESC, id DESC LIMIT ? OFFSET ?", most,
			keepJobs); err != nil {
			return false, err
		}
	}
	if len(ids) == 0 {
		return false, nil
	}
	err = <-s.submit(func(tx *sqlitefile.Tx) error {
		for _, id := range ids {
			if err := deleteJob(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	return len(ids) == most, err
}
