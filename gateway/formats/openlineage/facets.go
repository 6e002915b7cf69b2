package openlineage

import (
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Source is what something was made of, as a facet says: a dataset, or one field of it.
type Source struct {
	Identity
	Field           string          // empty if it is the dataset as a whole
	Transformations canonical.Value // an array; null if not said
}

// Field is a field of an output and what it was made of.
type Field struct {
	Name   string
	Inputs []Source
}

// Derivation is what a facet says of how one dataset was made.
type Derivation struct {
	// Explicit tells whether Inputs and Fields are all that it was made of, and not only what is known of its fields.
	Explicit bool
	// Inputs went into the dataset as a whole. One with a Field affects all fields, as a filter does.
	Inputs []Source
	Fields []Field
}

// Sources are all datasets that are named.
func (d Derivation) Sources() []Identity {
	var all []Identity
	for _, s := range d.Inputs {
		all = append(all, s.Identity)
	}
	for _, f := range d.Fields {
		for _, s := range f.Inputs {
			all = append(all, s.Identity)
		}
	}
	return all
}

// Target is a dataset that a job's lineage facet has an entry for.
type Target struct {
	Identity
	Derivation
}

// DerivationIn reads the lineage and columnLineage facets of a dataset.
func DerivationIn(facets canonical.Value) Derivation {
	var d Derivation
	if f, ok := live(facets, "lineage"); ok {
		d = derivation(f)
	}
	f, ok := live(facets, "columnLineage")
	if !ok {
		return d
	}
	for _, s := range f.Get("dataset").Items {
		d.Inputs = append(d.Inputs, source(s))
	}
	for _, m := range f.Get("fields").Members {
		field := Field{Name: m.Name}
		for _, s := range m.Value.Get("inputFields").Items {
			in := source(s)
			if len(in.Transformations.Items) == 0 {
				in.Transformations = transformationsOf(m.Value)
			}
			field.Inputs = append(field.Inputs, in)
		}
		d.Fields = append(d.Fields, field)
	}
	return d
}

// transformationsOf is how the columnLineage facet said it before its version 1-1-0: for a field and not for its
// inputs.
func transformationsOf(field canonical.Value) canonical.Value {
	said := canonical.Obj()
	for _, name := range []string{"transformationDescription", "transformationType"} {
		if v := field.Get(name); v.Kind == canonical.String {
			said = said.With(name, v)
		}
	}
	if len(said.Members) == 0 {
		return canonical.Value{}
	}
	return canonical.Arr(said)
}

// JobLineage reads the lineage facet of a job: what was made of what, and what the job itself has read.
func JobLineage(jobFacets canonical.Value) (targets []Target, read []Identity) {
	f, ok := live(jobFacets, "lineage")
	if !ok {
		return nil, nil
	}
	for _, entry := range f.Get("entries").Items {
		if entry.Get("type").Text == "JOB" {
			for _, s := range datasets(entry.Get("inputs")) {
				read = append(read, s.Identity)
			}
			continue
		}
		targets = append(targets, Target{Identity{entry.Get("namespace").Text, entry.Get("name").Text},
			derivation(entry)})
	}
	return targets, read
}

// derivation reads what the lineage facets of datasets and of jobs have in common. An input that is a job is no
// dataset: what has only such was made of none.
func derivation(v canonical.Value) Derivation {
	inputs, fields := v.Get("inputs"), v.Get("fields")
	d := Derivation{Explicit: inputs.Kind == canonical.Array || fields.Kind == canonical.Object,
		Inputs: datasets(inputs)}
	for _, m := range fields.Members {
		d.Fields = append(d.Fields, Field{m.Name, datasets(m.Value.Get("inputs"))})
	}
	return d
}

func datasets(list canonical.Value) (all []Source) {
	for _, s := range list.Items {
		if s.Get("type").Text != "JOB" {
			all = append(all, source(s))
		}
	}
	return all
}

func source(v canonical.Value) Source {
	return Source{Identity{v.Get("namespace").Text, v.Get("name").Text}, v.Get("field").Text, v.Get("transformations")}
}

// VersionIn is what a version facet says; empty if there is none.
func VersionIn(facets canonical.Value) string {
	f, _ := live(facets, "version")
	return f.Get("datasetVersion").Text
}

// DigestIn is what a pedigree_digest facet says, as the digest of an artifact; false if there is none.
func DigestIn(facets canonical.Value) (canonical.Value, bool) {
	f, ok := live(facets, "pedigree_digest")
	if !ok {
		return canonical.Value{}, false
	}
	d := canonical.Obj()
	for _, name := range []string{"algorithm", "coverage", "value"} {
		d = d.With(name, f.Get(name))
	}
	return d, true
}

// DescriptionIn is what a documentation facet says; empty if there is none.
func DescriptionIn(facets canonical.Value) string {
	f, _ := live(facets, "documentation")
	return f.Get("description").Text
}

// KindIn is the kind of artifact that a datasetType facet makes of a dataset; empty if there is none.
func KindIn(facets canonical.Value) string {
	f, ok := live(facets, "datasetType")
	switch {
	case !ok:
		return ""
	case strings.EqualFold(f.Get("datasetType").Text, "MODEL"):
		return "model"
	}
	return "dataset"
}

// Activity is what is known of a run as an activity of the ledger.
type Activity struct {
	Type        string // one of record.ActivityTypes
	Description string
	Parameters  canonical.Value // an object; null if not said
	Outcome     canonical.Value
	About       []string // nodes that it decided about
}

// ActivityOf reads what the facets of a run and its job say about the activity: the run's pedigree_activity facet, or
// else the job's; and where neither says so, the type by a tag of the job or its jobType, and the parameters by
// executionParameters. A run of which nothing else is said is a transformation.
func ActivityOf(runFacets, jobFacets canonical.Value) Activity {
	a := Activity{Description: DescriptionIn(jobFacets)}
	for _, facets := range []canonical.Value{runFacets, jobFacets} {
		f, ok := live(facets, activityFacet)
		if !ok {
			continue
		}
		a.Type, a.Parameters, a.Outcome = f.Get("type").Text, f.Get("parameters"), f.Get("outcome")
		if said := f.Get("description").Text; said != "" {
			a.Description = said
		}
		for _, node := range f.Get("about").Items {
			a.About = append(a.About, node.Text)
		}
		break
	}
	if a.Type == "" {
		a.Type = typeOf(jobFacets)
	}
	if a.Parameters.Kind != canonical.Object {
		a.Parameters = parametersIn(runFacets)
	}
	return a
}

func typeOf(jobFacets canonical.Value) string {
	if f, ok := live(jobFacets, "tags"); ok {
		for _, tag := range f.Get("tags").Items {
			if tag.Get("key").Text == activityFacet && slices.Contains(record.ActivityTypes, tag.Get("value").Text) {
				return tag.Get("value").Text
			}
		}
	}
	if f, ok := live(jobFacets, "jobType"); ok {
		said := strings.ReplaceAll(strings.ToLower(f.Get("jobType").Text), "_", "-")
		if slices.Contains(record.ActivityTypes, said) {
			return said
		}
	}
	return "transformation"
}

// parametersIn makes an object of an executionParameters facet; null if a key stands twice.
func parametersIn(runFacets canonical.Value) canonical.Value {
	f, ok := live(runFacets, "executionParameters")
	if !ok {
		return canonical.Value{}
	}
	list := f.Get("parameters").Items
	all, seen := make([]canonical.Member, 0, len(list)), make(map[string]bool, len(list))
	for _, p := range list {
		key, value := p.Get("key"), p.Get("value")
		if key.Kind != canonical.String || seen[key.Text] {
			return canonical.Value{}
		}
		seen[key.Text] = true
		all = append(all, canonical.Member{Name: key.Text, Value: value})
	}
	if len(all) == 0 {
		return canonical.Value{}
	}
	return canonical.Obj(all...)
}
