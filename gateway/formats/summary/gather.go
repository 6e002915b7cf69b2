package summary

import (
	"context"
	"errors"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/formats/card"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// version is an artifact version that is connected with the model.
type version struct {
	ref    string
	at     *index.Artifact  // nil if it was never registered
	record *record.Artifact // nil if it was never registered
	card   *about.Description
	run    *run     // that generated it; nil if none is on the ledger
	role   string   // its role in the run that first led here
	user   *run     // the run that first led here; nil if it wasn't a run
	via    string   // the base model that it was used for; empty if it was used for the model itself
	data   []string // datasets, documents and models that it was made from
	events []string // records that it was made from
	flags  []string
}

// run is a run that led to the model.
type run struct {
	at *index.Record
	*record.Activity
}

// sources holds everything that the model was made from.
type sources struct {
	ctx       context.Context
	g         *formats.Graph
	nodes     map[string]*lineage.Node
	generator map[string]string // the run that generated each artifact version
	runs      map[string]*run

	model   *version
	all     map[string]*version
	data    []*version // datasets and documents that went into it, nearest first
	bases   []*version // base models
	code    []*version
	aside   []*version // inputs of its run that it wasn't trained with
	steps   []*version // data that a run made from other data
	missing int        // number of sources beyond the end of the walk

	cited   map[string]int // number of each cited record, by record id
	citings []*citing
}

// citing is a record that the document cites.
type citing struct {
	number   int
	id, what string
	at       index.Recording
}

func newSources(ctx context.Context, g *formats.Graph) *sources {
	s := &sources{
		ctx: ctx, g: g, nodes: map[string]*lineage.Node{}, generator: map[string]string{}, runs: map[string]*run{},
		all: map[string]*version{}, cited: map[string]int{},
	}
	for i := range g.Answer.Nodes {
		s.nodes[g.Answer.Nodes[i].ID] = &g.Answer.Nodes[i]
	}
	for _, e := range g.Answer.Edges {
		if e.Kind == lineage.EdgeGenerated {
			s.generator[e.To] = e.From
		}
	}
	return s
}

// besides lists the roles of inputs that a model isn't trained with.
var besides = []string{"evaluation", "validation", "test", "testing", "benchmark", "eval"}

// gather finds everything that went into the model, following what each run says its outputs were made from.
func (s *sources) gather() error {
	var err error
	if s.model, err = s.version(s.g.Answer.Node, "", ""); err != nil {
		return err
	}
	queue := []*version{s.model}
	for len(queue) > 0 {
		v := queue[0]
		queue = queue[1:]
		via := v.via
		if v != s.model && v.record != nil && v.record.Kind == "model" {
			via = v.ref
		}
		more, err := s.parents(v, via)
		if err != nil {
			return err
		}
		queue = append(queue, more...)
	}
	return s.setAside()
}

// parents finds what a version was made from. It returns the versions that still have to be followed.
func (s *sources) parents(v *version, via string) (follow []*version, err error) {
	uses := []record.Use{}
	switch {
	case v.record == nil:
		return nil, nil
	case v.run != nil:
		uses = usesOf(v.run.Activity, v.ref)
	default:
		for _, ref := range v.record.DerivedFrom {
			uses = append(uses, record.Use{Ref: ref})
		}
	}
	for _, u := range uses {
		if _, err := record.ParseID(u.Ref); err == nil {
			v.events = append(v.events, u.Ref)
			continue
		}
		if v == s.model && slices.Contains(besides, u.Role) {
			continue // setAside adds it later
		}
		if s.nodes[u.Ref] == nil {
			s.missing++
			continue
		}
		known := s.all[u.Ref]
		if known == nil {
			if known, err = s.version(u.Ref, u.Role, via); err != nil {
				return nil, err
			}
			known.user = v.run
			s.sort(known)
			follow = append(follow, known)
		}
		if known.kind() != "code" {
			v.data = append(v.data, u.Ref)
		}
	}
	if v != s.model && v.run != nil && v.kind() != "model" && len(v.data) > 0 {
		s.steps = append(s.steps, v)
	}
	return follow, nil
}

func (v *version) kind() string {
	ref, err := record.ParseArtifactRef(v.ref)
	if err != nil {
		return ""
	}
	return ref.Kind
}

// sort adds a version to the list for its kind.
func (s *sources) sort(v *version) {
	switch v.kind() {
	case "model":
		s.bases = append(s.bases, v)
	case "code":
		s.code = append(s.code, v)
	default:
		s.data = append(s.data, v)
	}
}

// usesOf returns the inputs of a run that one of its outputs was made from.
func usesOf(a *record.Activity, ref string) []record.Use {
	for _, o := range a.Generated {
		if o.Ref != ref {
			continue
		}
		from := a.Sources(o)
		var uses []record.Use
		for _, u := range a.Used {
			if slices.Contains(from, u.Ref) {
				uses = append(uses, u)
			}
		}
		return uses
	}
	return nil
}

// setAside finds the inputs of the model's own run that the model wasn't made from.
func (s *sources) setAside() error {
	if s.model.run == nil {
		return nil
	}
	made := usesOf(s.model.run.Activity, s.model.ref)
	for _, u := range s.model.run.Used {
		if _, err := record.ParseArtifactRef(u.Ref); err != nil || s.all[u.Ref] != nil {
			continue
		}
		if slices.Contains(made, u) && !slices.Contains(besides, u.Role) {
			continue // beyond the end of the walk
		}
		v, err := s.version(u.Ref, u.Role, "")
		if err != nil {
			return err
		}
		v.user = s.model.run
		s.aside = append(s.aside, v)
	}
	return nil
}

// version reads an artifact version and its card.
func (s *sources) version(ref, role, via string) (*version, error) {
	v := &version{ref: ref, role: role, via: via}
	s.all[ref] = v
	at, a, err := s.g.Artifact(s.ctx, ref)
	if errors.Is(err, index.ErrNotFound) { // a run names it, but it was never registered
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	v.at, v.record, v.card = at, a, card.Describe(a.Card)
	if n := s.nodes[ref]; n != nil {
		v.flags = n.Flags
	} else {
		status, err := s.g.Source.Status(s.ctx, ref, s.g.Answer.Block)
		if err != nil {
			return nil, err
		}
		v.flags = status.Flags
	}
	if id := s.generator[ref]; id != "" {
		if v.run, err = s.runOf(id); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (s *sources) runOf(id string) (*run, error) {
	if r := s.runs[id]; r != nil {
		return r, nil
	}
	at, r, err := s.g.Record(s.ctx, id)
	if err != nil {
		return nil, err
	}
	s.runs[id] = &run{at, r.Activity}
	return s.runs[id], nil
}

// cite returns the number under which the document lists a record. It adds the record to the list if it isn't there
// yet.
func (s *sources) cite(id, what string, at index.Recording) int {
	if n := s.cited[id]; n > 0 {
		return n
	}
	n := len(s.citings) + 1
	s.cited[id] = n
	s.citings = append(s.citings, &citing{n, id, what, at})
	return n
}

// citeVersion returns the number of the record that registered a version.
func (s *sources) citeVersion(v *version) int {
	return s.cite(v.at.ID, v.ref, v.at.Recording)
}

func (s *sources) citeRun(r *run) int { return s.cite(r.at.ID, r.Type+" run", r.at.Recording) }
