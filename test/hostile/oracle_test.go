package hostile

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/logs/logstest"
	"github.com/pedigree-ledger/pedigree/network"
)

// oracle is a peer of Market's that a gateway of Harbor's uses first. It answers requests to endorse with bytes that
// Harbor never made, and waits for them to come back signed.
type oracle struct {
	market *Member
	// bait makes the bytes to sign from a request and from what honest peers answer it. Nil bytes mean an honest answer.
	bait func(header *common.Header, honest *common.Envelope) []byte
	// use does the harm that a signature allows, and tells how far it came.
	use func(signed *common.Envelope) string

	mu      sync.Mutex
	offered [][]byte
	harm    []string
}

func (o *oracle) liar() *liar {
	return &liar{answers: map[string]func(context.Context, []byte) (proto.Message, error){
		gateway.Gateway_Endorse_FullMethodName: o.endorse,
		gateway.Gateway_Submit_FullMethodName:  o.submit,
	}}
}

func (o *oracle) endorse(ctx context.Context, text []byte) (proto.Message, error) {
	var request gateway.EndorseRequest
	var proposal peer.Proposal
	var header common.Header
	if err := proto.Unmarshal(text, &request); err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(request.GetProposedTransaction().GetProposalBytes(), &proposal); err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(proposal.GetHeader(), &header); err != nil {
		return nil, err
	}
	honest, err := gateway.NewGatewayClient(o.market.peer).Endorse(ctx, &request)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	bait := o.bait(&header, honest.GetPreparedTransaction())
	if bait == nil {
		return honest, nil
	}
	o.offered = append(o.offered, bait)
	return &gateway.EndorseResponse{PreparedTransaction: &common.Envelope{Payload: bait}}, nil
}

func (o *oracle) submit(ctx context.Context, text []byte) (proto.Message, error) {
	var request gateway.SubmitRequest
	if err := proto.Unmarshal(text, &request); err != nil {
		return nil, err
	}
	signed := request.GetPreparedTransaction()
	o.mu.Lock()
	defer o.mu.Unlock()
	if slices.ContainsFunc(o.offered, func(b []byte) bool { return bytes.Equal(b, signed.GetPayload()) }) {
		o.harm = append(o.harm, o.use(signed))
		return &gateway.SubmitResponse{}, nil
	}
	return gateway.NewGatewayClient(o.market.peer).Submit(ctx, &request)
}

// tries is how often it has asked for a signature.
func (o *oracle) tries() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.offered)
}

func (o *oracle) done() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.harm)
}

