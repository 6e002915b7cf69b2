package ledger

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Fabric tells most failures apart only by their text (internal/pkg/gateway and core/endorser of Fabric 3.1.1). The
// phrases are kept here, together, each as short as it can be.
var (
	phrasesOfPolicy = []string{
		"no peer combination",
		"no combination of peers",
		"failed to select a set of endorsers",
		"no peers available",
		"no endorsing peers",
		"No metadata was found",
	}
	phrasesOfChaincode = []string{
		"chaincode stream terminated",
		"error in simulation",
		"failed to execute transaction",
		"could not launch chaincode",
		"timeout expired while executing",
		"make sure the chaincode",
	}
	phrasesOfDenial = []string{
		"access denied",
		"creator org unknown",
		"identity expired",
		"certificate has expired",
		"failed to verify",
		"failed evaluating policy",
		"implicit policy evaluation failed",
		"signature set did not satisfy policy",
		"The supplied identity is not valid",
		"creator is malformed",
	}
	phrasesOfOrderers = []string{"insufficient number of orderers", "no orderers could", "no orderer nodes available"}
	phrasesOfDelay    = []string{"timestamp is outside", "outside of the allowed"}
)

const (
	phraseOverload    = "too many requests for"
	phraseDuplicate   = "duplicate transaction found"
	phraseMismatch    = "ProposalResponsePayloads do not match"
	phraseCollecting  = "failed to collect enough"
	phraseChaincode   = "chaincode response "
	phraseNoSuchTx    = "no such transaction ID"
	phraseUnreachable = "rpc error: code = Unavailable"
)

func hasAny(s string, phrases []string) bool {
	for _, p := range phrases {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// untrusted is what is wrong with a transaction that a peer returned.
type untrusted struct{ error }

func (u untrusted) Error() string {
	return "the peer returned another transaction than the one that was asked for, which is not signed: " +
		u.error.Error()
}

// classify turns the error of a call, by gRPC or of an answer, into an *Error.
func classify(phase Phase, txID, address string, err error) *Error {
	if u, ok := errors.AsType[untrusted](err); ok {
		return &Error{Phase: phase, Kind: Untrusted, TransactionID: txID, Peer: address, Message: u.Error(),
			Err: u.error}
	}
	st := status.Convert(err)
	messages := []string{st.Message()}
	text := st.Message()
	for _, d := range st.Details() {
		if detail, ok := d.(*gateway.ErrorDetail); ok {
			messages = append(messages, detail.GetMessage())
			text += fmt.Sprintf("; %s (%s): %s", detail.GetMspId(), detail.GetAddress(), detail.GetMessage())
		}
	}
	e := &Error{Phase: phase, TransactionID: txID, Peer: address, Message: text, Err: err}
	e.Kind = kindOf(phase, st.Code(), st.Message(), messages)
	if e.Kind == Rejected || e.Kind == Disagreement {
		for _, m := range messages {
			if rejection, ok := record.ParseRejection(m); ok {
				e.Err = rejection
				break
			}
		}
	}
	return e
}

// kindOf sorts one failure. message is the gateway service's own, and messages has it and those of the single
// endorsers.
func kindOf(phase Phase, code codes.Code, message string, messages []string) Kind {
	all := strings.Join(messages, "\n")
	switch {
	case strings.Contains(all, phraseDuplicate):
		return DuplicateProposal
	case strings.Contains(all, phraseOverload):
		return Overloaded
	case phase == LookingUp && strings.Contains(all, phraseNoSuchTx):
		return NotFound
	}
	if phase == Sending {
		return sendingKind(code, message)
	}
	// When the first endorser, the gateway's own peer, has agreed, a refusal by others is a difference of state.
	if strings.Contains(message, phraseCollecting) {
		switch {
		case strings.Contains(all, phraseMismatch), strings.Contains(all, phraseChaincode):
			return Disagreement
		case hasAny(all, phrasesOfDenial):
			return Denied
		case hasAny(all, phrasesOfChaincode):
			return ChaincodeDown
		}
		return EndorsersUnavailable
	}
	for _, m := range messages {
		if strings.Contains(m, phraseChaincode) {
			if _, ok := record.ParseRejection(m); ok {
				return Rejected
			}
		}
	}
	switch {
	case strings.Contains(all, phraseChaincode):
		return ChaincodeFailed
	case hasAny(all, phrasesOfPolicy):
		return PolicyUnsatisfiable
	case hasAny(all, phrasesOfChaincode):
		return ChaincodeDown
	case hasAny(all, phrasesOfDelay):
		return TimedOut
	case hasAny(all, phrasesOfDenial), code == codes.PermissionDenied, code == codes.Unauthenticated:
		return Denied
	}
	switch code {
	case codes.Unavailable:
		return PeerLost
	case codes.DeadlineExceeded, codes.Canceled:
		return TimedOut
	case codes.InvalidArgument, codes.Unimplemented, codes.ResourceExhausted:
		return Malformed
	case codes.FailedPrecondition:
		return PolicyUnsatisfiable
	}
	if strings.Contains(all, phraseUnreachable) {
		return EndorsersUnavailable
	}
	// What is not known must not lose anything: a peer's unforeseen trouble is taken to pass.
	return EndorsersUnavailable
}

// sendingKind sorts failures to hand a transaction to the orderers. After most of them it may be on its way.
func sendingKind(code codes.Code, message string) Kind {
	switch {
	case hasAny(message, phrasesOfOrderers):
		return OrderersUnavailable
	case code == codes.InvalidArgument, code == codes.Unimplemented, code == codes.ResourceExhausted:
		return Malformed
	}
	return FateUnknown
}

// faultOfPeer tells whether a call failed because the peer itself is not there, does not answer or can't be trusted, so
// that another peer should be used for a while.
func faultOfPeer(err error) bool {
	if _, ok := errors.AsType[untrusted](err); ok {
		return true
	}
	st := status.Convert(err)
	switch st.Code() {
	case codes.Unavailable:
		return !hasAny(st.Message(), phrasesOfOrderers) && len(st.Details()) == 0
	case codes.DeadlineExceeded:
		// The service's own deadlines speak of what they waited for; a bare one means that nobody answered.
		return strings.Contains(st.Message(), "context deadline exceeded")
	}
	return false
}
