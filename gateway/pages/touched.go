package pages

import (
	"context"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/web"
)

// Limits of working out what recalls touched for the first page. The page about the impact tells all.
const (
	reachNodes  = 5000
	reachBudget = 2 * time.Second
	reachThings = 6
	// restFactor is how many times as long as a walk took it is not done again: a ledger that grows all the time
	// would have this gateway walk all the time.
	restFactor = 20
)

// touchedByRecalls remembers what recalls touched. It is worked out in the background, one at a time, and again when
// there are new blocks.
type touchedByRecalls struct {
	mu      sync.Mutex
	known   map[string]*reached // by record id
	working bool
}

type reached struct {
	touched *web.Reach
	height  uint64
	again   time.Time // not before
}

// of tells what a recall touched as far as is known, and has it worked out if that is out of date. Nil if it is not
// known yet.
func (r *touchedByRecalls) of(p *Pages, id string) *web.Reach {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[string]*reached{}
	}
	known := r.known[id]
	height := p.Index.Height()
	if known == nil || known.height != height && !time.Now().Before(known.again) {
		if !r.working {
			r.working = true
			go r.work(p, id, height)
		}
	}
	if known == nil {
		return nil
	}
	return known.touched
}

// work walks down from a recall.
func (r *touchedByRecalls) work(p *Pages, id string, height uint64) {
	began := time.Now()
	impact, err := lineage.Assess(
		context.Background(),
		p.Index,
		lineage.Query{Node: id, At: index.Latest, Nodes: reachNodes, Budget: reachBudget},
	)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.working = false
	if err != nil {
		p.Logger.Warn("couldn't work out what a recall touched", "recall", id, "error", err)
		return
	}
	if len(r.known) > 4*lookedAt {
		clear(r.known) // of recalls that nobody looks at any more
	}
	r.known[id] = &reached{touched: touched(impact), height: height, again: time.Now().Add(restFactor * time.Since(began))}
}

// touched sums up an impact.
func touched(i *lineage.Impact) *web.Reach {
	t := &web.Reach{Total: i.Total, Cut: i.Truncated != nil}
	others := map[string]int{}
	var lots, items []string
	for _, o := range i.Organisations {
		t.Organisations = append(t.Organisations, o.MSPID)
		lots, items = append(lots, o.Kinds["class"]...), append(items, o.Kinds["thing"]...)
		for kind, nodes := range o.Kinds {
			if kind == "thing" || kind == "class" {
				continue
			}
			for _, node := range nodes {
				others[web.KindOf(kind, node).Slug]++
			}
		}
	}
	t.Things = append(lots, items...)
	if len(t.Things) > reachThings {
		t.MoreThings, t.Things = len(t.Things)-reachThings, t.Things[:reachThings]
	}
	for _, k := range web.Kinds {
		if others[k.Slug] > 0 {
			t.Others = append(t.Others, web.NounCount{Kind: k, Total: others[k.Slug]})
		}
	}
	return t
}
