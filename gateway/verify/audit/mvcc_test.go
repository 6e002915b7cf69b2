package audit

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
)

const ns = "ns"

// testState has the keys a to e, which the transactions at the positions 0 to 4 of block 1 wrote.
func testState(t *testing.T) *state.Store {
	s, err := state.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	b := s.NewBatch()
	for i, key := range []string{"a", "b", "c", "d", "e"} {
		b.Put(ns, key, []byte("v"), state.Version{Block: 1, Tx: uint64(i)})
		b.PutHash(ns, "coll", []byte(key), state.Version{Block: 1, Tx: uint64(i)})
	}
	require.NoError(t, s.Commit(b, state.Progress{Next: 2}))
	return s
}

func read(key string, tx int) *kvrwset.KVRead {
	r := &kvrwset.KVRead{Key: key}
	if tx >= 0 {
		r.Version = &kvrwset.Version{BlockNum: 1, TxNum: uint64(tx)}
	}
	return r
}

func query(start, end string, exhausted bool, reads ...*kvrwset.KVRead) *kvrwset.KVRWSet {
	return &kvrwset.KVRWSet{RangeQueriesInfo: []*kvrwset.RangeQueryInfo{{StartKey: start, EndKey: end, ItrExhausted: exhausted,
		ReadsInfo: &kvrwset.RangeQueryInfo_RawReads{RawReads: &kvrwset.QueryReads{KvReads: reads}}}}}
}

func TestWhatHasChangedSinceItWasRead(t *testing.T) {
	const (
		changed = peer.TxValidationCode_MVCC_READ_CONFLICT
		phantom = peer.TxValidationCode_PHANTOM_READ_CONFLICT
	)
	s := testState(t)
	earlier := newUpdates() // of the same block: b is new, d is gone, bb is there
	earlier.apply([]set{{namespace: ns, public: &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{
		{Key: "b", Value: []byte("w")}, {Key: "d", IsDelete: true}, {Key: "bb", Value: []byte("w")},
	}}, collections: []collection{{name: "coll", hashed: &kvrwset.HashedRWSet{HashedWrites: []*kvrwset.KVWriteHash{{KeyHash: []byte("b"), ValueHash: []byte("w")}}}}}}},
		state.Version{Block: 2, Tx: 7})
	hashed := func(key string, tx int) []collection {
		r := read(key, tx)
		return []collection{{name: "coll", hashed: &kvrwset.HashedRWSet{HashedReads: []*kvrwset.KVReadHash{{KeyHash: []byte(key), Version: r.Version}}}}}
	}
	reads := func(list ...*kvrwset.KVRead) *kvrwset.KVRWSet { return &kvrwset.KVRWSet{Reads: list} }
	inBlock := func(key string, tx uint64) *kvrwset.KVRead {
		return &kvrwset.KVRead{Key: key, Version: &kvrwset.Version{BlockNum: 2, TxNum: tx}}
	}
	for name, c := range map[string]struct {
		set  set
		want peer.TxValidationCode
	}{
		"nothing was read":                           {set{public: reads()}, valid},
		"a key as it was":                            {set{public: reads(read("a", 0))}, valid},
		"a key that another wrote":                   {set{public: reads(read("a", 0), read("c", 1))}, changed},
		"a key that isn't there any more":            {set{public: reads(read("z", 1))}, changed},
		"a key that wasn't there and isn't":          {set{public: reads(read("z", -1))}, valid},
		"a key that wasn't there and is":             {set{public: reads(read("a", -1))}, changed},
		"a key that the block has written":           {set{public: reads(read("b", 1))}, changed},
		"a key that the block has deleted":           {set{public: reads(read("d", -1))}, changed},
		"a list as it was":                           {set{public: query("e", "f", true, read("e", 4))}, valid},
		"an empty list as it was":                    {set{public: query("x", "z", true)}, valid},
		"a list with the block's changes":            {set{public: query("b", "e", true, inBlock("b", 7), inBlock("bb", 7), read("c", 2))}, valid},
		"a list without the block's changes":         {set{public: query("b", "e", true, read("b", 1), read("c", 2), read("d", 3))}, phantom},
		"a list that was read to its third key":      {set{public: query("a", "bb", false, read("a", 0), inBlock("b", 7), inBlock("bb", 7))}, valid},
		"a list that was read to a key as it was":    {set{public: query("b", "c", false, inBlock("b", 7), inBlock("bb", 7), read("c", 2))}, valid},
		"a list that was read to a key that is gone": {set{public: query("b", "d", false, inBlock("b", 7), inBlock("bb", 7), read("c", 2))}, valid},
		"a list with a key too few":                  {set{public: query("a", "bb", false, read("a", 0), inBlock("b", 7))}, phantom},
		"a list that now is longer":                  {set{public: query("e", "", true)}, phantom},
		"a private key as it was":                    {set{public: reads(), collections: hashed("a", 0)}, valid},
		"a private key that another wrote":           {set{public: reads(), collections: hashed("a", 1)}, changed},
		"a private key that the block wrote":         {set{public: reads(), collections: hashed("b", 1)}, changed},
		"a private key that wasn't and isn't":        {set{public: reads(), collections: hashed("z", -1)}, valid},
		"a private key that wasn't there and is":     {set{public: reads(), collections: hashed("a", -1)}, changed},
	} {
		t.Run(name, func(t *testing.T) {
			c.set.namespace = ns
			code, why, err := conflict(s, earlier, []set{c.set})
			require.NoError(t, err)
			assert.Equal(t, c.want, code, why)
			assert.Equal(t, c.want == valid, why == "")
		})
	}
}

func TestLongListsAreSummarised(t *testing.T) {
	rows := make([]*kvrwset.KVRead, 20)
	for i := range rows {
		rows[i] = read(fmt.Sprintf("%02d", i), i)
	}
	hash := func(parts ...[]byte) []byte {
		sum := sha256.Sum256(bytes.Join(parts, nil))
		return sum[:]
	}
	leaf := func(from, to int) []byte {
		data, err := proto.Marshal(&kvrwset.QueryReads{KvReads: rows[from:to]})
		require.NoError(t, err)
		return hash(data)
	}
	// With a degree of 2, three make one.
	for n, want := range map[int]struct {
		level uint32
		nodes [][]byte
	}{
		3: {1, [][]byte{leaf(0, 3)}},
		4: {1, [][]byte{leaf(0, 3), leaf(3, 4)}},
		7: {2, [][]byte{hash(leaf(0, 3), leaf(3, 6), leaf(6, 7))}},
		9: {2, [][]byte{hash(leaf(0, 3), leaf(3, 6), leaf(6, 9))}},
		// A node alone moves up as it is.
		10: {2, [][]byte{hash(leaf(0, 3), leaf(3, 6), leaf(6, 9)), leaf(9, 10)}},
		14: {2, [][]byte{hash(leaf(0, 3), leaf(3, 6), leaf(6, 9)), hash(leaf(9, 12), leaf(12, 14))}},
		19: {3, [][]byte{hash(hash(leaf(0, 3), leaf(3, 6), leaf(6, 9)), hash(leaf(9, 12), leaf(12, 15), leaf(15, 18)), leaf(18, 19))}},
	} {
		got, ok := summarise(rows[:n], 2)
		require.True(t, ok)
		assert.Equal(t, want.level, got.MaxLevel, n)
		assert.True(t, slices.EqualFunc(want.nodes, got.MaxLevelHashes, bytes.Equal), n)
	}
	for n := range 3 {
		_, ok := summarise(rows[:n], 2)
		assert.False(t, ok, "a short list is kept as it is")
	}
}
