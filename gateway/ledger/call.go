package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/prepared"
)

// Envelope is an endorsed and signed transaction, ready for the orderers. It may be sent any number of times.
type Envelope struct {
	TransactionID string

	signed *common.Envelope
}

// Evaluate runs a function on one peer and returns what it gives. Nothing is written. Errors are *Error.
func (c *Client) Evaluate(ctx context.Context, id *Identity, call Call) ([]byte, error) {
	return c.evaluate(ctx, id, call, Evaluating, "")
}

func (c *Client) evaluate(ctx context.Context, id *Identity, call Call, phase Phase, about string) ([]byte, error) {
	// An evaluation has a transaction id too, which nobody ever sees again: any will do.
	p, err := c.Propose(id, call, randomKey("evaluate"), 0)
	if err != nil {
		return nil, err
	}
	var result []byte
	err = c.each(ctx, phase, about, c.cfg.EvaluateTimeout, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err := gateway.NewGatewayClient(conn).Evaluate(ctx, &gateway.EvaluateRequest{
			TransactionId: p.TransactionID, ChannelId: c.cfg.Channel, ProposedTransaction: p.signed,
		})
		result = answer.GetResult().GetPayload()
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// Endorse collects the endorsements that the chaincode's policy asks for, and signs the transaction, which it makes of
// the proposal and of nothing else that a peer says but the endorsements. A peer that returns a transaction other than
// the one that was asked for gets no signature, and the next peer is asked. Nothing is sent to the orderers. Errors are
// *Error; one of kind Rejected wraps the chaincode's *record.Rejection.
func (c *Client) Endorse(ctx context.Context, p *Proposal) (*Envelope, error) {
	payload, err := c.collect(ctx, p.made, p.signed)
	if err != nil {
		return nil, err
	}
	signature, err := p.identity.signMessage(payload)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign transaction %s: %w", p.TransactionID, err)
	}
	return &Envelope{TransactionID: p.TransactionID, signed: &common.Envelope{Payload: payload, Signature: signature}},
		nil
}

// collect collects the endorsements of a signed proposal, and returns the payload of the transaction that is to be
// signed.
func (c *Client) collect(ctx context.Context, p *prepared.Proposal, signed *peer.SignedProposal) ([]byte, error) {
	var payload []byte
	err := c.each(
		ctx,
		Endorsing,
		p.TransactionID,
		c.cfg.EndorseTimeout,
		func(ctx context.Context, conn *grpc.ClientConn) error {
			answer, err := gateway.NewGatewayClient(conn).Endorse(ctx, &gateway.EndorseRequest{
				TransactionId: p.TransactionID, ChannelId: c.cfg.Channel, ProposedTransaction: signed,
			})
			if err != nil {
				return err
			}
			if payload, err = p.Transaction(answer.GetPreparedTransaction()); err != nil {
				return untrusted{err}
			}
			return nil
		},
	)
	return payload, err
}

// Send hands a transaction to the orderers. Success means that enough of them took it, not that it is committed. After
// any failure its fate is unknown: only the same transaction may be sent until it is resolved.
func (c *Client) Send(ctx context.Context, e *Envelope) error {
	return c.each(
		ctx,
		Sending,
		e.TransactionID,
		c.cfg.SubmitTimeout,
		func(ctx context.Context, conn *grpc.ClientConn) error {
			_, err := gateway.NewGatewayClient(conn).Submit(ctx, &gateway.SubmitRequest{
				TransactionId: e.TransactionID, ChannelId: c.cfg.Channel, PreparedTransaction: e.signed,
			})
			return err
		},
	)
}

// Lookup asks a peer what became of a transaction. An error that matches ErrNotFound means that this peer has not
// committed it, which does not mean that it never will be.
func (c *Client) Lookup(ctx context.Context, id *Identity, txID string) (Commit, error) {
	raw, err := c.evaluate(ctx, id, Call{
		Chaincode: "qscc", Function: "GetBlockByTxID", Args: [][]byte{[]byte(c.cfg.Channel), []byte(txID)},
	}, LookingUp, txID)
	if err != nil {
		return Commit{}, err
	}
	var block common.Block
	if err := proto.Unmarshal(raw, &block); err != nil {
		return Commit{}, &Error{
			Phase:         LookingUp,
			Kind:          EndorsersUnavailable,
			TransactionID: txID,
			Message:       "the peer's answer is no block",
			Err:           err,
		}
	}
	commit, ok := findCommit(&block, txID)
	if !ok {
		return Commit{}, &Error{
			Phase:         LookingUp,
			Kind:          NotFound,
			TransactionID: txID,
			Message:       "the peer's answer is a block without it",
		}
	}
	return commit, nil
}

// each makes a call to the preferred peer, and to the next ones for as long as it fails by the fault of a peer.
func (c *Client) each(
	ctx context.Context,
	phase Phase,
	txID string,
	timeout time.Duration,
	call func(context.Context, *grpc.ClientConn) error,
) error {
	tried := make(map[*peerConn]bool)
	var last error
	for {
		pc := c.pool.pick(ctx, tried)
		if pc == nil {
			if last != nil {
				return last
			}
			if err := ctx.Err(); err != nil {
				return &Error{Phase: phase, Kind: TimedOut, TransactionID: txID,
					Message: "no peer was connected in time", Err: err}
			}
			return &Error{
				Phase:         phase,
				Kind:          NoPeer,
				TransactionID: txID,
				Message:       "no peer can be reached: " + c.pool.problems(),
			}
		}
		tried[pc] = true
		callCtx, cancel := context.WithTimeout(ctx, timeout)
		stop := context.AfterFunc(c.pool.answering(pc), cancel)
		err := call(callCtx, pc.conn)
		if hung := !stop(); hung && err != nil {
			err = errHung
		}
		cancel()
		switch {
		case err == nil:
			c.pool.done(pc, nil)
			return nil
		case ctx.Err() != nil:
			// The caller's own end says nothing about the peer.
			c.pool.done(pc, nil)
			kind := TimedOut
			if phase == Sending {
				kind = FateUnknown
			}
			return &Error{
				Phase:         phase,
				Kind:          kind,
				TransactionID: txID,
				Peer:          pc.Address,
				Message:       "the caller's time was over",
				Err:           errors.Join(ctx.Err(), err),
			}
		}
		last = classify(phase, txID, pc.Address, err)
		// A peer whose chaincode is down endorses nothing itself, and its gateway service asks it first; another's asks
		// itself.
		if !faultOfPeer(err) && KindOf(last) != ChaincodeDown {
			c.pool.done(pc, nil)
			return last
		}
		c.pool.done(pc, err)
	}
}

// randomKey is a key for [Client.Propose] that no other call has.
func randomKey(purpose string) string { return purpose + " " + rand.Text() }

// problems lists what is wrong with each peer, in one line.
func (p *pool) problems() string {
	s := ""
	for i, h := range p.health() {
		if i > 0 {
			s += "; "
		}
		s += h.Address + ": " + h.Problem
	}
	return s
}
