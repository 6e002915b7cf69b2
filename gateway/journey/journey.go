// Package journey collects what the ledger says about one thing, for the page of that thing. It has the events of the
// thing and of its carriers, the readings of sensors, what the thing was made of and what was made of it, and the
// statements and the decisions of models about it.
//
// [Of] makes a [Journey] from two walks through the lineage graph. [Journey.Details] and [Journey.Measure] then read
// more from the records of its events. Everything comes from the gateway's index without proofs, so a reader has to
// trust the gateway.
package journey

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// Limits of a journey. They keep the page of a thing with many relatives as quick as any other.
const (
	mostNodes    = 2_000 // of each walk
	mostDepth    = 60
	mostFamily   = 8  // things, and artifacts, listed on each side
	mostClaims   = 40 // claims about the thing that are read
	mostAffected = 8  // recalled sources listed
)

// Journey is what the ledger says about one thing.
type Journey struct {
	Thing string
	Block uint64 // the journey shows the ledger after this block
	Steps []Step // all events of the thing and of its carriers, in order of time

	Made, Became Family // what it was made of, and what became of it
	// Carriers lists the first few things that held this one, and Held those that this one held. The counts are of all.
	Carriers, Held          []Relative
	CarrierCount, HeldCount int
	// Affected lists recalled things, data and records from which the thing, or a decision about it, comes.
	Affected  []Source
	Decisions []Decision // by models, about the thing
	Claims    []Claim    // statements about the thing itself
	More      int        // how many further claims were not read

	// Ancestors and Descendants are the walks from which the journey was made.
	Ancestors, Descendants *lineage.Answer
}

// Roles that a thing has in an event.
const (
	Made = "made" // the event made it
	Used = "used" // the event used it up, or some of it
	Seen = "seen"
)

// Step is one event on the way.
type Step struct {
	*lineage.Node
	Role    string
	Carrier string // the thing's carrier, if the event names the carrier and not the thing; else empty
}

// Warned reports whether the step's record carries a warning; see [record.IsWarning].
func (s *Step) Warned() bool { return recalled(s.Node) }

// Of returns the journey of a thing as the ledger was after a block. The error is a *lineage.UnknownNodeError if no
// record names the thing.
func Of(ctx context.Context, ix *index.Index, thing string, at uint64) (*Journey, error) {
	q := lineage.Query{Node: thing, At: at, Direction: lineage.Ancestors, Depth: mostDepth, Nodes: mostNodes}
	up, err := lineage.Trace(ctx, ix, q)
	if err != nil {
		return nil, err
	}
	q.Direction, q.At = lineage.Descendants, up.Block
	down, err := lineage.Trace(ctx, ix, q)
	if err != nil {
		return nil, err
	}
	j := &Journey{Thing: up.Node, Block: up.Block, Ancestors: up, Descendants: down}
	upper, lower := newGraph(up), newGraph(down)
	j.steps(upper, lower)
	j.Made, j.Became = upper.family(j.Thing, upper.in, from), lower.family(j.Thing, lower.out, to)
	j.Carriers, j.CarrierCount = upper.held(upper.in[j.Thing], from)
	j.Held, j.HeldCount = lower.held(lower.out[j.Thing], to)
	if j.Affected, err = sources(ctx, ix, j, upper.recalled(j.Thing)); err != nil {
		return nil, err
	}
	if err := j.decide(ctx, ix, upper); err != nil {
		return nil, err
	}
	return j, j.claim(ctx, ix)
}

// Last returns the newest step that is neither declared an error nor such a declaration itself, or nil.
func (j *Journey) Last() *Step {
	for i := len(j.Steps) - 1; i >= 0; i-- {
		if s := &j.Steps[i]; !slices.Contains(s.Flags, lineage.FlagError) &&
			!slices.Contains(s.Flags, lineage.FlagDeclaration) {
			return s
		}
	}
	return nil
}

