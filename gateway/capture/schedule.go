package capture

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// lane holds the parts that wait to be sent under one identity through one function, in order. Guarded by Queue.mu.
type lane struct {
	identity, mspID, function string
	parts                     []*part
	inFlight                  int
}

// lane finds or makes the lane of a job; Queue.mu is held.
func (q *Queue) lane(j *job) *lane {
	for _, l := range q.lanes {
		if l.identity == j.identity && l.function == j.function && l.mspID == j.mspID {
			return l
		}
	}
	l := &lane{identity: j.identity, mspID: j.mspID, function: j.function}
	q.lanes = append(q.lanes, l)
	return l
}

// Run brings jobs to the ledger until ctx ends. Call it when the index has reached the ledger's tip: what the index
// does not know yet could be recorded twice. It returns ctx's error when nothing is under way any more; whatever was,
// is taken up again by the next Run of this or a later process. Run may not be called twice at a time.
func (q *Queue) Run(ctx context.Context, l Ledger, ix Index) error {
	q.mu.Lock()
	if q.running {
		q.mu.Unlock()
		return fmt.Errorf("capture: the queue runs already")
	}
	ctx, cancel := context.WithCancel(ctx)
	q.running, q.ledger, q.index = true, l, ix
	resume := q.resume
	q.resume = nil
	for _, b := range resume {
		q.start(ctx, b)
	}
	q.mu.Unlock()
	q.ring()
	q.drivers.Go(func() { q.settleRest(ctx) })
	defer func() {
		q.drivers.Wait()
		q.mu.Lock()
		q.running = false
		q.mu.Unlock()
	}()
	defer cancel() // drivers end, and are waited for
	go q.forgetOld(ctx)
	for {
		wait := q.dispatch(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-q.store.broken:
			return fmt.Errorf("%w: start the gateway again, and it sets the file aside and keeps what can be read of it",
				ErrDamaged)
		case <-q.wake:
		case <-time.After(wait):
		}
	}
}

// dispatch starts as many batches as there are slots, and tells when to look again.
func (q *Queue) dispatch(ctx context.Context) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait := time.Hour
	for q.inFlight < q.cfg.InFlight {
		b, next := q.nextBatch(time.Now())
		wait = min(wait, next)
		if b == nil {
			break
		}
		q.start(ctx, b)
	}
	return wait
}

// start lets a batch be driven; Queue.mu is held.
func (q *Queue) start(ctx context.Context, b *batch) {
	b.begun = time.Now()
	q.inFlight++
	b.lane.inFlight++
	q.batches[b] = struct{}{}
	q.drivers.Add(1)
	go func() {
		defer q.drivers.Done()
		ctx, span := b.span(ctx)
		finished := q.drive(ctx, b)
		span.End()
		q.mu.Lock()
		defer q.mu.Unlock()
		q.inFlight--
		b.lane.inFlight--
		delete(q.batches, b)
		for _, m := range b.members {
			m.part.batch = nil
			if finished {
				q.offer(m.part)
			}
		}
		if !finished && b.sent {
			q.resume = append(q.resume, b) // for another Run of this process
			for _, m := range b.members {
				m.part.batch = b
			}
		} else if !finished {
			for _, m := range b.members {
				q.offer(m.part)
			}
		}
		q.ring()
	}()
}

// nextBatch cuts the next batch if one is due, from the lanes in turn, and otherwise tells when one may be. Queue.mu is
// held.
func (q *Queue) nextBatch(now time.Time) (*batch, time.Duration) {
	wait := time.Hour
	for i, l := range q.lanes {
		l.tidy()
		if len(l.parts) == 0 {
			continue
		}
		n, full := l.fill(q.cfg.BatchRecords, q.cfg.BatchBytes)
		age := now.Sub(l.parts[0].since)
		// While nothing else of this lane is under way there is nothing to gain by waiting for company.
		if !full && l.inFlight > 0 && age < q.cfg.BatchAge {
			wait = min(wait, q.cfg.BatchAge-age)
			continue
		}
		b := &batch{key: newKey(), lane: l}
		for _, p := range l.parts[:n] {
			p.queued, p.batch = false, b
			b.members = append(b.members, member{part: p, items: q.free(p)})
		}
		l.parts = l.parts[n:]
		q.lanes = append(append(q.lanes[:i:i], q.lanes[i+1:]...), l) // the next turn is another lane's
		return b, 0
	}
	return nil, wait
}

// tidy drops parts that were withdrawn or resolved while they waited; Queue.mu is held.
func (l *lane) tidy() {
	for len(l.parts) > 0 {
		p := l.parts[0]
		if !p.job.withdrawn && p.left > p.waits {
			return
		}
		p.queued = false
		l.parts = l.parts[1:]
	}
}

// fill tells how many parts from the front go into one transaction, and whether it is full.
func (l *lane) fill(records, bytes int) (n int, full bool) {
	count, size := 0, 0
	for _, p := range l.parts {
		alone := p.alone || p.job.behaviour == Rollback && p.n > 1
		if n > 0 && (alone || count+p.left-p.waits > records || size+p.bytes > bytes) {
			return n, true
		}
		if p.job.withdrawn || p.left == p.waits {
			if n > 0 {
				return n, true // the next turn drops it
			}
		}
		n++
		count += p.left - p.waits
		size += p.bytes
		if alone {
			return n, true
		}
	}
	return n, count >= records || size >= bytes
}

// free lists the pending items for which the part itself holds the claim; Queue.mu is held.
func (q *Queue) free(p *part) []int {
	items := make([]int, 0, p.left-p.waits)
	for i, o := range p.outcomes {
		if o == nil && q.claims[p.claim(i)] == (place{p, i}) {
			items = append(items, i)
		}
	}
	return items
}

// newKey names a batch. It has no order and no meaning.
func newKey() string { return uuid.NewString() }

// retryAfter estimates when the queue has room again; Queue.mu is held.
func (q *Queue) retryAfter() time.Duration {
	const least, most = time.Second, time.Minute
	rate := q.currentRate()
	if rate <= 0 {
		return 5 * time.Second
	}
	// A tenth of the queue is room enough to try again for.
	return min(max(time.Duration(float64(q.records)/10/rate*float64(time.Second)).Round(time.Second), least), most)
}

// currentRate smooths the number of records finished per second; Queue.mu is held.
func (q *Queue) currentRate() float64 {
	since := time.Since(q.rateAt).Seconds()
	if since < 1 {
		return q.rate
	}
	now := float64(q.done) / since
	const weight = 0.3
	q.rate = weight*now + (1-weight)*q.rate
	q.done, q.rateAt = 0, time.Now()
	return q.rate
}

// whyWaiting tells what a job waits for.
func (q *Queue) whyWaiting(id string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	j, ok := q.jobs[id]
	if !ok {
		return ""
	}
	for _, p := range j.parts {
		if p.batch != nil && p.batch.problem != "" {
			return p.batch.problem
		}
	}
	if !q.running {
		return "the gateway is catching up with the ledger"
	}
	return ""
}

// forgetOld deletes what is kept long enough, now and then.
func (q *Queue) forgetOld(ctx context.Context) {
	const each = 10 * time.Minute
	for {
		more, err := q.store.forget(q.cfg.Keep, q.cfg.KeepJobs)
		if err != nil {
			q.log.Error("couldn't delete old capture jobs", "problem", err)
		}
		if more && err == nil && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(each):
		}
	}
}
