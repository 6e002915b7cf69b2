package hostile

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/verify"
	"github.com/pedigree-ledger/pedigree/network"
)

// TestNobodyBuriesTheFirstRecording has Market grind nonces until the ids of seventeen transactions come before that of
// Harbor's recording. The chaincode lists recordings in the order of their keys, the first sixteen.
func TestNobodyBuriesTheFirstRecording(t *testing.T) {
	const enough = 17
	n := shared(t)
	harbor, market := join(t, n, "harbor"), join(t, n, "market")
	e := observed(t, fresh())
	own := harbor.submit(t, "Events:Submit", packed(t, e), nil)
	var repeats sync.WaitGroup
	ids := make([]string, enough)
	for i := range ids {
		nonce, id := market.ground(own)
		ids[i] = id
		repeats.Go(func() {
			transaction, err := market.proposeWith(within(t, time.Minute), nonce, "Events:Submit", packed(t, e))
			if !assert.NoError(t, err) {
				return
			}
			taken := false // one orderer may look for a leader, so all get it
			for to := range market.orderers {
				taken = market.Broadcast(within(t, time.Minute), to, transaction) == nil || taken
			}
			assert.True(t, taken)
		})
	}
	repeats.Wait()
	var c *client.Client
	for _, id := range ids {
		market.settled(t, id)
		c = asHarborSees(t, n, market, id)
	}
	text, err := harbor.read(t, "Events:Read", string(e.ID))
	require.NoError(t, err)
	require.NotContains(t, string(text), own, "nothing was buried, so nothing was tried")

	v := viewOf(t, c, e.ID)
	assert.Equal(t, own, v.Recordings[0].Tx, "Harbor was first, and is told first")
	assert.Len(t, v.Recordings, 1+8, "eight of each are told")
	text, err = harbor.read(t, "Events:Read", string(e.ID), own)
	require.NoError(t, err)
	assert.Contains(t, string(text), own, "who knows of a transaction finds it")
	proof, err := c.AwaitProof(within(t, time.Minute), client.RecordPath(string(e.ID))+"/proof", nil, time.Minute)
	require.NoError(t, err)
	genesis, err := os.ReadFile(n.GenesisFile())
	require.NoError(t, err)
	trust, err := verify.NewTrust(genesis, nil, network.ChaincodeName, 0)
	require.NoError(t, err)
	verdict, err := verify.Proof(proof, trust, verify.Wanted{ID: e.ID})
	require.NoError(t, err)
	assert.Equal(t, own, verdict.Records[0].Recordings[0].Tx, "the receipt proves that Harbor recorded it, before Market")
}

// ground makes a nonce with which the key of the member's recording comes before that of another transaction. Keys have
// transaction ids in base64url, in which the order is another one than in hexadecimal digits.
func (m *Member) ground(than string) (nonce []byte, id string) {
	raw, _ := hex.DecodeString(than)
	before := base64.RawURLEncoding.EncodeToString(raw)
	for {
		nonce = make([]byte, 24)
		rand.Read(nonce)
		sum := sha256.Sum256(append(append([]byte{}, nonce...), m.creator...))
		if base64.RawURLEncoding.EncodeToString(sum[:]) < before {
			return nonce, hex.EncodeToString(sum[:])
		}
	}
}

