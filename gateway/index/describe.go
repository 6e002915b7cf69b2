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

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Label is what people want to know about a node at a glance. Which fields are set depends on the kind.
type Label struct {
	Vertex
	Recording // of a record its first one; of another node that of the record that named it first

	// Events.
	Type, Action, BizStep, Disposition, ReadPoint, BizLocation string
	EventID, Hash                                              string
	EventTime                                                  time.Time

	Declaration bool          // of an event: it declares an earlier event an error
	Errors      []Declaration // the declarations that this event is an error
	InError     bool          // every organisation that recorded the event has declared it an error
	// IDOf is the record of another event, which another organisation recorded earlier with the same eventID.
	IDOf string

	// Activities have Type, and their times; statements have Type, their kind.
	StartedAt, EndedAt time.Time
	Breaches           int // how many inputs an activity used after consent had been withdrawn

	// Artifacts.
	Digest string // algorithm:hexadecimal
}

// Declaration says that an event was recorded in error.
type Declaration struct {
	Event      string    `json:"event"` // record id of the declaration
	MSPID      string    `json:"mspId"`
	Time       time.Time `json:"time,omitzero"` // its declarationTime
	Reason     string    `json:"reason,omitempty"`
	Corrective []string  `json:"correctiveEventIDs,omitempty"` // event ids of the events that replace it
	// Dispute tells that the organisation hasn't recorded the event itself: it speaks of the report of others.
	Dispute bool `json:"dispute,omitempty"`
}

// Describe labels nodes. The result has one entry for each id that exists.
func (ix *Index) Describe(ctx context.Context, ids []int64, snap Snapshot) (map[int64]*Label, error) {
	if err := ix.caches.Load().declarations.refresh(ctx, ix); err != nil {
		return nil, err
	}
	// Labels are most of the work of a big answer, so all processors share it.
	parts, err := divided(ids, func(ids []int64) ([]*describer, error) {
		d := newDescriber(ix, snap, ids)
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
	ix       *Index
	snap     Snapshot
	ids      []int64
	labels   map[int64]*Label
	of       map[Kind][]int64
	suspects []int64 // events that may have been declared errors
}

func newDescriber(ix *Index, snap Snapshot, ids []int64) *describer {
	return &describer{ix: ix, snap: snap, ids: ids, labels: make(map[int64]*Label, len(ids)), of: map[Kind][]int64{}}
}

func (d *describer) run(ctx context.Context) error {
	steps := []func(context.Context) error{d.nodes, d.declarations, d.eventIDs, d.artifacts, d.activities, d.statements}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// rawLabel is a label whose words are still numbers.
type rawLabel struct {
	Label
	tx    int64
	words [4]int64 // step, disposition, read point, location
}

// nodes reads what all labels have, and what those of events have.
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
		} else if d.ix.caches.Load().declarations.has(l.Hash, l.EventID) {
			d.suspects = append(d.suspects, l.ID)
		}
	}
	return nil
}

