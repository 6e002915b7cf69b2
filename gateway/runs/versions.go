package runs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
)

// input is a dataset that an event says something was made of, and what the index knows of it.
type input struct {
	openlineage.Identity
	pointer string // where in the event
	place   openlineage.Place
	digest  canonical.Value // of its content; null if the event doesn't tell
	known   []known         // what the index has: for each kind the newest version, or the newest with the digest
	here    known           // the newest version that had been generated here when the index was asked, if the index had it
	ready   bool            // the index had what the ledger has
}

// known is the newest version of an artifact that the index has, or the newest with a digest.
type known struct{ kind, version string }

// kinds are the kinds of artifact that the input can be.
func (in input) kinds() []string {
	if in.place.Kind != "" {
		return []string{in.place.Kind}
	}
	return []string{"dataset", "model"}
}

// artifact is how versions of one artifact find each other in the database.
func artifact(p openlineage.Place) string { return p.Namespace + "/" + p.Name }

// named is a dataset and where in an event it stands.
type named struct {
	openlineage.Dataset
	pointer string
}

// sourcesOf lists the datasets that an event names as sources of something, each once: its inputs, and those of facets
// that say how its outputs were made.
func sourcesOf(e *openlineage.Event) []named {
	var list []named
	seen := map[openlineage.Identity]bool{}
	add := func(d openlineage.Dataset, pointer string) {
		if !seen[d.Identity] {
			seen[d.Identity] = true
			list = append(list, named{d, pointer})
		}
	}
	derived := func(d openlineage.Derivation, pointer string) {
		for _, i := range d.Sources() {
			add(openlineage.Dataset{Identity: i}, pointer)
		}
	}
	if e.Kind == openlineage.DatasetEvent {
		derived(openlineage.DerivationIn(e.Dataset.Facets), "/dataset/facets")
	}
	if e.Kind != openlineage.RunEvent {
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
		add(openlineage.Dataset{Identity: i}, "/job/facets/lineage")
	}
	return list
}

