package runs

import (
	"math"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// join joins a version that a run has generated to those that have read it, or written over it, and have been heard of
// earlier. A run that isn't recorded yet takes it in the place of the older version that was known then. To one that is
// recorded it is added. The end of a dataset that was dropped is joined in the same way.
func (s *Store) join(tx *sqlitefile.Tx, o *output) error {
	names, err := namesOf(tx, o.artifact)
	if err != nil {
		return err
	}
	for _, name := range names {
		readers, err := readersOf(tx, o, name)
		if err != nil {
			return err
		}
		for _, r := range readers {
			if err := joinReader(tx, o, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// joinAll joins all versions of a dataset to their readers, now that it is known by more names.
func (s *Store) joinAll(tx *sqlitefile.Tx, names []string) error {
	for _, name := range names {
		made, err := outputsOf(tx, "artifact = ? AND turn > 0 ORDER BY at, turn, place", name)
		if err != nil {
			return err
		}
		for i := range made {
			if err := s.join(tx, &made[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// reader is an input of another run, or what lay under an output of it, with the versions that it is settled to be.
type reader struct {
	openlineage.Identity
	run          int64
	use          int
	series       string
	streams      bool
	said         bool
	digest       string
	since, until int64
	pins         []pin
}

// readersOf lists those that would have read a version, had it been known: they read when it was there. Of those that
// read at the very time at which it was written, it leaves out those that came before it. Those who say which version
// they have read are none of them, unless they say it by its digest.
func readersOf(tx *sqlitefile.Tx, o *output, series string) ([]*reader, error) {
	rows, err := tx.Query(`SELECT p.run, r.streams, p.use, p.namespace, p.name, p.kind, p.artifact, p.version, p.made,
		p.said, p.since, p.until, p.part, p.digest FROM pin p JOIN run r ON r.id = p.run
		WHERE p.series = ?1 AND p.until >= ?2 AND p.run <> ?3 AND r.state <> ?4
		AND (p.said = 0 OR p.digest <> '' AND ?5 <> '' AND p.made = ?6)
		AND (p.said = 1 OR p.since <> ?2 OR `+placeOfRun("?3")+` < COALESCE(`+placeOfRun("p.run")+`, ?7))
		ORDER BY p.run, p.use, p.namespace, p.name`,
		series, o.at, o.run, stateExpired, o.digest, int64(never), int64(math.MaxInt64))
	if err != nil {
		return nil, stored(err)
	}
	defer rows.Close()
	var list []*reader
	for rows.Next() {
		r := &reader{series: series}
		var p pin
		err := rows.Scan(&r.run, &r.streams, &r.use, &r.Namespace, &r.Name, &p.kind, &p.artifact, &p.version,
			&p.at, &r.said, &r.since, &r.until, &p.part, &r.digest)
		if err != nil {
			return nil, stored(err)
		}
		if n := len(list); n > 0 && list[n-1].run == r.run && list[n-1].use == r.use && list[n-1].Identity == r.Identity {
			r = list[n-1]
		} else {
			list = append(list, r)
		}
		r.pins = append(r.pins, p)
	}
	return list, stored(rows.Err())
}

func joinReader(tx *sqlitefile.Tx, o *output, r *reader) error {
	in := &input{Identity: r.Identity, place: placeOf("", r.series)}
	v := dated{o.kind, o.artifact, o.version, o.at}
	have := func(p pin) bool { return p.kind == v.kind && p.artifact == v.artifact && p.version == v.version }
	newest := int64(never)
	for _, p := range r.pins {
		if p.at <= r.since || r.said {
			newest = max(newest, p.at)
		}
	}
	dropped := o.change == openlineage.Drop
	switch {
	case slices.ContainsFunc(r.pins, have):
		return nil
	case r.said:
		told, err := canonical.Parse([]byte(r.digest), canonical.Limits{})
		if err != nil || told.Get("value").Text != o.digest {
			return nil //nolint:nilerr // what can't be read is told when the records are made
		}
		in.digest = told
	case r.streams && o.at > r.since: // read while the run went on, beside what it read first
		if dropped {
			return nil
		}
	case o.at <= newest:
		return nil
	default:
		if err := dropGuesses(tx, r.run, r.use, r.Identity, r.since); err != nil {
			return err
		}
		if dropped && slices.ContainsFunc(r.pins, func(p pin) bool { return p.part == partRecorded || p.part == partSent }) {
			return nil // that can't be undone
		}
		if dropped {
			v = dated{o.kind, r.series, Declared, o.at}
			if r.use == usePrevious {
				v.version = ""
			}
		}
	}
	if err := addPin(tx, r.run, r.use, in, v, r.said, r.since, r.until); err != nil {
		return err
	}
	return wake(tx, r.run, o.run)
}

// wake has a run looked at again, because there is more to record of it. It then comes after the run that it waits for.
func wake(tx *sqlitefile.Tx, run, after int64) error {
	var state, streams int
	var turn, before int64
	err := tx.QueryRow("SELECT state, streams, turn, COALESCE((SELECT turn FROM run WHERE id = ?2), 0) FROM run WHERE id = ?1",
		run, after).Scan(&state, &streams, &turn, &before)
	if err != nil {
		return stored(err)
	}
	if _, err := tx.Exec("UPDATE run SET revision = revision + 1 WHERE id = ?", run); err != nil {
		return stored(err)
	}
	switch {
	case state == stateRecorded:
		if err := carryRow(tx, run, 1); err != nil {
			return err
		}
		return putInTurn(tx, run)
	case state == stateOpen && streams != 0:
		return putInTurn(tx, run)
	case state == stateEnded && turn < before:
		return comeAfter(tx, run, map[int64]bool{after: true})
	}
	return nil
}

// putInTurn gives a run of which there is something to record the last turn.
func putInTurn(tx *sqlitefile.Tx, run int64) error {
	turn, err := nextTurn(tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec("UPDATE run SET state = ?, turn = ?, records = NULL WHERE id = ?", stateEnded, turn, run)
	return stored(err)
}

// comeAfter gives a run that isn't recorded the last turn, and after it those that wait for it.
func comeAfter(tx *sqlitefile.Tx, run int64, passed map[int64]bool) error {
	if passed[run] {
		return nil
	}
	passed[run] = true
	if err := putInTurn(tx, run); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE output SET turn = (SELECT turn FROM run WHERE id = ?1) WHERE run = ?1 AND turn > 0
		AND part = ?2`, run, partNew); err != nil {
		return stored(err)
	}
	rows, err := tx.Query(`SELECT DISTINCT p.run FROM output o JOIN pin p ON p.artifact = o.artifact AND p.version = o.version
		JOIN run r ON r.id = p.run WHERE o.run = ? AND o.part = ? AND p.run <> o.run AND r.state = ?`,
		run, partNew, stateEnded)
	if err != nil {
		return stored(err)
	}
	var waiting []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return stored(err)
		}
		waiting = append(waiting, id)
	}
	if err := rows.Close(); err != nil {
		return stored(err)
	}
	for _, id := range waiting {
		if err := comeAfter(tx, id, passed); err != nil {
			return err
		}
	}
	return nil
}
