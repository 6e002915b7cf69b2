package picture

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

var day = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// answer builds lineage answers.
type answer struct {
	lineage.Answer
	r *rand.Rand
}

func newAnswer(seed uint64) *answer {
	return &answer{lineage.Answer{Direction: lineage.Descendants, Block: 9}, rand.New(rand.NewPCG(seed, 1))}
}

func (a *answer) node(n lineage.Node) string {
	if n.ID == "" {
		n.ID = fmt.Sprintf("ni:///sha-256;%064x", a.r.Uint64())
	}
	n.Block = uint64(len(a.Nodes)/7 + 1)
	if len(a.Nodes) == 0 {
		a.Node = n.ID
	}
	a.Nodes = append(a.Nodes, n)
	return n.ID
}

func (a *answer) edge(from, to, kind string) {
	a.Edges = append(a.Edges, lineage.Edge{From: from, To: to, Kind: kind})
}

func (a *answer) event(msp, step, kind string, depth, hour int) string {
	return a.node(lineage.Node{Kind: "event", MSPID: msp, Type: kind, BizStep: "https://ref.gs1.org/cbv/BizStep-" + step, Depth: depth, Time: day.Add(time.Duration(hour) * time.Hour)})
}

func (a *answer) run(kind string, depth, hour int) string {
	return a.node(lineage.Node{Kind: "activity", MSPID: "LabMSP", Type: kind, Depth: depth, Time: day.Add(time.Duration(hour) * time.Hour)})
}

func (a *answer) artifact(id string, depth int) string {
	return a.node(lineage.Node{ID: id, Kind: "artifact", MSPID: "LabMSP", Depth: depth})
}

func (a *answer) thing(id, msp string, depth int) string {
	return a.node(lineage.Node{ID: id, Kind: "class", MSPID: msp, Depth: depth})
}

// recall makes an answer of about n nodes: a recalled reading, and the datasets, models, decisions, lots and items that
// came from it.
func recall(n int) *lineage.Answer {
	a := newAnswer(uint64(n))
	start := a.event("MarketMSP", "transporting", "ObjectEvent", 0, 0)
	a.Nodes[0].Flags = []string{"recalled"}
	serial := 100_000
	for d := 0; len(a.Nodes) < n; d++ {
		set := a.artifact(fmt.Sprintf("dataset/lab/temperatures@%d", d), 1)
		a.edge(start, set, lineage.EdgeDerived)
		for m := range 1 + a.r.IntN(3) {
			training := a.run("training", 2, 10)
			model := a.artifact(fmt.Sprintf("model/lab/spoilage-%d@%d", d, m), 3)
			a.edge(set, training, lineage.EdgeUsed)
			a.edge(training, model, lineage.EdgeGenerated)
			for k := range 2 + a.r.IntN(7) {
				if len(a.Nodes) >= n {
					break
				}
				serial++
				org := []string{"HarborMSP", "MarketMSP"}[a.r.IntN(2)]
				decision := a.run("inference", 4, 11+k)
				lot := a.thing(fmt.Sprintf("https://id.gs1.org/01/09520001200014/10/L-%d", serial), org, 5)
				a.edge(model, decision, lineage.EdgeUsed)
				a.edge(decision, lot, lineage.EdgeAbout)
				making := a.event("HarborMSP", "commissioning", "TransformationEvent", 6, 20)
				a.edge(lot, making, lineage.EdgeInput)
				for q := range 1 + a.r.IntN(5) {
					item := a.node(lineage.Node{ID: fmt.Sprintf("https://id.gs1.org/01/09520001300011/21/%d%d", serial, q), Kind: "thing", MSPID: org, Depth: 7})
					a.edge(making, item, lineage.EdgeOutput)
					a.edge(item, a.event("MarketMSP", "shipping", "ObjectEvent", 8, 30), lineage.EdgeObserved)
				}
			}
		}
	}
	slices.SortStableFunc(a.Nodes, func(x, y lineage.Node) int { return cmp.Compare(x.Depth, y.Depth) })
	return &a.Answer
}

// tangle is a graph without any sense: every kind of node and edge, cycles, edges to nowhere.
func tangle(seed uint64, n, edges int) *lineage.Answer {
	a := newAnswer(seed)
	orgs := []string{"HarborMSP", "MarketMSP", "LabMSP", ""}[:1+a.r.IntN(4)]
	kinds := []string{"thing", "class", "event", "artifact", "activity", "statement", "member", "missing"}
	all := []string{lineage.EdgeInput, lineage.EdgeOutput, lineage.EdgeContinues, lineage.EdgeObserved, lineage.EdgeContains, lineage.EdgeDerived, lineage.EdgeUsed, lineage.EdgeAbout}
	flags := [][]string{nil, nil, nil, nil, nil, nil, {"recalled"}, {"certified"}, {"declared-in-error"}, {"withdrawn", "approved"}}
	var ids []string
	for i := range n {
		node := lineage.Node{Kind: kinds[a.r.IntN(len(kinds))], MSPID: orgs[a.r.IntN(len(orgs))], Depth: i * 6 / n, Flags: flags[a.r.IntN(len(flags))], Carrier: a.r.IntN(9) == 0}
		if a.r.IntN(2) == 0 {
			node.Time = day.Add(time.Duration(i) * time.Minute)
		}
		if node.Kind == "class" {
			node.ID = fmt.Sprintf("https://id.gs1.org/01/09520001200014/10/L%d", i)
		}
		ids = append(ids, a.node(node))
	}
	for range edges {
		a.edge(ids[a.r.IntN(n)], ids[a.r.IntN(n)], all[a.r.IntN(len(all))])
	}
	a.edge(ids[0], "ni:///sha-256;nowhere", lineage.EdgeUsed)
	return &a.Answer
}

// shuffled is the same answer in another order.
func shuffled(a *lineage.Answer, seed uint64) *lineage.Answer {
	r := rand.New(rand.NewPCG(seed, 2))
	b := *a
	b.Nodes, b.Edges = slices.Clone(a.Nodes), slices.Clone(a.Edges)
	r.Shuffle(len(b.Nodes), func(i, j int) { b.Nodes[i], b.Nodes[j] = b.Nodes[j], b.Nodes[i] })
	r.Shuffle(len(b.Edges), func(i, j int) { b.Edges[i], b.Edges[j] = b.Edges[j], b.Edges[i] })
	return &b
}
