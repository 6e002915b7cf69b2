package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// commitWait is how long a sent transaction is waited for before a peer is asked about it: many times what a block
// takes.
const commitWait = 10 * time.Second

// Submit runs a function as a transaction and returns when it is committed as valid, that is when the function given to
// Follow has returned for its block. It tries again by [Rules] until ctx ends. Nothing of it outlives the process: work
// that must not be lost is the business of package capture.
//
// An error of kind FateUnknown means that ctx ended while the transaction, whose id the error has, may still be
// committed.
func (c *Client) Submit(ctx context.Context, id *Identity, call Call) (Commit, error) {
	s := submission{Client: c, id: id, call: call, key: randomKey("submit")}
	return s.run(ctx)
}

// run tries until the transaction is committed, there is no use in it, or ctx ends.
func (s *submission) run(ctx context.Context) (Commit, error) {
	failures := make(map[Kind]int)
	for {
		commit, err := s.try(ctx)
		if err == nil {
			return commit, nil
		}
		kind := KindOf(err)
		rule := Rules[kind]
		failures[kind]++
		if kind == "" || rule.Exhausted(failures[kind]) {
			return Commit{}, err
		}
		if rule.Retry == NewTransaction {
			if s.final {
				return Commit{}, err
			}
			s.attempt, s.envelope = s.attempt+1, nil
		}
		select {
		case <-ctx.Done():
			return Commit{}, s.cut(err)
		case <-time.After(rule.Pause(failures[kind] - 1)):
		}
	}
}

// submission is one call under way.
type submission struct {
	*Client
	id       *Identity
	call     Call
	key      string
	attempt  int
	envelope *Envelope // of this attempt, once it is endorsed
	sent     bool      // the envelope may have left
	final    bool      // nobody here can make another transaction
}

// cut is the error when the caller's time is over after err.
func (s *submission) cut(err error) error {
	if !s.sent {
		return err
	}
	txID := s.TransactionID(s.id, s.key, s.attempt)
	if s.envelope != nil {
		txID = s.envelope.TransactionID
	}
	return &Error{Phase: Committing, Kind: FateUnknown, TransactionID: txID, Err: err,
		Message: "the caller's time was over; it may still be committed: " + err.Error()}
}

// try takes the current attempt as far as it gets.
func (s *submission) try(ctx context.Context) (Commit, error) {
	if s.envelope == nil {
		proposal, err := s.Propose(s.id, s.call, s.key, s.attempt)
		if err != nil {
			return Commit{}, err
		}
		if s.envelope, err = s.Endorse(ctx, proposal); err != nil {
			return Commit{}, err
		}
		s.sent = false
	}
	waiter := s.commits.Register(s.envelope.TransactionID)
	defer waiter.Cancel()
	if s.sent {
		// An earlier try may have got through unseen: ask before sending again.
		commit, err := s.lookup(ctx)
		if err == nil || !errors.Is(err, ErrNotFound) {
			return commit, err
		}
	}
	s.sent = true
	if err := s.Send(ctx, s.envelope); err != nil {
		return Commit{}, err
	}
	timeout := time.NewTimer(commitWait)
	defer timeout.Stop()
	select {
	case commit := <-waiter.Done():
		if err := commit.Err(); KindOf(err) == DuplicateTransaction {
			return s.lookup(ctx)
		}
		return commit, commit.Err()
	case <-timeout.C:
	case <-ctx.Done():
	}
	return Commit{}, &Error{
		Phase:         Committing,
		Kind:          FateUnknown,
		TransactionID: s.envelope.TransactionID,
		Message:       "no block with it was seen in time",
	}
}

// lookup asks for the transaction by its id and, if it is committed, waits until its block has been handed on here too.
func (s *submission) lookup(ctx context.Context) (Commit, error) {
	commit, err := s.Lookup(ctx, s.id, s.envelope.TransactionID)
	if err != nil {
		return Commit{}, err
	}
	if err := s.Handed(ctx, commit.Block); err != nil {
		return Commit{}, &Error{Phase: Committing, Kind: FateUnknown, TransactionID: commit.TransactionID, Err: err,
			Message: fmt.Sprintf("it is committed in block %d, which hasn't come through the stream yet", commit.Block)}
	}
	return commit, commit.Err()
}
