package index

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Vertex is a node of the lineage graph: a thing, an artifact version or a record.
type Vertex struct {
	ID   int64 // of the index; the same in every index of this ledger
	Kind Kind
	Name string // URI, artifact version, or record id
}

// Link says that a record names a node in a role. All edges of the graph are
// made of links.
type Link struct {
	Record int64
	Role   Role
	Node   int64
	Time   int64  // when it happened by the record's word, in microseconds since 1970
	Amount string // of classes in packing events: "quantity unit", several joined by ;
}

// Find finds a node by the name that record.ParseNode gives it. An artifact's
// record id leads to its version. A node that is unknown, as of the snapshot, is
// the zero Vertex and no error.
func (ix *Index) Find(ctx context.Context, node string, snap Snapshot) (Vertex, error) {
	n := nodeName(node)
	v := Vertex{Name: node}
	var err error
	switch {
	case n.kind.IsThing():
		err = ix.row(ctx, `SELECT id, kind FROM node WHERE thing = ? AND id <= ?`, node, snap.Last).Scan(&v.ID, &v.Kind)
	case n.kind == KindMissing:
		err = ix.row(ctx, `SELECT id, kind FROM node WHERE hash = ? AND digest = ? AND id <= ?`, n.hash, []byte(n.text()), snap.Last).Scan(&v.ID, &v.Kind)
		if errors.Is(err, sql.ErrNoRows) {
			g := ghost(n)
			err = ix.row(ctx, `SELECT id, kind FROM node WHERE hash = ? AND kind = ? AND name = ? AND id <= ?`, g.hash, g.kind, g.text(), snap.Last).Scan(&v.ID, &v.Kind)
		}
	default:
		err = ix.row(ctx, `SELECT id, kind FROM node WHERE hash = ? AND kind = ? AND name = ? AND id <= ?`, n.hash, n.kind, node, snap.Last).Scan(&v.ID, &v.Kind)
	}
	if err == nil && v.Kind == KindArtifactRecord {
		v.Kind = KindArtifact
		err = ix.row(ctx, `SELECT v.id, v.name FROM artifact a JOIN node v ON v.id = a.node WHERE a.record = ?`, v.ID).Scan(&v.ID, &v.Name)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return Vertex{}, nil
	}
	if err != nil {
		return Vertex{}, fmt.Errorf("couldn't look up %q: %w", brief(node), err)
	}
	return v, nil
}

// LinksTo lists the links that name one of the nodes, by node and ledger order.
func (ix *Index) LinksTo(ctx context.Context, nodes []int64, snap Snapshot) ([]Link, error) {
	return ix.links(ctx, `node`, ` ORDER BY node, record, role`, nodes, snap)
}

// LinksOf lists the links of the records, by ledger order and role.
func (ix *Index) LinksOf(ctx context.Context, records []int64, snap Snapshot) ([]Link, error) {
	return ix.links(ctx, `record`, ` ORDER BY record, role, node`, records, snap)
}

