package capture

import (
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Behaviour says what a job does about records that are refused. The words are those of EPCIS 2.0
// (captureErrorBehaviour).
type Behaviour string

const (
	// Rollback: all or nothing. The whole job is one transaction; if one record is refused, none is recorded.
	Rollback Behaviour = "rollback"
	// Proceed: what is good is recorded, what is not is reported.
	Proceed Behaviour = "proceed"
)

// State is what became of one record.
type State string

// The states of a record. Pending is the only one that changes.
const (
	Pending   State = "pending"
	Recorded  State = "recorded"
	Duplicate State = "duplicate"
	Rejected  State = "rejected"
)

// Problem codes of records that were refused by the queue and not by the chaincode.
const (
	// CodeRolledBack: another record of an all-or-nothing job was refused.
	CodeRolledBack = "rolled_back"
	// CodeNotCommitted: the ledger made each attempt at the transaction invalid.
	CodeNotCommitted = "not_committed"
	// CodeRefused: the ledger refused the transaction as a whole.
	CodeRefused = "refused_by_ledger"
)

// Item is one record of a request.
type Item struct {
	// Body is the canonical record. Empty if the record was refused already, and then Problems says why, or if Existing is
	// set.
	Body []byte
	// ID is the record's id, for callers who have it: it MUST be that of Body. Optional.
	ID record.ID
	// EventID is passed on to the result. Optional.
	EventID string
	// Problems are why a record was refused before it came here. Their Index has no meaning.
	Problems []record.Problem
	// Existing, which is optional, is a record on the ledger that says the same in other words, as only the caller can
	// tell. Nothing is sent then, and the result is Duplicate. Records that are the same to the byte the queue finds by
	// itself.
	Existing *Existing
	// Recorded says that the caller knows the very same record to be on the ledger. The queue doesn't need it.
	Recorded bool
	// Twin, which is optional, is the id of an earlier record of the same request that says the same in other words. The
	// item then has no body. It is a duplicate of that record once that is recorded, and refused if that is.
	Twin record.ID
	// Warnings say what is odd about a record that is taken all the same. Their Index has no meaning.
	Warnings []record.Problem
}

// Existing is a record that is on the ledger.
type Existing struct {
	RecordID record.ID
	Recording
}

// Request is a job to be done.
type Request struct {
	// Owner is whose job it is, for listing: the name of the caller's token.
	Owner string
	// Identity is the name of the ledger identity to submit as (see Config.Identity).
	Identity string
	// Function is the chaincode function that takes the records: "Events:Submit".
	Function string
	// Behaviour is Proceed unless it says otherwise.
	Behaviour Behaviour
	// Items are the records, in order.
	Items []Item
	// Witnesses is a JSON object that goes with the records as second argument of the function, or empty.
	Witnesses []byte
}

// Job is the state of one capture request.
type Job struct {
	// ID is a UUID of version 7: later jobs have greater ids, and nobody can guess one.
	ID        string
	Owner     string
	Function  string
	Behaviour Behaviour
	CreatedAt time.Time
	// FinishedAt is zero while the job is running.
	FinishedAt time.Time
	// The number of records in all and by state; what is in none of the three is pending.
	Total, Recorded, Duplicate, Rejected int
	// Waiting says why a running job does not get on; empty if it does.
	Waiting string
	// Warnings are those that came with the items. Only what Commit returns lists them; later ask [Queue.Warnings].
	Warnings Warnings
}

// Running tells whether anything is pending.
func (j Job) Running() bool { return j.FinishedAt.IsZero() }

// Success tells whether the job is finished and nothing of it was refused.
func (j Job) Success() bool { return !j.Running() && j.Rejected == 0 }

// Result is what became of one record.
type Result struct {
	// Index is the record's place in the request, from 0.
	Index int
	State State
	// RecordID is empty for a record that was refused before it was one. For Duplicate it is the existing one's.
	RecordID record.ID
	EventID  string
	// TransactionID and Block are where the record is on the ledger, for Recorded and, of the existing one, for Duplicate.
	TransactionID string
	Block         uint64
	// Problems are why a record is Rejected.
	Problems []record.Problem
}

// outcome is a final state. Records that were brought by one transaction share one, by pointer.
type outcome struct {
	State    State            `json:"state"`
	Tx       string           `json:"tx,omitempty"`
	Block    uint64           `json:"block,omitempty"`
	Existing record.ID        `json:"existing,omitempty"` // of a duplicate, if it is another record than the one that came
	Problems []record.Problem `json:"problems,omitempty"`
}

// run is a stretch of neighbouring records of a part with one outcome: how outcomes lie in the database.
type run struct {
	From int `json:"from"`
	N    int `json:"n"`
	outcome
}

func encodeOutcomes(list []*outcome) []run {
	var runs []run
	for i, o := range list {
		switch {
		case o == nil:
		case i > 0 && list[i-1] == o:
			runs[len(runs)-1].N++
		default:
			runs = append(runs, run{From: i, N: 1, outcome: *o})
		}
	}
	return runs
}

// decodeOutcomes spreads runs over n records. What lies outside is left out.
func decodeOutcomes(runs []run, n int) []*outcome {
	list := make([]*outcome, n)
	for _, r := range runs {
		o := r.outcome
		for i := max(r.From, 0); i < min(r.From+r.N, n); i++ {
			list[i] = &o
		}
	}
	return list
}
