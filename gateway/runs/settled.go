package runs

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// useMade is the use of an output, beside those of pins.
const useMade = 2

// version is a dataset of a run as the artifact version that it is settled to be.
type version struct {
	openlineage.Identity
	use    int
	series string
	ref    record.ArtifactRef
	digest canonical.Value // that the run has told; null if it hasn't
	known  bool            // it is on the ledger
	said   bool
	since  int64
	made   int64
	part   int
	failed string // the run that was to generate it and can't be recorded
	by     string // the activity of another run that has generated it
}

// versions are those of a run.
type versions struct {
	read, made, previous []version
}

// fresh are those that no record has yet.
func fresh(list []version) []version {
	return slices.DeleteFunc(slices.Clone(list), func(v version) bool { return v.part != partNew })
}

// recorded are those that a record has.
func recorded(list []version) []version {
	return slices.DeleteFunc(slices.Clone(list), func(v version) bool { return v.part != partRecorded })
}

// versionsAt reads the versions of a run, and whether they are on the ledger.
func (s *Store) versionsAt(ctx context.Context, run int64) (*versions, error) {
	have := new(versions)
	rows, err := s.db.file.Read.QueryContext(ctx, `SELECT use, namespace, name, series, kind, artifact, version, digest, said, since,
		made, part, COALESCE((SELECT r.run FROM output o JOIN run r ON r.id = o.run WHERE o.artifact = p.artifact
		AND o.version = p.version AND o.kind = p.kind AND r.state = 4 AND o.part <> 1 LIMIT 1), '') FROM pin p WHERE run = ?1
		UNION ALL SELECT 2, namespace, name, artifact, kind, artifact, version, '', 1, at, at, part, '' FROM output
		WHERE run = ?1 AND turn > 0 AND change <> 'DROP' ORDER BY 1, namespace, name, version`, run)
	if err != nil {
		return nil, stored(err)
	}
	defer rows.Close()
	for rows.Next() {
		var v version
		var artifact, digest string
		if err := rows.Scan(&v.use, &v.Namespace, &v.Name, &v.series, &v.ref.Kind, &artifact, &v.ref.Version, &digest,
			&v.said,
			&v.since, &v.made, &v.part, &v.failed); err != nil {
			return nil, stored(err)
		}
		v.ref.Namespace, v.ref.Name, _ = strings.Cut(artifact, "/")
		if digest != "" {
			if v.digest, err = canonical.Parse([]byte(digest), canonical.Limits{}); err != nil {
				return nil, fmt.Errorf("%w: a digest can't be read any more: %w", errDamaged, err)
			}
		}
		list := [...]*[]version{useRead: &have.read, usePrevious: &have.previous, useMade: &have.made}[v.use]
		*list = append(*list, v)
	}
	if err := rows.Err(); err != nil {
		return nil, stored(err)
	}
	for _, list := range [][]version{have.read, have.made, have.previous} {
		for i := range list {
			if list[i].part != partNew || list[i].ref.Version == "" {
				continue
			}
			_, _, known, err := s.index.Digest(ctx, list[i].ref.String())
			if err != nil {
				return nil, fmt.Errorf("couldn't ask the index for %s: %w", list[i].ref, err)
			}
			list[i].known = known
		}
	}
	return have, nil
}

