package index

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Prefix is a claim to a GS1 Company Prefix.
type Prefix struct {
	Prefix     string   `json:"prefix"`
	MSPID      string   `json:"mspId"`
	Claim      string   `json:"claim"` // id of the statement
	InForce    bool     `json:"counts"`
	ApprovedBy []string `json:"approvedBy"` // other organisations, in ledger order
}

// prefixClaims remembers the claims to company prefixes. There are few, among many statements.
type prefixClaims struct {
	mutex   sync.Mutex
	upTo    int64
	claims  []int64 // statements
	history *prefixHistory
}

// prefixHistory says whose company prefixes were at any time, up to a place on the ledger.
type prefixHistory struct {
	upTo   int64
	claims []prefixClaim
}

// prefixClaim is a claim, and from where to where on the ledger it counts: after from, up to until.
type prefixClaim struct {
	Prefix
	from, until int64 // from is 0 if it never counted
	made, ended int64
	approvals   []prefixApproval
}

type prefixApproval struct {
	mspID       string
	given, back int64 // back is where it was taken back
}

const never = math.MaxInt64

// ownerOf is the organisation whose prefix a thing's key begins with, or "", before a place on the ledger.
func (h *prefixHistory) ownerOf(thing string, place int64) string {
	digits := epcis.CompanyDigits(thing)
	for _, c := range h.claims {
		if c.from != 0 && c.from < place && place < c.until && strings.HasPrefix(digits, c.Prefix.Prefix) {
			return c.MSPID
		}
	}
	return ""
}

// Prefixes lists the claims to company prefixes that haven't been retracted, by prefix and then in ledger order.
func (ix *Index) Prefixes(ctx context.Context, at uint64) ([]Prefix, error) {
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	h, err := ix.prefixHistory(ctx, snap.Last)
	if err != nil {
		return nil, err
	}
	all := []Prefix{}
	for _, c := range h.claims {
		if c.made > snap.Last || c.ended <= snap.Last {
			continue
		}
		p := c.Prefix
		p.InForce, p.ApprovedBy = c.from != 0 && c.from <= snap.Last, []string{}
		for _, a := range c.approvals {
			if a.given <= snap.Last && snap.Last < a.back && !slices.Contains(p.ApprovedBy, a.mspID) {
				p.ApprovedBy = append(p.ApprovedBy, a.mspID)
			}
		}
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b Prefix) int { return cmp.Compare(a.Prefix, b.Prefix) })
	return all, nil
}

