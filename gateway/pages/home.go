package pages

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/web"
)

func (p *Pages) homeRoutes() []route {
	return []route{
		{pattern: "GET /{$}", roles: members, page: p.home},
		{pattern: "GET /live", roles: members, page: p.live},
		{pattern: "GET /activity", roles: members, page: p.activity},
	}
}

// unattended are the routes that a script asks, whether anybody sits there or not: that doesn't keep a session alive.
var unattended = []string{"GET /live", "GET /activity"}

// How much the first page shows.
const (
	mostTransactions = 12
	mostRecords      = 40 // that are read of a transaction
	mostDeeds        = 4
	mostNotices      = 5
	countPatience    = 50 * time.Millisecond // a page is not kept waiting for longer while records are counted
)

// home shows how things stand, and what happened lately.
func (p *Pages) home(v *visit) error {
	page, err := p.homePage(v)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "home", page)
}

// live is what of the first page changes as time goes by.
func (p *Pages) live(v *visit) error {
	page, err := p.homePage(v)
	if err != nil {
		return err
	}
	return v.part("home", "live", page)
}

func (p *Pages) homePage(v *visit) (*web.Home, error) {
	ctx := v.Context()
	page := &web.Home{Frame: v.frame("home"), Health: p.health()}
	transactions, err := p.Index.LatestTransactions(ctx, mostTransactions, mostRecords)
	if err != nil {
		return nil, err
	}
	for _, t := range transactions {
		page.Transactions = append(page.Transactions, p.summarizeTransaction(ctx, t))
	}
	if page.Recalls, page.MoreRecalls, err = p.newestRecalls(ctx); err != nil {
		return nil, err
	}
	var counted bool
	page.Nouns, page.Tallies, counted = p.tallies(ctx, page.Frame)
	page.Counting = !counted
	return page, nil
}

// nouns are those that are counted, in the order of the ledger's own story.
var nouns = []record.Noun{
	record.NounEvent,
	record.NounArtifact,
	record.NounActivity,
	record.NounStatement,
	record.NounMember,
}

// tallies tells how many records there are, by noun and by organisation. The first time, counting may take longer than
// anybody should wait for a page: then it isn't done, and a later look has the numbers.
func (p *Pages) tallies(ctx context.Context, f web.Frame) (all []web.NounCount, by []web.Tally, done bool) {
	p.tally.begin(p)
	wait, cancel := context.WithTimeout(ctx, countPatience)
	defer cancel()
	counts := p.tally.get(wait)
	if counts == nil {
		return nil, nil, false
	}
	for _, noun := range nouns {
		n := web.NounCount{Kind: web.KindOf(string(noun), "")}
		if noun == record.NounArtifact {
			n.Kind = web.KindOf("artifact", "dataset/")
			n.Kind.Word, n.Kind.Words = "data and models", "data and models"
		}
		for _, of := range counts {
			n.Total += of[noun]
		}
		all = append(all, n)
	}
	for mspID, of := range counts {
		t := web.Tally{MSPID: mspID}
		for _, noun := range nouns {
			t.Counts = append(t.Counts, of[noun])
			t.Total += of[noun]
		}
		by = append(by, t)
	}
	rank := map[string]int{}
	for i, o := range f.Organisations {
		rank[o.MSPID] = i - len(f.Organisations) // those that never introduced themselves come last
	}
	slices.SortFunc(by, func(a, b web.Tally) int {
		return cmp.Or(cmp.Compare(rank[a.MSPID], rank[b.MSPID]), cmp.Compare(a.MSPID, b.MSPID))
	})
	return all, by, true
}

// health is how the network is.
func (p *Pages) health() web.Health {
	h, q := p.Config.Health(), p.Queue.Stats()
	out := web.Health{Height: p.Index.Height(), Tip: p.Tip(), Waiting: q.Records, Stuck: q.Waiting}
	out.Ready, out.Why = p.Ready()
	if h.Following {
		out.Following = h.FollowedPeer
	}
	for _, peer := range h.Peers {
		out.Peers = append(
			out.Peers,
			web.Peer{MSPID: peer.MSPID, Address: peer.Address, Usable: peer.Usable, Problem: peer.Problem, Height: peer.Height},
		)
	}
	for _, o := range h.Orderers {
		out.Orderers = append(out.Orderers, web.Orderer{ID: o.ID, Signed: o.Signed})
	}
	return out
}
