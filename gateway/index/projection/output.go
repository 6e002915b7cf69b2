package projection

// output is the rows of a batch that wait to be written, by their tables. Its memory is used again by the next batch.
type output struct {
	block, creator, tx, pack, again, link, shape *Rows
	declaration, artifact, activity, statement   *Rows
	member, namespace, tile                      *Rows

	// The rows of the table node, divided by which columns they fill.
	events, records, things, others *Rows

	base   int64     // the greatest id before the present portion
	nodes  []nodeRow // of the portion, by id
	links  []Link    // of the portion
	packed []byte    // the links as they are stored
	keys   []Key     // of the batch

	found map[string]foundNode // nodes that this batch knows, by their full names
	asked map[string]bool      // full names that the portion looks up
}

// nodeRow is a row of the table node. An id that is no node's has the kind 0.
type nodeRow struct {
	kind           Kind
	text           string // the name; the digest of a record
	tx, pack, line int64
	at             int64 // of a record: when it happened
	links          span  // in packed

	// Of an event.
	shape         int64
	hash, eventID string // eventID is empty if it is the hash
}

// span is a part of a slice of bytes.
type span struct{ from, to int }

type foundNode struct {
	id   int64
	kind Kind
}

func newOutput() *output {
	o := &output{
		block:   NewRows("block", "number", "hash", "previous", "transactions", "last", "earliest", "latest"),
		creator: NewRows("creator", "id", "msp", "subject"),
		tx:      NewRows("tx", "id", "txid", "block", "position", "creator", "time", "code", "before"),
		pack:    NewRows("pack", "id", "data"),
		events: NewRows("node", "id", "kind", "tx", "pack", "line", "digest", "links", "time",
			"shape", "hash", "eventid"),
		records:     NewRows("node", "id", "kind", "tx", "pack", "line", "digest", "links", "time"),
		things:      NewRows("node", "id", "kind", "tx", "thing", "links"),
		others:      NewRows("node", "id", "kind", "tx", "name", "links"),
		again:       NewRows("again", "id", "record", "tx", "pack", "line"),
		link:        NewRows("link", "node", "since", "data"),
		shape:       NewRows("shape", "id", "type", "action", "step", "disposition", "readpoint", "location"),
		declaration: NewRows("declaration", "event", "hash", "eventid", "time", "reason", "corrective"),
		artifact: NewRows("artifact", "record", "node", "kind", "namespace", "name", "version",
			"algorithm", "digest", "coverage"),
		activity:  NewRows("activity", "record", "type", "started", "ended", "breaches"),
		statement: NewRows("statement", "record", "kind"),
		member:    NewRows("member", "record", "msp", "name"),
		namespace: NewRows("namespace", "name", "record", "msp"),
		tile:      NewRows("tile", "level", "number", "last", "hash"),
	}
	o.pack.Big = true
	return o
}

// otherTables are all rows but those of the table node.
func (o *output) otherTables() []*Rows {
	return []*Rows{
		o.block, o.creator, o.tx, o.pack, o.again, o.link, o.shape, o.declaration, o.artifact, o.activity, o.statement,
		o.member, o.namespace, o.tile,
	}
}

// reset drops what a failed batch left.
func (o *output) reset() {
	for _, rows := range append(o.otherTables(), o.events, o.records, o.things, o.others) {
		rows.Reset()
	}
	o.keys = o.keys[:0]
	o.found = emptied(o.found)
}

// emptied is an empty map in the memory of an old one, unless that is big.
func emptied[V any](old map[string]V) map[string]V {
	if old == nil || len(old) > 1<<16 {
		return map[string]V{}
	}
	clear(old)
	return old
}

// flush writes all rows but those of the table node.
func (o *output) flush(tables Tables) error {
	for _, rows := range o.otherTables() {
		if err := rows.Flush(tables); err != nil {
			return err
		}
	}
	return nil
}

// flushNodes writes the rows of the portion's nodes, in the order of their ids. It returns the earliest and the latest
// time of its events, null if it has none.
func (o *output) flushNodes(tables Tables) (earliest, latest Cell, err error) {
	packed := string(o.packed)
	last := o.events
	for i := range o.nodes {
		n := &o.nodes[i]
		if n.kind == 0 {
			continue
		}
		rows := o.others
		switch {
		case n.kind == KindEvent:
			rows = o.events
		case n.kind.IsRecord():
			rows = o.records
		case n.kind.IsThing():
			rows = o.things
		}
		if rows != last {
			if err := last.Flush(tables); err != nil {
				return null, null, err
			}
			last = rows
		}
		id, kind, tx, links := Number(o.base+int64(i)+1), Number(int64(n.kind)), Number(n.tx), null
		if n.links.to > n.links.from {
			links = Cell{Type: TypeBytes, Text: packed[n.links.from:n.links.to]}
		}
		switch {
		case n.kind == KindEvent:
			at := Number(n.at)
			rows.Add(id, kind, tx, Number(n.pack), Number(n.line), Cell{Type: TypeBytes, Text: n.text}, links, at,
				Number(n.shape), Cell{Type: TypeBytes, Text: n.hash}, textOrNull(n.eventID))
			earliest, latest = earlier(earliest, at), later(latest, at)
		case n.kind.IsRecord():
			rows.Add(id, kind, tx, Number(n.pack), Number(n.line), Cell{Type: TypeBytes, Text: n.text}, links,
				Number(n.at))
		default:
			rows.Add(id, kind, tx, Text(n.text), links)
		}
	}
	return earliest, latest, last.Flush(tables)
}

// earlier is the earlier of two times, each of which may be null.
func earlier(a, b Cell) Cell {
	if a == null || b != null && b.Number < a.Number {
		return b
	}
	return a
}

// later is the later of two times, each of which may be null.
func later(a, b Cell) Cell {
	if a == null || b != null && b.Number > a.Number {
		return b
	}
	return a
}
