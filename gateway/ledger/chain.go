package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// ForkError says that the caller of [Client.Follow] holds blocks that are not on the ledger. The caller must drop its
// blocks from Number on, or all of them, before it follows again.
type ForkError struct {
	// Number is the first block that is known to be wrong.
	Number  uint64
	Message string
}

// Error says which block is not on the ledger, and how that was found.
func (e *ForkError) Error() string {
	return fmt.Sprintf("block %d as it is indexed here is not on the ledger: %s", e.Number, e.Message)
}

// missingError says that a peer doesn't have a block.
type missingError struct {
	peer   string
	number uint64
}

func (e *missingError) Error() string {
	return fmt.Sprintf("peer %s doesn't have block %d", e.peer, e.number)
}

// openBlock reads the part of a block that the orderers signed. Whatever is wrong is a *BlockError.
func openBlock(raw *common.Block) (*proof.Block, error) {
	if raw.GetHeader() == nil {
		return nil, &BlockError{Message: "it has no header"}
	}
	opened, err := proof.OpenBlock(raw)
	if err != nil {
		return nil, blockError(raw.GetHeader().GetNumber(), err)
	}
	return opened, nil
}

// blockError makes a *BlockError of a refusal, and leaves every other error as it is.
func blockError(number uint64, err error) error {
	if r, ok := errors.AsType[*proof.Refusal](err); ok {
		return &BlockError{Number: number, Message: fmt.Sprintf("%s: %s", r.Reason, r.Detail)}
	}
	return err
}

// anchor proves that the block before the next one, which the caller already has, is on the ledger. The proof begins
// with the genesis block and goes through the configuration blocks, which it fetches from one peer. Blocks that the
// peer can't prove are a *BlockError, and the next peer is asked. If the ledger has another block there, anchor returns
// a *ForkError.
func (f *follower) anchor(ctx context.Context, pc *peerConn) error {
	if f.chain != nil || f.next.Number == 0 {
		return nil
	}
	fetch := func(ctx context.Context, number uint64) (*proof.Block, error) {
		return f.fetch(ctx, pc, &orderer.SeekPosition{
			Type: &orderer.SeekPosition_Specified{Specified: &orderer.SeekSpecified{Number: number}},
		})
	}
	last := f.next.Number - 1
	chain, err := proof.ChainTo(ctx, f.next.Genesis, last, fetch)
	if missing, ok := errors.AsType[*missingError](err); ok {
		if missing.number < last {
			return lacksOld(pc, missing.number)
		}
		return f.short(ctx, pc, fetch)
	}
	if err != nil {
		return blockError(last, err)
	}
	if hash := chain.Last().Hash(); len(f.next.PreviousHash) > 0 && !bytes.Equal(hash, f.next.PreviousHash) {
		message := fmt.Sprintf("it has the hash %x here, and the orderers have signed one with the hash %x",
			f.next.PreviousHash, hash)
		if len(f.next.Genesis) == 0 { // nothing says whose ledger is the right one
			return &BlockError{Number: last, Message: message}
		}
		return &ForkError{Number: last, Message: message}
	}
	f.chain = chain
	return nil
}

// short deals with a peer that has fewer blocks than the caller. The peer may lag behind, so other peers are asked as
// well. If for a while nobody proves the caller's last block, and the organisation's own peer proves a shorter ledger,
// the caller's last blocks are not on it.
func (f *follower) short(ctx context.Context, pc *peerConn, fetch proof.Fetch) error {
	newest, err := f.fetch(ctx, pc, &orderer.SeekPosition{
		Type: &orderer.SeekPosition_Newest{Newest: &orderer.SeekNewest{}},
	})
	if err != nil {
		return blockError(f.next.Number-1, err)
	}
	if newest.Number >= f.next.Number-1 {
		return lacksOld(pc, f.next.Number-1)
	}
	if _, err := proof.ChainTo(ctx, f.next.Genesis, newest.Number, fetch); err != nil {
		return blockError(newest.Number, err)
	}
	behind := fmt.Errorf("peer %s has %d blocks, fewer than the %d that are indexed here", pc.Address, newest.Number+1,
		f.next.Number)
	if pc.MSPID != f.cfg.MSPID {
		return behind
	}
	if f.shortSince.IsZero() {
		f.shortSince = time.Now()
	}
	if time.Since(f.shortSince) < f.cfg.Patience {
		return behind
	}
	return &ForkError{Number: newest.Number + 1, Message: fmt.Sprintf(
		"the ledger of this organisation's peer %s ends before it, and no other peer has proved it for %s",
		pc.Address, f.cfg.Patience)}
}

