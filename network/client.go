package network

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	service "github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/verify/prepared"
)

// A peerClient talks to an organisation's peer as the organisation's operator.
type peerClient struct {
	org     Org
	conn    *grpc.ClientConn
	creator []byte
	sign    identity.Sign
	gateway *client.Gateway
	network *client.Network
}

// connectPeer prepares a connection. Nothing is sent before the first call.
func (d folder) connectPeer(org Org, channel string) (*peerClient, error) {
	user := d.user(org.Name, Operator)
	return connectPeerAs(org, channel, d.path(org.Name, "tlsca", "cert.pem"), filepath.Join(user, "cert.pem"),
		filepath.Join(user, "key.pem"))
}

// connectPeerAs is connectPeer with the files that it reads: the peer's authority for TLS, and the identity to act with.
func connectPeerAs(org Org, channel, rootsFile, certificateFile, keyFile string) (*peerClient, error) {
	roots, err := certificate.Pool(rootsFile)
	if err != nil {
		return nil, err
	}
	id, sign, err := loadIdentity(certificateFile, keyFile, org.MSPID)
	if err != nil {
		return nil, fmt.Errorf("couldn't load %s's operator identity: %w", org.Title, err)
	}
	creator, err := proto.Marshal(&msp.SerializedIdentity{Mspid: id.MspID(), IdBytes: id.Credentials()})
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(org.PeerAddress(),
		grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, org.PeerName())),
		grpc.WithNoProxy(),
		// A peer that is starting refuses connections for a moment. gRPC's default would wait a second before trying
		// again.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.3, MaxDelay: time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(100<<20)))
	if err != nil {
		return nil, fmt.Errorf("couldn't connect to %s's peer: %w", org.Title, err)
	}
	gateway, err := client.Connect(
		id,
		client.WithSign(sign),
		client.WithHash(hash.SHA256),
		client.WithClientConnection(conn),
	)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("couldn't connect to %s's peer: %w", org.Title, err)
	}
	return &peerClient{
		org:     org,
		conn:    conn,
		creator: creator,
		sign:    sign,
		gateway: gateway,
		network: gateway.GetNetwork(channel),
	}, nil
}

func (c *peerClient) close() {
	c.gateway.Close()
	c.conn.Close()
}

func loadIdentity(certificateFile, keyFile, mspID string) (*identity.X509Identity, identity.Sign, error) {
	certificatePEM, err := os.ReadFile(certificateFile)
	if err != nil {
		return nil, nil, err
	}
	certificate, err := identity.CertificateFromPEM(certificatePEM)
	if err != nil {
		return nil, nil, err
	}
	id, err := identity.NewX509Identity(mspID, certificate)
	if err != nil {
		return nil, nil, err
	}
	keyPEM, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, nil, err
	}
	key, err := identity.PrivateKeyFromPEM(keyPEM)
	if err != nil {
		return nil, nil, err
	}
	sign, err := identity.NewPrivateKeySign(key)
	return id, sign, err
}

// ask calls a system chaincode of this peer, without a channel. The administration of a peer works this way, because
// the gateway service serves only channels.
func (c *peerClient) ask(ctx context.Context, chaincode, function string, args ...[]byte) ([]byte, error) {
	proposal, err := c.propose(chaincode, append([][]byte{[]byte(function)}, args...))
	if err != nil {
		return nil, err
	}
	response, err := peer.NewEndorserClient(c.conn).ProcessProposal(ctx, proposal)
	if err != nil {
		return nil, err
	}
	if result := response.GetResponse(); result.GetStatus() != int32(common.Status_SUCCESS) {
		return nil, errors.New(result.GetMessage())
	}
	return response.GetResponse().GetPayload(), nil
}

