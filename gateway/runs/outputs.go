package runs

import (
	"fmt"
	"math"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// noteOutputs notes what a run says that it generates. An event that tells of a failure tells of outputs that aren't
// complete.
func (s *Store) noteOutputs(tx *sqlitefile.Tx, run int64, msp string, e *openlineage.Event) error {
	if e.Type == "FAIL" || e.Type == "ABORT" {
		return nil
	}
	for _, d := range e.Outputs {
		if err := s.noteOutput(tx, run, msp, d.Identity, d.Facets); err != nil {
			return err
		}
	}
	targets, _ := openlineage.JobLineage(e.Job.Facets)
	for _, t := range targets {
		if err := s.noteOutput(tx, run, msp, t.Identity, canonical.Value{}); err != nil {
			return err
		}
	}
	return nil
}

// noteOutput notes one output. What the event doesn't say of it stays as it was, and each version that it says is one.
func (s *Store) noteOutput(
	tx *sqlitefile.Tx,
	run int64,
	msp string,
	i openlineage.Identity,
	facets canonical.Value,
) error {
	p := openlineage.PlaceOf(i, facets, s.cfg.Namespace)
	digest, _ := openlineage.DigestIn(facets)
	change := openlineage.ChangeIn(facets)
	kind := p.Kind
	if kind == "" {
		var err error
		if kind, err = s.kindBefore(tx, msp, i, p); err != nil {
			return err
		}
	}
	previous := ""
	if change.Kind == openlineage.Rename && change.Previous.Name != "" {
		previous = artifact(openlineage.PlaceOf(change.Previous, canonical.Value{}, s.cfg.Namespace))
		if err := s.noteDropped(tx, run, change.Previous, previous, artifact(p)); err != nil {
			return err
		}
	}
	if p.Version != "" { // then the one without a version, if it isn't settled, is this one
		_, err := tx.Exec(`UPDATE OR IGNORE output SET version = ?
			WHERE run = ? AND namespace = ? AND name = ? AND version = '' AND turn = 0`, p.Version, run, i.Namespace, i.Name)
		if err != nil {
			return stored(err)
		}
	} else { // what is said of no version is said of the last
		err := tx.QueryRow(`SELECT COALESCE((SELECT version FROM output WHERE run = ? AND namespace = ? AND name = ?
			ORDER BY place DESC LIMIT 1), '')`, run, i.Namespace, i.Name).Scan(&p.Version)
		if err != nil {
			return stored(err)
		}
	}
	_, err := tx.Exec(`INSERT INTO output VALUES (?1,?2,?3,?4,?5,?6,0,?7,?9,?10,0,
		(SELECT COALESCE(MAX(place), 0) + 1 FROM output WHERE run = ?1 AND namespace = ?2 AND name = ?3), ?11)
		ON CONFLICT (run, namespace, name, version) DO UPDATE SET
		kind = IIF(?8 = '' OR turn > 0, kind, ?8), digest = IIF(?7 = '', digest, ?7),
		change = IIF(?9 = '', change, ?9), previous = IIF(?10 = '', previous, ?10)`,
		run, i.Namespace, i.Name, kind, artifact(p), p.Version, digest.Get("value").Text, p.Kind,
		change.Kind, previous, partNew)
	return stored(err)
}

// noteDropped notes that there is no dataset of the name any more that a renamed one had.
func (s *Store) noteDropped(tx *sqlitefile.Tx, run int64, i openlineage.Identity, series, renamed string) error {
	names, err := namesOf(tx, renamed)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == series { // one dataset by two names
			return nil
		}
	}
	_, err = tx.Exec("INSERT OR IGNORE INTO output VALUES (?,?,?,'dataset',?,'',0,'',?,'',0,0,?)",
		run, i.Namespace, i.Name, series, openlineage.Drop, partNew)
	return stored(err)
}

