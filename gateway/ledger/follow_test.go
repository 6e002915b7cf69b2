package ledger

import (
	"cmp"
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
	"strings"
	"sync"
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

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
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
	fail   error  // after the last block; nil waits
	msp    string // HarborMSP if empty

	followed atomic.Int32 // streams without an end
}

func (d *deliverer) Deliver(stream peer.Deliver_DeliverServer) error {
	envelope, err := stream.Recv()
	if err != nil {
		return err
	}
	var payload common.Payload
	var seek orderer.SeekInfo
	if err := errors.Join(proto.Unmarshal(envelope.GetPayload(), &payload),
		proto.Unmarshal(payload.GetData(), &seek)); err != nil {
		return err
	}
	from, to, sent := seek.GetStart().GetSpecified().GetNumber(), seek.GetStop().GetSpecified().GetNumber(), 0
	if seek.GetStart().GetNewest() != nil {
		from = d.blocks[len(d.blocks)-1].GetHeader().GetNumber()
		to = from
	}
	for _, b := range d.blocks {
		if n := b.GetHeader().GetNumber(); n < from || n > to {
			continue
		}
		if d.change != nil {
			b = d.change(proto.Clone(b).(*common.Block))
		}
		if err := stream.Send(&peer.DeliverResponse{Type: &peer.DeliverResponse_Block{Block: b}}); err != nil {
			return err
		}
		sent++
	}
	if seek.GetBehavior() == orderer.SeekInfo_FAIL_IF_NOT_READY {
		status := common.Status_SUCCESS
		if sent == 0 {
			status = common.Status_NOT_FOUND
		}
		return stream.Send(&peer.DeliverResponse{Type: &peer.DeliverResponse_Status{Status: status}})
	}
	d.followed.Add(1)
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
	return Peer{MSPID: cmp.Or(d.msp, "HarborMSP"), Address: listener.Addr().String(), TLSRoots: certificate}
}

