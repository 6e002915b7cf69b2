package runs

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

const (
	mostAtOnce  = 32          // runs on their way to the ledger
	mostLooked  = 1000        // runs whose turn is looked at in one go
	mostTries   = 5           // at a run whose versions others register meanwhile
	firstPause  = time.Second // after what may pass
	mostPause   = 30 * time.Second
	housekeeper = time.Minute
)

// Run brings runs that have ended to the ledger until ctx ends. Call it when the index has reached the ledger's tip.
// What is under way when ctx ends is taken up again by the next Run of this or a later process. Run may not be called
// twice at a time.
func (s *Store) Run(ctx context.Context, recorder Recorder, witnesses Witnesses) error {
	w := &work{store: s, recorder: recorder, witnesses: witnesses, places: make(chan struct{}, mostAtOnce)}
	defer w.drivers.Wait()
	s.mu.Lock()
	clear(s.claimed)
	s.mu.Unlock()
	ids, err := s.unfinished(ctx, "state = 2")
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := w.resume(ctx, id); err != nil {
			return err
		}
	}
	keep := time.NewTicker(housekeeper)
	defer keep.Stop()
	s.applyRetention(ctx, time.Now())
	for {
		wait := w.begin(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		case <-time.After(wait):
		case <-keep.C:
			s.applyRetention(ctx, time.Now())
		}
	}
}

// work is what one call of Run has under way.
type work struct {
	store     *Store
	recorder  Recorder
	witnesses Witnesses
	places    chan struct{}
	drivers   sync.WaitGroup
}

// unfinished lists runs in the order of their turns.
func (s *Store) unfinished(ctx context.Context, where string, args ...any) ([]int64, error) {
	rows, err := s.db.file.Read.QueryContext(
		ctx,
		"SELECT id FROM run WHERE "+where+" ORDER BY turn LIMIT ?",
		append(args, mostLooked)...)
	if err != nil {
		return nil, stored(err)
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, stored(err)
		}
		ids = append(ids, id)
	}
	return ids, stored(rows.Err())
}

// begin starts what can be started, and tells when to look again.
func (w *work) begin(ctx context.Context) time.Duration {
	now := time.Now()
	due := now.Add(-w.store.cfg.Linger).UnixMilli()
	later := now.Add(w.store.cfg.Linger + time.Minute).
		UnixMilli()
		// what ended then, ended by a clock that has been set back since
	ids, err := w.store.unfinished(ctx, "state = 1 AND (started = 1 OR ended <= ? OR ended > ?)", due, later)
	for _, id := range ids {
		if err != nil || ctx.Err() != nil {
			break
		}
		select {
		case w.places <- struct{}{}:
		default:
			return time.Hour // one that ends rings
		}
		var started bool
		if started, err = w.start(ctx, id); !started {
			<-w.places
		}
	}
	if err != nil && ctx.Err() == nil {
		w.store.log.Error("couldn't bring runs to the ledger; trying again", "error", err, "in", firstPause)
		return firstPause
	}
	var ended sql.NullInt64
	if err := w.store.db.file.Read.QueryRowContext(ctx,
		"SELECT MIN(ended) FROM run WHERE state = 1 AND started = 0 AND ended > ? AND ended <= ?", due,
		later).Scan(&ended); err != nil ||
		!ended.Valid {
		return time.Hour
	}
	return max(time.UnixMilli(ended.Int64).Add(w.store.cfg.Linger+time.Millisecond).Sub(now), time.Millisecond)
}

// start makes the records of a run durable and has them sent. It is false if the run has to wait for others, or is
// over.
func (w *work) start(ctx context.Context, id int64) (bool, error) {
	s := w.store
	blocked, err := s.blocked(ctx, id)
	if blocked || err != nil {
		return false, err
	}
	u, err := s.prepare(ctx, id)
	if err != nil || u == nil {
		return false, err
	}
	w.drive(ctx, u)
	return true, nil
}

