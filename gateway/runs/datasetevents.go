package runs

import (
	"fmt"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// registers tells whether a dataset event is about a version, and not only about the dataset.
func registers(d openlineage.Dataset) bool {
	_, digest := openlineage.DigestIn(d.Facets)
	derived := openlineage.DerivationIn(d.Facets)
	place := openlineage.PlaceOf(d.Identity, d.Facets, "x")
	change := openlineage.ChangeIn(d.Facets)
	return digest || place.Version != "" || change.Kind != "" || derived.Explicit ||
		len(derived.Inputs)+len(derived.Fields) > 0
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
	if err := r.keep(tx, a, false); err != nil {
		return err
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