func (ix *Index) links(ctx context.Context, by, order string, ids []int64, snap Snapshot) ([]Link, error) {
	var all []Link
	err := ix.batches(ctx, `SELECT record, role, node, time, amount FROM link WHERE `+by+` IN `, ids, ` AND record <= ?`+order, []any{snap.Last}, func(rows *sql.Rows) error {
		var l Link
		var amount sql.RawBytes
		if err := rows.Scan(&l.Record, &l.Role, &l.Node, &l.Time, &amount); err != nil {
			return err
		}
		l.Amount = string(amount)
		all = append(all, l)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't read links: %w", err)
	}
	return all, nil
}

// Label is what people want to know of a node at a glance. Which fields are set
// depends on the kind.
type Label struct {
	Vertex
	Recording // of records, the first; of others, of the record that named them first

	// Events.
	Type, Action, BizStep, Disposition, ReadPoint, BizLocation, EventID, Hash string
	EventTime                                                                 time.Time
	Declaration                                                               bool          // it declares an earlier event an error
	Errors                                                                    []Declaration // that declare this event an error

	// Activities have Type, and their times; statements have Type, their kind.
	StartedAt, EndedAt time.Time

	// Artifacts.
	Digest string // algorithm:hexadecimal
}

// Declaration is somebody's word that an event was recorded in error.
type Declaration struct {
	Event      string    `json:"event"` // record id of the declaration
	MSPID      string    `json:"mspId"`
	Time       time.Time `json:"time,omitzero"` // by its own word
	Reason     string    `json:"reason,omitempty"`
	Corrective []string  `json:"correctiveEventIDs,omitempty"` // event ids of what stands instead
}

// Describe labels nodes. The result has one entry for each id that exists, by id.
func (ix *Index) Describe(ctx context.Context, ids []int64, snap Snapshot) (map[int64]*Label, error) {
	d := describer{ix: ix, snap: snap, labels: make(map[int64]*Label, len(ids)), of: map[Kind][]int64{}, words: map[int64]string{}}
	for _, step := range []func(context.Context, []int64) error{d.nodes, d.events, d.declarations, d.artifacts, d.activities, d.statements} {
		if err := step(ctx, ids); err != nil {
			return nil, fmt.Errorf("couldn't describe nodes: %w", err)
		}
	}
	return d.labels, nil
}

type describer struct {
	ix     *Index
	snap   Snapshot
	labels map[int64]*Label
	of     map[Kind][]int64
	words  map[int64]string
}

func (d *describer) nodes(ctx context.Context, ids []int64) error {
	tx := make(map[int64]int64, len(ids))
	txs := make([]int64, 0, len(ids))
	err := d.ix.batches(ctx, `SELECT id, kind, COALESCE(thing, name), digest, tx, COALESCE(line, 0) FROM node WHERE id IN `, ids, ` AND id <= ?`, []any{d.snap.Last}, func(rows *sql.Rows) error {
		l := new(Label)
		var text sql.NullString
		var digest sql.RawBytes
		var first int64
		if err := rows.Scan(&l.ID, &l.Kind, &text, &digest, &first, &l.Line); err != nil {
			return err
		}
		l.Name = text.String
		if digest != nil {
			l.Name = recordID(digest)
		}
		d.labels[l.ID] = l
		d.of[l.Kind] = append(d.of[l.Kind], l.ID)
		tx[l.ID] = first
		txs = append(txs, first)
		return nil
	})
	if err != nil {
		return err
	}
	recordings, err := d.ix.recordings(ctx, txs)
	for id, l := range d.labels {
		line := l.Line
		l.Recording = recordings[tx[id]]
		l.Line = line
	}
	return err
}

func (d *describer) events(ctx context.Context, _ []int64) error {
	type words struct{ id, step, disposition, readPoint, location int64 }
	var all []words
	var unknown []int64
	err := d.ix.batches(ctx, `SELECT id, type, action, time, COALESCE(step, 0), COALESCE(disposition, 0), COALESCE(readpoint, 0), COALESCE(location, 0), hashtext, eventidtext FROM event WHERE id IN `, d.of[KindEvent], "", nil, func(rows *sql.Rows) error {
		var w words
		var kind, action int
		var at int64
		var hash string
		var own sql.NullString
		if err := rows.Scan(&w.id, &kind, &action, &at, &w.step, &w.disposition, &w.readPoint, &w.location, &hash, &own); err != nil {
			return err
		}
		l := d.labels[w.id]
		l.Type, l.Action, l.EventTime, l.Hash, l.EventID = eventTypes[kind], actions[action], time.UnixMicro(at).UTC(), hash, hash
		if own.Valid {
			l.EventID = own.String
		}
		all = append(all, w)
		for _, id := range []int64{w.step, w.disposition, w.readPoint, w.location} {
			if _, ok := d.words[id]; ok || id == 0 {
				continue
			}
			word, ok := d.ix.caches().words.get(id)
			if d.words[id] = word; !ok {
				unknown = append(unknown, id)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = d.ix.batches(ctx, `SELECT id, name FROM node WHERE id IN `, unknown, "", nil, func(rows *sql.Rows) error {
		var id int64
		var word string
		if err := rows.Scan(&id, &word); err != nil {
			return err
		}
		d.words[id] = word
		d.ix.caches().words.put(id, word)
		return nil
	})
	for _, w := range all {
		l := d.labels[w.id]
		l.BizStep, l.Disposition, l.ReadPoint, l.BizLocation = d.words[w.step], d.words[w.disposition], d.words[w.readPoint], d.words[w.location]
	}
	return err
}

// declarations marks events that were declared errors: those that share the
// event id or the hash of a declaration, which leaves the declaration itself out
// of the hash (CBV 2.0, section 8.9).
func (d *describer) declarations(ctx context.Context, _ []int64) error {
	type pair struct{ event, declaration int64 }
	var pairs []pair
	seen := map[pair]bool{}
	details := map[int64]Declaration{}
	var by []int64
	for _, key := range []string{"d.hash = e.hash", "d.eventid = COALESCE(e.eventid, e.hash)"} {
		err := d.ix.batches(ctx, `SELECT e.id, d.event, d.time, d.reason, d.corrective FROM event e JOIN declaration d ON `+key+` WHERE e.id IN `, d.of[KindEvent], ` AND d.event <= ? ORDER BY e.id, d.event`, []any{d.snap.Last}, func(rows *sql.Rows) error {
			var p pair
			var at int64
			var detail Declaration
			var corrective []byte
			if err := rows.Scan(&p.event, &p.declaration, &at, &detail.Reason, &corrective); err != nil {
				return err
			}
			if p.event == p.declaration {
				d.labels[p.event].Declaration = true
				return nil
			}
			if seen[p] {
				return nil
			}
			seen[p] = true
			pairs = append(pairs, p)
			if err := json.Unmarshal(corrective, &detail.Corrective); err != nil {
				return err
			}
			detail.Time = fromMicros(at)
			if _, ok := details[p.declaration]; !ok {
				by = append(by, p.declaration)
			}
			details[p.declaration] = detail
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(pairs) == 0 {
		return nil
	}
	makers := describer{ix: d.ix, snap: d.snap, labels: map[int64]*Label{}, of: map[Kind][]int64{}}
	if err := makers.nodes(ctx, by); err != nil {
		return err
	}
	for _, p := range pairs {
		l := d.labels[p.event]
		if l.Declaration {
			continue // a declaration made twice is no error of its own
		}
		detail := details[p.declaration]
		detail.Event, detail.MSPID = makers.labels[p.declaration].Name, makers.labels[p.declaration].MSPID
		l.Errors = append(l.Errors, detail)
	}
	return nil
}

func (d *describer) artifacts(ctx context.Context, _ []int64) error {
	return d.ix.batches(ctx, `SELECT a.node, a.algorithm, a.digest FROM artifact a WHERE a.node IN `, d.of[KindArtifact], ` AND a.record <= ? ORDER BY a.node, a.record DESC`, []any{d.snap.Last}, func(rows *sql.Rows) error {
		var id int64
		var algorithm, digest string
		if err := rows.Scan(&id, &algorithm, &digest); err != nil {
			return err
		}
		d.labels[id].Digest = algorithm + ":" + digest
		return nil
	})
}

func (d *describer) activities(ctx context.Context, _ []int64) error {
	return d.ix.batches(ctx, `SELECT record, type, COALESCE(started, 0), COALESCE(ended, 0) FROM activity WHERE record IN `, d.of[KindActivity], "", nil, func(rows *sql.Rows) error {
		var id, started, ended int64
		var kind string
		if err := rows.Scan(&id, &kind, &started, &ended); err != nil {
			return err
		}
		l := d.labels[id]
		l.Type, l.StartedAt, l.EndedAt = kind, fromMicros(started), fromMicros(ended)
		return nil
	})
}

func (d *describer) statements(ctx context.Context, _ []int64) error {
	return d.ix.batches(ctx, `SELECT record, kind FROM statement WHERE record IN `, d.of[KindStatement], "", nil, func(rows *sql.Rows) error {
		var id int64
		var kind string
		if err := rows.Scan(&id, &kind); err != nil {
			return err
		}
		d.labels[id].Type = kind
		return nil
	})
}

// Things lists the things and classes below a class, such as all lots and
// serials of a GTIN, by URI.
func (ix *Index) Things(ctx context.Context, class string, at uint64, page Page) (List[string], error) {
	p, err := ix.begin(ctx, "things", class, at, page)
	if err != nil {
		return List[string]{}, err
	}
	list := List[string]{Block: p.snap.Block, Items: []string{}}
	var last int64
	prefix := strings.TrimSuffix(class, "/") + "/"
	err = ix.each(ctx, `SELECT id, thing FROM node WHERE thing >= ? AND thing < ? AND id > ? AND id <= ? ORDER BY id LIMIT ?`, []any{prefix, after(prefix), p.after, p.snap.Last, p.size + 1}, func(rows *sql.Rows) error {
		var id int64
		var thing string
		if err := rows.Scan(&id, &thing); err != nil {
			return err
		}
		if len(list.Items) < p.size {
			last = id
		}
		list.Items = append(list.Items, thing)
		return nil
	})
	if err != nil {
		return list, fmt.Errorf("couldn't list the things of %q: %w", brief(class), err)
	}
	more := len(list.Items) > p.size
	list.Items = list.Items[:min(len(list.Items), p.size)]
	list.Next, err = p.next(last, more)
	return list, err
}

// Kinds tells the kinds of nodes.
func (ix *Index) Kinds(ctx context.Context, ids []int64) (map[int64]Kind, error) {
	kinds := make(map[int64]Kind, len(ids))
	err := ix.batches(ctx, `SELECT id, kind FROM node WHERE id IN `, ids, "", nil, func(rows *sql.Rows) error {
		var id int64
		var kind Kind
		defer func() { kinds[id] = kind }()
		return rows.Scan(&id, &kind)
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't read the kinds of nodes: %w", err)
	}
	return kinds, nil
}

// Names tells the record ids of records.
func (ix *Index) Names(ctx context.Context, records []int64) (map[int64]string, error) {
	names := make(map[int64]string, len(records))
	err := ix.batches(ctx, `SELECT id, digest FROM node WHERE digest IS NOT NULL AND id IN `, records, "", nil, func(rows *sql.Rows) error {
		var id int64
		var digest sql.RawBytes
		if err := rows.Scan(&id, &digest); err != nil {
			return err
		}
		names[id] = recordID(digest)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't read the ids of records: %w", err)
	}
	return names, nil
}
