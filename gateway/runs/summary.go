package runs

import (
	"maps"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
)

// summary is what the events of a run say together.
type summary struct {
	run             string
	job             openlineage.Identity
	runFacets       canonical.Value
	jobFacets       canonical.Value
	ownJobFacets    canonical.Value       // without those that the job is known for
	inputs, outputs []openlineage.Dataset // in the order in which they were first named
	started, ended  time.Time             // zero if not said
	latest          time.Time             // of all events
	end             *openlineage.Event    // the last one that ended it
	events          []*openlineage.Event
}

// summarise adds up the events of a run, in the order in which they came. Facets of the same name replace each other.
// Those that the job is known for stand where the run's own events bring none.
func summarise(events []*openlineage.Event, jobKnownFor canonical.Value) *summary {
	m := &summary{events: events}
	in, out := map[openlineage.Identity]int{}, map[openlineage.Identity]int{}
	for _, e := range events {
		m.run, m.job = e.Run.ID, e.Job.Identity
		m.runFacets, m.jobFacets = openlineage.Merge(m.runFacets, e.Run.Facets),
			openlineage.Merge(m.jobFacets, e.Job.Facets)
		m.inputs, m.outputs = addAll(m.inputs, in, e.Inputs), addAll(m.outputs, out, e.Outputs)
		if e.Type == "START" && (m.started.IsZero() || e.Time.Before(m.started)) {
			m.started = e.Time
		}
		if e.Time.After(m.latest) {
			m.latest = e.Time
		}
		if e.Ends() && (m.end == nil || !e.Time.Before(m.ended)) {
			m.end, m.ended = e, e.Time
		}
	}
	m.ownJobFacets, m.jobFacets = m.jobFacets, openlineage.Merge(jobKnownFor, m.jobFacets)
	return m
}

// last is the event that ended the run, or else the last of all; nil if there is none.
func (m *summary) last() *openlineage.Event {
	if m.end == nil && len(m.events) > 0 {
		return m.events[len(m.events)-1]
	}
	return m.end
}

func addAll(
	list []openlineage.Dataset,
	at map[openlineage.Identity]int,
	more []openlineage.Dataset,
) []openlineage.Dataset {
	for _, d := range more {
		i, known := at[d.Identity]
		if !known {
			at[d.Identity] = len(list)
			list = append(
				list,
				openlineage.Dataset{
					Identity: d.Identity,
					Facets:   openlineage.Merge(canonical.Value{}, d.Facets),
					Own:      openlineage.Merge(canonical.Value{}, d.Own),
				},
			)
			continue
		}
		list[i].Facets, list[i].Own = openlineage.Merge(list[i].Facets, d.Facets), openlineage.Merge(list[i].Own, d.Own)
	}
	return list
}

// origin is what an output was made of: inputs of the run, by identity.
type origin struct {
	explicit bool
	from     []openlineage.Identity
	columns  []openlineage.Field
}

// mostSteps bounds what following the derivations of one run may cost.
const mostSteps = 200_000

// origins tells for each output what it was made of. A source that the run itself has made, and doesn't list among its
// inputs, stands for what that was made of. It is false if that is more than can be followed.
func (w *walk) origins() (map[openlineage.Identity]*origin, bool) {
	all := make(map[openlineage.Identity]*origin, len(w.said))
	for i, d := range w.said {
		all[i] = w.origin(i, d)
	}
	return all, w.steps <= mostSteps
}

// walk collects what the run's own events say of how its outputs were made.
func (m *summary) walk() *walk {
	w := &walk{said: map[openlineage.Identity]openlineage.Derivation{}, read: map[openlineage.Identity]bool{}}
	for _, d := range m.outputs {
		w.said[d.Identity] = openlineage.DerivationIn(d.Facets)
	}
	targets, read := openlineage.JobLineage(m.ownJobFacets) // what a job is meant to do isn't what this run did
	for _, t := range targets {
		d := w.said[t.Identity]
		w.said[t.Identity] = openlineage.Derivation{Explicit: d.Explicit || t.Explicit,
			Inputs: append(d.Inputs, t.Inputs...), Fields: append(d.Fields, t.Fields...)}
	}
	for _, d := range m.inputs {
		w.read[d.Identity] = true
	}
	for _, i := range read {
		w.read[i] = true
	}
	return w
}

