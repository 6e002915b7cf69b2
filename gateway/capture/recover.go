package capture

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unique"

	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// recover reads what an earlier process left unfinished.
//
// Batches come first: what is in one may be on the ledger, so it must not wait for anything, nor be put into another.
func (q *Queue) recover() error {
	if err := <-q.store.submit(dropOpenJobs); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.readJobs(); err != nil {
		return fmt.Errorf("couldn't read the jobs of the queue: %w", err)
	}
	parts, err := q.readParts()
	if err != nil {
		return fmt.Errorf("couldn't read the parts of the queue: %w", err)
	}
	byID := make(map[int64]*part, len(parts))
	for _, p := range parts {
		byID[p.id] = p
	}
	if err := q.readBatches(byID); err != nil {
		return fmt.Errorf("couldn't read the batches of the queue: %w", err)
	}
	for _, p := range parts {
		q.enter(p)
	}
	for _, j := range q.jobs {
		if j.open == 0 {
			if err := q.finishDecided(j); err != nil {
				return err
			}
		}
	}
	return nil
}

// finishDecided finishes a job of which nothing is pending although it is marked as running. Versions of this program
// up to November 2026 left such jobs when they were killed between the write of the last part and that of the job.
// Queue.mu is held.
func (q *Queue) finishDecided(j *job) error {
	rows, err := q.store.file.Read.Query("SELECT n, outcomes FROM part WHERE job = ?", j.id)
	if err != nil {
		return err
	}
	defer rows.Close()
	total, count := 0, map[State]int{}
	for rows.Next() {
		var n int
		var text string
		var runs []run
		if err := rows.Scan(&n, &text); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &runs); err != nil {
			return fmt.Errorf("%w: the results of job %s can't be read: %w", ErrDamaged, j.id, err)
		}
		total += n
		for _, o := range decodeOutcomes(runs, n) {
			if o != nil {
				count[o.State]++
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if total != j.total || count[Recorded]+count[Duplicate]+count[Rejected] != total {
		return fmt.Errorf("%w: job %s is marked as running and has nothing pending", ErrDamaged, j.id)
	}
	state := jobCopy{count[Recorded], count[Duplicate], count[Rejected], true, false, time.Now()}
	if err := <-q.store.submit(func(tx *sqlitefile.Tx) error { return state.write(tx, j.id) }); err != nil {
		return err
	}
	delete(q.jobs, j.id)
	return nil
}

// dropOpenJobs deletes jobs that were being taken in when the process ended: nobody was told that they are taken.
func dropOpenJobs(tx *sqlitefile.Tx) error {
	for _, query := range []string{
		"DELETE FROM pack WHERE part IN (SELECT part.id FROM part JOIN job ON job.id = part.job WHERE job.state = 0)",
		"DELETE FROM part WHERE job IN (SELECT id FROM job WHERE state = 0)",
		"DELETE FROM job WHERE state = 0",
	} {
		if _, err := tx.Exec(query); err != nil {
			return err
		}
	}
	return nil
}

func (q *Queue) readJobs() error {
	rows, err := q.store.file.Read.Query(
		`SELECT id, owner, identity, msp, function, behaviour, private, created, total, recorded, duplicate, rejected
		FROM job WHERE state = 1`,
	)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		j := &job{finished: make(chan struct{})}
		var created int64
		err := rows.Scan(
			&j.id,
			&j.owner,
			&j.identity,
			&j.mspID,
			&j.function,
			&j.behaviour,
			&j.private,
			&created,
			&j.total,
			&j.recorded,
			&j.duplicate,
			&j.rejected,
		)
		if err != nil {
			return err
		}
		j.member, j.created = unique.Make(j.mspID), fromMillis(created)
		if _, err := q.cfg.Identity(j.identity); err != nil {
			q.log.Error(
				"a job waits for a ledger identity that is not known any more",
				"job",
				j.id,
				"identity",
				j.identity,
				"problem",
				err,
			)
		}
		q.jobs[j.id] = j
	}
	return rows.Err()
}

func (q *Queue) readParts() ([]*part, error) {
	rows, err := q.store.file.Read.Query(
		"SELECT id, job, first, n, bytes, entries, outcomes FROM part WHERE finished = 0 ORDER BY id",
	)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var parts []*part
	for rows.Next() {
		var p part
		var id, outcomes string
		var packed []byte
		if err := rows.Scan(&p.id, &id, &p.first, &p.n, &p.bytes, &packed, &outcomes); err != nil {
			return nil, err
		}
		j, ok := q.jobs[id]
		if !ok {
			return nil, fmt.Errorf("%w: part %d belongs to job %s, which isn't running", ErrDamaged, p.id, id)
		}
		p.job = j
		if err := p.decode(packed, outcomes); err != nil {
			return nil, fmt.Errorf("%w: part %d can't be read: %w", ErrDamaged, p.id, err)
		}
		for _, o := range p.outcomes {
			if o == nil {
				q.add(j.identity, 1, 0)
			}
		}
		q.add(j.identity, 0, p.bytes)
		parts = append(parts, &p)
	}
	return parts, rows.Err()
}

func (p *part) decode(packed []byte, outcomes string) error {
	entries, err := decodeEntries(packed, p.n)
	if err != nil {
		return err
	}
	p.digests = make([][32]byte, p.n)
	for i, e := range entries {
		if e.known {
			p.digests[i] = e.digest
			if !e.twin {
				p.packed = append(p.packed, i)
			}
		}
	}
	var runs []run
	if err := json.Unmarshal([]byte(outcomes), &runs); err != nil {
		return err
	}
	p.outcomes = decodeOutcomes(runs, p.n)
	return nil
}

func (q *Queue) readBatches(parts map[int64]*part) error {
	rows, err := q.store.file.Read.Query("SELECT id, attempt, tx, sent, members FROM batch ORDER BY sent")
	if err != nil {
		return err
	}
	defer rows.Close()
	var ended []string
	for rows.Next() {
		b := &batch{sent: true, saved: true}
		var sent int64
		var text string
		if err := rows.Scan(&b.key, &b.attempt, &b.txID, &sent, &text); err != nil {
			return err
		}
		b.sentAt = time.UnixMilli(sent)
		var members []memberRow
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			return fmt.Errorf("%w: transaction %s: %w", ErrDamaged, b.txID, err)
		}
		if len(members) == 0 {
			return fmt.Errorf("%w: transaction %s carries nothing", ErrDamaged, b.txID)
		}
		for _, m := range members {
			if err := q.carries(b, m, parts[m.Part]); err != nil {
				return err
			}
		}
		if len(b.members) == 0 {
			ended = append(ended, b.key)
			continue
		}
		q.resume = append(q.resume, b)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, key := range ended {
		if err := <-q.store.submit(deleteBatch(key)); err != nil {
			return err
		}
	}
	return nil
}

// carries adds a member to a batch that may have been sent, with what is pending of it. The rest is decided: its end
// was written before that of the batch, by the versions that [Queue.finishDecided] names. p is nil if no such part is
// pending. Queue.mu is held.
func (q *Queue) carries(b *batch, m memberRow, p *part) error {
	if p == nil {
		var finished bool
		err := q.store.file.Read.QueryRow("SELECT finished FROM part WHERE id = ?", m.Part).Scan(&finished)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !finished {
			return fmt.Errorf("%w: transaction %s carries part %d, which isn't there", ErrDamaged, b.txID, m.Part)
		}
		return err
	}
	var pending []int
	for _, i := range m.Items {
		if i < 0 || i >= p.n {
			return fmt.Errorf("%w: transaction %s carries record %d of part %d, which has %d", ErrDamaged, b.txID, i,
				m.Part, p.n)
		}
		if p.outcomes[i] == nil {
			q.claims[p.claim(i)] = place{p, i}
			pending = append(pending, i)
		}
	}
	if len(pending) > 0 {
		p.batch, b.lane = b, q.lane(p.job)
		b.members = append(b.members, member{part: p, items: pending})
	}
	return nil
}
