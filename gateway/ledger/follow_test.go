package ledger

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// selfSigned makes a certificate for loopback, and returns the files of it and its key.
func selfSigned(t *testing.T) (certificate, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "loopback"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER)
}

func testIdentity(t *testing.T) *Identity {
	certificate, key := selfSigned(t)
	id, err := LoadIdentity("HarborMSP", certificate, key)
	require.NoError(t, err)
	return id
}

// deliverer is a peer that gives out blocks: the given ones, changed as a test wants.
type deliverer struct {
	peer.UnimplementedDeliverServer
	blocks []*common.Block
	change func(*common.Block) *common.Block
	fail   error // after the last block; nil waits
	opened atomic.Int32
}

func (d *deliverer) Deliver(stream peer.Deliver_DeliverServer) error {
	d.opened.Add(1)
	envelope, err := stream.Recv()
	if err != nil {
		return err
	}
	var payload common.Payload
	var seek orderer.SeekInfo
	if err := errors.Join(proto.Unmarshal(envelope.GetPayload(), &payload), proto.Unmarshal(payload.GetData(), &seek)); err != nil {
		return err
	}
	for _, b := range d.blocks {
		if b.GetHeader().GetNumber() < seek.GetStart().GetSpecified().GetNumber() {
			continue
		}
		if d.change != nil {
			b = d.change(proto.Clone(b).(*common.Block))
		}
		if err := stream.Send(&peer.DeliverResponse{Type: &peer.DeliverResponse_Block{Block: b}}); err != nil {
			return err
		}
	}
	if d.fail != nil {
		return d.fail
	}
	<-stream.Context().Done()
	return nil
}

// serve lets a deliverer listen, and returns it as a peer.
func serve(t *testing.T, d *deliverer) Peer {
	certificate, key := selfSigned(t)
	pair, err := tls.LoadX509KeyPair(certificate, key)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
	peer.RegisterDeliverServer(server, d)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return Peer{MSPID: "HarborMSP", Address: listener.Addr().String(), TLSRoots: certificate}
}

func twoBlocks(t *testing.T) []*common.Block {
	return []*common.Block{rawBlock(t, "04"), rawBlock(t, "05")}
}

// follow runs Follow against peers until it has handed on both blocks or ends by itself.
func follow(t *testing.T, start Start, peers ...Peer) (numbers []uint64, err error) {
	c, err := Open(Config{Channel: "pedigree", Chaincode: "pedigree", MSPID: "HarborMSP", Peers: peers, Logger: quiet()})
	require.NoError(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	id := testIdentity(t)
	err = c.Follow(ctx, id, start, func(b *Block) error {
		numbers = append(numbers, b.Number)
		if b.Number == 5 {
			cancel()
		}
		return nil
	})
	return numbers, err
}

func TestAWrongBlockIsNotHandedOn(t *testing.T) {
	hash := headerHash(rawBlock(t, "03").GetHeader())
	for name, change := range map[string]func(*common.Block) *common.Block{
		"it is another one than asked for": func(b *common.Block) *common.Block { b.Header.Number++; return b },
		"it does not follow the one before": func(b *common.Block) *common.Block {
			b.Header.PreviousHash = dataHash(nil)
			return b
		},
		"its data was changed": func(b *common.Block) *common.Block { b.Data.Data[0][0] ^= 1; return b },
		"it is empty":          func(b *common.Block) *common.Block { return new(common.Block) },
	} {
		t.Run(name, func(t *testing.T) {
			start := Start{Number: 4, PreviousHash: hash}
			lying := serve(t, &deliverer{blocks: twoBlocks(t), change: change})
			numbers, err := follow(t, start, lying)
			var bad *BlockError
			require.ErrorAs(t, err, &bad)
			require.Empty(t, numbers)

			numbers, err = follow(t, start, lying, serve(t, &deliverer{blocks: twoBlocks(t)}))
			require.ErrorIs(t, err, context.Canceled, "an honest peer is found")
			require.Equal(t, []uint64{4, 5}, numbers)
		})
	}
}

func TestAStreamThatBreaksIsTakenUpWhereItBroke(t *testing.T) {
	d := &deliverer{blocks: twoBlocks(t)[:1], fail: status.Error(codes.Internal, "a broken stream")}
	rest := &deliverer{blocks: twoBlocks(t)}
	numbers, err := follow(t, Start{Number: 4}, serve(t, d), serve(t, rest))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []uint64{4, 5}, numbers)
}

func TestWhatTheCallerSaysEndsTheStream(t *testing.T) {
	c, err := Open(Config{Channel: "pedigree", Chaincode: "pedigree", MSPID: "HarborMSP", Logger: quiet(), Peers: []Peer{serve(t, &deliverer{blocks: twoBlocks(t)})}})
	require.NoError(t, err)
	defer c.Close()
	full := errors.New("the disk is full")
	waiter := c.Commits().Register("never")
	defer waiter.Cancel()
	require.Equal(t, full, c.Follow(t.Context(), testIdentity(t), Start{Number: 4}, func(*Block) error { return full }))
	require.Equal(t, uint64(4), c.Health().Height, "what wasn't taken wasn't handed on")
	require.False(t, c.Health().Following)
}
