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
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
)

// bentPeer does what no real peer would.
type bentPeer struct {
	gateway.UnimplementedGatewayServer
	lie    func(*returned) // how its answers differ from an honest peer's
	hangs  bool            // answers nothing
	msp    string          // HarborMSP if empty
	height uint64          // 7 if zero
}

func (p *bentPeer) Endorse(ctx context.Context, request *gateway.EndorseRequest) (*gateway.EndorseResponse, error) {
	if p.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	answer, err := honest(request.GetProposedTransaction())
	if err != nil {
		return nil, err
	}
	if p.lie != nil {
		p.lie(answer)
	}
	return &gateway.EndorseResponse{PreparedTransaction: answer.envelope()}, nil
}

func (p *bentPeer) Evaluate(ctx context.Context, _ *gateway.EvaluateRequest) (*gateway.EvaluateResponse, error) {
	if p.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	info, err := proto.Marshal(&common.BlockchainInfo{Height: cmp.Or(p.height, 7)})
	return &gateway.EvaluateResponse{Result: &peer.Response{Status: 200, Payload: info}}, err
}

// bentNetwork is a client of such peers, in this order, and an identity.
func bentNetwork(t testing.TB, peers ...*bentPeer) (*Client, *Identity) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peer"},
		DNSNames:  []string{"peer"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certificate, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))

	cfg := Config{Channel: "pedigree", Chaincode: "pedigree", MSPID: "HarborMSP", Logger: slog.New(slog.DiscardHandler),
		EndorseTimeout: time.Hour, AnswerWithin: time.Second}
	for _, p := range peers {
		server := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})))
		gateway.RegisterGatewayServer(server, p)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(server.Stop)
		cfg.Peers = append(cfg.Peers, Peer{MSPID: cmp.Or(p.msp, "HarborMSP"), Address: listener.Addr().String(),
			ServerName: "peer", TLSRoots: certificate})
	}
	c, err := Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	id, err := LoadIdentity("HarborMSP", certificate, keyFile)
	require.NoError(t, err)
	return c, id
}

func TestACallMovesOnFromAPeerThatHangs(t *testing.T) {
	hung, works := &bentPeer{hangs: true}, &bentPeer{}
	c, id := bentNetwork(t, hung, works)
	call, _ := artifact(t, "catch", "1", "cod")
	proposal, err := c.Propose(id, call, "key", 0)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(c.pool.connected()) == 2 }, 10*time.Second, time.Millisecond)

	endorsed := make(chan error, 1)
	go func() { // goes to the first, which would keep it for an hour
		_, err := c.Endorse(t.Context(), proposal)
		endorsed <- err
	}()
	tip, err := c.Tip(t.Context(), id)
	require.NoError(t, err)
	assert.EqualValues(t, 7, tip.Height)
	require.NoError(t, <-endorsed)
	h := c.Health()
	assert.False(t, h.Peers[0].Usable)
	assert.True(t, h.Peers[1].Usable)
}

func TestPeersThatAllHangAreLeftAlone(t *testing.T) {
	// Then it may as well be this machine that is slow.
	c, id := bentNetwork(t, &bentPeer{hangs: true}, &bentPeer{hangs: true})
	require.Eventually(t, func() bool { return len(c.pool.connected()) == 2 }, 10*time.Second, time.Millisecond)
	_, err := c.Tip(t.Context(), id)
	require.Error(t, err)
	assert.True(t, c.Health().Peers[0].Usable)
}

func TestTheTipIsWhatItsOwnOrganisationOrMostOthersHaveReached(t *testing.T) {
	own := func(height uint64) *bentPeer { return &bentPeer{height: height} }
	other := func(msp string, height uint64) *bentPeer { return &bentPeer{msp: msp, height: height} }
	for name, c := range map[string]struct {
		peers     []*bentPeer
		height    uint64
		answered  int
		confirmed bool
	}{
		"the most that its own peers have":           {[]*bentPeer{own(7), own(9)}, 9, 1, true},
		"not what a single other one says":           {[]*bentPeer{own(9), other("MarketMSP", 1<<60), other("LabMSP", 8)}, 9, 3, true},
		"what two others say, if its own is behind":  {[]*bentPeer{own(9), other("MarketMSP", 12), other("LabMSP", 14)}, 12, 3, true},
		"what two peers of another say, is of one":   {[]*bentPeer{own(9), other("MarketMSP", 12), other("MarketMSP", 12), other("LabMSP", 8)}, 9, 3, true},
		"unconfirmed, if nobody else answers":        {[]*bentPeer{own(9), {msp: "MarketMSP", hangs: true}, {msp: "LabMSP", hangs: true}}, 9, 1, false},
		"confirmed by one of two others":             {[]*bentPeer{own(9), {msp: "MarketMSP", hangs: true}, other("LabMSP", 9)}, 9, 2, true},
		"its own, if one of two others is behind it": {[]*bentPeer{own(9), {msp: "MarketMSP", hangs: true}, other("LabMSP", 5)}, 9, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			client, id := bentNetwork(t, c.peers...)
			require.Eventually(t, func() bool { return len(client.pool.connected()) == len(c.peers) }, 10*time.Second,
				time.Millisecond)
			tip, err := client.Tip(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, c.height, tip.Height)
			assert.Equal(t, c.answered, tip.Answered)
			assert.Equal(t, c.confirmed, tip.Confirmed())
		})
	}
}
