package runs

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// Declared is the version of an input of which no version is known.
const Declared = "declared"

// never is the moment at which a version came into being that nobody has told of.
const never = math.MinInt64

// moment is a time as the database has it.
func moment(t time.Time) int64 { return t.UnixMicro() }

// input is a dataset that an event says something was made of, and what the index knows of it.
type input struct {
	openlineage.Identity
	pointer string // where in the event
	place   openlineage.Place
	at      int64           // the moment of the event
	digest  canonical.Value // of its content; null if the event doesn't tell
	known   []dated         // what the index has, by all names that the dataset is known by
	late    *dated          // what was registered, by no run, after the moment of the event; nil if nothing was
	here    dated           // the newest version that had been generated here when the index was asked, if the index had it
	ready   bool            // the index had what the ledger has
}

// tells tells whether the event says which version it is, or what the version hashes to.
func (in *input) tells() bool { return in.place.Version != "" || in.digest.Kind == canonical.Object }

// kinds are the kinds of artifact that the input can be.
func (in *input) kinds() []string {
	if in.place.Kind != "" {
		return []string{in.place.Kind}
	}
	return []string{"dataset", "model"}
}

// dated is a version and the moment at which it came into being. Without a version it says that there was none from
// then on: the dataset was dropped.
type dated struct {
	kind, artifact, version string
	at                      int64
}

// artifact is how versions of one artifact find each other in the database.
func artifact(p openlineage.Place) string { return p.Namespace + "/" + p.Name }

// ask asks the index. Whether it has the newest version that was generated here is asked first: what it names then is
// that one, or a newer one.
func (s *Store) ask(ctx context.Context, in *input) error {
	in.ready = s.index.Ready()
	names, err := namesOf(s.db.file.Read, artifact(in.place))
	if err != nil {
		return err
	}
	here, err := newestHere(s.db.file.Read, names, in, 0)
	if err != nil {
		return err
	}
	if len(here) > 0 && here[0].version != "" {
		_, _, found, err := s.index.Digest(ctx, here[0].kind+"/"+here[0].artifact+"@"+here[0].version)
		if err != nil {
			return fmt.Errorf("couldn't ask the index for a version: %w", err)
		}
		if found {
			in.here = here[0]
		}
	}
	for _, name := range names {
		for _, kind := range in.kinds() {
			if err := s.askFor(ctx, in, kind, name); err != nil {
				return fmt.Errorf("couldn't ask the index for versions of %s: %w", in.place.Name, err)
			}
		}
	}
	return nil
}

// few and many are how many versions the index is asked for: the newest are mostly enough.
const few, many = 16, 1000

func (s *Store) askFor(ctx context.Context, in *input, kind, name string) error {
	namespace, name, _ := strings.Cut(name, "/")
	found := func(version string, at int64) {
		in.known = append(in.known, dated{kind, namespace + "/" + name, version, at})
	}
	p := in.place
	switch {
	case p.Version != "":
		ref := openlineage.Place{Namespace: namespace, Name: name}.Ref(kind, p.Version)
		if _, _, has, err := s.index.Digest(ctx, ref); err != nil || has {
			found(p.Version, never)
			return err
		}
		// Then all that can be learnt is which kind the other versions are.
		list, err := s.index.DatedVersions(ctx, kind, namespace, name, 1)
		if len(list) > 0 {
			in.late = &dated{kind: kind}
		}
		return err
	case in.digest.Kind == canonical.Object:
		version, err := s.index.ByDigest(ctx, kind, namespace, name, in.digest.Get("value").Text)
		if version != "" {
			found(version, never)
		}
		return err
	}
	for _, most := range []int{few, many} {
		list, err := s.index.DatedVersions(ctx, kind, namespace, name, most)
		if err != nil {
			return err
		}
		best, late := newestOf(list, in.at)
		switch {
		case best != nil:
			found(best.Version, moment(best.At))
			return nil
		case late != nil && (in.late == nil || in.late.at < moment(late.At)):
			in.late = &dated{kind, namespace + "/" + name, late.Version, moment(late.At)}
		}
		if len(list) < most {
			return nil
		}
	}
	return nil
}

// newestOf chooses the version of a moment. Of equal ones it is the one that was registered last. late is the newest of
// which it isn't known when it came into being, because it was registered by hand, after that moment.
func newestOf(list []index.DatedVersion, at int64) (best, late *index.DatedVersion) {
	for i := range list {
		v := &list[i]
		switch {
		case v.Version == Declared: // it stands for not knowing
		case moment(v.At) <= at && (best == nil || v.At.After(best.At)):
			best = v
		case moment(v.At) > at && !v.Generated && late == nil:
			late = v
		}
	}
	return best, late
}

