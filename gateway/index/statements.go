package index

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Statement is a claim with its record.
type Statement struct {
	Kind string `json:"kind"` // see record.Statement
	Record
}

// StatementFilter chooses statements; empty fields choose all.
type StatementFilter struct {
	About string // a node, spelled as record.ParseNode spells it
	Kind  string
	MSPID string // who recorded it first
}

// Statements lists statements in ledger order.
func (ix *Index) Statements(ctx context.Context, f StatementFilter, at uint64, page Page) (List[Statement], error) {
	p, err := ix.begin(ctx, "statements", f, at, page)
	if err != nil {
		return List[Statement]{}, err
	}
	w := where{parts: []string{"s.record > ?", "s.record <= ?"}, args: []any{p.after, p.snap.Last}}
	if f.About != "" {
		v, err := ix.Find(ctx, f.About, p.snap)
		if err != nil {
			return List[Statement]{}, err
		}
		if err := w.naming(ctx, ix, []int64{v.ID}, []Role{RoleSubject}, p); err != nil {
			return List[Statement]{}, err
		}
	}
	if f.Kind != "" {
		w.add("s.kind = ?", f.Kind)
	}
	from := `statement s JOIN node n ON n.id = s.record`
	if f.MSPID != "" {
		from += ` JOIN tx t ON t.id = n.tx JOIN creator c ON c.id = t.creator`
		w.add("c.msp = ?", f.MSPID)
	}
	s := selection{head: `SELECT ` + locationColumns + `, s.kind FROM ` + from, where: w, order: "s.record"}
	return listOf(ctx, ix, p, s, func(rows *sql.Rows, l *location) (s Statement, err error) {
		err = rows.Scan(append(l.fields(), &s.Kind)...)
		return s, err
	}, func(s *Statement, r Record) { s.Record = r })
}

// Claim is a statement as it bears on the status of a node.
type Claim struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	MSPID     string `json:"mspId"` // who says so, as the ledger has it
	Block     uint64 `json:"block"`
	Retracted bool   `json:"retracted,omitempty"` // whoever made it took it back
}

// Status is what statements say about a node, in ledger order.
type Status struct {
	Flags  []string `json:"flags"` // of claims that aren't retracted: recalled, withdrawn, … sorted
	Claims []Claim  `json:"claims"`
}

// flags are the words for a node about which there is a claim of a kind.
var flags = func() map[string]string {
	words := make(map[string]string)
	for _, k := range record.StatementKinds {
		if k.Flag != "" {
			words[k.Name] = k.Flag
		}
	}
	return words
}()

// Status is what statements say about a node. It is empty for a node that is unknown or that no statement is about.
func (ix *Index) Status(ctx context.Context, node string, at uint64) (Status, error) {
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return Status{}, err
	}
	v, err := ix.Find(ctx, node, snap)
	if err != nil || v.ID == 0 {
		return Status{Flags: []string{}, Claims: []Claim{}}, err
	}
	all, err := ix.Statuses(ctx, []int64{v.ID}, snap)
	if err != nil {
		return Status{}, err
	}
	if s, ok := all[v.ID]; ok {
		return *s, nil
	}
	return Status{Flags: []string{}, Claims: []Claim{}}, nil
}

// Statuses are the statuses of many nodes. Nodes without any claim are left out.
//
// A retraction takes back the statement that it is about, and a retraction of the retraction puts it back in force. A
// retraction comes later on the ledger than what it retracts, so this ends.
func (ix *Index) Statuses(ctx context.Context, nodes []int64, snap Snapshot) (map[int64]*Status, error) {
	type claim struct {
		node, id, tx int64
		Claim
	}
	// First all claims about the nodes, then about those claims, and so on.
	about := map[int64][]claim{}
	ask := slices.Clone(nodes)
	for len(ask) > 0 {
		var following []int64
		slices.Sort(ask)
		links, err := ix.LinksTo(ctx, slices.Compact(ask), snap)
		if err != nil {
			return nil, err
		}
		nodes, makers := map[int64][]int64{}, []int64{}
		for _, l := range links {
			if l.Role == RoleSubject {
				nodes[l.Record], makers = append(nodes[l.Record], l.Node), append(makers, l.Record)
			}
		}
		slices.Sort(makers)
		const query = `SELECT s.record, s.kind, n.digest, n.tx FROM statement s JOIN node n ON n.id = s.record
			WHERE s.record IN `
		err = ix.batches(ctx, query, slices.Compact(makers), "", nil, func(rows *sql.Rows) error {
			var c claim
			var digest []byte
			if err := rows.Scan(&c.id, &c.Kind, &digest, &c.tx); err != nil {
				return err
			}
			c.ID = projection.RecordID(digest)
			for _, c.node = range nodes[c.id] {
				about[c.node] = append(about[c.node], c)
			}
			following = append(following, c.id)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("couldn't read statements: %w", err)
		}
		slices.Sort(following)
		ask = ask[:0]
		for _, id := range slices.Compact(following) {
			if _, seen := about[id]; !seen {
				about[id] = nil
				ask = append(ask, id)
			}
		}
	}
	var inForce func(id int64) bool
	inForce = func(id int64) bool {
		return !slices.ContainsFunc(about[id], func(c claim) bool {
			return c.Kind == record.Retraction && c.id > id && inForce(c.id)
		})
	}
	var txs []int64
	for _, node := range nodes {
		for _, c := range about[node] {
			txs = append(txs, c.tx)
		}
	}
	recordings, err := ix.recordings(ctx, txs)
	if err != nil {
		return nil, err
	}
	all := map[int64]*Status{}
	for _, node := range nodes {
		claims := about[node]
		if len(claims) == 0 || all[node] != nil {
			continue
		}
		slices.SortFunc(claims, func(a, b claim) int { return int(a.id - b.id) })
		s := &Status{Flags: []string{}}
		for _, c := range claims {
			c.MSPID, c.Block, c.Retracted = recordings[c.tx].MSPID, recordings[c.tx].Block, !inForce(c.id)
			s.Claims = append(s.Claims, c.Claim)
			if flag := flags[c.Kind]; flag != "" && !c.Retracted {
				s.Flags = append(s.Flags, flag)
			}
		}
		slices.Sort(s.Flags)
		s.Flags = slices.Compact(s.Flags)
		all[node] = s
	}
	return all, nil
}
