// Package slsa writes how artifact versions were made as SLSA provenance v1 (https://slsa.dev/spec/v1.1/provenance) in
// a signed in-toto statement; package attestation has the envelope.
//
// A run is a build, what it generated are the subjects, what it used are the resolved dependencies. The build type says
// which parameters there are; buildtypes.md describes both of ours:
//
//   - [RunType]: a run that is on the ledger made it;
//   - [DeclaredType]: nothing on the ledger says which run made it, only what it was derived from.
//
// Subjects are found by their digests alone, so a version whose digest doesn't cover all of its bytes can't be one.
// Things, such as lots, have no digest, and events make nothing that has one: they have no SLSA provenance.
package slsa

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/verify/attestation"
)

// What statements are of.
const (
	PredicateType = "https://slsa.dev/provenance/v1"
	RunType       = "https://pedigree-ledger.github.io/buildtypes/run/v1"
	DeclaredType  = "https://pedigree-ledger.github.io/buildtypes/declared/v1"
)

// Format is SLSA provenance, signed by who asks for it. Two steps up the graph is the run's input.
var Format = formats.Format{
	Name: "slsa", MediaType: "application/vnd.in-toto.provenance+dsse", Extension: ".intoto.jsonl", About: "SLSA provenance, signed",
	Kinds: []string{"artifact", "activity"}, Direction: lineage.Ancestors, Depth: 2, Write: Write,
}

// Write writes the provenance of an artifact version, or of all that a run generated, and signs it.
func Write(ctx context.Context, out io.Writer, g *formats.Graph) error {
	if g.Signer == nil {
		return formats.Refuse(
			"the format slsa is signed by who asks for it, and this caller has no certificate on the ledger",
		)
	}
	text, err := Statement(ctx, g)
	if err != nil {
		return err
	}
	signed, err := attestation.Sign(text, g.Signer)
	if wrong := new(attestation.KeyError); errors.As(err, &wrong) {
		return formats.Refuse("%v", wrong)
	}
	if err != nil {
		return err
	}
	_, err = out.Write(signed)
	return err
}

