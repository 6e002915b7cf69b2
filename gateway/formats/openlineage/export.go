package openlineage

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	ids "github.com/google/uuid" // the name uuid is taken

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// Format is lineage as events of OpenLineage, one a line, in the order in which things happened.
//
// A run of the ledger is a run: a START and the event that ended it. A run, a job and datasets that came from
// OpenLineage have the names and facets that they came with; other artifact versions are datasets of the namespace
// "pedigree". Roles, parameters and what went into what are facets, of OpenLineage where it has them, else our own.
//
// A supply-chain event is a run as well: of a job named after its business step, with the things that it consumed or
// saw for inputs, and those that it made for outputs. Events of one transformation are one run. A version that is
// derived from something without a run is a DatasetEvent with a lineage facet.
var Format = formats.Format{
	Name: "openlineage", MediaType: "application/x-ndjson", Extension: ".ndjson",
	About: "OpenLineage events, one a line",
	Kinds: []string{"thing", "class", "event", "artifact", "activity"}, Write: Export,
}

// Export writes the events of a part of the graph.
func Export(ctx context.Context, out io.Writer, g *formats.Graph) error {
	x := &exporter{
		ctx: ctx, out: out, g: g, into: map[string][]lineage.Edge{}, from: map[string][]lineage.Edge{},
		nodes:      make(map[string]*lineage.Node, len(g.Answer.Nodes)),
		identities: map[string]Identity{}, described: map[string]description{}, begun: map[string]bool{},
	}
	for _, e := range g.Answer.Edges {
		x.into[e.To], x.from[e.From] = append(x.into[e.To], e), append(x.from[e.From], e)
	}
	var order []*lineage.Node
	for i := range g.Answer.Nodes {
		n := &g.Answer.Nodes[i]
		x.nodes[n.ID] = n
		if n.Kind == "event" || n.Kind == "activity" || n.Kind == "artifact" {
			order = append(order, n)
		}
	}
	if len(order) == 0 {
		return formats.Refuse(
			"no event, run or artifact version has to do with %q, so there is nothing that OpenLineage could tell",
			record.Brief(g.Answer.Node),
		)
	}
	if err := x.collect(order); err != nil {
		return err
	}
	slices.SortStableFunc(order, func(a, b *lineage.Node) int {
		return cmp.Or(happened(a).Compare(happened(b)), cmp.Compare(a.Block, b.Block))
	})
	x.continued = x.lastOfRuns(order)
	for _, n := range order {
		if err := x.node(n); err != nil {
			return err
		}
	}
	return nil
}

// happened is when something was, by its own word or else the ledger's.
func happened(n *lineage.Node) time.Time {
	if n.Time.IsZero() {
		return n.Recorded
	}
	return n.Time
}

type exporter struct {
	ctx        context.Context
	out        io.Writer
	g          *formats.Graph
	into, from map[string][]lineage.Edge // by node
	nodes      map[string]*lineage.Node
	identities map[string]Identity    // what runs call versions that don't say it themselves
	described  map[string]description // versions, records and things
	continued  map[string]bool        // events after which others of their run come
	begun      map[string]bool        // runs that have started, if they are of events
}

// collect finds out what the artifacts were called where they came from.
func (x *exporter) collect(order []*lineage.Node) error {
	for _, n := range order {
		if n.Kind != "activity" {
			continue
		}
		_, r, err := x.g.Record(x.ctx, n.ID)
		if err != nil {
			return err
		}
		came := r.Activity.Metadata.Get("openlineage")
		for _, d := range slices.Concat(came.Get("inputs").Items, came.Get("outputs").Items) {
			if ref := d.Get("ref").Text; ref != "" {
				x.identities[ref] = Identity{d.Get("namespace").Text, d.Get("name").Text}
			}
		}
	}
	return nil
}

