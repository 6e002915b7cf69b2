package hostile

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// raw hands messages on as they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = slices.Clone(data); return nil }
func (raw) Name() string                       { return "raw" }

// liar is a member's peer behind a proxy that changes what it serves as its members say, and leaves everything else as
// it is.
type liar struct {
	behind *grpc.ClientConn
	forge  func(*common.Block) // nil serves blocks as they are
	forged atomic.Int32
	// answers are what it answers itself, by the full names of methods with one request.
	answers map[string]func(ctx context.Context, request []byte) (proto.Message, error)
}

// lie has a proxy listen in front of a member's peer, and returns it as a gateway's configuration names peers.
func lie(t *testing.T, m *Member, l *liar) config.Peer {
	t.Helper()
	l.behind = m.peer
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "liar"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	roots := filepath.Join(t.TempDir(), "liar.pem")
	require.NoError(t, os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	server := grpc.NewServer(
		grpc.Creds(credentials.NewServerTLSFromCert(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})),
		grpc.ForceServerCodec(raw{}), grpc.UnknownServiceHandler(l.pass),
	)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return config.Peer{MSPID: m.MSPID, Address: listener.Addr().String(), TLSRoots: roots}
}

// pass forwards one call of any method.
func (l *liar) pass(_ any, client grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(client)
	ctx, cancel := context.WithCancel(client.Context())
	defer cancel()
	if answer := l.answers[method]; answer != nil {
		var request []byte
		if err := client.RecvMsg(&request); err != nil {
			return err
		}
		reply, err := answer(ctx, request)
		if err != nil {
			return err
		}
		text := encode(reply)
		return client.SendMsg(&text)
	}
	real, err := l.behind.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method,
		grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(100<<20))
	if err != nil {
		return err
	}
	go func() {
		for {
			var m []byte
			if client.RecvMsg(&m) != nil {
				_ = real.CloseSend()
				return
			}
			if real.SendMsg(&m) != nil {
				return
			}
		}
	}()
	for {
		var m []byte
		if err := real.RecvMsg(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var answer peer.DeliverResponse
		if method == peer.Deliver_Deliver_FullMethodName && l.forge != nil && proto.Unmarshal(m, &answer) == nil &&
			answer.GetBlock().GetHeader().GetNumber() > 0 {
			l.forge(answer.GetBlock())
			l.forged.Add(1)
			m = encode(&answer)
		}
		if err := client.SendMsg(&m); err != nil {
			return err
		}
	}
}

// doubled puts a block's first transaction into it a second time, and makes the header agree. No orderer signed that.
func doubled(b *common.Block) {
	b.Data.Data = append(b.Data.Data, b.Data.Data[0])
	filter := b.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
	b.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER] = append(filter, filter[0])
	sum := sha256.Sum256(slices.Concat(b.Data.Data...))
	b.Header.DataHash = sum[:]
}

func (l *liar) String() string {
	return fmt.Sprintf("a peer that has forged %d blocks", l.forged.Load())
}
