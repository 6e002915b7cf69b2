// Package openlineage reads events of OpenLineage 2-0-2 (https://openlineage.io/spec): RunEvents, DatasetEvents and
// JobEvents, as pipelines send them while they run.
//
// An event is read in one of two modes. Strict holds it to the specification's JSON schema, formats included. Lenient,
// which is how Marquez reads, and so what clients have been written against, also takes what real clients send: no
// schemaURL, a time without an offset (which is then UTC), a run id that is no UUID, a producer that is no URI, facets
// that don't say who made them, null or an empty text for what may be left out, a facet that stands twice (the last
// counts), and numbers that no double holds exactly, which are kept as strings of their digits.
//
// Facets are kept as they came, whether anybody knows them or not. A few mean something to a ledger of versions, and
// are therefore held to their form in both modes: version, datasetType, lineage and columnLineage, and three of our
// own:
//
//	pedigree_digest    of a dataset: {"algorithm", "value", "coverage"}, what the version's content hashes to
//	pedigree_activity  of a run or a job: {"type", "description", "parameters", "outcome", "about"}, what kind of run it is
//	tags               of a job: a tag with the key "pedigree_activity", whose value is the type of the run
package openlineage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Mode says how strictly events are read.
type Mode string

// The modes.
const (
	Lenient Mode = "lenient"
	Strict  Mode = "strict"
)

// Kind says which of the three kinds of event one is.
type Kind uint8

// The kinds of event. Unknown is an object that is none of the three; only the lenient mode has it.
const (
	Unknown Kind = iota
	RunEvent
	DatasetEvent
	JobEvent
)

// Limits of one event.
const (
	MaxBytes  = 8 << 20 // of its text
	MaxDepth  = 64
	MaxValues = 400_000
	MaxInputs = 10_000 // datasets in each list, and entries of a lineage facet
	maxName   = 4096   // bytes of a namespace, a name or a run id
	maxFacets = 1000   // of one thing
)

// Event is one event, checked.
type Event struct {
	Kind Kind
	// Value is the whole event as it came, in canonical form.
	Value     canonical.Value
	Time      time.Time // in UTC
	Type      string    // START, RUNNING, COMPLETE, ABORT, FAIL, OTHER; empty if not said, or if it isn't a RunEvent
	Producer  string
	SchemaURL string

	Run     Run     // of a RunEvent
	Job     Job     // of a RunEvent and a JobEvent
	Dataset Dataset // of a DatasetEvent
	Inputs  []Dataset
	Outputs []Dataset
}

// Run is the run that a RunEvent is about. Facets is an object, or null if there are none; so it is everywhere.
type Run struct {
	ID     string
	Facets canonical.Value
}

// Job is what a run is a run of.
type Job struct {
	Identity
	Facets canonical.Value
}

// Identity is what OpenLineage calls things by.
type Identity struct{ Namespace, Name string }

// String is for messages.
func (i Identity) String() string { return record.Brief(i.Namespace) + " " + record.Brief(i.Name) }

// Dataset is a dataset as an event names it.
type Dataset struct {
	Identity
	Facets canonical.Value
	// Own are the inputFacets of an input and the outputFacets of an output.
	Own canonical.Value
}

// Ends tells whether nothing more is expected of the run after this event.
func (e *Event) Ends() bool { return e.Type == "COMPLETE" || e.Type == "FAIL" || e.Type == "ABORT" }

var eventTypes = []string{"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"}