// nameOf is what OpenLineage calls what isn't called anything yet: a version of which no event of OpenLineage told, a
// record or a thing.
func nameOf(node string) Identity {
	if _, err := record.ParseArtifactRef(node); err == nil {
		return Identity{OwnNamespace, node}
	}
	if _, err := record.ParseID(node); err == nil {
		return Identity{RecordNamespace, node}
	}
	// A thing is a URI: the namespace is what is before its path, as OpenLineage names what lies in a store.
	if scheme, rest, ok := strings.Cut(node, "://"); ok {
		if authority, path, ok := strings.Cut(rest, "/"); ok && path != "" {
			return Identity{scheme + "://" + authority, path}
		}
	}
	scheme, rest, _ := strings.Cut(node, ":")
	return Identity{scheme, rest}
}

// RecordNamespace is the namespace of datasets that are records of the ledger, such as events with measurements.
const RecordNamespace = "pedigree-record"

// line writes one event.
func (x *exporter) line(schema string, at time.Time, members ...canonical.Member) error {
	event := canonical.Obj(append(members,
		member("eventTime", canonical.Str(at.UTC().Format(time.RFC3339Nano))),
		member("producer", canonical.Str(producer)),
		member("schemaURL", canonical.Str("https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"+schema)))...)
	if _, err := x.out.Write(append(event.Bytes(), '\n')); err != nil {
		return fmt.Errorf("couldn't write OpenLineage events: %w", err)
	}
	return nil
}

func member(name string, v canonical.Value) canonical.Member {
	return canonical.Member{Name: name, Value: v}
}

func (x *exporter) node(n *lineage.Node) error {
	switch n.Kind {
	case "activity":
		return x.run(n)
	case "event":
		return x.event(n)
	}
	return x.derived(n)
}

// run writes a run of the ledger, with all that it used and generated, whether the walk came there or not.
func (x *exporter) run(n *lineage.Node) error {
	at, r, err := x.g.Record(x.ctx, n.ID)
	if err != nil {
		return err
	}
	a, came := r.Activity, r.Activity.Metadata.Get("openlineage")
	id := came.Get("run").Get("runId").Text
	if id == "" {
		id = runID(n.ID)
	}
	facets := kept(
		came.Get("run").Get("facets"),
	).With("pedigree_ledger", ledgerFacet(x.g.Channel, at, n.ID, n.Flags)).
		With(activityFacet, activityOf(a))
	run := canonical.Obj(member("runId", canonical.Str(id)))
	job := canonical.Obj(
		member("namespace", canonical.Str("pedigree/"+at.MSPID)),
		member("name", canonical.Str(a.Type)),
		member("facets", jobFacets(a)),
	)
	if name := came.Get("job").Get("name").Text; name != "" {
		job = canonical.Obj(member("namespace", came.Get("job").Get("namespace")), member("name", canonical.Str(name)))
		if came.Get("job").Has("facets") {
			job = job.With("facets", kept(came.Get("job").Get("facets")))
		}
	}
	inputs, outputs, err := x.datasets(a, came)
	if err != nil {
		return err
	}
	started, ended := a.StartedAt, a.EndedAt
	if ended.IsZero() {
		ended = at.Time
		if !started.IsZero() {
			ended = started
		}
	}
	if started.IsZero() {
		started = ended
	}
	if err := x.line("RunEvent", started, member("eventType", canonical.Str("START")), member("run", run),
		member("job", job.Without("facets"))); err != nil {
		return err
	}
	end := "COMPLETE"
	if said := came.Get("eventType").Text; said == "FAIL" || said == "ABORT" {
		end = said
	}
	return x.line(
		"RunEvent",
		ended,
		member("eventType", canonical.Str(end)),
		member("run", run.With("facets", facets)),
		member("job", job),
		member("inputs", canonical.Arr(inputs...)),
		member("outputs", canonical.Arr(outputs...)),
	)
}

// runID makes the id of a run, which OpenLineage wants to be a UUID, of the name of something on the ledger.
func runID(name string) string {
	return ids.NewSHA1(ids.NewSHA1(ids.NameSpaceURL, []byte("https://pedigree-ledger.github.io/openlineage/")),
		[]byte(name)).
		String()
}