// Statement is what Write signs. It is made of the whole walk of Format.Depth steps; one that was cut is refused.
func Statement(ctx context.Context, g *formats.Graph) ([]byte, error) {
	if t := g.Answer.Truncated; t != nil &&
		!slices.Equal(t.Reasons, []string{"depth"}) { // what lies deeper is of other runs
		return nil, formats.Refuse(
			"the walk was cut short by its limits (%s), and a statement would deny what it left out: allow more nodes, or ask again",
			strings.Join(t.Reasons, ", "),
		)
	}
	w := &writer{ctx: ctx, g: g, flags: map[string][]string{}}
	for _, n := range g.Answer.Nodes {
		w.flags[n.ID] = n.Flags
	}
	s, err := w.start()
	if err != nil {
		return nil, err
	}
	s.Type, s.PredicateType = attestation.StatementType, PredicateType
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return nil, fmt.Errorf("couldn't write a statement: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

type writer struct {
	ctx   context.Context
	g     *formats.Graph
	flags map[string][]string
}

func (w *writer) start() (*statement, error) {
	n := w.g.Start()
	if n.Kind == "activity" {
		return w.run(n.ID, "")
	}
	for _, e := range w.g.Answer.Edges {
		if e.Kind == lineage.EdgeGenerated && e.To == n.ID {
			return w.run(e.From, n.ID)
		}
	}
	return w.declared(n.ID)
}

// run is the provenance of what a run generated: of one artifact version, or if none is named of all.
func (w *writer) run(id, only string) (*statement, error) {
	at, r, err := w.g.Record(w.ctx, id)
	if err != nil {
		return nil, err
	}
	a := r.Activity
	s := new(statement)
	var made *record.Output
	for i, o := range a.Generated {
		subjects, err := w.artifact(o.Ref, map[string]any{"role": o.Role})
		switch {
		case err != nil:
			return nil, err
		case only != "" && o.Ref != only: // made beside it
			s.Predicate.RunDetails.Byproducts = append(s.Predicate.RunDetails.Byproducts, subjects[0])
			continue
		case only != "":
			made = &a.Generated[i]
		}
		if len(subjects[0].Digest) == 0 && (only != "" || len(a.Generated) == 1) {
			return nil, unnamed(o.Ref)
		}
		if len(subjects[0].Digest) == 0 {
			s.Predicate.RunDetails.Byproducts = append(s.Predicate.RunDetails.Byproducts, subjects[0])
			continue
		}
		s.Subject = append(s.Subject, subjects...)
	}
	if len(s.Subject) == 0 {
		return nil, formats.Refuse(
			"SLSA provenance is about what a run made, and the run %s generated no artifact version with a full digest",
			id,
		)
	}
	definition := &s.Predicate.BuildDefinition
	definition.BuildType = RunType
	definition.ExternalParameters = map[string]any{"type": a.Type}
	set(definition.ExternalParameters, "parameters", a.Parameters)
	definition.InternalParameters = map[string]any{}
	set(definition.InternalParameters, "description", a.Description)
	set(definition.InternalParameters, "outcome", a.Outcome)
	set(definition.InternalParameters, "about", a.About)
	set(definition.InternalParameters, "metadata", a.Metadata)
	definition.ResolvedDependencies = []descriptor{}
	for _, u := range a.Used {
		notes := map[string]any{"role": u.Role}
		if made != nil && made.Explicit {
			notes["contributed"] = slices.Contains(made.From, u.Ref)
		}
		d, err := w.dependency(u.Ref, notes)
		if err != nil {
			return nil, err
		}
		definition.ResolvedDependencies = append(definition.ResolvedDependencies, d...)
	}
	s.Predicate.RunDetails.Metadata.StartedOn, s.Predicate.RunDetails.Metadata.FinishedOn = when(
		a.StartedAt,
	), when(
		a.EndedAt,
	)
	w.recorded(s, at)
	return s, nil
}

// declared is the provenance of an artifact version that no run on the ledger made.
func (w *writer) declared(ref string) (*statement, error) {
	at, a, err := w.g.Artifact(w.ctx, ref)
	if err != nil {
		return nil, err
	}
	if len(a.DerivedFrom) == 0 {
		return nil, formats.Refuse(
			"no run on the ledger made %q, and it is said to be derived from nothing: there is no provenance of it to state",
			ref,
		)
	}
	s := new(statement)
	if s.Subject, err = w.artifact(ref, nil); err != nil {
		return nil, err
	}
	if len(s.Subject[0].Digest) == 0 {
		return nil, unnamed(ref)
	}
	definition := &s.Predicate.BuildDefinition
	definition.BuildType, definition.ExternalParameters, definition.ResolvedDependencies = DeclaredType, map[string]any{
		"derivedFrom": a.DerivedFrom,
	}, []descriptor{}
	for _, from := range a.DerivedFrom {
		d, err := w.dependency(from, nil)
		if err != nil {
			return nil, err
		}
		definition.ResolvedDependencies = append(definition.ResolvedDependencies, d...)
	}
	w.recorded(s, &at.Record)
	return s, nil
}

func unnamed(ref string) error {
	return formats.Refuse(
		"the subject of a SLSA statement is named by a digest of all of its bytes, and %q has none: its digest was sampled, or taken on somebody's word",
		ref,
	)
}

// recorded says where on the ledger this is from.
func (w *writer) recorded(s *statement, at *index.Record) {
	s.Predicate.RunDetails.Builder.ID = formats.OrganisationURI(at.MSPID)
	m := &s.Predicate.RunDetails.Metadata
	m.InvocationID = at.ID
	m.Ledger = ledger{
		Channel: w.g.Channel, MSPID: at.MSPID, Record: at.ID, Transaction: at.TxID, Block: at.Block, AsOf: w.g.Answer.Block,
		ExportedOn: w.g.Now.UTC(), Proof: w.g.URL + "/v1/records/" + url.PathEscape(at.ID) + "/proof",
	}
}

// dependency is an artifact version or another record that something was made of.
func (w *writer) dependency(ref string, notes map[string]any) ([]descriptor, error) {
	id, err := record.ParseID(ref)
	if err != nil {
		return w.artifact(ref, notes)
	}
	d := descriptor{URI: ref, Digest: map[string]string{"sha256": id.Hex()}}
	at, r, err := w.g.Record(w.ctx, ref)
	if errors.Is(err, index.ErrNotFound) { // of a noun that this version can't read
		return []descriptor{d}, nil
	}
	if err != nil {
		return nil, err
	}
	d.Name, d.MediaType = string(at.Noun), "application/json"
	switch {
	case r.Event != nil:
		d.Name = r.Event.Event.Type
	case r.Activity != nil:
		d.Name = r.Activity.Type
	case r.Statement != nil:
		d.Name = r.Statement.Kind
	}
	d.Annotations = w.annotations(at, ref, notes)
	return []descriptor{d}, nil
}

// algorithms are the names that in-toto has for ours.
var algorithms = map[string]string{
	"sha-256":     "sha256",
	"sha-384":     "sha384",
	"sha-512":     "sha512",
	"blake2b-512": "blake2b",
	"blake3":      "blake3",
}

// artifact describes an artifact version: first itself, then what else it is known by, for digests under another scheme
// name other bytes, or the same ones put together in another way.
func (w *writer) artifact(ref string, notes map[string]any) ([]descriptor, error) {
	at, a, err := w.g.Artifact(w.ctx, ref)
	if errors.Is(err, index.ErrNotFound) { // named by a run, and registered by nobody yet
		return []descriptor{
			{Name: ref, URI: formats.ArtifactURI(ref), Annotations: map[string]any{"ref": ref, "registered": false}},
		}, nil
	}
	if err != nil {
		return nil, err
	}
	d := descriptor{
		Name:        a.Name + "@" + a.Version,
		URI:         formats.ArtifactURI(ref),
		MediaType:   a.MediaType,
		Annotations: w.annotations(&at.Record, ref, notes),
	}
	all := []descriptor{d}
	if a.Digest.Coverage != "full" {
		all[0].Annotations["coverage"] = a.Digest.Coverage
	}
	for _, digest := range slices.Concat([]record.Digest{a.Digest}, a.Aliases) {
		switch name := algorithms[digest.Algorithm]; {
		case digest.Coverage != "full" || name == "":
		case digest.Scheme != "":
			all = append(all, descriptor{
				Name: d.Name, URI: d.URI, Digest: map[string]string{name: digest.Value}, Annotations: map[string]any{"ref": ref, "scheme": digest.Scheme},
			})
		case all[0].Digest == nil:
			all[0].Digest = map[string]string{name: digest.Value}
		case all[0].Digest[name] == "":
			all[0].Digest[name] = digest.Value
		}
	}
	if a.Manifest != nil {
		all[0].Annotations["manifest"] = len(a.Manifest.Files) // whose digest it is
	}
	set(all[0].Annotations, "licence", a.Licence)
	return all, nil
}

func (w *writer) annotations(at *index.Record, ref string, notes map[string]any) map[string]any {
	all := map[string]any{"organisation": at.MSPID, "record": at.ID}
	if ref != at.ID {
		all["ref"] = ref
	}
	for name, value := range notes {
		set(all, name, value)
	}
	set(all, "status", w.flags[ref])
	return all
}
