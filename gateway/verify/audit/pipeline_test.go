package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// given is a source that gives blocks, and then ends with an error or none.
type given struct {
	blocks []*common.Block
	err    error
}

func (g given) Blocks(_ context.Context, from uint64, take func(*common.Block) error) error {
	for _, b := range g.blocks {
		if b.GetHeader().GetNumber() < from {
			continue
		}
		if err := take(b); err != nil {
			return err
		}
	}
	return g.err
}
func (given) Share(uint64) (read, all int64) { return 0, 0 }
func (given) String() string                 { return "a source" }

// following is a follower that needs the blocks from a number on.
type following struct {
	from    uint64
	err     error // what Follow returns at once, if it isn't nil
	numbers []uint64
}

func (f *following) Height() uint64 { return f.from }
func (f *following) Follow(_ context.Context, blocks <-chan Block) error {
	if f.err != nil {
		return f.err
	}
	for b := range blocks {
		f.numbers = append(f.numbers, b.Number)
	}
	return nil
}

func TestHowAnAuditOfASourceEnds(t *testing.T) {
	genesis := rawGenesis(t)
	signed := func(kind common.HeaderType) *common.BlockData {
		return &common.BlockData{Data: [][]byte{encoded(t, &common.Envelope{Payload: encoded(t, &common.Payload{Header: &common.Header{
			ChannelHeader:   encoded(t, &common.ChannelHeader{Type: int32(kind)}),
			SignatureHeader: encoded(t, &common.SignatureHeader{Creator: []byte("c"), Nonce: []byte("n")}),
		}})})}}
	}
	second := &common.Block{Header: &common.BlockHeader{Number: 1}, Data: signed(common.HeaderType_CONFIG)}
	other := &common.Block{Header: &common.BlockHeader{}, Data: signed(common.HeaderType_ENDORSER_TRANSACTION)}
	later := &common.Block{Header: &common.BlockHeader{Number: 2}}
	broken := errors.New("the line is dead")
	one := []*common.Block{genesis}
	for name, c := range map[string]struct {
		before   bool // the first block was audited before
		source   given
		follower *following

		want     Code // the finding, if there is one
		err      error
		ended    bool
		next     uint64
		followed []uint64
	}{
		"a source without blocks":                    {want: NoBlocks, ended: true},
		"one block":                                  {source: given{blocks: one}, next: 1},
		"one block, and the line is dead":            {source: given{one, broken}, err: broken, next: 1},
		"the line is dead":                           {source: given{nil, broken}, err: broken},
		"damage after one block":                     {source: given{one, &Damaged{File: "f"}}, want: DamagedFile, ended: true, next: 1},
		"another block than the next one":            {source: given{blocks: []*common.Block{genesis, later}}, want: OutOfOrder, ended: true, next: 1},
		"another block than the first":               {source: given{blocks: []*common.Block{second}}, want: OutOfOrder, ended: true},
		"a first block of a transaction":             {source: given{blocks: []*common.Block{other}}, want: "bad_block", ended: true},
		"nothing new":                                {before: true, source: given{blocks: one}, next: 1},
		"nothing at all, which was audited before":   {before: true, next: 1},
		"a follower that needs the block":            {source: given{blocks: one}, follower: &following{}, next: 1, followed: []uint64{0}},
		"a follower that needs an audited block":     {before: true, source: given{blocks: one}, follower: &following{}, next: 1, followed: []uint64{0}},
		"a follower that doesn't need the block":     {source: given{blocks: one}, follower: &following{from: 1}, next: 1},
		"a follower that needs a block that is gone": {before: true, follower: &following{}, want: HiddenTip, next: 1},
		"such a follower, and the line is dead":      {before: true, source: given{nil, broken}, follower: &following{}, err: broken, next: 1},
		"a follower that fails":                      {before: true, follower: &following{from: 1, err: broken}, err: broken, next: 1},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Genesis: genesisOf(t).Hash(), Chaincode: "cc", State: t.TempDir()}
			if c.before {
				a, err := New(cfg)
				require.NoError(t, err)
				require.NoError(t, a.Run(t.Context(), given{blocks: one}))
				require.NoError(t, a.Close())
			}
			if c.follower != nil {
				cfg.Follower = c.follower
			}
			a, err := New(cfg)
			require.NoError(t, err)
			defer func() { require.NoError(t, a.Close()) }()
			known := len(a.Findings())
			told := 0
			a.tell, a.last = func(Status) { told++ }, time.Time{}
			assert.Equal(t, c.err, a.Run(t.Context(), c.source))
			if c.next == 1 && !c.before {
				assert.EqualValues(t, proto.Size(genesis), a.Status().Bytes)
				assert.Equal(t, 1, told)
			}
			assert.Equal(t, c.ended, a.Ended())
			assert.Equal(t, c.next, a.Status().Next)
			var codes []Code
			for _, f := range a.Findings()[known:] {
				if f.Code != BadMetadata { // an orderer's file has less than a peer's
					codes = append(codes, f.Code)
				}
			}
			if c.want == "" {
				assert.Empty(t, codes)
			} else {
				assert.Equal(t, []Code{c.want}, codes)
				assert.NotEmpty(t, a.Findings()[len(a.Findings())-1].Detail)
			}
			if c.follower != nil {
				assert.Equal(t, c.followed, c.follower.numbers)
			}
		})
	}
}