// propose returns a signed proposal without a channel.
func (c *peerClient) propose(chaincode string, args [][]byte) (*peer.SignedProposal, error) {
	nonce := make([]byte, 24)
	rand.Read(nonce)
	transaction := sha256.Sum256(append(nonce[:len(nonce):len(nonce)], c.creator...))
	name := &peer.ChaincodeID{Name: chaincode}
	var m marshaller
	proposal := m.bytes(&peer.Proposal{
		Header: m.bytes(&common.Header{
			ChannelHeader: m.bytes(&common.ChannelHeader{
				Type:      int32(common.HeaderType_ENDORSER_TRANSACTION),
				TxId:      hex.EncodeToString(transaction[:]),
				Timestamp: timestamppb.Now(),
				Extension: m.bytes(&peer.ChaincodeHeaderExtension{ChaincodeId: name}),
			}),
			SignatureHeader: m.bytes(&common.SignatureHeader{Creator: c.creator, Nonce: nonce}),
		}),
		Payload: m.bytes(&peer.ChaincodeProposalPayload{
			Input: m.bytes(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{
				Type: peer.ChaincodeSpec_GOLANG, ChaincodeId: name, Input: &peer.ChaincodeInput{Args: args},
			}}),
		}),
	})
	if m.err != nil {
		return nil, fmt.Errorf("couldn't encode a proposal: %w", m.err)
	}
	digest := sha256.Sum256(proposal)
	signature, err := c.sign(digest[:])
	if err != nil {
		return nil, fmt.Errorf("couldn't sign a proposal: %w", err)
	}
	return &peer.SignedProposal{ProposalBytes: proposal, Signature: signature}, nil
}

// A marshaller encodes nested messages, equal ones as equal bytes, and keeps the first error.
type marshaller struct{ err error }

func (m *marshaller) bytes(message proto.Message) []byte {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if m.err == nil {
		m.err = err
	}
	return encoded
}

// submit has the named organisations endorse a call, and returns once the transaction is committed as valid.
func (c *peerClient) submit(ctx context.Context, chaincode, function string, arg []byte, endorsers ...string) error {
	transaction, err := c.endorse(ctx, chaincode, function, arg, endorsers...)
	if err != nil {
		return err
	}
	commit, err := transaction.SubmitWithContext(ctx)
	if err != nil {
		return explain(err)
	}
	result, err := commit.StatusWithContext(ctx)
	if err != nil {
		return explain(err)
	}
	if !result.Successful {
		return fmt.Errorf("transaction %s was committed as %s", result.TransactionID, result.Code)
	}
	return nil
}

// endorse asks the named organisations to endorse a call. An attempt takes at most a few seconds, so that an
// organisation that wasn't ready is asked again soon.
func (c *peerClient) endorse(
	ctx context.Context,
	chaincode, function string,
	arg []byte,
	endorsers ...string,
) (*client.Transaction, error) {
	options := []client.ProposalOption{client.WithEndorsingOrganizations(endorsers...)}
	if arg != nil {
		options = append(options, client.WithBytesArguments(arg))
	}
	proposal, err := c.network.GetContract(chaincode).NewProposal(function, options...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	transaction, err := proposal.EndorseWithContext(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return transaction, checkPrepared(proposal, transaction)
}

// checkPrepared checks that what is about to be signed is what was proposed.
func checkPrepared(proposal, transaction interface{ Bytes() ([]byte, error) }) error {
	var proposed service.ProposedTransaction
	var answered service.PreparedTransaction
	for _, one := range []struct {
		from interface{ Bytes() ([]byte, error) }
		into proto.Message
	}{{proposal, &proposed}, {transaction, &answered}} {
		text, err := one.from.Bytes()
		if err != nil {
			return err
		}
		if err := proto.Unmarshal(text, one.into); err != nil {
			return err
		}
	}
	if err := prepared.Check(proposed.GetProposal(), answered.GetEnvelope()); err != nil {
		return fmt.Errorf("the peer returned a transaction that is not signed: %w", err)
	}
	return nil
}

// explain adds what the peers said to an error of the gateway service. The error's own text only counts them.
func explain(err error) error {
	if err == nil {
		return nil
	}
	for _, detail := range status.Convert(err).Details() {
		if d, ok := detail.(interface {
			GetMspId() string
			GetMessage() string
		}); ok {
			err = fmt.Errorf("%w (%s: %s)", err, d.GetMspId(), d.GetMessage())
		}
	}
	return err
}
