package capture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
	"unique"

	"github.com/google/uuid"

	"go.opentelemetry.io/otel/trace"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// Capture takes a job. When it returns without an error the job is on disk and will be done; see [Queue.Job] for how it
// goes. Errors match ErrTooLarge, ErrStorage or *BusyError, and then nothing was taken.
//
// A Rollback job with an item that has problems already is finished at once: nothing of it is recorded. So is a job of
// which nothing is left to record.
func (q *Queue) Capture(ctx context.Context, r Request) (Job, error) {
	in, err := q.Begin(r)
	if err != nil {
		return Job{}, err
	}
	defer in.Discard()
	if err := in.Add(ctx, r.Items...); err != nil {
		return Job{}, err
	}
	return in.Commit(ctx)
}

// JobWriter takes a job piece by piece, so that a large document need not be in memory as a whole. It is not safe for
// concurrent use.
type JobWriter struct {
	q         *Queue
	job       *job
	witnesses []byte

	next     *gathering // what is not yet cut into a part
	parts    []*partRow
	reserved held
	begun    bool  // the job's row, of state open, is on disk
	failed   error // of a write: the intake can only be discarded
	ended    bool
	private  bool
}

// gathering is a part in the making.
type gathering struct {
	packer   record.Packer
	bytes    int // of records
	entries  []byte
	outcomes []*outcome
	digests  [][sha256.Size]byte
	packed   []int
}

// gatherings are used again for the memory of their records.
var gatherings = sync.Pool{New: func() any { return new(gathering) }}

// empty makes ready for another part.
func (g *gathering) empty() {
	g.packer.Reset()
	clear(g.outcomes)
	*g = gathering{
		packer:   g.packer,
		entries:  g.entries[:0],
		outcomes: g.outcomes[:0],
		digests:  g.digests[:0],
		packed:   g.packed[:0],
	}
}

// Begin begins a job. The request's items are not looked at: give them to Add. End with Commit, or with Discard.
func (q *Queue) Begin(r Request) (*JobWriter, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("couldn't make a job's id: %w", err)
	}
	switch r.Behaviour {
	case "":
		r.Behaviour = Proceed
	case Rollback, Proceed:
	default:
		return nil, fmt.Errorf("capture: error behaviour %q is neither rollback nor proceed", r.Behaviour)
	}
	if r.Function == "" {
		return nil, errors.New("capture: the chaincode function is missing")
	}
	if len(r.Witnesses) > 0 {
		if _, err := mergeWitnesses(r.Witnesses); err != nil {
			return nil, err
		}
	}
	identity, err := q.cfg.Identity(r.Identity)
	if err != nil {
		return nil, fmt.Errorf("couldn't find the ledger identity %q: %w", r.Identity, err)
	}
	return &JobWriter{q: q, witnesses: r.Witnesses, next: gatherings.Get().(*gathering), job: &job{
		id: id.String(), owner: r.Owner, identity: r.Identity, mspID: identity.MSPID,
		member:   unique.Make(identity.MSPID),
		function: r.Function, behaviour: r.Behaviour, created: time.Now(), finished: make(chan struct{}),
	}}, nil
}

// Add takes the next items, and a copy of their bodies.
func (in *JobWriter) Add(ctx context.Context, items ...Item) error {
	if in.ended || in.failed != nil {
		return errors.Join(errors.New("capture: the intake has ended already"), in.failed)
	}
	for i := range items {
		item := &items[i]
		if len(item.Body) > record.MaxBytes {
			return fmt.Errorf(
				"%w: record %d has %d bytes, more than the %d allowed",
				ErrTooLarge,
				in.job.total,
				len(item.Body),
				record.MaxBytes,
			)
		}
		if err := in.reserve(len(item.Body)); err != nil {
			return err
		}
		if n := len(in.next.outcomes); in.job.behaviour == Proceed && n > 0 &&
			(n >= in.q.cfg.BatchRecords || in.next.bytes+len(item.Body) > in.q.cfg.BatchBytes) {
			if err := in.cut(); err != nil {
				return err
			}
			if err := in.flush(ctx); err != nil {
				return err
			}
		}
		if err := in.gather(item); err != nil {
			return err
		}
	}
	return nil
}

