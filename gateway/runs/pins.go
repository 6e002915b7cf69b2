package runs

import (
	"math"
	"slices"

	"context"
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// What a pin is of.
const (
	useRead     = 0 // an input
	usePrevious = 1 // what lay under an output before
)

// named is a dataset and where in an event it stands.
type named struct {
	openlineage.Dataset
	pointer string
}

// sourcesOf lists the datasets that an event names as sources of something: its inputs, each with every version that
// the event says, and those of facets that say how its outputs were made.
func sourcesOf(e *openlineage.Event) []named {
	var list []named
	seen := map[openlineage.Identity][]string{} // with what is said of the version of each
	add := func(d openlineage.Dataset, pointer string) {
		said := openlineage.VersionIn(d.Facets)
		if digest, ok := openlineage.DigestIn(d.Facets); ok {
			said += "\x00" + string(digest.Bytes())
		}
		if before, known := seen[d.Identity]; !known || !slices.Contains(before, said) {
			seen[d.Identity] = append(before, said)
			list = append(list, named{d, pointer})
		}
	}
	derived := func(d openlineage.Derivation, pointer string) {
		for _, i := range d.Sources() {
			if _, known := seen[i]; !known {
				add(openlineage.Dataset{Identity: i}, pointer)
			}
		}
	}
	if e.Kind == openlineage.DatasetEvent {
		derived(openlineage.DerivationIn(e.Dataset.Facets), "/dataset/facets")
	}
	if e.Kind == openlineage.Unknown || e.Kind == openlineage.DatasetEvent {
		return list
	}
	for i, d := range e.Inputs {
		add(d, canonical.Pointer("inputs", i))
	}
	for i, d := range e.Outputs {
		derived(openlineage.DerivationIn(d.Facets), canonical.Pointer("outputs", i, "facets"))
	}
	targets, read := openlineage.JobLineage(e.Job.Facets)
	for _, t := range targets {
		derived(t.Derivation, "/job/facets/lineage")
	}
	for _, i := range read {
		if _, known := seen[i]; known {
			continue
		}
		add(openlineage.Dataset{Identity: i}, "/job/facets/lineage")
	}
	return list
}

// inputsOf finds out what the index knows of the datasets that an event names as sources.
func (s *Store) inputsOf(ctx context.Context, e *openlineage.Event) ([]input, error) {
	if e.Kind == openlineage.DatasetEvent && !registers(e.Dataset) {
		return nil, nil
	}
	sources := sourcesOf(e)
	inputs := make([]input, 0, len(sources))
	for _, d := range sources {
		in := input{
			Identity: d.Identity,
			pointer:  d.pointer,
			place:    openlineage.PlaceOf(d.Identity, d.Facets, s.cfg.Namespace),
			at:       moment(e.Time),
		}
		if digest, ok := openlineage.DigestIn(d.Facets); ok {
			in.digest = digest
		}
		if in.place.Version == "" || in.place.Kind == "" {
			if err := s.ask(ctx, &in); err != nil {
				return nil, err
			}
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

// pin is which version something is. It is a row.
type pin struct {
	openlineage.Identity
	dated
	said         bool
	since, until int64
	part         int
}

// pinsOf reads which versions an input of a run is settled to be, or what lay under an output.
func pinsOf(tx *sqlitefile.Tx, run int64, use int, i openlineage.Identity) ([]pin, error) {
	rows, err := tx.Query(`SELECT kind, artifact, version, made, said, since, until, part FROM pin
		WHERE run = ? AND use = ? AND namespace = ? AND name = ?`, run, use, i.Namespace, i.Name)
	if err != nil {
		return nil, stored(err)
	}
	defer rows.Close()
	var list []pin
	for rows.Next() {
		p := pin{Identity: i}
		if err := rows.Scan(&p.kind, &p.artifact, &p.version, &p.at, &p.said, &p.since, &p.until, &p.part); err != nil {
			return nil, stored(err)
		}
		list = append(list, p)
	}
	return list, stored(rows.Err())
}

// pinAll settles which versions the inputs of an event are. It gives the number of inputs that the run has then.
func (s *Store) pinAll(tx *sqlitefile.Tx, r row, a *arrival) (int, error) {
	n := r.inputs
	for i := range a.inputs {
		in := &a.inputs[i]
		have, err := pinsOf(tx, r.id, useRead, in.Identity)
		if err != nil {
			return n, err
		}
		if len(have) == 0 {
			if n++; n > s.cfg.Datasets {
				return n, &LimitError{fmt.Sprintf("the run has more than the %d inputs allowed", s.cfg.Datasets)}
			}
		}
		if err := s.pinOne(tx, r, in, have); err != nil {
			return n, err
		}
	}
	return n, nil
}

// pinOne settles one input. What the run says itself counts for more than what is known of the versions, and all that
// it says counts. What it doesn't say is the version of the moment at which it first named the input; of a run that
// streams, also the versions since then.
func (s *Store) pinOne(tx *sqlitefile.Tx, r row, in *input, have []pin) error {
	said := false
	since, until := in.at, in.at
	for _, p := range have {
		said = said || p.said
		since, until = min(since, p.since), max(until, p.until)
	}
	tells := in.tells()
	if !tells && (said || len(have) > 0 && in.at >= have[0].since && !r.streams) {
		return nil
	}
	if r.completed > 0 { // of versions of the same time, the index doesn't know which came before the run
		in.known = slices.DeleteFunc(in.known, func(d dated) bool { return d.at == in.at })
	}
	versions, err := s.versionsOf(tx, r.id, in)
	if err != nil {
		return err
	}
	if !r.streams {
		until = since
	}
	// What was settled without a word of the run, and is not on its way to the ledger, gives way.
	if tells || len(have) > 0 && in.at < have[0].since {
		if err := dropGuesses(tx, r.id, useRead, in.Identity, math.MaxInt64); err != nil {
			return err
		}
	}
	for _, v := range versions {
		if v.version == Declared && len(have) > 0 && r.streams {
			continue
		}
		if err := addPin(tx, r.id, useRead, in, v, tells, since, until); err != nil {
			return err
		}
	}
	_, err = tx.Exec("UPDATE pin SET since = ?, until = ? WHERE run = ? AND use = ? AND namespace = ? AND name = ?",
		since, until, r.id, useRead, in.Namespace, in.Name)
	return stored(err)
}

// dropGuesses removes what was settled for an input, or under an output, as far as the run hasn't said it, it isn't
// in records, and it was made by a moment.
func dropGuesses(tx *sqlitefile.Tx, run int64, use int, i openlineage.Identity, until int64) error {
	_, err := tx.Exec(`DELETE FROM pin WHERE run = ? AND use = ? AND namespace = ? AND name = ? AND said = 0 AND made <= ?
		AND part IN (?, ?)`, run, use, i.Namespace, i.Name, until, partNew, partLeft)
	return stored(err)
}

// addPin adds a version to what an input is, or to what lay under an output. One that is there already stays.
func addPin(tx *sqlitefile.Tx, run int64, use int, in *input, v dated, said bool, since, until int64) error {
	digest := ""
	if in.digest.Kind == canonical.Object {
		digest = string(in.digest.Bytes())
	}
	_, err := tx.Exec("INSERT OR IGNORE INTO pin VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		run, use, in.Namespace, in.Name, artifact(in.place), v.kind, v.artifact, v.version, said, digest,
		since, until, v.at, partNew)
	return stored(err)
}
