package capture

import (
	"context"
	"errors"
	"fmt"

	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// Record does a small job and waits for it: it returns the results once every record is committed and in the index, a
// duplicate, or refused. All of the request's items are recorded or none (the request's behaviour is not looked at).
//
// If ctx ends first, one of two things is true, and the error says which: matching ledger.ErrUnavailable, nothing was
// recorded nor ever will be, and the call may be made again; a *PendingError, the records may still come to the ledger,
// and the job that it names says so. Other errors are those of [Queue.Capture].
func (q *Queue) Record(ctx context.Context, r Request) ([]Result, error) {
	r.Behaviour = Rollback
	in, err := q.Begin(r)
	if err != nil {
		return nil, err
	}
	in.private = true
	in.job.forget = true
	defer in.Discard()
	if err := in.Add(ctx, r.Items...); err != nil {
		return nil, err
	}
	j := in.job
	if _, err := in.Commit(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	select {
	case <-j.finished:
		return q.results(j), nil
	case <-ctx.Done():
	}
	return q.giveUp(ctx, j)
}

// results answers from memory what a finished private job has on disk no longer.
func (q *Queue) results(j *job) []Result {
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []Result
	for _, p := range j.parts {
		list = append(list, makeResults(p.first, p.entries, p.outcomes)...)
	}
	return list
}

// giveUp withdraws a job if nothing of it can have left, and otherwise says where it goes on.
func (q *Queue) giveUp(ctx context.Context, j *job) ([]Result, error) {
	q.mu.Lock()
	select {
	case <-j.finished:
		q.mu.Unlock()
		return q.results(j), nil
	default:
	}
	if j.open == 0 {
		// All is decided, and only to be written down: that needs no caller to wait for it.
		q.mu.Unlock()
		return q.results(j), nil
	}
	pending := &PendingError{JobID: j.id, Err: ctx.Err()}
	denied := false
	untouched := true // nothing has left, and nothing is decided
	for _, p := range j.parts {
		if b := p.batch; b != nil {
			untouched = untouched && !b.saved
			pending.TransactionID, pending.Waiting, denied = b.txID, b.problem, b.denied
		}
		for _, o := range p.outcomes {
			untouched = untouched && o == nil
		}
	}
	if !untouched {
		j.forget = false
		q.mu.Unlock()
		return nil, pending
	}
	q.withdraw(j)
	q.mu.Unlock()
	q.ring()
	why := pending.Waiting
	if why == "" {
		why = "the queue didn't come to it in time"
		if ahead := q.Stats().Waiting; ahead != "" {
			why = "what is before it in the queue waits: " + ahead
		}
	}
	if err := <-q.store.submit(func(tx *sqlitefile.Tx) error { return deleteJob(tx, j.id) }); err != nil {
		// It will not be sent by this process, but might be by the next.
		return nil, pending
	}
	if denied {
		return nil, &ledger.Error{Phase: ledger.Endorsing, Kind: ledger.Denied, Err: ctx.Err(), Message: why}
	}
	return nil, &ledger.Error{
		Phase:   ledger.Endorsing,
		Kind:    ledger.TimedOut,
		Err:     errors.Join(ctx.Err(), ledger.ErrUnavailable),
		Message: fmt.Sprintf("the caller's time was over and nothing was recorded: %s", why),
	}
}

// withdraw takes a job out of the queue; who waits for its records brings them instead. Queue.mu is held.
func (q *Queue) withdraw(j *job) {
	j.withdrawn = true
	delete(q.jobs, j.id)
	given := &outcome{State: Rejected}
	for _, p := range j.parts {
		for i := range p.outcomes {
			q.resolve(p, i, given)
		}
	}
}
