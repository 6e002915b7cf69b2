package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
)

// write is the change of a key by a block. A nil value means that the key is deleted.
type write struct {
	value   []byte
	version state.Version
}

// updates collects what the valid transactions of a block change.
type updates struct {
	public map[string]map[string]write            // by namespace and key
	hashed map[string]map[string]map[string]write // by namespace, collection and hash of the key
	order  map[string][]string                    // the sorted public keys by namespace; see keys
}

func newUpdates() *updates {
	return &updates{
		public: map[string]map[string]write{}, hashed: map[string]map[string]map[string]write{}, order: map[string][]string{},
	}
}

// hashOfNothing is the hash of an empty value. To write an empty value deletes a key, whether it is public or private.
var hashOfNothing = sha256.Sum256(nil)

// apply adds what a valid transaction writes.
func (u *updates) apply(sets []set, v state.Version) {
	for _, s := range sets {
		for _, w := range s.public.GetWrites() {
			if u.public[s.namespace] == nil {
				u.public[s.namespace] = make(map[string]write, len(s.public.GetWrites()))
			}
			made := write{version: v}
			if !w.GetIsDelete() && len(w.GetValue()) > 0 {
				made.value = w.GetValue()
			}
			u.public[s.namespace][w.GetKey()] = made
		}
		for _, c := range s.collections {
			for _, w := range c.hashed.GetHashedWrites() {
				if u.hashed[s.namespace] == nil {
					u.hashed[s.namespace] = map[string]map[string]write{}
				}
				if u.hashed[s.namespace][c.name] == nil {
					u.hashed[s.namespace][c.name] = map[string]write{}
				}
				made := write{version: v}
				if !w.GetIsDelete() && len(w.GetValueHash()) > 0 && !bytes.Equal(w.GetValueHash(), hashOfNothing[:]) {
					made.value = w.GetValueHash()
				}
				u.hashed[s.namespace][c.name][string(w.GetKeyHash())] = made
			}
		}
	}
}

// keys returns the public keys of a namespace, sorted. Call it only when all changes have been applied.
func (u *updates) keys(namespace string) []string {
	if u.order[namespace] == nil {
		u.order[namespace] = slices.Sorted(maps.Keys(u.public[namespace]))
	}
	return u.order[namespace]
}

// store puts all changes into a batch. Public keys are sorted, because the database is faster then.
func (u *updates) store(b *state.Batch) {
	for namespace := range u.public {
		for _, key := range u.keys(namespace) {
			if w := u.public[namespace][key]; w.value == nil {
				b.Delete(namespace, key)
			} else {
				b.Put(namespace, key, w.value, w.version)
			}
		}
	}
	for namespace, collections := range u.hashed {
		for name, keys := range collections {
			for hash, w := range keys {
				if w.value == nil {
					b.DeleteHash(namespace, name, []byte(hash))
				} else {
					b.PutHash(namespace, name, []byte(hash), w.version)
				}
			}
		}
	}
}

// commitHash computes the digest that a peer keeps of its state. It is a hash of the validation codes of a block's
// transactions, all changes in order, and the digest of the block before. Fabric's code for it is in
// core/ledger/kvledger/kv_ledger.go and txmgr/update_batch_bytes.go.
func (u *updates) commitHash(codes, before []byte) []byte {
	h := sha256.New()
	h.Write(protowire.AppendVarint(nil, uint64(len(codes))))
	h.Write(codes)
	namespaces := slices.Collect(maps.Keys(u.public))
	for namespace := range u.hashed {
		if u.public[namespace] == nil {
			namespaces = append(namespaces, namespace)
		}
	}
	slices.Sort(namespaces)
	var buffer []byte
	for _, namespace := range namespaces {
		name := namespace // only the first key has it
		buffer = hashKeys(h, buffer, u.keys(namespace), u.public[namespace], &name, "")
		for _, collection := range slices.Sorted(maps.Keys(u.hashed[namespace])) {
			keys := u.hashed[namespace][collection]
			buffer = hashKeys(h, buffer, slices.Sorted(maps.Keys(keys)), keys, &name, collection)
		}
	}
	h.Write(before)
	return h.Sum(nil)
}

// Fields of Fabric's messages: of the list of writes, and then of a write (txmgr.KVWrite).
const (
	writesField     = 1
	namespaceField  = 1
	collectionField = 2
	keyField        = 3
	deleteField     = 4
	valueField      = 5
	versionField    = 6
)

func hashKeys(
	h hash.Hash,
	buffer []byte,
	order []string,
	keys map[string]write,
	namespace *string,
	collection string,
) []byte {
	for _, key := range order {
		w := keys[key]
		b := buffer[:0]
		b = appendField(b, namespaceField, []byte(*namespace))
		b = appendField(b, collectionField, []byte(collection))
		*namespace, collection = "", ""
		b = appendField(b, keyField, []byte(key))
		if w.value == nil {
			b = protowire.AppendVarint(protowire.AppendTag(b, deleteField, protowire.VarintType), 1)
		}
		// A value can be long, so it is hashed without being copied.
		var head []byte
		if len(w.value) > 0 {
			head = protowire.AppendVarint(protowire.AppendTag(nil, valueField, protowire.BytesType), uint64(len(w.value)))
		}
		tail := appendField(nil, versionField, versionBytes(w.version))
		size := len(b) + len(head) + len(w.value) + len(tail)
		h.Write(protowire.AppendVarint(protowire.AppendTag(nil, writesField, protowire.BytesType), uint64(size)))
		h.Write(b)
		h.Write(head)
		h.Write(w.value)
		h.Write(tail)
		buffer = b
	}
	return buffer
}

// appendField writes a field of text or bytes, unless it is empty.
func appendField(to []byte, field protowire.Number, value []byte) []byte {
	if len(value) == 0 {
		return to
	}
	return protowire.AppendBytes(protowire.AppendTag(to, field, protowire.BytesType), value)
}

// versionBytes writes a version as Fabric does: for each of its two numbers, a count of bytes and then the bytes.
func versionBytes(v state.Version) []byte {
	var to []byte
	for _, n := range []uint64{v.Block, v.Tx} {
		all := binary.BigEndian.AppendUint64(nil, n)
		short := bytes.TrimLeft(all, "\x00")
		to = append(append(to, byte(len(short))), short...)
	}
	return to
}