// prefixHistory replays the claims, as the chaincode has decided on them, at least up to a place on the ledger.
func (ix *Index) prefixHistory(ctx context.Context, place int64) (*prefixHistory, error) {
	kept := &ix.caches.Load().prefixes
	kept.mutex.Lock()
	defer kept.mutex.Unlock()
	if kept.history != nil && kept.history.upTo >= place {
		return kept.history, nil
	}
	last := max(place, ix.currentTip().Last)
	const query = `SELECT record FROM statement WHERE record > ? AND record <= ? AND kind = ? ORDER BY record`
	var found []int64
	err := ix.each(ctx, query, []any{kept.upTo, last, record.Prefix}, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		found = append(found, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't look for claims to company prefixes: %w", err)
	}
	claims := append(slices.Clone(kept.claims), found...)
	history := &prefixHistory{upTo: last}
	if len(claims) > 0 {
		if history.claims, err = ix.replayClaims(ctx, claims, last); err != nil {
			return nil, fmt.Errorf("couldn't read the claims to company prefixes: %w", err)
		}
	}
	kept.upTo, kept.claims, kept.history = last, claims, history
	return history, nil
}

// replayClaims finds out from where to where claims count; see the chaincode's file prefixes.go.
func (ix *Index) replayClaims(ctx context.Context, ids []int64, last int64) ([]prefixClaim, error) {
	claims, err := ix.readClaims(ctx, ids, last)
	if err != nil {
		return nil, err
	}
	members, err := ix.firstMembers(ctx)
	if err != nil {
		return nil, err
	}
	for i := range claims {
		c := &claims[i]
		for _, a := range c.approvals {
			if a.given > c.ended {
				break
			}
			if c.counts(a, members) {
				c.from, c.until = a.given, c.ended
				break
			}
		}
	}
	return claims, nil
}

// counts reports whether enough members stand behind a claim once an approval is given.
func (c *prefixClaim) counts(last prefixApproval, members map[string]int64) bool {
	behind := map[string]bool{c.MSPID: true}
	for _, a := range c.approvals {
		if a.given <= last.given && last.given < a.back {
			behind[a.mspID] = true
		}
	}
	then := map[string]bool{}
	for mspID, since := range members {
		if since <= last.given {
			then[mspID] = true
		}
	}
	return record.ClaimCounts(c.MSPID, then, behind)
}

// readClaims reads claims, their approvals, and what was taken back of both.
func (ix *Index) readClaims(ctx context.Context, ids []int64, last int64) ([]prefixClaim, error) {
	claims, places := make([]prefixClaim, 0, len(ids)), make(map[int64]int, len(ids))
	const query = `SELECT ` + locationColumns + ` FROM node n WHERE n.id IN `
	var found []location
	err := ix.batches(ctx, query, ids, "", nil, func(rows *sql.Rows) error {
		var l location
		err := rows.Scan(l.fields()...)
		l.digest = slices.Clone(l.digest)
		found = append(found, l)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b location) int { return cmp.Compare(a.id, b.id) })
	records, err := ix.fetchAll(ctx, found)
	if err != nil {
		return nil, err
	}
	for i, r := range records {
		read, problems := record.Decode(r.Body)
		if len(problems) > 0 || read.Statement == nil {
			return nil, errors.New("a claim is no statement: the index is damaged; run pedigree reindex")
		}
		places[found[i].id] = len(claims)
		claims = append(claims, prefixClaim{
			Prefix: Prefix{Prefix: read.Statement.Predicate.Get("prefix").Text, MSPID: r.MSPID, Claim: r.ID},
			made:   found[i].id, ended: never, until: never,
		})
	}
	snap := Snapshot{Last: last}
	var approvals []claim
	about := map[int64][]int64{} // by approval: the claims
	_, err = ix.claims(ctx, ids, snap, func(node int64, c claim) {
		switch c.Kind {
		case record.Approval:
			if about[c.id] == nil {
				approvals = append(approvals, c)
			}
			about[c.id] = append(about[c.id], node)
		case record.Retraction:
			p := &claims[places[node]]
			p.ended = min(p.ended, c.id)
		}
	})
	if err != nil || len(approvals) == 0 {
		return claims, err
	}
	slices.SortFunc(approvals, func(a, b claim) int { return cmp.Compare(a.id, b.id) })
	back := map[int64]int64{}
	var given, txs []int64
	for _, a := range approvals {
		given, txs = append(given, a.id), append(txs, a.tx)
	}
	_, err = ix.claims(ctx, given, snap, func(approval int64, c claim) {
		if before, ok := back[approval]; c.Kind == record.Retraction && (!ok || c.id < before) {
			back[approval] = c.id
		}
	})
	if err != nil {
		return nil, err
	}
	recordings, err := ix.recordings(ctx, txs)
	if err != nil {
		return nil, err
	}
	for _, a := range approvals {
		until, ok := back[a.id]
		if !ok {
			until = never
		}
		for _, node := range about[a.id] {
			p := &claims[places[node]]
			p.approvals = append(p.approvals, prefixApproval{recordings[a.tx].MSPID, a.id, until})
		}
	}
	return claims, nil
}

// firstMembers says where on the ledger each member introduced itself.
func (ix *Index) firstMembers(ctx context.Context) (map[string]int64, error) {
	first := map[string]int64{}
	err := ix.each(ctx, `SELECT msp, MIN(record) FROM member GROUP BY msp`, nil, func(rows *sql.Rows) error {
		var mspID string
		var id int64
		err := rows.Scan(&mspID, &id)
		first[mspID] = id
		return err
	})
	return first, err
}
