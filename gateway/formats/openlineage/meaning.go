package openlineage

import (
	"regexp"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// activityFacet is the name of our facet of runs and jobs, and the key of a tag that says the type of a run.
const activityFacet = "pedigree_activity"

// maxField bounds the name of a field, in bytes, as the ledger does.
const maxField = 1024

// meaning holds the facets of a dataset that mean something to their form.
func (r *reader) meaning(facets canonical.Value, at string) {
	if f, ok := live(facets, "version"); ok && (r.strict || r.filled(f, "datasetVersion")) {
		switch v := f.Get("datasetVersion"); {
		case v.Kind != canonical.String && (r.strict || v.Kind != canonical.Number):
			r.problem("wrong_type", at+"/version/datasetVersion", "datasetVersion must be a JSON string, not a JSON %s",
				v.Kind)
		case v.Text == "":
			r.problem("empty", at+"/version/datasetVersion", "datasetVersion must not be empty")
		case len(v.Text) > maxName:
			r.problem(
				"too_long",
				at+"/version/datasetVersion",
				"datasetVersion has %d bytes, more than the %d allowed",
				len(v.Text),
				maxName,
			)
		}
	}
	if f, ok := live(facets, "datasetType"); ok && f.Get("datasetType").Kind != canonical.String &&
		(r.strict || r.given(f, "datasetType")) {
		r.problem(
			"wrong_type",
			at+"/datasetType/datasetType",
			"datasetType must be a JSON string, not a JSON %s",
			f.Get("datasetType").Kind,
		)
	}
	if f, ok := live(facets, "pedigree_digest"); ok {
		r.digest(f, at+"/pedigree_digest")
	}
	if f, ok := live(facets, "lineage"); ok {
		r.derivation(f, at+"/lineage")
	}
	if f, ok := live(facets, "columnLineage"); ok {
		r.columnLineage(f, at+"/columnLineage")
	}
}

var hexadecimal = regexp.MustCompile(`^[0-9a-f]+$`)

// digest checks what the ledger would refuse later, so that whoever sends it learns it now.
func (r *reader) digest(f canonical.Value, at string) {
	algorithm := r.text(f, at, "algorithm", true)
	value := r.text(f, at, "value", true)
	coverage := r.text(f, at, "coverage", true)
	n := record.DigestLength(algorithm)
	known := n > 0
	if r.present(f, "algorithm") && !known {
		r.problem("bad_value", at+"/algorithm", "algorithm %q %s", record.Brief(algorithm), record.NoDigestAlgorithm())
	}
	if r.present(f, "value") && (known && len(value) != n || !hexadecimal.MatchString(value)) {
		if !known {
			n = 64
		}
		r.problem(
			"bad_value",
			at+"/value",
			"value %q is not a %s digest, which has %d lower-case hexadecimal digits",
			record.Brief(value),
			record.Brief(algorithm),
			n,
		)
	}
	if r.present(f, "coverage") && !slices.Contains(record.Coverages, coverage) {
		r.problem("bad_value", at+"/coverage", "coverage %q is none of full, sampled and declared",
			record.Brief(coverage))
	}
}

// readActivity holds a pedigree_activity facet to its form.
func readActivity(r *reader, facets canonical.Value, at string) {
	f, ok := live(facets, activityFacet)
	if !ok {
		return
	}
	at += "/" + activityFacet
	if r.filled(f, "type") {
		if said := r.text(f, at, "type", true); r.present(f, "type") && !slices.Contains(record.ActivityTypes, said) {
			r.problem("bad_value", at+"/type", "type %q is none of %q", record.Brief(said), record.ActivityTypes)
		}
	}
	if r.given(f, "description") {
		if said := r.text(f, at, "description", true); len(said) > 10_000 {
			r.problem("too_long", at+"/description", "description has %d bytes, more than the 10000 allowed", len(said))
		}
	}
	r.object(f, at, "parameters", false)
	r.object(f, at, "outcome", false)
	if !r.given(f, "about") {
		return
	}
	about := f.Get("about")
	if about.Kind != canonical.Array || len(about.Items) > record.MaxRefs {
		r.problem("wrong_type", at+"/about", "about must be a JSON array of at most %d nodes", record.MaxRefs)
		return
	}
	for i, node := range about.Items {
		if _, _, err := record.ParseNode(node.Text); node.Kind != canonical.String || err != nil {
			r.problem(
				"bad_value",
				at+canonical.Pointer("about", i),
				"%q is neither a thing, an artifact version nor a record id",
				record.Brief(node.Text),
			)
		}
	}
}

// derivation holds what says how a dataset was made to its form.
func (r *reader) derivation(f canonical.Value, at string) {
	r.sources(f, at, "inputs", "")
	fields, ok := r.object(f, at, "fields", false)
	if !ok {
		return
	}
	r.fieldSources(fields, at, "inputs", "")
}

func (r *reader) columnLineage(f canonical.Value, at string) {
	r.sources(f, at, "dataset", "field")
	fields, ok := r.object(f, at, "fields", false)
	if !ok {
		return
	}
	if len(fields.Members) > record.MaxColumns {
		r.problem(
			"too_many",
			at+"/fields",
			"there are %d fields, more than the %d allowed",
			len(fields.Members),
			record.MaxColumns,
		)
		return
	}
	r.fieldSources(fields, at, "inputFields", "field")
}

// fieldSources reads, for each field of a dataset, a list of what it was made of.
func (r *reader) fieldSources(fields canonical.Value, at, name, needed string) {
	for _, m := range fields.Members {
		here := at + canonical.Pointer("fields", m.Name)
		if m.Name == "" || len(m.Name) > maxField {
			r.problem("bad_value", here, "the name of a field has 1 to %d bytes", maxField)
			continue
		}
		if m.Value.Kind != canonical.Object {
			r.problem("wrong_type", here, "an entry of fields is a JSON object, not a JSON %s", m.Value.Kind)
			continue
		}
		r.sources(m.Value, here, name, needed)
	}
}

// sources reads a list of what something was made of.
func (r *reader) sources(v canonical.Value, at, name, needed string) {
	if !r.given(v, name) {
		return
	}
	list := v.Get(name)
	at += canonical.Pointer(name)
	if list.Kind != canonical.Array {
		r.problem("wrong_type", at, "%s must be a JSON array, not a JSON %s", name, list.Kind)
		return
	}
	if len(list.Items) > MaxInputs {
		r.problem("too_many", at, "%s has %d entries, more than the %d allowed", name, len(list.Items), MaxInputs)
		return
	}
	for i, s := range list.Items {
		here := at + canonical.Pointer(i)
		if s.Kind != canonical.Object {
			r.problem("wrong_type", here, "an entry of %s is a JSON object, not a JSON %s", name, s.Kind)
			continue
		}
		if s.Get("type").Text == "JOB" {
			continue
		}
		r.name(s, here, "namespace")
		r.name(s, here, "name")
		if needed != "" || r.given(s, "field") {
			if field := r.name(s, here, "field"); len(field) > maxField {
				r.problem("too_long", here+"/field", "field has %d bytes, more than the %d allowed", len(field),
					maxField)
			}
		}
		if r.given(s, "transformations") && s.Get("transformations").Kind != canonical.Array {
			r.problem(
				"wrong_type",
				here+"/transformations",
				"transformations must be a JSON array, not a JSON %s",
				s.Get("transformations").Kind,
			)
		}
	}
}

// jobLineage holds the lineage facet of a job to its form.
func (r *reader) jobLineage(f canonical.Value, at string) {
	entries := f.Get("entries")
	if !r.strict && entries.Kind == canonical.Null {
		return
	}
	if entries.Kind != canonical.Array {
		r.problem("wrong_type", at+"/entries", "the lineage facet of a job has a JSON array of entries")
		return
	}
	if len(entries.Items) > MaxInputs {
		r.problem(
			"too_many",
			at+"/entries",
			"entries has %d entries, more than the %d allowed",
			len(entries.Items),
			MaxInputs,
		)
		return
	}
	for i, entry := range entries.Items {
		here := at + canonical.Pointer("entries", i)
		switch entry.Get("type").Text {
		case "DATASET":
			r.name(entry, here, "namespace")
			r.name(entry, here, "name")
			r.derivation(entry, here)
		case "JOB":
			r.sources(entry, here, "inputs", "")
		default:
			r.problem("bad_value", here+"/type", "the type of an entry is DATASET or JOB")
		}
	}
}
