package runs

import (
	"maps"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
)

// extension is one activity of a run: the first, or one that extends it.
type extension struct {
	*plan
	m     *summary
	walk  *walk // through the run's own derivations
	first bool
	pins  []version // what it uses
	// inputs are the refs of pins by the names that the run has for them; see generate.
	inputs   map[openlineage.Identity][]string
	all      []version // all that the run has used, as far as records say it, with this one
	made     []version // what it generates for the first time
	old      []version // what earlier activities of the run have generated
	previous []version // what lay under outputs, as far as no record says it

	extends []string // activities
	apart   bool     // what lay under outputs is told here, and not by the versions
}

// said is an output and what it was made of. Its ref stands in generated.
type said struct {
	ref      string
	from     []string // in order, each once
	columns  []openlineage.Field
	whole    bool // made of all inputs of the activity, whatever from has
	explicit bool // the run says what it was made of
}

func (o *said) add(refs ...string) {
	for _, ref := range refs {
		if !slices.Contains(o.from, ref) {
			o.from = append(o.from, ref)
		}
	}
}

// generate registers what the run has generated, and says what each output was made of. An output that another of the
// same run went into is derived from that one: an activity can't use what it generates. So is an output from the
// version that lay under it.
func (x *extension) generate(into map[openlineage.Identity][]openlineage.Identity) canonical.Value {
	origins, complete := x.walk.origins()
	if !complete {
		x.problem(
			"too_many",
			"/generated",
			"",
			"the facets of the run say of more columns and steps between them what they were made of than can be followed (%d)",
			mostSteps,
		)
	}
	x.inputs = map[openlineage.Identity][]string{}
	for _, v := range x.pins {
		x.inputs[v.Identity] = append(x.inputs[v.Identity], v.ref.String())
	}
	var list []*said
	places := map[string]*said{}
	put := func(v version, o *origin) *said {
		ref := v.ref.String()
		g, twice := places[ref]
		if twice { // by two names, of which one says nothing of what the other was made of
			g.whole, g.explicit, g.from, g.columns = true, false, nil, nil
			return g
		}
		g = x.source(ref, o)
		places[ref], list = g, append(list, g)
		return g
	}
	for _, v := range x.made {
		put(v, origins[v.Identity])
		if x.plan.made = append(x.plan.made, v.ref.String()); v.by != "" && !slices.Contains(x.extends, v.by) {
			x.extends = append(x.extends, v.by)
		}
	}
	if fresh := fresh(x.pins); !x.first && len(fresh) > 0 {
		for _, v := range x.old {
			g := put(v, origins[v.Identity])
			if g.whole {
				g.whole = false
				for _, pin := range fresh {
					g.add(pin.ref.String())
				}
			}
		}
	}
	x.register(into)
	x.putPrevious(places, put)
	return x.outputs(list)
}

// source is what an output was made of.
func (x *extension) source(ref string, o *origin) *said {
	g := &said{ref: ref, whole: true}
	if o == nil {
		return g
	}
	g.whole = !o.explicit
	for _, i := range o.from {
		if g.add(x.inputs[i]...); len(x.inputs[i]) == 0 {
			g.whole = true // it was made of more than can be named, so nothing is left out
		}
	}
	g.columns = o.columns
	if !o.explicit {
		return g
	}
	for _, f := range o.columns {
		for _, s := range f.Inputs {
			if g.add(x.inputs[s.Identity]...); len(x.inputs[s.Identity]) == 0 {
				g.whole = true
			}
		}
	}
	g.explicit = !g.whole
	return g
}

// register makes the records of what is generated for the first time.
func (x *extension) register(into map[openlineage.Identity][]openlineage.Identity) {
	described := map[openlineage.Identity]openlineage.Dataset{}
	for _, d := range x.m.outputs {
		described[d.Identity] = d
	}
	under := map[openlineage.Identity][]version{}
	for _, v := range x.previous {
		under[v.Identity] = append(under[v.Identity], v)
	}
	registered := map[string]bool{}
	for _, step := range inSteps(x.made, into) {
		ref := step.ref.String()
		if step.known || registered[ref] {
			continue
		}
		registered[ref] = true
		d := described[step.Identity]
		fit([]*canonical.Value{&d.Facets, &d.Own}, min(artifactRoom, outputsRoom/len(x.made)))
		from, previous := step.from, canonical.Value{}
		for _, v := range under[step.Identity] {
			if x.apart {
				continue
			}
			if lies := v.ref.String(); !slices.Contains(x.used, lies) && lies != ref && !slices.Contains(from, lies) {
				from, previous = append(from, lies), whyPrevious(lies, openlineage.ChangeIn(d.Facets))
			}
			x.previous = slices.DeleteFunc(x.previous, func(o version) bool { return o.Identity == v.Identity && o.ref == v.ref })
			x.send([]version{v})
		}
		x.add(artifactOf(step.version, d, from, previous), ref)
	}
}

// whyPrevious says why a version is derived from the one that lay under it.
func whyPrevious(ref string, change openlineage.Change) canonical.Value {
	why := "the run does not say that it has replaced what was there before"
	switch change.Kind {
	case openlineage.Rename:
		why = "the run has given the dataset this name"
	case openlineage.Alter:
		why = "the run has altered the dataset"
	}
	return canonical.Obj(str("ref", ref), str("why", why))
}

