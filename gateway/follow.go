package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// Bounds of what is indexed in one go. Catching up in batches is several times faster than block by block; a block that
// comes alone is indexed at once.
const (
	mostBlocks     = 256
	mostPackBytes  = 16 << 20
	blocksInFlight = 64 // read from the stream and not indexed yet

	// The tip is asked for this often; half of it is how far the index may lag and still be called caught up.
	tipInterval = time.Second

	firstRepair = time.Second
	mostRepair  = 30 * time.Second
)

// follower keeps the index at the ledger's tip, and tells who waits for a commit when the index has its block. It is
// the only one who writes the index.
type follower struct {
	client  *ledger.Client
	index   *index.Index
	reader  func() *ledger.Identity
	log     *slog.Logger
	commits *ledger.Commits

	mu       sync.Mutex
	height   uint64        // blocks indexed
	moved    chan struct{} // closed and replaced when height grows
	tip      uint64        // blocks that a peer is known to have
	caughtUp bool          // the index has all that the last but one look at the tip saw
	why      string        // if not, why
	outdated bool          // the index is to be thrown away
	abreast  bool          // the index was at the tip once, and hasn't been thrown away since
}

func newFollower(client *ledger.Client, ix *index.Index, reader func() *ledger.Identity, log *slog.Logger) *follower {
	return &follower{
		client: client, index: ix, reader: reader, log: log, commits: ledger.NewCommits(),
		height: ix.Height(), moved: make(chan struct{}), why: "the ledger has not been reached yet",
	}
}

// errEmptied says that the index has fewer blocks than it had: another gateway that uses it builds it again, or its
// server has lost the last ones in a crash.
var errEmptied = errors.New("the index has lost blocks")

