package capture

import (
	"encoding/json"
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
	for id, j := range q.jobs {
		if j.open == 0 {
			return fmt.Errorf("%w: job %s is marked as running and has nothing pending", ErrDamaged, id)
		}
	}
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
		for _, m := range members {
			p, ok := parts[m.Part]
			if !ok {
				return fmt.Errorf("%w: transaction %s carries part %d, which isn't pending", ErrDamaged, b.txID, m.Part)
			}
			for _, i := range m.Items {
				if i < 0 || i >= p.n || p.outcomes[i] != nil {
					return fmt.Errorf("%w: transaction %s carries record %d of part %d, which isn't pending",
						ErrDamaged, b.txID, i, m.Part)
				}
				q.claims[p.claim(i)] = place{p, i}
			}
			p.batch = b
			b.lane = q.lane(p.job)
			b.members = append(b.members, member{part: p, items: m.Items})
		}
		if len(b.members) == 0 {
			return fmt.Errorf("%w: transaction %s carries nothing", ErrDamaged, b.txID)
		}
		q.resume = append(q.resume, b)
	}
	return rows.Err()
}
