package runs

import (
	"fmt"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// settle makes durable what the ledger has answered.
func (s *Store) settle(u *undertaking, results []capture.Result) error {
	o := outcomeOf(u.records)
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
			again = again || p.Code == "version_exists" && ref != "" || p.Code == "already_generated" ||
				p.Code == "outdated_version"
			o.Problems = append(
				o.Problems,
				Problem{Code: p.Code, Detail: p.Detail, Pointer: p.Pointer, Ref: ref, Existing: p.Existing},
			)
		}
	}
	rejected := slices.ContainsFunc(results, func(r capture.Result) bool { return r.State == capture.Rejected })
	switch {
	case !rejected:
		return s.finish(u, u.before.with(o))
	case again && u.before.Tries < mostTries:
		// Somebody has registered or generated a version since the records were made, or an earlier release has made them
		// in a shape that the ledger no longer takes. Nothing of them was recorded, so they are made anew.
		return s.reconsider(u, u.before, nil)
	}
	if before, breached := breaches(u, o.Problems); breached && u.before.Tries < mostTries {
		return s.reconsider(u, before, nil)
	}
	left := unknownInputs(u, o.Problems)
	if len(left) == 0 && u.before.Tries < mostTries {
		left = circularInputs(o.Problems)
	}
	if len(left) > 0 {
		// The run has happened. What can be said of it is said without them.
		before := u.before
		before.LeftOut = append(before.LeftOut, o.Problems...)
		return s.reconsider(u, before, left)
	}
	if len(o.Problems) == 0 {
		o.Problems = []Problem{{Code: capture.CodeRefused,
			Detail: "the ledger refused the transaction and didn't say why"}}
	}
	return s.fail(u, o.Problems)
}

// breaches takes into what is to be said of a run that it has used something after consent had been withdrawn, or that
// it hasn't, if nothing else is wrong.
func breaches(u *undertaking, problems []Problem) (before outcome, found bool) {
	before = u.before
	before.Breaches = slices.Clone(before.Breaches)
	for _, p := range problems {
		ref, said := usedAt(u, p)
		switch {
		case p.Code == "no_breach":
			before.Breaches = nil // some have been retracted; those that haven't are found again
		case p.Code == "consent_withdrawn" && p.Ref != "":
			before.Apart = true
		case p.Code == "consent_withdrawn" && said:
			before.Breaches = append(before.Breaches, Breach{ref, p.Existing})
		default:
			return before, false
		}
		found = true
	}
	return before, found
}

// usedAt is the input of the activity that a problem is about.
func usedAt(u *undertaking, p Problem) (ref string, ok bool) {
	last := u.records[len(u.records)-1]
	var i int
	if _, err := fmt.Sscanf(p.Pointer, "/used/%d/ref", &i); err != nil || last.Activity == nil || p.Ref != "" ||
		i < 0 || i >= len(last.Activity.Used) {
		return "", false
	}
	return last.Activity.Used[i].Ref, true
}

// unknownInputs lists the inputs that are no versions on the ledger, if nothing else is wrong.
func unknownInputs(u *undertaking, problems []Problem) (refs []string) {
	for _, p := range problems {
		ref, ok := usedAt(u, p)
		if !ok || p.Code != "unknown_reference" {
			return nil
		}
		refs = append(refs, ref)
	}
	return refs
}

// circularInputs lists the inputs that were made of what the run generates, if nothing else is wrong: a run wrote a
// version again that others have added to since. What it can't have been made of is left out, and the rest is said.
func circularInputs(problems []Problem) (refs []string) {
	for _, p := range problems {
		if p.Code != "circular_lineage" || p.Existing == "" {
			return nil
		}
		refs = append(refs, p.Existing)
	}
	return refs
}

