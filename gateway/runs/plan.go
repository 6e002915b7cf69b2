package runs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
)

// plan is what a run is to bring to the ledger.
type plan struct {
	by       string           // MSP id of the organisation that reports the run
	records  []*record.Record // artifact versions, then the activity
	names    []string         // of the artifact versions
	declared int              // how many of the names, from the first on, are inputs
	used     []string
	made     []string
	end      string     // the type of the last event that ended the run
	marks    []mark     // what becomes of the run's versions
	have     *versions  // of the run
	previous []previous // what the index knows better
	left     []Problem  // what can't be said on the ledger
	notes    []Problem  // what is said otherwise than the run said it
	problems []Problem  // why nothing can be recorded
}

// mark is what becomes of a version of the run.
type mark struct {
	version
	part int
}

// leave leaves out a version, with the reason.
func (p *plan) leave(v *version, why Problem) {
	p.marks = append(p.marks, mark{*v, partLeft})
	p.left = append(p.left, why)
	v.part = partLeft
}

// send notes that versions are in the records.
func (p *plan) send(list []version) {
	for _, v := range list {
		p.marks = append(p.marks, mark{v, partSent})
	}
}

func (p *plan) problem(code, pointer, ref, format string, args ...any) {
	p.problems = append(p.problems, Problem{Code: code, Pointer: pointer, Ref: ref,
		Detail: fmt.Sprintf(format, args...)})
}

// add adds an artifact version to the records, unless there is something wrong with it.
func (p *plan) add(v canonical.Value, name string) {
	r, problems := record.NewArtifact(v, p.by)
	for _, wrong := range problems {
		p.problems = append(p.problems, Problem{Code: wrong.Code, Detail: wrong.Detail, Pointer: wrong.Pointer,
			Ref: name})
	}
	if len(problems) == 0 {
		p.records, p.names = append(p.records, r), append(p.names, name)
	}
}

// str makes a member with a text.
func str(name, text string) canonical.Member {
	return canonical.Member{Name: name, Value: canonical.Str(text)}
}

// artifactOf describes a version of a dataset. What is said of it besides its names comes from its own run, if that is
// at hand.
func artifactOf(v version, described openlineage.Dataset, derivedFrom []string, previous canonical.Value) canonical.Value {
	about := canonical.Obj(str("namespace", v.Namespace), str("name", v.Name))
	for _, f := range []struct {
		name  string
		value canonical.Value
	}{{"facets", described.Facets}, {"outputFacets", described.Own}} {
		if len(f.value.Members) > 0 {
			about = about.With(f.name, f.value)
		}
	}
	if previous.Kind == canonical.Object {
		about = about.With("previous", previous)
	}
	digest := v.digest
	if digest.Kind != canonical.Object {
		digest = openlineage.DeclaredDigest(v.Identity, v.ref.Version)
	}
	a := canonical.Obj(
		str("kind", v.ref.Kind),
		str("namespace", v.ref.Namespace),
		str("name", v.ref.Name),
		str("version", v.ref.Version),
		canonical.Member{
			Name:  "digest",
			Value: digest,
		},
		canonical.Member{Name: "metadata", Value: canonical.Obj(canonical.Member{Name: "openlineage", Value: about})},
	)
	if said := openlineage.DescriptionIn(described.Facets); said != "" && len(said) <= 10_000 {
		a = a.With("description", canonical.Str(said))
	}
	if len(derivedFrom) > 0 {
		a = a.With("derivedFrom", texts(derivedFrom))
	}
	return a
}

func texts(list []string) canonical.Value {
	items := make([]canonical.Value, len(list))
	for i, t := range list {
		items[i] = canonical.Str(t)
	}
	return canonical.Arr(items...)
}

// Budgets of one activity: what doesn't fit is recorded in further parts.
const (
	mostNamed  = 400 << 10 // bytes of the names of inputs
	mostInputs = 4000
	mostMade   = 900
)

// fewOf chooses what one part says of versions that no record has yet.
func fewOf(list []version, most int) []version {
	bytes := 0
	for i, v := range list {
		bytes += 2*len(v.ref.String()) + len(v.Namespace) + len(v.Name) + 100
		if i == most || bytes > mostNamed && i > 0 {
			return list[:i]
		}
	}
	return list
}

// planRun makes the records of what is new about a run. The first activity is that of the run. What comes to light
// after it is on the ledger is an activity that extends it.
func (p *plan) planRun(m *summary, before outcome, have *versions) {
	w := m.walk()
	into, reads := w.between()
	first := before.Activity == ""
	if m.end != nil {
		p.end = m.end.Type
	}
	all := slices.DeleteFunc(slices.Clone(have.read), func(v version) bool { return v.part == partLeft })
	pins, made := fewOf(fresh(all), mostInputs), fewOf(fresh(have.made), mostMade)
	old := recorded(have.made)
	p.send(pins)
	p.send(made)
	x := &extension{plan: p, m: m, walk: w, first: first, old: old, made: made, apart: before.Apart}
	inner := func(v version) bool { return !reads(v.Identity) }
	x.pins = slices.DeleteFunc(slices.Clone(pins), inner)
	if x.all = x.pins; !first {
		x.all = slices.DeleteFunc(slices.DeleteFunc(all, inner), func(v version) bool {
			return v.part != partRecorded && !slices.ContainsFunc(pins, func(o version) bool { return o.ref == v.ref })
		})
	}
	for _, v := range have.previous {
		if v.part == partNew && v.ref.Version != "" {
			x.previous = append(x.previous, v)
		}
	}
	if !first && len(x.pins)+len(made)+len(x.previous) == 0 && p.end == before.End {
		return
	}
	if !first && len(made) > 0 {
		x.pins = x.all
	}
	p.addInputs(x.pins)
	generated := x.generate(into)
	if len(p.problems) > 0 {
		return
	}
	p.addActivity(x.activity(generated, before), metadataOf(m, p, x.pins, made))
}

