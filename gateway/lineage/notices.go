package lineage

import (
	"context"
	"fmt"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Bounds of what an impact tells of recalls.
const (
	mostRecalls          = 50
	mostAcknowledgements = 100 // of one recall
	mostWalksBack        = 20  // for acknowledgements that are older than something that their recall reaches
	// recallDepth is the depth of walks for recalls. The depth that was asked for limits what is told, but a recall
	// further away still reaches it.
	recallDepth = 1000
)

// reach is a recall, and what it reaches of what was touched.
type reach struct {
	recall index.Vertex
	places []int
	newest int64 // the newest record that its walk went over
}

// recalls finds the recalls that reach what was touched, and what each reaches:
// its own walk says so. They are looked for at the nodes of the answer, and at
// what those came from at which the walk began.
func (a *assessment) recalls(ctx context.Context) error {
	all, err := a.possibleNotices(ctx)
	if err != nil {
		return err
	}
	if len(all) > mostRecalls {
		all = all[:mostRecalls]
		a.cut("recalls")
	}
	for _, v := range all {
		found, err := a.reachedBy(ctx, v)
		if err != nil {
			return err
		}
		reached := found.places
		if len(reached) == 0 {
			continue
		}
		slices.Sort(reached)
		for _, i := range reached {
			a.impact.Touched[i].Notices = append(a.impact.Touched[i].Notices, v.Name)
		}
		r, err := a.read(ctx, v.Name)
		if err != nil {
			return err
		}
		r.Touched = len(reached)
		a.impact.Notices, a.found = append(a.impact.Notices, r), append(a.found, found)
	}
	return nil
}

// possibleNotices lists the notices that may reach what was touched, in the order of the ledger.
func (a *assessment) possibleNotices(ctx context.Context) ([]index.Vertex, error) {
	ids := map[string]bool{}
	note := func(claims []index.Claim) {
		for _, c := range claims {
			if warns(c) {
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
	q.Direction, q.Depth = Ancestors, recallDepth
	up := newWalk(q, a.links, inOrder(starts))
	up.broad = true
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
	if len(a.starts) == 1 && a.starts[0].Kind == index.KindStatement && a.isNotice(a.starts[0]) {
		all = append(all, a.starts[0])
	}
	return inOrder(all), nil
}

// isNotice tells whether the statement that was asked about warns, and nobody has taken it back.
func (a *assessment) isNotice(index.Vertex) bool {
	start := a.nodes[0]
	return record.Warns(start.Type) && !slices.Contains(start.Flags, record.FlagOf(record.Retraction))
}

// reachedBy finds the touched nodes that a recall reaches.
func (a *assessment) reachedBy(ctx context.Context, recall index.Vertex) (reach, error) {
	r := reach{recall: recall}
	if len(a.starts) == 1 && a.starts[0].ID == recall.ID {
		for _, place := range a.place {
			r.places = append(r.places, place)
		}
		r.newest = a.down.newest()
		return r, nil
	}
	w, err := a.walkFrom(ctx, recall, a.links)
	if err != nil {
		return r, err
	}
	r.newest = w.newest()
	for id, v := range w.visits {
		if place, ok := a.place[id]; ok && v.onItsOwn() {
			r.places = append(r.places, place)
		}
	}
	return r, nil
}

// walkFrom walks from a recall to all that it reaches.
func (a *assessment) walkFrom(ctx context.Context, recall index.Vertex, l *links) (*walk, error) {
	q := a.query
	q.Depth = recallDepth
	w := newWalk(q, l, []index.Vertex{recall})
	if err := w.run(ctx, a.end); err != nil {
		return nil, err
	}
	if len(w.reasons) > 0 {
		a.cut("recalls")
	}
	return w, nil
}

// newest is the newest record that a walk went over. Ids are in the order of the ledger.
func (w *walk) newest() int64 {
	var newest int64
	for id, v := range w.visits {
		if v.kind.IsRecord() {
			newest = max(newest, id)
		}
	}
	for _, e := range w.edges.all {
		newest = max(newest, e.record)
	}
	return newest
}

// read reads what a recall says.
func (a *assessment) read(ctx context.Context, id string) (Notice, error) {
	s, of, err := a.links.statement(ctx, id)
	if err != nil {
		return Notice{}, err
	}
	weight, err := a.links.graph.Weigh(ctx, of)
	if err != nil {
		return Notice{}, err
	}
	at := of.Recording
	r := Notice{
		ID: id, Kind: weight.Kind, Standing: weight.Standing, Stated: weight.Stated, MSPID: at.MSPID, Block: at.Block,
		Recorded: at.Time, Reason: s.Predicate.Get("reason").Text, Instructions: s.Predicate.Get("instructions").Text,
		Subjects: make([]string, len(s.Subjects)), Acknowledged: []Acknowledgement{}, Missing: []string{},
	}
	for i, subject := range s.Subjects {
		r.Subjects[i] = subject.Node
	}
	return r, nil
}

// statement reads a statement's record.
func (l *links) statement(ctx context.Context, id string) (*record.Statement, *index.Record, error) {
	r, err := l.graph.Record(ctx, id, l.snap.Block)
	if err != nil {
		return nil, nil, err
	}
	read, problems := record.Decode(r.Body)
	if len(problems) > 0 || read.Statement == nil {
		return nil, nil, fmt.Errorf(
			"the record %s is not the statement that the index takes it for: run pedigree reindex",
			id,
		)
	}
	return read.Statement, r, nil
}

func claimsOf(s *index.Status) []index.Claim {
	if s == nil {
		return nil
	}
	return s.Claims
}