// realBlocks are those of testdata/blocks, up to block 5 or less. Blocks 1 and 2 aren't there, so that nobody can begin
// with block 0.
func realBlocks(t *testing.T, last uint64) []*common.Block {
	var blocks []*common.Block
	for _, name := range []string{"00", "03", "04", "05"} {
		if b := rawBlock(t, name); b.GetHeader().GetNumber() <= last {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// fromFour has Follow begin with block 4.
func fromFour(t *testing.T) Start {
	return Start{Number: 4, PreviousHash: headerHash(t, rawBlock(t, "03")), Genesis: headerHash(t, rawBlock(t, "00"))}
}

// follow runs Follow against peers until it has handed on both blocks or ends by itself.
func follow(t *testing.T, start Start, peers ...Peer) (numbers []uint64, err error) {
	return followUntil(t, start, func(*Client) bool { return false }, peers...)
}

// followUntil runs Follow until it has handed on block 5, ends by itself, or enough is true.
func followUntil(t *testing.T, start Start, enough func(*Client) bool, peers ...Peer) (numbers []uint64, err error) {
	c, err := Open(Config{Channel: "pedigree", Chaincode: "pedigree", MSPID: "HarborMSP", Peers: peers, Logger: quiet(),
		Patience: time.Millisecond})
	require.NoError(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var watching sync.WaitGroup
	watching.Go(func() {
		defer cancel()
		for tick := time.Tick(time.Millisecond); ctx.Err() == nil && !enough(c); {
			<-tick
		}
	})
	defer watching.Wait()
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

// resigned replaces the orderers' signatures of a block.
func resigned(t *testing.T, b *common.Block, change func([]*common.MetadataSignature) []*common.MetadataSignature) {
	var m common.Metadata
	require.NoError(t, proto.Unmarshal(b.Metadata.Metadata[common.BlockMetadataIndex_SIGNATURES], &m))
	m.Signatures = change(m.Signatures)
	text, err := proto.Marshal(&m)
	require.NoError(t, err)
	b.Metadata.Metadata[common.BlockMetadataIndex_SIGNATURES] = text
}

func TestAWrongBlockIsNotHandedOn(t *testing.T) {
	for name, change := range map[string]func(*common.Block){
		"it is another one than asked for":  func(b *common.Block) { b.Header.Number++ },
		"it does not follow the one before": func(b *common.Block) { b.Header.PreviousHash = dataHash(nil) },
		"its data was changed":              func(b *common.Block) { b.Data.Data[0][0] ^= 1 },
		"it is empty":                       func(b *common.Block) { b.Reset() },
		"its data was replaced, and the hash of the data": func(b *common.Block) {
			b.Data.Data = rawBlock(t, "03").Data.Data
			b.Header.DataHash = dataHash(b.Data.Data)
		},
		"a transaction was added, and the hash of the data made to agree": func(b *common.Block) {
			b.Data.Data = append(b.Data.Data, rawBlock(t, "03").Data.Data...)
			b.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER] = make([]byte, len(b.Data.Data))
			b.Header.DataHash = dataHash(b.Data.Data)
		},
		"nobody signed it": func(b *common.Block) {
			resigned(t, b, func([]*common.MetadataSignature) []*common.MetadataSignature { return nil })
		},
		"two of four orderers signed it": func(b *common.Block) {
			resigned(t, b, func(all []*common.MetadataSignature) []*common.MetadataSignature { return all[:2] })
		},
		"one orderer signed it three times": func(b *common.Block) {
			resigned(t, b, func(all []*common.MetadataSignature) []*common.MetadataSignature {
				return []*common.MetadataSignature{all[0], all[0], all[0]}
			})
		},
		"the signatures are of another block": func(b *common.Block) {
			b.Metadata.Metadata[common.BlockMetadataIndex_SIGNATURES] =
				rawBlock(t, "03").Metadata.Metadata[common.BlockMetadataIndex_SIGNATURES]
		},
	} {
		t.Run(name, func(t *testing.T) {
			lies := &deliverer{blocks: realBlocks(t, 5), change: func(b *common.Block) *common.Block {
				if b.GetHeader().GetNumber() >= 4 {
					change(b)
				}
				return b
			}}
			lying := serve(t, lies)
			var problem string
			numbers, err := followUntil(t, fromFour(t), func(c *Client) bool {
				problem = c.Health().FollowError
				return lies.followed.Load() > 1 && problem != ""
			}, lying)
			require.ErrorIs(t, err, context.Canceled, "it goes on asking")
			require.Empty(t, numbers)
			require.Contains(t, problem, "gave a wrong block")

			numbers, err = follow(t, fromFour(t), lying, serve(t, &deliverer{blocks: realBlocks(t, 5)}))
			require.ErrorIs(t, err, context.Canceled, "an honest peer is found")
			require.Equal(t, []uint64{4, 5}, numbers)
		})
	}
}

func TestAPeerThatKeepsAnotherLedgerIsLeft(t *testing.T) {
	start := fromFour(t)
	start.Genesis = dataHash(nil)
	var problem string
	numbers, err := followUntil(t, start, func(c *Client) bool {
		problem = c.Health().FollowError
		return strings.Contains(problem, "wrong_genesis")
	}, serve(t, &deliverer{blocks: realBlocks(t, 5)}))
	require.ErrorIs(t, err, context.Canceled, problem)
	require.Empty(t, numbers)
}

func TestACallersBlockThatIsNotOnTheLedgerIsFound(t *testing.T) {
	forged := fromFour(t)
	forged.PreviousHash = dataHash(nil)
	late := fromFour(t)
	late.Number, late.PreviousHash = 7, dataHash(nil)
	for name, c := range map[string]struct {
		start Start
		first uint64
	}{
		"the ledger has another block there": {forged, 3},
		"the ledger ends before it":          {late, 6},
	} {
		t.Run(name, func(t *testing.T) {
			numbers, err := follow(t, c.start, serve(t, &deliverer{blocks: realBlocks(t, 5)}))
			var fork *ForkError
			require.ErrorAs(t, err, &fork)
			require.Equal(t, c.first, fork.Number)
			require.Empty(t, numbers)
		})
	}
}

func TestAnotherOrganisationsPeerDoesNotMakeACallerDropItsBlocks(t *testing.T) {
	start := fromFour(t)
	short := &deliverer{blocks: realBlocks(t, 0), msp: "MarketMSP"}
	var problem string
	_, err := followUntil(t, start, func(c *Client) bool {
		problem = c.Health().FollowError
		return strings.Contains(problem, "has 1 blocks")
	}, serve(t, short))
	require.ErrorIs(t, err, context.Canceled, problem)

	forges := &deliverer{msp: "MarketMSP", blocks: realBlocks(t, 5), change: func(b *common.Block) *common.Block {
		b.Data.Data[0][50] ^= 1
		b.Header.DataHash = dataHash(b.Data.Data)
		return b
	}}
	_, err = followUntil(t, start, func(c *Client) bool {
		problem = c.Health().FollowError
		return problem != "" && !strings.Contains(problem, "no peer")
	}, serve(t, forges))
	require.ErrorIs(t, err, context.Canceled, problem)
}

// A peer that joined from a snapshot doesn't have the caller's last block. That is no reason to drop the caller's blocks.
func TestAPeerFromASnapshotDoesNotMakeACallerDropItsBlocks(t *testing.T) {
	all := realBlocks(t, 5)
	snapshot := serve(t, &deliverer{blocks: all[len(all)-1:]})
	problem := ""
	_, err := followUntil(t, fromFour(t), func(c *Client) bool {
		problem = c.Health().FollowError
		return strings.Contains(problem, "snapshot")
	}, snapshot)
	require.ErrorIs(t, err, context.Canceled, problem)
	require.Contains(t, problem, "doesn't have block 0: it joined from a snapshot")
	require.Contains(t, problem, "keep the index, and name a peer in the configuration that has all blocks")

	other := serve(t, &deliverer{blocks: all, msp: "MarketMSP"})
	numbers, err := follow(t, fromFour(t), snapshot, other)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []uint64{4, 5}, numbers, "another peer has all blocks")
}

func TestAStreamThatBreaksIsTakenUpWhereItBroke(t *testing.T) {
	d := &deliverer{blocks: realBlocks(t, 4), fail: status.Error(codes.Internal, "a broken stream")}
	rest := &deliverer{blocks: realBlocks(t, 5)}
	numbers, err := follow(t, fromFour(t), serve(t, d), serve(t, rest))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []uint64{4, 5}, numbers)
}

func TestWhatTheCallerSaysEndsTheStream(t *testing.T) {
	c, err := Open(Config{Channel: "pedigree", Chaincode: "pedigree", MSPID: "HarborMSP", Logger: quiet(),
		Peers: []Peer{serve(t, &deliverer{blocks: realBlocks(t, 5)})}})
	require.NoError(t, err)
	defer c.Close()
	full := errors.New("the disk is full")
	waiter := c.Commits().Register("never")
	defer waiter.Cancel()
	require.Equal(t, full, c.Follow(t.Context(), testIdentity(t), fromFour(t), func(*Block) error { return full }))
	require.Equal(t, uint64(4), c.Health().Height, "what wasn't taken wasn't handed on")
	require.False(t, c.Health().Following)
}

// What the orderers' signatures of a block cost, whatever its size.
func BenchmarkABlocksSignatures(b *testing.B) {
	genesis, err := openBlock(rawBlock(b, "00"))
	require.NoError(b, err)
	chain, err := proof.NewChain(genesis, genesis.Hash())
	require.NoError(b, err)
	opened, err := openBlock(rawBlock(b, "05"))
	require.NoError(b, err)
	for b.Loop() {
		require.NoError(b, chain.Config().CheckOrderers(opened))
	}
}
