package runs

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// jobID is the id under which it is kept what job events say of a job.
func jobID(job openlineage.Identity) string {
	sum := sha256.Sum256([]byte(job.Namespace + "\x00" + job.Name))
	return fmt.Sprintf("job-%x", sum[:16])
}

// addJob takes a job event that says what a job is meant to read and write. No run has made a version of it, so what it
// writes are the versions that stand for not knowing: whoever has read one of them has read what the job writes. All
// events of a job add up.
func (s *Store) addJob(tx *sqlitefile.Tx, caller Caller, a *arrival, t *Taken) error {
	e := a.event
	t.ID = jobID(e.Job.Identity)
	r, found, err := findRow(tx, caller.MSPID, kindJob, t.ID)
	if err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	if found {
		known, err := r.has(tx, a)
		if err != nil {
			return err
		}
		if t.State = public[r.state]; known {
			t.Duplicate = true
			return s.again(tx, caller, r, t)
		}
		if err := s.reopen(tx, &r); err != nil {
			return err
		}
	} else if r.id, err = s.insertRun(tx, caller, kindJob, t.ID, e.Job.Identity, now); err != nil {
		return err
	}
	if err := s.weigh(tx, caller, r, a); err != nil {
		return err
	}
	if err := r.keep(tx, a, false); err != nil {
		return err
	}
	for i := range a.inputs {
		if err := s.pinOfJob(tx, &r, &a.inputs[i]); err != nil {
			return err
		}
	}
	if err := s.noteOutputs(tx, r.id, caller.MSPID, e); err != nil {
		return err
	}
	if r.state != stateRecording {
		if err := putInTurn(tx, r.id); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`UPDATE run SET type = 'COMPLETE', started = 1, ended = ?2, updated = ?2, completed = 1, events = events + 1,
		bytes = bytes + ?3, held = held + ?3, datasets = ?4, revision = revision + 1, caller = ?5, signer = ?6 WHERE id = ?1`,
		r.id, now, len(a.body), r.inputs, caller.Name, caller.Signer); err != nil {
		return stored(err)
	}
	t.State = Recording
	_, err = tx.Exec(`UPDATE output SET version = IIF(version = '' AND change <> ?2, ?3, version), at = ?4,
		turn = (SELECT turn FROM run WHERE id = ?1) WHERE run = ?1 AND turn = 0`,
		r.id, openlineage.Drop, Declared, int64(never))
	return stored(err)
}

// pinOfJob settles what a job is meant to read: the version of that time, and what any other job is meant to write.
func (s *Store) pinOfJob(tx *sqlitefile.Tx, r *row, in *input) error {
	have, err := pinsOf(tx, r.id, useRead, in.Identity)
	if err != nil {
		return err
	}
	if len(have) == 0 {
		if r.inputs++; r.inputs > s.cfg.Datasets {
			return &LimitError{fmt.Sprintf("the job has more than the %d inputs allowed", s.cfg.Datasets)}
		}
	}
	versions, err := s.versionsOf(tx, r.id, in)
	if err != nil {
		return err
	}
	if !in.tells() && in.place.Namespace == s.cfg.Namespace {
		versions = append(versions, dated{s.kindOf(in), artifact(in.place), Declared, never})
	}
	for _, v := range versions {
		if err := addPin(tx, r.id, useRead, in, v, in.tells() || v.version == Declared, in.at, in.at); err != nil {
			return err
		}
	}
	return nil
}
