// Package cyclonedx writes what something was made from as a CycloneDX 1.6 bill of materials (https://cyclonedx.org).
// Above all that is the ML-BOM of a model or a dataset. [Write] writes a bill.
//
// Each component needs one of CycloneDX's own types, and there is none for fish. A model is a machine-learning-model, a
// dataset is data, and a document is a file. Code is an application, the type for software that isn't a library.
// Events, and the things that they are about, are data: a bill can only hold what somebody recorded about a landed
// fish, and the hash of such a component is that of the record. Runs aren't components; they are workflows in the
// formulation.
//
// What has no field in CycloneDX becomes a property with a name that begins with "pedigree:". A recall or a withdrawal
// of consent becomes a vulnerability, which lists everything in the bill that was made from its subject.
//
// Equal answers of the ledger give equal bytes: the timestamp of a bill is that of the newest record in it, and its
// serial number is derived from its content.
package cyclonedx

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/formats/card"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// Format is the export to a CycloneDX bill of materials.
var Format = formats.Format{
	Name: "cyclonedx", MediaType: "application/vnd.cyclonedx+json", Extension: ".cdx.json",
	About: "a CycloneDX 1.6 bill of materials (ML-BOM)",
	Kinds: []string{"artifact", "activity", "event", "thing", "class"}, Direction: lineage.Ancestors, Write: Write,
}

// bill is a bill of materials that is being written.
type bill struct {
	ctx   context.Context
	graph *formats.Graph
	cdx.BOM

	nodes     map[string]lineage.Node
	versions  map[string]*version // by node id
	runs      map[string]*run     // by record id
	generated map[string]string   // the run that generated each artifact version
	depends   map[string][]string // the components that each component was made from
	newest    time.Time
}

// version is an artifact version with its record and its card.
type version struct {
	*record.Artifact
	id   string // of the record
	card *about.Description
}

// run is a run with its record.
type run struct {
	*record.Activity
	id string
}