// between lists what the run has made and then used itself, by what it went into. None of it is an input of the run,
// though facets name it as a source.
func (w *walk) between() (into map[openlineage.Identity][]openlineage.Identity, inputs func(openlineage.Identity) bool) {
	into = map[openlineage.Identity][]openlineage.Identity{}
	inner, outer := map[openlineage.Identity]bool{}, maps.Clone(w.read)
	for of, d := range w.said {
		seen := map[openlineage.Identity]bool{}
		for _, source := range d.Sources() {
			switch {
			case !w.inside(of, source):
				outer[source] = true
			case !seen[source]:
				seen[source], inner[source] = true, true
				into[of] = append(into[of], source)
			}
		}
	}
	return into, func(i openlineage.Identity) bool { return outer[i] || !inner[i] }
}

// walk follows derivations inside one run.
type walk struct {
	said map[openlineage.Identity]openlineage.Derivation
	read map[openlineage.Identity]bool

	steps int
}

// inside tells whether a source of an output is another output of the run, and not an input.
func (w *walk) inside(of, source openlineage.Identity) bool {
	d, made := w.said[source]
	return made && d.Explicit && !w.read[source] && source != of
}

func (w *walk) origin(i openlineage.Identity, d openlineage.Derivation) *origin {
	o := &origin{explicit: d.Explicit}
	if d.Explicit {
		seen := map[openlineage.Identity]bool{}
		w.from(i, d, seen, map[openlineage.Identity]bool{i: true}, o)
	}
	names := map[string]int{}
	var known []map[string]bool // by place of a column: its sources
	for _, f := range d.Fields {
		at, begun := names[f.Name]
		if !begun {
			at = len(o.columns)
			names[f.Name] = at
			o.columns, known = append(o.columns, openlineage.Field{Name: f.Name}), append(known, map[string]bool{})
		}
		for _, s := range f.Inputs {
			w.column(i, s, map[openlineage.Identity]bool{i: true}, &o.columns[at], known[at])
		}
	}
	for at := range o.columns { // what affects the whole dataset affects each field
		for _, s := range d.Inputs {
			w.column(i, s, map[openlineage.Identity]bool{i: true}, &o.columns[at], known[at])
		}
	}
	return o
}

func (w *walk) from(
	of openlineage.Identity,
	d openlineage.Derivation,
	seen, passed map[openlineage.Identity]bool,
	into *origin,
) {
	for _, source := range d.Sources() {
		switch {
		case w.inside(of, source):
			if !passed[source] {
				passed[source] = true
				w.from(source, w.said[source], seen, passed, into)
			}
		case !seen[source]:
			seen[source] = true
			into.from = append(into.from, source)
		}
	}
}

// column adds what a field was made of, as far as fields are named.
func (w *walk) column(
	of openlineage.Identity,
	s openlineage.Source,
	passed map[openlineage.Identity]bool,
	into *openlineage.Field,
	known map[string]bool,
) {
	if w.steps++; s.Field == "" || w.steps > mostSteps {
		return
	}
	if !w.inside(of, s.Identity) {
		key := canonical.Arr(canonical.Str(s.Namespace), canonical.Str(s.Name), canonical.Str(s.Field),
			s.Transformations).
			Bytes()
		if !known[string(key)] {
			known[string(key)] = true
			into.Inputs = append(into.Inputs, s)
		}
		return
	}
	if passed[s.Identity] {
		return
	}
	passed[s.Identity] = true
	for _, f := range w.said[s.Identity].Fields {
		if f.Name == s.Field {
			for _, source := range f.Inputs {
				w.column(s.Identity, source, passed, into, known)
			}
		}
	}
	delete(passed, s.Identity)
}