// proposeWith has honest peers endorse the recording of a pack in a transaction with a nonce, and signs it.
func (m *Member) proposeWith(ctx context.Context, nonce []byte, function string, pack []byte) (*common.Envelope, error) {
	header, id := m.headerWith(nonce, network.ChaincodeName)
	call := encode(&peer.ChaincodeProposalPayload{
		Input: encode(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{
			ChaincodeId: &peer.ChaincodeID{Name: network.ChaincodeName},
			Input:       &peer.ChaincodeInput{Args: [][]byte{[]byte(function)}},
		}}),
		TransientMap: map[string][]byte{record.TransientPack: pack},
	})
	proposal := encode(&peer.Proposal{Header: encode(header), Payload: call})
	digest := sha256.Sum256(proposal)
	signature, err := m.sign(digest[:])
	if err != nil {
		return nil, err
	}
	answer, err := gateway.NewGatewayClient(m.peer).Endorse(ctx, &gateway.EndorseRequest{
		TransactionId: id, ChannelId: network.ChannelName,
		ProposedTransaction: &peer.SignedProposal{ProposalBytes: proposal, Signature: signature},
	})
	if err != nil {
		return nil, err
	}
	envelope := answer.GetPreparedTransaction()
	digest = sha256.Sum256(envelope.GetPayload())
	envelope.Signature, err = m.sign(digest[:])
	return envelope, err
}

// TestRetractionsOfRetractionsAreReadInTime has Market state a finding and sixty retractions, each of all statements
// before it. To work out each anew, as readers did before, takes longer than the ledger will exist.
func TestRetractionsOfRetractionsAreReadInTime(t *testing.T) {
	n := shared(t)
	harbor, market := join(t, n, "harbor"), join(t, n, "market")
	e := observed(t, fresh())
	places := map[string]record.Place{string(e.ID): {ID: e.ID, Tx: harbor.submit(t, "Events:Submit", packed(t, e), nil)}}
	said := []*record.Record{statement(t, market.MSPID, record.Finding, string(e.ID), `{"detail":"odd"}`)}
	for i := range 60 {
		var before []string
		for _, r := range said {
			before = append(before, fmt.Sprintf("%q", r.ID))
		}
		said = append(said, made(t)(record.NewStatement(value(t, fmt.Sprintf(
			`{"kind":"retraction","subject":[%s],"predicate":{"reason":"the %dth"}}`, strings.Join(before, ","), i)),
			market.MSPID, nil)))
	}
	c := asHarborSees(t, n, market, market.submit(t, "Statements:Submit", packed(t, said...), places))
	ctx := within(t, time.Minute)
	var v view
	require.NoError(t, c.Get(ctx, client.RecordPath(string(e.ID)), nil, &v))
	require.Len(t, v.Statements, 1)
	assert.Empty(t, v.Status, "the last retraction stands, and takes back all others and the finding")
}

// TestAReadOfManyLongStatementsIsBounded has Market record twenty transactions of a few kilobytes that unfold to eight
// megabytes each, and then read them at Harbor's peer, eight times at once.
func TestAReadOfManyLongStatementsIsBounded(t *testing.T) {
	n := shared(t)
	harbor, market := join(t, n, "harbor"), join(t, n, "market")
	e := observed(t, fresh())
	places := map[string]record.Place{string(e.ID): {ID: e.ID, Tx: harbor.submit(t, "Events:Submit", packed(t, e), nil)}}
	const each = 7
	for i := range 20 {
		var notes []*record.Record
		for j := range each {
			notes = append(notes, made(t)(record.NewStatement(value(t, fmt.Sprintf(
				`{"predicateType":"https://example.org/note","subject":[%q],"predicate":{"n":%d,"text":%q}}`,
				e.ID, i*each+j, strings.Repeat("x", 1_000_000))), market.MSPID, nil)))
		}
		pack := packed(t, notes...)
		require.Less(t, len(pack), 4_000)
		market.submit(t, "Statements:Submit", pack, places)
	}
	intruder := *market
	intruder.peer = harbor.peer
	var reads sync.WaitGroup
	for range 8 {
		reads.Go(func() {
			text, err := intruder.read(t, "Statements:About", string(e.ID), "100", "")
			if !assert.NoError(t, err) {
				return
			}
			var page chaincode.Page
			assert.NoError(t, json.Unmarshal(text, &page))
			assert.NotEmpty(t, page.Items)
			assert.NotEmpty(t, page.Bookmark, "the rest is on other pages")
			assert.Less(t, len(text), 2<<20)
		})
	}
	reads.Wait()
}