// kindBefore is the kind that a dataset had before.
func (s *Store) kindBefore(tx *sqlitefile.Tx, msp string, i openlineage.Identity, p openlineage.Place) (string, error) {
	kept, err := readFacets(tx, msp, "dataset", i)
	if err != nil {
		return "", err
	}
	if kind := openlineage.KindIn(kept); kind != "" {
		return kind, nil
	}
	p.Version = ""
	names, err := namesOf(tx, artifact(p))
	if err != nil {
		return "", err
	}
	here, err := newestHere(tx, names, &input{place: p, at: math.MaxInt64}, 0)
	if err != nil || len(here) == 0 || here[0].version == "" {
		return "dataset", err
	}
	return here[0].kind, nil
}

// output is a version that a run generates. It is a row.
type output struct {
	openlineage.Identity
	run                     int64
	kind, artifact, version string
	change, previous        string
	digest                  string
	at                      int64
}

// series is where the versions are that lay under the output before.
func (o *output) series() string {
	if o.previous != "" {
		return o.previous
	}
	return o.artifact
}

// fixOutputs settles the versions that a run has generated, now that it has completed: they came into being at a
// moment, and from then on they are the newest.
func (s *Store) fixOutputs(tx *sqlitefile.Tx, run int64, otherwise string, at int64) error {
	fresh, err := outputsOf(tx, "run = ? AND turn = 0 ORDER BY place, namespace, name", run)
	if err != nil || len(fresh) == 0 {
		return err
	}
	_, err = tx.Exec(
		`UPDATE output SET version = IIF(version = '' AND change <> ?5, ?2, version), at = ?3, part = ?4,
		turn = (SELECT turn FROM run WHERE id = ?1) WHERE run = ?1 AND turn = 0`,
		run,
		otherwise,
		at,
		partNew,
		openlineage.Drop,
	)
	if err != nil {
		return stored(err)
	}
	for i := range fresh {
		o := &fresh[i]
		o.at = at
		if o.version == "" && o.change != openlineage.Drop {
			o.version = otherwise
		}
		if err := s.pinPrevious(tx, o); err != nil {
			return err
		}
	}
	for i := range fresh {
		if err := s.join(tx, &fresh[i]); err != nil {
			return err
		}
	}
	return nil
}

func outputsOf(tx *sqlitefile.Tx, where string, args ...any) ([]output, error) {
	rows, err := tx.Query(`SELECT run, namespace, name, kind, artifact, version, change, previous, digest, at
		FROM output WHERE `+where, args...)
	if err != nil {
		return nil, stored(err)
	}
	defer rows.Close()
	var list []output
	for rows.Next() {
		var o output
		err := rows.Scan(&o.run, &o.Namespace, &o.Name, &o.kind, &o.artifact, &o.version, &o.change, &o.previous,
			&o.digest, &o.at)
		if err != nil {
			return nil, stored(err)
		}
		list = append(list, o)
	}
	return list, stored(rows.Err())
}

// pinPrevious settles which version lay under an output before: what was written before is still in it, unless the
// run says that it has replaced it. The version is empty if none is known; one may still come to light.
func (s *Store) pinPrevious(tx *sqlitefile.Tx, o *output) error {
	if o.change == openlineage.Drop || (openlineage.Change{Kind: o.change}).Replaces() {
		return nil
	}
	names, err := namesOf(tx, o.series())
	if err != nil {
		return err
	}
	in := &input{Identity: o.Identity, at: o.at, place: placeOf(o.kind, o.series())}
	before, err := newestHere(tx, names, in, o.run)
	if err != nil {
		return err
	}
	if len(before) == 0 || before[0].version == "" {
		at := int64(never)
		if len(before) > 0 {
			at = before[0].at // nothing from before it was dropped
		}
		before = []dated{{kind: o.kind, artifact: o.series(), at: at}}
	}
	for _, v := range before {
		if err := addPin(tx, o.run, usePrevious, in, v, false, o.at, o.at); err != nil {
			return err
		}
	}
	return nil
}

// placeOf is the place of an artifact, as the database has it.
func placeOf(kind, series string) openlineage.Place {
	namespace, name, _ := strings.Cut(series, "/")
	return openlineage.Place{Kind: kind, Namespace: namespace, Name: name}
}

// versionOfRun is the version of what a run generates and gives no version.
func versionOfRun(kind int, run string, digest []byte) string {
	if kind == kindDataset {
		return fmt.Sprintf("event-%x", digest[:8])
	}
	return openlineage.RunVersion(run)
}
