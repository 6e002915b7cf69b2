package audit

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	fabric "github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/blockfile"
)

// Member is an identity to ask peers with. Peers answer only members of the channel.
type Member struct {
	creator []byte
	sign    fabric.Sign
}

// LoadMember reads a member's identity from its certificate and private key, both in PEM.
func LoadMember(mspID, certificateFile, keyFile string) (*Member, error) {
	text, err := os.ReadFile(certificateFile)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the certificate of %s: %w", mspID, err)
	}
	secret, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the private key of %s: %w", mspID, err)
	}
	certificate, err := fabric.CertificateFromPEM(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certificateFile, err)
	}
	key, err := fabric.PrivateKeyFromPEM(secret)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	m := new(Member)
	if m.sign, err = fabric.NewPrivateKeySign(key); err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	pem, err := fabric.CertificateToPEM(certificate)
	if err == nil {
		m.creator, err = proto.Marshal(&msp.SerializedIdentity{Mspid: mspID, IdBytes: pem})
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't use the identity of %s: %w", mspID, err)
	}
	return m, nil
}

func (m *Member) signature(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	signature, err := m.sign(digest[:])
	if err != nil {
		return nil, fmt.Errorf("couldn't sign: %w", err)
	}
	return signature, nil
}

// Peer is a running peer of the channel.
type Peer struct {
	// Address is the peer's host:port. ServerName is the name on its TLS certificate; if empty, the host. TLSRoots is a
	// PEM file with the authorities of its TLS certificate.
	Address, ServerName, TLSRoots string
	Channel                       string
	// As is the identity to ask with.
	As *Member

	height uint64
}

func (p *Peer) String() string { return "the peer at " + p.Address }

// Share counts blocks. The peer says how many it has.
func (p *Peer) Share(next uint64) (read, all int64) { return int64(next), int64(p.height) }

func (p *Peer) dial() (*grpc.ClientConn, error) {
	pem, err := os.ReadFile(p.TLSRoots)
	if err != nil {
		return nil, invalid("couldn't read the TLS roots of %s: %w", p, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, invalid("%s holds no certificate in PEM", p.TLSRoots)
	}
	name := p.ServerName
	if name == "" {
		if name, _, err = net.SplitHostPort(p.Address); err != nil {
			return nil, invalid("%q isn't host:port", p.Address)
		}
	}
	conn, err := grpc.NewClient(p.Address,
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12,
		})),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(blockfile.MaxBlock)),
		// Large windows, because blocks are read while others are judged.
		grpc.WithInitialWindowSize(8<<20), grpc.WithInitialConnWindowSize(8<<20))
	if err != nil {
		return nil, invalid("couldn't connect to %s: %w", p, err)
	}
	return conn, nil
}

// Blocks streams the peer's blocks, up to the newest one that it has at the time of the request.
func (p *Peer) Blocks(ctx context.Context, from uint64, take func(*common.Block) error) error {
	newest := &orderer.SeekPosition{Type: &orderer.SeekPosition_Newest{Newest: &orderer.SeekNewest{}}}
	return p.stream(ctx, from, newest, take)
}

// BlocksTo streams blocks up to one that the peer may not have yet. It waits for that block until ctx ends.
func (p *Peer) BlocksTo(ctx context.Context, from, last uint64, take func(*common.Block) error) error {
	stop := &orderer.SeekPosition{Type: &orderer.SeekPosition_Specified{Specified: &orderer.SeekSpecified{Number: last}}}
	return p.stream(ctx, from, stop, take)
}

func (p *Peer) stream(
	ctx context.Context,
	from uint64,
	stop *orderer.SeekPosition,
	take func(*common.Block) error,
) error {
	conn, err := p.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	// gRPC sends a deadline to the peer, and the peer may end the stream a moment before ctx ends. That would look as if
	// the peer had failed. So the stream has no deadline.
	streaming, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	seek, err := p.seek(from, stop)
	if err != nil {
		return err
	}
	stream, err := peer.NewDeliverClient(conn).Deliver(streaming)
	if err == nil {
		err = stream.Send(seek)
	}
	if err != nil && !errors.Is(err, io.EOF) { // after io.EOF, Recv returns the reason
		return unreachable("couldn't ask %s for its blocks: %s", p, status.Convert(err).Message())
	}
	for {
		answer, err := stream.Recv()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return unreachable("%s sent no more blocks: %s", p, status.Convert(err).Message())
		}
		switch m := answer.GetType().(type) {
		case *peer.DeliverResponse_Block:
			if err := take(m.Block); err != nil {
				return err
			}
		case *peer.DeliverResponse_Status:
			switch m.Status {
			case common.Status_SUCCESS, common.Status_NOT_FOUND, common.Status_BAD_REQUEST: // the peer has no more blocks
				return nil
			case common.Status_FORBIDDEN:
				return invalid("%s shows its blocks to members of the channel %q only", p, p.Channel)
			}
			return unreachable("%s sent no more blocks: it says %s", p, m.Status)
		}
	}
}

// seek makes a signed request for blocks.
func (p *Peer) seek(from uint64, stop *orderer.SeekPosition) (*common.Envelope, error) {
	info := &orderer.SeekInfo{
		Start: &orderer.SeekPosition{
			Type: &orderer.SeekPosition_Specified{Specified: &orderer.SeekSpecified{Number: from}},
		},
		Stop:     stop,
		Behavior: orderer.SeekInfo_BLOCK_UNTIL_READY,
	}
	data, err := proto.Marshal(info)
	if err != nil {
		return nil, err
	}
	header, err := header(&common.ChannelHeader{
		Type: int32(common.HeaderType_DELIVER_SEEK_INFO), Timestamp: timestamppb.Now(), ChannelId: p.Channel,
	}, &common.SignatureHeader{Creator: p.As.creator})
	if err != nil {
		return nil, err
	}
	payload, err := proto.Marshal(&common.Payload{Header: header, Data: data})
	if err != nil {
		return nil, err
	}
	signature, err := p.As.signature(payload)
	return &common.Envelope{Payload: payload, Signature: signature}, err
}

func header(channel *common.ChannelHeader, signature *common.SignatureHeader) (*common.Header, error) {
	c, err := proto.Marshal(channel)
	if err != nil {
		return nil, err
	}
	s, err := proto.Marshal(signature)
	return &common.Header{ChannelHeader: c, SignatureHeader: s}, err
}
