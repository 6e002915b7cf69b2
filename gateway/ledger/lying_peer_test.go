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
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// lyingPeer answers every endorsement with a transaction of its own.
type lyingPeer struct {
	gateway.UnimplementedGatewayServer
	payload []byte
}

func (p *lyingPeer) Endorse(context.Context, *gateway.EndorseRequest) (*gateway.EndorseResponse, error) {
	return &gateway.EndorseResponse{PreparedTransaction: &common.Envelope{Payload: p.payload}}, nil
}

func TestASubmitterSignsNothingThatItDidNotSay(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peer"}, DNSNames: []string{"peer"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certificate, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))

	peer := &lyingPeer{}
	server := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})))
	gateway.RegisterGatewayServer(server, peer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)

	c, err := Open(Config{Channel: "pedigree", Chaincode: "pedigree", MSPID: "HarborMSP", Logger: slog.New(slog.DiscardHandler),
		Peers: []Peer{{MSPID: "HarborMSP", Address: listener.Addr().String(), ServerName: "peer", TLSRoots: certificate}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	id, err := LoadIdentity("HarborMSP", certificate, keyFile)
	require.NoError(t, err)
	call, _ := artifact(t, "catch", "1", "cod")
	proposal, err := c.Propose(id, call, "key", 0)
	require.NoError(t, err)

	peer.payload = []byte("somebody else's records")
	_, err = c.Endorse(t.Context(), proposal)
	assert.Equal(t, Malformed, KindOf(err), "%v", err)

	peer.payload = append([]byte("around"), proposal.pack...)
	envelope, err := c.Endorse(t.Context(), proposal)
	require.NoError(t, err)
	assert.Equal(t, proposal.TransactionID, envelope.TransactionID)
}
