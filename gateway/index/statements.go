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
	Kind      string `json:"kind"`  // what it counts as; see Stated
	MSPID     string `json:"mspId"` // who says so, as the ledger has it
	Block     uint64 `json:"block"`
	Retracted bool   `json:"retracted,omitempty"` // whoever made it took it back

	// Standing says why the organisation answers for the node: one of the standings below. It is empty where the kind
	// needs none, and for statements of version 1, which the ledger judged itself.
	Standing string `json:"standing,omitempty"`
	// Stated is the kind that the statement calls itself, if it counts as another: what an organisation states without
	// standing is its warning, or its finding.
	Stated string `json:"stated,omitempty"`
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

// ClaimsAbout lists the ids of the statements about a node, whether they are in force or not, in ledger order.
func (ix *Index) ClaimsAbout(ctx context.Context, node string, at uint64) ([]string, error) {
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	v, err := ix.Find(ctx, node, snap)
	if err != nil || v.ID == 0 {
		return nil, err
	}
	var found []claim
	_, err = ix.claims(ctx, []int64{v.ID}, snap, func(_ int64, c claim) { found = append(found, c) })
	slices.SortFunc(found, func(a, b claim) int { return int(a.id - b.id) })
	ids := make([]string, len(found))
	for i, c := range found {
		ids[i] = c.ID
	}
	return ids, err
}

// Flags are the flags that statements give nodes, by their names as record.ParseNode spells them. Nodes without any are
// left out.
func (ix *Index) Flags(ctx context.Context, nodes []string, at uint64) (map[string][]string, error) {
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	named := make(map[int64][]string, len(nodes)) // an artifact version has two names: its own, and that of its record
	ids := make([]int64, 0, len(nodes))
	found, err := ix.findAll(ctx, nodes, snap)
	if err != nil {
		return nil, fmt.Errorf("couldn't look up nodes: %w", err)
	}
	for node, v := range found {
		ids, named[v.ID] = append(ids, v.ID), append(named[v.ID], node)
	}
	statuses, err := ix.Statuses(ctx, ids, snap)
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	for id, s := range statuses {
		for _, node := range named[id] {
			all[node] = s.Flags
		}
	}
	return all, nil
}

// claim is a statement about a node.
type claim struct {
	id, tx, pack, line int64
	body               []byte // read already; nil if it isn't
	Claim
}

// Statuses are the statuses of many nodes. Nodes without any claim are left out. Which claims are in force is decided
// on once for all of them; see inForce.
func (ix *Index) Statuses(ctx context.Context, nodes []int64, snap Snapshot) (map[int64]*Status, error) {
	about := map[int64][]claim{}
	claims, err := ix.claims(ctx, nodes, snap, func(node int64, c claim) { about[node] = append(about[node], c) })
	if err != nil {
		return nil, err
	}
	s := inForce{retractions: map[int64][]int64{}}
	for ask, seen := claims, set(claims); len(ask) > 0; {
		var following []int64
		_, err := ix.claims(ctx, ask, snap, func(statement int64, c claim) {
			if c.Kind != record.Retraction {
				return
			}
			s.retractions[statement] = append(s.retractions[statement], c.id)
			if !seen[c.id] {
				seen[c.id] = true
				following = append(following, c.id)
			}
		})
		if err != nil {
			return nil, err
		}
		ask = following
	}
	if err := s.decide(ctx); err != nil {
		return nil, err
	}
	var txs []int64
	for _, claims := range about {
		for _, c := range claims {
			txs = append(txs, c.tx)
		}
	}
	recordings, err := ix.recordings(ctx, txs)
	if err != nil {
		return nil, err
	}
	for _, claims := range about {
		for i := range claims {
			c := &claims[i]
			c.MSPID, c.Block, c.Retracted = recordings[c.tx].MSPID, recordings[c.tx].Block, s.taken[c.id]
		}
	}
	if err := ix.judge(ctx, about); err != nil {
		return nil, err
	}
	all := make(map[int64]*Status, len(about))
	for node, claims := range about {
		slices.SortFunc(claims, func(a, b claim) int { return int(a.id - b.id) })
		status := &Status{Flags: []string{}}
		for _, c := range claims {
			status.Claims = append(status.Claims, c.Claim)
			if flag := flags[c.Kind]; flag != "" && !c.Retracted {
				status.Flags = append(status.Flags, flag)
			}
		}
		slices.Sort(status.Flags)
		status.Flags = slices.Compact(status.Flags)
		all[node] = status
	}
	return all, nil
}

// claims calls each for every statement about one of the nodes, and lists the statements, each once.
func (ix *Index) claims(
	ctx context.Context, nodes []int64, snap Snapshot, each func(node int64, c claim),
) ([]int64, error) {
	nodes = slices.Clone(nodes)
	slices.Sort(nodes)
	links, err := ix.LinksTo(ctx, slices.Compact(nodes), snap)
	if err != nil {
		return nil, err
	}
	subjects, makers := map[int64][]int64{}, []int64{}
	for _, l := range links {
		if l.Role == RoleSubject {
			subjects[l.Record], makers = append(subjects[l.Record], l.Node), append(makers, l.Record)
		}
	}
	slices.Sort(makers)
	makers = slices.Compact(makers)
	const query = `SELECT s.record, s.kind, n.digest, n.tx, n.pack, n.line FROM statement s JOIN node n ON n.id = s.record
		WHERE s.record IN `
	err = ix.batches(ctx, query, makers, "", nil, func(rows *sql.Rows) error {
		var c claim
		var digest []byte
		if err := rows.Scan(&c.id, &c.Kind, &digest, &c.tx, &c.pack, &c.line); err != nil {
			return err
		}
		c.ID = projection.RecordID(digest)
		for _, node := range subjects[c.id] {
			each(node, c)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't read statements: %w", err)
	}
	return makers, nil
}

func set(ids []int64) map[int64]bool {
	all := make(map[int64]bool, len(ids))
	for _, id := range ids {
		all[id] = true
	}
	return all
}
