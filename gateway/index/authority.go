package index

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// The standings: why an organisation answers for what it makes a statement
// about. They follow from what was on the ledger before the statement, so they
// never change. Several organisations may have recorded events about a thing,
// and the ledger accepts a recall of it from any that made or received it. Here
// all events are at hand.
const (
	// StandingOwner: the thing's key begins with a company prefix of the organisation.
	StandingOwner = "owner"
	// StandingMaker: nobody owns the thing's company prefix, and the organisation is the first whose event made it.
	StandingMaker = "maker"
	// StandingHolder: the organisation has received the thing after its owner or maker, or another holder, shipped it.
	StandingHolder = "holder"
	// StandingReporter: the organisation recorded the event first.
	StandingReporter = "reporter"
	// StandingOwnReport: the organisation recorded the event after another. The statement is about its own report.
	StandingOwnReport = "own-report"
	// StandingNone: none of these.
	StandingNone = "none"
)

// standingKey is a statement and a node that it is about.
type standingKey struct{ statement, node int64 }

// judge decides with what standing organisations make the statements that need one, and what statements without
// standing count as.
func (ix *Index) judge(ctx context.Context, about map[int64][]claim) error {
	unknown := map[int64][]*claim{}
	var nodes []int64
	kept := ix.caches.Load().standings
	for node, claims := range about {
		for i := range claims {
			c := &claims[i]
			kind, ok := record.StatementKindOf(c.Kind)
			if !ok || kind.By != record.ByAnswerable || kind.Name == record.Prefix {
				continue
			}
			if standing, ok := kept.Get(standingKey{c.id, node}); ok {
				c.bear(standing)
				continue
			}
			if len(unknown[node]) == 0 {
				nodes = append(nodes, node)
			}
			unknown[node] = append(unknown[node], c)
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	slices.Sort(nodes)
	rows, err := ix.nodes(ctx, nodes, everything)
	if err != nil {
		return err
	}
	for _, n := range rows {
		var judges judge
		switch n.Kind {
		case KindEvent:
			judges = ix.judgeReports
		case KindThing, KindClass:
			judges = ix.judgeThing
		default: // it has one owner, to whom the ledger holds the statement
			judges = func(context.Context, *Node, []*claim) ([]string, error) { return nil, nil }
		}
		var claims []*claim
		for _, c := range unknown[n.ID] {
			outdated, err := ix.ofVersionOne(ctx, c)
			if err != nil {
				return err
			}
			if outdated {
				kept.Put(standingKey{c.id, n.ID}, "")
			} else {
				claims = append(claims, c)
			}
		}
		if len(claims) == 0 {
			continue
		}
		standings, err := judges(ctx, n, claims)
		if err != nil {
			return fmt.Errorf("couldn't find out who answers for %s: %w", record.Brief(n.name()), err)
		}
		for i, c := range claims {
			standing := ""
			if len(standings) > 0 {
				standing = standings[i]
			}
			kept.Put(standingKey{c.id, n.ID}, standing)
			c.bear(standing)
		}
	}
	return nil
}

// judge finds the standings of claims about a node.
type judge func(ctx context.Context, n *Node, claims []*claim) ([]string, error)

// bear gives a claim its standing, and makes it what it counts as.
func (c *claim) bear(standing string) {
	c.Standing = standing
	if standing != StandingNone && standing != StandingOwnReport {
		return
	}
	c.Stated = c.Kind
	if c.Kind = record.Finding; record.Warns(c.Stated) {
		c.Kind = record.Warning
	}
}

// ofVersionOne reports whether a statement has version 1. The ledger accepted it by the rules of that version. In the
// body of a statement of our own kinds, the text that is searched for can't be part of another text.
func (ix *Index) ofVersionOne(ctx context.Context, c *claim) (bool, error) {
	body, err := c.body, error(nil)
	if body == nil {
		body, err = ix.body(ctx, c.pack, c.line)
	}
	return bytes.Contains(body, []byte(`"record":"statement/1"`)), err
}

// Weight is what a statement counts as; see [Claim].
type Weight struct {
	Kind     string
	Standing string
	Stated   string
}

// mostWeighed is how many subjects of a statement are looked at.
const mostWeighed = 100

// Weigh finds what a statement counts as. A statement about several nodes counts as what it says if its organisation
// has standing over one of them.
func (ix *Index) Weigh(ctx context.Context, r *Record) (Weight, error) {
	var w Weight
	row := ix.row(ctx, `SELECT n.id, n.tx, s.kind FROM statement s JOIN node n ON n.id = s.record WHERE s.record = ?`,
		r.seq)
	c := claim{body: r.Body, Claim: Claim{MSPID: r.MSPID}}
	if err := row.Scan(&c.id, &c.tx, &w.Kind); err != nil {
		return w, fmt.Errorf("couldn't read statement %s: %w", r.ID, err)
	}
	c.Kind = w.Kind
	links, err := ix.LinksOf(ctx, []int64{r.seq}, everything)
	if err != nil {
		return w, err
	}
	about := map[int64][]claim{}
	for _, l := range links {
		if l.Role == RoleSubject && len(about) < mostWeighed {
			about[l.Node] = []claim{c}
		}
	}
	if err := ix.judge(ctx, about); err != nil {
		return w, err
	}
	found := false
	for _, node := range slices.Sorted(maps.Keys(about)) {
		judged := about[node][0]
		if !found || w.Stated != "" && judged.Stated == "" {
			found, w = true, Weight{judged.Kind, judged.Standing, judged.Stated}
		}
	}
	return w, nil
}

// judgeReports judges claims about an event. Each is about its organisation's own report of the event.
func (ix *Index) judgeReports(ctx context.Context, n *Node, claims []*claim) ([]string, error) {
	first, err := ix.recordings(ctx, []int64{n.Tx})
	if err != nil {
		return nil, err
	}
	standings := make([]string, len(claims))
	for i, c := range claims {
		if standings[i] = StandingOwnReport; first[n.Tx].MSPID == c.MSPID {
			standings[i] = StandingReporter
		}
	}
	return standings, nil
}

// deed is what an organisation reported that it did to a thing. Its place on the ledger is the id of the recording.
type deed struct {
	place, event, tx       int64
	mspID                  string
	makes, ships, receives bool // what is used up counts as received
}

func (ix *Index) judgeThing(ctx context.Context, n *Node, claims []*claim) ([]string, error) {
	last := int64(0)
	for _, c := range claims {
		last = max(last, c.id)
	}
	history, err := ix.prefixHistory(ctx, last)
	if err != nil {
		return nil, err
	}
	deeds, err := ix.deeds(ctx, n.ID, last)
	if err != nil {
		return nil, err
	}
	standings := make([]string, len(claims))
	for i, c := range claims {
		before := deeds
		for len(before) > 0 && before[len(before)-1].place > c.id {
			before = before[:len(before)-1]
		}
		standings[i] = standingOf(c.MSPID, history.ownerOf(n.Text, c.id), before)
	}
	return standings, nil
}

// standingOf is the standing of an organisation over a thing whose prefix has an owner, or none, after some deeds.
func standingOf(mspID, owner string, deeds []deed) string {
	if owner == mspID {
		return StandingOwner
	}
	source := owner
	if owner == "" {
		first := slices.IndexFunc(deeds, func(d deed) bool { return d.makes })
		if first < 0 { // it comes from outside of the consortium: who took it first holds it
			first = slices.IndexFunc(deeds, func(d deed) bool { return d.receives })
		}
		if first < 0 {
			return StandingNone
		}
		if !deeds[first].makes && deeds[first].mspID == mspID {
			return StandingHolder
		}
		if source = deeds[first].mspID; source == mspID {
			return StandingMaker
		}
	}
	held, underWay := map[string]bool{source: true}, false
	for _, d := range deeds {
		switch {
		case d.ships && held[d.mspID]:
			underWay = true
		case d.receives && underWay:
			held[d.mspID] = true
		}
	}
	if held[mspID] {
		return StandingHolder
	}
	return StandingNone
}

// deeds lists the deeds that events report about a thing, in the order of the ledger. A recording of an event after
// the first is a report of its own.
func (ix *Index) deeds(ctx context.Context, thing, last int64) ([]deed, error) {
	links, err := ix.LinksTo(ctx, []int64{thing}, Snapshot{Last: last})
	if err != nil {
		return nil, err
	}
	roles := map[int64][]Role{}
	var ids []int64
	for _, l := range links {
		if l.Role.Mentions() {
			if roles[l.Record] == nil {
				ids = append(ids, l.Record)
			}
			roles[l.Record] = append(roles[l.Record], l.Role)
		}
	}
	slices.Sort(ids)
	events, err := ix.nodes(ctx, ids, Snapshot{Last: last})
	if err != nil {
		return nil, err
	}
	shapes, err := ix.shapes(ctx, events)
	if err != nil {
		return nil, err
	}
	steps, err := ix.steps(ctx, shapes)
	if err != nil {
		return nil, err
	}
	kinds := map[int64]deed{} // by event, without organisation and place
	var telling []int64
	for _, e := range events {
		s := shapes[e.Shape]
		event := epcis.Event{
			Type: projection.EventTypes[s.kind], Action: projection.Actions[s.action], BizStep: steps[s.words[0]],
		}
		d := deed{ships: epcis.IsShipping(event.BizStep)}
		for _, r := range roles[e.ID] {
			field := fieldOf(r)
			d.makes, d.receives = d.makes || event.Makes(field), d.receives || event.Takes(field)
		}
		if d.makes || d.ships || d.receives {
			kinds[e.ID], telling = d, append(telling, e.ID)
		}
	}
	const declared = `SELECT event FROM declaration WHERE event IN `
	err = ix.batches(ctx, declared, telling, "", nil, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		delete(kinds, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ix.reported(ctx, kinds, events, last)
}

// DeedOf finds the first event in which an organisation reports that it made or received a thing, with the
// organisation's own recording. found is false if there is none.
func (ix *Index) DeedOf(ctx context.Context, thing, mspID string) (event string, r Recording, found bool, err error) {
	snap, err := ix.Snapshot(ctx, Latest)
	if err != nil {
		return "", r, false, err
	}
	v, err := ix.Find(ctx, thing, snap)
	if err != nil || v.ID == 0 {
		return "", r, false, err
	}
	deeds, err := ix.deeds(ctx, v.ID, snap.Last)
	if err != nil {
		return "", r, false, err
	}
	i := slices.IndexFunc(deeds, func(d deed) bool { return d.mspID == mspID && (d.makes || d.receives) })
	if i < 0 {
		return "", r, false, nil
	}
	names, err := ix.Names(ctx, []int64{deeds[i].event})
	if err != nil {
		return "", r, false, err
	}
	recordings, err := ix.recordings(ctx, []int64{deeds[i].tx})
	return names[deeds[i].event], recordings[deeds[i].tx], err == nil, err
}

// fieldOf is a field of events whose things have a role, as far as epcis.Event.Makes and Takes tell fields apart.
func fieldOf(r Role) string {
	switch {
	case r.Produces():
		return "outputEPCList"
	case r.Consumes():
		return "inputEPCList"
	case r == RoleEPC || r == RoleQuantity || r == projection.RoleLot:
		return "epcList"
	case r == RoleParentAdd:
		return "parentID"
	}
	return ""
}

// steps are the business steps of shapes, by the ids of their words.
func (ix *Index) steps(ctx context.Context, shapes map[int64]shapeRow) (map[int64]string, error) {
	var ids []int64
	for _, s := range shapes {
		if s.words[0] != 0 {
			ids = append(ids, s.words[0])
		}
	}
	slices.Sort(ids)
	words, err := ix.nodes(ctx, slices.Compact(ids), everything)
	if err != nil {
		return nil, err
	}
	names := make(map[int64]string, len(words))
	for _, w := range words {
		names[w.ID] = w.Text
	}
	return names, nil
}

// reported makes deeds of events: one for each recording up to last.
func (ix *Index) reported(
	ctx context.Context, kinds map[int64]deed, events []*Node, last int64,
) ([]deed, error) {
	type recorded struct{ place, event, tx int64 }
	var all []recorded
	var ids, txs []int64
	for _, e := range events {
		if _, ok := kinds[e.ID]; ok {
			all, ids = append(all, recorded{e.ID, e.ID, e.Tx}), append(ids, e.ID)
		}
	}
	const again = `SELECT id, record, tx FROM again WHERE record IN `
	err := ix.batches(ctx, again, ids, ` AND id <= ?`, []any{last}, func(rows *sql.Rows) error {
		var r recorded
		err := rows.Scan(&r.place, &r.event, &r.tx)
		all = append(all, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		txs = append(txs, r.tx)
	}
	recordings, err := ix.recordings(ctx, txs)
	if err != nil {
		return nil, err
	}
	deeds := make([]deed, len(all))
	for i, r := range all {
		deeds[i] = kinds[r.event]
		deeds[i].place, deeds[i].event, deeds[i].tx = r.place, r.event, r.tx
		deeds[i].mspID = recordings[r.tx].MSPID
	}
	slices.SortFunc(deeds, func(a, b deed) int { return cmp.Compare(a.place, b.place) })
	return deeds, nil
}
