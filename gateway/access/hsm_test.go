//go:build pkcs11

package access

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/config"
)

const softHSM = "/usr/lib/softhsm/libsofthsm2.so"

// The keys of a caller are in SoftHSM, which is a module of PKCS #11 without hardware.
func TestAKeyInAModuleSigns(t *testing.T) {
	util, err := exec.LookPath("softhsm2-util")
	if err != nil {
		t.Skip("Debian's package softhsm2 isn't installed")
	}
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, text, 0o600))
		return path
	}
	t.Setenv("SOFTHSM2_CONF", file("softhsm2.conf", []byte("directories.tokendir = "+dir+"\n")))
	run := func(args ...string) {
		out, err := exec.Command(util, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	run("--init-token", "--free", "--label", "the harbor", "--so-pin", "5678", "--pin", "1234")
	made := func(id string) (*ecdsa.PublicKey, string) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		run("--import", file(id+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
			"--token", "the harbor", "--label", id, "--id", id, "--pin", "1234")
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: id},
			NotAfter: time.Now().Add(time.Hour)}
		certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		require.NoError(t, err)
		return &key.PublicKey, file(id+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	}
	public, certificate := made("01a4")
	_, other := made("01a5")
	pin := file("pin", []byte("1234\n"))
	hash := sha256.Sum256([]byte("token"))
	caller := config.Token{
		Name: "logger", Role: "submitter", SHA256: hex.EncodeToString(hash[:]), MSPID: "HarborMSP", Certificate: certificate,
		Key: "pkcs11:token=the%20harbor;id=%01%a4?module-path=" + softHSM + "&pin-source=file:" + pin,
	}
	refused := func(change func(*config.Token), why string) {
		t.Helper()
		c := caller
		change(&c)
		_, err := load(c)
		assert.ErrorContains(t, err, why)
	}
	refused(func(c *config.Token) { c.Certificate = other }, "isn't that of the certificate")
	refused(func(c *config.Token) { c.Key = strings.Replace(c.Key, "%a4", "%a6", 1) }, "01a6")
	refused(func(c *config.Token) { c.Key = strings.Replace(c.Key, "%20harbor", "%20port", 1) }, "the port")
	refused(func(c *config.Token) { c.Key = strings.Replace(c.Key, "libsofthsm2", "nothing", 1) }, "couldn't load the module")
	refused(func(c *config.Token) { c.Key += "s" }, "couldn't read the PIN")

	require.NoError(t, os.Chmod(pin, 0o644))
	refused(func(*config.Token) {}, "the PIN in "+pin+" can be read by others")
	require.NoError(t, os.Chmod(pin, 0o600))
	for range 2 { // the list of tokens is read again and again
		e, err := load(caller)
		require.NoError(t, err)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				message := []byte{byte(i)}
				digest := sha256.Sum256(message)
				signature, err := e.caller.Identity.Sign(message)
				assert.NoError(t, err)
				assert.True(t, ecdsa.VerifyASN1(public, digest[:], signature))
			})
		}
		all.Wait()
	}
}
