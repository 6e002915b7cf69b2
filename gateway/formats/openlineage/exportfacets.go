package openlineage

import (
	"errors"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// producer is who makes events and facets that are written here.
const producer = "https://pedigree-ledger.github.io/"

// facet makes one of our own.
func facet(name string, members ...canonical.Member) canonical.Value {
	return canonical.Obj(append([]canonical.Member{
		member(
			"_producer",
			canonical.Str(producer),
		), member("_schemaURL", canonical.Str("https://pedigree-ledger.github.io/openlineage/1-0-0/"+name+
			".json#/$defs/"+name)),
	}, members...)...)
}

// standard makes a facet that OpenLineage has: file is that of its schema, with its version.
func standard(file, name string, members ...canonical.Member) canonical.Value {
	return canonical.Obj(append([]canonical.Member{
		member(
			"_producer",
			canonical.Str(producer),
		), member("_schemaURL", canonical.Str("https://openlineage.io/spec/facets/"+file+".json#/$defs/"+name)),
	}, members...)...)
}

// kept are facets as they came, less those that were deleted. Those that don't say who made them, or after which
// schema, get what the specification's schema demands.
func kept(facets canonical.Value) canonical.Value {
	all := canonical.Obj()
	for _, m := range facets.Members {
		if m.Value.Kind != canonical.Object || m.Value.Get("_deleted").IsTrue() {
			continue
		}
		f := m.Value
		if f.Get("_producer").Kind != canonical.String {
			f = f.With("_producer", canonical.Str(producer))
		}
		if f.Get("_schemaURL").Kind != canonical.String {
			f = f.With("_schemaURL", canonical.Str("https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/BaseFacet"))
		}
		all = all.With(m.Name, f)
	}
	return all
}

// ledgerFacet says where on the ledger something is.
func ledgerFacet(channel string, at *index.Record, id string, flags []string) canonical.Value {
	return ledgerOf(channel, at.MSPID, id, at.TxID, at.Block, "", flags)
}

func ledgerOf(channel, mspID, id, transaction string, block uint64, ref string, flags []string) canonical.Value {
	f := facet(
		"PedigreeLedgerFacet",
		member("channel", canonical.Str(channel)),
		member("mspId", canonical.Str(mspID)),
		member("record", canonical.Str(id)),
		member("transaction", canonical.Str(transaction)),
		member("block", canonical.Int(int64(block))),
	)
	if ref != "" {
		f = f.With("ref", canonical.Str(ref))
	}
	if len(flags) > 0 {
		status := canonical.Arr()
		for _, flag := range flags {
			status.Items = append(status.Items, canonical.Str(flag))
		}
		f = f.With("status", status)
	}
	return f
}

// activityOf is the facet of a run that says what kind of run it was; Read understands it.
func activityOf(a *record.Activity) canonical.Value {
	f := facet("PedigreeActivityFacet", member("type", canonical.Str(a.Type)))
	if a.Description != "" {
		f = f.With("description", canonical.Str(a.Description))
	}
	if a.Parameters.Kind == canonical.Object {
		f = f.With("parameters", a.Parameters)
	}
	if a.Outcome.Kind == canonical.Object {
		f = f.With("outcome", a.Outcome)
	}
	if len(a.About) > 0 {
		about := canonical.Arr()
		for _, node := range a.About {
			about.Items = append(about.Items, canonical.Str(node))
		}
		f = f.With("about", about)
	}
	return f
}

func jobFacets(a *record.Activity) canonical.Value {
	return canonical.Obj(member("jobType", standard(
		"2-0-3/JobTypeJobFacet",
		"JobTypeJobFacet",
		member(
			"processingType",
			canonical.Str("BATCH"),
		),
		member("integration", canonical.Str("PEDIGREE")),
		member("jobType", canonical.Str(a.Type)),
	)))
}

// description is what is known of a version, a record or a thing without a run.
type description struct {
	identity             Identity
	facets, outputFacets canonical.Value // objects
}

// mostDescribed bounds what is remembered.
const mostDescribed = 10_000

func (x *exporter) describe(node string) (description, error) {
	if d, ok := x.described[node]; ok {
		return d, nil
	}
	d, err := x.look(node)
	if err != nil {
		return d, err
	}
	if len(x.described) >= mostDescribed {
		clear(x.described)
	}
	x.described[node] = d
	return d, nil
}

// look asks the ledger for what is known of a node.
func (x *exporter) look(node string) (description, error) {
	d := description{identity: nameOf(node), facets: canonical.Obj(), outputFacets: canonical.Obj()}
	var flags []string
	n := x.nodes[node]
	if n != nil {
		flags = n.Flags
	}
	if _, err := record.ParseArtifactRef(node); err == nil {
		return x.version(d, node, flags)
	}
	if _, err := record.ParseID(node); err == nil {
		at, err := x.g.Source.Record(x.ctx, node, x.g.Answer.Block)
		if errors.Is(err, index.ErrNotFound) { // of a noun that this version can't read
			return d, nil
		}
		if err != nil {
			return d, err
		}
		d.facets = d.facets.With("pedigree_ledger", ledgerFacet(x.g.Channel, at, node, flags))
		return d, nil
	}
	d.facets = d.facets.With("pedigree_thing", facet("PedigreeThingFacet", member("uri", canonical.Str(node))))
	if len(flags) > 0 {
		d.facets = d.facets.With("pedigree_ledger", ledgerOf(x.g.Channel, n.MSPID, node, n.Transaction, n.Block, "",
			flags))
	}
	return d, nil
}

// version describes an artifact version. If it came from OpenLineage, its record has what it was called there.
func (x *exporter) version(d description, node string, flags []string) (description, error) {
	at, a, err := x.g.Artifact(x.ctx, node)
	if errors.Is(err, index.ErrNotFound) { // named, and registered by nobody
		return d, nil
	}
	if err != nil {
		return d, err
	}
	came := a.Metadata.Get("openlineage")
	if name := came.Get("name").Text; name != "" {
		d.identity = Identity{came.Get("namespace").Text, name}
	} else if i, ok := x.identities[node]; ok {
		d.identity = i
	}
	d.facets = d.facets.With(
		"version",
		standard(
			"1-0-1/DatasetVersionDatasetFacet",
			"DatasetVersionDatasetFacet",
			member("datasetVersion", canonical.Str(a.Version)),
		),
	)
	if a.Kind == "model" {
		d.facets = d.facets.With(
			"datasetType",
			standard("1-0-0/DatasetTypeDatasetFacet", "DatasetTypeDatasetFacet",
				member("datasetType", canonical.Str("MODEL"))),
		)
	}
	if a.Description != "" {
		d.facets = d.facets.With(
			"documentation",
			standard(
				"1-0-1/DocumentationDatasetFacet",
				"DocumentationDatasetFacet",
				member("description", canonical.Str(a.Description)),
			),
		)
	}
	d.facets = Merge(d.facets, kept(came.Get("facets")))
	d.facets = d.facets.With(
		"pedigree_digest",
		facet("PedigreeDigestFacet", member("algorithm", canonical.Str(a.Digest.Algorithm)),
			member("value", canonical.Str(a.Digest.Value)), member("coverage", canonical.Str(a.Digest.Coverage))),
	)
	d.facets = d.facets.With("pedigree_ledger", ledgerOf(x.g.Channel, at.MSPID, at.ID, at.TxID, at.Block, node, flags))
	d.outputFacets = kept(came.Get("outputFacets"))
	return d, nil
}

// source is a dataset as lineage facets name it.
func (x *exporter) source(node string) (canonical.Value, error) {
	d, err := x.describe(node)
	return canonical.Obj(
		member("namespace", canonical.Str(d.identity.Namespace)),
		member("name", canonical.Str(d.identity.Name)),
	), err
}

func lineageFacet(inputs []canonical.Value) canonical.Value {
	return standard("1-0-0/LineageFacet", "LineageDatasetFacet", member("inputs", canonical.Arr(inputs...)))
}

// derivation adds what an output was made of, unless the facets that it came with say so.
func (x *exporter) derivation(facets canonical.Value, o record.Output) (canonical.Value, error) {
	if facets.Kind != canonical.Object {
		facets = canonical.Obj()
	}
	if o.Explicit && !facets.Has("lineage") {
		inputs := []canonical.Value{}
		for _, ref := range o.From {
			in, err := x.source(ref)
			if err != nil {
				return facets, err
			}
			inputs = append(inputs, in.With("type", canonical.Str("DATASET")))
		}
		facets = facets.With("lineage", lineageFacet(inputs))
	}
	if len(o.Columns) == 0 || facets.Has("columnLineage") {
		return facets, nil
	}
	fields := make([]canonical.Member, 0, len(o.Columns))
	for _, column := range o.Columns {
		inputs := canonical.Arr()
		for _, from := range column.From {
			in, err := x.source(from.Ref)
			if err != nil {
				return facets, err
			}
			in = in.With("field", canonical.Str(from.Column))
			if len(from.Transformations.Items) > 0 {
				in = in.With("transformations", from.Transformations)
			}
			inputs.Items = append(inputs.Items, in)
		}
		fields = append(fields, member(column.Name, canonical.Obj(member("inputFields", inputs))))
	}
	return facets.With(
		"columnLineage",
		standard("1-2-0/ColumnLineageDatasetFacet", "ColumnLineageDatasetFacet",
			member("fields", canonical.Obj(fields...))),
	), nil
}