// datasets are the inputs and outputs of a run. What its events called them and said of them is said again, also of
// datasets that a failed run never made.
func (x *exporter) datasets(a *record.Activity, came canonical.Value) (inputs, outputs []canonical.Value, err error) {
	read, wrote := wordsOf(came.Get("inputs")), wordsOf(came.Get("outputs"))
	for _, u := range a.Used {
		d, err := x.dataset(u.Ref, read[u.Ref], "inputFacets", u.Role)
		if err != nil {
			return nil, nil, err
		}
		inputs = append(inputs, d)
	}
	for _, o := range a.Generated {
		d, err := x.dataset(o.Ref, wrote[o.Ref], "outputFacets", o.Role)
		if err != nil {
			return nil, nil, err
		}
		facets, err := x.derivation(d.Get("facets"), o)
		if err != nil {
			return nil, nil, err
		}
		outputs = append(outputs, d.With("facets", facets))
	}
	for _, node := range a.About {
		d, err := x.dataset(node, canonical.Value{}, "outputFacets", "about")
		if err != nil {
			return nil, nil, err
		}
		outputs = append(outputs, d)
	}
	for _, d := range came.Get("outputs").Items {
		if !d.Has("ref") {
			outputs = append(outputs, again(d, "outputFacets"))
		}
	}
	return inputs, outputs, nil
}

// wordsOf are the datasets of a run as its events had them, by the version that each turned out to be.
func wordsOf(list canonical.Value) map[string]canonical.Value {
	words := make(map[string]canonical.Value, len(list.Items))
	for _, d := range list.Items {
		words[d.Get("ref").Text] = d
	}
	return words
}

// again is a dataset as an event had it.
func again(d canonical.Value, own string) canonical.Value {
	v := canonical.Obj(member("namespace", d.Get("namespace")), member("name", d.Get("name")))
	for _, name := range []string{"facets", own} {
		if facets := kept(d.Get(name)); len(facets.Members) > 0 {
			v = v.With(name, facets)
		}
	}
	return v
}

// dataset is one input or output: a version, a record or a thing. What the run's events said of it goes before what its
// own record says, and that before what follows from the ledger; but what the ledger is asked for is the ledger's word.
func (x *exporter) dataset(node string, said canonical.Value, own, role string) (canonical.Value, error) {
	known, err := x.describe(node)
	if err != nil {
		return canonical.Value{}, err
	}
	i := known.identity
	if name := said.Get("name").Text; name != "" {
		i = Identity{said.Get("namespace").Text, name}
	}
	d := canonical.Obj(member("namespace", canonical.Str(i.Namespace)), member("name", canonical.Str(i.Name)))
	facets := Merge(known.facets, kept(said.Get("facets")))
	if word, ok := known.facets.Lookup("pedigree_ledger"); ok {
		facets = facets.With("pedigree_ledger", word)
	}
	mine := kept(said.Get(own))
	if own == "outputFacets" {
		mine = Merge(known.outputFacets, mine)
	}
	if role != "" {
		mine = Merge(
			mine,
			canonical.Obj(member("pedigree_role", facet("PedigreeRoleFacet", member("role", canonical.Str(role))))),
		)
	}
	if len(facets.Members) > 0 {
		d = d.With("facets", facets)
	}
	if own != "" && len(mine.Members) > 0 {
		d = d.With(own, mine)
	}
	return d, nil
}

// derived writes a version that was made of something without a run.
func (x *exporter) derived(n *lineage.Node) error {
	var inputs []canonical.Value
	for _, e := range x.into[n.ID] {
		switch e.Kind {
		case lineage.EdgeGenerated:
			return nil // its run tells
		case lineage.EdgeDerived:
			in, err := x.source(e.From)
			if err != nil {
				return err
			}
			inputs = append(inputs, in.With("type", canonical.Str("DATASET")))
		}
	}
	if len(inputs) == 0 && len(x.into[n.ID])+len(x.from[n.ID]) > 0 && n.ID != x.g.Answer.Node {
		return nil // whoever used it tells
	}
	d, err := x.dataset(n.ID, canonical.Value{}, "", "")
	if err != nil {
		return err
	}
	if len(inputs) > 0 && !d.Get("facets").Has("lineage") {
		d = d.With("facets", d.Get("facets").With("lineage", lineageFacet(inputs)))
	}
	return x.line("DatasetEvent", n.Recorded, member("dataset", d))
}
