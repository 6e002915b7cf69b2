package capture

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// unsaved is what has changed in memory and is not known to be on disk. Guarded by Queue.mu.
//
// The outcomes of a transaction, the counts of their jobs and the end of the batch that carried them are marked while
// the lock is held once, and every write takes all that is marked. So whatever is on disk was true at one moment: a
// process that is killed between two writes leaves no job without a pending part, no batch that carries what is
// decided, and no outcome that will be counted twice.
type unsaved struct {
	parts   map[*part]struct{}
	batches map[string]struct{} // keys of rows to delete
}

// mark has a part and its job written. Those of a job that was withdrawn are deleted instead, by who withdrew it.
func (u *unsaved) mark(p *part) {
	p.changes++
	if !p.job.withdrawn {
		u.parts[p] = struct{}{}
	}
}

// end has the row of a batch deleted.
func (u *unsaved) end(b *batch) {
	if b.saved {
		u.batches[b.key] = struct{}{}
	}
}

// saving is one write of what has changed, for all who wait for it.
type saving struct {
	done chan struct{}
	err  error
}

// settle makes durable what has changed, and then tells those who wait for the jobs that are finished. It tries until
// it succeeds or ctx ends: what happened on the ledger can't be undone. Queue.mu is held when it is called, and free
// when it returns.
func (q *Queue) settle(ctx context.Context) error {
	s := q.saving
	if s == nil {
		s = &saving{done: make(chan struct{})}
		q.saving = s
		go q.save(ctx, s)
	}
	q.mu.Unlock()
	<-s.done
	return s.err
}

// settleRest writes what an earlier Run of this process could not write before it ended. If it can't either, the log
// says so, and the next Run tries.
func (q *Queue) settleRest(ctx context.Context) {
	q.mu.Lock()
	if len(q.unsaved.parts)+len(q.unsaved.batches) == 0 {
		q.mu.Unlock()
		return
	}
	_ = q.settle(ctx)
}

func (q *Queue) save(ctx context.Context, s *saving) {
	defer close(s.done)
	var taken snapshot
	s.err = q.persist(ctx, func(tx *sqlitefile.Tx) error {
		taken = q.snapshot(s)
		return taken.write(tx)
	})
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.saving == s {
		q.saving = nil // it failed before it began
	}
	if s.err == nil {
		q.saved(&taken)
	}
}

// snapshot is what has changed, at one moment.
type snapshot struct {
	batches []string
	parts   []partCopy
	jobs    map[*job]jobCopy
}

type partCopy struct {
	part     *part
	changes  int
	runs     []run
	finished bool
}

type jobCopy struct {
	recorded, duplicate, rejected int
	finished, forget              bool
	ended                         time.Time
}

// snapshot takes all that has changed. Who settles from now on needs another write.
func (q *Queue) snapshot(s *saving) snapshot {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.saving == s {
		q.saving = nil
	}
	taken := snapshot{batches: slices.Collect(maps.Keys(q.unsaved.batches)), jobs: make(map[*job]jobCopy)}
	for p := range q.unsaved.parts {
		taken.parts = append(taken.parts, partCopy{p, p.changes, encodeOutcomes(p.outcomes), p.left == 0})
		j := p.job
		taken.jobs[j] = jobCopy{j.recorded, j.duplicate, j.rejected, j.open == 0, j.forget, j.ended}
	}
	return taken
}

func (s *snapshot) write(tx *sqlitefile.Tx) error {
	for _, key := range s.batches {
		if err := deleteBatch(key)(tx); err != nil {
			return err
		}
	}
	for i := range s.parts {
		if err := s.parts[i].write(tx); err != nil {
			return err
		}
	}
	for j, state := range s.jobs {
		if err := state.write(tx, j.id); err != nil {
			return err
		}
	}
	return nil
}

func (s *partCopy) write(tx *sqlitefile.Tx) error {
	text, err := json.Marshal(s.runs)
	if err != nil {
		return err
	}
	id := s.part.id
	if _, err := tx.Exec("UPDATE part SET outcomes = ?, finished = ? WHERE id = ?", string(text), s.finished,
		id); err != nil {
		return err
	}
	if s.finished {
		_, err = tx.Exec("DELETE FROM pack WHERE part = ?", id)
	}
	return err
}

func (s jobCopy) write(tx *sqlitefile.Tx, id string) error {
	state := rowRunning
	switch {
	case s.finished && s.forget:
		return deleteJob(tx, id)
	case s.finished:
		state = rowFinished
	}
	_, err := tx.Exec("UPDATE job SET recorded = ?, duplicate = ?, rejected = ?, state = ?, finished = ? WHERE id = ?",
		s.recorded, s.duplicate, s.rejected, state, millis(s.ended), id)
	return err
}

// saved takes note that a snapshot is on disk. Queue.mu is held.
func (q *Queue) saved(s *snapshot) {
	for _, key := range s.batches {
		delete(q.unsaved.batches, key)
	}
	for _, p := range s.parts {
		if p.part.changes == p.changes {
			delete(q.unsaved.parts, p.part)
		}
	}
	for j, state := range s.jobs {
		if state.finished && q.jobs[j.id] == j {
			delete(q.jobs, j.id)
			close(j.finished)
		}
	}
}

// persist writes until it succeeds, however long the disk is full, or until ctx ends.
func (q *Queue) persist(ctx context.Context, do func(*sqlitefile.Tx) error) error {
	pause := 50 * time.Millisecond
	for {
		err := <-q.store.submit(do)
		if err == nil {
			return nil
		}
		q.log.Error("the queue couldn't be written; trying again", "problem", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause = min(2*pause, 5*time.Second)
	}
}
