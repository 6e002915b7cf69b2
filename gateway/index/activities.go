package index

import (
	"context"
	"database/sql"
	"time"
)

// Activity is a run with its record.
type Activity struct {
	Type      string    `json:"type"`
	StartedAt time.Time `json:"startedAt,omitzero"` // as the runner claims; zero if it claims nothing
	EndedAt   time.Time `json:"endedAt,omitzero"`
	Record
}

// ActivityFilter chooses activities; empty fields choose all. Nodes are spelled as record.ParseNode spells them.
type ActivityFilter struct {
	Type      string
	Used      string // an artifact version or record id that it used
	Generated string // an artifact version that it generated
	About     string // a node that it decided about
	MSPID     string // who recorded it first
}

// Activities lists activities in ledger order.
func (ix *Index) Activities(ctx context.Context, f ActivityFilter, at uint64, page Page) (List[Activity], error) {
	p, err := ix.begin(ctx, "activities", f, at, page)
	if err != nil {
		return List[Activity]{}, err
	}
	w := where{parts: []string{"a.record > ?", "a.record <= ?"}, args: []any{p.after, p.snap.Last}}
	if f.Type != "" {
		w.add("a.type = ?", f.Type)
	}
	for _, by := range []struct {
		node string
		role Role
	}{{f.Used, RoleUsed}, {f.Generated, RoleGenerated}, {f.About, RoleAbout}} {
		if by.node == "" {
			continue
		}
		v, err := ix.Find(ctx, by.node, p.snap)
		if err != nil {
			return List[Activity]{}, err
		}
		if err := w.naming(ctx, ix, []int64{v.ID}, []Role{by.role}, p); err != nil {
			return List[Activity]{}, err
		}
	}
	from := `activity a JOIN node n ON n.id = a.record`
	if f.MSPID != "" {
		from += ` JOIN tx t ON t.id = n.tx JOIN creator c ON c.id = t.creator`
		w.add("c.msp = ?", f.MSPID)
	}
	s := selection{
		head:  `SELECT ` + locationColumns + `, a.type, COALESCE(a.started, 0), COALESCE(a.ended, 0) FROM ` + from,
		where: w, order: "a.record",
	}
	return listOf(ctx, ix, p, s, func(rows *sql.Rows, l *location) (a Activity, err error) {
		var started, ended int64
		err = rows.Scan(append(l.fields(), &a.Type, &started, &ended)...)
		a.StartedAt, a.EndedAt = fromMicros(started), fromMicros(ended)
		return a, err
	}, func(a *Activity, r Record) { a.Record = r })
}
