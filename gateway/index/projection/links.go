package projection

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// Link says that a record names a node in a role. All edges of the graph are made of links.
type Link struct {
	Record int64
	Role   Role
	Node   int64
	Time   int64 // when it happened, as the record says, in microseconds since 1970

	// Quantity is how much of a class an aggregation event packs or unpacks: a number and a unit. If the event names
	// the class several times, the quantities are joined by ";".
	Quantity string
	// Flow is set on links of activities only.
	Flow Flow
}

// Every link is stored twice, for the two directions it is walked in: with the record, in the row of its node; and
// with the node that the record names.
//
// The second sort lies in two places. Links of the same portion of a block that made the node, which are often all
// there ever are, lie in the node's row. Links of later portions, and all links to records, lie in rows of the table
// link. A portion is usually a whole block: see mostUnfolded.
//
// A link of a record is packed as its role, its node as a difference to the record, and its note. The time is in the
// row. A link to a node is packed as its role, its record and time as differences to those of the link before, and its
// note. The note is the quantity or the flow; the role decides which. Numbers are varints as encoding/binary has them,
// signed ones where they may be negative.

// packLinks packs the links of a portion.
func (b *Batch) packLinks() {
	b.packed = b.packed[:0]
	slices.SortFunc(b.links, func(x, y Link) int {
		return cmp.Or(cmp.Compare(x.Record, y.Record), cmp.Compare(x.Role, y.Role), cmp.Compare(x.Node, y.Node))
	})
	b.links = joinFlows(b.links)
	for rest := b.links; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Record == rest[0].Record {
			n++
		}
		from := len(b.packed)
		b.packed = appendLinksOf(b.packed, rest[:n])
		b.node(rest[0].Record).links = span{from, len(b.packed)}
		rest = rest[n:]
	}
	slices.SortFunc(b.links, func(x, y Link) int {
		return cmp.Or(cmp.Compare(x.Node, y.Node), cmp.Compare(x.Record, y.Record), cmp.Compare(x.Role, y.Role))
	})
	for rest := b.links; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Node == rest[0].Node {
			n++
		}
		from := len(b.packed)
		b.packed = appendLinksTo(b.packed, rest[:n])
		if node := rest[0].Node; node > b.base && !b.node(node).kind.IsRecord() {
			b.node(node).links = span{from, len(b.packed)}
		} else {
			b.link.Add(Number(node), Number(rest[0].Record), Bytes(b.packed[from:]))
		}
		rest = rest[n:]
	}
}

func appendLinksOf(data []byte, links []Link) []byte {
	for i := range links {
		l := &links[i]
		data = append(data, byte(l.Role))
		data = binary.AppendVarint(data, l.Node-l.Record)
		data = appendNote(data, l)
	}
	return data
}

func appendLinksTo(data []byte, links []Link) []byte {
	var record, at int64
	for i := range links {
		l := &links[i]
		data = append(data, byte(l.Role))
		data = binary.AppendUvarint(data, uint64(l.Record-record))
		data = binary.AppendVarint(data, l.Time-at)
		data = appendNote(data, l)
		record, at = l.Record, l.Time
	}
	return data
}

func appendNote(data []byte, l *Link) []byte {
	if l.Role.flows() {
		return append(binary.AppendUvarint(data, uint64(len(l.Flow))), l.Flow...)
	}
	return append(binary.AppendUvarint(data, uint64(len(l.Quantity))), l.Quantity...)
}

var errLinks = errors.New("the links of a node can't be read: the index is damaged; run pedigree reindex")

// linkReader reads packed links. After a mistake it gives zeros.
type linkReader struct {
	data []byte
	bad  bool
}

func (r *linkReader) role() Role {
	role := Role(r.data[0])
	r.data = r.data[1:]
	return role
}

func (r *linkReader) unsigned() int64 {
	n, size := binary.Uvarint(r.data)
	r.skip(size)
	return int64(n)
}

func (r *linkReader) signed() int64 {
	n, size := binary.Varint(r.data)
	r.skip(size)
	return n
}

func (r *linkReader) skip(size int) {
	if size <= 0 {
		r.bad, r.data = true, nil
		return
	}
	r.data = r.data[size:]
}

func (r *linkReader) note(l *Link) {
	n := r.unsigned()
	switch {
	case n < 0 || n > int64(len(r.data)):
		r.bad, r.data = true, nil
		return
	case n == 0:
	case l.Role.flows():
		l.Flow = Flow(r.data[:n])
	default:
		l.Quantity = string(r.data[:n])
	}
	r.data = r.data[n:]
}

// UnpackLinksOf appends the links of a record, which happened at a time.
func UnpackLinksOf(all []Link, record, at int64, data string) ([]Link, error) {
	r := linkReader{data: []byte(data)}
	for len(r.data) > 0 {
		l := Link{Record: record, Role: r.role(), Time: at}
		l.Node = record + r.signed()
		r.note(&l)
		all = append(all, l)
	}
	if r.bad {
		return nil, errLinks
	}
	return all, nil
}

// UnpackLinksTo appends the links to a node from records with ids up to last.
func UnpackLinksTo[T ~string | ~[]byte](all []Link, node, last int64, data T) ([]Link, error) {
	r := linkReader{data: []byte(data)}
	var record, at int64
	for len(r.data) > 0 {
		l := Link{Node: node, Role: r.role()}
		record += r.unsigned()
		at += r.signed()
		l.Record, l.Time = record, at
		r.note(&l)
		if record > last {
			break
		}
		all = append(all, l)
	}
	if r.bad {
		return nil, errLinks
	}
	return all, nil
}