// Organisations returns the organisations that recorded steps, the one with the most steps first. Those with equally
// many are in the order of their names.
func (j *Journey) Organisations() []string {
	count := map[string]int{}
	var names []string
	for _, s := range j.Steps {
		if count[s.MSPID]++; count[s.MSPID] == 1 {
			names = append(names, s.MSPID)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(count[b]-count[a], cmp.Compare(a, b)) })
	return names
}

// graph is a walk's answer with its nodes by id and its edges by either end.
type graph struct {
	answer *lineage.Answer
	node   map[string]*lineage.Node
	in     map[string][]*lineage.Edge
	out    map[string][]*lineage.Edge
}

func newGraph(a *lineage.Answer) *graph {
	g := &graph{
		answer: a,
		node:   make(map[string]*lineage.Node, len(a.Nodes)),
		in:     map[string][]*lineage.Edge{},
		out:    map[string][]*lineage.Edge{},
	}
	for i := range a.Nodes {
		g.node[a.Nodes[i].ID] = &a.Nodes[i]
	}
	for i := range a.Edges {
		e := &a.Edges[i]
		g.in[e.To] = append(g.in[e.To], e)
		g.out[e.From] = append(g.out[e.From], e)
	}
	return g
}

// steps collects the events of the thing and of its carriers that are in the walks, in order of time.
func (j *Journey) steps(walks ...*graph) {
	at := map[string]int{}
	add := func(n *lineage.Node, role, carrier string) {
		if n == nil || n.Kind != "event" {
			return
		}
		i, ok := at[n.ID]
		if !ok {
			at[n.ID] = len(j.Steps)
			j.Steps = append(j.Steps, Step{n, role, carrier})
			return
		}
		if s := &j.Steps[i]; carrier == "" { // an event that names the thing itself is shown as the thing's own
			s.Carrier = ""
			if role != Seen {
				s.Role = role
			}
		}
	}
	for _, g := range walks {
		for carrier := range g.carriers(j.Thing) {
			own := carrier
			if carrier == j.Thing {
				own = ""
			}
			for _, e := range g.out[carrier] {
				switch e.Kind {
				case lineage.EdgeObserved:
					add(g.node[e.To], Seen, own)
				case lineage.EdgeInput:
					if own == "" {
						add(g.node[e.To], Used, "")
					}
				}
			}
			if own != "" {
				continue
			}
			for _, e := range g.in[carrier] {
				if e.Kind == lineage.EdgeOutput {
					add(g.node[e.From], Made, "")
				}
			}
		}
	}
	slices.SortStableFunc(j.Steps, func(a, b Step) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Block, b.Block), cmp.Compare(a.ID, b.ID))
	})
}

// carriers returns a thing and all carriers that held it, directly or inside another carrier.
func (g *graph) carriers(thing string) map[string]bool {
	found := map[string]bool{thing: true}
	for next := []string{thing}; len(next) > 0; {
		child := next[0]
		next = next[1:]
		for _, e := range g.in[child] {
			if parent := g.node[e.From]; e.Kind == lineage.EdgeContains && parent != nil && parent.Carrier && !found[e.From] {
				found[e.From] = true
				next = append(next, e.From)
			}
		}
	}
	return found
}

// Relative is one member of a family: a thing, or an artifact version such as a data set or a model.
type Relative struct {
	*lineage.Node
}

// Family is what a thing was made of, or what became of it.
type Family struct {
	Things    []Relative // the first few, the nearest first
	Artifacts []Relative // likewise
	// The counts and Organisations cover all members, listed here or not.
	ThingCount, ArtifactCount int
	Organisations             []string
	Cut                       bool // the walk was cut short, so there may be more members
}

