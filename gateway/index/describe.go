package index

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

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

// Describe labels nodes. The result has one entry for each id that exists.
func (ix *Index) Describe(ctx context.Context, ids []int64, snap Snapshot) (map[int64]*Label, error) {
	if err := ix.caches().declared.refresh(ctx, ix); err != nil {
		return nil, err
	}
	// Labels are most of the work of a big answer, so all processors take part.
	parts, err := shared(ids, func(ids []int64) ([]*describer, error) {
		d := &describer{ix: ix, snap: snap, ids: ids, labels: make(map[int64]*Label, len(ids)), of: map[Kind][]int64{}}
		return []*describer{d}, d.run(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't describe nodes: %w", err)
	}
	if len(parts) == 1 {
		return parts[0].labels, nil
	}
	all := make(map[int64]*Label, len(ids))
	for _, d := range parts {
		maps.Copy(all, d.labels)
	}
	return all, nil
}

// describer labels some nodes.
type describer struct {
	ix     *Index
	snap   Snapshot
	ids    []int64
	labels map[int64]*Label
	of     map[Kind][]int64
	// errors are the events that may have been declared errors.
	errors []int64
}

func (d *describer) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{d.nodes, d.declarations, d.artifacts, d.activities, d.statements} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// labelled is a label under way.
type labelled struct {
	Label
	tx    int64
	words [4]int64 // step, disposition, read point, location
}

// nodes reads what all have, and what events have.
func (d *describer) nodes(ctx context.Context) error {
	all, err := d.read(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		l := &all[i]
		d.labels[l.ID] = &l.Label
		if l.Kind != KindEvent {
			d.of[l.Kind] = append(d.of[l.Kind], l.ID)
		} else if d.ix.caches().declared.has(l.Hash, l.EventID) {
			d.errors = append(d.errors, l.ID)
		}
	}
	return nil
}

func (d *describer) read(ctx context.Context) ([]labelled, error) {
	rows, err := d.ix.stored(ctx, d.ids, d.snap)
	if err != nil {
		return nil, err
	}
	shapes, err := d.ix.shapes(ctx, rows)
	if err != nil {
		return nil, err
	}
	all := make([]labelled, len(rows))
	txs := make([]int64, len(rows))
	unknown := map[int64]bool{}
	known := map[int64]string{0: ""}
	for i, n := range rows {
		l := &all[i]
		l.ID, l.Kind, l.Name, l.Line, l.tx = n.id, n.kind, n.name(), int(n.line), n.tx
		if n.kind == KindEvent {
			shape := shapes[n.shape]
			l.Type, l.Action, l.EventTime, l.Hash = eventTypes[shape.kind], actions[shape.action], time.UnixMicro(n.at).UTC(), unpackHash([]byte(n.hash))
			if l.EventID = l.Hash; n.eventID != "" {
				l.EventID = n.eventID
			}
			l.words = shape.words
			for _, id := range l.words {
				if _, ok := known[id]; !ok {
					word, ok := d.ix.caches().words.get(id)
					known[id], unknown[id] = word, !ok
				}
			}
		}
		txs[i] = l.tx
	}
	if err := d.words(ctx, unknown, known); err != nil {
		return nil, err
	}
	recordings, err := d.ix.recordings(ctx, txs)
	for i := range all {
		l := &all[i]
		line := l.Line
		l.Recording = recordings[l.tx]
		l.Line = line
		l.BizStep, l.Disposition, l.ReadPoint, l.BizLocation = known[l.words[0]], known[l.words[1]], known[l.words[2]], known[l.words[3]]
	}
	return all, err
}

// shapeRow is a row of the table shape.
type shapeRow struct {
	kind, action int
	words        [4]int64 // step, disposition, read point, location; 0 if absent
}

// shapes are the shapes of events, by their ids.
func (ix *Index) shapes(ctx context.Context, events []*stored) (map[int64]shapeRow, error) {
	all := map[int64]shapeRow{}
	var missing []int64
	for _, n := range events {
		if _, ok := all[n.shape]; ok || n.shape == 0 {
			continue
		}
		shape, ok := ix.caches().shapes.get(n.shape)
		if !ok {
			missing = append(missing, n.shape)
		}
		all[n.shape] = shape
	}
	err := ix.batches(ctx, `SELECT id, type, action, COALESCE(step, 0), COALESCE(disposition, 0), COALESCE(readpoint, 0), COALESCE(location, 0) FROM shape WHERE id IN `, missing, "", nil, func(rows *sql.Rows) error {
		var id int64
		var s shapeRow
		if err := rows.Scan(&id, &s.kind, &s.action, &s.words[0], &s.words[1], &s.words[2], &s.words[3]); err != nil {
			return err
		}
		all[id] = s
		ix.caches().shapes.put(id, s)
		return nil
	})
	return all, err
}

func (d *describer) words(ctx context.Context, unknown map[int64]bool, known map[int64]string) error {
	var ask []int64
	for id, is := range unknown {
		if is {
			ask = append(ask, id)
		}
	}
	return d.ix.batches(ctx, `SELECT id, name FROM node WHERE id IN `, ask, "", nil, func(rows *sql.Rows) error {
		var id int64
		var word string
		if err := rows.Scan(&id, &word); err != nil {
			return err
		}
		if known[id] = word; len(word) <= mostName {
			d.ix.caches().words.put(id, word)
		}
		return nil
	})
}

// declared are the hashes and event ids of all error declarations, by their
// numbers. There are few, so they are kept at hand: almost no event is in it.
type declared struct {
	mutex            sync.RWMutex
	upTo             int64
	hashes, eventIDs map[int64]bool
}

// refresh takes in the declarations that came since.
func (c *declared) refresh(ctx context.Context, ix *Index) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.hashes == nil {
		c.hashes, c.eventIDs = map[int64]bool{}, map[int64]bool{}
	}
	err := ix.eachPrepared(ctx, `SELECT event, hash, eventid FROM declaration WHERE event > ? ORDER BY event`, []any{c.upTo}, func(rows *sql.Rows) error {
		var hash, eventID int64
		if err := rows.Scan(&c.upTo, &hash, &eventID); err != nil {
			return err
		}
		c.hashes[hash], c.eventIDs[eventID] = true, true
		return nil
	})
	if err != nil {
		return fmt.Errorf("couldn't read error declarations: %w", err)
	}
	return nil
}

// has says whether a declaration may share an event's hash or id.
func (c *declared) has(hash, eventID string) bool {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	return len(c.hashes) > 0 && (c.hashes[int64(hashEvent(hash))] || c.eventIDs[int64(hashEvent(eventID))])
}

// declarations marks events that were declared errors: those that share the
// event id or the hash of a declaration, which leaves the declaration itself out
// of the hash (CBV 2.0, section 8.9).
func (d *describer) declarations(ctx context.Context) error {
	type pair struct{ event, declaration int64 }
	var pairs []pair
	seen := map[pair]bool{}
	details := map[int64]Declaration{}
	var makersOf []int64
	byHash, byEventID := map[int64][]int64{}, map[int64][]int64{}
	for _, event := range d.errors {
		l := d.labels[event]
		hash, eventID := int64(hashEvent(l.Hash)), int64(hashEvent(l.EventID))
		byHash[hash], byEventID[eventID] = append(byHash[hash], event), append(byEventID[eventID], event)
	}
	for _, by := range []struct {
		column string
		events map[int64][]int64
	}{{"hash", byHash}, {"eventid", byEventID}} {
		err := d.ix.batches(ctx, `SELECT event, `+by.column+`, time, reason, corrective FROM declaration WHERE `+by.column+` IN `, slices.Sorted(maps.Keys(by.events)), ` AND event <= ? ORDER BY event`, []any{d.snap.Last}, func(rows *sql.Rows) error {
			var declaration, key, at int64
			var detail Declaration
			var corrective []byte
			if err := rows.Scan(&declaration, &key, &at, &detail.Reason, &corrective); err != nil {
				return err
			}
			if err := json.Unmarshal(corrective, &detail.Corrective); err != nil {
				return err
			}
			detail.Time = fromMicros(at)
			for _, event := range by.events[key] {
				p := pair{event, declaration}
				if event == declaration {
					d.labels[event].Declaration = true
					continue
				}
				if seen[p] {
					continue
				}
				seen[p] = true
				pairs = append(pairs, p)
				if _, ok := details[declaration]; !ok {
					makersOf = append(makersOf, declaration)
				}
				details[declaration] = detail
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(pairs) == 0 {
		return nil
	}
	makers := describer{ix: d.ix, snap: d.snap, ids: makersOf, labels: map[int64]*Label{}, of: map[Kind][]int64{}}
	if err := makers.nodes(ctx); err != nil {
		return err
	}
	for _, p := range pairs {
		l, maker := d.labels[p.event], makers.labels[p.declaration]
		if l.Declaration {
			continue // a declaration made twice is no error of its own
		}
		if l.Hash != maker.Hash && l.EventID != maker.EventID {
			continue // only the numbers made from them are the same
		}
		detail := details[p.declaration]
		detail.Event, detail.MSPID = maker.Name, maker.MSPID
		l.Errors = append(l.Errors, detail)
	}
	return nil
}

func (d *describer) artifacts(ctx context.Context) error {
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

func (d *describer) activities(ctx context.Context) error {
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

func (d *describer) statements(ctx context.Context) error {
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
