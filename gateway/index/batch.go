package index

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// batch writes blocks inside one SQL transaction. What it learns (ids, the new
// tip) reaches the index only through committed.
type batch struct {
	ix       *Index
	db       tables
	tip      tip
	versions map[int64]int64 // artifact records of this batch: the node each describes
	creators map[creator]int64
	*rows
}

// rows are those that wait to be written, by their tables.
type rows struct {
	block, creator, tx, pack, again, link, shape, declaration, artifact, activity, statement, member, namespace *bulk

	// All are of the table node, with what each sort of node has.
	events, records, things, others *bulk

	base   int64     // the greatest id before the portion under way
	nodes  []nodeRow // of the portion, by id
	links  []Link    // of the portion
	packed []byte    // the links, as they are stored
	pairs  []pair    // of the batch

	found map[string]found // names known to this batch, by their full text
	asked map[string]bool  // names that a block looks up
}

func (r *rows) tables() []*bulk {
	return []*bulk{r.block, r.creator, r.tx, r.pack, r.again, r.link, r.shape, r.declaration, r.artifact, r.activity, r.statement, r.member, r.namespace}
}

// nodeRow is a row of the table node. Ids that are no node's have the kind 0.
type nodeRow struct {
	kind           Kind
	text           string // the name; the digest of a record
	tx, pack, line int64
	at             int64 // of a record: when it happened
	links          span  // in packed

	// Of an event.
	shape         int64
	hash, eventID string // eventID is "" if it is the hash
}

// span is a part of a slice of bytes.
type span struct{ from, to int }

type found struct {
	id   int64
	kind Kind
}

type creator struct{ msp, subject string }

// newBatch begins a batch. The memory of the last one's rows serves again; what a
// failed batch left there is dropped.
func newBatch(ix *Index) *batch {
	for _, table := range append(ix.rows.tables(), ix.rows.events, ix.rows.records, ix.rows.things, ix.rows.others) {
		table.cells = table.cells[:0]
	}
	ix.rows.pairs = ix.rows.pairs[:0]
	ix.rows.found = emptied(ix.rows.found)
	return &batch{ix: ix, tip: ix.stand(), versions: map[int64]int64{}, creators: map[creator]int64{}, rows: ix.rows}
}

// emptied is an empty map in the memory of an old one, if that isn't big.
func emptied[V any](old map[string]V) map[string]V {
	if old == nil || len(old) > 1<<16 {
		return map[string]V{}
	}
	clear(old)
	return old
}

func newRows() *rows {
	r := &rows{
		block:       newBulk("block", "number", "hash", "previous", "transactions", "last", "earliest", "latest"),
		creator:     newBulk("creator", "id", "msp", "subject"),
		tx:          newBulk("tx", "id", "txid", "block", "position", "creator", "time", "code", "before"),
		pack:        newBulk("pack", "id", "data"),
		events:      newBulk("node", "id", "kind", "tx", "pack", "line", "digest", "links", "time", "shape", "hash", "eventid"),
		records:     newBulk("node", "id", "kind", "tx", "pack", "line", "digest", "links", "time"),
		things:      newBulk("node", "id", "kind", "tx", "thing", "links"),
		others:      newBulk("node", "id", "kind", "tx", "name", "links"),
		again:       newBulk("again", "id", "record", "tx", "pack", "line"),
		link:        newBulk("link", "node", "since", "data"),
		shape:       newBulk("shape", "id", "type", "action", "step", "disposition", "readpoint", "location"),
		declaration: newBulk("declaration", "event", "hash", "eventid", "time", "reason", "corrective"),
		artifact:    newBulk("artifact", "record", "node", "kind", "namespace", "name", "version", "algorithm", "digest", "coverage"),
		activity:    newBulk("activity", "record", "type", "started", "ended"),
		statement:   newBulk("statement", "record", "kind"),
		member:      newBulk("member", "record", "msp", "name"),
		namespace:   newBulk("namespace", "name", "record", "msp"),
	}
	r.pack.alone = true
	return r
}

// writeAll does everything but commit. While one portion is written, the next is
// unpacked.
func (w *batch) writeAll(db tables, blocks []Block) error {
	w.db = db
	unpacked, stop := make(chan portion), make(chan struct{})
	defer close(stop)
	go w.ix.unpack(blocks, unpacked, stop)
	for _, b := range blocks {
		if err := w.write(b, unpacked); err != nil {
			return err
		}
	}
	return w.db.add(w.pairs)
}