// inputsOf finds out what the index knows of the datasets that an event names as sources.
func (s *Store) inputsOf(ctx context.Context, caller Caller, e *openlineage.Event) ([]input, error) {
	if e.Kind != openlineage.RunEvent && (e.Kind != openlineage.DatasetEvent || !registers(e.Dataset)) {
		return nil, nil
	}
	sources := sourcesOf(e)
	inputs := make([]input, 0, len(sources))
	for _, d := range sources {
		in := input{
			Identity: d.Identity,
			pointer:  d.pointer,
			place:    openlineage.PlaceOf(d.Identity, d.Facets, s.cfg.Namespace),
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

// ask asks the index. Whether it has the newest version that was generated here is asked first: what it names then is
// that one, or a newer one.
func (s *Store) ask(ctx context.Context, in *input) error {
	in.ready = s.index.Ready()
	here, err := newestHere(s.db.read, *in, 0)
	if err != nil {
		return err
	}
	if here.version != "" {
		_, _, found, err := s.index.Digest(ctx, in.place.Ref(here.kind, here.version))
		if err != nil {
			return fmt.Errorf("couldn't ask the index for a version: %w", err)
		}
		if found {
			in.here = here
		}
	}
	for _, kind := range in.kinds() {
		version, err := s.askFor(ctx, in, kind)
		if err != nil {
			return fmt.Errorf("couldn't ask the index for versions of %s: %w", in.place.Name, err)
		}
		if version != "" {
			in.known = append(in.known, known{kind, version})
		}
	}
	return nil
}

func (s *Store) askFor(ctx context.Context, in *input, kind string) (version string, err error) {
	p := in.place
	switch {
	case p.Version != "":
		_, _, found, err := s.index.Digest(ctx, p.Ref(kind, p.Version))
		if err != nil || found {
			return p.Version, err
		}
		// Then all that can be learnt is which kind the other versions are.
		return s.index.NewestVersion(ctx, kind, p.Namespace, p.Name)
	case in.digest.Kind == canonical.Object:
		return s.index.ByDigest(ctx, kind, p.Namespace, p.Name, in.digest.Get("value").Text)
	}
	return s.index.NewestVersion(ctx, kind, p.Namespace, p.Name)
}

// newestHere finds the newest version that a run which has completed here generates: with the version or the digest
// that the input has, if the event tells. Its zero value is none. The run itself is left out.
func newestHere(db querier, in input, run int64) (known, error) {
	query, args := "SELECT kind, version FROM output WHERE artifact = ? AND turn > 0 AND run <> ?", []any{
		artifact(in.place),
		run,
	}
	if in.place.Kind != "" {
		query, args = query+" AND kind = ?", append(args, in.place.Kind)
	}
	if in.place.Version != "" {
		query, args = query+" AND version = ?", append(args, in.place.Version)
	} else if in.digest.Kind == canonical.Object {
		query, args = query+" AND digest = ?", append(args, in.digest.Get("value").Text)
	}
	var newest known
	err := db.QueryRow(query+" ORDER BY turn DESC LIMIT 1", args...).Scan(&newest.kind, &newest.version)
	if errors.Is(err, sql.ErrNoRows) {
		return known{}, nil
	}
	return newest, stored(err)
}

// pinAll settles which versions the inputs of an event are, as far as earlier events of the run haven't. It gives the
// number of inputs that the run has then.
func (s *Store) pinAll(tx *transaction, caller Caller, r row, a *arrival) (int, error) {
	n := r.inputs
	for i := range a.inputs {
		in := &a.inputs[i]
		var said bool
		var version, digest string
		err := tx.QueryRow("SELECT said, version, digest FROM pin WHERE run = ? AND namespace = ? AND name = ?", r.id, in.Namespace, in.Name).
			Scan(&said, &version, &digest)
		fresh := errors.Is(err, sql.ErrNoRows)
		tells := in.place.Version != "" || in.digest.Kind == canonical.Object
		switch {
		case err != nil && !fresh:
			return n, stored(err)
		case !fresh && (said || !tells):
			continue // the first word counts
		case fresh:
			if n++; n > s.cfg.Datasets {
				return n, &LimitError{fmt.Sprintf("the run has more than the %d inputs allowed", s.cfg.Datasets)}
			}
		}
		kind, version, err := s.versionOf(tx, r, in)
		if err != nil {
			return n, err
		}
		digest = ""
		if in.digest.Kind == canonical.Object {
			digest = string(in.digest.Bytes())
		}
		if _, err := tx.Exec("INSERT OR REPLACE INTO pin VALUES (?,?,?,?,?,?,?,?)", r.id, in.Namespace, in.Name, kind, artifact(in.place), version, tells, digest); err != nil {
			return n, stored(err)
		}
	}
	return n, nil
}

// Declared is the version of an input of which no version is known.
const Declared = "declared"

// versionOf tells which version an input is.
func (s *Store) versionOf(tx *transaction, r row, in *input) (kind, version string, err error) {
	p := in.place
	if p.Version != "" && p.Kind != "" {
		return p.Kind, p.Version, nil
	}
	here, err := newestHere(tx, *in, r.id)
	if err != nil {
		return "", "", err
	}
	if here.version != "" && here != in.here {
		return here.kind, here.version, nil // on its way to the ledger, or just arrived there
	}
	if kind = p.Kind; kind == "" {
		kind = "dataset"
	}
	if len(in.known) > 0 {
		kind = in.known[0].kind
	}
	value := in.digest.Get("value").Text
	switch {
	case p.Version != "":
		return kind, p.Version, nil
	case len(in.known) > 0 && (in.ready || value != ""):
		return kind, in.known[0].version, nil
	case here.version != "" && in.ready:
		return here.kind, here.version, nil
	case !in.ready: // what the index has may be an old version
		return "", "", ErrNotReady
	case p.Namespace != s.cfg.Namespace:
		return "", "", refuse(
			"unknown_reference",
			in.pointer,
			"no version of %s/%s/%s is on the ledger, as far as this gateway knows",
			kind,
			p.Namespace,
			p.Name,
		)
	case value != "":
		return kind, openlineage.Version(in.digest.Get("algorithm").Text + "-" + value[:32]), nil
	}
	return kind, Declared, nil
}

// noteOutputs notes what a run says that it generates.
func (s *Store) noteOutputs(tx *transaction, run int64, msp string, e *openlineage.Event) error {
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

// noteOutput notes one output. What the event doesn't say of its kind and version stays as it was.
func (s *Store) noteOutput(
	tx *transaction,
	run int64,
	msp string,
	i openlineage.Identity,
	facets canonical.Value,
) error {
	p := openlineage.PlaceOf(i, facets, s.cfg.Namespace)
	digest, _ := openlineage.DigestIn(facets)
	kind := p.Kind
	if kind == "" {
		var err error
		if kind, err = kindBefore(tx, msp, i, p); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`INSERT INTO output VALUES (?1,?2,?3,?4,?5,?6,0,?7) ON CONFLICT (run, namespace, name) DO UPDATE SET
		kind = IIF(?8 = '', kind, ?8), version = IIF(?6 = '', version, ?6), digest = IIF(?7 = '', digest, ?7)`,
		run, i.Namespace, i.Name, kind, artifact(p), p.Version, digest.Get("value").Text, p.Kind)
	return stored(err)
}

// kindBefore is the kind that a dataset had before.
func kindBefore(tx *transaction, msp string, i openlineage.Identity, p openlineage.Place) (string, error) {
	kept, err := readFacets(tx, msp, "dataset", i)
	if err != nil {
		return "", err
	}
	if kind := openlineage.KindIn(kept); kind != "" {
		return kind, nil
	}
	p.Version = ""
	here, err := newestHere(tx, input{place: p}, 0)
	if err != nil || here.kind != "" {
		return here.kind, err
	}
	return "dataset", nil
}

// fixOutputs settles the versions that a run has generated, now that it has completed: from here on they are the
// newest.
func fixOutputs(tx *transaction, run int64, otherwise string) error {
	_, err := tx.Exec(
		`UPDATE output SET version = IIF(version = '', ?2, version), turn = (SELECT turn FROM run WHERE id = ?1) WHERE run = ?1`,
		run,
		otherwise,
	)
	return stored(err)
}
