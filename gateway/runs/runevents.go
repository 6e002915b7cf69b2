package runs

import (
	"database/sql"
	"errors"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

func (s *Store) addToRun(tx *sqlitefile.Tx, caller Caller, a *arrival, t *Taken) error {
	e := a.event
	t.ID = e.Run.ID
	r, found, err := findRow(tx, caller.MSPID, kindRun, e.Run.ID)
	if err != nil {
		return err
	}
	if found {
		t.State = public[r.state]
		known, err := r.has(tx, a)
		if err != nil {
			return err
		}
		if known {
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
	if err := r.keep(tx, a, t.Late); err != nil {
		return err
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

// advance notes what an event does to its run. If there is something to record then, the run is put in its turn.
func (s *Store) advance(tx *sqlitefile.Tx, caller Caller, r row, a *arrival, t *Taken, now int64) error {
	e := a.event
	r.started = r.started || e.Type == "START"
	if e.Ends() {
		if r.kind == "" {
			if _, err := tx.Exec("UPDATE run SET ended = ?, caller = ?, signer = ? WHERE id = ?", now, caller.Name,
				caller.Signer, r.id); err != nil {
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

func (s *Store) insertRun(
	tx *sqlitefile.Tx,
	caller Caller,
	kind int,
	run string,
	job openlineage.Identity,
	now int64,
) (int64, error) {
	result, err := tx.Exec(
		`INSERT INTO run (msp, kind, run, state, job_namespace, job_name, caller, signer, created, updated, ended, turn, type, started, events, late, bytes, datasets, result)
		VALUES (?,?,?,0,?,?,?,?,?,?,0,0,'',0,0,0,0,0,'{}')`,
		caller.MSPID,
		kind,
		run,
		job.Namespace,
		job.Name,
		caller.Name,
		caller.Signer,
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

// has tells whether the run has an event already.
func (r row) has(tx *sqlitefile.Tx, a *arrival) (bool, error) {
	var n int
	err := tx.QueryRow("SELECT COUNT(*) FROM event WHERE run = ? AND digest = ?", r.id, a.digest[:]).Scan(&n)
	return n > 0, stored(err)
}

// keep adds an event to the run.
func (r row) keep(tx *sqlitefile.Tx, a *arrival, late bool) error {
	_, err := tx.Exec("INSERT INTO event (run, digest, late, body) VALUES (?,?,?,?)", r.id, a.digest[:], late, a.body)
	return stored(err)
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
	o.Problems, o.LeftOut, o.Tries = nil, nil, 0
	if _, err := tx.Exec("UPDATE run SET caller = ?, signer = ?, result = ?, revision = revision + 1 WHERE id = ?", caller.Name,
		caller.Signer, o.text(), id); err != nil {
		return stored(err)
	}
	if err := moveParts(tx, id, partLeft, partNew); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE output SET turn = (SELECT turn FROM run WHERE id = ?1) WHERE run = ?1 AND version <> ''
		AND part = ?2 AND (SELECT completed > 0 OR streams > 0 OR kind > 0 FROM run WHERE id = ?1)`, id, partNew)
	return stored(err)
}
