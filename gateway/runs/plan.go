package runs

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
)

// version is a dataset of a run as the artifact version that it is settled to be.
type version struct {
	openlineage.Identity
	ref    record.ArtifactRef
	digest canonical.Value // that the run has told; null if it hasn't
	known  bool            // it is on the ledger
}

// plan is what a run is to bring to the ledger.
type plan struct {
	by       string           // MSP id of the organisation that reports the run
	records  []*record.Record // artifact versions, then the activity
	names    []string         // of the artifact versions
	declared int              // how many of the names, from the first on, are inputs
	used     []string
	made     []string
	problems []Problem
}

func (p *plan) problem(code, pointer, ref, format string, args ...any) {
	p.problems = append(p.problems, Problem{Code: code, Pointer: pointer, Ref: ref, Detail: fmt.Sprintf(format, args...)})
}

// add adds an artifact version to the records, unless there is something wrong with it.
func (p *plan) add(v canonical.Value, name string) {
	r, problems := record.NewArtifact(v, p.by)
	for _, wrong := range problems {
		p.problems = append(p.problems, Problem{Code: wrong.Code, Detail: wrong.Detail, Pointer: wrong.Pointer, Ref: name})
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
func artifactOf(v version, described openlineage.Dataset, derivedFrom []string) canonical.Value {
	about := canonical.Obj(str("namespace", v.Namespace), str("name", v.Name))
	for _, f := range []struct {
		name  string
		value canonical.Value
	}{{"facets", described.Facets}, {"outputFacets", described.Own}} {
		if len(f.value.Members) > 0 {
			about = about.With(f.name, f.value)
		}
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

// planRun makes the records of a run that has ended. They follow from its arguments alone.
func planRun(by string, m *summary, pins, outputs []version) *plan {
	p := &plan{by: by}
	into, read := m.walk().between()
	pins = slices.DeleteFunc(slices.Clone(pins), func(v version) bool { return !read(v.Identity) })
	p.addInputs(pins)
	activity := canonical.Obj()
	completed := m.end.Type == "COMPLETE"
	made := canonical.Arr()
	if completed {
		made = p.addOutputs(m, pins, outputs, into)
	}
	if len(p.problems) > 0 {
		return p
	}
	facts := openlineage.ActivityOf(m.runFacets, m.jobFacets)
	activity = activity.With("type", canonical.Str(facts.Type))
	if !m.started.IsZero() && !m.started.After(m.ended) {
		activity = activity.With("startedAt", canonical.Str(m.started.Format(time.RFC3339Nano)))
	}
	activity = activity.With("endedAt", canonical.Str(m.ended.Format(time.RFC3339Nano)))
	if len(pins) > 0 {
		used := make([]canonical.Value, len(p.used))
		for i, ref := range p.used {
			used[i] = canonical.Obj(str("ref", ref))
		}
		activity = activity.With("used", canonical.Arr(used...))
	}
	if len(made.Items) > 0 {
		activity = activity.With("generated", made)
	}
	if len(facts.About) > 0 {
		activity = activity.With("about", texts(facts.About))
	}
	if said := facts.Description; said != "" && len(said) <= 10_000 {
		activity = activity.With("description", canonical.Str(said))
	}
	if facts.Parameters.Kind == canonical.Object {
		activity = activity.With("parameters", facts.Parameters)
	}
	switch {
	case !completed:
		outcome := canonical.Obj(str("state", m.end.Type))
		if said := openlineage.ErrorMessage(m.runFacets); said != "" {
			outcome = outcome.With("message", canonical.Str(said))
		}
		activity = activity.With("outcome", outcome)
	case facts.Outcome.Kind == canonical.Object:
		activity = activity.With("outcome", facts.Outcome)
	}
	p.addActivity(activity, metadataOf(m, p, pins, outputs))
	return p
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
		if !v.known {
			p.add(artifactOf(v, openlineage.Dataset{}, nil), ref)
		}
	}
	p.declared = len(p.records)
}

// addOutputs registers what the run has generated, and says what each was made of. An output that another of the same
// run went into is derived from that one: an activity can't use what it generates.
func (p *plan) addOutputs(
	m *summary,
	pins, outputs []version,
	into map[openlineage.Identity][]openlineage.Identity,
) canonical.Value {
	origins, whole := m.origins()
	if !whole {
		p.problem(
			"too_many",
			"/generated",
			"",
			"the facets of the run say of more columns and steps between them what they were made of than can be followed (%d)",
			mostSteps,
		)
	}
	inputs := map[openlineage.Identity]string{}
	for _, v := range pins {
		inputs[v.Identity] = v.ref.String()
	}
	described := map[openlineage.Identity]openlineage.Dataset{}
	for _, d := range m.outputs {
		described[d.Identity] = d
	}
	places := map[string]int{} // of the artifact versions
	made := make([]canonical.Value, 0, len(outputs))
	for _, v := range outputs {
		ref := v.ref.String()
		if at, twice := places[ref]; twice { // by two names, of which one says nothing of what the other was made of
			made[at] = generated(ref, nil, inputs)
			continue
		}
		places[ref] = len(made)
		p.made = append(p.made, ref)
		made = append(made, generated(ref, origins[v.Identity], inputs))
	}
	registered := map[string]bool{}
	for _, step := range inSteps(outputs, into) {
		ref := step.ref.String()
		if !step.known && !registered[ref] {
			registered[ref] = true
			d := described[step.Identity]
			fit([]*canonical.Value{&d.Facets, &d.Own}, min(artifactRoom, outputsRoom/len(outputs)))
			p.add(artifactOf(step.version, d, step.from), ref)
		}
	}
	return canonical.Arr(made...)
}

// step is an output and the outputs of the same run that it was made of.
type step struct {
	version
	from []string
}

// inSteps puts outputs after those that went into them. Of those that went into each other, one is first.
func inSteps(outputs []version, into map[openlineage.Identity][]openlineage.Identity) []step {
	byName := make(map[openlineage.Identity]version, len(outputs))
	for _, v := range outputs {
		byName[v.Identity] = v
	}
	steps := make([]step, 0, len(outputs))
	done := make(map[openlineage.Identity]bool, len(outputs)) // false while those before it are put in their places
	var put func(v version)
	put = func(v version) {
		if _, begun := done[v.Identity]; begun {
			return
		}
		done[v.Identity] = false
		s := step{version: v}
		for _, source := range into[v.Identity] {
			if other, ok := byName[source]; ok {
				if put(other); done[source] {
					s.from = append(s.from, other.ref.String())
				}
			}
		}
		done[v.Identity] = true
		steps = append(steps, s)
	}
	for _, v := range outputs {
		put(v)
	}
	return steps
}

// generated is an output as an activity has it.
func generated(ref string, o *origin, inputs map[openlineage.Identity]string) canonical.Value {
	g := canonical.Obj(str("ref", ref))
	if o == nil {
		return g
	}
	from, added := []string{}, map[string]bool{}
	explicit := o.explicit
	add := func(i openlineage.Identity) {
		switch ref := inputs[i]; {
		case ref == "":
			explicit = false // it was made of more than can be named, so nothing is left out
		case !added[ref]:
			from, added[ref] = append(from, ref), true
		}
	}
	for _, i := range o.from {
		add(i)
	}
	named := make(map[string]canonical.Value, len(o.columns))
	for _, f := range o.columns {
		var sources []canonical.Value
		for _, s := range f.Inputs {
			ref := inputs[s.Identity]
			if o.explicit {
				add(s.Identity)
			}
			if ref == "" {
				continue
			}
			source := canonical.Obj(str("ref", ref), str("column", s.Field))
			if len(s.Transformations.Items) > 0 {
				source = source.With("transformations", s.Transformations)
			}
			sources = append(sources, source)
		}
		named[f.Name] = canonical.Arr(sources...)
	}
	if explicit {
		g = g.With("from", texts(from))
	}
	if len(named) > 0 {
		columns := make([]canonical.Member, 0, len(named))
		for _, name := range slices.Sorted(maps.Keys(named)) {
			columns = append(columns, canonical.Member{Name: name, Value: named[name]})
		}
		g = g.With("columns", canonical.Obj(columns...))
	}
	return g
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
func planVersion(by string, e *openlineage.Event, pins []version, v version) *plan {
	p := &plan{by: by}
	p.addInputs(pins)
	d := openlineage.Dataset{Identity: e.Dataset.Identity, Facets: openlineage.Merge(canonical.Value{}, e.Dataset.Facets)}
	fit([]*canonical.Value{&d.Facets}, artifactRoom)
	if !v.known {
		p.made = []string{v.ref.String()}
		p.add(artifactOf(v, d, p.used), v.ref.String())
	}
	return p
}