func (d *describer) read(ctx context.Context) ([]rawLabel, error) {
	rows, err := d.ix.nodes(ctx, d.ids, d.snap)
	if err != nil {
		return nil, err
	}
	shapes, err := d.ix.shapes(ctx, rows)
	if err != nil {
		return nil, err
	}
	all := make([]rawLabel, len(rows))
	txs := make([]int64, len(rows))
	unknown := map[int64]bool{}
	known := map[int64]string{0: ""}
	for i, n := range rows {
		l := &all[i]
		l.ID, l.Kind, l.Name, l.Line, l.tx = n.ID, n.Kind, n.name(), int(n.Line), n.Tx
		if n.Kind == KindEvent {
			shape := shapes[n.Shape]
			l.Type, l.Action = projection.EventTypes[shape.kind], projection.Actions[shape.action]
			l.EventTime, l.Hash = time.UnixMicro(n.Time).UTC(), projection.UnpackEventHash([]byte(n.EventHash))
			if l.EventID = l.Hash; n.EventID != "" {
				l.EventID = n.EventID
			}
			l.words = shape.words
			for _, id := range l.words {
				if _, ok := known[id]; !ok {
					word, ok := d.ix.caches.Load().words.Get(id)
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
		l.BizStep, l.Disposition = known[l.words[0]], known[l.words[1]]
		l.ReadPoint, l.BizLocation = known[l.words[2]], known[l.words[3]]
	}
	return all, err
}

// shapeRow is a row of the table shape.
type shapeRow struct {
	kind, action int
	words        [4]int64 // step, disposition, read point, location; 0 if absent
}

// shapes are the shapes of events, by their ids.
func (ix *Index) shapes(ctx context.Context, events []*Node) (map[int64]shapeRow, error) {
	all := map[int64]shapeRow{}
	var missing []int64
	for _, n := range events {
		if _, ok := all[n.Shape]; ok || n.Shape == 0 {
			continue
		}
		shape, ok := ix.caches.Load().shapes.Get(n.Shape)
		if !ok {
			missing = append(missing, n.Shape)
		}
		all[n.Shape] = shape
	}
	const query = `SELECT id, type, action, COALESCE(step, 0), COALESCE(disposition, 0), COALESCE(readpoint, 0),
		COALESCE(location, 0) FROM shape WHERE id IN `
	err := ix.batches(ctx, query, missing, "", nil, func(rows *sql.Rows) error {
		var id int64
		var s shapeRow
		if err := rows.Scan(&id, &s.kind, &s.action, &s.words[0], &s.words[1], &s.words[2], &s.words[3]); err != nil {
			return err
		}
		all[id] = s
		ix.caches.Load().shapes.Put(id, s)
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
		if known[id] = word; len(word) <= mostWord {
			d.ix.caches.Load().words.Put(id, word)
		}
		return nil
	})
}

// declaredEvents are the hashes and event ids that error declarations name, by the hashes by which they are found.
// There are few, and almost no event is among them.
type declaredEvents struct {
	mutex            sync.RWMutex
	upTo             int64
	hashes, eventIDs map[int64]bool
}

// refresh adds the declarations that have come since the last refresh.
func (c *declaredEvents) refresh(ctx context.Context, ix *Index) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.hashes == nil {
		c.hashes, c.eventIDs = map[int64]bool{}, map[int64]bool{}
	}
	const query = `SELECT event, hash, eventid FROM declaration WHERE event > ? ORDER BY event`
	err := ix.eachPrepared(ctx, query, []any{c.upTo}, func(rows *sql.Rows) error {
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

// has is false if no declaration names an event's hash or id.
func (c *declaredEvents) has(hash, eventID string) bool {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	if len(c.hashes) == 0 {
		return false
	}
	return c.hashes[int64(projection.EventHash(hash))] || c.eventIDs[int64(projection.EventHash(eventID))]
}

// declarations labels events that were declared errors. Such an event has the event id or the hash of a declaration:
// the hash of a declaration leaves the declaring part out (CBV 2.0, section 8.9).
func (d *describer) declarations(ctx context.Context) error {
	var pairs []declared
	seen := map[declared]bool{}
	details := map[int64]Declaration{}
	var makersOf []int64
	byHash, byEventID := map[int64][]int64{}, map[int64][]int64{}
	for _, event := range d.suspects {
		l := d.labels[event]
		hash, eventID := int64(projection.EventHash(l.Hash)), int64(projection.EventHash(l.EventID))
		byHash[hash] = append(byHash[hash], event)
		byEventID[eventID] = append(byEventID[eventID], event)
	}
	for _, by := range []struct {
		column string
		events map[int64][]int64
	}{{"hash", byHash}, {"eventid", byEventID}} {
		query := `SELECT event, ` + by.column + `, time, reason, corrective FROM declaration WHERE ` + by.column +
			` IN `
		keys := slices.Sorted(maps.Keys(by.events))
		const known = ` AND event <= ? ORDER BY event`
		err := d.ix.batches(ctx, query, keys, known, []any{d.snap.Last}, func(rows *sql.Rows) error {
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
				p := declared{event, declaration}
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
	makers := newDescriber(d.ix, d.snap, makersOf)
	if err := makers.nodes(ctx); err != nil {
		return err
	}
	recorders, err := d.recorders(ctx, pairs, makers)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		l, maker := d.labels[p.event], makers.labels[p.declaration]
		if l.Declaration {
			continue // a declaration that was made twice is not in error
		}
		if l.Hash != maker.Hash && l.EventID != maker.EventID {
			continue // only the hashes by which they are found are the same
		}
		for _, mspID := range recorders[p.declaration] {
			detail := details[p.declaration]
			detail.Event, detail.MSPID = maker.Name, mspID
			detail.Dispute = !slices.Contains(recorders[p.event], mspID)
			l.Errors = append(l.Errors, detail)
		}
	}
	for _, p := range pairs {
		l := d.labels[p.event]
		l.InError = len(l.Errors) > 0 && !slices.ContainsFunc(recorders[p.event], func(mspID string) bool {
			return !slices.ContainsFunc(l.Errors, func(e Declaration) bool { return e.MSPID == mspID })
		})
	}
	return nil
}

// declared is an event, and a declaration that it was an error.
type declared struct{ event, declaration int64 }

// recorders lists who recorded each event and each declaration, the first organisation first. Each speaks for its own
// report of an event: one that hasn't recorded it disputes it, and the event is in error only if all that recorded it
// have declared so. Whoever records a declaration that another organisation has recorded before declares it, too.
func (d *describer) recorders(ctx context.Context, pairs []declared, makers *describer) (map[int64][]string, error) {
	recorders := map[int64][]string{}
	for _, p := range pairs {
		recorders[p.event] = []string{d.labels[p.event].MSPID}
		recorders[p.declaration] = []string{makers.labels[p.declaration].MSPID}
	}
	const query = `SELECT a.record, c.msp FROM again a JOIN tx t ON t.id = a.tx JOIN creator c ON c.id = t.creator
		WHERE a.record IN `
	const known = ` AND a.id <= ? ORDER BY a.record, a.id`
	records := slices.Sorted(maps.Keys(recorders))
	err := d.ix.batches(ctx, query, records, known, []any{d.snap.Last}, func(rows *sql.Rows) error {
		var id int64
		var mspID string
		if err := rows.Scan(&id, &mspID); err != nil {
			return err
		}
		if !slices.Contains(recorders[id], mspID) {
			recorders[id] = append(recorders[id], mspID)
		}
		return nil
	})
	return recorders, err
}

func (d *describer) artifacts(ctx context.Context) error {
	const query = `SELECT a.node, a.algorithm, a.digest FROM artifact a WHERE a.node IN `
	const known = ` AND a.record <= ? ORDER BY a.node, a.record DESC` // so that the first record is the last row
	return d.ix.batches(ctx, query, d.of[KindArtifact], known, []any{d.snap.Last}, func(rows *sql.Rows) error {
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
	const query = `SELECT record, type, COALESCE(started, 0), COALESCE(ended, 0), breaches FROM activity WHERE record IN `
	return d.ix.batches(ctx, query, d.of[KindActivity], "", nil, func(rows *sql.Rows) error {
		var id, started, ended int64
		var kind string
		var breaches int
		if err := rows.Scan(&id, &kind, &started, &ended, &breaches); err != nil {
			return err
		}
		l := d.labels[id]
		l.Type, l.StartedAt, l.EndedAt, l.Breaches = kind, fromMicros(started), fromMicros(ended), breaches
		return nil
	})
}

func (d *describer) statements(ctx context.Context) error {
	const query = `SELECT record, kind FROM statement WHERE record IN `
	return d.ix.batches(ctx, query, d.of[KindStatement], "", nil, func(rows *sql.Rows) error {
		var id int64
		var kind string
		if err := rows.Scan(&id, &kind); err != nil {
			return err
		}
		d.labels[id].Type = kind
		return nil
	})
}
