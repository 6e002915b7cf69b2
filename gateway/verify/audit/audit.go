package audit

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
)

// DefaultPatience is how long a peer may take to show a block that others have, and a gateway to index it.
const DefaultPatience = 20 * time.Second

// Config says what is audited.
type Config struct {
	// Genesis is the hash of the header of the channel's first block: all that is trusted.
	Genesis []byte
	// Chaincode is the name of Pedigree's chaincode on the channel.
	Chaincode string
	// State is the folder in which the replayed state is kept.
	State string
	// Follower is given the audited blocks, such as to rebuild a gateway's index of them. Optional.
	Follower Follower
	// Patience is how long a peer or a gateway that lags behind is waited for. Optional. If zero, DefaultPatience.
	Patience time.Duration
	// Progress is told, at most about once a second, how far the audit is. Optional.
	Progress func(Status)
}

// Status is how far an audit is.
type Status struct {
	state.Progress
	// First is the block at which this run began.
	First uint64
	// Bytes are how much of blocks has been audited in this run, and Took how long it has taken.
	Bytes int64
	Took  time.Duration
}

// Auditor replays one chain.
type Auditor struct {
	follower Follower
	patience time.Duration
	tell     func(Status)
	replay   *replay
	workers  workers

	began, last time.Time
	first       uint64
	bytes       atomic.Int64
	ended       bool // by a finding after which no block can be judged
}

// New begins an audit, or goes on with the one whose state the folder has.
func New(cfg Config) (*Auditor, error) {
	rules, err := newRules(cfg.Chaincode)
	if err != nil {
		return nil, err
	}
	store, err := state.Open(cfg.State)
	if err != nil {
		return nil, err
	}
	a := &Auditor{follower: cfg.Follower, patience: cmp.Or(cfg.Patience, DefaultPatience), tell: cfg.Progress, workers: newWorkers()}
	a.replay = &replay{
		genesis: cfg.Genesis, chaincode: cfg.Chaincode, rules: rules, store: store, definitions: map[string]*definition{}, run: a.workers.run,
	}
	if err := a.replay.resume(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	a.began = time.Now()
	a.last, a.first = a.began, a.replay.progress.Next
	return a, nil
}

// Close ends the audit. What was audited is kept.
func (a *Auditor) Close() error { return a.replay.store.Close() }

// Run audits all blocks of a source that were not audited before. What isn't as it should be is among the findings; the
// error is that of a source that can't be reached, of the state or of ctx.
func (a *Auditor) Run(ctx context.Context, source Source) error {
	return a.follow(ctx, source)
}

// told tells how far the audit is, unless it was told a moment ago.
func (a *Auditor) told() {
	if now := time.Now(); a.tell != nil && now.Sub(a.last) >= time.Second {
		a.last = now
		a.tell(a.Status())
	}
}

// Status is how far the audit is.
func (a *Auditor) Status() Status {
	return Status{Progress: a.replay.progress, First: a.first, Bytes: a.bytes.Load(), Took: time.Since(a.began)}
}

// Findings are all things found, in this run and those before that the state is of.
func (a *Auditor) Findings() []Finding { return a.replay.found }

// Note adds what was found by comparing something else with the audited blocks, such as a gateway.
func (a *Auditor) Note(found ...Finding) { a.replay.found = append(a.replay.found, found...) }

// Ended tells whether the audit stopped at a block after which none can be judged.
func (a *Auditor) Ended() bool { return a.ended }