// TestAPeerGetsNoSignatureForWhatHarborDidNotMake has a gateway of Harbor's use a peer of Market's that wants its
// signature. Gateways of before, and Fabric's own clients, sign what they are given: a proposal and a transaction's
// payload have one wire format, so a recall that Harbor never made came onto the ledger, and an authority of Market's
// into Harbor's membership.
func TestAPeerGetsNoSignatureForWhatHarborDidNotMake(t *testing.T) {
	n := shared(t)
	market := join(t, n, "market")
	harbor := join(t, n, "harbor")
	victim := observed(t, fresh())
	tx := harbor.submit(t, "Events:Submit", packed(t, victim), nil)
	witness := map[string]record.Place{string(victim.ID): {ID: victim.ID, Tx: tx}}

	for name, c := range map[string]struct {
		oracle func(t *testing.T) *oracle
		ask    func(t *testing.T, url string) int // makes the gateway ask for endorsements; returns the answer's status
	}{
		"a recall, as a proposal in Harbor's name and then as the transaction made of it": {
			oracle: func(t *testing.T) *oracle {
				recall := statement(t, harbor.MSPID, record.Recall, string(victim.ID), `{"reason":"Harbor never said so"}`)
				return recalling(t, n, market, packed(t, recall), encodedWitnesses(t, witness))
			},
			ask: capture(n),
		},
		"the transaction of an earlier call": {
			oracle: func(*testing.T) *oracle {
				var first []byte
				return &oracle{
					bait: func(_ *common.Header, honest *common.Envelope) []byte {
						if first == nil {
							first = honest.GetPayload()
							return nil
						}
						return first
					},
					use: func(*common.Envelope) string { return "Harbor signed the transaction of another call" },
				}
			},
			ask: capture(n),
		},
		"a write that nobody asked for": {
			oracle: func(*testing.T) *oracle {
				return &oracle{
					bait: func(_ *common.Header, honest *common.Envelope) []byte {
						return withWrite(t, honest, record.NamespaceKey("taken"), []byte(market.MSPID))
					},
					use: func(*common.Envelope) string { return "Harbor signed a write that it didn't ask for" },
				}
			},
			ask: capture(n),
		},
		"an update of the channel that puts Market's authority into Harbor's membership": {
			oracle: func(t *testing.T) *oracle { return updating(t, n, market) },
			ask: func(t *testing.T, url string) int {
				body := fmt.Sprintf(`{"name":"Harbor","description":"since %d","namespaces":["harbor"]}`, fresh())
				return post(t, n, url, "/v1/members", network.Operator, body)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := c.oracle(t)
			o.market = market
			cfg, err := config.Read(n.GatewayConfig("harbor"))
			require.NoError(t, err)
			cfg.Listen, cfg.Data, cfg.Index = "127.0.0.1:0", t.TempDir(), ""
			lying := lie(t, market, o.liar())
			cfg.Peers = []config.Peer{lying, cfg.Peers[0]}
			var log logstest.Buffer
			url, _ := victimGateway(t, cfg, &log)
			told := false
			for try := 0; o.tries() < 3; try++ {
				require.Less(t, try, 100, "the gateway doesn't ask the peer")
				eventually(t, "ready, with both peers", func() bool {
					s := state(t, n, url)
					return s.Ready && s.Peers[0].Usable && s.Peers[1].Usable
				})
				status := c.ask(t, url)
				told = told || strings.Contains(state(t, n, url).Peers[0].Problem, "which is not signed")
				if len(o.done()) == 0 {
					require.Less(t, status, 300, "the next peer is honest, so what Harbor asked for is recorded")
				}
			}
			require.Empty(t, o.done())
			require.True(t, strings.Contains(log.String(), "the peer returned another transaction than the one that was asked for"))
			require.True(t, told, "the gateway's status says what is wrong with the peer")
		})
	}
}

// capture has a gateway capture an event, and waits until it is recorded.
func capture(n *network.Network) func(t *testing.T, url string) int {
	return func(t *testing.T, url string) int {
		body := fmt.Sprintf(`{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld","type":"ObjectEvent",
			"action":"OBSERVE","eventTime":"2026-03-01T08:00:00Z","eventTimeZoneOffset":"+00:00","epcList":[%q]}`, thing(fresh()))
		return post(t, n, url, "/epcis/v2/events", network.Submitter, body)
	}
}

