package hostile

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/network"
)

// Member is one client identity of an organisation, connected to its peer and to every orderer.
type Member struct {
	MSPID       string
	creator     []byte
	certificate []byte // PEM
	sign        identity.Sign
	peer        *grpc.ClientConn
	orderers    []*grpc.ClientConn
}

// Join connects a role of an organisation. Nothing is sent yet.
func Join(n *network.Network, org network.Org, role string) (*Member, error) {
	certificatePath, keyPath := n.Identity(org.Name, role)
	certificate, err := os.ReadFile(certificatePath)
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(keyPath)
	if err != nil {
		return nil, err
	}
	key, err := identity.PrivateKeyFromPEM(keyPEM)
	if err != nil {
		return nil, err
	}
	m := &Member{MSPID: org.MSPID, certificate: certificate}
	if m.sign, err = identity.NewPrivateKeySign(key); err != nil {
		return nil, err
	}
	m.creator = encode(&msp.SerializedIdentity{Mspid: org.MSPID, IdBytes: certificate})
	if m.peer, err = dial(org.PeerAddress(), org.PeerName(), n.TLSRoots(org.Name)); err != nil {
		return nil, err
	}
	for _, o := range n.Orderers() {
		conn, err := dial(o.Address(), o.Host(), n.TLSRoots("orderer"))
		if err != nil {
			return nil, err
		}
		m.orderers = append(m.orderers, conn)
	}
	return m, nil
}

// Leave closes the connections.
func (m *Member) Leave() {
	_ = m.peer.Close()
	for _, o := range m.orderers {
		_ = o.Close()
	}
}

func dial(address, name, rootsPath string) (*grpc.ClientConn, error) {
	text, err := os.ReadFile(rootsPath)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", rootsPath)
	}
	return grpc.NewClient(
		address,
		grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, name)),
		grpc.WithNoProxy(),
	)
}

func encode(m proto.Message) []byte {
	text, err := proto.Marshal(m)
	if err != nil {
		panic(err) // of messages that this package makes itself
	}
	return text
}

// Header makes the header of a transaction of this member that calls a chaincode, and its transaction id.
func (m *Member) Header(chaincode string) (*common.Header, string) {
	nonce := make([]byte, 24)
	rand.Read(nonce)
	return m.headerWith(nonce, chaincode)
}

func (m *Member) headerWith(nonce []byte, chaincode string) (*common.Header, string) {
	sum := sha256.Sum256(append(append([]byte{}, nonce...), m.creator...))
	id := hex.EncodeToString(sum[:])
	return &common.Header{
		ChannelHeader: encode(&common.ChannelHeader{
			Type: int32(
				common.HeaderType_ENDORSER_TRANSACTION,
			), TxId: id, ChannelId: network.ChannelName, Timestamp: timestamppb.Now(),
			Extension: encode(&peer.ChaincodeHeaderExtension{ChaincodeId: &peer.ChaincodeID{Name: chaincode}}),
		}),
		SignatureHeader: encode(&common.SignatureHeader{Creator: m.creator, Nonce: nonce}),
	}, id
}

// Signed makes the envelope of a payload.
func (m *Member) Signed(header *common.Header, data []byte) *common.Envelope {
	payload := encode(&common.Payload{Header: header, Data: data})
	digest := sha256.Sum256(payload)
	signature, err := m.sign(digest[:])
	if err != nil {
		panic(err)
	}
	return &common.Envelope{Payload: payload, Signature: signature}
}

// Broadcast sends envelopes to one orderer, all of them before it waits for an answer, so that they come into one
// block.
func (m *Member) Broadcast(ctx context.Context, to int, envelopes ...*common.Envelope) error {
	stream, err := orderer.NewAtomicBroadcastClient(m.orderers[to]).Broadcast(ctx)
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		for _, e := range envelopes {
			if err := stream.Send(e); err != nil {
				sent <- err
				return
			}
		}
		sent <- stream.CloseSend()
	}()
	var refused error
	for range envelopes {
		answer, err := stream.Recv()
		if err != nil {
			return errors.Join(refused, err)
		}
		if answer.GetStatus() != common.Status_SUCCESS {
			refused = errors.Join(refused, fmt.Errorf("%s: %s", answer.GetStatus(), answer.GetInfo()))
		}
	}
	return errors.Join(refused, <-sent)
}

// evaluate calls a system chaincode at the member's own peer.
func (m *Member) evaluate(ctx context.Context, chaincode string, args ...string) ([]byte, error) {
	header, _ := m.Header(chaincode)
	input := new(peer.ChaincodeInput)
	for _, arg := range args {
		input.Args = append(input.Args, []byte(arg))
	}
	payload := encode(
		&peer.ChaincodeProposalPayload{Input: encode(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{
			ChaincodeId: &peer.ChaincodeID{Name: chaincode}, Input: input,
		}})},
	)
	proposal := encode(&peer.Proposal{Header: encode(header), Payload: payload})
	digest := sha256.Sum256(proposal)
	signature, err := m.sign(digest[:])
	if err != nil {
		return nil, err
	}
	response, err := peer.NewEndorserClient(m.peer).
		ProcessProposal(ctx, &peer.SignedProposal{ProposalBytes: proposal, Signature: signature})
	if err != nil {
		return nil, err
	}
	if response.GetResponse().GetStatus() != int32(common.Status_SUCCESS) {
		return nil, errors.New(response.GetResponse().GetMessage())
	}
	return response.GetResponse().GetPayload(), nil
}

// Block reads the block of a transaction from the member's own peer.
func (m *Member) Block(ctx context.Context, tx string) (*common.Block, error) {
	text, err := m.evaluate(ctx, "qscc", "GetBlockByTxID", network.ChannelName, tx)
	if err != nil {
		return nil, err
	}
	block := new(common.Block)
	return block, proto.Unmarshal(text, block)
}