// Read checks an event. In lenient mode an object whose schemaURL says that it is another kind of event is no error; its
// Kind is Unknown.
func Read(v canonical.Value, mode Mode) (*Event, []record.Problem) {
	r := reader{strict: mode == Strict}
	if v.Kind != canonical.Object {
		r.problem("wrong_type", "", "an event is a JSON object, not a JSON %s", v.Kind)
		return nil, r.problems
	}
	kind := r.kind(v)
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	if kind == Unknown {
		return &Event{Value: v}, nil
	}
	e, problems := readAs(kind, v, mode)
	if kind == JobEvent && r.given(v, "dataset") {
		// The schema has it that an event is of exactly one kind.
		other, wrong := readAs(DatasetEvent, v, mode)
		switch {
		case e != nil && other != nil:
			r.problem(
				"ambiguous",
				"",
				"an event with job and dataset and without run is both a DatasetEvent and a JobEvent; send two events",
			)
			return nil, r.problems
		case e == nil && len(wrong) == 0:
			return other, nil
		}
	}
	return e, problems
}

func readAs(kind Kind, v canonical.Value, mode Mode) (*Event, []record.Problem) {
	r := reader{strict: mode == Strict}
	e := &Event{Kind: kind, Value: v}
	r.base(v, e)
	switch e.Kind {
	case RunEvent:
		if r.filled(v, "eventType") {
			e.Type = r.text(v, "", "eventType", true)
			if !slices.Contains(eventTypes, e.Type) && r.present(v, "eventType") {
				r.problem(
					"bad_value",
					"/eventType",
					"eventType %q is none of %s",
					record.Brief(e.Type),
					strings.Join(eventTypes, ", "),
				)
			}
		}
		e.Run = r.run(v)
		e.Job = r.job(v)
		e.Inputs, e.Outputs = r.datasets(v, "inputs", "inputFacets"), r.datasets(v, "outputs", "outputFacets")
	case JobEvent:
		e.Job = r.job(v)
		e.Inputs, e.Outputs = r.datasets(v, "inputs", "inputFacets"), r.datasets(v, "outputs", "outputFacets")
	case DatasetEvent:
		if d, ok := r.object(v, "", "dataset", true); ok {
			e.Dataset = r.dataset(d, "/dataset", "")
		}
	}
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return e, nil
}

// kind tells the kinds apart by what they have, as the schema does. What has a job may be a dataset's all the same.
func (r *reader) kind(v canonical.Value) Kind {
	run, job, dataset := r.given(v, "run"), r.given(v, "job"), r.given(v, "dataset")
	said := ""
	if at := strings.LastIndexAny(v.Get("schemaURL").Text, "/#"); at >= 0 {
		said = v.Get("schemaURL").Text[at+1:]
	}
	if !r.strict {
		switch {
		case strings.HasSuffix(said, "Event") && said != "RunEvent" && said != "DatasetEvent" && said != "JobEvent":
			return Unknown
		case said == "RunEvent", job && !dataset && r.given(v, "eventType"):
			return RunEvent
		}
	}
	switch {
	case run && job:
		return RunEvent
	case job:
		return JobEvent
	case dataset:
		return DatasetEvent
	case run:
		r.problem("missing_field", "/job", "job is required of an event with run")
	default:
		r.problem(
			"unknown_event",
			"",
			"the event has neither run and job, nor dataset, nor job, so it is no RunEvent, DatasetEvent or JobEvent",
		)
	}
	return Unknown
}

func (r *reader) base(v canonical.Value, e *Event) {
	if text := r.text(v, "", "eventTime", true); r.present(v, "eventTime") {
		var err error
		if e.Time, err = r.time(text); err != nil {
			r.problem("bad_time", "/eventTime", "eventTime %q %v", record.Brief(text), err)
		}
	}
	e.Producer = r.text(v, "", "producer", true)
	if r.strict && r.present(v, "producer") {
		r.uri("/producer", e.Producer)
	}
	if r.strict || r.given(v, "schemaURL") {
		e.SchemaURL = r.text(v, "", "schemaURL", true)
		if r.strict && r.present(v, "schemaURL") {
			r.uri("/schemaURL", e.SchemaURL)
		}
	}
}

