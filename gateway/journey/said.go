package journey

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// Claim is a statement about the thing, with what its record says.
type Claim struct {
	index.Claim
	Recorded  time.Time
	Predicate canonical.Value
	Type      string // the predicate type, if it is an attestation
}

// member reads one member of a record's body.
func member(r *index.Record, name string) (canonical.Value, error) {
	body, err := canonical.Parse(r.Body, canonical.Limits{})
	if err != nil {
		return canonical.Value{}, fmt.Errorf("couldn't read record %s: %w", r.ID, err)
	}
	return body.Get(name), nil
}

// claim reads the statements about the thing itself, including its recalls.
func (j *Journey) claim(ctx context.Context, ix *index.Index) error {
	for _, c := range j.Ancestors.Nodes[0].Claims {
		if len(j.Claims) == mostClaims {
			j.More++
			continue
		}
		r, err := ix.Record(ctx, c.ID, j.Block)
		if err != nil {
			return err
		}
		body, err := canonical.Parse(r.Body, canonical.Limits{})
		if err != nil {
			return fmt.Errorf("couldn't read record %s: %w", r.ID, err)
		}
		j.Claims = append(j.Claims, Claim{c, r.Time, body.Get("predicate"), body.Get("predicateType").Text})
	}
	return nil
}

// Decision is a run that decided something about the thing.
type Decision struct {
	*lineage.Node
	Outcome canonical.Value
	Models  []string        // model versions that the run used
	Others  []string        // other artifacts or things that the run used
	Tainted []*lineage.Node // recalled things, data and records from which the decision comes
}

// MaxDecisions is how many decisions are read. They are the newest ones.
const MaxDecisions = 20

// decide reads the runs that decided about the thing.
func (j *Journey) decide(ctx context.Context, ix *index.Index, g *graph) error {
	for _, n := range g.deciders(j.Thing) {
		r, err := ix.Record(ctx, n.ID, j.Block)
		if err != nil {
			return err
		}
		outcome, err := member(r, "outcome")
		if err != nil {
			return err
		}
		d := Decision{Node: n, Outcome: outcome, Tainted: g.upstream(n.ID)}
		for _, used := range g.in[n.ID] {
			if used.Kind != lineage.EdgeUsed {
				continue
			}
			if isModel(used.From) {
				d.Models = append(d.Models, used.From)
			} else {
				d.Others = append(d.Others, used.From)
			}
		}
		j.Decisions = append(j.Decisions, d)
	}
	return nil
}

// deciders returns the newest MaxDecisions runs that decided about a thing, the newest first.
func (g *graph) deciders(thing string) []*lineage.Node {
	var runs []*lineage.Node
	for _, e := range g.in[thing] {
		if n := g.node[e.From]; n != nil && e.Kind == lineage.EdgeAbout {
			runs = append(runs, n)
		}
	}
	slices.SortStableFunc(runs, func(a, b *lineage.Node) int {
		return cmp.Or(cmp.Compare(b.Block, a.Block), b.Recorded.Compare(a.Recorded), strings.Compare(a.ID, b.ID))
	})
	return runs[:min(len(runs), MaxDecisions)]
}

func isModel(node string) bool { return len(node) > 6 && node[:6] == "model/" }

// upstream returns the recalled nodes from which a node comes, the nearest first.
func (g *graph) upstream(from string) []*lineage.Node {
	seen := map[string]bool{from: true}
	var found []*lineage.Node
	for next := []string{from}; len(next) > 0; {
		id := next[0]
		next = next[1:]
		for _, e := range g.in[id] {
			n := g.node[e.From]
			if n == nil || seen[e.From] || e.Kind == lineage.EdgeObserved || e.Kind == lineage.EdgeContains {
				continue
			}
			seen[e.From] = true
			if recalled(n) {
				found = append(found, n)
			}
			next = append(next, e.From)
		}
	}
	return found
}