// addInputs registers those inputs that aren't on the ledger.
func (p *plan) addInputs(pins []version) {
	seen := map[string]bool{}
	for _, v := range pins {
		ref := v.ref.String()
		if seen[ref] {
			continue // two names for one artifact
		}
		seen[ref] = true
		p.used = append(p.used, ref)
		if !v.known && v.part == partNew {
			p.add(artifactOf(v, openlineage.Dataset{}, nil, canonical.Value{}), ref)
		}
	}
	p.declared = len(p.records)
}

// step is an output and the outputs of the same run that it was made of.
type step struct {
	version
	from []string
}

// inSteps puts outputs after those that went into them. Of those that went into each other, one is first.
func inSteps(outputs []version, into map[openlineage.Identity][]openlineage.Identity) []step {
	byName := make(map[openlineage.Identity][]version, len(outputs))
	for _, v := range outputs {
		byName[v.Identity] = append(byName[v.Identity], v)
	}
	steps := make([]step, 0, len(outputs))
	done := make(map[openlineage.Identity]bool, len(outputs)) // false while those before it are put in their places
	var put func(i openlineage.Identity)
	put = func(i openlineage.Identity) {
		if _, begun := done[i]; begun {
			return
		}
		done[i] = false
		var from []string
		for _, source := range into[i] {
			if put(source); done[source] {
				for _, other := range byName[source] {
					from = append(from, other.ref.String())
				}
			}
		}
		done[i] = true
		for _, v := range byName[i] {
			steps = append(steps, step{v, slices.Clone(from)})
		}
	}
	for _, v := range outputs {
		put(v.Identity)
	}
	return steps
}

// addActivity makes the record of the run, with what there is room for of its metadata.
func (p *plan) addActivity(activity canonical.Value, meta metadata) {
	room := record.MaxBytes - len(activity.Bytes()) - metadataSlack
	fit(meta.facets(), room)
	r, problems := record.NewActivity(
		activity.With("metadata", canonical.Obj(canonical.Member{Name: "openlineage", Value: meta.value()})),
		p.by,
	)
	for _, wrong := range problems {
		p.problems = append(p.problems, Problem{Code: wrong.Code, Detail: wrong.Detail, Pointer: wrong.Pointer})
	}
	if len(problems) == 0 {
		p.records = append(p.records, r)
	}
}

// planVersion makes the record of a version that a dataset event is about.
func (s *Store) planVersion(
	ctx context.Context, p *plan, u *undertaking, events []*openlineage.Event, have *versions,
) error {
	if len(have.made) == 0 { // it was dropped
		return nil
	}
	if len(have.made) != 1 || len(events) > 1 {
		return fmt.Errorf(
			"%w: it has %d events and %d outputs, where there should be one of each",
			errDamaged,
			len(events),
			len(have.made),
		)
	}
	v := have.made[0]
	if len(events) == 0 || v.part != partNew {
		return nil
	}
	e := events[0]
	v.digest, _ = openlineage.DigestIn(e.Dataset.Facets)
	if v.known && v.digest.Kind == canonical.Object {
		wrong, err := s.compare(ctx, v)
		if err != nil {
			return err
		}
		if wrong != nil {
			p.problems = append(p.problems, *wrong)
			return nil
		}
	}
	pins := fresh(have.read)
	p.addInputs(pins)
	p.send(pins)
	p.send(have.made)
	d := openlineage.Dataset{Identity: e.Dataset.Identity, Facets: openlineage.Merge(canonical.Value{},
		e.Dataset.Facets)}
	fit([]*canonical.Value{&d.Facets}, artifactRoom)
	if v.known {
		return nil
	}
	from, previous := p.used, canonical.Value{}
	for _, under := range have.previous {
		if ref := under.ref.String(); under.ref.Version != "" && !slices.Contains(from, ref) {
			from, previous = append(slices.Clone(from), ref), whyPrevious(ref, openlineage.ChangeIn(d.Facets))
		}
	}
	p.send(have.previous)
	p.made = []string{v.ref.String()}
	if !u.before.Apart {
		p.add(artifactOf(v, d, from, previous), v.ref.String())
		return nil
	}
	p.add(artifactOf(v, d, nil, canonical.Value{}), v.ref.String())
	p.addDerivation(u, e, v, from)
	return nil
}

// addDerivation makes an activity of what a version was derived from. The version's own record can't be derived from
// something to which consent has been withdrawn; an activity can say that it has used it, in breach.
func (p *plan) addDerivation(u *undertaking, e *openlineage.Event, v version, from []string) {
	p.used = from
	a := canonical.Obj(
		str("type", "transformation"),
		str("endedAt", e.Time.Format(time.RFC3339Nano)),
		canonical.Member{Name: "used", Value: refsOf(from)},
		canonical.Member{Name: "generated", Value: refsOf([]string{v.ref.String()})},
	)
	if breaches := breachesOf(from, u.before); len(breaches.Items) > 0 {
		a = a.With("breach", breaches)
	}
	meta := metadata{members: canonical.Obj(
		str("producer", e.Producer),
		canonical.Member{Name: "eventTime", Value: e.Value.Get("eventTime")},
		str("reason", "a dataset event says what the version was derived from, and consent to that had been withdrawn"),
		canonical.Member{Name: "job", Value: canonical.Obj(str("namespace", u.job.Namespace), str("name", u.job.Name))},
	)}
	meta.outputs = []datasetWords{{openlineage.Dataset{Identity: v.Identity}, v.ref.String()}}
	p.addActivity(a, meta)
}
