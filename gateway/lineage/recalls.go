package lineage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Bounds of what an impact tells of recalls.
const (
	mostRecalls          = 50
	mostAcknowledgements = 100 // of one recall
)

// recalls finds the recalls that reach what was touched, and what each reaches:
// its own walk says so. They are looked for at the nodes of the answer, and at
// what those came from at which the walk began.
func (a *assessment) recalls(ctx context.Context) error {
	all, err := a.standing(ctx)
	if err != nil {
		return err
	}
	if len(all) > mostRecalls {
		all = all[:mostRecalls]
		a.cut("recalls")
	}
	for _, v := range all {
		reached, err := a.reachedBy(ctx, v)
		if err != nil {
			return err
		}
		if len(reached) == 0 {
			continue
		}
		slices.Sort(reached)
		for _, i := range reached {
			a.impact.Touched[i].Recalls = append(a.impact.Touched[i].Recalls, v.Name)
		}
		r, err := a.read(ctx, v.Name)
		if err != nil {
			return err
		}
		r.Touched = len(reached)
		a.impact.Recalls, a.found = append(a.impact.Recalls, r), append(a.found, v)
	}
	return nil
}

// standing lists the recalls that may reach what was touched, in the order of the ledger.
func (a *assessment) standing(ctx context.Context) ([]index.Vertex, error) {
	ids := map[string]bool{}
	note := func(claims []index.Claim) {
		for _, c := range claims {
			if recalls(c) {
				ids[c.ID] = true
			}
		}
	}
	for _, n := range a.nodes {
		note(n.Claims)
	}
	// The walk up begins where the walk down did. A statement has come from nothing; what it is about has.
	starts := slices.Clone(a.starts)
	for _, start := range a.starts {
		if start.Kind != index.KindStatement {
			continue
		}
		for _, l := range a.links.of[start.ID] {
			if v := a.down.visits[l.Node]; l.Role == index.RoleSubject && v != nil {
				starts = append(starts, index.Vertex{ID: v.id, Kind: v.kind})
			}
		}
	}
	q := a.query
	q.Direction = Ancestors
	up := newWalk(q, a.links, inOrder(starts))
	if err := up.run(ctx, a.end); err != nil {
		return nil, err
	}
	if len(up.reasons) > 0 {
		a.cut("recalls")
	}
	above := make([]int64, 0, len(up.visits))
	for id := range up.visits {
		if a.down.visits[id] == nil {
			above = append(above, id)
		}
	}
	slices.Sort(above)
	statuses, err := a.links.graph.Statuses(ctx, up.claimed(above), a.links.snap)
	if err != nil {
		return nil, err
	}
	for _, s := range statuses {
		note(s.Claims)
	}
	var all []index.Vertex
	for id := range ids {
		v, err := a.links.find(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	if len(a.starts) == 1 && a.starts[0].Kind == index.KindStatement && a.stands(a.starts[0]) {
		all = append(all, a.starts[0])
	}
	return inOrder(all), nil
}

// stands tells whether the statement that was asked about is a recall that nobody has taken back.
func (a *assessment) stands(index.Vertex) bool {
	start := a.nodes[0]
	return record.Warns(start.Type) && !slices.Contains(start.Flags, "retracted")
}

// reachedBy lists the touched nodes that a recall reaches, by their places.
func (a *assessment) reachedBy(ctx context.Context, recall index.Vertex) ([]int, error) {
	var places []int
	if len(a.starts) == 1 && a.starts[0].ID == recall.ID {
		for _, place := range a.place {
			places = append(places, place)
		}
		return places, nil
	}
	w := newWalk(a.query, a.links, []index.Vertex{recall})
	if err := w.run(ctx, a.end); err != nil {
		return nil, err
	}
	if len(w.reasons) > 0 {
		a.cut("recalls")
	}
	for id, v := range w.visits {
		if place, ok := a.place[id]; ok && v.onItsOwn() {
			places = append(places, place)
		}
	}
	return places, nil
}

// read reads what a recall says.
func (a *assessment) read(ctx context.Context, id string) (Recall, error) {
	s, at, err := a.links.statement(ctx, id)
	if err != nil {
		return Recall{}, err
	}
	r := Recall{
		ID: id, Kind: s.Kind, MSPID: at.MSPID, Block: at.Block, Recorded: at.Time, Reason: s.Predicate.Get("reason").Text, Instructions: s.Predicate.Get("instructions").Text,
		Subjects: make([]string, len(s.Subjects)), Acknowledged: []Acknowledgement{}, Missing: []string{},
	}
	for i, subject := range s.Subjects {
		r.Subjects[i] = subject.Node
	}
	return r, nil
}

// statement reads a statement's record.
func (l *links) statement(ctx context.Context, id string) (*record.Statement, index.Recording, error) {
	r, err := l.graph.Record(ctx, id, l.snap.Block)
	if err != nil {
		return nil, index.Recording{}, err
	}
	read, problems := record.Decode(r.Body)
	if len(problems) > 0 || read.Statement == nil {
		return nil, index.Recording{}, fmt.Errorf(
			"the record %s is not the statement that the index takes it for: run pedigree reindex",
			id,
		)
	}
	return read.Statement, r.Recording, nil
}

// acknowledgements finds who has acknowledged the recalls, and who of those they reach has not.
func (a *assessment) acknowledgements(ctx context.Context) error {
	nodes := make([]int64, len(a.found))
	for i, v := range a.found {
		nodes[i] = v.ID
	}
	statuses, err := a.links.graph.Statuses(ctx, nodes, a.links.snap)
	if err != nil {
		return err
	}
	touched := make(map[string]map[string]bool, len(a.found)) // by recall: the organisations
	for _, t := range a.impact.Touched {
		for _, id := range t.Recalls {
			if touched[id] == nil {
				touched[id] = map[string]bool{}
			}
			touched[id][t.MSPID] = true
		}
	}
	acknowledged := make(map[string][]string, len(a.found)) // by recall: the organisations, sorted
	for i := range a.impact.Recalls {
		r := &a.impact.Recalls[i]
		by := map[string]bool{}
		for _, c := range claimsOf(statuses[nodes[i]]) {
			if c.Kind != record.Acknowledgement || c.Retracted {
				continue
			}
			by[c.MSPID] = true
			if len(r.Acknowledged) == mostAcknowledgements {
				a.cut("recalls")
				continue
			}
			s, at, err := a.links.statement(ctx, c.ID)
			if err != nil {
				return err
			}
			r.Acknowledged = append(
				r.Acknowledged,
				Acknowledgement{
					ID:       c.ID,
					MSPID:    c.MSPID,
					Action:   s.Predicate.Get("action").Text,
					Block:    c.Block,
					Recorded: at.Time,
				},
			)
		}
		for mspID := range touched[r.ID] {
			if !by[mspID] && mspID != r.MSPID {
				r.Missing = append(r.Missing, mspID)
			}
		}
		slices.Sort(r.Missing)
		for mspID := range by {
			acknowledged[r.ID] = append(acknowledged[r.ID], mspID)
		}
		slices.Sort(acknowledged[r.ID])
	}
	a.acknowledge(acknowledged)
	return nil
}

// acknowledge tells each touched node who has acknowledged all that reaches it. Many nodes are reached by the same
// recalls.
func (a *assessment) acknowledge(by map[string][]string) {
	common := map[string][]string{}
	for i := range a.impact.Touched {
		t := &a.impact.Touched[i]
		if len(t.Recalls) == 0 {
			continue
		}
		key := strings.Join(t.Recalls, " ")
		all, ok := common[key]
		if !ok {
			all = slices.Clone(by[t.Recalls[0]])
			for _, id := range t.Recalls[1:] {
				all = slices.DeleteFunc(all, func(mspID string) bool { return !slices.Contains(by[id], mspID) })
			}
			common[key] = all
		}
		t.Acknowledged = all
	}
}

func claimsOf(s *index.Status) []index.Claim {
	if s == nil {
		return nil
	}
	return s.Claims
}