// putPrevious adds what lay under outputs that are on the ledger already.
func (x *extension) putPrevious(places map[string]*said, put func(version, *origin) *said) {
	for _, v := range x.previous {
		x.send([]version{v})
		lies := v.ref.String()
		for _, over := range slices.Concat(x.made, x.old) {
			ref := over.ref.String()
			if over.Identity != v.Identity || ref == lies {
				continue
			}
			g := places[ref]
			if g == nil {
				g = put(over, &origin{explicit: true})
			}
			if !slices.Contains(x.used, lies) {
				x.used = append(x.used, lies)
			}
			if g.whole {
				g.whole = false
				for _, pin := range x.pins {
					g.add(pin.ref.String())
				}
			}
			g.add(lies)
		}
	}
}

// outputs are the members of generated. What was made of all that the activity uses needs no list of it.
func (x *extension) outputs(list []*said) canonical.Value {
	pins := &said{}
	for _, v := range x.pins {
		pins.add(v.ref.String())
	}
	items := make([]canonical.Value, len(list))
	for i, o := range list {
		if o.whole {
			o.from = pins.from
		}
		g := canonical.Obj(str("ref", o.ref))
		if o.explicit || !sameSet(o.from, x.used) {
			g = g.With("from", texts(o.from))
		}
		if columns := x.columns(o); len(columns) > 0 {
			g = g.With("columns", canonical.Obj(columns...))
		}
		items[i] = g
	}
	return canonical.Arr(items...)
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	in := make(map[string]bool, len(a))
	for _, s := range a {
		in[s] = true
	}
	return !slices.ContainsFunc(b, func(s string) bool { return !in[s] })
}

// columns are those of an output, and the columns of inputs that each was made of.
func (x *extension) columns(o *said) []canonical.Member {
	named := make(map[string]canonical.Value, len(o.columns))
	for _, f := range o.columns {
		var sources []canonical.Value
		for _, s := range f.Inputs {
			for _, ref := range x.inputs[s.Identity] {
				source := canonical.Obj(str("ref", ref), str("column", s.Field))
				if len(s.Transformations.Items) > 0 {
					source = source.With("transformations", s.Transformations)
				}
				sources = append(sources, source)
			}
		}
		named[f.Name] = canonical.Arr(sources...)
	}
	columns := make([]canonical.Member, 0, len(named))
	for _, name := range slices.Sorted(maps.Keys(named)) {
		columns = append(columns, canonical.Member{Name: name, Value: named[name]})
	}
	return columns
}

// activity is the activity without its metadata.
func (x *extension) activity(generated canonical.Value, before outcome) canonical.Value {
	m := x.m
	facts := openlineage.ActivityOf(m.runFacets, m.jobFacets)
	if len(m.events) == 0 && before.Type != "" {
		facts.Type = before.Type
	}
	a := canonical.Obj(str("type", facts.Type))
	started, ended := m.started, m.ended
	if !started.IsZero() && (ended.IsZero() || !started.After(ended)) {
		a = a.With("startedAt", canonical.Str(started.Format(time.RFC3339Nano)))
	}
	if ended.IsZero() && m.run != "" {
		ended = m.latest // it goes on
	}
	if !ended.IsZero() {
		a = a.With("endedAt", canonical.Str(ended.Format(time.RFC3339Nano)))
	}
	if len(x.used) > 0 {
		a = a.With("used", refsOf(x.used))
	}
	if len(generated.Items) > 0 {
		a = a.With("generated", generated)
	}
	if !x.first {
		x.extends = append([]string{string(before.Activity)}, x.extends...)
	}
	if len(x.extends) > 0 {
		a = a.With("extends", texts(x.extends))
	}
	if breaches := breachesOf(x.used, before); len(breaches.Items) > 0 {
		a = a.With("breach", breaches)
	}
	if len(facts.About) > 0 {
		a = a.With("about", texts(facts.About))
	}
	if said := facts.Description; said != "" && len(said) <= 10_000 {
		a = a.With("description", canonical.Str(said))
	}
	if facts.Parameters.Kind == canonical.Object {
		a = a.With("parameters", facts.Parameters)
	}
	switch {
	case m.end != nil && m.end.Type != "COMPLETE":
		outcome := canonical.Obj(str("state", m.end.Type))
		if said := openlineage.ErrorMessage(m.runFacets); said != "" {
			outcome = outcome.With("message", canonical.Str(said))
		}
		a = a.With("outcome", outcome)
	case m.end == nil && x.plan.end == expired:
		a = a.With("outcome", canonical.Obj(str("state", "UNFINISHED"), str("message", "the run's end has not come")))
	case facts.Outcome.Kind == canonical.Object:
		a = a.With("outcome", facts.Outcome)
	}
	return a
}

// refsOf are versions as an activity lists what it used or generated.
func refsOf(refs []string) canonical.Value {
	items := make([]canonical.Value, len(refs))
	for i, ref := range refs {
		items[i] = canonical.Obj(str("ref", ref))
	}
	return canonical.Arr(items...)
}

// breachesOf are what an activity uses though consent to it has been withdrawn.
func breachesOf(used []string, before outcome) canonical.Value {
	var items []canonical.Value
	for _, b := range before.Breaches {
		if slices.Contains(used, b.Ref) {
			items = append(items, canonical.Obj(str("ref", b.Ref), str("statement", b.Statement)))
		}
	}
	return canonical.Arr(items...)
}
