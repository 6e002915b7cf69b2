package ledger

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A peer whose TLS certificate has expired can't be reached, and the gateway's status says that this is why.
func TestTheStatusOfAPeerSaysThatItsCertificateHasExpired(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	of := &x509.Certificate{
		Subject: pkix.Name{CommonName: "peer0.harbor"}, SerialNumber: big.NewInt(1),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	require.NoError(t, err)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(roots, text, 0o600))
	server, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{NextProtos: []string{"h2"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	require.NoError(t, err)
	defer server.Close()
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake()
			conn.Close()
		}
	}()

	p, err := newPool(t.Context(), Config{
		Peers:     []Peer{{MSPID: "HarborMSP", Address: server.Addr().String(), TLSRoots: roots}},
		Keepalive: time.Minute, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	require.NoError(t, err)
	defer p.close()
	problem := func() string { return p.health()[0].Problem }
	require.Eventually(t, func() bool { return problem() != "not connected yet" }, time.Minute, 10*time.Millisecond)
	require.Equal(t, fmt.Sprintf("couldn't connect: the TLS certificate of peer0.harbor is valid from %s to %s: its "+
		"organisation must renew it", of.NotBefore.UTC().Format(time.RFC3339), of.NotAfter.UTC().Format(time.RFC3339)),
		problem())
}
