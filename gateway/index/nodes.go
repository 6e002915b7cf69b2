package index

// flushNodes writes the rows of the block's nodes, in the order of their ids, and tells
// the earliest and the latest time of its events.
func (w *batch) flushNodes() (earliest, latest cell, err error) {
	packed := string(w.packed)
	last := w.events
	for i := range w.nodes {
		n := &w.nodes[i]
		if n.kind == 0 {
			continue
		}
		bulk := w.others
		switch {
		case n.kind == KindEvent:
			bulk = w.events
		case n.kind.IsRecord():
			bulk = w.records
		case n.kind.IsThing():
			bulk = w.things
		}
		if bulk != last {
			if err := last.flush(w.db); err != nil {
				return null, null, err
			}
			last = bulk
		}
		id, kind, tx, links := number(w.base+int64(i)+1), number(int64(n.kind)), number(n.tx), null
		if n.links.to > n.links.from {
			links = cell{kind: cellBytes, text: packed[n.links.from:n.links.to]}
		}
		switch {
		case n.kind == KindEvent:
			at := number(n.at)
			bulk.add(id, kind, tx, number(n.pack), number(n.line), cell{kind: cellBytes, text: n.text}, links, at, number(n.shape), cell{kind: cellBytes, text: n.hash}, optional(n.eventID))
			if earliest == null || n.at < earliest.number {
				earliest = at
			}
			if latest == null || n.at > latest.number {
				latest = at
			}
		case n.kind.IsRecord():
			bulk.add(id, kind, tx, number(n.pack), number(n.line), cell{kind: cellBytes, text: n.text}, links, number(n.at))
		default:
			bulk.add(id, kind, tx, text(n.text), links)
		}
	}
	return earliest, latest, last.flush(w.db)
}
