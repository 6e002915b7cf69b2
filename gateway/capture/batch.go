package capture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// commitWait is how long a block with a sent transaction is waited for before a peer is asked about it.
const commitWait = 10 * time.Second

// batch is what goes to the ledger as one transaction. Only its driver changes it; members' items, problem and sent are
// changed with Queue.mu held.
type batch struct {
	key     string // with attempt it makes the transaction id
	lane    *lane
	begun   time.Time
	members []member

	attempt  int
	txID     string
	sent     bool      // the transaction may have left, and its row is on disk
	sentAt   time.Time // for the first time, as far as this attempt goes
	saved    bool      // a row of this key is on disk
	problem  string    // why it does not get on
	denied   bool      // whether problem is that the ledger refuses the identity
	failures map[ledger.Kind]int

	envelope        *ledger.Envelope // of this attempt
	composed        bool             // pack and witnesses are those of members
	pack, witnesses []byte
}

// member is a part and those of its items that are in the batch.
type member struct {
	part  *part
	items []int
}

// places lists the items of a batch in the order of its pack.
func (b *batch) places() []place {
	list := make([]place, 0, b.records())
	for _, m := range b.members {
		for _, i := range m.items {
			list = append(list, place{m.part, i})
		}
	}
	return list
}

// records counts the places of a batch.
func (b *batch) records() int {
	n := 0
	for _, m := range b.members {
		n += len(m.items)
	}
	return n
}

// errRecompose: the members have changed before anything was sent.
var errRecompose = errors.New("the batch has changed")

// drive takes a batch to its end. It returns false if ctx ended first.
func (q *Queue) drive(ctx context.Context, b *batch) (finished bool) {
	b.failures = make(map[ledger.Kind]int)
	fresh := !b.sent // its records have not been looked up in the index
	for try := 0; ctx.Err() == nil; {
		if fresh {
			if err := q.dropRecorded(ctx, b); err != nil {
				q.note(ctx, b, err, time.Second)
				continue
			}
			fresh = false
		}
		if !b.sent && q.dropWithdrawn(b) == 0 {
			return q.forgetBatch(ctx, b) == nil
		}
		commit, err := q.try(ctx, b)
		switch {
		case err == nil:
			if err := q.journal(ctx, b, commit); err != nil {
				q.note(ctx, b, err, time.Second) // the next try finds the transaction on the ledger
				continue
			}
			return q.recorded(ctx, b, commit) == nil
		case ctx.Err() != nil:
			return false
		case errors.Is(err, errRecompose):
			continue
		}
		kind := ledger.KindOf(err)
		rule, known := ledger.Rules[kind]
		if !known { // our own storage, or an index that fails: as temporary as a peer's trouble
			q.note(ctx, b, err, time.Second)
			continue
		}
		b.failures[kind]++
		switch {
		case rule.Exhausted(b.failures[kind]):
			if b.sent && !endsAttempt(kind) && time.Since(b.sentAt) < q.cfg.Settle {
				// It may have been sent by an earlier process, and be on its way: only a block can say.
				q.note(
					ctx,
					b,
					fmt.Errorf("a transaction that may be under way is refused now; waiting to see: %w", err),
					5*time.Second,
				)
				continue
			}
			done, err := q.refuse(ctx, b, err)
			if err != nil || done {
				return err == nil
			}
			try = 0
		case rule.Retry == ledger.NewTransaction:
			q.nextAttempt(b)
			q.note(ctx, b, err, rule.Pause(b.failures[kind]-1))
		default:
			if kind == ledger.DuplicateProposal {
				q.seen(b)
			}
			q.note(ctx, b, err, rule.Pause(try))
			try++
		}
	}
	return false
}

// journal notes whose records a transaction has.
func (q *Queue) journal(ctx context.Context, b *batch, commit ledger.Commit) error {
	if q.cfg.Journal == nil {
		return nil
	}
	places := b.places()
	owners := make([]string, len(places))
	for i, at := range places {
		owners[i] = at.part.job.owner
	}
	return q.cfg.Journal.Note(ctx, commit.TransactionID, owners)
}

// endsAttempt tells whether a failure says that the transaction is on the ledger, as invalid.
func endsAttempt(kind ledger.Kind) bool {
	switch kind {
	case ledger.ReadConflict, ledger.PolicyFailure, ledger.Invalid:
		return true
	}
	return false
}

