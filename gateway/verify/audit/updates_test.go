package audit

import (
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
)

func TestTheStateFollowsWhatABlockChanges(t *testing.T) {
	s := testState(t)
	u := newUpdates()
	u.apply([]set{{namespace: ns, public: &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{
		{Key: "a", IsDelete: true}, {Key: "b", Value: []byte("w")}, {Key: "f", Value: []byte("w")},
	}}, collections: []collection{{name: "coll", hashed: &kvrwset.HashedRWSet{HashedWrites: []*kvrwset.KVWriteHash{
		{KeyHash: []byte("a"), IsDelete: true}, {KeyHash: []byte("b"), ValueHash: []byte("w")}, {KeyHash: []byte("f"), ValueHash: []byte("w")},
	}}}}}}, state.Version{Block: 2, Tx: 7})
	b := s.NewBatch()
	u.store(b)
	require.NoError(t, s.Commit(b, state.Progress{}))

	changed := state.Version{Block: 2, Tx: 7}
	for key, want := range map[string]struct {
		version state.Version
		ok      bool
	}{"a": {}, "b": {changed, true}, "c": {state.Version{Block: 1, Tx: 2}, true}, "f": {changed, true}} {
		v, ok, err := s.Version(ns, key)
		require.NoError(t, err)
		assert.Equal(t, want.version, v, key)
		assert.Equal(t, want.ok, ok, key)
		v, ok, err = s.HashVersion(ns, "coll", []byte(key))
		require.NoError(t, err)
		assert.Equal(t, want.version, v, "private %s", key)
		assert.Equal(t, want.ok, ok, "private %s", key)
	}
}

func TestACommitHashIsOfAllChangesInOrder(t *testing.T) {
	public := func(writes ...*kvrwset.KVWrite) *kvrwset.KVRWSet { return &kvrwset.KVRWSet{Writes: writes} }
	private := func(name, key, hash string) collection {
		return collection{name: name, hashed: &kvrwset.HashedRWSet{HashedWrites: []*kvrwset.KVWriteHash{{KeyHash: []byte(key), ValueHash: []byte(hash)}}}}
	}
	u := newUpdates()
	u.apply([]set{
		{namespace: "d", collections: []collection{private("y", "k", "h"), private("x", "k", "h")}},
		{namespace: "b", public: public(&kvrwset.KVWrite{Key: "l", Value: []byte("v")}, &kvrwset.KVWrite{Key: "k", IsDelete: true})},
		{namespace: "a", public: public(&kvrwset.KVWrite{Key: "k", Value: []byte("v")}), collections: []collection{private("x", "k", "h")}},
	}, state.Version{Block: 0x102, Tx: 0})
	u.apply([]set{{namespace: "c", public: public(&kvrwset.KVWrite{Key: "k", Value: []byte("v")})}}, state.Version{Block: 0x102, Tx: 3})

	// Of each write: the fields 1 (namespace, with the first key only), 2 (collection, likewise), 3 (key), 4 (whether it
	// is deleted), 5 (value) and 6 (version).
	first, later := "\x32\x04\x02\x01\x02\x00", "\x32\x05\x02\x01\x02\x01\x03"
	var all []byte
	for _, w := range []string{
		"\x0a\x01a\x1a\x01k\x2a\x01v" + first,
		"\x12\x01x\x1a\x01k\x2a\x01h" + first,
		"\x0a\x01b\x1a\x01k\x20\x01" + first,
		"\x1a\x01l\x2a\x01v" + first,
		"\x0a\x01c\x1a\x01k\x2a\x01v" + later,
		"\x0a\x01d\x12\x01x\x1a\x01k\x2a\x01h" + first,
		"\x12\x01y\x1a\x01k\x2a\x01h" + first,
	} {
		all = append(append(all, 0x0a, byte(len(w))), w...)
	}
	want := sha256.Sum256(slices.Concat([]byte{2, 0, 11}, all, []byte("before")))
	for range 10 { // a map has no order
		assert.Equal(t, want[:], u.commitHash([]byte{0, 11}, []byte("before")))
	}
}