// family collects the members on one side of a thing. Things belong to it only if transformations connect them with the
// thing, because a thing isn't made of what it travelled with. Artifacts belong to it only among descendants.
func (g *graph) family(thing string, next map[string][]*lineage.Edge, other func(*lineage.Edge) string) Family {
	f := Family{Cut: g.answer.Truncated != nil}
	related := map[string]bool{thing: true}
	for queue := []string{thing}; len(queue) > 0; {
		id := queue[0]
		queue = queue[1:]
		for _, e := range next[id] {
			switch to := other(e); e.Kind {
			case lineage.EdgeInput, lineage.EdgeOutput, lineage.EdgeContinues, lineage.EdgeItem, lineage.EdgeMember:
				if !related[to] {
					related[to] = true
					queue = append(queue, to)
				}
			}
		}
	}
	for i := range g.answer.Nodes {
		n := &g.answer.Nodes[i]
		switch {
		case n.ID == thing:
			continue
		case n.Kind == "artifact" && g.answer.Direction == lineage.Ancestors:
			continue // a thing isn't made of data; data behind a decision about it belongs to that decision
		case n.Kind == "artifact":
			if f.ArtifactCount++; len(f.Artifacts) < mostFamily {
				f.Artifacts = append(f.Artifacts, Relative{n})
			}
		case !related[n.ID]:
			continue
		case n.Kind == "thing" || n.Kind == "class":
			if f.ThingCount++; len(f.Things) < mostFamily {
				f.Things = append(f.Things, Relative{n})
			}
		}
		if n.MSPID != "" && !slices.Contains(f.Organisations, n.MSPID) {
			f.Organisations = append(f.Organisations, n.MSPID)
		}
	}
	slices.Sort(f.Organisations)
	return f
}

// held lists the first few nodes at the other end of containment edges, and counts all of them.
func (g *graph) held(edges []*lineage.Edge, other func(*lineage.Edge) string) (list []Relative, count int) {
	seen := map[string]bool{}
	for _, e := range edges {
		n := g.node[other(e)]
		if e.Kind != lineage.EdgeContains || n == nil || seen[n.ID] {
			continue
		}
		seen[n.ID] = true
		if count++; len(list) < mostFamily {
			list = append(list, Relative{n})
		}
	}
	return list, count
}

func from(e *lineage.Edge) string { return e.From }
func to(e *lineage.Edge) string   { return e.To }

func recalled(n *lineage.Node) bool {
	return slices.ContainsFunc(n.Flags, record.IsWarning)
}

// recalled returns the nodes of a walk that carry a warning, without the start.
func (g *graph) recalled(start string) []*lineage.Node {
	var found []*lineage.Node
	for i := range g.answer.Nodes {
		if n := &g.answer.Nodes[i]; n.ID != start && recalled(n) {
			found = append(found, n)
		}
	}
	return found
}

// Source is one statement that recalls or withdraws something that a thing comes from.
type Source struct {
	Nodes        []*lineage.Node // the nodes that the statement is about, the nearest first
	Statement    string          // record id
	Kind         string          // recall or withdrawal
	MSPID        string
	Reason       string
	Instructions string
	Time         time.Time // time of the statement's transaction
}

// sources groups recalled nodes by the statements that recall them.
func sources(ctx context.Context, ix *index.Index, j *Journey, nodes []*lineage.Node) ([]Source, error) {
	at := map[string]int{}
	var list []Source
	for _, n := range nodes {
		for _, c := range n.Claims {
			if c.Retracted || !record.Warns(c.Kind) {
				continue
			}
			i, ok := at[c.ID]
			if !ok {
				if len(list) == mostAffected {
					continue
				}
				i = len(list)
				at[c.ID] = i
				list = append(list, Source{Statement: c.ID, Kind: c.Kind, MSPID: c.MSPID})
			}
			list[i].Nodes = append(list[i].Nodes, n)
		}
	}
	for i := range list {
		r, err := ix.Record(ctx, list[i].Statement, j.Block)
		if errors.Is(err, index.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		predicate, err := member(r, "predicate")
		if err != nil {
			return nil, err
		}
		list[i].Reason, list[i].Instructions, list[i].Time = predicate.Get(
			"reason",
		).Text, predicate.Get(
			"instructions",
		).Text, r.Time
	}
	return list, nil
}
