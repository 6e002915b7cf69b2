package index

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// Every link is stored twice, for the two directions it is walked in: with the
// record, in the row of its node; and with the node that it names, by which it
// is found. The links to a node that the portion of a block which made the node has, which often
// are all there ever are, lie in the node's row; those of later portions in rows
// of the table link. A portion is the whole block, as a rule: see mostUnfolded.
//
// The links of a record are, for each, the role, the node as a difference
// to the record, and the amount. The time is the row's. The links to a node
// are, for each, the role, record and time as differences to those of the one
// before, and the amount. Numbers are varints as encoding/binary has them,
// signed ones where they may be negative.

// packLinks packs the links of a portion.
func (w *batch) packLinks() {
	w.packed = w.packed[:0]
	slices.SortFunc(w.links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.Record, b.Record), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Node, b.Node))
	})
	w.links = joinFlows(w.links) // a record may name one node by two names
	for rest := w.links; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Record == rest[0].Record {
			n++
		}
		from := len(w.packed)
		w.packed = appendLinksOf(w.packed, rest[:n])
		w.row(rest[0].Record).links = span{from, len(w.packed)}
		rest = rest[n:]
	}
	slices.SortFunc(w.links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Record, b.Record), cmp.Compare(a.Role, b.Role))
	})
	for rest := w.links; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Node == rest[0].Node {
			n++
		}
		from := len(w.packed)
		w.packed = appendLinksTo(w.packed, rest[:n])
		if node := rest[0].Node; node > w.base && !w.row(node).kind.IsRecord() {
			w.row(node).links = span{from, len(w.packed)}
		} else {
			w.link.add(number(node), number(rest[0].Record), bytesOf(w.packed[from:]))
		}
		rest = rest[n:]
	}
}

func appendLinksOf(data []byte, links []Link) []byte {
	for _, l := range links {
		data = append(data, byte(l.Role))
		data = binary.AppendVarint(data, l.Node-l.Record)
		data = appendAmount(data, l.Amount)
	}
	return data
}

func appendLinksTo(data []byte, links []Link) []byte {
	var record, at int64
	for _, l := range links {
		data = append(data, byte(l.Role))
		data = binary.AppendUvarint(data, uint64(l.Record-record))
		data = binary.AppendVarint(data, l.Time-at)
		data = appendAmount(data, l.Amount)
		record, at = l.Record, l.Time
	}
	return data
}

func appendAmount(data []byte, amount string) []byte {
	return append(binary.AppendUvarint(data, uint64(len(amount))), amount...)
}

var errLinks = errors.New("the links of a node can't be read: the index is damaged, build it again with reindex")

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

func (r *linkReader) amount() string {
	n := r.unsigned()
	if n < 0 || n > int64(len(r.data)) {
		r.bad, r.data = true, nil
		return ""
	}
	amount := string(r.data[:n])
	r.data = r.data[n:]
	return amount
}

// unpackLinksOf appends the links of a record.
func unpackLinksOf(all []Link, record, at int64, data string) ([]Link, error) {
	r := linkReader{data: []byte(data)}
	for len(r.data) > 0 {
		l := Link{Record: record, Role: r.role(), Time: at}
		l.Node = record + r.signed()
		l.Amount = r.amount()
		all = append(all, l)
	}
	if r.bad {
		return nil, errLinks
	}
	return all, nil
}

// unpackLinksTo appends the links to a node that records up to last have.
func unpackLinksTo[T ~string | ~[]byte](all []Link, node, last int64, data T) ([]Link, error) {
	r := linkReader{data: []byte(data)}
	var l Link
	for len(r.data) > 0 {
		l = Link{Node: node, Role: r.role(), Record: l.Record, Time: l.Time}
		l.Record += r.unsigned()
		l.Time += r.signed()
		l.Amount = r.amount()
		if l.Record > last {
			break
		}
		all = append(all, l)
	}
	if r.bad {
		return nil, errLinks
	}
	return all, nil
}