// gather puts an item into the part in the making.
func (in *JobWriter) gather(item *Item) error {
	g := in.next
	e := entry{event: item.EventID}
	var known *outcome
	switch x := item.Existing; {
	case x != nil:
		known = &outcome{State: Duplicate, Tx: x.TransactionID, Block: x.Block, Existing: x.RecordID}
		in.job.duplicate++
	case item.Twin != "":
		e.known, e.twin, e.digest = true, true, item.Twin.Digest()
	case len(item.Body) == 0:
		known = &outcome{State: Rejected, Problems: item.Problems}
		if len(item.Problems) == 0 {
			known.Problems = []record.Problem{{Code: "empty_record", Detail: "the record is empty"}}
		}
		in.job.rejected++
	default:
		if err := g.packer.Add(item.Body); err != nil {
			return fmt.Errorf("couldn't pack records: %w", err)
		}
		g.packed = append(g.packed, len(g.outcomes))
		if e.known = true; item.ID == "" {
			e.digest = sha256.Sum256(item.Body)
		} else {
			e.digest = item.ID.Digest()
		}
	}
	g.outcomes, g.digests = append(g.outcomes, known), append(g.digests, e.digest)
	g.entries = appendEntry(g.entries, e)
	g.bytes += len(item.Body)
	in.job.warnings.Add(in.job.total, item.Warnings)
	in.job.total++
	return nil
}

// reserve makes room for one more record, or says why there is none.
func (in *JobWriter) reserve(bytes int) error {
	q, cfg := in.q, in.q.cfg
	if err := q.Limits().Allow(in.job.behaviour, in.reserved.records+1, in.reserved.bytes+bytes); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.fits(in.job.identity, held{1, bytes}, in.reserved, &cfg) {
		return &BusyError{RetryAfter: q.retryAfter(), Records: q.records}
	}
	q.add(in.job.identity, 1, bytes)
	in.reserved.records++
	in.reserved.bytes += bytes
	return nil
}

// Room says, with a *BusyError, if the queue is too full for a token's job of so many bytes, as far as can be known
// before it comes. A queue that has nothing to do has room for any job that it may take at all.
func (q *Queue) Room(token string, bytes int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.records >= q.cfg.QueuedRecords || q.bytes >= q.cfg.QueuedBytes ||
		q.records > 0 && !q.fits(token, held{1, int(min(bytes, math.MaxInt32))}, held{}, &q.cfg) {
		return &BusyError{RetryAfter: q.retryAfter(), Records: q.records}
	}
	return nil
}

// cut makes a part of what was gathered.
func (in *JobWriter) cut() error {
	g := in.next
	n := len(g.outcomes)
	if n == 0 {
		return nil
	}
	row := &partRow{
		job: in.job.id, first: in.job.total - n, n: n, bytes: g.bytes, witnesses: in.witnesses,
		outcomes: slices.Clone(
			g.outcomes,
		), digests: slices.Clone(g.digests), packed: slices.Clone(g.packed), entries: bytes.Clone(g.entries),
	}
	if row.finished = !slices.Contains(g.outcomes, nil); !row.finished && in.job.behaviour == Rollback &&
		in.job.rejected > 0 {
		in.rollBack(row.outcomes)
		row.finished = true
	}
	if len(g.packed) > 0 && !row.finished {
		var err error
		if row.pack, err = g.packer.Pack(); err != nil {
			return fmt.Errorf("couldn't pack records: %w", err)
		}
	}
	in.parts = append(in.parts, row)
	g.empty()
	return nil
}

// rollBack refuses what is left of an all-or-nothing job.
func (in *JobWriter) rollBack(outcomes []*outcome) {
	rest := rolledBack()
	for i, o := range outcomes {
		if o == nil {
			outcomes[i] = rest
			in.job.rejected++
		}
	}
}

