package hostile

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/network"
)

// endorsed is a transaction that is ready for the orderers.
type endorsed struct {
	id       string
	envelope *common.Envelope
}

// contract calls the chaincode through the member's own peer.
func (m *Member) contract() (c *client.Contract, hangUp func(), err error) {
	certificate, err := identity.CertificateFromPEM(m.certificate)
	if err != nil {
		return nil, nil, err
	}
	id, err := identity.NewX509Identity(m.MSPID, certificate)
	if err != nil {
		return nil, nil, err
	}
	g, err := client.Connect(id, client.WithSign(m.sign), client.WithHash(hash.SHA256), client.WithClientConnection(m.peer))
	if err != nil {
		return nil, nil, err
	}
	c = g.GetNetwork(network.ChannelName).GetContract(network.ChaincodeName)
	return c, func() { _ = g.Close() }, nil
}

// propose has honest peers endorse the recording of a pack.
func (m *Member) propose(ctx context.Context, function string, pack []byte, witnesses ...string) (*endorsed, error) {
	contract, hangUp, err := m.contract()
	if err != nil {
		return nil, err
	}
	defer hangUp()
	proposal, err := contract.NewProposal(function, client.WithArguments(witnesses...),
		client.WithTransient(map[string][]byte{record.TransientPack: pack}))
	if err != nil {
		return nil, err
	}
	transaction, err := proposal.EndorseWithContext(ctx)
	if err != nil {
		return nil, err
	}
	text, err := transaction.Bytes()
	if err != nil {
		return nil, err
	}
	var prepared gateway.PreparedTransaction
	if err := proto.Unmarshal(text, &prepared); err != nil {
		return nil, err
	}
	payload := prepared.GetEnvelope().GetPayload()
	digest := sha256.Sum256(payload)
	signature, err := m.sign(digest[:])
	if err != nil {
		return nil, err
	}
	return &endorsed{id: transaction.TransactionID(), envelope: &common.Envelope{Payload: payload, Signature: signature}}, nil
}

// endorse has honest peers endorse the recording of a pack of events.
func (m *Member) endorse(t *testing.T, pack []byte) *endorsed {
	t.Helper()
	e, err := m.propose(t.Context(), "Events:Submit", pack)
	require.NoError(t, err)
	return e
}

// submit records a pack and returns its transaction, once every peer has it as valid.
func (m *Member) submit(t *testing.T, function string, pack []byte, witnesses map[string]record.Place) string {
	t.Helper()
	e, err := m.propose(t.Context(), function, pack, encodedWitnesses(t, witnesses)...)
	require.NoError(t, err, "%s", refusal(err))
	m.commit(t, e)
	return e.id
}

// commit has a transaction ordered, and waits until every peer has it as valid. It sends the transaction to every
// orderer, as clients do: one that isn't the leader keeps it for seconds before it hands it on.
func (m *Member) commit(t *testing.T, e *endorsed) {
	t.Helper()
	taken := 0
	var refused error
	for to := range m.orderers {
		if err := m.Broadcast(within(t, time.Minute), to, e.envelope); err != nil {
			refused = errors.Join(refused, err) // it is in a block already, or the orderer looks for a leader
		} else {
			taken++
		}
	}
	require.Positive(t, taken, "%v", refused)
	m.settled(t, e.id)
}

// settled waits until every peer's state has what a valid transaction wrote. A peer shows a block before that.
func (m *Member) settled(t *testing.T, tx string) {
	t.Helper()
	n := shared(t)
	for _, org := range n.Orgs() {
		status, err := join(t, n, org.Name).fate(within(t, 4*time.Minute), tx)
		require.NoError(t, err)
		require.Equal(t, peer.TxValidationCode_VALID, status)
	}
}

// fate asks the member's peer what became of a transaction, and waits for it.
func (m *Member) fate(ctx context.Context, tx string) (peer.TxValidationCode, error) {
	request := encode(&gateway.CommitStatusRequest{TransactionId: tx, ChannelId: network.ChannelName, Identity: m.creator})
	digest := sha256.Sum256(request)
	signature, err := m.sign(digest[:])
	if err != nil {
		return 0, err
	}
	answer, err := gateway.NewGatewayClient(m.peer).
		CommitStatus(ctx, &gateway.SignedCommitStatusRequest{Request: request, Signature: signature})
	return answer.GetResult(), err
}

// refused has honest peers refuse a pack, and returns the code of the first problem that they report.
func (m *Member) refused(t *testing.T, function string, pack []byte, witnesses map[string]record.Place) string {
	t.Helper()
	_, err := m.propose(t.Context(), function, pack, encodedWitnesses(t, witnesses)...)
	require.Error(t, err, "honest peers endorsed it")
	rejection := refusal(err)
	require.NotNil(t, rejection, err.Error())
	return rejection.Problems[0].Code
}

// read evaluates a function at the member's peer.
func (m *Member) read(t *testing.T, function string, args ...string) ([]byte, error) {
	t.Helper()
	contract, hangUp, err := m.contract()
	require.NoError(t, err)
	defer hangUp()
	return contract.EvaluateWithContext(within(t, time.Minute), function, client.WithArguments(args...))
}

func encodedWitnesses(t *testing.T, witnesses map[string]record.Place) []string {
	t.Helper()
	if len(witnesses) == 0 {
		return nil
	}
	text, err := json.Marshal(witnesses)
	require.NoError(t, err)
	return []string{string(text)}
}

// refusal finds the chaincode's own words in an error of the gateway service; nil if there are none.
func refusal(err error) *record.Rejection {
	for _, d := range status.Convert(err).Details() {
		if detail, ok := d.(*gateway.ErrorDetail); ok {
			if rejection, ok := record.ParseRejection(detail.GetMessage()); ok {
				return rejection
			}
		}
	}
	return nil
}

// packed makes the pack of records.
func packed(t *testing.T, records ...*record.Record) []byte {
	t.Helper()
	var bodies [][]byte
	for _, r := range records {
		bodies = append(bodies, r.Body)
	}
	pack, err := record.Pack(bodies)
	require.NoError(t, err)
	return pack
}

// statement makes what an organisation states.
func statement(t *testing.T, by, kind, subject, predicate string) *record.Record {
	t.Helper()
	text := fmt.Sprintf(`{"kind":%q,"subject":[%q],"predicate":%s}`, kind, subject, predicate)
	return made(t)(record.NewStatement(value(t, text), by, nil))
}

func value(t *testing.T, text string) canonical.Value {
	t.Helper()
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	require.NoError(t, err)
	return v
}

func made(t *testing.T) func(*record.Record, []record.Problem) *record.Record {
	return func(r *record.Record, problems []record.Problem) *record.Record {
		t.Helper()
		require.Empty(t, problems)
		return r
	}
}

// verdict is what the peer that served a block made of an envelope in it.
func verdict(block *common.Block, envelope *common.Envelope) string {
	codes := block.GetMetadata().GetMetadata()[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
	for i, data := range block.GetData().GetData() {
		if string(data) == string(encode(envelope)) {
			return peer.TxValidationCode(codes[i]).String()
		}
	}
	return "not in the block"
}
