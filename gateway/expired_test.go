package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// A caller whose certificate has expired is told so, and not that the ledger can't be reached.
func TestACallerWhoseCertificateHasExpiredIsToldSo(t *testing.T) {
	n := startNetwork(t)
	dir := t.TempDir()
	tokens := filepath.Join(dir, "tokens.json")
	text, err := json.Marshal(map[string]any{"tokens": []map[string]string{
		expiredCaller(t, filepath.Join(n.Dir(), "harbor", "ca"), dir),
		ownCaller(t, n.Dir()),
	}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(tokens, text, 0o600))
	_, d, _ := ownWith(t, "harbor", config.Config{Data: filepath.Join(dir, "data"), Tokens: tokens}, io.Discard)
	d.token = "operator"
	d.await(func() bool { return d.get("/readyz").status == http.StatusOK })

	d.token = "expired"
	answer := d.do(http.MethodPost, "/epcis/v2/events", observation(fresh("EXPIRED"), "2026-03-06T08:00:00Z"))
	assert.Equal(t, http.StatusForbidden, answer.status, string(answer.body))
	assert.Contains(t, string(answer.body), "expired at 2020-01-02T00:00:00Z: an operator must renew it")
	assert.NotContains(t, string(answer.body), "can't be reached")

	d.token = "operator"
	assert.Contains(t, string(d.get("/readyz").body),
		"these certificates have expired: HarborMSP identity of the token expired at 2020-01-02T00:00:00Z; renew them")
	assert.Contains(t, string(d.get("/metrics").body),
		`pedigree_certificate_expiry_timestamp_seconds{owner="HarborMSP",use="identity of the token expired"} 1.5779232e+09`)
}

// expiredCaller is an entry of a tokens file for a submitter with a certificate of an authority that has expired.
func expiredCaller(t *testing.T, authority, dir string) map[string]string {
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(authority, name))
		require.NoError(t, err)
		block, _ := pem.Decode(text)
		return block.Bytes
	}
	ca, err := x509.ParseCertificate(read("cert.pem"))
	require.NoError(t, err)
	caKey, err := x509.ParsePKCS8PrivateKey(read("key.pem"))
	require.NoError(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "expired", OrganizationalUnit: []string{"client"}},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}, ca, &key.PublicKey, caKey)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certificate, private := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	return caller("expired", "submitter", certificate, private)
}

// ownCaller is an entry for Harbor's operator.
func ownCaller(t *testing.T, network string) map[string]string {
	user := filepath.Join(network, "harbor", "users", "operator")
	return caller("operator", "operator", filepath.Join(user, "cert.pem"), filepath.Join(user, "key.pem"))
}

// caller is an entry of a tokens file. The token is its name.
func caller(name, role, certificate, key string) map[string]string {
	sum := sha256.Sum256([]byte(name))
	return map[string]string{
		"name": name, "role": role, "sha256": hex.EncodeToString(sum[:]), "mspId": "HarborMSP", "certificate": certificate, "key": key,
	}
}