func (r *reader) run(v canonical.Value) (run Run) {
	o, ok := r.object(v, "", "run", true)
	if !ok {
		return run
	}
	run.ID = RunID(r.name(o, "/run", "runId"))
	if r.present(o, "runId") {
		switch {
		case run.ID == "":
			r.problem("empty", "/run/runId", "runId must not be empty")
		case r.strict && !isUUID(run.ID):
			r.problem("bad_value", "/run/runId", "runId %q is not a UUID", record.Brief(run.ID))
		}
	}
	run.Facets = r.facets(o, "/run", "facets", false)
	readActivity(r, run.Facets, "/run/facets")
	return run
}

func (r *reader) job(v canonical.Value) (job Job) {
	o, ok := r.object(v, "", "job", true)
	if !ok {
		return job
	}
	job.Namespace, job.Name = r.name(o, "/job", "namespace"), r.name(o, "/job", "name")
	job.Facets = r.facets(o, "/job", "facets", true)
	readActivity(r, job.Facets, "/job/facets")
	if f, ok := live(job.Facets, "lineage"); ok {
		r.jobLineage(f, "/job/facets/lineage")
	}
	return job
}

func (r *reader) datasets(v canonical.Value, name, own string) []Dataset {
	if !r.given(v, name) {
		return nil
	}
	list := v.Get(name)
	if list.Kind != canonical.Array {
		r.problem("wrong_type", canonical.Pointer(name), "%s must be a JSON array, not a JSON %s", name, list.Kind)
		return nil
	}
	if len(list.Items) > MaxInputs {
		r.problem(
			"too_many",
			canonical.Pointer(name),
			"%s has %d datasets, more than the %d allowed",
			name,
			len(list.Items),
			MaxInputs,
		)
		return nil
	}
	all := make([]Dataset, 0, len(list.Items))
	for i := range list.Items {
		at := canonical.Pointer(name, i)
		if list.Items[i].Kind != canonical.Object {
			r.problem("wrong_type", at, "a dataset is a JSON object, not a JSON %s", list.Items[i].Kind)
			continue
		}
		all = append(all, r.dataset(list.Items[i], at, own))
	}
	return all
}

// dataset reads a dataset, and holds the facets that mean something to their form.
func (r *reader) dataset(v canonical.Value, at, own string) Dataset {
	d := Dataset{
		Identity: Identity{r.name(v, at, "namespace"), r.name(v, at, "name")},
		Facets:   r.facets(v, at, "facets", true),
	}
	if own != "" {
		d.Own = r.facets(v, at, own, false)
	}
	r.meaning(d.Facets, at+"/facets")
	if d.Namespace == OwnNamespace && len(r.problems) == 0 {
		if _, err := d.own(); err != nil {
			r.problem("bad_value", at+"/name", "%v", err)
		}
	}
	return d
}

// ErrorMessage is the message of an errorMessage facet of the run; empty if it has none.
func ErrorMessage(runFacets canonical.Value) string {
	f, _ := live(runFacets, "errorMessage")
	return f.Get("message").Text
}

// live finds a facet that is not marked as deleted.
func live(facets canonical.Value, name string) (canonical.Value, bool) {
	f, ok := facets.Lookup(name)
	if !ok || f.Kind != canonical.Object || f.Get("_deleted").IsTrue() {
		return canonical.Value{}, false
	}
	return f, true
}

// Merge adds the facets of a later event to those of earlier ones: what has the same name is replaced, and removed if
// it is marked as deleted.
func Merge(earlier, later canonical.Value) canonical.Value {
	merged := earlier
	for _, m := range later.Members {
		switch {
		case m.Value.Kind == canonical.Null:
		case m.Value.Get("_deleted").IsTrue():
			if merged.Kind == canonical.Object {
				merged = merged.Without(m.Name)
			}
		default:
			merged = merged.With(m.Name, m.Value)
		}
	}
	return merged
}

// errTime says what a time should be.
type errTime string

func (e errTime) Error() string { return fmt.Sprintf("is not %s", string(e)) }
