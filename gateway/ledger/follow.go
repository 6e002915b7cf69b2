package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// The pause between two streams, doubled after each one that brought no block.
const (
	firstStreamPause = 100 * time.Millisecond
	mostStreamPause  = 5 * time.Second
)

// Start says where to begin to follow.
type Start struct {
	// Number is the first block to hand on.
	Number uint64
	// PreviousHash is the hash of the block before it, which the caller has. If it is empty, the first block's link is not
	// checked.
	PreviousHash []byte
	// Genesis is the hash of the channel's genesis block. Optional. If it is empty, the genesis block that a peer of the
	// own organisation gives is believed.
	Genesis []byte
}

// following is what Health tells of the stream.
type following struct {
	mu     sync.Mutex
	open   bool
	height uint64
	moved  chan struct{} // closed and replaced when height grows
	peer   string
	err    string
	signed map[uint32]uint64 // the newest block that each orderer signed
}

func (f *following) set(open bool, peer string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open, f.peer, f.err = open, peer, ""
	if err != nil {
		f.err = err.Error()
	}
}

func (f *following) reached(height uint64) {
	f.mu.Lock()
	f.height = height
	close(f.moved)
	f.moved = make(chan struct{})
	f.mu.Unlock()
}

func (f *following) health() Health {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := Health{Following: f.open, Height: f.height, FollowedPeer: f.peer, FollowError: f.err}
	for id, block := range f.signed {
		h.Orderers = append(h.Orderers, OrdererHealth{ID: id, Signed: block})
	}
	slices.SortFunc(h.Orderers, func(a, b OrdererHealth) int { return cmp.Compare(a.ID, b.ID) })
	return h
}

// sealed notes who signed a block.
func (f *following) sealed(b *Block) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.signed == nil {
		f.signed = map[uint32]uint64{}
	}
	for _, id := range b.Orderers {
		f.signed[id] = b.Number
	}
}

