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

// Bounds of a batch of blocks. Catching up in batches is several times faster than block by block. A block that arrives
// alone is indexed at once.
const (
	mostBlocks     = 256
	mostPackBytes  = 16 << 20
	blocksInFlight = 64 // blocks read from the stream but not yet indexed

	// tipInterval is how often a peer is asked for the ledger's height. The index counts as caught up if it reaches
	// that height within half of the interval.
	tipInterval = time.Second

	firstRepair = time.Second
	mostRepair  = 30 * time.Second
)

// follower keeps the index at the ledger's tip. When the index has a block, the follower wakes those who wait for a
// transaction in it. In a running gateway nothing else adds blocks to the index.
type follower struct {
	client  *ledger.Client
	genesis []byte // the hash of the pinned genesis block; nil if none is pinned
	index   *index.Index
	reader  func() *ledger.Identity
	log     *slog.Logger
	commits *ledger.Commits

	mu       sync.Mutex
	height   uint64        // blocks indexed
	moved    chan struct{} // closed and replaced when height grows
	tip      uint64        // the height that a peer last reported, or that of the index if it is greater
	caughtUp bool          // at the last check the index reached the ledger's height, and the stream was open
	why      string        // why caughtUp is false
	outdated bool          // the index is about to be emptied and built again
	blockAt  time.Time     // when the newest block was indexed, or the follower was made
	// confirmed is when more than half of the organisations last stood behind the ledger's height and the index had it.
	// heard says how many answered the last time.
	confirmed time.Time
	heard     ledger.Tip
	abreast   bool // the index has caught up at least once since it was last emptied
}

func newFollower(
	client *ledger.Client, genesis []byte, ix *index.Index, reader func() *ledger.Identity, log *slog.Logger,
) *follower {
	return &follower{
		client: client, genesis: genesis, index: ix, reader: reader, log: log, commits: ledger.NewCommits(),
		height: ix.Height(), moved: make(chan struct{}), why: "the ledger has not been reached yet",
		blockAt: time.Now(),
	}
}

// errEmptied means that the index has fewer blocks than before. Either another gateway that shares it is building it
// again, or its database server lost the latest blocks in a crash.
var errEmptied = errors.New("the index has lost blocks")

// run follows the ledger until ctx ends, and tries again after errors that may pass. It returns the errors that another
// try can't mend: the index is damaged, or it is of another ledger. After errEmptied and an error that forked
// reports, the caller runs it again.
func (f *follower) run(ctx context.Context) error {
	pause := firstRepair
	for {
		before := f.index.Height()
		err := f.once(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var other *index.OtherLedgerError
		if forked(err) || errors.As(err, &other) || errors.Is(err, index.ErrDamaged) || errors.Is(err, errEmptied) {
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

// once follows the ledger until the first error.
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
	start, err := f.start(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	blocks := make(chan *ledger.Block, blocksInFlight)
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

// start says where the index ends, and which ledger it must be of.
func (f *follower) start(ctx context.Context) (ledger.Start, error) {
	start := ledger.Start{Number: f.index.Height(), PreviousHash: f.index.LastHash(), Genesis: f.genesis}
	if start.Number == 0 {
		return start, nil
	}
	var err error
	if len(f.genesis) > 0 {
		err = f.index.CheckLedger(ctx, f.genesis)
	} else {
		start.Genesis, err = f.index.BlockHash(ctx, 0)
	}
	return start, err
}

// forked reports whether an error says that the index has blocks that are not on its ledger. An index of another ledger
// is a mistake of the operator's instead, which no rebuild mends: two gateways would build it in turns.
func forked(err error) bool {
	var fork *ledger.ForkError
	var other *index.OtherLedgerError
	return errors.As(err, &fork) || errors.As(err, &other) && other.Block > 0
}

// apply indexes blocks as they arrive. It takes all that are waiting as one batch, and then wakes those who wait for
// the batch's transactions.
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
			if errors.As(err, &gap) { // peers send every block, so the index must have lost some
				return fmt.Errorf("%w: it has %d of at least %d", errEmptied, gap.Want, gap.Got)
			}
			return err
		}
		last := batch[len(batch)-1].Number
		for _, b := range batch {
			f.commits.Resolve(b)
		}
		f.mu.Lock()
		f.height, f.tip, f.blockAt = last+1, max(f.tip, last+1), time.Now()
		close(f.moved)
		f.moved = make(chan struct{})
		f.mu.Unlock()
	}
}

// gather waits for one block, and adds the blocks that have already arrived, up to the bounds of a batch.
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

// convert copies the parts of a block that the index stores.
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

// watchTip asks a peer for the ledger's height at regular intervals, and notes whether the index has caught up with it.
func (f *follower) watchTip(ctx context.Context) error {
	ticker := time.NewTicker(tipInterval)
	defer ticker.Stop()
	for {
		broken := f.checkIndex(ctx)
		tip, err := f.client.Tip(ctx, f.reader())
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
			if err := f.reach(ctx, tip); err != nil {
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

// checkIndex checks that the index can be used and that it still has all its blocks.
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

// reach notes the height that peers reported, and gives the index half of tipInterval to get there.
func (f *follower) reach(ctx context.Context, tip ledger.Tip) error {
	f.mu.Lock()
	f.tip = max(f.height, tip.Height) // may be less than before: an earlier peer may have reported too much
	f.heard = tip
	f.mu.Unlock()
	wait, cancel := context.WithTimeout(ctx, tipInterval/2)
	defer cancel()
	if tip.Height > 0 && f.Handed(wait, tip.Height-1) != nil {
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
	if h.Following && tip.Confirmed() {
		f.confirmed = time.Now()
	}
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

// Commits returns the waiters. Each one is woken when the index has its transaction.
func (f *follower) Commits() *ledger.Commits { return f.commits }

// cutOffAfter is how long the others may be silent before the gateway counts as cut off from them. Peers that are
// started again answer sooner.
const cutOffAfter = 30 * time.Second

// ready reports whether the index is at the tip, as more than half of the organisations know it. If not, the text says
// why.
func (f *follower) ready() (bool, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.outdated:
		return false, "the index is being built again"
	case !f.caughtUp:
		return false, f.why
	case f.confirmed.IsZero():
		return false, fmt.Sprintf("peers of %d of %d organisations answer, so the index may be out of date", f.heard.Answered, f.heard.Asked)
	case time.Since(f.confirmed) > cutOffAfter:
		return false, fmt.Sprintf("peers of %d of %d organisations answer, so the index may be out of date since %s",
			f.heard.Answered, f.heard.Asked, f.confirmed.UTC().Format(time.RFC3339))
	}
	return true, ""
}

// lastConfirmed returns when more than half of the organisations last stood behind the ledger's height and the index
// had it. The time is zero if that was never so.
func (f *follower) lastConfirmed() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.confirmed
}

// lastBlock returns when the newest block came.
func (f *follower) lastBlock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.blockAt
}

// newest reports whether the index has every block that is known to exist. It may be true while no peer can be reached,
// but only if the index caught up with the ledger before.
func (f *follower) newest() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.caughtUp || f.abreast && !f.outdated && f.height >= f.tip
}

// discard marks the index as not caught up, because it is about to be emptied (outdated) or has just been emptied.
func (f *follower) discard(outdated bool) {
	f.mu.Lock()
	f.outdated, f.caughtUp, f.abreast, f.why = outdated, false, false, "the index is being built again"
	f.confirmed = time.Time{}
	f.mu.Unlock()
}

// tipHeight returns the ledger's height as far as the gateway knows it.
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
