package runs

import (
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
)

// settle makes durable what the ledger has answered.
func (s *Store) settle(u *undertaking, results []capture.Result) error {
	o := outcomeOf(u.records)
	o.Tries = u.tries
	again := false
	for i, result := range results {
		if result.State != capture.Rejected {
			o.Transaction, o.Block = result.TransactionID, result.Block // the last is the activity
			continue
		}
		ref := ""
		if a := u.records[i].Artifact; a != nil {
			ref = a.ArtifactRef.String()
		}
		for _, p := range result.Problems {
			if p.Code == capture.CodeRolledBack && len(results) > 1 {
				continue // another record has the reason
			}
			again = again || p.Code == "version_exists" && ref != "" || p.Code == "outdated_version"
			o.Problems = append(
				o.Problems,
				Problem{Code: p.Code, Detail: p.Detail, Pointer: p.Pointer, Ref: ref, Existing: p.Existing},
			)
		}
	}
	rejected := slices.ContainsFunc(results, func(r capture.Result) bool { return r.State == capture.Rejected })
	switch {
	case !rejected:
		return s.finish(u.id, u.run, stateRecorded, o)
	case again && u.tries < mostTries:
		// Somebody has registered a version since the records were made, or an earlier release has made them in a shape
		// that the ledger no longer takes. Nothing of them was recorded, so they are made anew.
		return s.reconsider(u, o)
	}
	if len(o.Problems) == 0 {
		o.Problems = []Problem{{Code: capture.CodeRefused, Detail: "the ledger refused the transaction and didn't say why"}}
	}
	return s.fail(u.id, u.run, o.Problems)
}

// outcomeOf is what the records of a run say that it did.
func outcomeOf(records []*record.Record) outcome {
	var o outcome
	last := records[len(records)-1]
	ids := map[string]record.ID{}
	for _, r := range records {
		if r.Artifact != nil {
			ids[r.Artifact.ArtifactRef.String()] = r.ID
		}
	}
	if last.Activity != nil {
		o.Activity = last.ID
		for _, use := range last.Activity.Used {
			o.Used = append(o.Used, use.Ref)
		}
		for _, g := range last.Activity.Generated {
			o.Generated = append(o.Generated, Version{g.Ref, ids[g.Ref]})
			delete(ids, g.Ref)
		}
	} else {
		ref := last.Artifact.ArtifactRef.String()
		o.Used, o.Generated = last.Artifact.DerivedFrom, []Version{{ref, last.ID}}
		delete(ids, ref)
	}
	for _, r := range records {
		if r.Artifact != nil {
			if ref := r.Artifact.ArtifactRef.String(); ids[ref] != "" {
				o.Declared = append(o.Declared, Version{ref, r.ID})
			}
		}
	}
	return o
}

// reconsider has the records of a run made again.
func (s *Store) reconsider(u *undertaking, o outcome) error {
	left := outcome{Tries: u.tries + 1, Problems: o.Problems}
	return s.db.change(func(tx *transaction) error {
		_, err := tx.Exec("UPDATE run SET state = ?, records = NULL, result = ? WHERE id = ?", stateEnded, left.text(), u.id)
		return stored(err)
	})
}

// finish ends a run that is on the ledger. What tells its events again stays, their bodies don't.
func (s *Store) finish(id int64, run string, state int, o outcome) error {
	err := s.db.change(func(tx *transaction) error {
		if err := carryRow(tx, id, -1); err != nil {
			return err
		}
		for _, query := range []string{"UPDATE event SET body = NULL WHERE run = ? AND late = 0", "DELETE FROM pin WHERE run = ?"} {
			if _, err := tx.Exec(query, id); err != nil {
				return stored(err)
			}
		}
		_, err := tx.Exec("UPDATE run SET state = ?, records = NULL, result = ? WHERE id = ?", state, o.text(), id)
		return stored(err)
	})
	if err != nil {
		return err
	}
	s.log.Info("recorded a run", "run", run, "activity", o.Activity, "transaction", o.Transaction, "block", o.Block)
	s.move(func(c *Counters) { c.Recorded++ })
	return nil
}

// fail ends a run that can't be recorded. Its events stay, for another try. What it was to generate is no version any
// more.
func (s *Store) fail(id int64, run string, problems []Problem) error {
	o := outcome{Problems: problems}
	err := s.db.change(func(tx *transaction) error {
		if err := carryRow(tx, id, -1); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE output SET turn = 0 WHERE run = ?", id); err != nil {
			return stored(err)
		}
		_, err := tx.Exec("UPDATE run SET state = ?, records = NULL, result = ? WHERE id = ?", stateFailed, o.text(), id)
		return stored(err)
	})
	if err != nil {
		return err
	}
	s.log.Error(
		"a run can't be recorded",
		"run",
		run,
		"code",
		problems[0].Code,
		"pointer",
		problems[0].Pointer,
		"why",
		problems[0].Detail,
	)
	s.move(func(c *Counters) { c.Failed++ })
	return nil
}
