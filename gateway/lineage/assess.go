package lineage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// UnknownOrganisationError says that an organisation has recorded no event, run or artifact version, at that height.
type UnknownOrganisationError struct {
	MSPID string
	Block uint64
}

func (e *UnknownOrganisationError) Error() string {
	return fmt.Sprintf("no event, artifact or run up to block %d was recorded by %q", e.Block, e.MSPID)
}

// Assess walks down from the query's node, or from what its organisation
// recorded, whatever direction it has, and sums up. Errors are those of Trace, and
// an *UnknownOrganisationError.
//
// Beside the walk's reasons, Truncated may tell "starts", if the organisation has
// recorded more than half of what the answer holds, so that the walk began at the newest of it
// alone; and "recalls", if not all recalls could be looked at.
func Assess(ctx context.Context, g Graph, q Query) (*Impact, error) {
	q.Direction = Descendants
	if (q.Node == "") == (q.Organisation == "") {
		return nil, errors.New("an impact is that of a node or that of an organisation: give one of them")
	}
	snap, err := g.Snapshot(ctx, q.At)
	if err != nil {
		return nil, err
	}
	a := assessment{links: newLinks(g, snap), query: q.orDefaults()}
	a.end = time.Now().Add(a.query.Budget)
	if err := a.begin(ctx); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{a.walk, a.touched, a.recalls, a.acknowledgements} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	a.sum()
	return a.impact, nil
}

// assessment is an impact under way. All its walks share what they read.
type assessment struct {
	links  *links
	query  Query
	end    time.Time
	starts []index.Vertex
	more   bool // there would be more starts

	down   *walk
	visits []*visit // of down, in the order of the answer
	nodes  []Node
	impact *Impact
	place  map[int64]int // of touched nodes, in impact.Touched
	ids    []int64       // of the nodes in impact.Touched
	found  []reach       // of the recalls in the impact
	back   map[walkBack][]int
}

// begin finds where to begin.
func (a *assessment) begin(ctx context.Context) error {
	if a.query.Organisation == "" {
		start, err := a.links.find(ctx, a.query.Node)
		a.starts = []index.Vertex{start}
		return err
	}
	var err error
	a.starts, a.more, err = a.links.graph.FirstRecordedBy(ctx, a.query.Organisation, a.links.snap, max(1, a.query.Nodes/2))
	if err == nil && len(a.starts) == 0 {
		return &UnknownOrganisationError{a.query.Organisation, a.links.snap.Block}
	}
	return err
}

func (a *assessment) walk(ctx context.Context) error {
	a.down = newWalk(a.query, a.links, a.starts)
	if a.more {
		a.down.reasons["starts"] = true
	}
	if err := a.down.run(ctx, a.end); err != nil {
		return err
	}
	answer, visits, err := a.down.answer(ctx)
	if err != nil {
		return err
	}
	a.visits, a.nodes = visits, answer.Nodes
	a.impact = &Impact{
		Organisation: a.query.Organisation, Starts: len(a.starts), Block: answer.Block, Truncated: answer.Truncated,
		Kinds: map[string]int{}, Organisations: []Organisation{}, Touched: []Touched{}, Notices: []Notice{},
	}
	if a.query.Organisation == "" {
		a.impact.Node = answer.Node
	}
	a.impact.OnTheMove, err = a.down.moving(ctx, visits, answer.Nodes)
	return err
}

// touched lists the nodes that were touched.
func (a *assessment) touched(context.Context) error {
	moving := make(map[string]bool, len(a.impact.OnTheMove))
	for _, m := range a.impact.OnTheMove {
		moving[m.ID] = true
	}
	names := make(map[int64]named, len(a.visits))
	for i, v := range a.visits {
		names[v.id] = named{a.nodes[i].ID, a.nodes[i].Name()}
	}
	a.place = make(map[int64]int, len(a.visits))
	for i, v := range a.visits {
		n := a.nodes[i]
		if v.first.before == nil || n.Carrier {
			continue
		}
		t := Touched{
			ID: n.ID, Kind: n.Kind, Name: names[v.id].name, MSPID: n.MSPID, Depth: n.Depth,
			Type: n.Type, Time: n.Time, BizStep: n.BizStep, Disposition: n.Disposition, BizLocation: n.BizLocation,
			Digest: n.Digest,
			Flags:  n.Flags, OnTheMove: moving[n.ID], Why: v.first.why(names),
		}
		for _, claim := range n.Claims {
			if warns(claim) {
				t.Recalled = append(t.Recalled, claim)
			}
		}
		a.place[v.id] = len(a.impact.Touched)
		a.ids = append(a.ids, v.id)
		a.impact.Touched = append(a.impact.Touched, t)
	}
	return nil
}

// named is a node with its name for people.
type named struct{ id, name string }

// mostSteps is the length up to which a path is told whole.
const mostSteps = 24

// why is the path of an arrival, from its start.
func (a *arrival) why(names map[int64]named) []Step {
	path := make([]Step, 0, min(a.depth+1, mostSteps))
	for p, n := a, 0; p != nil; p, n = p.before, n+1 {
		if n >= mostSteps/2 && p.depth >= mostSteps/2 {
			path[len(path)-1].Omitted++
			continue
		}
		s := Step{Node: names[p.at.id].id, Name: names[p.at.id].name}
		if p.before != nil {
			s.Edge, s.Against = edgeKinds[p.kind], p.against
		}
		path = append(path, s)
	}
	slices.Reverse(path)
	return path
}

// sum makes the sums.
func (a *assessment) sum() {
	im := a.impact
	im.Total = len(im.Touched)
	at := map[string]*Organisation{}
	for _, t := range im.Touched {
		o := at[t.MSPID]
		if o == nil {
			o = &Organisation{MSPID: t.MSPID, Kinds: map[string][]string{}}
			at[t.MSPID] = o
		}
		im.Kinds[t.Kind]++
		o.Total++
		o.Kinds[t.Kind] = append(o.Kinds[t.Kind], t.ID)
		if len(t.Recalled) > 0 {
			o.Recalled++
		}
		if t.OnTheMove {
			o.OnTheMove++
		}
	}
	for _, r := range im.Notices {
		for _, mspID := range r.Missing {
			at[mspID].Unacknowledged = append(at[mspID].Unacknowledged, r.ID)
		}
	}
	for _, mspID := range slices.Sorted(maps.Keys(at)) {
		im.Organisations = append(im.Organisations, *at[mspID])
	}
}

// cut notes that something beside the walk is not whole.
func (a *assessment) cut(reason string) {
	t := a.impact.Truncated
	if t == nil {
		t = &Truncation{Frontier: []string{}}
		a.impact.Truncated = t
	}
	if !slices.Contains(t.Reasons, reason) {
		t.Reasons = append(t.Reasons, reason)
		slices.Sort(t.Reasons)
	}
}

// warns tells whether a claim is a recall, a withdrawal of consent or a warning, and nobody has taken it back.
func warns(c index.Claim) bool {
	return !c.Retracted && record.Warns(c.Kind)
}

// inOrder sorts vertices as they are on the ledger, and leaves out those that are there twice.
func inOrder(all []index.Vertex) []index.Vertex {
	slices.SortFunc(all, func(a, b index.Vertex) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(all, func(a, b index.Vertex) bool { return a.ID == b.ID })
}