// resume sends again what an earlier process may have sent.
func (w *work) resume(ctx context.Context, id int64) error {
	u, err := w.store.prepared(ctx, id)
	if errors.Is(err, errDamaged) {
		// One run that can't be read must not keep the others from the ledger.
		return w.store.fail(&undertaking{id: id, run: fmt.Sprint("row ", id)},
			[]Problem{{Code: "damaged", Detail: err.Error()}})
	}
	if err != nil {
		return err
	}
	w.store.claim(u.refs())
	select {
	case w.places <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	w.drive(ctx, u)
	return nil
}

// undertaking is a run whose records are durable.
type undertaking struct {
	id              int64
	revision        int64 // of the run, when it was read
	kind            int
	run, msp, owner string
	signer          string // empty: the owner, as in rows of an older program
	job             openlineage.Identity
	end             string  // the type of the last event that ended it
	before          outcome // what the ledger has of the run
	records         []*record.Record
}

// refs are the artifact versions that it registers.
func (u *undertaking) refs() (refs []string) {
	for _, r := range u.records {
		if r.Artifact != nil {
			refs = append(refs, r.Artifact.ArtifactRef.String())
		}
	}
	return refs
}

// claim notes that versions are being registered; it is false if some already are.
func (s *Store) claim(refs []string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ref := range refs {
		if _, taken := s.claimed[ref]; taken {
			return false
		}
	}
	for _, ref := range refs {
		s.claimed[ref] = struct{}{}
	}
	return true
}

func (s *Store) release(refs []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ref := range refs {
		delete(s.claimed, ref)
	}
}

// blocked tells whether a run has to wait for one that ended before it: it uses what that one generates, or generates
// the same.
func (s *Store) blocked(ctx context.Context, id int64) (bool, error) {
	var n int
	err := s.db.file.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM
		(SELECT artifact, version, kind FROM pin WHERE run = ?1 AND part = 0
			UNION SELECT artifact, version, kind FROM output WHERE run = ?1 AND part = 0 AND turn > 0) v
		JOIN output o ON o.artifact = v.artifact AND o.version = v.version AND o.kind = v.kind AND o.turn > 0 AND o.part IN (0, 2)
		JOIN run r ON r.id = o.run JOIN run me ON me.id = ?1
		WHERE r.id <> me.id AND r.turn < me.turn AND r.state IN (1, 2))`, id).
		Scan(&n)
	return n > 0, stored(err)
}

// drive sends an undertaking until the ledger has answered.
func (w *work) drive(ctx context.Context, u *undertaking) {
	w.drivers.Add(1)
	go func() {
		defer w.drivers.Done()
		defer func() {
			w.store.release(u.refs())
			<-w.places
			w.store.ring()
		}()
		for pause := firstPause; ; pause = min(2*pause, mostPause) {
			results, err := w.send(ctx, u)
			if err == nil {
				err = w.store.settle(u, results)
			}
			if err == nil || ctx.Err() != nil {
				return
			}
			var rejected *record.Rejection
			switch {
			case errors.As(err, &rejected):
				err = w.store.settle(u, rejections(u, rejected.Problems))
			case errors.Is(err, capture.ErrTooLarge):
				err = w.store.settle(u, rejections(u, []record.Problem{{Index: len(u.records) - 1, Code: "too_large",
					Detail: fmt.Sprintf("the run and what it generated don't fit one transaction: %v", err)}}))
			}
			if err == nil {
				return
			}
			var busy *capture.BusyError
			if errors.As(err, &busy) {
				pause = busy.RetryAfter
			}
			w.store.delayed(u, err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
		}
	}()
}

func (w *work) send(ctx context.Context, u *undertaking) ([]capture.Result, error) {
	last := u.records[len(u.records)-1]
	function := "Activities:Submit"
	if last.Activity == nil {
		function = "Artifacts:Submit"
	}
	places, err := w.witnesses(ctx, u.msp, u.records)
	if err != nil {
		return nil, err
	}
	request := capture.Request{
		Owner:     u.owner,
		Identity:  cmp.Or(u.signer, u.owner),
		Function:  function,
		Behaviour: capture.Rollback,
		Witnesses: places,
	}
	for _, r := range u.records {
		request.Items = append(request.Items, capture.Item{Body: r.Body, ID: r.ID})
	}
	return w.recorder.Record(ctx, request)
}

// rejections makes of problems what the queue would have made of them.
func rejections(u *undertaking, problems []record.Problem) []capture.Result {
	results := make([]capture.Result, len(u.records))
	for i := range results {
		results[i].State = capture.Rejected
	}
	for _, p := range problems {
		if p.Index >= 0 && p.Index < len(results) {
			results[p.Index].Problems = append(results[p.Index].Problems, p)
		}
	}
	return results
}

// delayed keeps why a run doesn't get on, for those who ask.
func (s *Store) delayed(u *undertaking, why error) {
	s.log.Warn("a run waits", "run", u.run, "why", why)
	o := u.before
	o.Waiting = why.Error()
	if err := s.db.change(func(tx *sqlitefile.Tx) error {
		_, err := tx.Exec("UPDATE run SET result = ? WHERE id = ? AND state = ?", o.text(), u.id, stateRecording)
		return stored(err)
	}); err != nil {
		s.log.Error("couldn't note why a run waits", "run", u.run, "error", err)
	}
}