// write writes a block, portion by portion.
func (w *batch) write(b Block, portions <-chan portion) error {
	var earliest, latest cell // of events
	for ends := false; !ends; {
		p := <-portions
		if err := w.lookUp(p.parcels); err != nil {
			return err
		}
		w.base, w.nodes, w.links = w.tip.last, w.nodes[:0], w.links[:0]
		for j, parcels := range p.parcels {
			if err := w.transaction(b.Number, b.Transactions[p.from+j], parcels); err != nil {
				return err
			}
		}
		w.packLinks()
		first, last, err := w.flushNodes()
		if err != nil {
			return err
		}
		if earliest == null || first != null && first.number < earliest.number {
			earliest = first
		}
		if latest == null || last != null && last.number > latest.number {
			latest = last
		}
		if ends = p.ends; !ends {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	w.block.add(number(int64(b.Number)), bytesOf(b.Hash), bytesOf(b.PreviousHash), number(int64(len(b.Transactions))), number(w.tip.last), earliest, latest)
	w.tip.height, w.tip.hash = b.Number+1, b.Hash
	return w.flush()
}

func (w *batch) flush() error {
	for _, table := range w.tables() {
		if err := table.flush(w.db); err != nil {
			return err
		}
	}
	return nil
}

// committed lets the index know what is now in the database.
func (w *batch) committed() {
	for full, f := range w.found {
		if full[0] != spaceRecord && len(full) <= mostName { // records are seldom named again
			w.ix.names.put(full, f.id)
		}
	}
	for c, id := range w.creators {
		w.ix.creators[c] = id
	}
	w.ix.moveTo(w.tip)
}

// next hands out an id.
func (w *batch) next() int64 {
	w.tip.last++
	w.nodes = append(w.nodes, nodeRow{})
	return w.tip.last
}

// row is the row of a node that this portion made.
func (w *batch) row(id int64) *nodeRow { return &w.nodes[id-w.base-1] }

// name makes a node's name one by which it is found.
func (w *batch) key(hash uint64, id int64) { w.pairs = append(w.pairs, pair{hash, id}) }

// transaction writes one transaction: first all its records get their ids,
// then what they name, so that records of one pack can refer to each other in
// any order.
func (w *batch) transaction(block uint64, t Transaction, parcels []parcel) error {
	w.tip.tx++
	tx, recorded := w.tip.tx, micros(t.Time)
	w.tx.add(number(tx), text(t.ID), number(int64(block)), number(int64(t.Position)), number(w.creatorID(t.MSPID, t.Subject)), number(recorded), number(int64(t.Code)), number(w.tip.last))
	ids := make([][]int64, len(parcels))
	for k := range parcels {
		w.tip.pack++
		w.pack.add(number(w.tip.pack), bytesOf(t.Packs[k]))
		ids[k] = make([]int64, len(parcels[k].entries))
		for line := range parcels[k].entries {
			e := &parcels[k].entries[line]
			id := w.record(e, tx, w.tip.pack, int64(line))
			ids[k][line] = id
			if id == 0 || e.artifact == nil {
				continue
			}
			version, err := w.resolve(e.version, tx)
			if err != nil {
				return err
			}
			w.versions[id] = version
		}
	}
	for k := range parcels {
		for line, id := range ids[k] {
			if id == 0 {
				continue
			}
			if err := w.content(id, &parcels[k].entries[line], tx, t.MSPID, recorded); err != nil {
				return err
			}
		}
	}
	return nil
}

// record writes that a record was recorded. It returns 0 if that wasn't the first time.
func (w *batch) record(e *entry, tx, pack, line int64) int64 {
	if f, ok := w.found[e.self.full]; ok {
		w.again.add(number(w.next()), number(f.id), number(tx), number(pack), number(line))
		return 0
	}
	id := w.next()
	w.found[e.self.full] = found{id, e.self.kind}
	w.key(e.self.hash, id)
	*w.row(id) = nodeRow{kind: e.self.kind, text: e.self.text(), tx: tx, pack: pack, line: line}
	return id
}

// content writes what a record says.
func (w *batch) content(id int64, e *entry, tx int64, mspID string, recorded int64) error {
	at := recorded
	if !e.at.IsZero() {
		at = e.at.UnixMicro()
	}
	w.row(id).at = at
	for _, l := range e.links {
		node, err := w.resolve(l.node, tx)
		if err != nil {
			return err
		}
		w.links = append(w.links, Link{Record: id, Role: l.role, Node: node, Time: at, Amount: l.amount})
	}
	switch e.self.kind {
	case KindEvent:
		return w.event(id, e.event, tx)
	case KindArtifactRecord:
		a := e.artifact
		w.artifact.add(number(id), number(w.versions[id]), text(a.Kind), text(a.Namespace), text(a.Name), text(a.Version), text(a.Digest.Algorithm), text(a.Digest.Value), text(a.Digest.Coverage))
	case KindActivity:
		w.activity.add(number(id), text(e.activity.Type), instant(e.activity.StartedAt), instant(e.activity.EndedAt))
	case KindStatement:
		w.statement.add(number(id), text(e.statement.Kind))
	case KindMember:
		w.member.add(number(id), text(e.member.MSPID), text(e.member.Name))
		for _, namespace := range e.member.Namespaces {
			w.namespace.add(text(namespace), number(id), text(mspID))
		}
	}
	return nil
}

func (w *batch) event(id int64, e *eventEntry, tx int64) error {
	shape, err := w.resolveShape(e.shape, tx)
	if err != nil {
		return err
	}
	row := w.row(id)
	row.shape, row.hash = shape, packHash(e.hash)
	hash := hashPacked(row.hash)
	w.key(hash, id)
	eventID := hash
	if e.eventID != e.hash {
		row.eventID, eventID = e.eventID, hashEvent(e.eventID)
		w.key(eventID, id)
	}
	if e.declared {
		w.declaration.add(number(id), number(int64(hash)), number(int64(eventID)), number(micros(e.declaredAt)), text(e.reason), text(e.corrective))
	}
	return nil
}

// resolveShape finds the node of a shape, and makes it if there is none.
func (w *batch) resolveShape(s *shape, tx int64) (int64, error) {
	if id, ok := w.known(s.name); ok {
		return id, nil
	}
	var words [4]cell
	for i, word := range s.words {
		if word.full == "" {
			continue
		}
		id, err := w.resolve(word, tx)
		if err != nil {
			return 0, err
		}
		words[i] = number(id)
	}
	id, err := w.resolve(s.name, tx)
	w.shape.add(number(id), number(int64(s.kind)), number(int64(s.action)), words[0], words[1], words[2], words[3])
	return id, err
}

// known is the id of a node that isn't an artifact record, if there is one.
func (w *batch) known(n name) (int64, bool) {
	if f, ok := w.found[n.full]; ok {
		return f.id, true
	}
	return w.ix.names.get(n.full)
}

// resolve finds the node that a name means, and makes it if there is none.
func (w *batch) resolve(n name, tx int64) (int64, error) {
	if f, ok := w.found[n.full]; ok && f.kind == KindArtifactRecord {
		return w.version(f.id)
	}
	if id, ok := w.known(n); ok {
		return id, nil
	}
	if n.kind == KindMissing {
		// A record nobody recorded, so far. The ledger doesn't let such a reference
		// in; should one be there, it leads to a node of its own.
		n = ghost(n)
		if id, ok := w.known(n); ok {
			return id, nil
		}
	}
	id := w.next()
	w.found[n.full] = found{id, n.kind}
	w.key(n.hash, id)
	*w.row(id) = nodeRow{kind: n.kind, text: n.text(), tx: tx}
	return id, nil
}

func ghost(n name) name { return named(spaceGhost, recordID([]byte(n.text())), KindMissing) }

// version is the artifact version that an artifact record describes: in the
// graph, the record's id is only another name for it.
func (w *batch) version(artifact int64) (int64, error) {
	if node, ok := w.versions[artifact]; ok {
		return node, nil
	}
	node, err := w.db.version(artifact)
	if err != nil {
		return 0, fmt.Errorf("couldn't find the version of artifact record %d: %w", artifact, err)
	}
	if node == 0 {
		return 0, fmt.Errorf("artifact record %d has no version: the index is damaged, build it again with reindex", artifact)
	}
	w.versions[artifact] = node
	return node, nil
}

func (w *batch) creatorID(msp, subject string) int64 {
	c := creator{msp, subject}
	if id, ok := w.ix.creators[c]; ok {
		return id
	}
	id, ok := w.creators[c]
	if !ok {
		id = int64(len(w.ix.creators) + len(w.creators) + 1)
		w.creators[c] = id
		w.creator.add(number(id), text(msp), text(subject))
	}
	return id
}

func (ix *Index) readCreators(ctx context.Context) (map[creator]int64, error) {
	all := map[creator]int64{}
	err := ix.each(ctx, `SELECT id, msp, subject FROM creator`, nil, func(rows *sql.Rows) error {
		var c creator
		var id int64
		defer func() { all[c] = id }()
		return rows.Scan(&id, &c.msp, &c.subject)
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't read the index's creators: %w", err)
	}
	return all, nil
}

// micros is a time as it is stored, 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(t time.Time) cell {
	if t.IsZero() {
		return null
	}
	return number(t.UnixMicro())
}
