package ledger

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

const rejectionText = `chaincode response 500, {"problems":[{"index":3,"code":"unknown_ref","pointer":"/used/0/ref","detail":"no such artifact"}]}`

func TestFailuresAreSortedByWhatTheNetworkSays(t *testing.T) {
	for _, test := range []struct {
		name    string
		phase   Phase
		code    codes.Code
		message string
		details []string
		want    Kind
		passes  bool
	}{
		{"the chaincode refuses", Endorsing, codes.Aborted, "failed to endorse transaction, see attached details for more info", []string{rejectionText}, Rejected, false},
		{"the chaincode refuses an evaluation", Evaluating, codes.Unknown, "evaluate call to endorser returned error: " + rejectionText, nil, Rejected, false},
		{"the chaincode fails", Endorsing, codes.Aborted, "failed to endorse transaction, see attached details for more info", []string{"chaincode response 500, Function X not found"}, ChaincodeFailed, false},
		{"the others refuse what the first accepts", Endorsing, codes.Aborted, "failed to collect enough transaction endorsements, see attached details for more info", []string{rejectionText, rejectionText}, Disagreement, false},
		{"the others' results differ", Endorsing, codes.Aborted, "failed to collect enough transaction endorsements, see attached details for more info", []string{"ProposalResponsePayloads do not match"}, Disagreement, false},
		{"another endorser can't be reached", Endorsing, codes.Aborted, "failed to collect enough transaction endorsements, see attached details for more info", []string{"rpc error: code = Unavailable desc = connection error"}, EndorsersUnavailable, true},
		{"gossip has not seen enough organisations", Endorsing, codes.FailedPrecondition, "no combination of peers can be derived which satisfy the endorsement policy: required chaincodes are not installed on sufficient peers: no peer combination can satisfy the endorsement policy", nil, PolicyUnsatisfiable, true},
		{"endorsers were removed", Endorsing, codes.FailedPrecondition, "failed to select a set of endorsers that satisfy the endorsement policy due to unavailability of peers: []", nil, PolicyUnsatisfiable, true},
		{"the chaincode process is gone", Endorsing, codes.Aborted, "failed to endorse transaction, see attached details for more info", []string{"error in simulation: failed to execute transaction 1: error sending: chaincode stream terminated"}, ChaincodeDown, true},
		{"the peer has no free slot", Endorsing, codes.Unknown, "too many requests for /gateway.Gateway, exceeding concurrency limit (500)", nil, Overloaded, true},
		{"the transaction is on the ledger", Endorsing, codes.Aborted, "failed to endorse transaction, see attached details for more info", []string{"duplicate transaction found [1]. Creator [2]"}, DuplicateProposal, false},
		{"the identity may not write", Endorsing, codes.Aborted, "failed to endorse transaction, see attached details for more info", []string{"error validating proposal: access denied: channel [pedigree] creator org [X]"}, Denied, false},
		{"the connection broke", Endorsing, codes.Unavailable, "error reading from server: EOF", nil, PeerLost, true},
		{"the peer doesn't answer", Endorsing, codes.DeadlineExceeded, "context deadline exceeded", nil, TimedOut, true},
		{"the request can't be read", Endorsing, codes.InvalidArgument, "the proposed transaction must contain a signed proposal", nil, Malformed, false},
		{"too few orderers", Sending, codes.Unavailable, "insufficient number of orderers could successfully process transaction to satisfy quorum requirement", []string{"rpc error"}, OrderersUnavailable, true},
		{"no orderers", Sending, codes.Unavailable, "no orderer nodes available", nil, OrderersUnavailable, true},
		{"the connection broke while sending", Sending, codes.Unavailable, "error reading from server: EOF", nil, FateUnknown, true},
		{"the peer knows no such transaction", LookingUp, codes.Unknown, "evaluate call to endorser returned error: chaincode response 500, Failed to get block for txID 1, error no such transaction ID [1] in index", nil, NotFound, false},
		{"something nobody foresaw", Endorsing, codes.Internal, "a surprise", nil, EndorsersUnavailable, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			st := status.New(test.code, test.message)
			for _, d := range test.details {
				var err error
				st, err = st.WithDetails(&gateway.ErrorDetail{Address: "peer0:7051", MspId: "MarketMSP", Message: d})
				require.NoError(t, err)
			}
			err := classify(test.phase, "1", "peer0:7051", st.Err())
			require.Equal(t, test.want, err.Kind, "%v", err)
			require.Equal(t, test.passes, errors.Is(err, ErrUnavailable))
			require.Equal(t, test.want == NotFound, errors.Is(err, ErrNotFound))
			var rejection *record.Rejection
			if errors.As(err, &rejection) {
				require.Equal(t, 3, rejection.Problems[0].Index)
			} else {
				require.NotEqual(t, Rejected, test.want)
			}
		})
	}
}

