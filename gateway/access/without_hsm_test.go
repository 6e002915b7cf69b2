//go:build !pkcs11

package access

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/hsm"
)

func TestAProgramWithoutPKCS11SaysHowToBuildOne(t *testing.T) {
	dir := t.TempDir()
	pin, certificate := filepath.Join(dir, "pin"), filepath.Join(dir, "cert.pem")
	require.NoError(t, os.WriteFile(pin, []byte("1234"), 0o600))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	_, err = load(config.Token{
		Name: "logger", Role: "submitter", SHA256: strings.Repeat("00", 32), MSPID: "HarborMSP",
		Certificate: certificate,
		Key:         "pkcs11:token=harbor;id=%01?module-path=/module.so&pin-source=" + pin,
	})
	require.ErrorIs(t, err, hsm.ErrNotBuilt)
}
