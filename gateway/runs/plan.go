package runs

import (
	"fmt"
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
	r, problems := record.NewArtifact(v)
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

// artifactOf describes a version of a dataset. What is said of it besides its names comes from its own run, if that is at
// hand.
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
	a := canonical.Obj(str("kind", v.ref.Kind), str("namespace", v.ref.Namespace), str("name", v.ref.Name), str("version", v.ref.Version),
		canonical.Member{Name: "digest", Value: digest}, canonical.Member{Name: "metadata", Value: canonical.Obj(canonical.Member{Name: "openlineage", Value: about})})
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
func planRun(m *summary, pins, outputs []version) *plan {
	p := new(plan)
	p.addInputs(pins)
	activity := canonical.Obj()
	completed := m.end.Type == "COMPLETE"
	made := canonical.Arr()
	if completed {
		made = p.addOutputs(m, pins, outputs)
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

// addOutputs registers what the run has generated, and says what each was made of.
func (p *plan) addOutputs(m *summary, pins, outputs []version) canonical.Value {
	origins, whole := m.origins()
	if !whole {
		p.problem("too_many", "/generated", "", "the facets of the run say of more columns and steps between them what they were made of than can be followed (%d)", mostSteps)
	}
	inputs := map[openlineage.Identity]string{}
	for _, v := range pins {
		inputs[v.Identity] = v.ref.String()
	}
	described := map[openlineage.Identity]openlineage.Dataset{}
	for _, d := range m.outputs {
		described[d.Identity] = d
	}
	var made []canonical.Value
	seen := map[string]bool{}
	for _, v := range outputs {
		ref := v.ref.String()
		if seen[ref] {
			continue
		}
		seen[ref] = true
		p.made = append(p.made, ref)
		if !v.known {
			d := described[v.Identity]
			fit([]*canonical.Value{&d.Facets, &d.Own}, min(artifactRoom, outputsRoom/len(outputs)))
			p.add(artifactOf(v, d, nil), ref)
		}
		made = append(made, generated(ref, origins[v.Identity], inputs))
	}
	return canonical.Arr(made...)
}

// generated is an output as an activity has it.
func generated(ref string, o *origin, inputs map[openlineage.Identity]string) canonical.Value {
	g := canonical.Obj(str("ref", ref))
	if o == nil {
		return g
	}
	var from []string
	add := func(i openlineage.Identity) {
		if ref := inputs[i]; ref != "" && !slices.Contains(from, ref) {
			from = append(from, ref)
		}
	}
	for _, i := range o.from {
		add(i)
	}
	columns := canonical.Obj()
	for _, f := range o.columns {
		var sources []canonical.Value
		for _, s := range f.Inputs {
			ref := inputs[s.Identity]
			if ref == "" {
				continue
			}
			if o.explicit {
				add(s.Identity)
			}
			source := canonical.Obj(str("ref", ref), str("column", s.Field))
			if len(s.Transformations.Items) > 0 {
				source = source.With("transformations", s.Transformations)
			}
			sources = append(sources, source)
		}
		columns = columns.With(f.Name, canonical.Arr(sources...))
	}
	if o.explicit {
		g = g.With("from", texts(from))
	}
	if len(columns.Members) > 0 {
		g = g.With("columns", columns)
	}
	return g
}

// addActivity makes the record of the run, with what there is room for of its metadata.
func (p *plan) addActivity(activity canonical.Value, meta metadata) {
	room := record.MaxBytes - len(activity.Bytes()) - metadataSlack
	fit(meta.facets(), room)
	r, problems := record.NewActivity(activity.With("metadata", canonical.Obj(canonical.Member{Name: "openlineage", Value: meta.value()})))
	for _, wrong := range problems {
		p.problems = append(p.problems, Problem{Code: wrong.Code, Detail: wrong.Detail, Pointer: wrong.Pointer})
	}
	if len(problems) == 0 {
		p.records = append(p.records, r)
	}
}

// planVersion makes the record of a version that a dataset event is about.
func planVersion(e *openlineage.Event, pins []version, v version) *plan {
	p := new(plan)
	p.addInputs(pins)
	d := openlineage.Dataset{Identity: e.Dataset.Identity, Facets: openlineage.Merge(canonical.Value{}, e.Dataset.Facets)}
	fit([]*canonical.Value{&d.Facets}, artifactRoom)
	if !v.known {
		p.made = []string{v.ref.String()}
		p.add(artifactOf(v, d, p.used), v.ref.String())
	}
	return p
}
