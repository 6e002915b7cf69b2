package capture

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// dropRecorded takes out of a fresh batch what the organisation has on the ledger already.
func (q *Queue) dropRecorded(ctx context.Context, b *batch) error {
	places := b.places()
	ids := make([]record.ID, len(places))
	for i, at := range places {
		ids[i] = record.IDOf(at.part.digests[at.item])
	}
	known, err := q.index.Recorded(ctx, b.lane.mspID, ids)
	if err != nil {
		return fmt.Errorf("couldn't ask the index for duplicates: %w", err)
	}
	if len(known) == 0 {
		return nil
	}
	outcomes := make(map[place]*outcome)
	shared := make(map[Recording]*outcome) // duplicates of one transaction share their outcome
	for i, at := range places {
		r, ok := known[ids[i]]
		if !ok {
			continue
		}
		o, ok := shared[r]
		if !ok {
			o = &outcome{State: Duplicate, Tx: r.TransactionID, Block: r.Block}
			shared[r] = o
		}
		outcomes[at] = o
	}
	return q.apply(ctx, b, outcomes)
}

// apply gives final states to items of a batch, takes them out of it, and makes that durable.
func (q *Queue) apply(ctx context.Context, b *batch, outcomes map[place]*outcome) error {
	q.mu.Lock()
	for at, o := range outcomes {
		q.resolve(at.part, at.item, o)
	}
	q.unsaved.end(b)
	q.keep(b, func(at place) bool { return outcomes[at] == nil })
	return q.settle(ctx)
}

// keep leaves in a batch what still belongs to it. A batch with other members is another transaction. Queue.mu is held.
func (q *Queue) keep(b *batch, belongs func(place) bool) {
	if !slices.ContainsFunc(b.members, func(m member) bool {
		return slices.ContainsFunc(m.items, func(i int) bool { return !belongs(place{m.part, i}) })
	}) {
		return
	}
	var members []member
	for _, m := range b.members {
		var items []int
		for _, i := range m.items {
			if belongs(place{m.part, i}) {
				items = append(items, i)
			}
		}
		if len(items) > 0 {
			members = append(members, member{m.part, items})
			continue
		}
		m.part.batch = nil
		q.offer(m.part) // others of its items may have become free meanwhile
	}
	b.members = members
	b.key, b.attempt, b.sent, b.saved = newKey(), 0, false, false
	b.envelope, b.composed, b.pack, b.witnesses = nil, false, nil, nil
}

// dropWithdrawn takes out what callers have given up, and tells how many records are left.
func (q *Queue) dropWithdrawn(b *batch) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.keep(b, func(at place) bool { return !at.part.job.withdrawn })
	return b.records()
}

// recorded ends a batch whose transaction is on the ledger.
func (q *Queue) recorded(ctx context.Context, b *batch, commit ledger.Commit) error {
	o := &outcome{State: Recorded, Tx: commit.TransactionID, Block: commit.Block}
	q.mu.Lock()
	for _, m := range b.members {
		for _, i := range m.items {
			q.resolve(m.part, i, o)
		}
	}
	q.unsaved.end(b)
	q.keep(b, func(place) bool { return false })
	return q.settle(ctx)
}

func deleteBatch(key string) func(*sqlitefile.Tx) error {
	return func(tx *sqlitefile.Tx) error {
		_, err := tx.Exec("DELETE FROM batch WHERE id = ?", key)
		return err
	}
}

// forgetBatch ends a batch of which nothing is left.
func (q *Queue) forgetBatch(ctx context.Context, b *batch) error {
	if !b.saved {
		return nil
	}
	return q.persist(ctx, deleteBatch(b.key))
}

// refuse ends what a final failure is about. It returns true if nothing is left of the batch.
func (q *Queue) refuse(ctx context.Context, b *batch, failure error) (done bool, err error) {
	outcomes, split := b.verdict(failure)
	if split {
		// It names no record: each part alone will show whose fault it is.
		q.mu.Lock()
		for _, m := range b.members {
			m.part.alone = true
		}
		q.mu.Unlock()
		return true, q.persist(ctx, deleteBatch(b.key))
	}
	q.rollBack(b, outcomes)
	if err := q.apply(ctx, b, outcomes); err != nil {
		return false, err
	}
	b.failures = make(map[ledger.Kind]int)
	q.mu.Lock()
	defer q.mu.Unlock()
	b.problem = ""
	return len(b.members) == 0, nil
}

// rollBack extends the refusal of a record to all that is pending of its all-or-nothing job.
func (q *Queue) rollBack(b *batch, outcomes map[place]*outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range b.members {
		p := m.part
		if p.job.behaviour != Rollback ||
			!slices.ContainsFunc(m.items, func(i int) bool { return outcomes[place{p, i}] != nil }) {
			continue
		}
		rest := rolledBack()
		for i, o := range p.outcomes {
			if o == nil && outcomes[place{p, i}] == nil {
				outcomes[place{p, i}] = rest
			}
		}
	}
}

// verdict says what a final failure means for each record of the batch. split means that it can't be told which of
// several parts is at fault.
func (b *batch) verdict(failure error) (outcomes map[place]*outcome, split bool) {
	places := b.places()
	outcomes = make(map[place]*outcome)
	all := func(o *outcome) map[place]*outcome {
		for _, at := range places {
			if outcomes[at] == nil {
				outcomes[at] = o
			}
		}
		return outcomes
	}
	var rejection *record.Rejection
	if !errors.As(failure, &rejection) {
		if len(b.members) > 1 {
			return nil, true
		}
		code := CodeRefused
		if endsAttempt(ledger.KindOf(failure)) {
			code = CodeNotCommitted
		}
		return all(&outcome{State: Rejected, Problems: []record.Problem{{Code: code, Detail: failure.Error()}}}), false
	}
	for _, p := range rejection.Problems {
		if p.Index < 0 || p.Index >= len(places) {
			continue
		}
		at := places[p.Index]
		if outcomes[at] == nil {
			outcomes[at] = &outcome{State: Rejected}
		}
		outcomes[at].Problems = append(outcomes[at].Problems, p)
	}
	switch {
	case len(outcomes) == 0 && len(b.members) > 1:
		return nil, true
	case len(outcomes) == 0:
		return all(&outcome{State: Rejected, Problems: rejection.Problems}), false
	}
	return outcomes, false
}
