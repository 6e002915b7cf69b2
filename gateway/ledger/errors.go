package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

// Phase is the step of a call or a transaction in which it failed.
type Phase string

// The phases of a transaction, and the two calls that are not one.
const (
	Evaluating Phase = "evaluate"
	Endorsing  Phase = "endorse"
	Sending    Phase = "send"
	Committing Phase = "commit"
	LookingUp  Phase = "look up"
)

// Kind is what went wrong, as far as it matters for what to do next. Rules has an entry for each.
type Kind string

// The kinds of failure.
const (
	// NoPeer: none of the configured peers can be reached.
	NoPeer Kind = "no_peer"
	// PeerLost: the connection broke during the call.
	PeerLost Kind = "peer_lost"
	// Overloaded: the peer's gateway service has no free slot.
	Overloaded Kind = "overloaded"
	// TimedOut: no answer within the time that the call was given.
	TimedOut Kind = "timed_out"
	// PolicyUnsatisfiable: too few organisations have a peer that can endorse just now.
	PolicyUnsatisfiable Kind = "policy_unsatisfiable"
	// EndorsersUnavailable: a peer that had to endorse could not be reached.
	EndorsersUnavailable Kind = "endorsers_unavailable"
	// ChaincodeDown: a peer could not reach or run its chaincode.
	ChaincodeDown Kind = "chaincode_down"
	// Disagreement: the first endorser agreed, the others gave other results or refused. Their peers may lag behind.
	Disagreement Kind = "disagreement"
	// Rejected: the chaincode said no and why; errors.As gives the *record.Rejection.
	Rejected Kind = "rejected"
	// ChaincodeFailed: the chaincode failed in a way that it did not foresee.
	ChaincodeFailed Kind = "chaincode_failed"
	// Denied: the identity may not do this.
	Denied Kind = "denied"
	// Malformed: the peer could not read the request.
	Malformed Kind = "malformed"
	// Untrusted: the peer returned another transaction than the one that was asked for. It was not signed.
	Untrusted Kind = "untrusted_answer"
	// DuplicateProposal: the transaction id is on the ledger already, as valid or as invalid.
	DuplicateProposal Kind = "duplicate_proposal"
	// OrderersUnavailable: too few orderers took the transaction. Some may have.
	OrderersUnavailable Kind = "orderers_unavailable"
	// FateUnknown: the transaction may or may not have reached the orderers.
	FateUnknown Kind = "fate_unknown"
	// ReadConflict: committed as invalid since what it read had changed.
	ReadConflict Kind = "read_conflict"
	// PolicyFailure: committed as invalid for want of endorsements.
	PolicyFailure Kind = "policy_failure"
	// DuplicateTransaction: a second copy of a transaction; what counts is the first.
	DuplicateTransaction Kind = "duplicate_transaction"
	// Invalid: committed as invalid for any other reason.
	Invalid Kind = "invalid"
	// NotFound: the asked peer knows no such transaction (yet).
	NotFound Kind = "not_found"
)

// ErrUnavailable matches every failure that passes without anybody changing the request: peers, orderers or the
// policy's quorum are not there for the moment. Nothing was lost; the same call may be made again after [RetryAfter].
var ErrUnavailable = errors.New("the ledger is unavailable for the moment")

// ErrNotFound matches the answer that a transaction is not on the asked peer's ledger.
var ErrNotFound = errors.New("no such transaction on the ledger")

// Error is a failed call or transaction.
type Error struct {
	Phase Phase
	Kind  Kind
	// TransactionID is empty for evaluations.
	TransactionID string
	// Peer is the address of the peer that was asked, where one was.
	Peer string
	// Message is for people: what the network said.
	Message string
	// Err is the cause: a gRPC status error, a *record.Rejection, or nil.
	Err error
}

// Error says what failed, where and why.
func (e *Error) Error() string {
	s := fmt.Sprintf("couldn't %s", e.Phase)
	if e.TransactionID != "" {
		s += " transaction " + e.TransactionID
	}
	if e.Peer != "" {
		s += " through " + e.Peer
	}
	return s + ": " + e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is tells whether the failure is one of ErrUnavailable or ErrNotFound.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrUnavailable:
		return Rules[e.Kind].Passes
	case ErrNotFound:
		return e.Kind == NotFound
	}
	return false
}

// KindOf tells the kind of a failure, or "" of an error that is not this package's.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// RetryAfter is how long to wait before a call that failed with ErrUnavailable is made again.
const RetryAfter = 2 * time.Second

// commitKind sorts the validation codes of committed transactions.
func commitKind(code int32) Kind {
	switch peer.TxValidationCode(code) {
	case peer.TxValidationCode_MVCC_READ_CONFLICT, peer.TxValidationCode_PHANTOM_READ_CONFLICT:
		return ReadConflict
	case peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE:
		return PolicyFailure
	case peer.TxValidationCode_DUPLICATE_TXID:
		return DuplicateTransaction
	}
	return Invalid
}

// Err is nil for a valid commit, and otherwise an *Error of phase Committing.
func (c Commit) Err() error {
	if c.Valid() {
		return nil
	}
	name := peer.TxValidationCode(c.Code).String()
	return &Error{
		Phase: Committing, Kind: commitKind(c.Code), TransactionID: c.TransactionID,
		Message: fmt.Sprintf("it was committed in block %d as invalid: %s (code %d)", c.Block, name, c.Code),
	}
}
