package audit

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Limits of the work that is done before a block's turn.
const (
	mostBlocksAhead = 64
	mostBytesAhead  = 8 << 20
	mostUnopened    = 4  // blocks, from the source
	mostUnfollowed  = 16 // blocks
)

// opened is a block that waits for its turn, with everything about it that doesn't depend on the blocks before.
type opened struct {
	raw   *common.Block
	epoch *epoch // the epoch that the block belongs to
	size  int

	ready        sync.WaitGroup // wait for it before reading the fields below
	block        *proof.Block
	err          error // why block is nil
	transactions []*transaction
}

// isConfig reports whether a block may change the configuration. The blocks after such a block can't be opened before
// it was audited.
func isConfig(raw *common.Block) bool {
	data := raw.GetData().GetData()
	if len(data) != 1 {
		return false
	}
	var envelope common.Envelope
	var payload common.Payload
	var header common.ChannelHeader
	return proto.Unmarshal(data[0], &envelope) != nil || proto.Unmarshal(envelope.GetPayload(), &payload) != nil ||
		proto.Unmarshal(payload.GetHeader().GetChannelHeader(), &header) != nil ||
		common.HeaderType(header.GetType()) == common.HeaderType_CONFIG
}

// workers runs functions at the same time, as many as there are processors.
type workers chan struct{}

func newWorkers() workers { return make(workers, runtime.GOMAXPROCS(0)) }

func (w workers) run(f func()) {
	go func() {
		w <- struct{}{}
		defer func() { <-w }()
		f()
	}()
}

// open begins to check a block before its turn, as far as that doesn't depend on the blocks before.
func (a *Auditor) open(raw *common.Block) *opened {
	b := &opened{raw: raw, epoch: a.replay.epoch, size: proto.Size(raw)}
	number := raw.GetHeader().GetNumber()
	b.ready.Add(1)
	a.workers.run(func() {
		defer b.ready.Done()
		b.block, b.err = proof.OpenBlock(raw)
	})
	if number < a.replay.progress.Next { // it was audited before
		b.epoch = newEpoch(a.replay.epoch.config)
		b.epoch.blind = true
	}
	if b.epoch == nil && (number > 0 || !isConfig(raw)) { // a chain can't begin with it; take will say so
		return b
	}
	blind := b.epoch != nil && b.epoch.blind
	b.transactions = make([]*transaction, len(raw.GetData().GetData()))
	for i, data := range raw.GetData().GetData() {
		b.ready.Add(1)
		a.workers.run(func() {
			defer b.ready.Done()
			t := b.epoch.examine(number, i, data)
			if !blind && t.code == valid && t.call != nil && t.call.code == valid && a.replay.triable(t) {
				a.early(t)
			}
			b.transactions[i] = t
		})
	}
	return b
}

// early runs a call before its block's turn, if it can. The peers have written down the version of the definition by
// which they endorsed. Whether that was in force is known only at the block's turn.
func (a *Auditor) early(t *transaction) {
	if version := chaincode.RulesOf(t.call.version); a.replay.rules.has(version) {
		t.call.trial = a.replay.rules.try(t, version, nil)
	}
}

// follow audits the blocks of a source that come after the last audited one.
func (a *Auditor) follow(ctx context.Context, source Source) error {
	first, seen := a.replay.first(), uint64(0)
	if a.follower != nil {
		first = min(first, a.follower.Height())
	}
	expected := first < a.replay.progress.Next // the source must still have the blocks that it had before
	var broken error                           // from the source; the blocks that it gave before are audited all the same
	group, ctx := errgroup.WithContext(ctx)
	raws := make(chan *common.Block, mostUnopened)
	audited := make(chan Block, mostUnfollowed)
	group.Go(func() error {
		defer close(raws)
		broken = source.Blocks(ctx, first, func(b *common.Block) error {
			select {
			case raws <- b:
				seen++
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		return nil
	})
	group.Go(func() error {
		defer close(audited)
		return a.sequence(ctx, raws, audited)
	})
	if a.follower != nil {
		group.Go(func() error { return a.follower.Follow(ctx, audited) })
	}
	err := group.Wait()
	if err == nil {
		err = broken
	}
	if err == nil && a.replay.progress.Next == 0 && len(a.replay.found) == 0 {
		a.replay.note(Finding{Code: NoBlocks, Detail: fmt.Sprintf("%s gave no block, so there is nothing to judge: audit "+
			"a peer that has the ledger from its first block, and not one that joined from a snapshot", source)})
		err = errEnded
	}
	if err == nil && seen == 0 && expected {
		a.replay.note(Finding{Code: HiddenTip, Detail: fmt.Sprintf(
			"%s has fewer than the %d blocks that were audited before", source, a.replay.progress.Next)})
	}
	var damage *Damaged
	if errors.As(err, &damage) {
		a.replay.note(Finding{Code: DamagedFile, Detail: damage.Error()})
		err = errEnded
	}
	if errors.Is(err, errEnded) {
		a.ended = true
		return nil
	}
	return err
}

// sequence takes blocks in order, as soon as they are ready. Meanwhile it opens the blocks that follow, to keep the
// processors busy. It opens no block behind a configuration block before that was taken.
func (a *Auditor) sequence(ctx context.Context, raws <-chan *common.Block, audited chan<- Block) error {
	var queue []*opened
	bytes, held := 0, false
	for {
		for !held && raws != nil && len(queue) < mostBlocksAhead && bytes < mostBytesAhead {
			raw, ok, waiting := next(ctx, raws, len(queue) == 0)
			if waiting {
				break
			}
			if !ok {
				raws = nil
				break
			}
			b := a.open(raw)
			queue, bytes, held = append(queue, b), bytes+b.size, isConfig(raw)
		}
		if len(queue) == 0 {
			return ctx.Err() // the source has ended, or ctx has
		}
		b := queue[0]
		b.ready.Wait()
		if err := a.turn(ctx, b, audited); err != nil {
			return err
		}
		queue, bytes = queue[1:], bytes-b.size
		if len(queue) == 0 {
			held = false
		}
	}
}

// next takes a block from the source. If wait is false and there is no block yet, it returns at once, and waiting is
// true.
func next(ctx context.Context, raws <-chan *common.Block, wait bool) (raw *common.Block, ok, waiting bool) {
	if !wait {
		select {
		case raw, ok = <-raws:
			return raw, ok, false
		default:
			return nil, false, true
		}
	}
	select {
	case raw, ok = <-raws:
		return raw, ok, false
	case <-ctx.Done():
		return nil, false, false
	}
}

// turn audits a block, or checks that it is the same as when it was audited before. Then it gives the block to the
// follower.
func (a *Auditor) turn(ctx context.Context, b *opened, audited chan<- Block) error {
	number := b.raw.GetHeader().GetNumber()
	var codes []byte
	var err error
	if number < a.replay.progress.Next {
		codes, err = a.replay.again(b)
	} else {
		codes, err = a.replay.take(b)
	}
	if err != nil {
		return err
	}
	a.bytes.Add(int64(b.size))
	a.told()
	if a.follower == nil || number < a.follower.Height() {
		return nil
	}
	select {
	case audited <- blockOf(b, codes, a.replay.chaincode):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// recordsOf counts the records that a transaction wrote, by their pointers.
func recordsOf(chaincode string, t *transaction) (n uint64) {
	for _, s := range t.call.sets {
		if s.namespace != chaincode {
			continue
		}
		for _, w := range s.public.GetWrites() {
			if _, ok := record.PackPrefixOf(w.GetKey()); ok {
				n++
			}
		}
	}
	return n
}
