package projection

import (
	"encoding/binary"
)

// Tables are the tables of a store within one transaction that writes. The projection uses them from one goroutine.
// What Insert and AddKeys wrote in this transaction need not be found by the other methods: the projection remembers
// it.
type Tables interface {
	// MayHaveKey is false if no name has the hash. It may be true without a reason.
	MayHaveKey(hash uint64) bool
	// Keys calls f with every key that has one of the hashes, which are sorted.
	Keys(hashes []uint64, f func(Key)) error
	// AddKeys adds keys, in any order, some perhaps twice. It may sort the slice.
	AddKeys(keys []Key) error
	// Nodes calls f with the kind and the name of each node, in any order. The ids are sorted. The name of a record is
	// its digest.
	Nodes(ids []int64, f func(id int64, kind Kind, name string)) error
	// ArtifactVersion is the node that an artifact record describes, 0 if there is no such record.
	ArtifactVersion(record int64) (int64, error)
	// Insert writes rows. It doesn't keep the slice of cells.
	Insert(*Rows) error
}

// Key says that one of the names of a node has a hash. All names are found by their hashes: those of records, of
// things and of words, and event ids. Different names may share a hash, so whoever finds a key compares the names.
type Key struct {
	Hash uint64
	ID   int64
}

// KeySize is the length of an encoded key. Ids have 48 bits.
const KeySize = 8 + 6

// Compare orders keys by hash and id.
func (k Key) Compare(o Key) int {
	switch {
	case k.Hash < o.Hash || k.Hash == o.Hash && k.ID < o.ID:
		return -1
	case k == o:
		return 0
	}
	return 1
}

// AppendTo appends the encoded key.
func (k Key) AppendTo(data []byte) []byte {
	data = binary.BigEndian.AppendUint64(data, k.Hash)
	id := k.ID
	return append(data, byte(id>>40), byte(id>>32), byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
}

// KeyAt decodes the key at a position of encoded keys.
func KeyAt(data []byte, i int) Key {
	b := data[i*KeySize : (i+1)*KeySize]
	return Key{binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint64(b[6:]) & (1<<48 - 1))}
}
