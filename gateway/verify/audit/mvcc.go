package audit

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
)

// conflict checks that nothing that a transaction read has changed since, neither in the state nor by earlier
// transactions of the block. It follows Fabric's package core/ledger/kvledger/txmgmt/validation. The error is the
// state's.
func conflict(s *state.Store, u *updates, sets []set) (peer.TxValidationCode, string, error) {
	const changed = peer.TxValidationCode_MVCC_READ_CONFLICT
	for _, one := range sets {
		for _, read := range one.public.GetReads() {
			if _, written := u.public[one.namespace][read.GetKey()]; written {
				return changed, "an earlier transaction of the block wrote the key " + read.GetKey() + ", which it read", nil
			}
			v, ok, err := s.Version(one.namespace, read.GetKey())
			if err != nil {
				return 0, "", err
			}
			if !same(v, ok, read.GetVersion()) {
				return changed, "the key " + read.GetKey() + ", which it read, has changed since", nil
			}
		}
		for _, query := range one.public.GetRangeQueriesInfo() {
			ok, err := unchanged(s, u.public[one.namespace], one.namespace, query)
			if err != nil {
				return 0, "", err
			}
			if !ok {
				return peer.TxValidationCode_PHANTOM_READ_CONFLICT,
					"the keys from " + query.GetStartKey() + " on, which it listed, have changed since", nil
			}
		}
		for _, c := range one.collections {
			for _, read := range c.hashed.GetHashedReads() {
				if _, written := u.hashed[one.namespace][c.name][string(read.GetKeyHash())]; written {
					return changed, "an earlier transaction of the block wrote a private key that it read", nil
				}
				v, ok, err := s.HashVersion(one.namespace, c.name, read.GetKeyHash())
				if err != nil {
					return 0, "", err
				}
				if !same(v, ok, read.GetVersion()) {
					return changed, "a private key that it read has changed since", nil
				}
			}
		}
	}
	return valid, "", nil
}

// same reports whether a key has the version that was read. read is nil if the key didn't exist.
func same(v state.Version, ok bool, read *kvrwset.Version) bool {
	if !ok || read == nil {
		return !ok && read == nil
	}
	return v.Block == read.GetBlockNum() && v.Tx == read.GetTxNum()
}

// unchanged runs a range query again, on the state with the changes of the block so far.
func unchanged(
	s *state.Store,
	written map[string]write,
	namespace string,
	query *kvrwset.RangeQueryInfo,
) (bool, error) {
	rows, err := list(s, written, namespace, query.GetStartKey(), query.GetEndKey(), !query.GetItrExhausted())
	if err != nil {
		return false, err
	}
	if want := query.GetReadsMerkleHashes(); want != nil {
		got, ok := summarise(rows, want.GetMaxDegree())
		return ok && proto.Equal(got, want), nil
	}
	return slices.EqualFunc(rows, query.GetRawReads().GetKvReads(), func(row, read *kvrwset.KVRead) bool {
		return row.GetKey() == read.GetKey() && proto.Equal(row.GetVersion(), read.GetVersion())
	}), nil
}

// list reads the keys of a range. If the query stopped early, end is the last key that it saw, and withEnd is true.
func list(
	s *state.Store,
	written map[string]write,
	namespace, start, end string,
	withEnd bool,
) ([]*kvrwset.KVRead, error) {
	found := map[string]state.Version{}
	err := s.Range(namespace, start, end, func(r state.Row, _ func() ([]byte, error)) bool {
		found[r.Key] = r.Version
		return true
	})
	if err == nil && withEnd {
		v, ok, endErr := s.Version(namespace, end)
		if err = endErr; ok {
			found[end] = v
		}
	}
	if err != nil {
		return nil, err
	}
	for key, w := range written {
		if key < start || end != "" && key > end || key == end && !withEnd {
			continue
		}
		if delete(found, key); w.value != nil {
			found[key] = w.version
		}
	}
	rows := make([]*kvrwset.KVRead, 0, len(found))
	for _, key := range slices.Sorted(maps.Keys(found)) {
		rows = append(
			rows,
			&kvrwset.KVRead{Key: key, Version: &kvrwset.Version{BlockNum: found[key].Block, TxNum: found[key].Tx}},
		)
	}
	return rows, nil
}

// summarise makes the digest that Fabric keeps instead of a long list of reads. It is a tree. Each leaf is the hash of
// degree + 1 reads, and each other node is the hash of degree + 1 nodes. The result is the top of the tree. ok is false
// if the list is too short for a digest.
func summarise(rows []*kvrwset.KVRead, degree uint32) (*kvrwset.QueryReadsMerkleSummary, bool) {
	if degree < 2 || uint64(len(rows)) <= uint64(degree) {
		return nil, false
	}
	size := int(degree) + 1
	levels := [][][]byte{nil} // levels[0] are the leaves
	for chunk := range slices.Chunk(rows, size) {
		data, err := proto.Marshal(&kvrwset.QueryReads{KvReads: chunk})
		if err != nil {
			return nil, false
		}
		leaf := sha256.Sum256(data)
		levels[0] = append(levels[0], leaf[:])
		for i := 0; len(levels[i]) == size; i++ { // a full level becomes one node of the next
			if i+1 == len(levels) {
				levels = append(levels, nil)
			}
			levels[i+1], levels[i] = append(levels[i+1], join(levels[i])), nil
		}
	}
	for i := range len(levels) - 1 { // what is left below the top moves up
		switch len(levels[i]) {
		case 0:
		case 1:
			levels[i+1] = append(levels[i+1], levels[i][0])
		default:
			levels[i+1] = append(levels[i+1], join(levels[i]))
		}
	}
	top := levels[len(levels)-1]
	level := uint32(len(levels))
	if len(top) == size {
		top, level = [][]byte{join(top)}, level+1
	}
	return &kvrwset.QueryReadsMerkleSummary{MaxDegree: degree, MaxLevel: level, MaxLevelHashes: top}, true
}

func join(nodes [][]byte) []byte {
	sum := sha256.Sum256(bytes.Join(nodes, nil))
	return sum[:]
}
