// Package slsa writes SLSA provenance v1 (https://slsa.dev/spec/v1.1/provenance), which says how artifact versions were
// made. It is a signed in-toto statement; package attestation defines the envelope. [Write] writes the signed export,
// and [Statement] returns what is signed.
//
// A run is a build. The artifact versions that it generated are the subjects, and those that it used are the resolved
// dependencies. The build type says which parameters there are. There are two, described in buildtypes.md:
//
//   - [RunType]: a run on the ledger made the subjects;
//   - [DeclaredType]: no run on the ledger made the subject; its record only says what it was derived from.
//
// A subject is identified by its digest alone, so a version whose digest doesn't cover all of its bytes can't be a
// subject. Things such as lots have no digest, and events don't produce anything that has one. Neither has SLSA
// provenance.
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

// Types that identify the statements.
const (
	PredicateType = "https://slsa.dev/provenance/v1"
	RunType       = "https://pedigree-ledger.github.io/buildtypes/run/v1"
	DeclaredType  = "https://pedigree-ledger.github.io/buildtypes/declared/v1"
)

// Format is the export to SLSA provenance, signed by the caller. It walks two steps: from a version to its run, and
// from the run to its inputs.
var Format = formats.Format{
	Name: "slsa", MediaType: "application/vnd.in-toto.provenance+dsse", Extension: ".intoto.jsonl",
	About: "SLSA provenance, signed",
	Kinds: []string{"artifact", "activity"}, Direction: lineage.Ancestors, Depth: 2, Write: Write,
}

// Write writes and signs the provenance of an artifact version, or of everything that a run generated.
func Write(ctx context.Context, out io.Writer, g *formats.Graph) error {
	if g.Signer == nil {
		return formats.Refuse(
			"the format slsa is signed by the caller, but this caller has no certificate on the ledger",
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

// Statement returns the statement that Write signs. It needs the whole walk of Format.Depth steps and refuses one that
// was cut short.
func Statement(ctx context.Context, g *formats.Graph) ([]byte, error) {
	if t := g.Answer.Truncated; t != nil &&
		!slices.Equal(t.Reasons, []string{"depth"}) { // what lies deeper belongs to other runs
		return nil, formats.Refuse(
			"the walk was cut short by its limits (%s), so the statement would be incomplete: allow more nodes, or ask again",
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

// run returns the provenance of the artifact version named by only, or of everything that the run generated if only is
// empty.
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
		case only != "" && o.Ref != only: // another output of the same run
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
			"SLSA provenance is about what a run made, but the run %s generated no artifact version with a full digest",
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

// declared returns the provenance of an artifact version that no run on the ledger made.
func (w *writer) declared(ref string) (*statement, error) {
	at, a, err := w.g.Artifact(w.ctx, ref)
	if err != nil {
		return nil, err
	}
	if len(a.DerivedFrom) == 0 {
		return nil, formats.Refuse(
			"no run on the ledger made %q, and its record doesn't say what it was derived from, so it has no provenance",
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
		"the subject of a SLSA statement needs a digest of all of its bytes, but the digest of %q is sampled or only declared",
		ref,
	)
}

// recorded adds where on the ledger the record is that the statement is made from.
func (w *writer) recorded(s *statement, at *index.Record) {
	s.Predicate.RunDetails.Builder.ID = formats.OrganisationURI(at.MSPID)
	m := &s.Predicate.RunDetails.Metadata
	m.InvocationID = at.ID
	m.Ledger = ledger{
		Channel: w.g.Channel, MSPID: at.MSPID, Record: at.ID, Transaction: at.TxID, Block: at.Block,
		AsOf:       w.g.Answer.Block,
		ExportedOn: w.g.Now.UTC(), Proof: w.g.URL + "/v1/records/" + url.PathEscape(at.ID) + "/proof",
	}
}

// dependency describes an input: an artifact version or another record.
func (w *writer) dependency(ref string, notes map[string]any) ([]descriptor, error) {
	id, err := record.ParseID(ref)
	if err != nil {
		return w.artifact(ref, notes)
	}
	d := descriptor{URI: ref, Digest: map[string]string{"sha256": id.Hex()}}
	at, r, err := w.g.Record(w.ctx, ref)
	if errors.Is(err, index.ErrNotFound) { // its noun is one that this version of the program can't read
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

// algorithms maps the names of hash algorithms in records to those in in-toto.
var algorithms = map[string]string{
	"sha-256":     "sha256",
	"sha-384":     "sha384",
	"sha-512":     "sha512",
	"blake2b-512": "blake2b",
	"blake3":      "blake3",
}

// artifact describes an artifact version. The first descriptor has its own digests. Further ones have its digests under
// other schemes, which cover other bytes or combine the same bytes in another way.
func (w *writer) artifact(ref string, notes map[string]any) ([]descriptor, error) {
	at, a, err := w.g.Artifact(w.ctx, ref)
	if errors.Is(err, index.ErrNotFound) { // a run names it, but it was never registered
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
				Name: d.Name, URI: d.URI, Digest: map[string]string{name: digest.Value},
				Annotations: map[string]any{"ref": ref, "scheme": digest.Scheme},
			})
		case all[0].Digest == nil:
			all[0].Digest = map[string]string{name: digest.Value}
		case all[0].Digest[name] == "":
			all[0].Digest[name] = digest.Value
		}
	}
	if a.Manifest != nil {
		all[0].Annotations["manifest"] = len(a.Manifest.Files) // the digest is that of the manifest
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
