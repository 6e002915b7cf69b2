package audit

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
)

// DefaultPatience is how long an audit waits for a peer or a gateway that lags behind.
const DefaultPatience = 20 * time.Second

// Config says what is audited.
type Config struct {
	// Genesis is the hash of the header of the channel's first block. The audit trusts nothing else.
	Genesis []byte
	// Chaincode is the name of Pedigree's chaincode on the channel.
	Chaincode string
	// State is the folder that keeps the replayed state.
	State string
	// Follower gets the audited blocks, for example to rebuild a gateway's index from them. Optional.
	Follower Follower
	// Patience is how long the audit waits for a peer or a gateway that lags behind. Optional. If zero, DefaultPatience.
	Patience time.Duration
	// Progress is called about once a second. Optional.
	Progress func(Status)
}

// Status says how far an audit has come.
type Status struct {
	state.Progress
	// First is the block at which this run began.
	First uint64
	// Bytes is the size of the blocks that this run has audited. Took is how long the run has taken.
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
	notes       []string
	ended       bool // whether a finding ended the audit, because no later block can be judged
}

// New begins an audit, or continues the one whose state is in the folder.
func New(cfg Config) (*Auditor, error) {
	rules, err := newRules(cfg.Chaincode)
	if err != nil {
		return nil, err
	}
	store, err := state.Open(cfg.State)
	if err != nil {
		return nil, err
	}
	a := &Auditor{
		follower: cfg.Follower, patience: cmp.Or(cfg.Patience, DefaultPatience), tell: cfg.Progress, workers: newWorkers(),
	}
	a.replay = &replay{
		genesis: cfg.Genesis, chaincode: cfg.Chaincode, rules: rules, store: store,
		definitions: map[string]*definition{}, run: a.workers.run,
	}
	if err := a.replay.resume(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	a.began = time.Now()
	a.last, a.first = a.began, a.replay.progress.Next
	return a, nil
}

// Close ends the audit. The folder keeps its state.
func (a *Auditor) Close() error { return a.replay.store.Close() }

// Run audits all blocks of a source that were not audited before. Whatever is wrong with them becomes a finding. The
// error is about a source that can't be reached, about the state, or from ctx.
func (a *Auditor) Run(ctx context.Context, source Source) error {
	return a.follow(ctx, source)
}

// told calls Progress, unless it did so within the last second.
func (a *Auditor) told() {
	if now := time.Now(); a.tell != nil && now.Sub(a.last) >= time.Second {
		a.last = now
		a.tell(a.Status())
	}
}

// Status returns how far the audit has come.
func (a *Auditor) Status() Status {
	return Status{Progress: a.replay.progress, First: a.first, Bytes: a.bytes.Load(), Took: time.Since(a.began)}
}

// Findings returns everything that was found, in this run and in the earlier runs with the same state.
func (a *Auditor) Findings() []Finding { return a.replay.found }

// Note adds findings from a comparison of the audited blocks with something else, such as a gateway.
func (a *Auditor) Note(found ...Finding) { a.replay.found = append(a.replay.found, found...) }

// Ended reports whether the audit ended early, because of a finding after which no block can be judged.
func (a *Auditor) Ended() bool { return a.ended }
