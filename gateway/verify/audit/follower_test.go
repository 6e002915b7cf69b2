package audit

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

func TestAFollowerGetsWhatABlockHas(t *testing.T) {
	lab := newAuthority(t)
	e := newEpoch(&proof.Config{Organisations: map[string]*proof.Organisation{"LabMSP": lab.organisation("LabMSP")}})
	id := e.identity(lab.member("LabMSP", "client", time.Time{}).creator)
	pack := func(text string) []byte {
		value, err := record.PackValue(record.Header{}, []byte(text))
		require.NoError(t, err)
		return value
	}
	key := record.PackKey(strings.Repeat("ab", 32))
	done := &call{sets: []set{
		{namespace: "other", public: &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: key, Value: pack("of another chaincode")}}}},
		{namespace: "cc", public: &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{
			{Key: key, Value: pack("one")}, {Key: key, Value: pack("deleted"), IsDelete: true}, {Key: "k", Value: pack("no pack's key")},
			{Key: key, Value: []byte("no pack")}, {Key: key, Value: pack("two")},
		}}},
	}}
	at := time.Unix(1_700_000_000, 0)
	genesis := genesisOf(t)
	b := &opened{block: genesis, transactions: []*transaction{
		{id: "valid", time: at, creator: id, call: done},
		{id: "invalid", time: at, creator: id, call: done},
		{id: "no call", time: at, creator: id},
		{id: "no creator"},
		{id: "a creator that can't be read", creator: e.identity(garbage)},
	}}
	assert.Equal(t, Block{Number: 0, Hash: genesis.Hash(), PreviousHash: genesis.PreviousHash, Transactions: []Transaction{
		{ID: "valid", Time: at, MSPID: "LabMSP", Subject: "CN=somebody,OU=client", Packs: [][]byte{[]byte("one"), []byte("two")}},
		{ID: "invalid", Position: 1, Time: at, MSPID: "LabMSP", Subject: "CN=somebody,OU=client", Code: 11},
		{ID: "no call", Position: 2, Time: at, MSPID: "LabMSP", Subject: "CN=somebody,OU=client"},
		{ID: "no creator", Position: 3, Code: 4},
		{ID: "a creator that can't be read", Position: 4, Code: 4},
	}}, blockOf(b, []byte{0, 11, 0, 4, 4}, "cc"))
	b = &opened{block: &proof.Block{Number: 7, PreviousHash: []byte("before")}}
	assert.EqualValues(t, 7, blockOf(b, nil, "cc").Number)
	assert.Equal(t, []byte("before"), blockOf(b, nil, "cc").PreviousHash)
}

func TestOnlyABlockOfOneEnvelopeMayChangeTheConfiguration(t *testing.T) {
	envelope := func(kind common.HeaderType) []byte {
		return encoded(t, &common.Envelope{Payload: encoded(t, &common.Payload{Header: &common.Header{
			ChannelHeader: encoded(t, &common.ChannelHeader{Type: int32(kind)}),
		}})})
	}
	config, transaction := envelope(common.HeaderType_CONFIG), envelope(common.HeaderType_ENDORSER_TRANSACTION)
	for name, c := range map[string]struct {
		data [][]byte
		want bool
	}{
		"none":                                {nil, false},
		"a transaction":                       {[][]byte{transaction}, false},
		"a configuration":                     {[][]byte{config}, true},
		"a configuration among others":        {[][]byte{config, transaction}, false},
		"an envelope that can't be read":      {[][]byte{garbage}, true},
		"a payload that can't be read":        {[][]byte{encoded(t, &common.Envelope{Payload: garbage})}, true},
		"a channel header that can't be read": {[][]byte{encoded(t, &common.Envelope{Payload: encoded(t, &common.Payload{Header: &common.Header{ChannelHeader: garbage}})})}, true},
	} {
		assert.Equal(t, c.want, isConfig(&common.Block{Data: &common.BlockData{Data: c.data}}), name)
	}
}

func TestProgressIsToldOnceASecond(t *testing.T) {
	a := audited(t)
	a.told() // nobody listens
	var told []Status
	a.tell = func(s Status) { told = append(told, s) }
	a.began = time.Now().Add(-time.Hour)
	a.last, a.first = a.began, 3
	a.bytes.Store(12)
	a.told()
	a.told()
	require.Len(t, told, 1)
	assert.Equal(t, []any{uint64(4), uint64(3), int64(12)}, []any{told[0].Next, told[0].First, told[0].Bytes})
	assert.GreaterOrEqual(t, told[0].Took, time.Hour)
}

func TestAFindingOfWhatHasNoReasonIsABadBlock(t *testing.T) {
	assert.Equal(t, Code("bad_block"), refused(7, errors.New("no reason")).Code)
	assert.Equal(t, Code("missing_config"), refused(7, &proof.Refusal{Reason: proof.MissingConfig}).Code)
}

func TestRecordsAreCountedByTheirPointers(t *testing.T) {
	pointer := &kvrwset.KVWrite{Key: "r/" + strings.Repeat("a", 20) + "/" + strings.Repeat("b", 16)}
	_, ok := record.PackPrefixOf(pointer.Key)
	require.True(t, ok)
	writes := &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{pointer, {Key: "k"}, pointer}}
	tx := &transaction{call: &call{sets: []set{{namespace: "other", public: writes}, {namespace: "cc", public: writes}}}}
	assert.EqualValues(t, 2, recordsOf("cc", tx))
}

// idle is a follower that does nothing with its blocks.
type idle struct{ followed bool }

func (*idle) Height() uint64 { return 0 }
func (c *idle) Follow(_ context.Context, blocks <-chan Block) error {
	c.followed = true
	for range blocks {
	}
	return nil
}

func TestAnAuditThatCannotBeginSaysWhy(t *testing.T) {
	dir := t.TempDir()
	follower := &idle{}
	a, err := New(Config{Chaincode: "cc", State: dir, Patience: time.Minute, Follower: follower, Progress: func(Status) {}})
	require.NoError(t, err)
	assert.Equal(t, time.Minute, a.patience)
	assert.NotNil(t, a.tell)
	assert.Less(t, a.Status().Took, time.Hour)
	assert.ErrorContains(t, a.Run(t.Context(), noBlocks{}), "it isn't asked")
	assert.True(t, follower.followed)
	_, err = New(Config{Chaincode: "cc", State: dir})
	assert.ErrorContains(t, err, "is another audit using it?")
	require.NoError(t, a.Close())
	s, err := state.Open(dir)
	require.NoError(t, err)
	require.NoError(t, s.Commit(s.NewBatch(), state.Progress{Next: 2, Chaincode: "other"}))
	require.NoError(t, s.Close())
	_, err = New(Config{Chaincode: "cc", State: dir})
	assert.ErrorContains(t, err, "use another folder")
	s, err = state.Open(dir)
	require.NoError(t, err, "the folder isn't held")
	require.NoError(t, s.Close())
}