// run follows until ctx ends, the ledger turns out to be another than the index's, or the index is damaged: then the
// gateway ends, and builds a new one when it is started again. It also ends with errEmptied.
func (f *follower) run(ctx context.Context) error {
	pause := firstRepair
	for {
		before := f.index.Height()
		err := f.once(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var other *index.OtherLedgerError
		var block *ledger.BlockError
		if errors.As(err, &other) || errors.As(err, &block) || errors.Is(err, index.ErrDamaged) ||
			errors.Is(err, errEmptied) {
			return err
		}
		f.log.Error("couldn't go on following the ledger; trying again", "error", err, "in", pause)
		f.lost(err.Error())
		if f.index.Height() > before {
			pause = firstRepair
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, mostRepair)
	}
}

// once follows until something fails.
func (f *follower) once(ctx context.Context) error {
	if err := f.index.Connect(ctx); err != nil {
		return err
	}
	if err := f.index.Refresh(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	f.height = f.index.Height()
	f.mu.Unlock()
	group, ctx := errgroup.WithContext(ctx)
	blocks := make(chan *ledger.Block, blocksInFlight)
	start := ledger.Start{Number: f.index.Height(), PreviousHash: f.index.LastHash()}
	group.Go(func() error {
		return f.client.Follow(ctx, f.reader(), start, func(b *ledger.Block) error {
			select {
			case blocks <- b:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	group.Go(func() error { return f.apply(ctx, blocks) })
	group.Go(func() error { return f.watchTip(ctx) })
	return group.Wait()
}

// apply indexes blocks as they come, as many at once as there are, and then tells who waits for them.
func (f *follower) apply(ctx context.Context, blocks <-chan *ledger.Block) error {
	for {
		batch, err := gather(ctx, blocks)
		if err != nil {
			return err
		}
		converted := make([]index.Block, len(batch))
		for i, b := range batch {
			if converted[i], err = convert(b); err != nil {
				return err
			}
		}
		if err := f.index.ApplyAll(ctx, converted); err != nil {
			var gap *index.GapError
			if errors.As(err, &gap) { // peers leave none out
				return fmt.Errorf("%w: it has %d of at least %d", errEmptied, gap.Want, gap.Got)
			}
			return err
		}
		last := batch[len(batch)-1].Number
		for _, b := range batch {
			f.commits.Resolve(b)
		}
		f.mu.Lock()
		f.height, f.tip = last+1, max(f.tip, last+1)
		close(f.moved)
		f.moved = make(chan struct{})
		f.mu.Unlock()
	}
}

// gather waits for a block, and takes those that are there already with it.
func gather(ctx context.Context, blocks <-chan *ledger.Block) ([]*ledger.Block, error) {
	var batch []*ledger.Block
	bytes := 0
	for len(batch) < mostBlocks && bytes < mostPackBytes {
		if len(batch) == 0 {
			select {
			case b := <-blocks:
				batch, bytes = append(batch, b), bytes+packBytes(b)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			continue
		}
		select {
		case b := <-blocks:
			batch, bytes = append(batch, b), bytes+packBytes(b)
		default:
			return batch, nil
		}
	}
	return batch, nil
}

func packBytes(b *ledger.Block) int {
	n := 0
	for _, t := range b.Transactions {
		for _, p := range t.Packs {
			n += len(p)
		}
	}
	return n
}

// convert takes from a block what the index wants.
func convert(b *ledger.Block) (index.Block, error) {
	converted := index.Block{
		Number:       b.Number,
		Hash:         b.Hash,
		PreviousHash: b.PreviousHash,
		Transactions: make([]index.Transaction, len(b.Transactions)),
	}
	for i, t := range b.Transactions {
		into := index.Transaction{
			ID:       t.ID,
			Position: t.Position,
			MSPID:    t.MSPID,
			Subject:  t.Subject,
			Time:     t.Time,
			Code:     t.Code,
		}
		for _, value := range t.Packs {
			_, pack, err := record.ParsePackValue(value)
			if err != nil {
				return converted, fmt.Errorf("block %d, transaction %s: %w", b.Number, t.ID, err)
			}
			into.Packs = append(into.Packs, pack)
		}
		converted.Transactions[i] = into
	}
	return converted, nil
}

// watchTip asks again and again how many blocks there are, and so knows whether the index has caught up.
func (f *follower) watchTip(ctx context.Context) error {
	ticker := time.NewTicker(tipInterval)
	defer ticker.Stop()
	for {
		broken := f.checkIndex(ctx)
		height, err := f.client.Tip(ctx, f.reader())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(broken, errEmptied):
			return broken
		case broken != nil:
			f.lost(broken.Error())
		case err != nil:
			f.lost("no peer tells how many blocks there are: " + err.Error())
		default:
			if err := f.reach(ctx, height); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// checkIndex asks whether the index can be used and still has all its blocks.
func (f *follower) checkIndex(ctx context.Context) error {
	f.mu.Lock()
	had := f.height
	f.mu.Unlock()
	if err := f.index.Refresh(ctx); err != nil {
		return err
	}
	if has := f.index.Height(); has < had {
		return fmt.Errorf("%w: it has %d of %d", errEmptied, has, had)
	}
	return nil
}

// reach notes a tip, and waits a little for the index to get there.
func (f *follower) reach(ctx context.Context, tip uint64) error {
	f.mu.Lock()
	f.tip = max(f.height, tip) // not what was said before: whoever said it may have been wrong
	f.mu.Unlock()
	wait, cancel := context.WithTimeout(ctx, tipInterval/2)
	defer cancel()
	if tip > 0 && f.Handed(wait, tip-1) != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.mu.Lock()
		f.caughtUp, f.why = false, fmt.Sprintf("the index has %d of %d blocks", f.height, f.tip)
		f.mu.Unlock()
		return nil
	}
	h := f.client.Health()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.caughtUp, f.why = h.Following, ""
	f.abreast = f.abreast || h.Following
	if !h.Following {
		f.why = "no block stream is open: " + h.FollowError
	}
	return nil
}

func (f *follower) lost(why string) {
	f.mu.Lock()
	f.caughtUp, f.why = false, why
	f.mu.Unlock()
}

// Handed waits until the index has a block.
func (f *follower) Handed(ctx context.Context, block uint64) error {
	for {
		f.mu.Lock()
		height, moved := f.height, f.moved
		f.mu.Unlock()
		if height > block {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Commits are the waiters that are told when the index has their transaction.
func (f *follower) Commits() *ledger.Commits { return f.commits }

// ready tells whether the index is at the tip, and if not, why.
func (f *follower) ready() (bool, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.outdated {
		return false, "the index is being built again"
	}
	return f.caughtUp, f.why
}

// newest tells whether the index has all blocks that are known to be there: no peer need be reachable, but what was
// read last must have been the tip.
func (f *follower) newest() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.caughtUp || f.abreast && !f.outdated && f.height >= f.tip
}

// discard says that the index is about to be thrown away, or that it has been.
func (f *follower) discard(outdated bool) {
	f.mu.Lock()
	f.outdated, f.caughtUp, f.abreast, f.why = outdated, false, false, "the index is being built again"
	f.mu.Unlock()
}

// tipHeight is the number of blocks that a peer is known to have.
func (f *follower) tipHeight() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(f.tip, f.height)
}

// awaitReady waits until the index is at the tip.
func (f *follower) awaitReady(ctx context.Context) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if ok, _ := f.ready(); ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
