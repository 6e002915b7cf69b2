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

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// How much is worked on ahead of a block's turn.
const (
	mostBlocksAhead = 64
	mostBytesAhead  = 8 << 20
	mostUnopened    = 4  // blocks, from the source
	mostUnfollowed  = 16 // blocks
)

// opened is a block whose turn comes, and what could be found out about it ahead.
type opened struct {
	raw   *common.Block
	epoch *epoch // by which it was opened: that of its turn
	size  int

	ready        sync.WaitGroup // for the rest
	block        *proof.Block
	err          error // why there is none
	transactions []*transaction
}

// isConfig tells whether a block may be one that changes the configuration: what comes after it can't be judged yet.
func isConfig(raw *common.Block) bool {
	data := raw.GetData().GetData()
	if len(data) != 1 {
		return false
	}
	var envelope common.Envelope
	var payload common.Payload
	var header common.ChannelHeader
	return proto.Unmarshal(data[0], &envelope) != nil || proto.Unmarshal(envelope.GetPayload(), &payload) != nil ||
		proto.Unmarshal(payload.GetHeader().GetChannelHeader(), &header) != nil || common.HeaderType(header.GetType()) == common.HeaderType_CONFIG
}

// workers run what can be run at once, on all processors.
type workers chan struct{}

func newWorkers() workers { return make(workers, runtime.GOMAXPROCS(0)) }

func (w workers) run(f func()) {
	go func() {
		w <- struct{}{}
		defer func() { <-w }()
		f()
	}()
}

// open begins to find out what can be told of a block ahead of its turn.
func (a *Auditor) open(raw *common.Block) *opened {
	b := &opened{raw: raw, epoch: a.replay.epoch, size: proto.Size(raw)}
	number := raw.GetHeader().GetNumber()
	b.ready.Add(1)
	a.workers.run(func() {
		defer b.ready.Done()
		b.block, b.err = proof.OpenBlock(raw)
	})
	if number < a.replay.progress.Next { // it was audited before, and is read only for the follower
		b.epoch = newEpoch(a.replay.epoch.config)
		b.epoch.blind = true
	}
	if b.epoch == nil && (number > 0 || !isConfig(raw)) { // no beginning of a chain; its turn will tell
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
				t.call.trial = a.replay.rules.try(t, nil)
			}
			b.transactions[i] = t
		})
	}
	return b
}

// follow audits a source's blocks, from the one after the last.
func (a *Auditor) follow(ctx context.Context, source Source) error {
	first, seen := a.replay.first(), uint64(0)
	if a.follower != nil {
		first = min(first, a.follower.Height())
	}
	expected := first < a.replay.progress.Next // the source must have what it had before
	var broken error                           // what ended the source; the blocks before are audited all the same
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
	if err == nil && seen == 0 && expected {
		a.replay.note(Finding{Code: HiddenTip, Detail: fmt.Sprintf("%s has fewer than the %d blocks that were audited before", source, a.replay.progress.Next)})
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

// sequence takes blocks in order, each when what could be found out ahead is there, and keeps the processors busy with
// those that follow. It doesn't look behind a configuration block before it is taken.
func (a *Auditor) sequence(ctx context.Context, raws <-chan *common.Block, audited chan<- Block) error {
	var queue []*opened
	bytes, held := 0, false
	for {
		for !held && raws != nil && len(queue) < mostBlocksAhead && (bytes < mostBytesAhead || len(queue) == 0) {
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
			return ctx.Err() // the source has ended, or everything has
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

// next takes a block from the source. If it may not wait, it tells that it would have to.
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

// turn audits a block, or checks that it is one that was audited before, and hands it to the follower.
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

// recordsOf counts the pointers that a transaction wrote: one for each record.
func recordsOf(chaincode string, t *transaction) (n uint64) {
	for _, s := range t.call.sets {
		if s.namespace != chaincode {
			continue
		}
		for _, w := range s.public.GetWrites() {
			if _, ok := record.PointerPacks(w.GetKey()); ok {
				n++
			}
		}
	}
	return n
}
