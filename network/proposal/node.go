package proposal

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// maxBlock is how large a message of a node may be. A block may reach 10 MB.
const maxBlock = 100 << 20

// nodePatience is how long a node may take to answer.
const nodePatience = 15 * time.Second

// A node is a peer or an orderer that is asked for blocks.
type node struct {
	address    string
	serverName string // the name in its TLS certificate; empty: the host of the address
	roots      []byte // PEM
	peer       bool
}

func (n node) dial() (*grpc.ClientConn, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(n.roots) {
		return nil, fmt.Errorf("there is no certificate of a TLS authority for %s", n.address)
	}
	return grpc.NewClient(n.address, grpc.WithNoProxy(),
		grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(pool, n.serverName)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxBlock)))
}

// A Configuration is the channel's configuration in force, as the organisation's own node has it.
type Configuration struct {
	Config *proof.Config
	// Hash is that of the header of the configuration's block.
	Hash []byte
}

// Configuration asks the organisation's own nodes, one after another, for the configuration that is in force. What the
// node says is believed: it is the organisation's own.
func (o *Organisation) Configuration(ctx context.Context) (*Configuration, error) {
	var failures []error
	for _, n := range o.nodes {
		c, err := o.ask(ctx, n)
		if err == nil {
			return c, nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", n.address, err))
	}
	return nil, exit.Unreachablef("couldn't get the channel's configuration from %s's own node: %w", o.MSPID,
		errors.Join(failures...))
}

func (o *Organisation) ask(ctx context.Context, n node) (*Configuration, error) {
	ctx, cancel := context.WithTimeout(ctx, nodePatience)
	defer cancel()
	conn, err := n.dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return o.configurationOn(ctx, conn, n.peer)
}

// askAt is ask for a place of the channel.
func (o *Organisation) askAt(ctx context.Context, p Place) (*Configuration, error) {
	var seen *x509.Certificate
	conn, err := p.dial(&seen)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return o.configurationOn(ctx, conn, p.Peer)
}

func (o *Organisation) configurationOn(
	ctx context.Context, conn *grpc.ClientConn, isPeer bool,
) (*Configuration, error) {
	newest, err := o.block(ctx, conn, isPeer, &orderer.SeekPosition{
		Type: &orderer.SeekPosition_Newest{Newest: &orderer.SeekNewest{}}})
	if err != nil {
		return nil, err
	}
	var number uint64 // the genesis block doesn't name itself
	if newest.Number > 0 {
		if number, err = newest.LastConfig(); err != nil {
			return nil, err
		}
	}
	found := newest
	if number != newest.Number {
		found, err = o.block(ctx, conn, isPeer, &orderer.SeekPosition{
			Type: &orderer.SeekPosition_Specified{Specified: &orderer.SeekSpecified{Number: number}}})
		if err != nil {
			return nil, err
		}
	}
	c, err := proof.OpenConfig(found)
	if err != nil {
		return nil, err
	}
	if c.Channel != o.Channel {
		return nil, fmt.Errorf("it answers with the channel %q instead of %q", c.Channel, o.Channel)
	}
	return &Configuration{Config: c, Hash: found.Hash()}, nil
}

// block asks a node for one block.
func (o *Organisation) block(
	ctx context.Context, conn *grpc.ClientConn, isPeer bool, at *orderer.SeekPosition,
) (*proof.Block, error) {
	info, err := proto.Marshal(&orderer.SeekInfo{Start: at, Stop: at, Behavior: orderer.SeekInfo_FAIL_IF_NOT_READY})
	if err != nil {
		return nil, err
	}
	request, err := o.message(common.HeaderType_DELIVER_SEEK_INFO, time.Now(), info)
	if err != nil {
		return nil, err
	}
	block, status, err := deliver(ctx, conn, isPeer, request)
	if err != nil {
		return nil, err
	}
	if block == nil {
		return nil, fmt.Errorf("it has no such block, or doesn't show it to %s (%s)", o.MSPID, status)
	}
	return proof.OpenBlock(block)
}

// deliver sends a request for one block, to a peer or to an orderer. Fabric has a service for each, which differ in
// their types only.
func deliver(
	ctx context.Context, conn *grpc.ClientConn, isPeer bool, request *common.Envelope,
) (*common.Block, common.Status, error) {
	ctx, cancel := context.WithCancel(ctx) // ends the stream
	defer cancel()
	if isPeer {
		stream, err := peer.NewDeliverClient(conn).Deliver(ctx)
		if err == nil {
			err = stream.Send(request)
		}
		if err != nil {
			return nil, 0, err
		}
		answer, err := stream.Recv()
		return answer.GetBlock(), answer.GetStatus(), err
	}
	stream, err := orderer.NewAtomicBroadcastClient(conn).Deliver(ctx)
	if err == nil {
		err = stream.Send(request)
	}
	if err != nil {
		return nil, 0, err
	}
	answer, err := stream.Recv()
	return answer.GetBlock(), answer.GetStatus(), err
}

// message makes a signed message of the channel that says when it was sent.
func (o *Organisation) message(kind common.HeaderType, sent time.Time, data []byte) (*common.Envelope, error) {
	channel, err := proto.Marshal(&common.ChannelHeader{
		Type: int32(kind), Timestamp: timestamppb.New(sent), ChannelId: o.Channel,
	})
	if err != nil {
		return nil, err
	}
	signature, err := proto.Marshal(o.header())
	if err != nil {
		return nil, err
	}
	payload, err := proto.Marshal(&common.Payload{
		Header: &common.Header{ChannelHeader: channel, SignatureHeader: signature}, Data: data,
	})
	if err != nil {
		return nil, err
	}
	sealed, err := o.signMessage(payload)
	return &common.Envelope{Payload: payload, Signature: sealed}, err
}
