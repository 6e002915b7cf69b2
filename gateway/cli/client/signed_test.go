package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// TestALyingGatewayGetsNoSignature has a gateway send back what it likes. What a gateway can put into its answers is
// tested in package signing.
func TestALyingGatewayGetsNoSignature(t *testing.T) {
	dir := t.TempDir()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Ada"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	key, err := x509.MarshalECPrivateKey(private)
	require.NoError(t, err)
	s := Signer{key: filepath.Join(dir, "key.pem"), certificate: filepath.Join(dir, "cert.pem"), mspID: "HarborMSP"}
	require.NoError(t, os.WriteFile(s.key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key}), 0o600))
	require.NoError(t, os.WriteFile(s.certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ada, intent, err := s.Means(&Target{}, record.NounStatement,
		[]byte(`{"kind":"recall","subject":["https://id.gs1.org/01/09521321000018/10/A"],"predicate":{"reason":"thawed"}}`))
	require.NoError(t, err)

	for name, answer := range map[string]string{
		"nothing":               `{}`,
		"bytes of its own":      `{"proposal":"AAAA","digest":"00"}`,
		"another recorded":      `{"records":[{"kind":"recall"}],"recorded":{"id":"ni:///sha-256;00"}}`,
		"recorded, and no word": `{"records":[],"recorded":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.Path)
				var sent map[string]json.RawMessage
				assert.NoError(t, json.NewDecoder(r.Body).Decode(&sent))
				assert.NotContains(t, sent, "signature")
				_, _ = w.Write([]byte(answer))
			}))
			defer server.Close()
			_, _, err := New(server.URL, "token").RecordSigned(t.Context(), ada, intent)
			assert.Equal(t, exit.Refused, exit.Code(err), "%v", err)
			assert.ErrorContains(t, err, "nothing was signed")
			assert.Equal(t, []string{"/v1/prepare"}, asked)
		})
	}
	_, _, err = (&Signer{key: s.key, certificate: s.certificate}).Means(&Target{}, record.NounStatement, nil)
	assert.ErrorContains(t, err, "--msp", "the gateway isn't asked whose certificate it is")
}
