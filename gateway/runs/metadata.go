package runs

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
)

// How much room facets have.
const (
	artifactRoom  = record.MaxBytes - 64<<10 // of an artifact version; the rest is for what isn't facets
	outputsRoom   = 5 << 19                  // of all that a run generates, which is one transaction
	metadataSlack = 16 << 10                 // of an activity, for names and punctuation around its metadata
	facetDepth    = record.MaxDepth - 8      // arrays and objects inside each other in one facet
	facetValues   = canonical.DefaultValues - 50_000
)

// metadata is what an activity says of a run in the words of OpenLineage.
type metadata struct {
	members         canonical.Value // all but the facets
	run, job        canonical.Value // their facets
	inputs, outputs []datasetWords
}

// datasetWords is a dataset of a run in the words of OpenLineage, and the version that it is.
type datasetWords struct {
	openlineage.Dataset
	ref string
}

func metadataOf(m *summary, p *plan, pins, outputs []version) metadata {
	meta := metadata{run: m.runFacets, job: m.jobFacets, members: canonical.Obj()}
	if e := m.last(); e != nil {
		if e.Type != "" {
			meta.members = meta.members.With("eventType", canonical.Str(e.Type))
		}
		meta.members = meta.members.With("producer", canonical.Str(e.Producer)).With("eventTime",
			e.Value.Get("eventTime"))
		if e.SchemaURL != "" {
			meta.members = meta.members.With("schemaURL", canonical.Str(e.SchemaURL))
		}
	} else {
		meta.members = meta.members.With("reason", canonical.Str(
			"versions that the run has read, or written over, have come to light after it was recorded"))
	}
	if m.run != "" {
		meta.members = meta.members.With("run", canonical.Obj(str("runId", m.run)))
	}
	meta.members = meta.members.With("job", canonical.Obj(str("namespace", m.job.Namespace), str("name", m.job.Name)))
	meta.inputs = words(m.inputs, pins, func(string) bool { return true })
	// What a version's own record says need not be said again.
	meta.outputs = words(m.outputs, outputs,
		func(ref string) bool { return !slices.Contains(p.names[p.declared:], ref) })
	return meta
}

// words are the datasets of a run, those first that its events name as such, then those that only facets name.
func words(named []openlineage.Dataset, settled []version, facets func(ref string) bool) []datasetWords {
	refs := make(map[openlineage.Identity]string, len(settled))
	for _, v := range settled {
		refs[v.Identity] = v.ref.String()
	}
	all := make([]datasetWords, 0, len(settled))
	for _, d := range named {
		ref := refs[d.Identity]
		delete(refs, d.Identity)
		if !facets(ref) {
			d.Facets, d.Own = canonical.Value{}, canonical.Value{}
		}
		all = append(all, datasetWords{d, ref})
	}
	for _, v := range settled {
		if ref, left := refs[v.Identity]; left {
			all = append(all, datasetWords{openlineage.Dataset{Identity: v.Identity}, ref})
		}
	}
	return all
}

// facets are all objects of facets there are.
func (m *metadata) facets() []*canonical.Value {
	all := []*canonical.Value{&m.run, &m.job}
	for _, list := range [][]datasetWords{m.inputs, m.outputs} {
		for i := range list {
			all = append(all, &list[i].Facets, &list[i].Own)
		}
	}
	return all
}

func (m *metadata) value() canonical.Value {
	v := m.members
	if len(m.run.Members) > 0 {
		v = v.With("run", v.Get("run").With("facets", m.run))
	}
	if len(m.job.Members) > 0 {
		v = v.With("job", v.Get("job").With("facets", m.job))
	}
	v = v.With("inputs", datasetsValue(m.inputs, "inputFacets"))
	return v.With("outputs", datasetsValue(m.outputs, "outputFacets"))
}

func datasetsValue(list []datasetWords, own string) canonical.Value {
	items := make([]canonical.Value, len(list))
	for i, d := range list {
		v := canonical.Obj(str("namespace", d.Namespace), str("name", d.Name))
		if d.ref != "" {
			v = v.With("ref", canonical.Str(d.ref))
		}
		if len(d.Facets.Members) > 0 {
			v = v.With("facets", d.Facets)
		}
		if len(d.Own.Members) > 0 {
			v = v.With(own, d.Own)
		}
		items[i] = v
	}
	return canonical.Arr(items...)
}

// fit leaves out facets that a record has no room for: those that are nested too deeply, and then the largest, until
// the rest fits. What is left of such a facet is who made it, and the number and the SHA-256 of the bytes of its
// canonical form, so that whoever has it can show it.
func fit(all []*canonical.Value, room int) {
	type place struct {
		facets        *canonical.Value
		name          string
		bytes, values int
	}
	var places []place
	bytes, values := 0, 0
	for _, facets := range all {
		for _, f := range facets.Members {
			n, depth := extent(f.Value)
			p := place{facets, f.Name, len(f.Value.Bytes()) + len(f.Name) + len(`"":,`), n}
			if depth > facetDepth {
				*facets = facets.With(f.Name, stub(f.Value))
				p.bytes, p.values = stubBytes, 0
			}
			bytes, values = bytes+p.bytes, values+p.values
			places = append(places, p)
		}
	}
	if bytes <= room && values <= facetValues {
		return
	}
	slices.SortStableFunc(places, func(a, b place) int { return b.bytes - a.bytes })
	for _, p := range places {
		if bytes <= room && values <= facetValues || p.bytes <= stubBytes {
			return
		}
		*p.facets = p.facets.With(p.name, stub(p.facets.Get(p.name)))
		bytes, values = bytes-p.bytes+stubBytes, values-p.values
	}
}

// stubBytes is about what a facet takes that is left out.
const stubBytes = 512

func stub(f canonical.Value) canonical.Value {
	text := f.Bytes()
	sum := sha256.Sum256(text)
	left := canonical.Obj(canonical.Member{Name: "pedigree_leftOut", Value: canonical.Obj(
		canonical.Member{Name: "bytes", Value: canonical.Int(int64(len(text)))},
		str("sha256", hex.EncodeToString(sum[:])))})
	for _, name := range []string{"_producer", "_schemaURL"} {
		if v := f.Get(name); v.Kind == canonical.String && len(v.Text) < stubBytes/4 {
			left = left.With(name, v)
		}
	}
	return left
}

// extent counts the values of a facet, and how deeply they are nested.
func extent(v canonical.Value) (values, depth int) {
	values = 1
	for _, item := range v.Items {
		n, d := extent(item)
		values, depth = values+n, max(depth, d)
	}
	for _, m := range v.Members {
		n, d := extent(m.Value)
		values, depth = values+n, max(depth, d)
	}
	if v.Kind == canonical.Array || v.Kind == canonical.Object {
		depth++
	}
	return values, depth
}
