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
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// The kinds of row.
const (
	kindRun     = 0
	kindDataset = 1
	kindJob     = 2
)

// maxLate bounds the events after the end that are shown of one run; more are counted.
const maxLate = 100

// maxFacetBytes bounds what is kept for a job or a dataset between its runs.
const maxFacetBytes = 1 << 20

// Taken is what became of one event.
type Taken struct {
	// ID is the run's id, or the one that the store gave to a dataset event that registers a version; empty if the event
	// only brought facets.
	ID    string
	State State // of the run
	// Duplicate: the run has this very event. Late: the run was over when the event came. What it adds is added all the
	// same.
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
		if a.inputs, err = s.inputsOf(ctx, e); err != nil {
			return nil, err
		}
		arrivals[i] = a
	}
	var taken []Taken
	done := make(chan error, 1)
	go func() { // the write is made even if ctx ends, and then somebody has to know of it
		err := s.db.change(func(tx *sqlitefile.Tx) error {
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
func (s *Store) addOne(tx *sqlitefile.Tx, caller Caller, a *arrival, t *Taken) error {
	if _, err := tx.Exec("SAVEPOINT event"); err != nil {
		return stored(err)
	}
	err := s.learnNames(tx, a.event)
	switch {
	case err != nil:
	case a.event.Kind == openlineage.RunEvent:
		err = s.addToRun(tx, caller, a, t)
	case a.event.Kind == openlineage.DatasetEvent && registers(a.event.Dataset):
		err = s.addVersion(tx, caller, a, t)
	case a.event.Kind == openlineage.JobEvent && len(a.inputs) > 0:
		if err = s.addFacets(tx, caller, a); err == nil {
			err = s.addJob(tx, caller, a, t)
		}
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
	id        int64
	state     int
	started   bool
	kind      string // the type of the last event that ended it
	events    int
	held      int // bytes of events that aren't on the ledger
	late      int
	inputs    int
	streams   bool
	completed int64
}

func findRow(tx *sqlitefile.Tx, msp string, kind int, run string) (r row, found bool, err error) {
	err = tx.QueryRow(`SELECT id, state, started, type, events, held, late, datasets, streams, completed FROM run
		WHERE msp = ? AND kind = ? AND run = ?`, msp, kind, run).
		Scan(&r.id, &r.state, &r.started, &r.kind, &r.events, &r.held, &r.late, &r.inputs, &r.streams, &r.completed)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, stored(err)
}

// over tells whether an event comes late: the run has ended, and doesn't wait for its START.
func (r row) over() bool {
	return r.kind != "" && !(r.state == stateEnded && !r.started) || r.state == stateExpired
}

func (s *Store) addToRun(tx *sqlitefile.Tx, caller Caller, a *arrival, t *Taken) error {
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
			if e.Ends() && e.Type == r.kind {
				return s.again(tx, caller, r, t)
			}
			return nil
		}
		t.Late = r.over()
	}
	now := time.Now().UnixMilli()
	if !found {
		if r.id, err = s.insertRun(tx, caller, kindRun, e.Run.ID, e.Job.Identity, now); err != nil {
			return err
		}
	} else if err := s.reopen(tx, &r); err != nil {
		return err
	}
	if err := s.weigh(tx, caller, r, a); err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO event (run, digest, late, body) VALUES (?,?,?,?)", r.id, a.digest[:], t.Late, a.body); err != nil {
		return stored(err)
	}
	streams, said := openlineage.Streams(e.Job.Facets)
	r.streams = r.streams || streams || !said && e.Type == "RUNNING"
	if r.inputs, err = s.pinAll(tx, r, a); err != nil {
		return err
	}
	if err := s.noteOutputs(tx, r.id, caller.MSPID, e); err != nil {
		return err
	}
	return s.advance(tx, caller, r, a, t, now)
}

// again gives another try to a run of which the ledger refused something, now that its last event comes again.
func (s *Store) again(tx *sqlitefile.Tx, caller Caller, r row, t *Taken) error {
	var left int
	err := tx.QueryRow(`SELECT (SELECT COUNT(*) FROM pin WHERE run = ?1 AND part = ?2) +
		(SELECT COUNT(*) FROM output WHERE run = ?1 AND part = ?2)`, r.id, partLeft).Scan(&left)
	if err != nil {
		return stored(err)
	}
	if r.state != stateFailed && (r.state != stateRecorded || left == 0) {
		return nil
	}
	t.State = Recording
	return retry(tx, caller, r.id)
}

// reopen has a run that was over count as unfinished again, because there is an event that may add to it.
func (s *Store) reopen(tx *sqlitefile.Tx, r *row) error {
	switch r.state {
	case stateRecorded, stateFailed, stateExpired:
	default:
		return nil
	}
	if r.state == stateExpired { // nothing is left of it but its name
		r.inputs, r.kind = 0, ""
	}
	return carryRow(tx, r.id, 1)
}

// advance notes what an event does to its run. If there is something to record then, the run is put in its turn.
func (s *Store) advance(tx *sqlitefile.Tx, caller Caller, r row, a *arrival, t *Taken, now int64) error {
	e := a.event
	r.started = r.started || e.Type == "START"
	if e.Ends() {
		if r.kind == "" {
			if _, err := tx.Exec("UPDATE run SET ended = ?, caller = ? WHERE id = ?", now, caller.Name, r.id); err != nil {
				return stored(err)
			}
		}
		if r.kind = e.Type; e.Type == "COMPLETE" && r.completed == 0 {
			r.completed = max(moment(e.Time), 1)
		}
	}
	if _, err := tx.Exec(
		`UPDATE run SET type = ?, started = ?, updated = ?, events = events + 1, bytes = bytes + ?, held = held + ?,
		datasets = ?, late = late + ?, streams = ?, completed = ?, revision = revision + 1 WHERE id = ?`,
		r.kind, r.started, now, len(a.body), len(a.body), r.inputs, t.Late, r.streams, r.completed, r.id,
	); err != nil {
		return stored(err)
	}
	steps := r.kind != "" || r.streams // else there is nothing to record before its end
	switch r.state {
	case stateOpen, stateRecorded, stateFailed, stateExpired:
		if steps {
			r.state = stateEnded
			if err := putInTurn(tx, r.id); err != nil {
				return err
			}
			break
		}
		r.state = stateOpen
		if _, err := tx.Exec("UPDATE run SET state = ? WHERE id = ?", r.state, r.id); err != nil {
			return stored(err)
		}
	}
	t.State = public[r.state]
	at := r.completed
	switch {
	case e.Type == "COMPLETE", r.streams && r.completed == 0:
		at = moment(e.Time)
	case r.completed == 0:
		return nil
	}
	return s.fixOutputs(tx, r.id, versionOfRun(kindRun, e.Run.ID, nil), at)
}

func (s *Store) insertRun(
	tx *sqlitefile.Tx,
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
func (s *Store) weigh(tx *sqlitefile.Tx, caller Caller, r row, a *arrival) error {
	if r.events+1 > s.cfg.RunEvents && !a.event.Ends() {
		var pending int // of a run that is recorded in steps, those that no record has yet
		if err := tx.QueryRow("SELECT COUNT(*) FROM event WHERE run = ? AND late < 2 AND body IS NOT NULL", r.id).Scan(&pending); err != nil {
			return stored(err)
		}
		if pending+1 > s.cfg.RunEvents {
			return &LimitError{
				fmt.Sprintf("the run has %d events already, and more than %d are not kept of one", pending, s.cfg.RunEvents),
			}
		}
	}
	if r.held+len(a.body) > s.cfg.RunBytes {
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
func carry(tx *sqlitefile.Tx, msp string, runs, bytes int) error {
	_, err := tx.Exec(
		"INSERT INTO load VALUES (?1, ?2, ?3) ON CONFLICT (msp) DO UPDATE SET runs = runs + ?2, bytes = bytes + ?3",
		msp,
		runs,
		bytes,
	)
	return stored(err)
}

// retry gives a run that could not be recorded, or not whole, another turn.
func retry(tx *sqlitefile.Tx, caller Caller, id int64) error {
	if err := carryRow(tx, id, 1); err != nil {
		return err
	}
	if err := putInTurn(tx, id); err != nil {
		return err
	}
	var result string
	if err := tx.QueryRow("SELECT result FROM run WHERE id = ?", id).Scan(&result); err != nil {
		return stored(err)
	}
	o := readOutcome(result)
	o.Problems, o.Left, o.Tries = nil, nil, 0
	if _, err := tx.Exec("UPDATE run SET caller = ?, result = ?, revision = revision + 1 WHERE id = ?", caller.Name, o.text(), id); err != nil {
		return stored(err)
	}
	for _, table := range []string{"pin", "output"} {
		if _, err := tx.Exec("UPDATE "+table+" SET part = ? WHERE run = ? AND part = ?", partNew, id, partLeft); err != nil {
			return stored(err)
		}
	}
	_, err := tx.Exec(`UPDATE output SET turn = (SELECT turn FROM run WHERE id = ?1) WHERE run = ?1 AND version <> ''
		AND part = ?2 AND (SELECT completed > 0 OR streams > 0 OR kind > 0 FROM run WHERE id = ?1)`, id, partNew)
	return stored(err)
}

// carryRow adds a run to what its organisation has unfinished (sign 1), or takes it away (-1).
func carryRow(tx *sqlitefile.Tx, id int64, sign int) error {
	_, err := tx.Exec(`UPDATE load SET runs = runs + ?2, bytes = bytes + ?2 * (SELECT held FROM run WHERE id = ?1)
		WHERE msp = (SELECT msp FROM run WHERE id = ?1)`, id, sign)
	return stored(err)
}

// registers tells whether a dataset event is about a version, and not only about the dataset.
func registers(d openlineage.Dataset) bool {
	_, digest := openlineage.DigestIn(d.Facets)
	derived := openlineage.DerivationIn(d.Facets)
	place := openlineage.PlaceOf(d.Identity, d.Facets, "x")
	change := openlineage.ChangeIn(d.Facets)
	return digest || place.Version != "" || change.Kind != "" || derived.Explicit || len(derived.Inputs)+len(derived.Fields) > 0
}

// addVersion takes a dataset event that registers a version: a run of its own, which has ended.
func (s *Store) addVersion(tx *sqlitefile.Tx, caller Caller, a *arrival, t *Taken) error {
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
	if r.inputs, err = s.pinAll(tx, r, a); err != nil {
		return err
	}
	if err := s.noteOutput(tx, r.id, caller.MSPID, e.Dataset.Identity, e.Dataset.Facets); err != nil {
		return err
	}
	if err := putInTurn(tx, r.id); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE run SET type = 'COMPLETE', started = 1, ended = ?, completed = ?, events = 1, bytes = ?, held = ?,
		datasets = ? WHERE id = ?`, now, max(moment(e.Time), 1), len(a.body), len(a.body), r.inputs, r.id); err != nil {
		return stored(err)
	}
	t.State = Recording
	return s.fixOutputs(tx, r.id, versionOfRun(kindDataset, "", a.digest[:]), moment(e.Time))
}

// addFacets keeps the facets of a job or a dataset for what comes later.
func (s *Store) addFacets(tx *sqlitefile.Tx, caller Caller, a *arrival) error {
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

func keepFacets(tx *sqlitefile.Tx, msp, kind string, i openlineage.Identity, facets canonical.Value) error {
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