func TestAnAuditEndsWithItsContext(t *testing.T) {
	a, err := New(Config{Genesis: genesisOf(t).Hash(), Chaincode: "cc", State: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, a.Run(ctx, given{}), context.Canceled)
	assert.Empty(t, a.Findings(), "nobody knows what the source has")
}

// endless is a source that gives blocks until nobody takes one.
type endless struct {
	given
	ended chan error // why the last block wasn't taken
}

func (e endless) Blocks(_ context.Context, _ uint64, take func(*common.Block) error) error {
	for range 10_000 {
		if err := take(new(common.Block)); err != nil {
			e.ended <- err
			return err
		}
	}
	e.ended <- nil
	return nil
}

func TestASourceIsStoppedWhenTheAuditHasEnded(t *testing.T) {
	a, err := New(Config{Genesis: genesisOf(t).Hash(), Chaincode: "cc", State: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	source := endless{ended: make(chan error, 1)}
	require.NoError(t, a.Run(t.Context(), source))
	assert.True(t, a.Ended(), "the first block is no genesis block")
	assert.ErrorIs(t, <-source.ended, context.Canceled)
}

// auditedBefore is an audit of some blocks of a kind with a size each, and the blocks.
func auditedBefore(t *testing.T, blocks, size int, kind common.HeaderType) (*Auditor, []*common.Block) {
	a := audited(t)
	data := [][]byte{encoded(t, &common.Envelope{Payload: encoded(t, &common.Payload{
		Header: &common.Header{ChannelHeader: encoded(t, &common.ChannelHeader{Type: int32(kind)})},
		Data:   make([]byte, size),
	})})}
	digest := sha256.Sum256(data[0])
	batch := a.replay.store.NewBatch()
	var all []*common.Block
	for n := range uint64(blocks) {
		raw := &common.Block{
			Header: &common.BlockHeader{Number: n, PreviousHash: make([]byte, 32), DataHash: digest[:]},
			Data:   &common.BlockData{Data: data},
		}
		b, err := proof.OpenBlock(raw)
		require.NoError(t, err)
		batch.Block(n, b.Hash(), []byte{byte(valid)})
		all = append(all, raw)
	}
	require.NoError(t, a.replay.store.Commit(batch, state.Progress{Next: uint64(blocks) + 1}))
	a.replay.progress = a.replay.store.Progress()
	return a, all
}

func TestHowManyBlocksAreOpenedAhead(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		kind common.HeaderType
		want int
	}{
		"small blocks": {1, common.HeaderType_ENDORSER_TRANSACTION, mostBlocksAhead},
		// Three of them, with their headers, are less than the limit.
		"large blocks":         {mostBytesAhead / 4, common.HeaderType_ENDORSER_TRANSACTION, 4},
		"configuration blocks": {1, common.HeaderType_CONFIG, 1},
	} {
		t.Run(name, func(t *testing.T) {
			const blocks = 2 * mostBlocksAhead
			a, all := auditedBefore(t, blocks, c.size, c.kind)
			a.follower = &following{}
			raws, audited := make(chan *common.Block, blocks), make(chan Block)
			for _, b := range all {
				raws <- b
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- a.sequence(ctx, raws, audited) }()
			<-audited
			cancel()
			assert.ErrorIs(t, <-done, context.Canceled)
			// Until the first block was followed, sequence couldn't go on. After it, sequence may have opened another.
			assert.Contains(t, []int{c.want, c.want + 1}, blocks-len(raws))
		})
	}
}

func TestASequenceEndsBehindTheLastBlock(t *testing.T) {
	a, all := auditedBefore(t, 3, 1, common.HeaderType_ENDORSER_TRANSACTION)
	raws := make(chan *common.Block, len(all))
	for _, b := range all {
		raws <- b
	}
	close(raws)
	require.NoError(t, a.sequence(t.Context(), raws, nil))
	assert.NotZero(t, a.Status().Bytes)
}

func TestATurnDoesNotWaitForAFollowerWhenTheAuditIsCancelled(t *testing.T) {
	a, all := auditedBefore(t, 1, 1, common.HeaderType_ENDORSER_TRANSACTION)
	a.follower = &following{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := a.open(all[0])
	b.ready.Wait()
	assert.ErrorIs(t, a.turn(ctx, b, make(chan Block)), context.Canceled)
}

func TestCloseTellsThatTheStateCouldNotBeKept(t *testing.T) {
	dir := t.TempDir()
	a, err := New(Config{Genesis: genesisOf(t).Hash(), Chaincode: "cc", State: dir})
	require.NoError(t, err)
	require.NoError(t, a.Run(t.Context(), given{blocks: []*common.Block{rawGenesis(t)}}))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "pebble")))
	assert.ErrorContains(t, a.Close(), "the database of the state has failed")
}