// checkInputs leaves out the inputs of which nothing can be said on the ledger, with the reason.
func (s *Store) checkInputs(ctx context.Context, p *plan, have *versions) error {
	for i := range have.read {
		v := &have.read[i]
		switch {
		case v.part != partNew:
		case v.known && v.digest.Kind == canonical.Object:
			wrong, err := s.compare(ctx, *v)
			if err != nil {
				return err
			}
			if wrong != nil {
				p.leave(v, *wrong)
			}
		case !v.known && !v.said && v.failed != "":
			p.leave(v, Problem{
				Code: "unknown_reference", Pointer: "/used", Ref: v.ref.String(),
				Detail: fmt.Sprintf(
					"%s is what run %s was to generate, and that run can't be recorded; mend it and send its last event again, and then this run's",
					v.ref,
					record.Brief(v.failed),
				),
			})
		case !v.known && v.ref.Namespace != s.cfg.Namespace:
			v.known = true // whether it is, the ledger will say; it isn't ours to register
		case !v.known && v.said:
			if err := s.noteUnknown(ctx, p, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// noteUnknown tells that the version that a run says it has read is not one of those on the ledger.
func (s *Store) noteUnknown(ctx context.Context, p *plan, v *version) error {
	list, err := s.index.DatedVersions(ctx, v.ref.Kind, v.ref.Namespace, v.ref.Name, few)
	if err != nil {
		return fmt.Errorf("couldn't ask the index for versions of %s: %w", v.ref.Name, err)
	}
	in := &input{Identity: v.Identity, place: placeOf(v.ref.Kind, v.series), at: math.MaxInt64}
	here, err := newestHere(s.db.file.Read, []string{v.series}, in, 0) // some may still be on their way to the ledger
	if err != nil {
		return err
	}
	for _, d := range here {
		list = append(list, index.DatedVersion{Version: d.version, Generated: true})
	}
	for i := range list {
		if other := list[i].Version; other == "" || other == Declared || other == v.ref.Version || !list[i].Generated {
			continue
		}
		p.notes = append(p.notes, Problem{
			Code: "unknown_version", Pointer: "/used", Ref: v.ref.String(),
			Detail: fmt.Sprintf(
				"no run is known that wrote %s, which this run says it has read; it isn't joined to other versions, such as "+
					"%s, so a recall of what those were made of doesn't reach this run",
				v.ref, list[i].Version,
			),
		})
		return nil
	}
	return nil
}

// checkOutputs leaves out the outputs of which nothing can be said on the ledger, with the reason, and finds out who
// has generated those that are there already.
func (s *Store) checkOutputs(ctx context.Context, p *plan, u *undertaking, have *versions) error {
	read := map[string]bool{}
	for _, v := range have.read {
		read[v.ref.String()] = true
	}
	for i := range have.made {
		v := &have.made[i]
		if v.part != partNew {
			continue
		}
		if read[v.ref.String()] {
			p.leave(v, Problem{
				Code: "cycle", Pointer: "/generated", Ref: v.ref.String(),
				Detail: fmt.Sprintf("the run says that it has read %s and that it has written it; it is recorded as read", v.ref),
			})
			continue
		}
		if !v.known {
			continue
		}
		if v.digest.Kind == canonical.Object {
			wrong, err := s.compare(ctx, *v)
			if err != nil {
				return err
			}
			if wrong != nil {
				p.leave(v, *wrong)
				continue
			}
		}
		by, err := s.index.Generator(ctx, v.ref.String())
		if err != nil {
			return fmt.Errorf("couldn't ask the index who generated %s: %w", v.ref, err)
		}
		if by != "" && !u.before.has(record.ID(by)) {
			v.by = by
			p.notes = append(p.notes, Problem{
				Code: "already_generated", Pointer: "/generated", Ref: v.ref.String(), Existing: by,
				Detail: fmt.Sprintf(
					"%s was generated by %s; that this run has written it again is recorded as an addition to that activity",
					v.ref,
					by,
				),
			})
		}
	}
	return nil
}

// compare holds a version that is on the ledger to the digest that a run tells of it. It gives what is wrong.
func (s *Store) compare(ctx context.Context, v version) (*Problem, error) {
	have, id, found, err := s.index.Digest(ctx, v.ref.String())
	if err != nil {
		return nil, fmt.Errorf("couldn't ask the index for %s: %w", v.ref, err)
	}
	algorithm, value := v.digest.Get("algorithm").Text, v.digest.Get("value").Text
	if !found || have.Coverage == "declared" || v.digest.Get("coverage").Text != have.Coverage ||
		have.Algorithm != algorithm || have.Value == value {
		return nil, nil
	}
	return &Problem{
		Code: "version_exists", Ref: v.ref.String(), Existing: id, Pointer: "/digest/value",
		Detail: fmt.Sprintf(
			"%s is registered with other content: %s %s, and not %s; a version never changes, so give the new content another version",
			v.ref,
			have.Algorithm,
			have.Value,
			value,
		),
	}, nil
}

// refreshPrevious asks the index for newer versions of what lay under the outputs than were known here, such as those
// that another gateway has recorded.
func (s *Store) refreshPrevious(ctx context.Context, p *plan, have *versions) error {
	made := map[string]bool{}
	for _, v := range have.made {
		made[v.ref.String()] = true
	}
	for i := range have.previous {
		v := &have.previous[i]
		if v.part != partNew || v.said {
			continue
		}
		// Strictly before: of versions of the same time, the index doesn't know which came first.
		in := &input{Identity: v.Identity, place: placeOf(v.ref.Kind, v.series), at: v.since - 1}
		names, err := namesOf(s.db.file.Read, v.series)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := s.askFor(ctx, in, v.ref.Kind, name); err != nil {
				return fmt.Errorf("couldn't ask the index what lay under %s: %w", v.Identity, err)
			}
		}
		known := slices.DeleteFunc(in.known, func(d dated) bool { return made[d.kind+"/"+d.artifact+"@"+d.version] })
		best := newer(nil, known)
		if len(best) == 0 && in.late != nil && v.made == never {
			best = []dated{*in.late}
		}
		if len(best) == 0 || best[0].version == "" || best[0].at <= v.made {
			continue
		}
		namespace, name, _ := strings.Cut(best[0].artifact, "/")
		v.ref = record.ArtifactRef{Kind: best[0].kind, Namespace: namespace, Name: name, Version: best[0].version}
		v.made, v.known = best[0].at, true
		p.previous = append(p.previous, previous{v.Identity, v.series, best[0], v.since})
	}
	return nil
}

// previous is the version that lay under an output, as the index has it.
type previous struct {
	openlineage.Identity
	series string
	dated
	since int64
}
