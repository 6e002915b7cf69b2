package runs

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
)

// The kinds of row.
const (
	kindRun     = 0
	kindDataset = 1
)

// maxLate bounds the events after the end that are kept of one run; more are counted.
const maxLate = 100

// maxFacetBytes bounds what is kept for a job or a dataset between its runs.
const maxFacetBytes = 1 << 20

// Taken is what became of one event.
type Taken struct {
	// ID is the run's id, or the one that the store gave to a dataset event that registers a version; empty if the event
	// only brought facets.
	ID    string
	State State // of the run
	// Duplicate: the run has this very event. Late: the run was over, and the event changes nothing of it.
	Duplicate, Late bool
	// Err is why the event was not taken: a *LimitError, a *BusyError, ErrNotReady, or a *record.Rejection.
	Err error
}

// arrival is one event on its way into the database.
type arrival struct {
	event  *openlineage.Event
	body   []byte
	digest [sha256.Size]byte
	inputs []input
}

// Add takes events, in order, and returns when those without an Err of their own are on disk. An error matches
// ErrStorage or is ctx's own, and then none was taken; if it is ctx's, they may have been.
func (s *Store) Add(ctx context.Context, caller Caller, events ...*openlineage.Event) ([]Taken, error) {
	arrivals := make([]arrival, len(events))
	for i, e := range events {
		a := arrival{event: e, body: e.Value.Bytes()}
		a.digest = sha256.Sum256(a.body)
		var err error
		if a.inputs, err = s.inputsOf(ctx, caller, e); err != nil {
			return nil, err
		}
		arrivals[i] = a
	}
	var taken []Taken
	done := make(chan error, 1)
	go func() { // the write is made even if ctx ends, and then somebody has to know of it
		err := s.db.change(func(tx *transaction) error {
			taken = make([]Taken, len(arrivals))
			for i := range arrivals {
				if err := s.addOne(tx, caller, &arrivals[i], &taken[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			s.note(taken)
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return taken, nil
}

// note counts what was taken, and tells who waits for it.
func (s *Store) note(taken []Taken) {
	s.move(func(c *Counters) {
		for _, t := range taken {
			switch {
			case t.Err != nil:
			case t.Duplicate:
				c.Duplicates++
			case t.Late:
				c.Late++
				c.Events++
			default:
				c.Events++
			}
		}
	})
	s.ring()
}

// addOne adds an event in a savepoint, so that one that is refused leaves nothing behind.
func (s *Store) addOne(tx *transaction, caller Caller, a *arrival, t *Taken) error {
	if _, err := tx.Exec("SAVEPOINT event"); err != nil {
		return stored(err)
	}
	var err error
	switch {
	case a.event.Kind == openlineage.RunEvent:
		err = s.addToRun(tx, caller, a, t)
	case a.event.Kind == openlineage.DatasetEvent && registers(a.event.Dataset):
		err = s.addVersion(tx, caller, a, t)
	default:
		err = s.addFacets(tx, caller, a)
	}
	refused := err != nil && !errors.Is(err, ErrStorage)
	if refused {
		*t = Taken{ID: t.ID, Err: err}
		if _, err := tx.Exec("ROLLBACK TO event"); err != nil {
			return stored(err)
		}
		err = nil
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec("RELEASE event")
	return stored(err)
}

// row is a run as Add sees it.
type row struct {
	id      int64
	state   int
	started bool
	kind    string // the type of event that ended it
	events  int
	bytes   int
	late    int
	inputs  int
}

func findRow(tx *transaction, msp string, kind int, run string) (r row, found bool, err error) {
	err = tx.QueryRow("SELECT id, state, started, type, events, bytes, late, datasets FROM run WHERE msp = ? AND kind = ? AND run = ?", msp, kind, run).
		Scan(&r.id, &r.state, &r.started, &r.kind, &r.events, &r.bytes, &r.late, &r.inputs)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, stored(err)
}

// straggling tells whether a run that has ended still waits for its START.
func (r row) straggling() bool { return r.state == stateEnded && !r.started }

func (s *Store) addToRun(tx *transaction, caller Caller, a *arrival, t *Taken) error {
	e := a.event
	t.ID = e.Run.ID
	r, found, err := findRow(tx, caller.MSPID, kindRun, e.Run.ID)
	if err != nil {
		return err
	}
	if found {
		t.State = public[r.state]
		var known int
		if err := tx.QueryRow("SELECT COUNT(*) FROM event WHERE run = ? AND digest = ?", r.id, a.digest[:]).Scan(&known); err != nil {
			return stored(err)
		}
		if known > 0 {
			t.Duplicate = true
			if r.state == stateFailed && e.Ends() && e.Type == r.kind {
				t.State = Recording
				return retry(tx, caller, r.id)
			}
			return nil
		}
		if r.state != stateOpen && !r.straggling() {
			t.Late = true
			return addLate(tx, r, a)
		}
	}
	now := time.Now().UnixMilli()
	if !found {
		if r.id, err = s.insertRun(tx, caller, kindRun, e.Run.ID, e.Job.Identity, now); err != nil {
			return err
		}
	}
	if err := s.weigh(tx, caller, r, a); err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO event (run, digest, late, body) VALUES (?,?,0,?)", r.id, a.digest[:], a.body); err != nil {
		return stored(err)
	}
	if r.inputs, err = s.pinAll(tx, caller, r, a); err != nil {
		return err
	}
	if err := s.noteOutputs(tx, r.id, caller.MSPID, e); err != nil {
		return err
	}
	return s.advance(tx, caller, r, a, t, now)
}

// advance notes what an event does to its run, and ends it if it is the end.
func (s *Store) advance(tx *transaction, caller Caller, r row, a *arrival, t *Taken, now int64) error {
	e := a.event
	r.started = r.started || e.Type == "START"
	ended, turn := int64(0), int64(0)
	var err error
	if r.state == stateOpen && e.Ends() {
		if turn, err = nextTurn(tx); err != nil {
			return err
		}
		r.state, r.kind, ended = stateEnded, e.Type, now
		if _, err := tx.Exec("UPDATE run SET ended = ?, turn = ?, caller = ? WHERE id = ?", ended, turn, caller.Name, r.id); err != nil {
			return stored(err)
		}
	}
	if r.state == stateEnded && r.kind == "COMPLETE" {
		if err := fixOutputs(tx, r.id, openlineage.RunVersion(e.Run.ID)); err != nil {
			return err
		}
	}
	t.State = public[r.state]
	_, err = tx.Exec(
		"UPDATE run SET state = ?, type = ?, started = ?, updated = ?, events = events + 1, bytes = bytes + ?, datasets = ? WHERE id = ?",
		r.state,
		r.kind,
		r.started,
		now,
		len(a.body),
		r.inputs,
		r.id,
	)
	return stored(err)
}

func (s *Store) insertRun(
	tx *transaction,
	caller Caller,
	kind int,
	run string,
	job openlineage.Identity,
	now int64,
) (int64, error) {
	result, err := tx.Exec(
		`INSERT INTO run (msp, kind, run, state, job_namespace, job_name, caller, created, updated, ended, turn, type, started, events, late, bytes, datasets, result)
		VALUES (?,?,?,0,?,?,?,?,?,0,0,'',0,0,0,0,0,'{}')`,
		caller.MSPID,
		kind,
		run,
		job.Namespace,
		job.Name,
		caller.Name,
		now,
		now,
	)
	if err != nil {
		return 0, stored(err)
	}
	if err := carry(tx, caller.MSPID, 1, 0); err != nil {
		return 0, err
	}
	id, err := result.LastInsertId()
	return id, stored(err)
}

// weigh refuses an event for which there is no room, and counts one for which there is.
func (s *Store) weigh(tx *transaction, caller Caller, r row, a *arrival) error {
	switch {
	case r.events+1 > s.cfg.RunEvents && !a.event.Ends():
		return &LimitError{
			fmt.Sprintf("the run has %d events already, and more than %d are not kept of one", r.events, s.cfg.RunEvents),
		}
	case r.bytes+len(a.body) > s.cfg.RunBytes:
		return &LimitError{
			fmt.Sprintf(
				"with this event of %d bytes the run's events would have more than the %d bytes that are kept of one",
				len(a.body),
				s.cfg.RunBytes,
			),
		}
	}
	if err := carry(tx, caller.MSPID, 0, len(a.body)); err != nil {
		return err
	}
	var runs, bytes int
	if err := tx.QueryRow("SELECT runs, bytes FROM load WHERE msp = ?", caller.MSPID).Scan(&runs, &bytes); err != nil {
		return stored(err)
	}
	ends := r.events > 0 && a.event.Ends() // that makes room
	if !ends && (runs > s.cfg.OpenRuns || bytes > s.cfg.Bytes) {
		return &BusyError{Runs: runs, Bytes: bytes, RetryAfter: busyPause}
	}
	return nil
}

// busyPause is when it may be worth trying again.
const busyPause = 10 * time.Second

// carry changes what an organisation has unfinished.
func carry(tx *transaction, msp string, runs, bytes int) error {
	_, err := tx.Exec(
		"INSERT INTO load VALUES (?1, ?2, ?3) ON CONFLICT (msp) DO UPDATE SET runs = runs + ?2, bytes = bytes + ?3",
		msp,
		runs,
		bytes,
	)
	return stored(err)
}

// addLate keeps an event that came after the end, to be shown.
func addLate(tx *transaction, r row, a *arrival) error {
	if r.late < maxLate {
		if _, err := tx.Exec("INSERT INTO event (run, digest, late, body) VALUES (?,?,1,?)", r.id, a.digest[:], lateBody(a.event)); err != nil {
			return stored(err)
		}
	}
	_, err := tx.Exec("UPDATE run SET late = late + 1 WHERE id = ?", r.id)
	return stored(err)
}

// lateBody is what is shown of a late event.
func lateBody(e *openlineage.Event) []byte {
	body := canonical.Obj(canonical.Member{Name: "eventTime", Value: e.Value.Get("eventTime")})
	if e.Type != "" {
		body = body.With("eventType", canonical.Str(e.Type))
	}
	return body.Bytes()
}

// retry gives a run that could not be recorded another turn.
func retry(tx *transaction, caller Caller, id int64) error {
	turn, err := nextTurn(tx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("UPDATE run SET state = ?, turn = ?, caller = ?, records = NULL, result = '{}' WHERE id = ?", stateEnded, turn, caller.Name, id); err != nil {
		return stored(err)
	}
	if _, err := tx.Exec("UPDATE output SET turn = ? WHERE run = ? AND version <> '' AND (SELECT type FROM run WHERE id = ?) = 'COMPLETE'", turn, id, id); err != nil {
		return stored(err)
	}
	return carryRow(tx, id, 1)
}

// carryRow adds a run to what its organisation has unfinished (sign 1), or takes it away (-1).
func carryRow(tx *transaction, id int64, sign int) error {
	_, err := tx.Exec(`UPDATE load SET runs = runs + ?2, bytes = bytes + ?2 * (SELECT bytes FROM run WHERE id = ?1)
		WHERE msp = (SELECT msp FROM run WHERE id = ?1)`, id, sign)
	return stored(err)
}

// registers tells whether a dataset event is about a version, and not only about the dataset.
func registers(d openlineage.Dataset) bool {
	_, digest := openlineage.DigestIn(d.Facets)
	derived := openlineage.DerivationIn(d.Facets)
	place := openlineage.PlaceOf(d.Identity, d.Facets, "x")
	return digest || place.Version != "" || derived.Explicit || len(derived.Inputs)+len(derived.Fields) > 0
}

// addVersion takes a dataset event that registers a version: a run of its own, which has ended.
func (s *Store) addVersion(tx *transaction, caller Caller, a *arrival, t *Taken) error {
	e := a.event
	t.ID = fmt.Sprintf("dataset-%x", a.digest[:16])
	r, found, err := findRow(tx, caller.MSPID, kindDataset, t.ID)
	if err != nil {
		return err
	}
	if found {
		t.Duplicate, t.State = true, public[r.state]
		if r.state == stateFailed {
			t.State = Recording
			return retry(tx, caller, r.id)
		}
		return nil
	}
	now := time.Now().UnixMilli()
	if r.id, err = s.insertRun(tx, caller, kindDataset, t.ID, e.Dataset.Identity, now); err != nil {
		return err
	}
	if err := s.weigh(tx, caller, r, a); err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO event (run, digest, late, body) VALUES (?,?,0,?)", r.id, a.digest[:], a.body); err != nil {
		return stored(err)
	}
	if r.inputs, err = s.pinAll(tx, caller, r, a); err != nil {
		return err
	}
	if err := s.noteOutput(tx, r.id, caller.MSPID, e.Dataset.Identity, e.Dataset.Facets); err != nil {
		return err
	}
	turn, err := nextTurn(tx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("UPDATE run SET state = ?, type = 'COMPLETE', started = 1, ended = ?, turn = ?, events = 1, bytes = ?, datasets = ? WHERE id = ?",
		stateEnded, now, turn, len(a.body), r.inputs, r.id); err != nil {
		return stored(err)
	}
	t.State = Recording
	return fixOutputs(tx, r.id, fmt.Sprintf("event-%x", a.digest[:8]))
}

// addFacets keeps the facets of a job or a dataset for what comes later.
func (s *Store) addFacets(tx *transaction, caller Caller, a *arrival) error {
	e := a.event
	if e.Kind == openlineage.DatasetEvent {
		return keepFacets(tx, caller.MSPID, "dataset", e.Dataset.Identity, e.Dataset.Facets)
	}
	if err := keepFacets(tx, caller.MSPID, "job", e.Job.Identity, e.Job.Facets); err != nil {
		return err
	}
	for _, list := range [][]openlineage.Dataset{e.Inputs, e.Outputs} {
		for _, d := range list {
			facets := d.Facets
			for _, ofOneVersion := range []string{"version", "pedigree_digest", "lineage", "columnLineage"} {
				facets = facets.Without(ofOneVersion)
			}
			if err := keepFacets(tx, caller.MSPID, "dataset", d.Identity, facets); err != nil {
				return err
			}
		}
	}
	return nil
}

func keepFacets(tx *transaction, msp, kind string, i openlineage.Identity, facets canonical.Value) error {
	if len(facets.Members) == 0 {
		return nil
	}
	kept, err := readFacets(tx, msp, kind, i)
	if err != nil {
		return err
	}
	merged := openlineage.Merge(kept, facets)
	if merged.Kind != canonical.Object {
		return nil
	}
	body := merged.Bytes()
	if len(body) > maxFacetBytes {
		return &LimitError{
			fmt.Sprintf(
				"the facets of the %s %s would have %d bytes, more than the %d that are kept between runs",
				kind,
				i,
				len(body),
				maxFacetBytes,
			),
		}
	}
	_, err = tx.Exec(
		"INSERT OR REPLACE INTO facets VALUES (?,?,?,?,?,?)",
		msp,
		kind,
		i.Namespace,
		i.Name,
		body,
		time.Now().UnixMilli(),
	)
	return stored(err)
}

type querier interface {
	QueryRow(query string, args ...any) *sql.Row
}

func readFacets(tx querier, msp, kind string, i openlineage.Identity) (canonical.Value, error) {
	var body []byte
	err := tx.QueryRow("SELECT body FROM facets WHERE msp = ? AND kind = ? AND namespace = ? AND name = ?", msp, kind, i.Namespace, i.Name).
		Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return canonical.Value{}, nil
	}
	if err != nil {
		return canonical.Value{}, stored(err)
	}
	v, err := canonical.Parse(body, bodyLimits)
	return v, stored(err)
}

// bodyLimits are those of what was read before.
var bodyLimits = canonical.Limits{
	Bytes:  4 * openlineage.MaxBytes,
	Depth:  openlineage.MaxDepth,
	Values: openlineage.MaxValues,
}

// refuse is what is wrong with an input, in the words of a record.
func refuse(code, pointer, format string, args ...any) error {
	return record.Reject([]record.Problem{{Code: code, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}})
}