func rolledBack() *outcome {
	return &outcome{State: Rejected, Problems: []record.Problem{{
		Code:   CodeRolledBack,
		Detail: "another record of the same all-or-nothing job was refused, so this one wasn't recorded",
	}}}
}

// flush writes the parts of a large job as they come. They count for nothing until the job is committed.
func (in *JobWriter) flush(ctx context.Context) error {
	row, begun := in.parts[len(in.parts)-1], in.begun
	in.begun = true
	err := in.q.await(ctx, in.q.store.submit(func(tx *sqlitefile.Tx) error {
		if !begun {
			if err := insertJob(tx, in.job, rowOpen, time.Time{}); err != nil {
				return err
			}
		}
		return row.insert(tx)
	}))
	if err != nil {
		in.failed = err
		return err
	}
	row.pack, row.entries = nil, nil // they are read again when their turn comes
	return nil
}

// await waits for a write. If ctx ends first the write may still be made.
func (q *Queue) await(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Commit makes the job durable and hands it on to be done. An error means that it is not, except for ctx's own error:
// then it may be.
func (in *JobWriter) Commit(ctx context.Context) (Job, error) {
	if in.ended || in.failed != nil {
		return Job{}, errors.Join(errors.New("capture: the intake has ended already"), in.failed)
	}
	flushed := len(in.parts)
	if err := in.cut(); err != nil {
		return Job{}, err
	}
	state, finished := rowFinished, time.Now()
	for _, p := range in.parts {
		if !p.finished {
			state, finished = rowRunning, time.Time{}
		}
	}
	in.end()
	in.job.private, in.job.trace = in.private, trace.SpanContextFromContext(ctx)
	// The write is waited for even if ctx ends: what is on disk must be in memory too.
	done := make(chan error, 1)
	go func() {
		err := <-in.q.store.submit(func(tx *sqlitefile.Tx) error {
			if err := insertJob(tx, in.job, state, finished); err != nil {
				return err
			}
			if err := in.job.warnings.insert(tx, in.job.id); err != nil {
				return err
			}
			if in.begun && state == rowFinished { // the parts that were flushed have nothing pending either
				if _, err := tx.Exec("DELETE FROM pack WHERE part IN (SELECT id FROM part WHERE job = ?)",
					in.job.id); err != nil {
					return err
				}
			}
			for _, p := range in.parts[flushed:] {
				if err := p.insert(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			in.q.admit(in)
		} else {
			in.drop()
		}
		done <- err
	}()
	if err := in.q.await(ctx, done); err != nil {
		return Job{}, err
	}
	in.q.mu.Lock()
	defer in.q.mu.Unlock()
	j := in.job.public()
	j.FinishedAt, j.Warnings = fromMillis(millis(finished)), in.job.warnings
	return j, nil
}

// Discard gives up a job that was not committed. It is harmless after Commit.
func (in *JobWriter) Discard() {
	if in.ended {
		return
	}
	in.end()
	in.drop()
}

// end lets nothing more be added.
func (in *JobWriter) end() {
	in.ended = true
	in.next.empty()
	gatherings.Put(in.next)
	in.next = nil
}

// drop gives back the room that was reserved, and removes what was written.
func (in *JobWriter) drop() {
	in.q.mu.Lock()
	in.q.add(in.job.identity, -in.reserved.records, -in.reserved.bytes)
	in.q.mu.Unlock()
	if in.begun {
		id := in.job.id
		in.q.store.submit(func(tx *sqlitefile.Tx) error { return deleteJob(tx, id) }) // if it fails, the next start does it
	}
}

// mergeWitnesses joins JSON objects. Where two have the same name the later one counts: either is a true witness.
func mergeWitnesses(list ...[]byte) ([]byte, error) {
	merged := make(map[string]json.RawMessage)
	for _, text := range list {
		if len(text) == 0 {
			continue
		}
		if err := json.Unmarshal(text, &merged); err != nil {
			return nil, fmt.Errorf("capture: the witnesses are no JSON object: %w", err)
		}
	}
	if len(merged) == 0 {
		return nil, nil
	}
	return json.Marshal(merged)
}
