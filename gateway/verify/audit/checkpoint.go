package audit

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/merkle"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Roots computes checkpoints from audited blocks, as of the blocks of some notes. It implements [Follower]. It begins
// at the first block, however far an earlier audit was.
type Roots struct {
	next   uint64
	tree   merkle.Frontier
	wanted map[uint64]bool
	found  map[uint64]checkpoint.Checkpoint // by block; without the ledger
}

// NewRoots returns Roots as of the blocks of notes.
func NewRoots(notes []checkpoint.Named) *Roots {
	r := &Roots{wanted: map[uint64]bool{}, found: map[uint64]checkpoint.Checkpoint{}}
	for _, n := range notes {
		r.wanted[n.Block] = true
	}
	return r
}

// Height implements [Follower].
func (r *Roots) Height() uint64 { return r.next }

// Follow implements [Follower].
func (r *Roots) Follow(_ context.Context, blocks <-chan Block) error {
	for b := range blocks {
		r.add(b)
	}
	return nil
}

func (r *Roots) add(b Block) {
	for _, t := range b.Transactions {
		for _, pack := range t.Packs { // of valid transactions only
			bodies, err := record.Unpack(pack, record.PackLimits{})
			if err != nil {
				continue // it has no lines; that it is there at all is another finding
			}
			for _, body := range bodies {
				r.tree.Append(merkle.Leaf(sha256.Sum256(body)), nil)
			}
		}
	}
	if r.wanted[b.Number] {
		r.found[b.Number] = checkpoint.Checkpoint{
			Height: cosigned.Height{Block: b.Number, Hash: [sha256.Size]byte(b.Hash)}, Size: r.tree.Size(), Root: r.tree.Root(),
		}
	}
	r.next = b.Number + 1
}

// Followers makes one follower of several.
func Followers(all ...Follower) Follower {
	if len(all) == 1 {
		return all[0]
	}
	return followers(all)
}

type followers []Follower

func (f followers) Height() uint64 {
	least := f[0].Height()
	for _, one := range f[1:] {
		least = min(least, one.Height())
	}
	return least
}

func (f followers) Follow(ctx context.Context, blocks <-chan Block) error {
	group, ctx := errgroup.WithContext(ctx)
	channels, from := make([]chan Block, len(f)), make([]uint64, len(f))
	for i, one := range f {
		channels[i], from[i] = make(chan Block, mostUnfollowed), one.Height()
		group.Go(func() error { return one.Follow(ctx, channels[i]) })
	}
	group.Go(func() error {
		for _, c := range channels {
			defer close(c)
		}
		for b := range blocks {
			for i, c := range channels {
				if b.Number < from[i] {
					continue
				}
				select {
				case c <- b:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})
	return group.Wait()
}

// Checkpoints compares signed checkpoints with the audited blocks, whose roots were computed, and with one another.
// Signatures are checked by trust or, if that is nil, by the newest configuration of the audited channel. agree is how
// many organisations must sign blocks that the source doesn't have, so that it is said to hide them; 0 means a
// majority. What contradicts becomes a finding. Checkpoints returns the notes whose signatures are good.
func (a *Auditor) Checkpoints(notes []checkpoint.Named, roots *Roots, trust *proof.Trust, agree int) []checkpoint.Judged {
	if trust == nil {
		if a.replay.chain == nil {
			return nil
		}
		trust = a.trustOf(a.replay.chain.Config())
	}
	if agree == 0 {
		agree = len(trust.Organisations)/2 + 1
	}
	lenient := *trust
	lenient.Agree = 1
	var good []checkpoint.Named
	var judged []checkpoint.Judged
	for _, n := range notes {
		v, err := checkpoint.Verify([]checkpoint.Named{n}, nil, &lenient, cosigned.Wanted{})
		if err != nil {
			a.replay.note(Finding{Code: Code(proof.ReasonOf(err)), Detail: err.Error()})
			continue
		}
		good, judged = append(good, n), append(judged, v.Notes[0])
		a.compareRoot(n, v.Notes[0], roots, agree)
	}
	if v, err := checkpoint.Verify(good, nil, &lenient, cosigned.Wanted{}); proof.ReasonOf(err) == proof.SplitView {
		for _, s := range v.Splits {
			a.replay.note(Finding{Code: SplitView, Detail: s.String()})
		}
	}
	return judged
}

// trustOf trusts the members that a configuration of the audited channel has.
func (a *Auditor) trustOf(config *proof.Config) *proof.Trust {
	t := &proof.Trust{Channel: config.Channel, Chaincode: a.replay.chaincode, Genesis: a.replay.genesis}
	for _, mspID := range config.Members {
		if o := config.Organisations[mspID]; o != nil {
			t.Organisations = append(t.Organisations, o)
		}
	}
	return t
}

// compareRoot compares a note with what the blocks give.
func (a *Auditor) compareRoot(n checkpoint.Named, judged checkpoint.Judged, roots *Roots, agree int) {
	names := judged.Signers()
	who := strings.Join(names, ", ")
	computed, ok := roots.found[n.Block]
	switch {
	case !ok && len(names) >= agree && !a.ended:
		a.replay.note(Finding{Code: HiddenTip, Detail: fmt.Sprintf("%s is a checkpoint of block %d, signed by %s, and there are "+
			"only %d blocks", n.Name, n.Block, who, a.replay.progress.Next)})
	case !ok:
		a.notes = append(a.notes, fmt.Sprintf("%s, signed by %s, is of block %d, which wasn't audited", n.Name, who, n.Block))
	default:
		computed.Ledger = n.Ledger // it is that of the trust file, and so the audited one
		if why := checkpoint.Contradiction(&computed, &n.Checkpoint); why != "" {
			a.replay.note(inBlock(n.Block, SplitView, "%s, signed by %s, contradicts the audited blocks: %s (the blocks' comes "+
				"first)", n.Name, who, why))
		}
	}
}