// Write writes the bill of materials of the node at which a graph starts.
func Write(ctx context.Context, out io.Writer, g *formats.Graph) error {
	b := &bill{
		ctx: ctx, graph: g, nodes: map[string]lineage.Node{}, versions: map[string]*version{}, runs: map[string]*run{},
		generated: map[string]string{}, depends: map[string][]string{},
	}
	if err := b.read(); err != nil {
		return err
	}
	if err := b.connect(); err != nil {
		return err
	}
	if err := b.assemble(); err != nil {
		return err
	}
	text, err := b.encode()
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// read fetches the records that the nodes stand for.
func (b *bill) read() error {
	for _, n := range b.graph.Answer.Nodes {
		b.nodes[n.ID] = n
		b.seen(n.Recorded)
		switch n.Kind {
		case "artifact":
			found, a, err := b.graph.Artifact(b.ctx, n.ID)
			if errors.Is(err, index.ErrNotFound) {
				continue // a record names it, but it was never registered
			}
			if err != nil {
				return err
			}
			b.versions[n.ID] = &version{a, found.ID, card.Describe(a.Card)}
		case "activity":
			_, r, err := b.graph.Record(b.ctx, n.ID)
			if err != nil {
				return err
			}
			b.runs[n.ID] = &run{r.Activity, n.ID}
			for _, output := range r.Activity.Generated {
				b.generated[output.Ref] = n.ID
			}
		}
	}
	return nil
}

func (b *bill) seen(t time.Time) {
	if t.After(b.newest) {
		b.newest = t
	}
}

// node returns the node id for a name that a record uses. A record may refer to an artifact version by the id of the
// version's record.
func (b *bill) node(name string) (string, error) {
	if _, ok := b.nodes[name]; ok {
		return name, nil
	}
	if _, err := record.ParseID(name); err != nil {
		return name, nil
	}
	found, r, err := b.graph.Record(b.ctx, name)
	switch {
	case errors.Is(err, index.ErrNotFound):
		return name, nil
	case err != nil:
		return "", err
	case found.Noun == record.NounArtifact:
		return r.Artifact.ArtifactRef.String(), nil
	}
	return name, nil
}

// isComponent reports whether a node id is that of a component of the bill.
func (b *bill) isComponent(name string) bool {
	n, ok := b.nodes[name]
	return ok && (n.Kind != "activity" && n.Kind != "statement" && n.Kind != "member" || n.ID == b.graph.Start().ID)
}

// connect finds what each component was made from. Runs aren't components, so what a run generated depends directly on
// what the run used for it.
func (b *bill) connect() error {
	add := func(of, from string) error {
		from, err := b.node(from)
		if err == nil && of != from && b.isComponent(from) {
			b.depends[of] = append(b.depends[of], from)
		}
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(b.runs)) {
		r := b.runs[id]
		for _, output := range r.Generated {
			if !b.isComponent(output.Ref) { // a run can have thousands of other outputs, each with thousands of inputs
				continue
			}
			for _, source := range r.Sources(output) {
				if err := add(output.Ref, source); err != nil {
					return err
				}
			}
		}
		if !b.isComponent(id) {
			continue
		}
		for _, use := range r.Used { // if the bill is about the run itself
			if err := add(id, use.Ref); err != nil {
				return err
			}
		}
	}
	for _, e := range b.graph.Answer.Edges {
		if e.Kind == lineage.EdgeContains || e.Kind == lineage.EdgeSubject || b.runs[e.From] != nil ||
			b.runs[e.To] != nil ||
			!b.isComponent(e.To) {
			continue
		}
		if err := add(e.To, e.From); err != nil {
			return err
		}
	}
	for of, from := range b.depends {
		slices.Sort(from)
		b.depends[of] = slices.Compact(from)
	}
	return nil
}

func (b *bill) assemble() error {
	start := b.graph.Start()
	subject, err := b.component(start)
	if err != nil {
		return err
	}
	b.BOM = cdx.BOM{
		JSONSchema: "http://cyclonedx.org/schema/bom-1.6.schema.json", BOMFormat: cdx.BOMFormat,
		SpecVersion: cdx.SpecVersion1_6, Version: 1,
		Metadata: &cdx.Metadata{Component: subject, Tools: tools(b.graph.Program)},
	}
	if b.Metadata.Manufacturer, err = b.organisation(b.graph.MSPID); err != nil {
		return err
	}
	var components []cdx.Component
	dependencies := []cdx.Dependency{{Ref: reference(start.ID), Dependencies: list(references(b.depends[start.ID]))}}
	for _, n := range b.graph.Answer.Nodes[1:] {
		if !b.isComponent(n.ID) {
			continue
		}
		c, err := b.component(n)
		if err != nil {
			return err
		}
		components = append(components, *c)
		dependencies = append(dependencies, cdx.Dependency{Ref: c.BOMRef,
			Dependencies: list(references(b.depends[n.ID]))})
	}
	b.Components, b.Dependencies = list(components), list(dependencies)
	if err := b.formulate(); err != nil {
		return err
	}
	if err := b.warn(); err != nil {
		return err
	}
	b.compose()
	// The timestamp comes last, because only now all records have been seen.
	if !b.newest.IsZero() {
		b.Metadata.Timestamp = stamp(b.newest)
	}
	b.Metadata.Properties = list(properties(
		"channel",
		b.graph.Channel,
		"block",
		strconv.FormatUint(b.graph.Answer.Block, 10),
		"node",
		start.ID,
		"truncated",
		strings.Join(b.cut(), " "),
	))
	return nil
}

// cut returns the reasons why the walk ended early, if it did.
func (b *bill) cut() []string {
	if b.graph.Answer.Truncated == nil {
		return nil
	}
	return b.graph.Answer.Truncated.Reasons
}

// encode returns the bill as JSON. It derives the serial number from the rest of the bill.
func (b *bill) encode() ([]byte, error) {
	text, err := b.spell()
	if err != nil {
		return nil, err
	}
	b.SerialNumber = "urn:uuid:" + uuid.NewHash(sha256.New(), uuid.NameSpaceURL, text, 8).String()
	return b.spell()
}

func (b *bill) spell() ([]byte, error) {
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).Encode(&b.BOM); err != nil {
		return nil, fmt.Errorf("couldn't write a CycloneDX bill: %w", err)
	}
	return out.Bytes(), nil
}