func TestEveryKindOfFailureHasARule(t *testing.T) {
	kinds := []Kind{NoPeer, PeerLost, Overloaded, TimedOut, PolicyUnsatisfiable, EndorsersUnavailable, ChaincodeDown,
		Disagreement, Rejected,
		ChaincodeFailed, Denied, Malformed, Untrusted, DuplicateProposal, OrderersUnavailable, FateUnknown,
		ReadConflict, PolicyFailure,
		DuplicateTransaction, Invalid, NotFound}
	require.Len(t, Rules, len(kinds))
	for _, k := range kinds {
		r, ok := Rules[k]
		require.True(t, ok, k)
		require.NotEmpty(t, r.Why, k)
		if r.Retry == Never {
			require.True(t, r.Exhausted(1))
			require.False(t, r.Passes, "what passes is worth another try: %s", k)
			continue
		}
		require.False(t, r.Exhausted(1), k)
		require.Equal(t, r.Limit > 0, r.Exhausted(1000), k)
		for n := range 50 {
			require.GreaterOrEqual(t, r.Pause(n), r.First, k)
			require.LessOrEqual(t, r.Pause(n), r.Most+r.Most/4+1, k)
		}
	}
	// After a transaction may have left, no rule but that of a commit may lead to a new id.
	for _, k := range []Kind{FateUnknown, OrderersUnavailable, TimedOut, PeerLost, NotFound} {
		require.NotEqual(t, NewTransaction, Rules[k].Retry, k)
	}
}

func TestCommitsAreSortedByTheirCode(t *testing.T) {
	for code, kind := range map[peer.TxValidationCode]Kind{
		peer.TxValidationCode_VALID:                      "",
		peer.TxValidationCode_MVCC_READ_CONFLICT:         ReadConflict,
		peer.TxValidationCode_PHANTOM_READ_CONFLICT:      ReadConflict,
		peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE: PolicyFailure,
		peer.TxValidationCode_DUPLICATE_TXID:             DuplicateTransaction,
		peer.TxValidationCode_BAD_CREATOR_SIGNATURE:      Invalid,
	} {
		require.Equal(t, kind, KindOf(Commit{Code: int32(code)}.Err()))
	}
}

func TestAWaiterGetsTheFirstCopyOnceAndCancelledOnesNothing(t *testing.T) {
	c := NewCommits()
	one, two, gone := c.Register("a"), c.Register("a"), c.Register("a")
	gone.Cancel()
	c.Register("b").Cancel()
	require.Equal(t, 1, c.Waiting())
	c.Resolve(&Block{Number: 7, Transactions: []Transaction{{ID: "x"}, {ID: "a", Position: 1},
		{ID: "a", Position: 2, Code: int32(peer.TxValidationCode_DUPLICATE_TXID)}}})
	want := Commit{TransactionID: "a", Block: 7, Position: 1}
	require.Equal(t, want, <-one.Done())
	require.Equal(t, want, <-two.Done())
	one.Cancel()
	select {
	case <-gone.Done():
		t.Fatal("a cancelled waiter was told")
	default:
	}
	require.Zero(t, c.Waiting())
}

func TestAConfigurationWithoutWhatIsNeededIsRefused(t *testing.T) {
	full := Config{Channel: "c", Chaincode: "cc", MSPID: "M",
		Peers: []Peer{{Address: "127.0.0.1:1", TLSRoots: "testdata/no-such.pem"}}}
	for want, change := range map[string]func(*Config){
		"channel":      func(c *Config) { c.Channel = "" },
		"chaincode":    func(c *Config) { c.Chaincode = "" },
		"MSP id":       func(c *Config) { c.MSPID = "" },
		"no peer":      func(c *Config) { c.Peers = nil },
		"no-such.pem":  func(*Config) {},
		"host:port":    func(c *Config) { c.Peers = []Peer{{Address: "nonsense"}} },
		"no PEM certi": func(c *Config) { c.Peers = []Peer{{Address: "h:1", TLSRoots: "classify_test.go"}} },
	} {
		t.Run(want, func(t *testing.T) {
			cfg := full
			change(&cfg)
			_, err := Open(cfg)
			require.ErrorContains(t, err, want)
		})
	}
}

func TestWithoutAPeerACallFailsSoonAndSaysWhy(t *testing.T) {
	certificate, _ := selfSigned(t)
	c, err := Open(Config{Channel: "c", Chaincode: "cc", MSPID: "M", ConnectWait: 50 * time.Millisecond,
		Logger: quiet(),
		Peers:  []Peer{{Address: "127.0.0.1:1", TLSRoots: certificate}}})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Evaluate(context.Background(), testIdentity(t), Call{Function: "F"})
	require.Equal(t, NoPeer, KindOf(err))
	require.ErrorIs(t, err, ErrUnavailable)
	require.Contains(t, err.Error(), "127.0.0.1:1")
}