// placeOfRun is SQL for the place at which a run, given as SQL, came among those that generate something. It is NULL
// for a run that has generated nothing yet. Outputs keep their turn, unlike runs, so it is that of the arrival.
func placeOfRun(run string) string {
	return "(SELECT MIN(turn) FROM output WHERE run = " + run + " AND turn > 0)"
}

// newestHere finds the newest version that runs which have completed here generate: at the moment of the input, or with
// the version or the digest that the input has, if the event tells. A run may make several at once, by several names.
// The run itself is left out.
func newestHere(db rowsQuerier, names []string, in *input, run int64) ([]dated, error) {
	query := "SELECT run, namespace, name, kind, artifact, version, at, change FROM output WHERE artifact IN (?" +
		strings.Repeat(",?", len(names)-1) + ") AND turn > 0 AND run <> ? AND version <> 'declared'"
	args := make([]any, 0, len(names)+4)
	for _, name := range names {
		args = append(args, name)
	}
	args = append(args, run)
	if in.place.Kind != "" {
		query, args = query+" AND (kind = ? OR change = 'DROP')", append(args, in.place.Kind)
	}
	switch {
	case in.place.Version != "":
		query, args = query+" AND version = ?", append(args, in.place.Version)
	case in.digest.Kind == canonical.Object:
		query, args = query+" AND digest = ?", append(args, in.digest.Get("value").Text)
	default:
		// Of events of one time, those that arrived first came first.
		query += " AND (at, turn) < (?, COALESCE(" + placeOfRun("?") + ", ?))"
		args = append(args, in.at, run, int64(math.MaxInt64))
	}
	rows, err := db.Query(query+" ORDER BY at DESC, turn DESC, place DESC LIMIT 100", args...)
	if err != nil {
		return nil, stored(err)
	}
	defer rows.Close()
	var newest []dated
	var first int64
	seen := map[openlineage.Identity]bool{}
	for rows.Next() {
		var v dated
		var by int64
		var i openlineage.Identity
		var change string
		if err := rows.Scan(&by, &i.Namespace, &i.Name, &v.kind, &v.artifact, &v.version, &v.at, &change); err != nil {
			return nil, stored(err)
		}
		if change == openlineage.Drop {
			v.version = ""
		}
		if len(newest) > 0 && (by != first || v.at != newest[0].at || v.version == "") {
			break
		}
		first = by
		if !seen[i] {
			seen[i] = true
			newest = append(newest, v)
		}
		if v.version == "" {
			break
		}
	}
	return newest, stored(rows.Err())
}

// versionsOf tells which versions an input is: one, or several if a run has made them at once by several names.
func (s *Store) versionsOf(tx *sqlitefile.Tx, run int64, in *input) ([]dated, error) {
	p := in.place
	if p.Version != "" && p.Kind != "" {
		return []dated{{p.Kind, artifact(p), p.Version, never}}, nil
	}
	names, err := namesOf(tx, artifact(p))
	if err != nil {
		return nil, err
	}
	here, err := newestHere(tx, names, in, run)
	if err != nil {
		return nil, err
	}
	pending := len(here) > 0 && here[0] != in.here // on its way to the ledger, or just arrived there
	found := newer(here, in.known)
	dropped := len(found) > 0 && found[0].version == ""
	switch {
	case len(found) > 0 && !dropped && (pending || in.ready || in.tells()):
		return found, nil
	case p.Version != "":
		return []dated{{s.kindOf(in), artifact(p), p.Version, never}}, nil
	case !in.ready && !pending: // what the index has may be an old version
		return nil, ErrNotReady
	case in.late != nil && !dropped && !in.tells():
		return []dated{*in.late}, nil
	case p.Namespace != s.cfg.Namespace:
		return nil, refuse(
			"unknown_reference",
			in.pointer,
			"no version of %s/%s/%s is on the ledger, as far as this gateway knows",
			s.kindOf(in),
			p.Namespace,
			p.Name,
		)
	case in.tells():
		value := in.digest.Get("value").Text
		version := openlineage.Version(in.digest.Get("algorithm").Text + "-" + value[:32])
		return []dated{{s.kindOf(in), artifact(p), version, never}}, nil
	}
	return []dated{{s.kindOf(in), artifact(p), Declared, never}}, nil
}

// newer chooses between what runs have made here and what the index has.
func newer(here, known []dated) []dated {
	for i := range known {
		if len(here) == 0 || known[i].at > here[0].at {
			here = known[i : i+1]
		}
	}
	return here
}

// kindOf is the kind of artifact that an input of which no version is known is taken for.
func (s *Store) kindOf(in *input) string {
	switch {
	case in.place.Kind != "":
		return in.place.Kind
	case in.late != nil:
		return in.late.kind
	}
	return "dataset"
}