// post sends JSON as a role of Harbor's, and returns the answer's status.
func post(t *testing.T, n *network.Network, url, path, role, body string) int {
	t.Helper()
	token, err := n.Token("harbor", role)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(within(t, time.Minute), http.MethodPost, url+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	var problem json.RawMessage
	if answer.StatusCode >= 300 && json.NewDecoder(answer.Body).Decode(&problem) == nil {
		t.Logf("%s: %s", answer.Status, problem)
	}
	return answer.StatusCode
}

// recalling wants a proposal signed, has honest peers endorse it, and then wants the transaction signed that is made of
// that.
func recalling(t *testing.T, n *network.Network, market *Member, pack []byte, witnesses []string) *oracle {
	args := [][]byte{[]byte("Statements:Submit")}
	for _, w := range witnesses {
		args = append(args, []byte(w))
	}
	input := encode(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{
		ChaincodeId: &peer.ChaincodeID{Name: network.ChaincodeName}, Input: &peer.ChaincodeInput{Args: args},
	}})
	var header *common.Header
	var id string
	var transaction []byte // once honest peers have endorsed the proposal
	return &oracle{
		bait: func(own *common.Header, _ *common.Envelope) []byte {
			if transaction != nil {
				return transaction
			}
			var creator common.SignatureHeader
			if proto.Unmarshal(own.GetSignatureHeader(), &creator) != nil {
				return nil
			}
			header, id = (&Member{creator: creator.GetCreator()}).Header(network.ChaincodeName)
			call := encode(&peer.ChaincodeProposalPayload{
				Input: input, TransientMap: map[string][]byte{record.TransientPack: pack},
			})
			return encode(&peer.Proposal{Header: encode(header), Payload: call})
		},
		use: func(signed *common.Envelope) string {
			if bytes.Equal(signed.GetPayload(), transaction) {
				if err := market.Broadcast(within(t, time.Minute), 0, signed); err != nil {
					return "Harbor signed a transaction that it didn't make; the orderers refused it: " + err.Error()
				}
				return "Harbor signed a transaction that it didn't make; it is on the ledger, " +
					verdict(market.await(t, id), signed)
			}
			if transaction != nil {
				return "the same once more"
			}
			made, err := endorsedByAll(t, n, header, input, signed)
			if err != nil {
				return "Harbor signed a proposal that it didn't make; honest peers refused it: " + err.Error()
			}
			transaction = made
			return "Harbor signed a proposal that it didn't make; honest peers endorsed it"
		},
	}
}

// endorsedByAll has the peer of each organisation endorse a proposal, and makes the payload of the transaction.
func endorsedByAll(
	t *testing.T, n *network.Network, header *common.Header, input []byte, signed *common.Envelope,
) ([]byte, error) {
	var answer []byte
	var endorsements []*peer.Endorsement
	for _, org := range n.Orgs() {
		response, err := peer.NewEndorserClient(join(t, n, org.Name).peer).ProcessProposal(within(t, time.Minute),
			&peer.SignedProposal{ProposalBytes: signed.GetPayload(), Signature: signed.GetSignature()})
		if err != nil {
			return nil, err
		}
		answer = response.GetPayload()
		endorsements = append(endorsements, response.GetEndorsement())
	}
	return encode(&common.Payload{Header: header, Data: encode(&peer.Transaction{Actions: []*peer.TransactionAction{{
		Header: header.GetSignatureHeader(),
		Payload: encode(&peer.ChaincodeActionPayload{
			ChaincodeProposalPayload: encode(&peer.ChaincodeProposalPayload{Input: input}),
			Action:                   &peer.ChaincodeEndorsedAction{ProposalResponsePayload: answer, Endorsements: endorsements},
		}),
	}}})}), nil
}

// updating wants a signature under an update of the channel, of the operator, who is an administrator of Harbor.
func updating(t *testing.T, n *network.Network, market *Member) *oracle {
	update := encode(intrusion(t, n, market))
	var header []byte
	return &oracle{
		bait: func(own *common.Header, _ *common.Envelope) []byte {
			var creator common.SignatureHeader
			if proto.Unmarshal(own.GetSignatureHeader(), &creator) != nil {
				return nil
			}
			nonce := make([]byte, 24)
			rand.Read(nonce)
			header = encode(&common.SignatureHeader{Creator: creator.GetCreator(), Nonce: nonce})
			return slices.Concat(header, update) // what is signed of an update
		},
		use: func(signed *common.Envelope) string {
			own, _ := market.Header("")
			envelope := market.Signed(&common.Header{
				ChannelHeader: encode(&common.ChannelHeader{
					Type: int32(common.HeaderType_CONFIG_UPDATE), ChannelId: network.ChannelName,
				}),
				SignatureHeader: own.GetSignatureHeader(),
			}, encode(&common.ConfigUpdateEnvelope{ConfigUpdate: update, Signatures: []*common.ConfigSignature{{
				SignatureHeader: header, Signature: signed.GetSignature(),
			}}}))
			if err := market.Broadcast(within(t, time.Minute), 0, envelope); err != nil {
				return "Harbor signed an update of the channel; the orderers refused it: " + err.Error()
			}
			return "Harbor signed an update of the channel; the orderers took it"
		},
	}
}
