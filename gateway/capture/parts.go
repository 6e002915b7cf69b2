package capture

import (
	"crypto/sha256"
	"slices"
	"time"
	"unique"

	"go.opentelemetry.io/otel/trace"

	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// job is a job in memory: unfinished. Its changing fields are guarded by Queue.mu.
type job struct {
	id, owner, identity, mspID, function string
	member                               unique.Handle[string] // the MSP id, as claims have it
	behaviour                            Behaviour
	private                              bool // of Record: not listed
	created                              time.Time
	finished                             chan struct{}     // closed once the last result is on disk
	warnings                             Warnings          // of a job that is being taken in
	trace                                trace.SpanContext // of the request that brought it

	// Changing:
	total, recorded, duplicate, rejected int
	open                                 int       // parts that are not finished
	ended                                time.Time // when open became 0
	withdrawn                            bool      // its records must not be sent any more
	forget                               bool      // its row is deleted when it is finished: somebody waits for its results
	parts                                []*part
}

// part is what travels together: neighbouring records of a job, never more than fit one transaction. Guarded by
// Queue.mu, except for what never changes.
type part struct {
	id       int64
	job      *job
	first, n int
	bytes    int
	packed   []int               // the items whose records are in the pack, in order
	digests  [][sha256.Size]byte // of each item; zero for one that was decided beforehand
	entries  []entry             // only of private jobs, whose results are answered from memory
	// Changing:
	outcomes []*outcome // nil: pending
	left     int        // pending items
	waits    int        // pending items that wait for another place to bring the same record
	alone    bool       // to be sent in a transaction of its own
	batch    *batch     // that carries it now
	queued   bool       // it is in its lane
	since    time.Time  // when it came into its lane
	changes  int        // how often outcomes have changed
}

// claim names a record of one organisation. Whoever holds the claim brings it to the ledger; others wait.
type claim struct {
	member unique.Handle[string]
	digest [sha256.Size]byte
}

// place is one item of a part.
type place struct {
	part *part
	item int
}

// packed tells whether the item's record is in the part's pack. That of a twin is not.
func (at place) packed() bool {
	_, ok := slices.BinarySearch(at.part.packed, at.item)
	return ok
}

func (p *part) claim(i int) claim { return claim{p.job.member, p.digests[i]} }

// sendable tells whether anything of the part can be put into a transaction now; Queue.mu is held.
func (q *Queue) sendable(p *part) bool {
	if p.batch != nil || p.queued || p.left == p.waits || p.job.withdrawn {
		return false
	}
	return p.waits == 0 || p.job.behaviour == Proceed || !q.waitsForOthers(p)
}

// waitsForOthers tells whether another part has yet to bring one of the part's records. An all-or-nothing part waits
// until it is clear for each of its records whether it is a duplicate. Queue.mu is held.
//
// Parts never wait for each other in a ring: a place in the line for a record is taken when a part enters, by all of
// its records at once, so who waits has always come later.
func (q *Queue) waitsForOthers(p *part) bool {
	for i, o := range p.outcomes {
		if o == nil && q.claims[p.claim(i)].part != p {
			return true
		}
	}
	return false
}

// admit takes a job that is on disk into the queue.
func (q *Queue) admit(in *JobWriter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(in.job.identity, -in.job.rejected-in.job.duplicate, 0)
	for _, row := range in.parts {
		p := &part{
			id: row.id, job: in.job, first: row.first, n: row.n, bytes: row.bytes,
			packed: row.packed, digests: row.digests, outcomes: row.outcomes,
		}
		if in.job.private {
			p.entries, _ = decodeEntries(row.entries, row.n) // encoded a moment ago by the same code
		}
		if row.finished {
			q.add(in.job.identity, 0, -row.bytes)
			in.job.parts = append(in.job.parts, p)
			continue
		}
		q.enter(p)
	}
	in.parts = nil
	if in.job.open == 0 {
		close(in.job.finished)
		if in.job.forget {
			id := in.job.id
			q.store.submit(
				func(tx *sqlitefile.Tx) error { return deleteJob(tx, id) },
			) // if it fails, the row is kept like a listed job's
		}
		return
	}
	q.jobs[in.job.id] = in.job
	q.ring()
}

// enter brings an unfinished part into play: each pending item claims its record or waits for who has claimed it.
// Queue.mu is held.
func (q *Queue) enter(p *part) {
	p.job.open++
	p.job.parts = append(p.job.parts, p)
	for i, o := range p.outcomes {
		if o != nil {
			continue
		}
		p.left++
		c := p.claim(i)
		if holder, taken := q.claims[c]; !taken {
			q.claims[c] = place{p, i}
		} else if holder != (place{p, i}) { // a batch of an earlier process claims before its part enters
			q.waiting[c] = append(q.waiting[c], place{p, i})
			p.waits++
		}
	}
	q.offer(p)
}

// offer puts a part into its lane if it has something to send. Queue.mu is held.
func (q *Queue) offer(p *part) {
	if !q.sendable(p) {
		return
	}
	p.queued, p.since = true, time.Now()
	l := q.lane(p.job)
	l.parts = append(l.parts, p)
	q.ring()
}

// ring wakes the scheduler.
func (q *Queue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// resolve gives an item its final state and says what that means for those who wait for the same record. Queue.mu is
// held. What has changed is to be written; see settle.
func (q *Queue) resolve(p *part, i int, o *outcome) {
	if p.outcomes[i] != nil {
		return // withdrawn meanwhile
	}
	q.set(p, i, o)
	c := p.claim(i)
	waiting := q.waiting[c]
	if q.claims[c] != (place{p, i}) {
		if at := slices.Index(waiting, place{p, i}); at >= 0 {
			q.waiting[c] = slices.Delete(waiting, at, at+1)
			p.waits--
		}
		return
	}
	delete(q.claims, c)
	delete(q.waiting, c)
	switch {
	case len(waiting) == 0:
	case o.State == Rejected:
		// What was refused from one may be accepted from the next: it was perhaps the fault of the company it was in. A
		// twin has no record to send.
		for len(waiting) > 0 && !waiting[0].packed() {
			w := waiting[0]
			waiting = waiting[1:]
			w.part.waits--
			q.set(w.part, w.item, o)
		}
		if len(waiting) == 0 {
			break
		}
		next := waiting[0]
		q.claims[c] = next
		if len(waiting) > 1 {
			q.waiting[c] = waiting[1:]
		}
		next.part.waits--
		q.offer(next.part)
	default:
		duplicate := &outcome{State: Duplicate, Tx: o.Tx, Block: o.Block}
		for _, w := range waiting {
			w.part.waits--
			q.set(w.part, w.item, duplicate)
			q.offer(w.part)
		}
	}
}

// set counts one final state, and closes the part with its last. Queue.mu is held.
func (q *Queue) set(p *part, i int, o *outcome) {
	p.outcomes[i] = o
	p.left--
	q.unsaved.mark(p)
	q.add(p.job.identity, -1, 0)
	q.done++
	switch o.State {
	case Recorded:
		p.job.recorded++
	case Duplicate:
		p.job.duplicate++
	case Rejected:
		p.job.rejected++
	}
	if p.left > 0 {
		return
	}
	q.add(p.job.identity, 0, -p.bytes)
	if p.job.open--; p.job.open == 0 {
		p.job.ended = time.Now()
	}
}

// public is the job as callers see it; Queue.mu is held, or nobody else has the job yet.
func (j *job) public() Job {
	return Job{
		ID: j.id, Owner: j.owner, Function: j.function, Behaviour: j.behaviour, CreatedAt: j.created,
		Total: j.total, Recorded: j.recorded, Duplicate: j.duplicate, Rejected: j.rejected,
	}
}