// nextAttempt burns the transaction id.
func (q *Queue) nextAttempt(b *batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	b.attempt++
	b.sent, b.envelope = false, nil
}

// seen marks a transaction that the ledger says it has: it is looked up, and not made again.
func (q *Queue) seen(b *batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !b.sent {
		b.sent, b.saved, b.sentAt = true, true, time.Now()
	}
}

// note keeps why a batch does not get on for those who ask, and waits.
func (q *Queue) note(ctx context.Context, b *batch, err error, pause time.Duration) {
	q.mu.Lock()
	first := b.problem == ""
	b.problem, b.denied = err.Error(), ledger.KindOf(err) == ledger.Denied
	q.mu.Unlock()
	if first {
		q.log.Warn("a transaction waits", "transaction", b.txID, "records", b.records(), "problem", err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// try takes the current attempt as far as it gets.
func (q *Queue) try(ctx context.Context, b *batch) (ledger.Commit, error) {
	identity, err := q.cfg.Identity(b.lane.identity)
	if err != nil {
		return ledger.Commit{}, &ledger.Error{Phase: ledger.Endorsing, Kind: ledger.Denied, Err: err,
			Message: fmt.Sprintf("the ledger identity %q can't be used: %v", b.lane.identity, err)}
	}
	if at := identity.Expires; !at.IsZero() && time.Now().After(at) && !b.sent {
		return ledger.Commit{}, &ledger.Error{Phase: ledger.Endorsing, Kind: ledger.Denied,
			Message: fmt.Sprintf("the certificate of the ledger identity %q expired at %s: an operator must renew it",
				b.lane.identity, identity.Expires.UTC().Format(time.RFC3339))}
	}
	txID := q.ledger.TransactionID(identity, b.key, b.attempt)
	if b.sent && txID != b.txID {
		return q.orphan(ctx, b, identity)
	}
	q.mu.Lock()
	b.txID = txID
	q.mu.Unlock()
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("pedigree.transaction", txID))
	waiter := q.ledger.Commits().Register(txID)
	defer waiter.Cancel()
	if b.sent {
		commit, err := q.lookup(ctx, b, identity)
		if !errors.Is(err, ledger.ErrNotFound) {
			return commit, err
		}
	}
	if b.envelope == nil {
		err := step(ctx, "endorse", func(ctx context.Context) error { return q.endorse(ctx, b, identity) })
		if err != nil {
			return ledger.Commit{}, err
		}
	}
	if err := q.leave(ctx, b); err != nil {
		return ledger.Commit{}, err
	}
	err = step(ctx, "order", func(ctx context.Context) error { return q.ledger.Send(ctx, b.envelope) })
	if err != nil {
		return ledger.Commit{}, err
	}
	var commit ledger.Commit
	err = step(ctx, "commit", func(ctx context.Context) (err error) {
		commit, err = q.awaitCommit(ctx, b, identity, waiter)
		return err
	})
	return commit, err
}

// awaitCommit waits for the block with a transaction that was sent.
func (q *Queue) awaitCommit(
	ctx context.Context, b *batch, identity *ledger.Identity, waiter *ledger.Waiter,
) (ledger.Commit, error) {
	timeout := time.NewTimer(commitWait)
	defer timeout.Stop()
	select {
	case commit := <-waiter.Done():
		if err := commit.Err(); ledger.KindOf(err) != ledger.DuplicateTransaction {
			return commit, err
		}
		return q.lookup(ctx, b, identity)
	case <-ctx.Done():
		return ledger.Commit{}, ctx.Err()
	case <-timeout.C:
		return ledger.Commit{}, &ledger.Error{
			Phase:         ledger.Committing,
			Kind:          ledger.FateUnknown,
			TransactionID: b.txID,
			Message:       "no block with it was seen in time",
		}
	}
}

// lookup asks for a batch's transaction by its id, and waits until the index has its block.
func (q *Queue) lookup(ctx context.Context, b *batch, identity *ledger.Identity) (ledger.Commit, error) {
	commit, err := q.ledger.Lookup(ctx, identity, b.txID)
	if err != nil {
		return ledger.Commit{}, err
	}
	q.mu.Lock()
	b.problem = fmt.Sprintf("transaction %s is in block %d, which the index doesn't have yet", b.txID, commit.Block)
	q.mu.Unlock()
	if err := q.ledger.Handed(ctx, commit.Block); err != nil {
		return ledger.Commit{}, err
	}
	return commit, commit.Err()
}

// orphan resolves a transaction that can't be made again, since the identity's certificate or the secret is another one
// than when it was sent. Once it can no longer come up, the records go into a new one.
func (q *Queue) orphan(ctx context.Context, b *batch, identity *ledger.Identity) (ledger.Commit, error) {
	commit, err := q.lookup(ctx, b, identity)
	if !errors.Is(err, ledger.ErrNotFound) {
		return commit, err
	}
	if rest := q.cfg.Settle - time.Since(b.sentAt); rest > 0 {
		return ledger.Commit{}, &ledger.Error{
			Phase:         ledger.LookingUp,
			Kind:          ledger.FateUnknown,
			TransactionID: b.txID,
			Message: fmt.Sprintf(
				"it was sent under another certificate and can't be sent again; it is given up if it isn't on the ledger in %v",
				rest.Round(time.Second),
			),
		}
	}
	q.nextAttempt(b)
	return ledger.Commit{}, errRecompose
}

// endorse composes the batch and has it endorsed.
func (q *Queue) endorse(ctx context.Context, b *batch, identity *ledger.Identity) error {
	if !b.composed {
		if err := q.compose(ctx, b); err != nil {
			return err
		}
	}
	proposal, err := q.ledger.Propose(
		identity,
		ledger.Call{
			Function:  b.lane.function,
			Args:      [][]byte{b.witnesses},
			Transient: map[string][]byte{record.TransientPack: b.pack},
		},
		b.key,
		b.attempt,
	)
	if err != nil {
		return err
	}
	b.envelope, err = q.ledger.Endorse(ctx, proposal)
	return err
}

// compose packs the records of a batch. The pack of a part that goes as a whole is taken as it is.
func (q *Queue) compose(ctx context.Context, b *batch) error {
	var bodies [][]byte
	var witnesses [][]byte
	for _, m := range b.members {
		pack, w, err := q.store.packOf(ctx, m.part.id)
		if err != nil {
			return err
		}
		if len(w) > 0 {
			witnesses = append(witnesses, w)
		}
		if len(b.members) == 1 && slices.Equal(m.items, m.part.packed) {
			b.pack, bodies = pack, nil
			break
		}
		all, err := record.Unpack(pack, record.PackLimits{})
		if err != nil || len(all) != len(m.part.packed) {
			return fmt.Errorf(
				"%w: the records of part %d can't be read (%d of %d): %w",
				ErrStorage,
				m.part.id,
				len(all),
				len(m.part.packed),
				err,
			)
		}
		for _, i := range m.items {
			at, ok := slices.BinarySearch(m.part.packed, i)
			if !ok {
				return fmt.Errorf("%w: record %d of part %d is not in its pack", ErrStorage, i, m.part.id)
			}
			bodies = append(bodies, all[at])
		}
	}
	var err error
	if bodies != nil {
		if b.pack, err = record.Pack(bodies); err != nil {
			return fmt.Errorf("couldn't pack a batch: %w", err)
		}
	}
	b.witnesses, err = mergeWitnesses(witnesses...)
	b.composed = err == nil
	return err
}

// leave is the last step before a transaction may leave: what it is, is made durable. From then on its members can't be
// withdrawn.
func (q *Queue) leave(ctx context.Context, b *batch) error {
	if b.sent {
		return nil // it was on disk before
	}
	q.mu.Lock()
	for _, m := range b.members {
		if m.part.job.withdrawn {
			q.mu.Unlock()
			return errRecompose
		}
	}
	b.sent, b.sentAt, b.saved = true, time.Now(), true
	rows := make([]memberRow, len(b.members))
	for i, m := range b.members {
		rows[i] = memberRow{Part: m.part.id, Items: m.items}
	}
	q.mu.Unlock()
	key, attempt, txID, at := b.key, b.attempt, b.txID, b.sentAt
	return q.persist(ctx, func(tx *sqlitefile.Tx) error { return saveBatch(tx, key, attempt, txID, at, rows) })
}
