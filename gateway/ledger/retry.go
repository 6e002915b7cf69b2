package ledger

import (
	"math/rand/v2"
	"time"
)

// Retry is what to do after a failure.
type Retry string

const (
	// SameTransaction: send again under the same transaction id. Safe whatever became of the earlier try, since the
	// ledger lets only one of them through.
	SameTransaction Retry = "same transaction"
	// NewTransaction: the transaction id is burnt; a new one is needed, with new endorsements.
	NewTransaction Retry = "new transaction"
	// LookUp: ask for the transaction by its id before anything else is done.
	LookUp Retry = "look up"
	// Never: the same request fails in the same way.
	Never Retry = "never"
)

// Rule says how to go on after one kind of failure.
type Rule struct {
	Retry Retry
	// Limit is how many times in a row it is worth it; zero means for ever.
	Limit int
	// First and Most are the shortest and the longest pause between two tries; the pause doubles.
	First, Most time.Duration
	// Passes tells that the failure is the network's state and not the request's: it matches ErrUnavailable.
	Passes bool
	// Why is the reason for this rule.
	Why string
}

// Rules is the whole retry policy: there is no other place that decides by kind of failure.
var Rules = map[Kind]Rule{
	NoPeer: {
		Retry:  SameTransaction,
		First:  500 * time.Millisecond,
		Most:   10 * time.Second,
		Passes: true,
		Why:    "a peer comes back",
	},
	PeerLost: {
		Retry:  SameTransaction,
		First:  50 * time.Millisecond,
		Most:   10 * time.Second,
		Passes: true,
		Why:    "the next try uses another peer",
	},
	Overloaded: {
		Retry:  SameTransaction,
		First:  100 * time.Millisecond,
		Most:   5 * time.Second,
		Passes: true,
		Why:    "slots become free",
	},
	TimedOut: {
		Retry:  SameTransaction,
		First:  500 * time.Millisecond,
		Most:   10 * time.Second,
		Passes: true,
		Why:    "load passes",
	},
	PolicyUnsatisfiable: {
		Retry:  SameTransaction,
		First:  250 * time.Millisecond,
		Most:   10 * time.Second,
		Passes: true,
		Why:    "the peers of enough organisations come back or are discovered",
	},
	EndorsersUnavailable: {
		Retry:  SameTransaction,
		First:  250 * time.Millisecond,
		Most:   10 * time.Second,
		Passes: true,
		Why:    "the gateway's peer forgets a peer that it cannot reach and plans without it",
	},
	ChaincodeDown: {
		Retry:  SameTransaction,
		First:  250 * time.Millisecond,
		Most:   10 * time.Second,
		Passes: true,
		Why:    "chaincode processes are restarted",
	},
	Disagreement: {
		Retry: SameTransaction,
		Limit: 8,
		First: 100 * time.Millisecond,
		Most:  3 * time.Second,
		Why:   "peers that lag behind catch up; those that do not will never agree",
	},
	Rejected:        {Retry: Never, Why: "the chaincode is deterministic"},
	ChaincodeFailed: {Retry: Never, Why: "the chaincode is deterministic"},
	Denied: {
		Retry: SameTransaction,
		First: 2 * time.Second,
		Most:  30 * time.Second,
		Why:   "an operator repairs certificates and policies; what was accepted must not be lost meanwhile",
	},
	Malformed: {Retry: Never, Why: "the request is what it is"},
	Untrusted: {
		Retry:  SameTransaction,
		First:  time.Second,
		Most:   30 * time.Second,
		Passes: true,
		Why:    "an honest peer comes back, or an operator repairs the peer; what was accepted must not be lost meanwhile",
	},
	DuplicateProposal: {
		Retry: LookUp,
		First: 50 * time.Millisecond,
		Most:  2 * time.Second,
		Why:   "an earlier try got through",
	},
	OrderersUnavailable: {
		Retry:  SameTransaction,
		First:  250 * time.Millisecond,
		Most:   10 * time.Second,
		Passes: true,
		Why:    "some orderers may have taken it: only the same transaction is safe",
	},
	FateUnknown: {
		Retry:  LookUp,
		First:  250 * time.Millisecond,
		Most:   10 * time.Second,
		Passes: true,
		Why:    "it may be on its way",
	},
	ReadConflict: {
		Retry: NewTransaction,
		Limit: 10,
		First: 20 * time.Millisecond,
		Most:  time.Second,
		Why:   "what it read has changed; reading again is enough",
	},
	PolicyFailure: {
		Retry: NewTransaction,
		Limit: 3,
		First: 500 * time.Millisecond,
		Most:  2 * time.Second,
		Why:   "the policy changed between endorsement and commit, or never will be met",
	},
	DuplicateTransaction: {
		Retry: LookUp,
		First: 20 * time.Millisecond,
		Most:  2 * time.Second,
		Why:   "the first copy counts",
	},
	Invalid: {Retry: Never, Why: "the block says what is wrong with it"},
	NotFound: {
		Retry: SameTransaction,
		First: 250 * time.Millisecond,
		Most:  10 * time.Second,
		Why:   "not committed as far as this peer knows: sending the same again is safe",
	},
}

// Pause is how long to wait before try number n (from 0), with up to a quarter added at random so that clients do not
// return in step.
func (r Rule) Pause(n int) time.Duration {
	d := r.First
	for ; n > 0 && d < r.Most; n-- {
		d *= 2
	}
	d = min(d, r.Most)
	if d <= 0 {
		return 0
	}
	return d + rand.N(d/4+1)
}

// Exhausted tells whether n failures in a row are as many as this rule allows.
func (r Rule) Exhausted(n int) bool {
	return r.Retry == Never || r.Limit > 0 && n >= r.Limit
}