// with is what the ledger has of a run together with what a further part says.
func (o outcome) with(part outcome) outcome {
	o.Tries, o.Waiting, o.Problems = 0, "", nil
	o.Used = union(o.Used, part.Used)
	for _, v := range part.Generated {
		if !slices.ContainsFunc(o.Generated, func(have Version) bool { return have.Ref == v.Ref }) {
			o.Generated = append(o.Generated, v)
		}
	}
	o.Declared = append(o.Declared, part.Declared...)
	switch {
	case o.Transaction == "":
		o.Activity, o.Transaction, o.Block, o.Type = part.Activity, part.Transaction, part.Block, part.Type
	case part.Activity != "":
		o.Extensions = append(o.Extensions, Extension{part.Activity, part.Transaction, part.Block})
	}
	return o
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
		o.Activity, o.Type = last.ID, last.Activity.Type
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

// reconsider has the records of a run made again, without the inputs that are left.
func (s *Store) reconsider(u *undertaking, before outcome, left []string) error {
	before.Tries++
	return s.db.change(func(tx *sqlitefile.Tx) error {
		if err := unsend(tx, u.id); err != nil {
			return err
		}
		for _, ref := range left {
			if _, err := tx.Exec("UPDATE pin SET part = ? WHERE run = ? AND kind || '/' || artifact || '@' || version = ?", partLeft, u.id, ref); err != nil {
				return stored(err)
			}
		}
		_, err := tx.Exec("UPDATE run SET state = ?, records = NULL, result = ? WHERE id = ?", stateEnded,
			before.text(), u.id)
		return stored(err)
	})
}

// unsend notes that what was in the records of a run is not on the ledger.
func unsend(tx *sqlitefile.Tx, id int64) error { return moveParts(tx, id, partSent, partNew) }

// moveParts has the versions that a run reads and makes, as far as they are in one part, be in another.
func moveParts(tx *sqlitefile.Tx, id int64, from, to int) error {
	for _, query := range []string{
		"UPDATE pin SET part = ? WHERE run = ? AND part = ?", "UPDATE output SET part = ? WHERE run = ? AND part = ?",
	} {
		if _, err := tx.Exec(query, to, id, from); err != nil {
			return stored(err)
		}
	}
	return nil
}

// finish notes that what was sent of a run is on the ledger. What tells its events again stays, their bodies don't. If
// there is more to record by now, the run gets another turn.
func (s *Store) finish(u *undertaking, o outcome) error {
	over := false
	err := s.db.change(func(tx *sqlitefile.Tx) error {
		if err := moveParts(tx, u.id, partSent, partRecorded); err != nil {
			return err
		}
		for _, query := range []string{
			// A late event is shown.
			`UPDATE event SET late = 2, body = CAST(json_object('eventTime', json_extract(CAST(body AS TEXT), '$.eventTime'),
				'eventType', json_extract(CAST(body AS TEXT), '$.eventType')) AS BLOB)
				WHERE run = ?1 AND late = 1 AND id <= (SELECT upto FROM run WHERE id = ?1)
				AND id IN (SELECT id FROM event WHERE run = ?1 AND late > 0 ORDER BY id LIMIT 100)`,
			"UPDATE event SET body = NULL WHERE run = ?1 AND late < 2 AND id <= (SELECT upto FROM run WHERE id = ?1)",
			`UPDATE load SET bytes = bytes - (SELECT held FROM run WHERE id = ?1) +
				COALESCE((SELECT SUM(LENGTH(body)) FROM event WHERE run = ?1 AND late < 2), 0)
				WHERE msp = (SELECT msp FROM run WHERE id = ?1)`,
			"UPDATE run SET held = COALESCE((SELECT SUM(LENGTH(body)) FROM event WHERE run = ?1 AND late < 2), 0) WHERE id = ?1",
		} {
			if _, err := tx.Exec(query, u.id); err != nil {
				return stored(err)
			}
		}
		if _, err := tx.Exec("UPDATE run SET records = NULL, result = ? WHERE id = ?", o.text(), u.id); err != nil {
			return stored(err)
		}
		// Of a run that goes on for ever, the oldest events are no longer told from new ones.
		if _, err := tx.Exec(`DELETE FROM event WHERE run = ?1 AND body IS NULL AND id <=
			(SELECT id FROM event WHERE run = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`, u.id, s.cfg.RunEvents); err != nil {
			return stored(err)
		}
		more, ended := false, false
		err := tx.QueryRow(`SELECT type <> '', EXISTS (SELECT 1 FROM event WHERE run = ?1 AND late < 2 AND body IS NOT NULL)
			OR EXISTS (SELECT 1 FROM pin WHERE run = ?1 AND part = 0 AND version <> '')
			OR EXISTS (SELECT 1 FROM output WHERE run = ?1 AND part = 0 AND turn > 0 AND change <> 'DROP') FROM run WHERE id = ?1`,
			u.id).Scan(&ended, &more)
		if err != nil {
			return stored(err)
		}
		state := stateRecorded
		switch over = false; {
		case more:
			return putInTurn(tx, u.id)
		case !ended:
			state = stateOpen
		default:
			over = true
			if err := carryRow(tx, u.id, -1); err != nil {
				return err
			}
		}
		_, err = tx.Exec("UPDATE run SET state = ? WHERE id = ?", state, u.id)
		return stored(err)
	})
	if err != nil {
		return err
	}
	s.log.Info("recorded a run", "run", u.run, "activity", o.Activity, "transaction", o.Transaction, "block", o.Block)
	s.move(func(c *Counters) {
		if over {
			c.Recorded++
		}
	})
	return nil
}

// fail ends a run that can't be recorded. Its events stay, for another try. What it was to generate is no version any
// more.
func (s *Store) fail(u *undertaking, problems []Problem) error {
	o := u.before
	o.Problems = problems
	err := s.db.change(func(tx *sqlitefile.Tx) error {
		if err := carryRow(tx, u.id, -1); err != nil {
			return err
		}
		if err := unsend(tx, u.id); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE output SET turn = 0 WHERE run = ? AND part <> ?", u.id, partRecorded); err != nil {
			return stored(err)
		}
		_, err := tx.Exec("UPDATE run SET state = ?, records = NULL, result = ? WHERE id = ?", stateFailed, o.text(),
			u.id)
		return stored(err)
	})
	if err != nil {
		return err
	}
	s.log.Error(
		"a run can't be recorded",
		"run",
		u.run,
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