// Handed waits until Follow's function has returned for a block. It returns ctx's error if that comes first.
func (c *Client) Handed(ctx context.Context, block uint64) error {
	for {
		c.following.mu.Lock()
		height, moved := c.following.height, c.following.moved
		c.following.mu.Unlock()
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

// applyError marks what the caller's function returned, which ends Follow.
type applyError struct{ err error }

func (e *applyError) Error() string { return e.err.Error() }

var errBetterPeer = errors.New("a preferred peer is there again")

// Follow hands the channel's blocks to apply, one after the other, each exactly once, for as long as ctx lives. After
// apply has returned nil for a block, the waiters of [Client.Commits] for its transactions are resolved.
//
// No peer is believed. Follow checks of each block, whichever peer it comes from, that it follows the one before by
// number and hash, that its data has the hash in its header, and that a quorum of the orderers in charge has signed it.
// It follows the channel's configuration from the genesis block on, so it knows who is in charge. What nobody signs is
// which transactions are valid: that is the word of the peer.
//
// The stream moves to another peer when its peer fails or gives a block that fails a check, and back when a preferred
// one is there again. Before the first block, Follow checks that the caller's last block is on the ledger; if it isn't,
// Follow returns a *ForkError. Otherwise it returns apply's own error, or ctx's.
//
// Only one Follow may run on a client at a time.
func (c *Client) Follow(ctx context.Context, id *Identity, start Start, apply func(*Block) error) error {
	f := &follower{Client: c, id: id, next: start, apply: apply, parser: parser{chaincode: c.cfg.Chaincode}}
	c.following.reached(start.Number)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.closing, cancel)()
	defer func() { c.following.set(false, "", errors.New("not following")) }()

	pause := firstStreamPause
	for {
		before := f.next.Number
		pc := c.pool.pick(ctx, nil)
		err := error(&Error{Phase: Committing, Kind: NoPeer, Message: "no peer to follow: " + c.pool.problems()})
		if pc != nil {
			err = f.stream(ctx, pc)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var applied *applyError
		if errors.As(err, &applied) {
			return applied.err
		}
		if fork, ok := errors.AsType[*ForkError](err); ok {
			return fork
		}
		c.following.set(false, "", err)
		if f.next.Number > before {
			pause = firstStreamPause
		}
		if errors.Is(err, errBetterPeer) {
			continue
		}
		if bad, ok := errors.AsType[*BlockError](err); ok {
			c.log.Error("refused a block that is not the ledger's; asking another peer", "channel", c.cfg.Channel,
				"block", bad.Number, "problem", err)
		} else {
			c.log.Warn("block stream ended", "channel", c.cfg.Channel, "next", f.next.Number, "problem", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause + rand.N(pause/2)):
		}
		pause = min(2*pause, mostStreamPause)
	}
}

// follower is the state of one Follow.
type follower struct {
	*Client
	id     *Identity
	next   Start
	apply  func(*Block) error
	parser parser

	chain      *proof.Chain // ends with the block before the next one; nil until that is proved
	config     *uint64      // the block of the configuration that was learned last; nil if none was
	shortSince time.Time    // when an own peer first had fewer blocks than the caller
}

// stream follows one peer until something ends it. It returns nil never.
func (f *follower) stream(ctx context.Context, pc *peerConn) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(f.pool.answering(pc), func() { cancel(errHung) })()
	seek, err := f.seek(&orderer.SeekPosition{
		Type: &orderer.SeekPosition_Specified{Specified: &orderer.SeekSpecified{Number: f.next.Number}},
	}, &orderer.SeekPosition{
		Type: &orderer.SeekPosition_Specified{Specified: &orderer.SeekSpecified{Number: math.MaxUint64}},
	}, orderer.SeekInfo_BLOCK_UNTIL_READY)
	if err != nil {
		f.pool.done(pc, nil)
		return err
	}
	if err := f.anchor(ctx, pc); err != nil {
		if errors.Is(context.Cause(ctx), errHung) {
			err = fmt.Errorf("the block stream of %s stands still: %w", pc.Address, errHung)
		}
		f.pool.done(pc, err)
		return err
	}
	stream, err := peer.NewDeliverClient(pc.conn).Deliver(ctx)
	if err == nil {
		err = stream.Send(seek)
	}
	if err != nil {
		f.pool.done(pc, err)
		return fmt.Errorf("couldn't open a block stream at %s: %w", pc.Address, err)
	}
	go f.leaveForBetter(ctx, pc, cancel)
	f.log.Debug("following", "channel", f.cfg.Channel, "peer", pc.Address, "from", f.next.Number)
	reported := false // that the peer works
	f.following.set(true, pc.Address, nil)
	for {
		response, err := stream.Recv()
		if err != nil {
			switch cause := context.Cause(ctx); {
			case errors.Is(cause, errBetterPeer):
				f.pool.done(pc, nil)
				return errBetterPeer
			case errors.Is(cause, errHung):
				return fmt.Errorf("the block stream of %s stands still: %w", pc.Address, errHung)
			}
			return f.ended(pc, err, reported)
		}
		if !reported {
			reported = true
			f.pool.done(pc, nil)
		}
		switch r := response.GetType().(type) {
		case *peer.DeliverResponse_Block:
			if err := f.take(pc, r.Block); err != nil {
				if _, bad := errors.AsType[*BlockError](err); bad {
					f.pool.done(pc, err)
					return fmt.Errorf("peer %s gave a wrong block: %w", pc.Address, err)
				}
				return err
			}
		case *peer.DeliverResponse_Status:
			err := fmt.Errorf("peer %s ended the block stream with status %s", pc.Address, r.Status)
			if r.Status == common.Status_NOT_FOUND {
				err = lacksOld(pc, f.next.Number)
			}
			f.pool.done(pc, err)
			return err
		default:
			err := fmt.Errorf("peer %s sent something that is neither a block nor a status", pc.Address)
			f.pool.done(pc, err)
			return err
		}
	}
}

func (f *follower) ended(pc *peerConn, err error, reported bool) error {
	code := status.Code(err)
	if !reported || code == codes.Unavailable || errors.Is(err, io.EOF) {
		f.pool.done(pc, err)
	}
	return fmt.Errorf("the block stream of %s broke: %w", pc.Address, err)
}

// leaveForBetter ends the stream when a preferred peer can be used again.
func (f *follower) leaveForBetter(ctx context.Context, pc *peerConn, cancel context.CancelCauseFunc) {
	for {
		changed, better := f.pool.better(pc)
		if better {
			cancel(errBetterPeer)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// learn takes the members and their peers from the configuration of the channel, if it is another than before. The
// blocks before are proved, so the configuration is the ledger's.
func (f *follower) learn() {
	if c := f.chain.Config(); f.config == nil || *f.config != c.Block {
		f.config = &c.Block
		f.pool.learn(f.cfg.MSPID, c.Members, c.Anchors())
	}
}

// take checks, hands on and counts one block.
func (f *follower) take(pc *peerConn, raw *common.Block) error {
	opened, err := openBlock(raw)
	if err != nil {
		return err
	}
	b, err := f.parser.read(raw, opened)
	if err != nil {
		return err
	}
	if err := f.check(pc, opened); err != nil {
		return err
	}
	f.learn()
	if err := f.apply(b); err != nil {
		return &applyError{err}
	}
	f.next.Number, f.next.PreviousHash = b.Number+1, b.Hash
	f.following.sealed(b)
	f.following.reached(f.next.Number)
	f.commits.Resolve(b)
	return nil
}

// seek is the signed request for the blocks from one position to another.
func (f *follower) seek(start, stop *orderer.SeekPosition, behavior orderer.SeekInfo_SeekBehavior) (
	*common.Envelope, error,
) {
	info, err := proto.Marshal(&orderer.SeekInfo{Start: start, Stop: stop, Behavior: behavior})
	if err != nil {
		return nil, err
	}
	header, err := f.id.header(nil, &common.ChannelHeader{
		Type: int32(common.HeaderType_DELIVER_SEEK_INFO), Timestamp: timestamppb.Now(), ChannelId: f.cfg.Channel,
	})
	if err != nil {
		return nil, err
	}
	payload, err := proto.Marshal(&common.Payload{Header: header, Data: info})
	if err != nil {
		return nil, err
	}
	signature, err := f.id.signMessage(payload)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign the request for blocks: %w", err)
	}
	return &common.Envelope{Payload: payload, Signature: signature}, nil
}