// lacksOld is the error about a peer that doesn't have a block, although it may have later ones. The index must not be
// built again because of it: from such a peer it can't be.
func lacksOld(pc *peerConn, number uint64) error {
	return fmt.Errorf("peer %s doesn't have block %d: it joined from a snapshot, has lost blocks, or lags behind; keep the "+
		"index, and name a peer in the configuration that has all blocks", pc.Address, number)
}

// check checks the signed part of the next block: its number, its link to the block before, and the signatures of a
// quorum of the orderers in charge.
func (f *follower) check(pc *peerConn, b *proof.Block) error {
	if b.Number != f.next.Number {
		return &BlockError{Number: b.Number, Message: fmt.Sprintf("it came where block %d was expected", f.next.Number)}
	}
	if f.chain != nil {
		_, err := f.chain.Take(b)
		return blockError(b.Number, err)
	}
	genesis := f.next.Genesis
	if len(genesis) == 0 {
		if pc.MSPID != f.cfg.MSPID && f.hasOwnPeer() {
			return &BlockError{Number: b.Number, Message: "no genesis block is pinned, " +
				"and the first one is believed only from a peer of this organisation"}
		}
		genesis = b.Hash()
	}
	chain, err := proof.NewChain(b, genesis)
	if err != nil {
		return blockError(b.Number, err)
	}
	f.chain, f.next.Genesis = chain, genesis
	return nil
}

func (f *follower) hasOwnPeer() bool {
	for _, p := range f.cfg.Peers {
		if p.MSPID == f.cfg.MSPID {
			return true
		}
	}
	return false
}

// fetch reads one block from a peer. If the peer doesn't have it, the error is a *missingError.
func (f *follower) fetch(ctx context.Context, pc *peerConn, at *orderer.SeekPosition) (*proof.Block, error) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.EvaluateTimeout)
	defer cancel()
	request, err := f.seek(at, at, orderer.SeekInfo_FAIL_IF_NOT_READY)
	if err != nil {
		return nil, err
	}
	stream, err := peer.NewDeliverClient(pc.conn).Deliver(ctx)
	if err == nil {
		err = stream.Send(request)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't ask peer %s for a block: %w", pc.Address, err)
	}
	response, err := stream.Recv()
	if err != nil {
		return nil, fmt.Errorf("peer %s gave no block: %w", pc.Address, err)
	}
	wanted := at.GetSpecified()
	switch r := response.GetType().(type) {
	case *peer.DeliverResponse_Block:
		b, err := openBlock(r.Block)
		if err == nil && wanted != nil && b.Number != wanted.GetNumber() {
			err = &BlockError{Number: b.Number, Message: fmt.Sprintf("the peer was asked for block %d",
				wanted.GetNumber())}
		}
		return b, err
	case *peer.DeliverResponse_Status:
		if r.Status == common.Status_NOT_FOUND && wanted != nil {
			return nil, &missingError{pc.Address, wanted.GetNumber()}
		}
		return nil, fmt.Errorf("peer %s answered with the status %s instead of a block", pc.Address, r.Status)
	}
	return nil, fmt.Errorf("peer %s sent something that is neither a block nor a status", pc.Address)
}