func tools(program string) *cdx.ToolsChoice {
	name, version, _ := strings.Cut(program, "/")
	if name == "" {
		name = "pedigree"
	}
	return &cdx.ToolsChoice{
		Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: name, Version: version}},
	}
}

// organisation returns an organisation as it introduced itself, or with its MSP id as the name.
func (b *bill) organisation(mspID string) (*cdx.OrganizationalEntity, error) {
	if mspID == "" {
		return nil, nil
	}
	m, err := b.graph.Member(b.ctx, mspID)
	if err != nil {
		return nil, err
	}
	o := &cdx.OrganizationalEntity{Name: mspID}
	if m != nil {
		o.Name = m.Name
		if m.URL != "" {
			o.URL = &[]string{m.URL}
		}
	}
	return o, nil
}

// reference returns a node's bom-ref. It is the node's id, except where CycloneDX reserves the prefix.
func reference(id string) string {
	if strings.HasPrefix(id, "urn:cdx:") {
		return "thing:" + id
	}
	return id
}

func references(ids []string) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = reference(id)
	}
	return all
}

// list returns a list as the CycloneDX library wants it: nil if it is empty.
func list[T any](items []T) *[]T {
	if len(items) == 0 {
		return nil
	}
	return &items
}

// properties returns properties for pairs of names and values. It leaves out empty values.
func properties(pairs ...string) []cdx.Property {
	var all []cdx.Property
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			all = append(all, cdx.Property{Name: "pedigree:" + pairs[i], Value: pairs[i+1]})
		}
	}
	return all
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// compose says for which components the bill has everything that they were made from.
//
// What a run used, and what an event names, was fixed when it was recorded, so these are complete. If no run was
// recorded for a version that names its sources, it may have more of them: that is incomplete, and so is everything at
// which the walk was cut short. If nothing is said about a version's sources, or its digest was only declared,
// completeness is unknown. A sampled digest makes a version incomplete.
func (b *bill) compose() {
	frontier := map[string]bool{}
	if b.graph.Answer.Truncated != nil {
		for _, id := range b.graph.Answer.Truncated.Frontier {
			frontier[id] = true
		}
	}
	by := map[cdx.CompositionAggregate][]cdx.BOMReference{}
	for _, n := range b.graph.Answer.Nodes {
		if b.isComponent(n.ID) {
			as := b.completeness(n, frontier)
			by[as] = append(by[as], cdx.BOMReference(reference(n.ID)))
		}
	}
	var all []cdx.Composition
	for _, as := range slices.Sorted(maps.Keys(by)) {
		slices.Sort(by[as])
		all = append(all, cdx.Composition{BOMRef: "composition:" + string(as), Aggregate: as,
			Dependencies: list(by[as])})
	}
	if v := b.versions[b.graph.Start().ID]; v != nil && v.Manifest != nil {
		all = append(
			all,
			cdx.Composition{
				BOMRef:     "composition:files",
				Aggregate:  cdx.CompositionAggregateComplete,
				Assemblies: &[]cdx.BOMReference{cdx.BOMReference(reference(b.graph.Start().ID))},
			},
		)
	}
	b.Compositions = list(all)
}

func (b *bill) completeness(n lineage.Node, frontier map[string]bool) cdx.CompositionAggregate {
	v, run := b.versions[n.ID], b.generated[n.ID]
	switch {
	case frontier[n.ID] || frontier[run]:
		return cdx.CompositionAggregateIncomplete
	case n.Kind == "event" || n.Kind == "activity":
		return cdx.CompositionAggregateComplete
	case v == nil || v.Digest.Coverage == "declared":
		return cdx.CompositionAggregateUnknown
	case v.Digest.Coverage != "full":
		return cdx.CompositionAggregateIncomplete
	case run != "":
		return cdx.CompositionAggregateComplete
	case len(v.DerivedFrom) > 0:
		return cdx.CompositionAggregateIncomplete
	}
	return cdx.CompositionAggregateUnknown
}
